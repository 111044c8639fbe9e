// Each check looks at the thing itself, not at a sign of it: the embedder embeds, the sandboxed
// child tries to open a file, the blobs are hashed.
#include <linux/landlock.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "app/commands.hpp"
#include "app/cpu.hpp"
#include "core/files.hpp"
#include "core/sandbox.hpp"
#include "trace/own_prices.hpp"

namespace slipway::app {

namespace {

enum class CheckState { ok, warn, fail };
BOOST_DESCRIBE_ENUM(CheckState, ok, warn, fail)

struct Check {
  std::string name;
  CheckState state = CheckState::ok;
  std::string message;
  std::string remedy;  ///< Empty when there is nothing to do.
};
BOOST_DESCRIBE_STRUCT(Check, (), (name, state, message, remedy))

using Checks = std::vector<Check>;

void add_error(Checks& checks, const std::string& name, const Error& error,
               const std::string& remedy) {
  checks.push_back({name, CheckState::fail, error.message(), remedy});
}

void check_cpu(Checks& checks) {
  if (is_cpu_supported())
    checks.push_back({"processor", CheckState::ok, "has AVX2, FMA and BMI2", ""});
  else
    checks.push_back({"processor", CheckState::fail, "has no AVX2, FMA or BMI2",
                      "build Slipway with -march for this processor"});
}

void check_pdftotext(Checks& checks) {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t cut = rest.find(':');
    const std::string program = std::string(rest.substr(0, cut)) + "/pdftotext";
    if (::access(program.c_str(), X_OK) == 0) {
      checks.push_back({"pdftotext", CheckState::ok, program, ""});
      return;
    }
    rest.remove_prefix(cut == std::string_view::npos ? rest.size() : cut + 1);
  }
  checks.push_back({"pdftotext", CheckState::warn, "is not in PATH; PDF files cannot be read",
                    "apt-get install poppler-utils"});
}

Result<std::string> try_to_escape(std::string_view) {
  return std::string(::access("/etc/passwd", R_OK) == 0 ? "open" : "closed");
}
const SandboxRegistration escape_entry("doctor-try-to-escape", &try_to_escape);

void check_sandbox(const Context& context, Checks& checks) {
  const auto tried = run_sandboxed(context, "doctor-try-to-escape", "", SandboxLimits{});
  if (!tried) {
    add_error(checks, "sandbox", tried.error(), "PDF and HTML files cannot be read without it");
    return;
  }
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, std::size_t{0},
                             LANDLOCK_CREATE_RULESET_VERSION);
  const std::string landlock = abi > 0 ? fmt::format("Landlock ABI {}", abi) : "no Landlock";
  if (tried->out != "closed")
    checks.push_back({"sandbox", CheckState::fail,
                      "a sandboxed child can reach files (" + landlock + ")",
                      "use a kernel with seccomp, or ingest only documents that you trust"});
  else if (abi <= 0)
    checks.push_back({"sandbox", CheckState::warn,
                      "children cannot reach files or the network, but this kernel has no Landlock",
                      "use Linux 5.13 or newer with Landlock for a second wall"});
  else
    checks.push_back(
        {"sandbox", CheckState::ok, "children cannot reach files or the network, " + landlock, ""});
}

void check_config(App& app, Checks& checks) {
  const auto loaded = app.config();
  if (!loaded)
    add_error(checks, "configuration", loaded.error(),
              "correct the file; see slipway config check");
  else
    checks.push_back({"configuration", CheckState::ok,
                      (*loaded)->file.empty() ? "no slipway.yaml here, the defaults hold"
                                              : (*loaded)->file.string(),
                      ""});
}

Result<std::string> try_embedder(App& app, const std::string& name) {
  const auto embedder = TRY(TRY(app.catalog())->embedder(app.context(), name));
  const auto vector =
      TRY(embedder->embed_one(app.context(), "Is anybody there?", models::TextRole::query));
  return fmt::format("{} gives {} dimensions", name, vector.size());
}

Result<std::string> try_chat_model(App& app, const std::string& name) {
  const auto model = TRY(TRY(app.catalog())->chat_model(app.context(), name));
  return fmt::format("{} reads {} tokens of context", name, model->context_tokens_max());
}

/// Installed models against the hashes in their manifests.
Result<void> check_model_files(App& app, Checks& checks) {
  std::size_t installed = 0;
  for (const models::ModelInfo& model : TRY(TRY(app.catalog())->list())) {
    installed += model.state == "installed";
    if (model.state == "damaged")
      checks.push_back({"models", CheckState::fail, model.name + ": " + model.description,
                        "delete the model's folder and install it again"});
  }
  checks.push_back({"models", CheckState::ok,
                    fmt::format("{} installed, their files are as they were", installed), ""});
  return {};
}

void check_models(App& app, Checks& checks) {
  const auto loaded = app.config();
  if (!loaded) return;  // Said already.
  if (const auto files = check_model_files(app, checks); !files)
    add_error(checks, "models", files.error(), "");
  const Defaults& defaults = (*loaded)->config.defaults;
  const auto embedder = try_embedder(app, defaults.embedder);
  if (embedder)
    checks.push_back({"embedder", CheckState::ok, *embedder, ""});
  else
    add_error(checks, "embedder", embedder.error(), "nothing can be ingested or searched without");
  const auto chat_model = try_chat_model(app, defaults.chat_model);
  if (chat_model)
    checks.push_back({"chat model", CheckState::ok, *chat_model, ""});
  else
    checks.push_back({"chat model", CheckState::warn, chat_model.error().message(),
                      "until then answers are quoted, not written (ask --mode extract)"});
}

void check_prices(Checks& checks) {
  const auto rows = trace::read_shipped_prices(trace::shipped_prices_folder());
  if (rows && !rows->empty())
    checks.push_back(
        {"prices", CheckState::ok,
         fmt::format("{} models, {}", group_digits(static_cast<std::int64_t>(rows->size())),
                     rows->front().source),
         ""});
  else
    checks.push_back({"prices", CheckState::warn,
                      rows ? "the table of prices is empty" : rows.error().message(),
                      "install Slipway again; until then only prices of slipway.yaml are known"});
}

void check_disk(App& app, Checks& checks) {
  constexpr std::uint64_t bytes_wanted = 1'000'000'000;
  constexpr std::uint64_t bytes_needed = 100'000'000;
  const auto data = app.data_folder();
  if (!data) return;
  std::error_code ignored;
  std::filesystem::path folder = std::filesystem::absolute(*data, ignored);
  while (folder.has_parent_path() && folder != folder.parent_path() &&
         !std::filesystem::exists(folder, ignored))
    folder = folder.parent_path();
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) {
    checks.push_back(
        {"disk", CheckState::warn, "free space of " + folder.string() + " is unknown", ""});
    return;
  }
  const std::uint64_t free = info.f_bavail * static_cast<std::uint64_t>(info.f_frsize);
  const CheckState state = free < bytes_needed   ? CheckState::fail
                           : free < bytes_wanted ? CheckState::warn
                                                 : CheckState::ok;
  checks.push_back({"disk", state,
                    fmt::format("{} free at {}", format_bytes(free), folder.string()),
                    state == CheckState::ok ? "" : "free some space, or name another --data"});
}

void add_faults(Checks& checks, const std::string& name, const std::vector<std::string>& faults,
                const std::string& sound, const std::string& remedy) {
  if (faults.empty()) checks.push_back({name, CheckState::ok, sound, ""});
  for (const std::string& fault : faults) checks.push_back({name, CheckState::fail, fault, remedy});
}

void check_data(App& app, bool repair, Checks& checks) {
  const auto database = app.database();
  if (!database && database.error().code() == Code::not_found) {
    checks.push_back({"data", CheckState::ok, "nothing ingested yet", ""});
    return;
  }
  if (!database) {
    add_error(checks, "database", database.error(), "restore the data folder from a backup");
    return;
  }
  const auto faults = (*database)->check(app.context());
  if (!faults)
    add_error(checks, "database", faults.error(), "restore slipway.db from a backup");
  else
    add_faults(checks, "database", *faults, (*database)->path().string() + " is sound",
               "restore slipway.db from a backup");
  const auto library = app.library();
  if (!library) {
    add_error(checks, "library", library.error(), "");
    return;
  }
  auto lines = (*library)->check(app.context(), repair);
  if (lines && repair && !lines->empty()) {
    // What was done is news, not a fault: a second look tells whether it helped.
    for (const std::string& line : *lines) checks.push_back({"repair", CheckState::warn, line, ""});
    lines = (*library)->check(app.context(), false);
  }
  if (!lines)
    add_error(checks, "library", lines.error(), "");
  else
    add_faults(checks, "library", *lines, "texts, chunks and vectors agree",
               repair ? "ingest the documents again" : "slipway doctor --repair");
}

std::string render_check(const Check& check, const Style& style) {
  const std::string state = check.state == CheckState::ok     ? style.green("ok  ")
                            : check.state == CheckState::warn ? style.yellow("warn")
                                                              : style.red("FAIL");
  std::string line = fmt::format("{}  {:<13}  {}\n", state, check.name, printable(check.message));
  if (!check.remedy.empty()) line += fmt::format("      {:<13}  -> {}\n", "", check.remedy);
  return line;
}

}  // namespace

Result<int> doctor(App& app, const DoctorOptions& options) {
  Checks checks;
  check_cpu(checks);
  check_disk(app, checks);
  check_pdftotext(checks);
  check_sandbox(app.context(), checks);
  check_config(app, checks);
  check_models(app, checks);
  check_prices(checks);
  check_data(app, options.repair, checks);
  TRY(app.context().check());
  const bool is_well = std::none_of(checks.begin(), checks.end(), [](const Check& check) {
    return check.state == CheckState::fail;
  });
  if (app.options().json)
    app.print_json(json::Object{{"ok", is_well}, {"checks", json::to(checks)}});
  else
    for (const Check& check : checks) app.print(render_check(check, app.out_style()));
  return is_well ? exit_done : exit_failed;
}

}  // namespace slipway::app
