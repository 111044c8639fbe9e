#include "app/app.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "api/jobs.hpp"
#include "app/command_line.hpp"
#include "app/detail/command_runs.hpp"
#include "app/detail/priced_catalog.hpp"
#include "app/detail/rag_prompts.hpp"
#include "app/detail/tracing.hpp"
#include "app/interrupt.hpp"
#include "core/fault.hpp"
#include "core/files.hpp"
#include "core/log.hpp"
#include "datasets/datasets.hpp"
#include "eval/evaluation_store.hpp"
#include "eval/online.hpp"
#include "langgraph/mount.hpp"
#include "prompts/prompts.hpp"
#include "trace/attachments.hpp"
#include "trace/evaluators.hpp"
#include "trace/feedback.hpp"
#include "trace/own_prices.hpp"
#include "trace/queues.hpp"
#include "trace/sessions.hpp"
#include "trace/shares.hpp"

namespace slipway::app {

namespace {

constexpr std::string_view database_file = "slipway.db";
constexpr std::string_view blobs_folder = "blobs";

/// A closed standard descriptor would be given to the next file that is opened, and a result or a
/// message would be written into the database. The wrong direction keeps a write an error.
void hold_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF)
      (void)::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

std::vector<store::Migration> all_migrations() {
  std::vector<store::Migration> all = rag::migrations();
  for (const auto& steps :
       {access::migrations(), api::migrations(), trace::price_migrations(),
        trace::session_migrations(), trace::feedback_migrations(), trace::attachment_migrations(),
        trace::queue_migrations(), trace::share_migrations(), trace::evaluator_migrations(),
        prompts::migrations(), datasets::migrations(), eval::online_migrations(),
        eval::evaluation_migrations(), langgraph::migrations()})
    all.insert(all.end(), steps.begin(), steps.end());
  return all;
}

/// Runs the command and turns what it returns, or throws, into an exit code.
int run_command(const CommandLine& line, App& app) {
  Result<int> code = [&]() -> Result<int> {
    try {
      TRY(arm_fault_from_environment());
      return line.run(app);
    } catch (const std::exception& error) {
      return fail(Code::internal, "unexpected failure, please report it: {}", error.what());
    }
  }();
  if (!code && code.error().code() == Code::cancelled && Interrupt::exit_code() != 0) {
    app.complain("interrupted");
    return Interrupt::exit_code();
  }
  if (!code) {
    app.complain(code.error().message());
    return exit_failed;
  }
  if (const auto written = app.out().status(); !written) {
    app.complain(written.error().message());
    return exit_failed;
  }
  return *code;
}

}  // namespace

int run(int argc, char** argv) {
  hold_standard_descriptors();
  Output out(STDOUT_FILENO);
  Output err(STDERR_FILENO);
  Interrupt interrupt;
  const CommandLine line = parse_command_line(argc, argv);
  if (!line.run) {
    out.write(line.out);
    err.write(line.err);
    return out.status() ? line.exit_code : exit_failed;
  }
  App app({.global = line.global,
           .streams = {.out = out,
                       .err = err,
                       .out_style = style_of(STDOUT_FILENO),
                       .err_style = style_of(STDERR_FILENO)},
           .command = line.command,
           .stop = interrupt.token()});
  return run_command(line, app);
}

App::App(Options options)
    : options_(std::move(options)), context_(Context(options_.stop).with_trace(make_trace_id())) {}

App::~App() = default;

Result<const LoadedConfig*> App::config() {
  if (config_ == nullptr) {
    config_ = std::make_unique<LoadedConfig>(TRY(load_config_again()));
    log::set_level(config_->config.log.level);
    log::set_json(config_->config.log.json);
  }
  return static_cast<const LoadedConfig*>(config_.get());
}

Result<LoadedConfig> App::load_config_again() const {
  ConfigSources sources{.file = options_.global.config, .environment = process_environment()};
  if (!options_.global.data.empty()) sources.options["$.data"] = {"--data", options_.global.data};
  if (!options_.global.log_level.empty())
    sources.options["$.log.level"] = {"--log-level", options_.global.log_level};
  return load_config(sources);
}

Result<std::filesystem::path> App::data_folder() {
  return std::filesystem::path(TRY(config())->config.data);
}

Result<models::Catalog*> App::catalog() {
  if (catalog_ == nullptr) {
    const Config& settings = TRY(config())->config;
    catalog_ = TRY(models::Catalog::open({.folders = {}, .configured = settings.models}));
  }
  return catalog_.get();
}

namespace {

Result<void> check_writable(const std::filesystem::path& folder) {
  const auto made = make_directories(folder);
  if (made && ::access(folder.c_str(), R_OK | W_OK | X_OK) == 0) return {};
  return fail(Code::unavailable,
              "the data folder '{}' cannot be written: {}; name another one with --data, or by "
              "'data' in slipway.yaml",
              folder.string(), made ? std::strerror(errno) : made.error().message());
}

}  // namespace

Result<void> App::open_store(DataFolder data) {
  if (database_ != nullptr) return {};
  const std::filesystem::path folder = TRY(data_folder());
  const std::filesystem::path file = folder / database_file;
  std::error_code ignored;
  const bool exists = std::filesystem::exists(file, ignored);
  if (!exists && data == DataFolder::must_exist)
    return fail(Code::not_found,
                "there is no data in '{}'; run 'slipway ingest' first, or name another folder "
                "with --data",
                folder.string());
  const bool stays_in_memory = !exists && data == DataFolder::stays_unmade;
  if (!stays_in_memory) TRY(check_writable(folder));
  database_ = TRY(store::Database::open(
      {.path = stays_in_memory ? std::filesystem::path(":memory:") : file}, all_migrations()));
  blobs_ = stays_in_memory ? store::BlobStore::in_memory()
                           : TRY(store::BlobStore::open(folder / blobs_folder));
  return {};
}

Result<store::Database*> App::database(DataFolder data) {
  TRY(open_store(data));
  return database_.get();
}

Result<store::BlobStore*> App::blobs(DataFolder data) {
  TRY(open_store(data));
  return blobs_.get();
}

Result<detail::CommandRuns*> App::runs(DataFolder data) {
  if (runs_ == nullptr) {
    const Config& settings = TRY(config())->config;
    TRY(open_store(data));
    TRY(catalog());
    const auto folder = TRY(data_folder());
    runs_ = std::make_unique<detail::CommandRuns>(
        detail::CommandRuns::Options{.config = settings,
                                     .database = *database_,
                                     .catalog = *catalog_,
                                     .traces = detail::traces_folder(folder),
                                     .note = [this](const std::string& line) { note(line); }});
  }
  return runs_.get();
}

Result<models::Catalog*> App::priced_catalog(DataFolder data) {
  if (priced_catalog_ == nullptr) {
    TRY(runs(data));
    priced_catalog_ = detail::make_priced_catalog(
        {.catalog = catalog_,
         .book = [runs = runs_.get()] { return runs->prices(); },
         .traced_model =
             [runs = runs_.get()](const std::string& name) { return runs->traced_model(name); }});
  }
  return priced_catalog_.get();
}

Result<rag::Library*> App::library(DataFolder data) {
  if (library_ == nullptr) {
    const Config& settings = TRY(config())->config;
    TRY(runs(data));
    TRY(priced_catalog(data));
    const auto names = [runs = runs_.get()](const std::string& name) {
      return runs->traced_model(name);
    };
    library_ = TRY(rag::Library::open(
        {.database = *database_,
         .blobs = *blobs_,
         .catalog = *priced_catalog_,
         .segments = database_->path().parent_path() / "segments",
         .declared = settings.collections,
         .default_embedder = settings.defaults.embedder,
         .default_chat_model = settings.defaults.chat_model,
         .recorder = runs_->recorder(),
         .traced_model = names,
         .erase_traces =
             [runs = runs_.get()](const Context& context, const std::string& document) {
               return runs->erase_document(context, document);
             },
         .prompts = detail::rag_prompts(*database_)}));
  }
  return library_.get();
}

Result<std::string> App::collection_or_default(const std::string& named) {
  if (!named.empty()) return named;
  return TRY(config())->config.defaults.collection;
}

void App::print_json(const json::Value& value) {
  print(out_style().is_terminal ? json::dump_pretty(value) : json::dump(value) + "\n");
}

void App::note(std::string_view line) {
  if (!options_.global.quiet) err().write(fmt::format("{}\n", line));
}

void App::complain(std::string_view message) {
  const std::string space = options_.command.empty() ? "" : " ";
  err().write(fmt::format("{}{}\n",
                          err_style().bold("slipway" + space + options_.command + ":") + " ",
                          printable(message)));
}

int App::wrong_use(const Error& error) {
  complain(error.message());
  err().write(fmt::format("See 'slipway {} --help'.\n", options_.command));
  return exit_wrong_use;
}

}  // namespace slipway::app
