// Agents over HTTP: /api/agents and /api/threads (section 12 of the contract).
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>

#include "agents/host.hpp"
#include "agents/load.hpp"
#include "core/pool.hpp"
#include "http/api.hpp"

namespace slipway::api {

/// Answers that wait for a run or follow its events. They wait on threads of their own, so that
/// workers stay free; a thread is made when all others wait. Safe to use from many threads.
class Waiters {
 public:
  explicit Waiters(std::size_t most = 256);
  /// Ends all, waits for them.
  ~Waiters();
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;

  /// Calls `work` on another thread; its context ends with the client's patience or by `end`.
  /// Fails: unavailable (so many wait already, or the server ends).
  Result<void> start(const http::ExchangePtr& exchange, std::function<void(const Context&)> work);
  /// The server ends: whoever waits is asked to stop, nobody new is taken.
  void end();

 private:
  const std::size_t most_;
  std::stop_source end_;
  std::atomic<std::size_t> open_{0};
  Pool pool_;
};

/// All must outlive the routes.
struct AgentServices {
  agents::Host& host;
  agents::Runtime& runtime;  ///< The host's.
  Waiters& waiters;
  /// Models that an agent may name beyond its file. From any thread.
  std::function<agents::LoadOptions()> load_options = [] { return agents::LoadOptions(); };
  /// What an agent may reach whose text a caller sends. From any thread.
  std::function<agents::Reach()> reach = [] { return agents::Reach(); };
};

/// Declares the routes.
void mount_agents(http::Api& api, const AgentServices& services);

}  // namespace slipway::api
