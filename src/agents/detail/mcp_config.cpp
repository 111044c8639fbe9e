#include "agents/detail/mcp_config.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/json.hpp"
#include "core/masking.hpp"
#include "core/secret.hpp"
#include "http/client.hpp"
#include "http/loopback.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::string_view stdio = "stdio:";
constexpr std::size_t entries_max = 32;

/// "npx 'a b' c" -> its words, quotes as in a shell, without anything else of one.
std::vector<std::string> words_of(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool has_word = false;
  for (const char c : command) {
    if (quote != 0 ? c == quote : (c == '"' || c == '\'')) {
      quote = quote == 0 ? c : 0;
      has_word = true;
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      if (has_word) words.push_back(std::exchange(word, {}));
      has_word = false;
    } else {
      word += c;
      has_word = true;
    }
  }
  if (has_word) words.push_back(word);
  return words;
}

/// Where the reference begins: 0, or behind a first word ("Bearer env:NAME"); npos: none.
std::size_t secret_begin(std::string_view value) {
  const auto space = value.find(' ');
  for (const std::size_t at : {std::size_t{0}, space == value.npos ? value.size() : space + 1}) {
    const std::string_view rest = value.substr(at);
    if (rest.starts_with("env:") || rest.starts_with("file:")) return at;
  }
  return std::string_view::npos;
}

bool is_credential(std::string_view header) {
  constexpr std::array names = {"authorization", "proxy-authorization", "cookie", "x-api-key",
                                "api-key"};
  return std::find(names.begin(), names.end(), ascii::lower(header)) != names.end();
}

/// What the protocol itself says.
bool is_ours(std::string_view header) {
  constexpr std::array names = {"accept",  "connection",    "content-length",    "content-type",
                                "host",    "last-event-id", "transfer-encoding", "te",
                                "trailer", "upgrade"};
  const std::string name = ascii::lower(header);
  return name.starts_with("mcp-") || std::find(names.begin(), names.end(), name) != names.end();
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7F &&
           std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string_view::npos;
  });
}

bool is_variable(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_';
         });
}

bool is_pin(std::string_view text) {
  constexpr std::string_view prefix = "sha256:";
  constexpr std::size_t digits = 64;
  return text.starts_with(prefix) && text.size() == prefix.size() + digits &&
         text.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

Result<std::map<std::string, std::string>> texts_of(const Value& value, std::string_view what) {
  std::map<std::string, std::string> texts;
  if (value.is_null()) return texts;
  if (!value.is_map()) return fail(Code::invalid_argument, "{}: a map of texts is expected", what);
  if (value.entries().items.size() > entries_max)
    return fail(Code::invalid_argument, "{}: at most {} entries", what, entries_max);
  for (const auto& [name, item] : value.entries().items) {
    if (!item.is_text())
      return fail(Code::invalid_argument, "{}.{}: a text is expected", what, name);
    const std::string& text = item.text();
    if (std::any_of(text.begin(), text.end(),
                    [](unsigned char c) { return c < 0x20 || c == 0x7F; }))
      return fail(Code::invalid_argument, "{}.{}: has characters that cannot be sent", what, name);
    texts[name] = text;
  }
  return texts;
}

/// The host of a URL, without user and port; "" of no URL, as a server that is started has none.
std::string host_of(std::string_view url) {
  if (const auto at = url.find("://"); at != std::string_view::npos) url.remove_prefix(at + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const auto at = url.rfind('@'); at != std::string_view::npos) url.remove_prefix(at + 1);
  return ascii::lower(http::without_port(url));
}

Result<void> check_headers(const McpConfig& config) {
  const bool is_safe = config.url.starts_with("https://") || http::is_loopback(host_of(config.url));
  for (const auto& [name, value] : config.headers) {
    if (!is_header_name(name) || is_ours(name))
      return fail(Code::invalid_argument, "mcp.headers: '{}' cannot be set", name);
    const bool has_secret = secret_begin(value) != std::string_view::npos;
    if (is_credential(name) && !has_secret)
      return fail(Code::invalid_argument,
                  "mcp.headers.{}: write \"Bearer env:NAME\" or \"file:PATH\", not the secret "
                  "itself",
                  name);
    if (has_secret && !is_safe)
      return fail(Code::invalid_argument,
                  "mcp.headers.{}: a secret is sent over https only, or to this machine; {} is "
                  "neither",
                  name, http::redact_url(config.url));
  }
  return {};
}

Result<void> read_map(const Value& value, McpConfig& config) {
  constexpr std::array known = {"url", "stdio", "headers", "env", "pin"};
  for (const auto& [name, item] : value.entries().items) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(Code::invalid_argument,
                  "mcp: '{}' is unknown; known are url, stdio, headers, env, pin", name);
    if ((name == "url" || name == "stdio" || name == "pin") && !item.is_text())
      return fail(Code::invalid_argument, "mcp.{}: a text is expected", name);
  }
  if (value.at("url").is_null() == value.at("stdio").is_null())
    return fail(Code::invalid_argument, "mcp: either url or stdio is needed");
  if (value.at("url").is_text()) config.url = value.at("url").text();
  if (value.at("stdio").is_text()) config.command = words_of(value.at("stdio").text());
  config.headers = TRY(texts_of(value.at("headers"), "mcp.headers"));
  config.environment = TRY(texts_of(value.at("env"), "mcp.env"));
  if (!config.headers.empty() && config.url.empty())
    return fail(Code::invalid_argument, "mcp.headers: belong to a url; a program has env");
  if (!config.environment.empty() && !config.url.empty())
    return fail(Code::invalid_argument, "mcp.env: belongs to stdio; a url has headers");
  for (const auto& [name, text] : config.environment)
    if (!is_variable(name))
      return fail(Code::invalid_argument, "mcp.env: '{}' is no name of a variable", name);
  if (value.at("pin").is_text()) config.pin = value.at("pin").text();
  if (!config.pin.empty() && !is_pin(config.pin))
    return fail(Code::invalid_argument, "mcp.pin: 'sha256:' and 64 hex digits, got '{}'",
                config.pin);
  return {};
}

}  // namespace

std::string McpConfig::address() const {
  return url.empty() ? fmt::format("{}{}", stdio, fmt::join(command, " ")) : http::redact_url(url);
}

bool McpConfig::names_secrets() const {
  const auto names = [](const auto& entry) {
    return secret_begin(entry.second) != std::string_view::npos;
  };
  return std::any_of(headers.begin(), headers.end(), names) ||
         std::any_of(environment.begin(), environment.end(), names);
}

Result<McpConfig> read_mcp_config(const Value& value) {
  McpConfig config;
  if (value.is_map())
    TRY(read_map(value, config));
  else if (!value.is_text())
    return fail(Code::invalid_argument, "mcp: \"stdio:COMMAND\", a URL or a map is expected");
  else if (value.text().starts_with(stdio))
    config.command = words_of(value.text().substr(stdio.size()));
  else
    config.url = value.text();
  if (config.url.empty() && config.command.empty())
    return fail(Code::invalid_argument, "mcp: stdio:COMMAND, got no command");
  if (!config.url.empty() && !config.url.starts_with("http://") &&
      !config.url.starts_with("https://"))
    return fail(Code::invalid_argument, "mcp: stdio:COMMAND or a URL, got '{}'",
                http::redact_url(config.url));
  if (const auto end = config.url.find_first_of("/?#", config.url.find("://") + 3);
      config.url.substr(0, end).find('@') != std::string::npos)
    return fail(Code::invalid_argument,
                "mcp: a URL holds no user or password; give headers: {{Authorization: \"Basic "
                "env:NAME\"}}");
  TRY(check_headers(config));
  return config;
}

Result<std::string> with_secrets(const std::string& setting, const std::string& value,
                                 std::vector<std::string>& secrets) {
  const auto at = secret_begin(value);
  if (at == std::string::npos) return value;
  std::string secret = TRY(resolve_secret(setting, value.substr(at)));
  secrets.push_back(secret);
  return value.substr(0, at) + secret;
}

json::Value masked(json::Value value, const std::vector<std::string>& secrets) {
  if (secrets.empty()) return value;
  if (value.is_string()) return json::Value(mask_secrets(std::string(value.get_string()), secrets));
  if (value.is_array())
    for (json::Value& item : value.get_array()) item = masked(std::move(item), secrets);
  if (value.is_object()) {
    json::Object out;
    for (auto& entry : value.get_object())
      out[mask_secrets(std::string(entry.key()), secrets)] =
          masked(std::move(entry.value()), secrets);
    return out;
  }
  return value;
}

}  // namespace slipway::agents::detail
