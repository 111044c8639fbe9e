// The commands of the program: what each is told, and how it is run. Options hold what was written
// on the command line; a command gives its exit code, or the error that ended it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/app.hpp"

namespace slipway::app {

struct IngestOptions {
  std::vector<std::string> sources;
  std::string collection;
  std::vector<std::string> metadata;  ///< "key=value"
  std::vector<std::string> include;
  std::vector<std::string> exclude;
  bool sync = false;
  bool dry_run = false;
  std::optional<std::size_t> chunk_size;
  std::optional<std::size_t> chunk_overlap;
  std::string splitter;
  std::string embedder;
  std::string password;  ///< The password, env:NAME or file:PATH.
};
Result<int> ingest(App& app, const IngestOptions& options);
/// "year=2024" -> {"year": 2024}. Numbers and booleans are typed, everything else is a string.
Result<json::Object> parse_metadata(const std::vector<std::string>& entries);

struct SourcesOptions {
  std::vector<std::string> names;  ///< Empty: all.
  bool due = false;                ///< Only those whose time has come.
};
Result<int> sources_list(App& app);
Result<int> sources_run(App& app, const SourcesOptions& options);
/// Runs what is due until it is stopped.
Result<int> sources_watch(App& app);

struct SearchOptions {
  std::string query;
  std::string collection;
  int limit = 10;
  std::string mode;    ///< Empty: the collection's, else hybrid.
  std::string filter;  ///< JSON
  bool rerank = false;
  std::string reranker;
  int candidates = 50;
  bool collapse = false;
  std::optional<double> mmr;
  std::string expand = "none";
  std::string version;  ///< A number or a name; empty: the current one.
  bool explain = false;
};
Result<int> search(App& app, const SearchOptions& options);

struct AskOptions {
  std::string question;
  std::string collection;
  std::string mode = "auto";
  int limit = 8;
  std::string model;
  std::string filter;  ///< JSON
  std::optional<double> budget_usd;
  std::uint64_t seed = 0;
  std::string unsupported = "drop";  ///< drop, mark
  bool rerank = false;
  std::string reranker;
  std::string version;  ///< A number or a name; empty: the current one.
  bool pin = false;
  std::string prompt;  ///< "answer@production"; empty: the collection's.
  std::string replay;  ///< A receipt id; then there is no question.
  bool rerun = false;
};
Result<int> ask(App& app, const AskOptions& options);

/// The filter of a command line. Fails: invalid_argument.
Result<std::optional<json::Value>> parse_filter(const std::string& text);

Result<int> models_list(App& app);
Result<int> models_pull(App& app, const std::vector<std::string>& names);
struct ImportOptions {
  std::string path;
  std::string name;  ///< Empty: from the file name.
};
Result<int> models_import(App& app, const ImportOptions& options);

Result<int> config_check(App& app);
Result<int> config_show(App& app);
Result<int> config_schema_command(App& app);

Result<int> collections_list(App& app);
Result<int> collections_show(App& app, const std::string& name);
struct DeleteOptions {
  std::string name;
  bool yes = false;  ///< Do not ask.
};
Result<int> collections_delete(App& app, const DeleteOptions& options);
struct MigrateOptions {
  std::string name;
  std::string embedder;
  std::string splitter;
  std::optional<std::size_t> chunk_size;
  std::optional<std::size_t> chunk_overlap;
  std::string gold;  ///< A file, one question a line: {"input":"...","relevance":{"guide.md":1}}
  double margin = 0;
  int limit = 10;
};
/// Exit code 1 when the gate did not hold.
Result<int> collections_migrate(App& app, const MigrateOptions& options);
Result<int> collections_rollback(App& app, const std::string& name);

struct VersionOptions {
  std::string collection;
  std::string name;
  std::string version;
};
Result<int> versions_list(App& app, const VersionOptions& options);
Result<int> versions_snapshot(App& app, const VersionOptions& options);
Result<int> versions_drop(App& app, const VersionOptions& options);
struct CompareOptions {
  std::string collection;
  std::string from, to;
  std::string queries;  ///< A file, one query a line.
  int limit = 10;
};
Result<int> versions_compare(App& app, const CompareOptions& options);
/// The version that a command line names; nothing when it names none.
Result<std::optional<std::int64_t>> version_of(App& app, const std::string& collection,
                                               const std::string& version);

struct IndexOptions {
  std::string collection;
  std::size_t recall = 50;  ///< Queries to measure recall by; 0: do not.
};
Result<int> index_stats(App& app, const IndexOptions& options);
Result<int> index_optimize(App& app, const IndexOptions& options);

struct DocumentsOptions {
  std::string collection;
  int limit = 100;
  std::string cursor;
};
Result<int> documents_list(App& app, const DocumentsOptions& options);
Result<int> documents_text(App& app, const std::string& id);
Result<int> documents_delete(App& app, const std::vector<std::string>& ids);

struct ServeOptions {
  std::string host;         ///< Empty: from the configuration.
  std::optional<int> port;  ///< 0: any free one.
};
/// Serves until SIGTERM or Ctrl-C.
Result<int> serve(App& app, const ServeOptions& options);

/// What is empty is not asked for.
struct TracesOptions {
  std::string url, key;  ///< Of a server; empty: the data folder.
  std::string id;        ///< Of a trace.
  std::string project, status, kind, model, user, session, from, to, text, filter, sort, cursor;
  /// Files of these kinds; both empty: lines of JSON on the terminal.
  std::string parquet, sql;
  int limit = 20;
};
Result<int> traces_list(App& app, const TracesOptions& options);
Result<int> traces_show(App& app, const TracesOptions& options);
Result<int> traces_export(App& app, const TracesOptions& options);

struct KeyOptions {
  std::string name;
  std::string role = "write";
  std::vector<std::string> models;
  std::string expires;
  std::string requests, tokens;  ///< Rates: "100/min".
};
Result<int> keys_list(App& app);
/// Prints the secret, this once.
Result<int> keys_create(App& app, const KeyOptions& options);
Result<int> keys_revoke(App& app, const std::string& name);

struct DoctorOptions {
  bool repair = false;
};
Result<int> doctor(App& app, const DoctorOptions& options);

Result<int> completion(App& app, const std::string& shell);

}  // namespace slipway::app
