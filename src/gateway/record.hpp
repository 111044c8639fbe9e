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
#include "trace/origin.hpp"
#include "trace/prices.hpp"

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

/// What of a request or a reply becomes part of its run: at most `payload_bytes_max` of it.
struct CallPayload {
  std::string text;
  std::size_t whole_bytes = 0;
  /// Of a stream: its events in this dialect, to be put together. Absent: JSON.
  std::optional<dialects::Dialect> events_of;
  static constexpr std::size_t bytes_max = 256u << 10;
  void add(std::string_view piece);
};

/// Parts of `ChatUsage` that few vendors tell.
struct MoreUsage {
  std::int64_t cache_write_1h_tokens = 0, input_audio_tokens = 0, output_audio_tokens = 0;
  std::int64_t search_units = 0;  ///< Of a reranker.
};

/// What a pipeline told of itself.
struct PipelineRecord {
  std::string thread, run, status;
  std::optional<double> cost_usd;
};

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
  std::string error_message;

  // What makes a run of it, and its price.
  trace::Origin origin;
  trace::Place place;
  Clock::Time began{};
  std::string provider;      ///< Of the deployment that was asked last.
  std::string wire_model;    ///< What it was asked for,
  std::string priced_model;  ///< whose price holds, if not that of the one that answered:
  std::string answered_model;
  std::string service_tier;  ///< As the reply says, else the request.
  MoreUsage more_usage;
  std::optional<trace::Cost> cost;     ///< As `cost_usd`, exactly.
  std::optional<json::Object> budget;  ///< name, estimate_usd, reserved_usd, settled_usd.
  PipelineRecord pipeline;
  CallPayload request, reply;
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
