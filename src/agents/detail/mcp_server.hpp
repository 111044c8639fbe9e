// A server of MCP that tools stand for: connected when somebody calls it, and what it said of its
// tools when it was seen first.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agents/detail/mcp_config.hpp"
#include "mcp/client.hpp"

namespace slipway::agents::detail {

/// What a server says of a tool: for models, never an instruction to us.
struct McpDefinition {
  std::string name, description;
  json::Value schema;
  std::string hash;  ///< "sha256:" and hex digits, of all of it.
  /// It says something else than when this program saw it first.
  bool is_changed = false;
};
using McpDefinitions = std::shared_ptr<const std::vector<McpDefinition>>;

/// Safe to use from many threads.
class McpServer {
 public:
  struct Options {
    McpConfig config;
    std::string folder;  ///< Where a program runs; empty: here.
    bool is_trusted = false;
    std::chrono::milliseconds connect_timeout{30'000};
    std::chrono::milliseconds list_again_after{300'000};
    std::size_t definitions_max = 1'000;
    std::size_t definition_bytes_max = 64u << 10;
  };
  explicit McpServer(Options options) : options_(std::move(options)) {}

  const McpConfig& config() const { return options_.config; }

  /// Fails: as `mcp::Client::connect`, and as secrets are looked up.
  Result<std::shared_ptr<mcp::Client>> client(const Context& context);
  /// Listed anew for each connection, when the server tells that they changed, and now and then.
  Result<McpDefinitions> definitions(const Context& context);
  /// The next call connects anew and looks secrets up again.
  void forget();
  /// An error of a call as it may be told: without secrets, with what can be done.
  Error told(Error error) const;
  std::vector<std::string> secrets() const;

 private:
  Result<std::unique_ptr<mcp::Wire>> open_wire(std::vector<std::string>& secrets) const;
  Result<McpDefinitions> list(const Context& context, mcp::Client& client);

  const Options options_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::shared_ptr<mcp::Client> client_;
  McpDefinitions listed_;
  std::chrono::steady_clock::time_point listed_at_;
  std::shared_ptr<std::atomic<bool>> is_stale_ = std::make_shared<std::atomic<bool>>(false);
  std::map<std::string, std::string> seen_;  ///< Hash of each tool when it was seen first.
  std::vector<std::string> secrets_;         ///< That were sent.
};

}  // namespace slipway::agents::detail
