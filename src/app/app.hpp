// The one place where objects are wired: configuration, database, blobs, models, library.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "app/config.hpp"
#include "app/terminal.hpp"
#include "core/context.hpp"
#include "rag/library.hpp"

namespace slipway::app::detail {
class CommandRuns;
}

namespace slipway::app {

/// The whole program: parses, runs one command, gives its exit code. Exit codes: 0 done; 1 failed,
/// or some documents failed; 2 wrong use; 130 after Ctrl-C.
int run(int argc, char** argv);

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_wrong_use = 2;

/// Options that every command has.
struct GlobalOptions {
  std::string data;    ///< Empty: from the configuration.
  std::string config;  ///< Empty: ./slipway.yaml if it is there.
  std::string log_level;
  bool json = false;
  bool quiet = false;
};

/// Where a command writes: results to `out`, everything else to `err`.
struct Streams {
  Output& out;
  Output& err;
  Style out_style;
  Style err_style;
};

/// Whether a command makes the data folder when there is none.
enum class DataFolder { must_exist, may_be_made, stays_unmade };

/// What a command works with. Everything is opened when it is first asked for, so a command that
/// needs no models or no database starts at once. For one thread; what it opens is thread safe.
class App {
 public:
  struct Options {
    GlobalOptions global;
    Streams streams;
    std::string command;  ///< "models list": in front of messages.
    std::stop_token stop;
  };
  explicit App(Options options);
  ~App();

  const GlobalOptions& options() const { return options_.global; }
  const Context& context() const { return context_; }

  Result<const LoadedConfig*> config();
  /// What the file and the environment say now, for a server that reads them anew. `config` keeps
  /// what it had.
  Result<LoadedConfig> load_config_again() const;
  Result<std::filesystem::path> data_folder();
  Result<models::Catalog*> catalog();
  /// The same, with the table's prices where the configuration says none.
  Result<models::Catalog*> priced_catalog(DataFolder data = DataFolder::must_exist);
  /// Fails: not_found when `must_exist` and nothing was ingested there yet.
  Result<store::Database*> database(DataFolder data = DataFolder::must_exist);
  Result<store::BlobStore*> blobs(DataFolder data = DataFolder::must_exist);
  Result<rag::Library*> library(DataFolder data = DataFolder::must_exist);
  /// What this command did, as traces; written when it ends.
  Result<detail::CommandRuns*> runs(DataFolder data = DataFolder::must_exist);
  /// Tests bring their own.
  void use_library(std::unique_ptr<rag::Library> library) { library_ = std::move(library); }

  /// Where runs of this command stand: in a trace of its own.
  trace::Origin origin() const { return {.trace_id = context_.trace_id()}; }
  /// The collection a command means: what it named, else the configured default.
  Result<std::string> collection_or_default(const std::string& named);

  Output& out() { return options_.streams.out; }
  Output& err() { return options_.streams.err; }
  const Style& out_style() const { return options_.streams.out_style; }
  const Style& err_style() const { return options_.streams.err_style; }
  /// Indented on a terminal, one line elsewhere.
  void print_json(const json::Value& value);
  void print(std::string_view text) { out().write(text); }
  /// A line on stderr for the person at the terminal; not with --quiet.
  void note(std::string_view line);
  /// "slipway ask: <message>" on stderr.
  void complain(std::string_view message);
  /// The request is wrong: complains, points to --help, gives the exit code.
  int wrong_use(const Error& error);

 private:
  Result<void> open_store(DataFolder data);

  Options options_;
  Context context_;
  std::unique_ptr<LoadedConfig> config_;
  std::shared_ptr<models::Catalog> catalog_;
  std::unique_ptr<store::Database> database_;
  std::unique_ptr<store::BlobStore> blobs_;
  std::unique_ptr<detail::CommandRuns> runs_;
  std::shared_ptr<models::Catalog> priced_catalog_;  ///< Borrows `runs_`.
  std::unique_ptr<rag::Library> library_;            // Last: it borrows the others.
};

}  // namespace slipway::app
