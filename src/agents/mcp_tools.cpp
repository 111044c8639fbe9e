#include "agents/mcp_tools.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include "agents/detail/mcp_server.hpp"
#include "agents/failure.hpp"
#include "agents/spending.hpp"
#include "agents/telling_tool.hpp"
#include "core/masking.hpp"
#include "core/unicode.hpp"

namespace slipway::agents {

using namespace detail;

namespace {

constexpr std::size_t names_shown_max = 20;
/// Of what a call tells of its progress.
constexpr std::size_t progress_max = 1'000, message_bytes_max = 1u << 10;

/// What a tool gave: its structured content, its only text, or its content as it is.
Value value_of(const json::Object& result) {
  if (const auto* structured = result.if_contains("structuredContent"))
    return from_json(*structured);
  const auto* content = result.if_contains("content");
  if (!content || !content->is_array()) return {};
  const json::Array& blocks = content->get_array();
  if (blocks.size() == 1 && blocks.front().is_object() &&
      mcp::text_of(blocks.front().get_object(), "type") == "text")
    return Value(mcp::text_of(blocks.front().get_object(), "text"));
  return from_json(*content);
}

std::string words_of_error(const json::Object& result, std::size_t bytes_max) {
  std::string text;
  if (const auto* content = result.if_contains("content"); content && content->is_array())
    for (const json::Value& block : content->get_array())
      if (block.is_object() && text.size() <= bytes_max)
        text += mcp::text_of(block.get_object(), "text");
  if (text.size() > bytes_max) text.resize(unicode::floor_boundary(text, bytes_max));
  return text.empty() ? "the tool failed and said nothing" : text;
}

/// What is told of a definition that is not the one that was agreed to.
Failure changed(const McpDefinition& now, const std::string& address, std::string_view since) {
  return {"refused",
          fmt::format("what the MCP server '{}' says of its tool '{}' has changed since {}; it is "
                      "now {}. Look at it, then set mcp.pin to that, or start anew",
                      address, now.name, since, now.hash)};
}

class McpTool final : public TellingTool {
 public:
  McpTool(std::shared_ptr<McpServer> server, std::string name, std::string pin,
          const McpToolOptions& options, std::optional<Milliseconds> timeout)
      : server_(std::move(server)),
        name_(std::move(name)),
        pin_(std::move(pin)),
        options_(options),
        timeout_(timeout.value_or(options.call_timeout)) {}

  ToolResult call_telling(const Context& context, const ToolCall& call, const Tell& tell) override {
    const json::Value args = to_json(call.args);
    const json::Object none;
    const json::Object& given = args.is_object() ? args.get_object() : none;
    const std::string name = name_.empty() ? mcp::text_of(given, "tool") : name_;
    if (name.empty())
      return ToolResult::failed({"tool", "argument 'tool' names a tool of the MCP server"});
    json::Object meta{{"slipway/effectKey", call.effect_key}};
    if (options_.traceparent)
      if (const std::string parent = options_.traceparent(call); !parent.empty())
        meta["traceparent"] = parent;
    const json::Object params{
        {"name", name},
        {"arguments", name_.empty() ? mcp::object_of(given, "arguments") : given},
        {"_meta", std::move(meta)}};
    const Context limited = context.with_timeout(timeout_);
    const mcp::CallOptions how = tell ? telling(tell) : mcp::CallOptions{};
    auto result = ask(limited, name, params, how);
    // A session that the server has ended did nothing; the next one does it.
    if (result.has_lost_session) {
      server_->forget();
      result = ask(limited, name, params, how);
    }
    return std::move(result.result);
  }

  Value parameters() const override {
    const auto tools = server_->definitions(Context().with_timeout(options_.connect_timeout));
    if (!tools) return {};
    json::Array names;
    for (const McpDefinition& tool : **tools) {
      if (tool.name == name_) return from_json(tool.schema);
      names.emplace_back(tool.name);
    }
    if (!name_.empty()) return {};
    return from_json(json::Object{
        {"type", "object"},
        {"properties",
         json::Object{{"tool", json::Object{{"type", "string"}, {"enum", std::move(names)}}},
                      {"arguments", json::Object{{"type", "object"}}}}},
        {"required", json::Array{"tool"}}});
  }

  std::string description() const override {
    const auto tools = server_->definitions(Context().with_timeout(options_.connect_timeout));
    if (!tools) return "";
    std::string text;
    for (const McpDefinition& tool : **tools) {
      if (tool.name == name_) return tool.description;
      if (!name_.empty()) continue;
      const std::string line = fmt::format("{}: {} Arguments: {}\n", tool.name, tool.description,
                                           json::dump(tool.schema));
      if (text.size() + line.size() > options_.description_bytes_max) break;
      text += line;
    }
    return text;
  }

 private:
  struct Asked {
    ToolResult result;
    bool has_lost_session = false;
  };

  /// How the server says that it goes on, for followers of the run: not more than they can use.
  mcp::CallOptions telling(const Tell& tell) const {
    return {.on_progress = [this, &tell, left = progress_max](double done,
                                                              std::optional<double> total,
                                                              const std::string& message) mutable {
      if (left == 0) return;
      --left;
      Value told = Value::map({{"progress", done}});
      if (total) told.put("total", *total);
      std::string words = mask_secrets(message, server_->secrets());
      words.resize(unicode::floor_boundary(words, std::min(words.size(), message_bytes_max)));
      if (!words.empty()) told.put("message", std::move(words));
      tell(told);
    }};
  }

  Asked ask(const Context& context, const std::string& name, const json::Object& params,
            const mcp::CallOptions& how) {
    // Until the tool is called nothing can have happened.
    const auto early = [&](const Error& error, bool may_be_session) {
      return Asked{ToolResult::failed(failure_of(server_->told(error))),
                   may_be_session && error.code() == Code::not_found};
    };
    const auto client = server_->client(context);
    if (!client) return early(client.error(), false);
    // Also so that headers are known which arguments travel in.
    const auto tools = server_->definitions(context);
    if (!tools) return early(tools.error(), true);
    if (auto why = objection(**tools, name)) return {ToolResult::failed(std::move(*why))};
    const auto result = (*client)->request(context, "tools/call", params, how);
    if (result) return {read(*result)};
    if (result.error().code() == Code::not_found) return early(result.error(), true);
    return {failed(result.error())};
  }

  std::optional<Failure> objection(const std::vector<McpDefinition>& tools,
                                   const std::string& name) const {
    const auto found = std::find_if(tools.begin(), tools.end(),
                                    [&](const auto& tool) { return tool.name == name; });
    const std::string address = server_->config().address();
    if (found == tools.end()) {
      std::vector<std::string> names;
      for (const McpDefinition& tool : tools)
        if (names.size() < names_shown_max) names.push_back(tool.name);
      if (names.empty()) names.emplace_back("none");
      return Failure{"tool", fmt::format("the MCP server '{}' has no tool '{}'; it has: {}",
                                         address, name, fmt::join(names, ", "))};
    }
    if (!pin_.empty() && pin_ != found->hash) return changed(*found, address, "mcp.pin was set");
    if (pin_.empty() && found->is_changed)
      return changed(*found, address, "this program saw it first");
    return std::nullopt;
  }

  ToolResult failed(const Error& error) const {
    if (error.code() == Code::unauthenticated) server_->forget();  // Secrets may be new ones.
    // Refused by the server before it did anything; all else may have happened.
    const Code code = error.code();
    const bool is_sure = code == Code::invalid_argument || code == Code::unsupported ||
                         code == Code::unauthenticated || code == Code::forbidden;
    Failure failure = failure_of(server_->told(error));
    return is_sure ? ToolResult::failed(std::move(failure))
                   : ToolResult::unknown(std::move(failure));
  }

  /// With what the server says that it cost: it can only make a budget end sooner.
  ToolResult read(const json::Object& came) const {
    ToolResult result = value_read(came);
    const json::Object& meta = mcp::object_of(came, "_meta");
    if (const auto* spent = meta.if_contains(spending_key))
      result.spent = read_spending(from_json(*spent));
    return result;
  }

  ToolResult value_read(const json::Object& came) const {
    const json::Value whole = masked(came, server_->secrets());
    const json::Object& result = whole.get_object();
    if (const auto* is_error = result.if_contains("isError");
        is_error && is_error->is_bool() && is_error->get_bool())
      return ToolResult::failed({"tool", words_of_error(result, options_.error_bytes_max)});
    const Value value = value_of(result);
    if (const std::size_t bytes = dump(value).size(); bytes > options_.result_bytes_max)
      return ToolResult::unknown(
          {"tool", fmt::format("the result of the MCP server '{}' has {} bytes; at most {} are "
                               "taken. Ask for less",
                               server_->config().address(), bytes, options_.result_bytes_max)});
    return ToolResult::done(value);
  }

  const std::shared_ptr<McpServer> server_;
  const std::string name_, pin_;
  const McpToolOptions options_;
  const Milliseconds timeout_;
};

/// By where they are and who we are to them; kept until the factory ends, or there are too many.
class McpServers {
 public:
  explicit McpServers(McpToolOptions options) : options_(std::move(options)) {}

  Result<std::shared_ptr<Tool>> make(const ToolSpec& spec) {
    const McpConfig config =
        TRY(read_mcp_config(spec.config.at("server")).within(fmt::format("tool '{}'", spec.name)));
    const std::string tool =
        spec.config.at("tool").is_text() ? spec.config.at("tool").text() : std::string();
    const bool is_trusted = options_.is_trusted ? options_.is_trusted(spec) : !spec.folder.empty();
    if (!config.command.empty() && !is_trusted)
      return fail(Code::forbidden,
                  "tool '{}': an MCP server is started only for agents from files of this machine",
                  spec.name);
    if (config.names_secrets() && !is_trusted)
      return fail(Code::forbidden,
                  "tool '{}': secrets are only for agents from files of this machine", spec.name);
    if (!config.pin.empty() && tool.empty())
      return fail(Code::invalid_argument, "tool '{}': mcp.pin is of one tool; give 'tool' too",
                  spec.name);
    const auto server = TRY(server_of(config, spec.folder, is_trusted));
    return std::shared_ptr<Tool>(
        std::make_shared<McpTool>(server, tool, config.pin, options_, spec.timeout));
  }

 private:
  Result<std::shared_ptr<McpServer>> server_of(const McpConfig& config, const std::string& folder,
                                               bool is_trusted) {
    const std::lock_guard lock(mutex_);
    const std::tuple key(config.url, config.command, config.headers, config.environment, folder,
                         is_trusted);
    if (const auto found = servers_.find(key); found != servers_.end()) return found->second;
    if (servers_.size() >= options_.servers_max)
      std::erase_if(servers_, [](const auto& entry) { return entry.second.use_count() == 1; });
    if (servers_.size() >= options_.servers_max)
      return fail(Code::unavailable, "more than {} MCP servers are in use", options_.servers_max);
    McpServer::Options options{.config = config,
                               .folder = folder,
                               .is_trusted = is_trusted,
                               .connect_timeout = options_.connect_timeout,
                               .list_again_after = options_.list_again_after};
    return servers_.emplace(key, std::make_shared<McpServer>(std::move(options))).first->second;
  }

  using Texts = std::map<std::string, std::string>;
  const McpToolOptions options_;
  std::mutex mutex_;
  std::map<std::tuple<std::string, std::vector<std::string>, Texts, Texts, std::string, bool>,
           std::shared_ptr<McpServer>>
      servers_;
};

}  // namespace

ToolFactory mcp_tool_factory(McpToolOptions options) {
  return [servers = std::make_shared<McpServers>(std::move(options))](const ToolSpec& spec) {
    return servers->make(spec);
  };
}

}  // namespace slipway::agents
