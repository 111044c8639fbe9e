#include "agents/detail/mcp_server.hpp"

#include <algorithm>
#include <atomic>

#include "core/files.hpp"
#include "core/log.hpp"
#include "core/masking.hpp"

namespace slipway::agents::detail {

namespace {

constexpr std::size_t secrets_max = 64, seen_max = 10'000;

/// Of its arguments; a server may forget it.
json::Value schema_of(const json::Object& tool) {
  const auto* schema = tool.if_contains("inputSchema");
  return schema != nullptr && schema->is_object() ? *schema
                                                  : json::Value(json::Object{{"type", "object"}});
}

std::string hash_of(const json::Object& tool) {
  json::Object said;
  for (const char* key : {"name", "title", "description", "inputSchema", "annotations"})
    if (const auto* value = tool.if_contains(key)) said[key] = *value;
  return sha256(json::dump_canonical(said));
}

}  // namespace

Result<std::unique_ptr<mcp::Wire>> McpServer::open_wire(std::vector<std::string>& secrets) const {
  const McpConfig& config = options_.config;
  if (!config.url.empty()) {
    mcp::HttpWireOptions wire{
        .url = config.url,
        .reach = options_.is_trusted ? http::Reach::anywhere : http::Reach::public_only,
        .headers = {},
        .authorizer = {}};
    for (const auto& [name, value] : config.headers)
      wire.headers[name] = TRY(with_secrets("mcp.headers." + name, value, secrets));
    return mcp::open_http_wire(std::move(wire));
  }
  mcp::ProcessWireOptions wire{
      .command = config.command, .folder = options_.folder, .environment = {}};
  for (const auto& [name, value] : config.environment)
    wire.environment.push_back(
        fmt::format("{}={}", name, TRY(with_secrets("mcp.env." + name, value, secrets))));
  return mcp::open_process_wire(std::move(wire));
}

Result<std::shared_ptr<mcp::Client>> McpServer::client(const Context& context) {
  const std::lock_guard lock(mutex_);
  if (client_ && client_->is_open()) return client_;
  client_.reset();
  listed_.reset();
  std::vector<std::string> secrets;
  auto wire = TRY(open_wire(secrets));
  // Those of before too: a server may still say what it was told then.
  for (std::string& secret : secrets)
    if (std::find(secrets_.begin(), secrets_.end(), secret) == secrets_.end())
      secrets_.push_back(std::move(secret));
  if (secrets_.size() > secrets_max) secrets_.erase(secrets_.begin());
  mcp::ClientOptions how;
  // Programs that are fetched before they run are slow to say their first word.
  how.probe_timeout = options_.connect_timeout / 2;
  // Over HTTP a stream of its own would be kept for it; there `list_again_after` has to do.
  if (options_.config.url.empty())
    how.on_notification = [is_stale = is_stale_](const mcp::Message& message) {
      if (message.method == "notifications/tools/list_changed") *is_stale = true;
    };
  client_ = TRY(mcp::Client::connect(context.with_timeout(options_.connect_timeout),
                                     std::move(wire), std::move(how)));
  return client_;
}

Result<McpDefinitions> McpServer::list(const Context& context, mcp::Client& client) {
  const auto tools =
      TRY(client.list(context.with_timeout(options_.connect_timeout), mcp::ListKind::tools));
  auto made = std::make_shared<std::vector<McpDefinition>>();
  const std::lock_guard lock(mutex_);
  for (const json::Object& tool : tools) {
    McpDefinition one{.name = mcp::text_of(tool, "name"),
                      .description = mask_secrets(mcp::text_of(tool, "description"), secrets_),
                      .schema = schema_of(tool),
                      .hash = hash_of(tool)};
    const std::size_t bytes = one.description.size() + json::dump(one.schema).size();
    if (bytes > options_.definition_bytes_max || made->size() >= options_.definitions_max) {
      log::warning("mcp: tool '{}' of '{}' is left out: {}", one.name, options_.config.address(),
                   bytes > options_.definition_bytes_max ? "what is said of it is too long"
                                                         : "there are too many");
      continue;
    }
    const auto known =
        seen_.size() < seen_max ? seen_.emplace(one.name, one.hash).first : seen_.find(one.name);
    one.is_changed = known != seen_.end() && known->second != one.hash;
    made->push_back(std::move(one));
  }
  listed_ = made;
  listed_at_ = std::chrono::steady_clock::now();
  return McpDefinitions(std::move(made));
}

Result<McpDefinitions> McpServer::definitions(const Context& context) {
  const auto connected = TRY(client(context));
  {
    const std::lock_guard lock(mutex_);
    const bool is_old = std::chrono::steady_clock::now() - listed_at_ >= options_.list_again_after;
    if (!is_stale_->exchange(false) && listed_ && !is_old) return listed_;
  }
  return list(context, *connected);
}

void McpServer::forget() {
  const std::lock_guard lock(mutex_);
  client_.reset();
  listed_.reset();
}

std::vector<std::string> McpServer::secrets() const {
  const std::lock_guard lock(mutex_);
  return secrets_;
}

Error McpServer::told(Error error) const {
  const McpConfig& config = options_.config;
  std::string text = mask_secrets(error.message(), secrets());
  if (error.code() == Code::unauthenticated)
    text += config.headers.empty()
                ? "; give it some: mcp: {url: ..., headers: {Authorization: \"Bearer env:NAME\"}}"
                : "; it refused those of mcp.headers: are they of this server, and still good?";
  if (error.code() == Code::forbidden && !config.url.empty())
    text += "; the credentials do not allow this, or the address is not one that may be asked";
  return fail(error.code(), "MCP server '{}': {}", config.address(), text);
}

}  // namespace slipway::agents::detail
