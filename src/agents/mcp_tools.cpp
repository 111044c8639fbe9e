#include "agents/mcp_tools.hpp"

#include <map>
#include <mutex>

namespace slipway::agents {

namespace {

constexpr std::string_view stdio = "stdio:";

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

/// One server; connected when somebody calls it, again after it ended.
class McpServer {
 public:
  McpServer(std::string address, std::string folder, bool is_trusted,
            std::chrono::milliseconds timeout)
      : address_(std::move(address)),
        folder_(std::move(folder)),
        is_trusted_(is_trusted),
        timeout_(timeout) {}

  Result<std::shared_ptr<mcp::Client>> client(const Context& context) {
    const std::lock_guard lock(mutex_);
    if (client_ && client_->is_open()) return client_;
    client_.reset();
    tools_.reset();
    auto wire = TRY(open_wire());
    client_ = TRY(mcp::Client::connect(context.with_timeout(timeout_), std::move(wire), {})
                      .within(fmt::format("MCP server '{}'", address_)));
    return client_;
  }

  /// As the server lists them, once for each time that it was started.
  Result<std::vector<json::Object>> tools(const Context& context) {
    const auto connected = TRY(client(context));
    {
      const std::lock_guard lock(mutex_);
      if (tools_) return *tools_;
    }
    auto listed = TRY(connected->list(context.with_timeout(timeout_), mcp::ListKind::tools));
    const std::lock_guard lock(mutex_);
    tools_ = listed;
    return listed;
  }

 private:
  Result<std::unique_ptr<mcp::Wire>> open_wire() const {
    if (address_.starts_with(stdio))
      return mcp::open_process_wire({.command = words_of(address_.substr(stdio.size())),
                                     .folder = folder_,
                                     .environment = {}});
    return mcp::open_http_wire(
        {.url = address_,
         .reach = is_trusted_ ? http::Reach::anywhere : http::Reach::public_only,
         .headers = {},
         .authorizer = {}});
  }

  const std::string address_, folder_;
  const bool is_trusted_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;  // Guards what follows.
  std::shared_ptr<mcp::Client> client_;
  std::optional<std::vector<json::Object>> tools_;
};

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

/// Of its arguments; a server may forget it.
json::Value schema_of(const json::Object& tool) {
  const auto* schema = tool.if_contains("inputSchema");
  return schema != nullptr && schema->is_object() ? *schema
                                                  : json::Value(json::Object{{"type", "object"}});
}

std::string words_of_error(const json::Object& result) {
  std::string text;
  if (const auto* content = result.if_contains("content"); content && content->is_array())
    for (const json::Value& block : content->get_array())
      if (block.is_object()) text += mcp::text_of(block.get_object(), "text");
  return text.empty() ? "the tool failed and said nothing" : text;
}

class McpTool final : public Tool {
 public:
  McpTool(std::shared_ptr<McpServer> server, std::string name, const McpToolOptions& options,
          std::optional<Milliseconds> timeout)
      : server_(std::move(server)),
        name_(std::move(name)),
        options_(options),
        timeout_(timeout.value_or(options.call_timeout)) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    const json::Value args = to_json(call.args);
    const json::Object none;
    const json::Object& given = args.is_object() ? args.get_object() : none;
    const std::string name = name_.empty() ? mcp::text_of(given, "tool") : name_;
    if (name.empty())
      return ToolResult::failed({"tool", "argument 'tool' names a tool of the MCP server"});
    const json::Object& arguments = name_.empty() ? mcp::object_of(given, "arguments") : given;
    const Context limited = context.with_timeout(timeout_);
    auto client = server_->client(limited);
    if (!client) return ToolResult::failed(failure_of(client.error()));
    // So that headers are known which arguments travel in.
    if (auto tools = server_->tools(limited); !tools)
      return ToolResult::failed(failure_of(tools.error()));
    auto result =
        (*client)->request(limited, "tools/call",
                           {{"name", name},
                            {"arguments", arguments},
                            {"_meta", json::Object{{"slipway/effectKey", call.effect_key}}}});
    if (!result) {
      // Refused by the server before it did anything; all else may have happened.
      const Code code = result.error().code();
      const bool is_sure = code == Code::invalid_argument || code == Code::unsupported ||
                           code == Code::unauthenticated || code == Code::forbidden;
      Failure failure = failure_of(result.error());
      return is_sure ? ToolResult::failed(std::move(failure))
                     : ToolResult::unknown(std::move(failure));
    }
    if (const auto* is_error = result->if_contains("isError");
        is_error && is_error->is_bool() && is_error->get_bool())
      return ToolResult::failed({"tool", words_of_error(*result)});
    return ToolResult::done(value_of(*result));
  }

  Value parameters() const override {
    const auto tools = server_->tools(Context().with_timeout(options_.connect_timeout));
    if (!tools) return {};
    json::Array names;
    for (const json::Object& tool : *tools) {
      if (mcp::text_of(tool, "name") == name_) return from_json(schema_of(tool));
      names.emplace_back(mcp::text_of(tool, "name"));
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
    const auto tools = server_->tools(Context().with_timeout(options_.connect_timeout));
    if (!tools) return "";
    std::string text;
    for (const json::Object& tool : *tools) {
      const std::string name = mcp::text_of(tool, "name");
      if (name == name_) return mcp::text_of(tool, "description");
      if (!name_.empty()) continue;
      const std::string line =
          fmt::format("{}: {} Arguments: {}\n", name, mcp::text_of(tool, "description"),
                      json::dump(schema_of(tool)));
      if (text.size() + line.size() > options_.description_bytes_max) break;
      text += line;
    }
    return text;
  }

 private:
  const std::shared_ptr<McpServer> server_;
  const std::string name_;
  const McpToolOptions options_;
  const Milliseconds timeout_;
};

/// By address and folder; kept until the factory ends, or until there are too many.
class McpServers {
 public:
  explicit McpServers(McpToolOptions options) : options_(std::move(options)) {}

  Result<std::shared_ptr<Tool>> make(const ToolSpec& spec) {
    const std::string address = spec.config.at("server").text();
    const std::string tool =
        spec.config.at("tool").is_text() ? spec.config.at("tool").text() : std::string();
    const bool is_trusted = options_.is_trusted ? options_.is_trusted(spec) : !spec.folder.empty();
    if (address.starts_with(stdio) && !is_trusted)
      return fail(Code::forbidden,
                  "tool '{}': an MCP server is started only for agents from files of this machine",
                  spec.name);
    if (address.starts_with(stdio) && words_of(address.substr(stdio.size())).empty())
      return fail(Code::invalid_argument, "tool '{}': mcp: stdio:COMMAND, got no command",
                  spec.name);
    if (!address.starts_with(stdio) && !address.starts_with("http://") &&
        !address.starts_with("https://"))
      return fail(Code::invalid_argument, "tool '{}': mcp: stdio:COMMAND or a URL, got '{}'",
                  spec.name, address);
    const std::lock_guard lock(mutex_);
    const std::tuple key(address, spec.folder, is_trusted);
    auto found = servers_.find(key);
    if (found == servers_.end()) {
      if (servers_.size() >= options_.servers_max)
        std::erase_if(servers_, [](const auto& entry) { return entry.second.use_count() == 1; });
      if (servers_.size() >= options_.servers_max)
        return fail(Code::unavailable, "more than {} MCP servers are in use", options_.servers_max);
      found = servers_
                  .emplace(key, std::make_shared<McpServer>(address, spec.folder, is_trusted,
                                                            options_.connect_timeout))
                  .first;
    }
    return std::shared_ptr<Tool>(
        std::make_shared<McpTool>(found->second, tool, options_, spec.timeout));
  }

 private:
  const McpToolOptions options_;
  std::mutex mutex_;
  std::map<std::tuple<std::string, std::string, bool>, std::shared_ptr<McpServer>> servers_;
};

}  // namespace

ToolFactory mcp_tool_factory(McpToolOptions options) {
  return [servers = std::make_shared<McpServers>(std::move(options))](const ToolSpec& spec) {
    return servers->make(spec);
  };
}

}  // namespace slipway::agents
