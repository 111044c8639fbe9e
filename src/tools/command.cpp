// `command: [argv...]`, or `command: {run: [argv...], read, write, network, env, output, limits}`.
#include <filesystem>

#include "core/secret.hpp"
#include "core/unicode.hpp"
#include "tools/detail/config.hpp"
#include "tools/detail/kinds.hpp"

namespace slipway::tools::detail {

namespace {

namespace fs = std::filesystem;

enum class Output { automatic, json, text };

struct CommandParts {
  Jail jail;
  std::map<std::string, std::string> secrets;  ///< Variables that name where their value is.
  Output output = Output::automatic;
};

std::string shown(std::string_view text) {
  constexpr std::size_t bytes_max = 500;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (!unicode::is_valid_utf8(text)) return "";
  if (text.size() > bytes_max)
    text = text.substr(unicode::floor_boundary(text, text.size() - bytes_max));
  return std::string(text);
}

class CommandTool final : public Tool {
 public:
  explicit CommandTool(CommandParts parts) : parts_(std::move(parts)) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    Jail jail = parts_.jail;
    jail.environment["SLIPWAY_EFFECT_KEY"] = call.effect_key;
    for (const auto& [name, reference] : parts_.secrets) {
      auto secret = resolve_secret("env." + name, reference);
      if (!secret) return ToolResult::failed({"tool", secret.error().message()});
      jail.environment[name] = *std::move(secret);
    }
    const auto output = run_jailed(context, jail, dump(call.args) + "\n");
    const std::string name = fs::path(jail.command[0]).filename();
    if (!output) {
      JailFailure failed = jail_failure(output.error());
      failed.failure.message = fmt::format("{} {}", name, failed.failure.message);
      return failed.may_have_run ? ToolResult::unknown(std::move(failed.failure))
                                 : ToolResult::failed(std::move(failed.failure));
    }
    constexpr int by_signal = 128;
    if (output->exit_code > by_signal)
      return ToolResult::unknown(
          {"tool", fmt::format("{} was ended by signal {}", name, output->exit_code - by_signal)});
    if (output->exit_code != 0)
      return ToolResult::failed({"tool", fmt::format("{} ends with exit code {}: {}", name,
                                                     output->exit_code, shown(output->err))});
    return reply_of(name, output->out);
  }
  std::string description() const override { return ""; }
  Value parameters() const override { return Value::map({{"type", "object"}}); }

 private:
  ToolResult reply_of(const std::string& name, std::string text) const {
    if (parts_.output != Output::text) {
      auto value = agents::parse_json(text);
      if (value) return ToolResult::done(*std::move(value));
      if (parts_.output == Output::json)
        return ToolResult::unknown(
            {"tool", fmt::format("{} does not write JSON: {}", name, value.error().message())});
    }
    if (!unicode::is_valid_utf8(text))
      return ToolResult::unknown({"tool", name + " writes what is no text in UTF-8"});
    while (text.ends_with('\n')) text.pop_back();
    if (text.empty()) return ToolResult::done(Value());
    return ToolResult::done(std::move(text));
  }

  const CommandParts parts_;
};

/// A word with a slash, or the name of a file beside the agent's, is that file. Else the program is
/// looked for where programs are.
Result<std::string> find_program(const std::string& word, const fs::path& folder) {
  if (word.find('/') != std::string::npos) return (folder / word).lexically_normal().string();
  for (const char* place : {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"}) {
    std::error_code ignored;
    if (fs::exists(fs::path(place) / word, ignored)) return (fs::path(place) / word).string();
  }
  return fail(Code::invalid_argument,
              "command: there is no program '{}' in /usr/local/bin, /usr/bin, /bin or /usr/sbin; "
              "name it with its path",
              word);
}

Result<void> read_paths(const ConfigMap& map, const fs::path& folder, Jail& jail) {
  for (const char* key : {"read", "write"})
    for (const std::string& path : TRY(map.texts(key))) {
      std::error_code ignored;
      const fs::path found = fs::weakly_canonical(folder / path, ignored);
      if (ignored || !fs::exists(found, ignored))
        return fail(Code::invalid_argument, "command.{}: there is no '{}'", key, path);
      (std::string_view(key) == "read" ? jail.readable : jail.writable).push_back(found.string());
    }
  return {};
}

Result<void> read_words(const std::vector<std::string>& words, const fs::path& folder, Jail& jail) {
  if (words.empty() || words[0].empty())
    return fail(Code::invalid_argument, "command: a program is expected: [program, argument ...]");
  jail.command.push_back(TRY(find_program(words[0], folder)));
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::error_code ignored;
    const fs::path file = (folder / words[i]).lexically_normal();
    const bool is_file =
        !words[i].empty() && words[i][0] != '-' && fs::is_regular_file(file, ignored);
    jail.command.push_back(is_file ? file.string() : words[i]);
  }
  // Those files, and no others of their folder.
  std::error_code ignored;
  for (const std::string& word : jail.command)
    if (word.starts_with('/') && fs::is_regular_file(word, ignored)) jail.readable.push_back(word);
  return {};
}

Result<void> read_environment(const Value& given, CommandParts& parts) {
  if (given.is_null()) return {};
  if (!given.is_map()) return fail(Code::invalid_argument, "command.env: a map is expected");
  for (const auto& [name, value] : given.entries().items) {
    const std::string text = agents::in_words(value);
    if (name.empty() || name.find('=') != std::string::npos || text.find('\0') != std::string::npos)
      return fail(Code::invalid_argument, "command.env: '{}' is no name of a variable", name);
    if (text.starts_with("env:") || text.starts_with("file:"))
      parts.secrets[name] = text;
    else
      parts.jail.environment[name] = text;
  }
  return {};
}

}  // namespace

MadeTool make_command(const ToolSpec& spec) {
  const Value config = spec.config.is_list() ? Value::map({{"run", spec.config}}) : spec.config;
  const ConfigMap map = TRY(ConfigMap::open(
      config, "command", {"run", "read", "write", "network", "env", "output", "limits"}));
  CommandParts parts;
  parts.jail.readable = system_paths();
  const fs::path folder = spec.folder.empty() ? fs::current_path() : fs::path(spec.folder);
  TRY(read_words(TRY(map.texts("run")), folder, parts.jail));
  TRY(read_paths(map, folder, parts.jail));
  TRY(read_environment(map.at("env"), parts));
  parts.jail.has_proc = true;
  parts.jail.has_network = TRY(map.flag("network"));
  if (parts.jail.has_network)
    for (const char* path : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"})
      parts.jail.readable.emplace_back(path);
  const std::string output = TRY(map.text("output", "auto"));
  if (output != "auto" && output != "json" && output != "text")
    return fail(Code::invalid_argument, "command.output: '{}' is none of auto, json, text", output);
  parts.output = output == "auto"   ? Output::automatic
                 : output == "json" ? Output::json
                                    : Output::text;
  parts.jail.limits = TRY(read_limits(map.at("limits")));
  return std::shared_ptr<Tool>(std::make_shared<CommandTool>(std::move(parts)));
}

}  // namespace slipway::tools::detail
