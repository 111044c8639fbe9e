// slipway.yaml: what it may say, where it is found, and where each effective value comes from.
//
// Layers, the later wins: defaults of the C++ structs, the file, the environment
// (SLIPWAY__SECTION__KEY), the command line. Nothing is adjusted silently: an unknown key or a
// value out of range is an error that names file, line, key and remedy.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "access/access.hpp"
#include "agents/declared.hpp"
#include "app/mcp_config.hpp"
#include "budgets/alerts.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "eval/online_config.hpp"
#include "gateway/config.hpp"
#include "models/catalog.hpp"
#include "rag/library.hpp"
#include "trace/config.hpp"

namespace slipway::app {

/// What a command uses that names nothing else.
struct Defaults {
  std::string embedder = std::string(models::default_embedder);
  std::string chat_model = std::string(models::default_chat_model);
  std::string collection = "default";
};
BOOST_DESCRIBE_STRUCT(Defaults, (), (embedder, chat_model, collection))

struct LogConfig {
  log::Level level = log::Level::warning;
  bool json = false;  ///< One JSON object a line instead of text for people.
};
BOOST_DESCRIBE_STRUCT(LogConfig, (), (level, json))

/// Who we are to servers that documents come from.
struct ConnectorsConfig {
  std::vector<connectors::Credentials> credentials;
};
BOOST_DESCRIBE_STRUCT(ConnectorsConfig, (), (credentials))

/// Sources that are brought in together, again and again.
struct SourceConfig {
  std::vector<std::string> from;  ///< As on the command line of `ingest`.
  std::string collection;         ///< Empty: `defaults.collection`.
  std::string every;              ///< "30m", "6h", "1d", "1w"; empty: only when it is asked for.
  bool sync = true;               ///< Delete documents that are gone.
  std::vector<std::string> include, exclude;
  json::Object metadata;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(SourceConfig, (), (from, collection, every, sync, include, exclude, metadata))

/// How `slipway serve` is reached.
struct TlsConfig {
  std::string cert;       ///< A PEM file with the chain. Empty: no TLS.
  std::string key;        ///< A PEM file.
  std::string client_ca;  ///< Clients must prove a certificate of these.
};
BOOST_DESCRIBE_STRUCT(TlsConfig, (), (cert, key, client_ca))

struct ServerConfig {
  std::string host = "127.0.0.1";  ///< Any other than loopback demands keys.
  int port = 8700;                 ///< 0: any free one.
  TlsConfig tls;
  std::vector<std::string> names;    ///< Host names besides loopback that browsers may use.
  std::vector<std::string> origins;  ///< Other sites whose pages may call the API.
  std::size_t body_bytes_max = 32u << 20;
  std::size_t upload_bytes_max = 256u << 20;  ///< Of one upload of documents.
  std::size_t workers = 0;                    ///< Threads that answer; 0: 6.
  std::string drain = "30s";                  ///< What running answers are given at the end.
  bool access_log = true;                     ///< A line of JSON for each request, on stdout.
  /// From which the API may ingest files by path, and agents that are put may read.
  std::vector<std::string> allowed_folders;
  /// What else agents that are put by the API may reach: commands, secrets, networks, files.
  std::vector<std::string> agents_may;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(ServerConfig, (),
                      (host, port, tls, names, origins, body_bytes_max, upload_bytes_max, workers,
                       drain, access_log, allowed_folders, agents_may))

struct Config {
  std::string data = ".slipway";  ///< Folder of database and blobs.
  Defaults defaults;
  std::map<std::string, models::ModelConfig> models;
  std::map<std::string, rag::CollectionSettings> collections;
  rag::LoadingSettings loading;
  ConnectorsConfig connectors;
  std::map<std::string, SourceConfig> sources;
  ServerConfig server;
  std::map<std::string, access::KeyConfig> keys;  ///< Seeds; more come by `slipway keys create`.
  std::map<std::string, gateway::RouteConfig> routes;
  std::map<std::string, gateway::GuardrailConfig> guardrails;
  gateway::GatewayConfig gateway;
  trace::TracesConfig traces;
  std::map<std::string, budgets::BudgetConfig> budgets;
  budgets::AlertRules alerts;
  /// By model: a row of the keys of LiteLLM's table, or several with "valid_from".
  std::map<std::string, json::Value> prices;
  std::map<std::string, json::Value> prompts;  ///< By name: `prompts::check_declared`.
  std::map<std::string, json::Value> agents;   ///< By name: `agents::check_declared`.
  eval::EvaluationsConfig evaluations;
  McpConfig mcp;
  LogConfig log;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(Config, (),
                      (data, defaults, models, collections, loading, connectors, sources, server,
                       keys, routes, guardrails, gateway, traces, prices, prompts, budgets, alerts,
                       agents, evaluations, mcp, log))

inline constexpr std::string_view config_file_name = "slipway.yaml";

/// Where the layers are found.
struct ConfigSources {
  std::string file;                      ///< --config; empty: slipway.yaml in `folder`, if any.
  std::filesystem::path folder = ".";    ///< Working directory.
  std::vector<std::string> environment;  ///< "NAME=value"; only SLIPWAY__* is read.
  /// Options of the command line: "$.data" -> {"--data", "/srv/slipway"}.
  std::map<std::string, std::pair<std::string, std::string>> options;
};

struct LoadedConfig {
  Config config;               ///< Relative paths of the file are made relative to its folder.
  std::filesystem::path file;  ///< Empty when there is none.
  std::vector<std::string> model_order;  ///< Names of models, then of routes, as written.
  json::Value shown;                     ///< The effective values as written, secrets redacted.
  std::map<std::string, std::string> origins;  ///< "$.log.level" -> "slipway.yaml:3"; else default.
  std::vector<agents::DeclaredAgent> agents;   ///< Of `config.agents`, not read yet.

  /// Of a value in `shown`.
  std::string origin(const std::string& path) const;
};

/// Fails: not_found (the file that `file` names), invalid_argument (what is wrong, and where).
Result<LoadedConfig> load_config(const ConfigSources& sources);

/// The variables of this process.
std::vector<std::string> process_environment();

/// `shown` as YAML, each value with a comment that tells its origin.
std::string config_as_yaml(const LoadedConfig& loaded);

/// JSON Schema of slipway.yaml, for editors.
json::Value config_schema();

}  // namespace slipway::app
