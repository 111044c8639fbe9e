// The layers are merged as JSON values and read once by the strict walker, so that a value from the
// environment is checked exactly as one from the file. The environment has only text: the schema of
// the addressed field decides whether "1" is a string or a number.
#include "app/config.hpp"

#include <unistd.h>

#include <cctype>

#include "app/detail/schedule.hpp"
#include "core/ascii.hpp"
#include "core/duration.hpp"
#include "core/files.hpp"
#include "core/json_schema.hpp"
#include "core/unicode.hpp"
#include "core/yaml.hpp"
#include "prompts/declared.hpp"
#include "trace/own_prices.hpp"

namespace slipway::app {

namespace {

constexpr std::string_view environment_prefix = "SLIPWAY__";
constexpr std::uint64_t file_bytes_max = 16u << 20;

/// Values of one run of `load_config` on their way to a `Config`.
struct Layers {
  yaml::Document document;                     ///< The file; overrides are written into its value.
  std::map<std::string, std::string> origins;  ///< Of overrides: "$.log.level" -> "SLIPWAY__..."
  std::string file_name;                       ///< For messages.
  std::string text;                            ///< The file's.
};

/// Variable names hold neither '-' nor '.'; both are written '_'.
std::string as_variable_word(std::string_view key) {
  std::string word = ascii::lower(key);
  for (char& c : word)
    if (c == '-' || c == '.') c = '_';
  return word;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  for (;;) {
    const std::size_t cut = text.find("__");
    words.emplace_back(text.substr(0, cut));
    if (cut == std::string_view::npos) return words;
    text.remove_prefix(cut + 2);
  }
}

/// One step down from `at`: the real key that `word` means there.
Result<std::string> resolve_word(const json::Object& schema, const json::Value* at,
                                 const std::string& word) {
  if (const auto* properties = schema.if_contains("properties")) {
    std::vector<std::string_view> known;
    for (const auto& item : properties->get_object()) {
      if (item.key() == ascii::lower(word)) return std::string(item.key());
      known.emplace_back(item.key());
    }
    const auto hint = json::nearest(ascii::lower(word), known);
    if (!hint.empty())
      return fail(Code::invalid_argument, "unknown setting '{}'; did you mean '{}'?",
                  ascii::lower(word), hint);
    return fail(Code::invalid_argument, "unknown setting '{}'; known are: {}", ascii::lower(word),
                fmt::join(known, ", "));
  }
  if (!schema.contains("additionalProperties"))
    return fail(Code::invalid_argument, "there is nothing below this setting");
  if (at != nullptr && at->is_object())
    for (const auto& item : at->get_object())
      if (as_variable_word(item.key()) == ascii::lower(word)) return std::string(item.key());
  return ascii::lower(word);
}

const json::Object& schema_below(const json::Object& schema, const std::string& key) {
  if (const auto* properties = schema.if_contains("properties"))
    return properties->at(key).get_object();
  return schema.at("additionalProperties").get_object();
}

bool wants_text(const json::Object& schema) {
  if (const auto* type = schema.if_contains("type")) return *type == "string";
  if (const auto* any_of = schema.if_contains("anyOf"))
    return wants_text(any_of->get_array().front().get_object());
  return false;
}

/// Writes `text` into the document at the place that `words` name.
Result<std::string> override_value(json::Value& root, const std::vector<std::string>& words,
                                   const std::string& text) {
  const json::Value schema_value = config_schema();
  const json::Object* schema = &schema_value.get_object();
  json::Value* at = &root;
  std::string path = "$";
  for (const std::string& word : words) {
    const std::string key = TRY(resolve_word(*schema, at, word));
    // A section that is written as something else is reported by the walker where it stands.
    if (!at->is_object()) *at = json::Object();
    at = &at->get_object()[key];
    schema = &schema_below(*schema, key);
    path += "." + key;
  }
  *at = wants_text(*schema) ? json::Value(boost::json::string(text)) : TRY(yaml::parse(text)).value;
  return path;
}

Result<void> apply_environment(const std::vector<std::string>& environment, Layers& layers) {
  std::vector<std::string> sorted = environment;
  std::sort(sorted.begin(), sorted.end());
  for (const std::string& entry : sorted) {
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with(environment_prefix) || equals == std::string::npos) continue;
    const std::string name = entry.substr(0, equals);
    const auto words = split_words(std::string_view(name).substr(environment_prefix.size()));
    const std::string path =
        TRY(override_value(layers.document.value, words, entry.substr(equals + 1)).within(name));
    layers.origins[path] = name;
  }
  return {};
}

Result<void> apply_options(const ConfigSources& sources, Layers& layers) {
  for (const auto& [path, option] : sources.options) {
    const auto& [name, text] = option;
    std::string words = path.substr(2);
    for (std::size_t at = 0; (at = words.find('.', at)) != std::string::npos; at += 2)
      words.replace(at, 1, "__");
    TRY(override_value(layers.document.value, split_words(words), text).within(name));
    layers.origins[path] = name;
  }
  return {};
}

/// Names the layer that a walker's error is about: the file and its line, a variable or an option.
Error blame(Error error, const Layers& layers) {
  std::string message = error.message();
  // A key that was pasted into the file must not come out in an error.
  const std::size_t key = message.find(".api_key: expected");
  const std::size_t got = message.find(", got ");
  if (key != std::string::npos && got != std::string::npos) message.resize(got);

  const std::string path = message.substr(0, message.find(':'));
  for (const auto& [overridden, name] : layers.origins)
    if (path == overridden || path.starts_with(overridden + ".") ||
        path.starts_with(overridden + "["))
      return fail(error.code(), "{}: {}", name, message);
  if (layers.file_name.empty()) return Error(error.code(), message);
  return yaml::locate(Error(error.code(), message), layers.document).within(layers.file_name);
}

/// Walks the leaves of a value; arrays and empty objects are leaves.
template <typename F>
void for_each_leaf(json::Value& value, const std::string& path, F&& visit) {
  if (value.is_object() && !value.get_object().empty()) {
    for (auto& [key, item] : value.get_object())
      for_each_leaf(item, path + "." + std::string(key), visit);
  } else {
    visit(path, value);
  }
}

/// "https://user:password@host/" without the password.
std::string redact_url(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::string(text);
  const std::size_t host = scheme + 3;
  const std::size_t at = text.substr(0, text.find('/', host)).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(text);
  return fmt::format("{}***{}", text.substr(0, host), text.substr(at));
}

/// A header of a tool that is there to prove who asks.
bool is_header_of_agent(const std::string& path) {
  const std::size_t header = path.rfind(".headers.");
  if (!path.starts_with("$.agents.") || header == std::string::npos) return false;
  const std::string name = ascii::lower(std::string_view(path).substr(header));
  for (const std::string_view word : {"authorization", "key", "token", "secret", "cookie"})
    if (name.find(word) != std::string::npos) return true;
  return false;
}

void redact(const std::string& path, json::Value& value) {
  if (!value.is_string()) return;
  const std::string text(value.get_string());
  const bool is_reference = text.starts_with("env:") || text.starts_with("file:") || text.empty() ||
                            text.find(" env:") != std::string::npos ||
                            text.find(" file:") != std::string::npos;
  // Sources hold no secrets (a user or password in one is refused), and their query says what they
  // are.
  const bool is_source = path.starts_with("$.sources.") && text.find('@') == std::string::npos;
  const bool is_key = path.starts_with("$.keys.") && path.ends_with(".key");
  if ((path.ends_with(".api_key") || path.ends_with(".token") || is_key) && !is_reference)
    value = "***";
  else if (is_header_of_agent(path) && !is_reference)
    value = "***";
  else if (!is_source)
    value = boost::json::string(redact_url(text));
}

void resolve_path(std::string& path, const std::filesystem::path& folder) {
  if (!path.empty() && !path.starts_with('/') && !folder.empty() && folder != ".")
    path = (folder / path).lexically_normal().string();
}

/// "file:PATH" of a secret; other references stay.
void resolve_reference(std::string& reference, const std::filesystem::path& folder) {
  constexpr std::string_view prefix = "file:";
  if (!reference.starts_with(prefix)) return;
  std::string path = reference.substr(prefix.size());
  resolve_path(path, folder);
  reference = std::string(prefix) + path;
}

void resolve_paths(LoadedConfig& loaded, const std::filesystem::path& folder) {
  const auto from_file = [&](const std::string& path) {
    return loaded.origin(path).starts_with(loaded.file.string() + ":");
  };
  if (loaded.file.empty()) return;
  if (from_file("$.data")) resolve_path(loaded.config.data, folder);
  for (auto& [name, model] : loaded.config.models) {
    const std::string prefix = "$.models." + name;
    if (from_file(prefix + ".path")) resolve_path(model.path, folder);
    // Else it is the name of an installed model.
    if (from_file(prefix + ".file") && model.file.find('/') != std::string::npos)
      resolve_path(model.file, folder);
    if (from_file(prefix + ".api_key")) {
      auto keys = model.api_key.items();
      for (models::WeightedKey& key : keys) resolve_reference(key.key, folder);
      model.api_key = models::ApiKeys(std::move(keys));
    }
  }
  if (from_file("$.connectors"))
    for (auto& credentials : loaded.config.connectors.credentials)
      resolve_reference(credentials.token, folder);
  for (auto& [name, key] : loaded.config.keys)
    if (from_file("$.keys." + name + ".key")) resolve_reference(key.key, folder);
  for (auto& [name, guardrail] : loaded.config.guardrails)
    if (from_file("$.guardrails." + name + ".json_schema"))
      resolve_reference(guardrail.json_schema, folder);
  ServerConfig& server = loaded.config.server;
  for (std::string* path : {&server.tls.cert, &server.tls.key, &server.tls.client_ca})
    if (from_file("$.server.tls")) resolve_path(*path, folder);
  if (from_file("$.server.allowed_folders"))
    for (std::string& path : server.allowed_folders) resolve_path(path, folder);
  for (auto& [name, source] : loaded.config.sources)
    for (std::string& from : source.from)
      if (!connectors::is_remote(from) && !unicode::to_lower(from).starts_with("file://"))
        resolve_path(from, folder);
}

Result<std::filesystem::path> find_file(const ConfigSources& sources) {
  if (!sources.file.empty()) {
    std::filesystem::path file = sources.file;
    if (std::error_code error; !std::filesystem::exists(file, error))
      return fail(Code::not_found, "configuration file {} does not exist (--config)",
                  file.string());
    return file;
  }
  const bool is_here = sources.folder == ".";
  std::filesystem::path file =
      is_here ? std::filesystem::path(config_file_name) : sources.folder / config_file_name;
  if (std::error_code error; std::filesystem::exists(file, error)) return file;
  return std::filesystem::path();
}

std::string yaml_scalar(const json::Value& value) {
  if (!value.is_string()) return json::dump(value);
  const std::string_view text = value.get_string();
  const auto is_plain_character = [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.' || c == '/';
  };
  constexpr std::string_view reserved[] = {"true", "false", "null", "yes", "no", "on", "off"};
  const bool is_plain =
      !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '.') &&
      std::all_of(text.begin(), text.end(), is_plain_character) &&
      std::find(std::begin(reserved), std::end(reserved), ascii::lower(text)) == std::end(reserved);
  return is_plain ? std::string(text) : json::dump(value);
}

/// A line of YAML and where its value comes from; no origin for the line that opens a section.
using CommentedLine = std::pair<std::string, std::string>;

void emit_yaml(const LoadedConfig& loaded, const json::Object& object, const std::string& path,
               std::vector<CommentedLine>& lines) {
  for (const auto& [key, value] : object) {
    const std::string item_path = path + "." + std::string(key);
    const std::string start = yaml_scalar(json::Value(boost::json::string(key))) + ":";
    if (value.is_object() && !value.get_object().empty()) {
      lines.emplace_back(start, "");
      const std::size_t first = lines.size();
      emit_yaml(loaded, value.get_object(), item_path, lines);
      for (std::size_t i = first; i < lines.size(); ++i) lines[i].first.insert(0, "  ");
    } else {
      lines.emplace_back(start + " " + yaml_scalar(value), loaded.origin(item_path));
    }
  }
}

}  // namespace

Result<void> SourceConfig::validate() const {
  if (from.empty())
    return fail(Code::invalid_argument, "from: name a file, a folder, a URL or a connector");
  if (!every.empty()) TRY(detail::parse_interval(every).within("every"));
  return {};
}

Result<void> ServerConfig::validate() const {
  if (host.empty()) return fail(Code::invalid_argument, "host: must name an address");
  if (port < 0 || port > 65'535)
    return fail(Code::invalid_argument, "port: {} is not between 0 and 65535", port);
  if (tls.cert.empty() != tls.key.empty())
    return fail(Code::invalid_argument, "tls: cert and key belong together; give both or neither");
  if (!tls.client_ca.empty() && tls.cert.empty())
    return fail(Code::invalid_argument, "tls.client_ca: needs tls.cert and tls.key");
  if (body_bytes_max < 1024 || upload_bytes_max < 1024)
    return fail(Code::invalid_argument, "body_bytes_max, upload_bytes_max: at least 1024");
  if (workers > 1024) return fail(Code::invalid_argument, "workers: {} is more than 1024", workers);
  constexpr std::string_view reaches[] = {"commands", "secrets", "networks", "files"};
  for (const std::string& one : agents_may)
    if (std::find(std::begin(reaches), std::end(reaches), one) == std::end(reaches))
      return fail(Code::invalid_argument, "agents_may: '{}' is none of {}", one,
                  fmt::join(reaches, ", "));
  TRY(parse_duration(drain).within("drain"));
  return {};
}

Result<void> Config::validate() const {
  if (data.empty()) return fail(Code::invalid_argument, "data: must name a folder");
  if (defaults.collection.empty())
    return fail(Code::invalid_argument, "defaults.collection: must not be empty");
  TRY(trace::declared_prices(prices));
  TRY(prompts::check_declared(prompts));
  return {};
}

std::string LoadedConfig::origin(const std::string& path) const {
  // A value inside a list or a map that was given as a whole comes from where the whole does.
  for (std::string at = path; !at.empty();) {
    if (const auto found = origins.find(at); found != origins.end()) return found->second;
    const std::size_t cut = at.find_last_of(".[");
    if (cut == std::string::npos) break;
    at.resize(cut);
  }
  return "default";
}

Result<LoadedConfig> load_config(const ConfigSources& sources) {
  LoadedConfig loaded;
  Layers layers;
  loaded.file = TRY(find_file(sources));
  if (!loaded.file.empty()) {
    layers.file_name = loaded.file.string();
    layers.text = TRY(read_file(loaded.file, file_bytes_max));
    layers.document = TRY(yaml::parse(layers.text).within(layers.file_name));
  } else {
    layers.document.value = json::Object();
  }
  TRY(apply_environment(sources.environment, layers));
  TRY(apply_options(sources, layers));
  auto config = json::from<Config>(layers.document.value);
  if (!config) return blame(std::move(config.error()), layers);
  loaded.config = *std::move(config);
  if (auto checked = agents::check_declared(loaded.config.agents); !checked)
    return blame(Error(checked.error().code(), "$.agents." + checked.error().message()), layers);
  for (const char* section : {"models", "routes"})
    if (const auto* named = layers.document.value.as_object().if_contains(section);
        named != nullptr && named->is_object())
      for (const auto& [name, value] : named->as_object()) loaded.model_order.emplace_back(name);

  loaded.shown = json::to(loaded.config);
  for_each_leaf(loaded.shown, "$", [&](const std::string& path, json::Value& value) {
    if (const auto line = layers.document.lines.find(path); line != layers.document.lines.end())
      loaded.origins[path] = fmt::format("{}:{}", layers.file_name, line->second);
    redact(path, value);
  });
  for (const auto& [path, name] : layers.origins) loaded.origins[path] = name;
  resolve_paths(loaded, loaded.file.parent_path());
  // Agents of variables alone stand beside the file that is not there.
  std::error_code ignored;
  const auto beside = loaded.file.empty() ? sources.folder / config_file_name : loaded.file;
  loaded.agents = agents::declared_agents(
      loaded.config.agents, {std::filesystem::absolute(beside, ignored).lexically_normal().string(),
                             layers.text, layers.document.lines});
  return loaded;
}

std::vector<std::string> process_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

std::string config_as_yaml(const LoadedConfig& loaded) {
  std::vector<CommentedLine> lines;
  emit_yaml(loaded, loaded.shown.get_object(), "$", lines);
  constexpr std::size_t comment_column_max = 48;
  std::size_t column = 0;
  for (const auto& [text, origin] : lines)
    if (text.size() <= comment_column_max) column = std::max(column, text.size());
  std::string out;
  for (const auto& [text, origin] : lines)
    out += origin.empty() ? text + "\n" : fmt::format("{:<{}}  # {}\n", text, column, origin);
  return out;
}

json::Value config_schema() { return json::schema<Config>("Slipway configuration, slipway.yaml"); }

}  // namespace slipway::app
