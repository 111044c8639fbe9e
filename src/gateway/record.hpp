// What is known of a call when it is over, and of the gateway at any time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "dialects/codec.hpp"
#include "gateway/config.hpp"

namespace slipway::gateway {

enum class CacheResult { none, miss, hit, semantic };
BOOST_DESCRIBE_ENUM(CacheResult, none, miss, hit, semantic)

/// One try of one deployment.
struct AttemptRecord {
  std::string deployment;
  double seconds = 0;
  int status = 0;     ///< Of the upstream; 0: none came.
  std::string error;  ///< Empty: it answered.
};
BOOST_DESCRIBE_STRUCT(AttemptRecord, (), (deployment, seconds, status, error))

struct GuardRecord {
  std::string guardrail;
  Phase phase = Phase::input;
  Verdict verdict = Verdict::allow;
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(GuardRecord, (), (guardrail, phase, verdict, reason))

struct CallRecord {
  std::string task;  ///< "chat", "embed", "rerank"
  std::string caller, trace_id, request_id;
  std::string dialect;
  std::string model;       ///< As asked for.
  std::string deployment;  ///< That answered; empty: none did, or a cache.
  bool streamed = false;
  std::vector<AttemptRecord> attempts;
  double seconds = 0;
  double queue_seconds = 0;        ///< For a thread of a local model.
  double first_token_seconds = 0;  ///< 0: there was none.
  double overhead_seconds = 0;     ///< What the gateway itself took, upstreams aside.
  dialects::ChatUsage usage;
  bool usage_estimated = false;
  std::optional<double> cost_usd;  ///< Absent: no price is known.
  CacheResult cache = CacheResult::none;
  std::vector<GuardRecord> guards;
  int status = 0;          ///< 499: the client left.
  std::string error_code;  ///< Empty: a whole answer.
};

struct DeploymentState {
  std::string name, provider, circuit = "closed";
  std::string base_url, model;  ///< Remote ones.
  std::size_t keys = 0, keys_resting = 0, running = 0;
  std::uint64_t calls = 0, failures = 0;
  double latency_ms = 0;  ///< Until the first byte; the peak-sensitive mean.
};
BOOST_DESCRIBE_STRUCT(DeploymentState, (),
                      (name, provider, circuit, base_url, model, keys, keys_resting, running, calls,
                       failures, latency_ms))

struct CacheState {
  std::uint64_t hits = 0, misses = 0, semantic_hits = 0, checked = 0, false_hits = 0;
  std::optional<double> false_hit_rate;  ///< Of the semantic hits that were checked.
  std::size_t entries = 0, bytes = 0;
};
BOOST_DESCRIBE_STRUCT(CacheState, (),
                      (hits, misses, semantic_hits, checked, false_hits, false_hit_rate, entries,
                       bytes))

/// What `/api/settings` shows under "gateway".
struct GatewaySettings {
  GatewayConfig gateway;
  std::map<std::string, RouteConfig> routes;
  std::map<std::string, GuardrailConfig> guardrails;
  std::vector<DeploymentState> deployments;
  CacheState cache;
  std::size_t calls_running = 0, local_waiting = 0;
};
BOOST_DESCRIBE_STRUCT(GatewaySettings, (),
                      (gateway, routes, guardrails, deployments, cache, calls_running,
                       local_waiting))

}  // namespace slipway::gateway
