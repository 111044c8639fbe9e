#include "gateway/detail/meters.hpp"

namespace slipway::gateway::detail {

namespace {

/// From 10 us: the gateway's own share is far below what models take.
std::vector<double> overhead_bounds() {
  return {1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 3e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 1};
}

}  // namespace

Meters::Meters(http::Metrics& metrics)
    : calls_(metrics.counters("slipway_gateway_requests_total", "Calls that ended.",
                              {"task", "model", "deployment", "status"})),
      tokens_(metrics.counters("slipway_gateway_tokens_total", "Tokens of models.",
                               {"deployment", "kind"})),
      cost_(metrics.counters("slipway_gateway_cost_usd_total", "Dollars that models asked for.",
                             {"deployment"})),
      retries_(metrics.counters("slipway_gateway_retries_total", "Tries after the first.",
                                {"deployment"})),
      errors_(metrics.counters("slipway_gateway_upstream_errors_total", "Tries that failed.",
                               {"deployment", "kind"})),
      cache_(metrics.counters("slipway_gateway_cache_total", "Looks into the cache.", {"result"})),
      guards_(metrics.counters("slipway_gateway_guardrails_total", "Verdicts of guardrails.",
                               {"guardrail", "phase", "verdict"})),
      seconds_(metrics.histograms("slipway_gateway_request_duration_seconds",
                                  "From a call to the end of its answer.", {"task"})),
      first_token_(metrics.histograms("slipway_gateway_time_to_first_token_seconds",
                                      "From a call to the first byte of its answer.",
                                      {"deployment"})),
      overhead_(metrics.histogram("slipway_gateway_overhead_seconds",
                                  "What the gateway itself takes of a call, models aside.",
                                  overhead_bounds())),
      queue_(metrics.histogram("slipway_gateway_queue_seconds",
                               "How long calls of local models wait for a thread.")) {}

void Meters::call(const CallRecord& record) {
  // Names that nobody knows are the caller's invention: not a series for each.
  const std::string_view model =
      record.error_code == "model_not_found" ? std::string_view() : record.model;
  calls_.with({record.task, model, record.deployment, std::to_string(record.status)}).add();
  seconds_.with({record.task}).observe(record.seconds);
  overhead_.observe(record.overhead_seconds);
  if (record.queue_seconds > 0) queue_.observe(record.queue_seconds);
  if (record.first_token_seconds > 0)
    first_token_.with({record.deployment}).observe(record.first_token_seconds);
  const auto count = [&](const char* kind, std::int64_t tokens) {
    if (tokens > 0) tokens_.with({record.deployment, kind}).add(static_cast<double>(tokens));
  };
  count("input", record.usage.input_tokens);
  count("output", record.usage.output_tokens);
  count("cached_input", record.usage.cached_input_tokens);
  if (record.cost_usd.value_or(0) > 0) cost_.with({record.deployment}).add(*record.cost_usd);
  if (record.cache != CacheResult::none) cache_.with({json::name(record.cache)}).add();
  for (const GuardRecord& guard : record.guards)
    guards_.with({guard.guardrail, json::name(guard.phase), json::name(guard.verdict)}).add();
}

void Meters::retry(const std::string& deployment) { retries_.with({deployment}).add(); }

void Meters::upstream_error(const std::string& deployment, const std::string& kind) {
  errors_.with({deployment, kind}).add();
}

}  // namespace slipway::gateway::detail
