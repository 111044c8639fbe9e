// All of a server but its listener: what `slipway serve` puts behind its edge, and `slipway mcp
// serve` behind standard input and output.
#pragma once

#include <memory>
#include <optional>

#include "app/app.hpp"
#include "app/detail/mcp_offer.hpp"
#include "app/detail/service.hpp"
#include "mcp/local_door.hpp"

namespace slipway::app::detail {

class Backend {
 public:
  /// Nothing is open yet. `app` must outlive it.
  explicit Backend(App& app) : app_(app) {}

  /// Opens the data folder and lets serve what `loaded` says. Once. Fails: conflict (another
  /// process has the folder's agents or traces), as `take_over`.
  Result<void> start(const LoadedConfig& loaded);
  /// Lets serve what `loaded` says, if all of it is right; else what served goes on. Fails:
  /// invalid_argument.
  Result<void> take_over(const LoadedConfig& loaded);
  /// What is to be done every second or so.
  void tick();

  // After `start`, from any thread:
  std::shared_ptr<Service> service() const;
  http::Metrics& metrics() { return metrics_; }
  Tracing& tracing() { return *tracing_; }
  mcp::Server& mcp() { return *mcp_; }

 private:
  Result<void> open_foundations(const Config& config);
  /// For every `slipway mcp serve` that is started while this has the data folder.
  void open_door();
  void show_to_mcp(const LoadedConfig& loaded);
  McpShown mcp_shown() const;

  App& app_;
  http::Metrics metrics_;
  std::unique_ptr<access::Keys> keys_;
  std::unique_ptr<http::Upstream> upstream_;
  std::unique_ptr<Tracing> tracing_;
  std::unique_ptr<Budgeting> budgeting_;
  Guarded<std::shared_ptr<rag::Library>> library_;
  std::unique_ptr<Agenting> agents_;  ///< The gateway asks them.
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<eval::EvaluationStore> evaluations_;
  /// Callers choose the URLs.
  std::unique_ptr<http::Client> webhooks_ =
      http::Client::make({.timeout = std::chrono::seconds(10), .reach = http::Reach::public_only});
  std::shared_ptr<langgraph::Keeper> keeper_;
  Guarded<McpShown> mcp_shown_;
  std::unique_ptr<mcp::Offer> mcp_offer_;
  std::unique_ptr<mcp::Server> mcp_;
  std::optional<Foundations> foundations_;
  /// Before the gateway ends, nobody asks it any more.
  struct JudgingEnds {
    Tracing& tracing;
    ~JudgingEnds() { tracing.end_judging(); }
  };
  std::optional<JudgingEnds> judging_;
  // From here on things use those above, and end before them.
  Guarded<std::shared_ptr<Service>> service_;
  std::unique_ptr<api::Jobs> jobs_;
  std::unique_ptr<Pool> workers_;
  api::Waiters waiters_;
  std::unique_ptr<mcp::LocalDoor> door_;
};

}  // namespace slipway::app::detail
