// What answers requests: built whole from one configuration, replaced whole by the next.
#pragma once

#include <memory>
#include <string>

#include "access/gate.hpp"
#include "api/agents.hpp"
#include "api/jobs.hpp"
#include "app/config.hpp"
#include "app/detail/agenting.hpp"
#include "app/detail/budgeting.hpp"
#include "app/detail/tracing.hpp"
#include "core/guarded.hpp"
#include "core/pool.hpp"
#include "eval/evaluation_store.hpp"
#include "gateway/gateway.hpp"
#include "http/metrics.hpp"
#include "http/router.hpp"
#include "http/upstream.hpp"
#include "langgraph/mount.hpp"
#include "mcp/server.hpp"
#include "rag/library.hpp"
#include "store/blobs.hpp"
#include "store/database.hpp"
#include "ui/ui.hpp"

namespace slipway::app::detail {

/// What stays while configurations come and go. All of it outlives every service.
struct Foundations {
  store::Database& database;
  store::BlobStore& blobs;
  access::Keys& keys;
  http::Metrics& metrics;
  http::Upstream& upstream;
  api::Jobs& jobs;
  Pool& workers;
  std::shared_ptr<ui::Door> door;
  /// Made by the first service, told by the others: what it knows of deployments outlives them.
  std::unique_ptr<gateway::Gateway>& gateway;
  /// Of the service that answers now: what pipelines are made of.
  Guarded<std::shared_ptr<rag::Library>>& library;
  Tracing& tracing;
  Budgeting& budgeting;
  eval::EvaluationStore& evaluations;
  Agenting& agents;
  /// Answers that wait for runs of agents.
  api::Waiters& waiters;
  std::shared_ptr<langgraph::Keeper> langgraph;
  mcp::Server& mcp;
};

/// Safe to use from many threads once built.
class Service {
 public:
  /// Fails: invalid_argument (the configuration), unavailable (the database). Nothing has changed
  /// then.
  static Result<std::shared_ptr<Service>> build(const LoadedConfig& loaded,
                                                const Foundations& foundations);
  virtual ~Service() = default;

  virtual void answer(const http::ExchangePtr& exchange) = 0;
  /// The answer to a request that need not be read to its end: nobody known sends it.
  virtual std::optional<http::Response> refuse_early(const http::Request& head) const = 0;
  /// Looks for what others changed: models, due sources. Every second or so.
  virtual void tick() = 0;
  /// Readiness fails from now on.
  virtual void begin_drain() = 0;
};

/// Where large files of requests are while they are taken in.
std::filesystem::path uploads_folder(const store::Database& database);
/// Where evaluations that run keep what is done.
std::filesystem::path runs_folder(const store::Database& database);

}  // namespace slipway::app::detail
