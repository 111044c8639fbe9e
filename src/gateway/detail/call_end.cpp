// How a call ends, and what its answer and its record say of it.
#include <algorithm>

#include "gateway/detail/call.hpp"
#include "gateway/detail/call_run.hpp"
#include "gateway/detail/usage.hpp"
#include "gateway/prices.hpp"

namespace slipway::gateway::detail {

void Call::finish(int status, std::string error_code) {
  if (std::exchange(is_finished_, true)) return;
  release_budget();  // Of a try that did not begin.
  const Clock::Time now = engine_.clock().now();
  if (caller_limiter_ != nullptr)
    caller_limiter_->settle(now, reserved_,
                            record_.usage.input_tokens + record_.usage.output_tokens);
  record_.status = status;
  record_.error_code = std::move(error_code);
  record_.seconds = seconds_since_start();
  record_.overhead_seconds = std::max(0.0, record_.seconds - away_seconds_);
  record_.cost = cost_of(record_, *engine_.prices());
  if (record_.cost) record_.cost_usd = record_.cost->total.dollars();
  // Of what its runs have cost each is told on its own; this is the caller's sum.
  if (record_.pipeline.cost_usd) record_.cost_usd = record_.pipeline.cost_usd;
  if (engine_.meters() != nullptr) engine_.meters()->call(record_);
  engine_.report(record_);
  record_run();
  engine_.leave(this);
}

bool Call::has_masked_input() const {
  return std::any_of(record_.guards.begin(), record_.guards.end(), [](const GuardRecord& guard) {
    return guard.phase == Phase::input && guard.verdict == Verdict::mask;
  });
}

/// The end of the record: what it holds moves into the run.
void Call::record_run() {
  trace::Recorder* recorder = engine_.recorder();
  const bool has_failed = !record_.error_code.empty();
  if (recorder == nullptr || (!is_sampled_ && !has_failed)) return;
  if (recorder->keeps_payloads()) record_.request.add(asked());
  if (!runs_below_.empty()) recorder->record(std::move(runs_below_));
  recorder->record(draft_of(std::move(record_)));
}

double Call::seconds_since_start() const { return seconds_between(started_, Steady::now()); }

std::optional<double> Call::cost() {
  if (record_.pipeline.cost_usd) return record_.pipeline.cost_usd;
  record_.seconds = seconds_since_start();
  const auto cost = cost_of(record_, *engine_.prices());
  return cost ? std::optional(cost->total.dollars()) : std::nullopt;
}

PipelineCall Call::pipeline_call() const {
  constexpr std::size_t bytes_max = 64u << 10;
  const http::Headers& headers = exchange_->request().headers;
  PipelineCall call{.origin = origin_below(),
                    .thread = std::string(headers.get("x-slipway-thread").substr(0, bytes_max)),
                    .answers = {},
                    .run = engine_.budgets() != nullptr ? paying_run() : std::string()};
  if (const std::string* answers = headers.find("x-slipway-answers"))
    call.answers = answers->substr(0, bytes_max);
  return call;
}

void Call::note_pipeline(const json::Value& told) {
  if (!told.is_object()) return;
  const auto take = [&](std::string_view key, std::string& text) {
    const json::Value* value = told.get_object().if_contains(key);
    if (value != nullptr && value->is_string()) text = std::string(value->get_string());
  };
  take("thread", record_.pipeline.thread);
  take("run", record_.pipeline.run);
  take("status", record_.pipeline.status);
  if (const json::Value* cost = told.get_object().if_contains("cost_usd");
      cost != nullptr && cost->is_number())
    record_.pipeline.cost_usd = cost->to_number<double>();
}

bool Call::may_drop() const {
  return exchange_->request().headers.get("x-slipway-drop-unsupported") == "true";
}

std::optional<Failure> Call::drop(const Deployment& deployment,
                                  const std::vector<dialects::Unsupported>& unsupported) {
  if (unsupported.empty() || may_drop()) {
    dropped_.clear();
    for (const auto& one : unsupported) dropped_.push_back(one.parameter);
    return {};
  }
  Failure failure;
  failure.is_refused_by_us = true;
  const auto& first = unsupported.front();
  failure.error = {
      400, "unsupported_parameter",
      fmt::format("{}: deployment '{}' ({}) cannot take it: {}; leave it out, or send "
                  "x-slipway-drop-unsupported: true",
                  first.parameter, deployment.name(), deployment.provider(), first.reason),
      first.parameter};
  return failure;
}

http::Headers Call::answer_headers() {
  http::Headers headers;
  const bool is_cached =
      record_.cache == CacheResult::hit || record_.cache == CacheResult::semantic;
  if (try_.deployment != nullptr && !is_cached)
    headers.add("x-slipway-model", try_.deployment->name());
  headers.add("x-slipway-attempts", std::to_string(record_.attempts.size() + (is_trying_ ? 1 : 0)));
  if (record_.cache != CacheResult::none)
    headers.add("x-slipway-cache", std::string(json::name(record_.cache)));
  if (!record_.trace_id.empty()) headers.add("x-slipway-trace-id", record_.trace_id);
  if (spending_.output_limit)
    headers.add("x-slipway-max-tokens", std::to_string(*spending_.output_limit));
  if (!spending_.degraded_to.empty()) headers.add("x-slipway-degraded", spending_.degraded_to);
  if (!dropped_.empty())
    headers.add("x-slipway-dropped", fmt::format("{}", fmt::join(dropped_, ", ")));
  if (!record_.pipeline.thread.empty()) headers.add("x-slipway-thread", record_.pipeline.thread);
  if (!record_.pipeline.run.empty()) headers.add("x-slipway-run", record_.pipeline.run);
  if (!record_.pipeline.status.empty()) headers.add("x-slipway-status", record_.pipeline.status);
  if (caller_limiter_ != nullptr) caller_limiter_->describe(engine_.clock().now(), headers);
  return headers;
}

void Call::note_answer() {
  exchange_->note("model", record_.model);
  if (try_.deployment != nullptr) exchange_->note("deployment", try_.deployment->name());
  if (record_.cache != CacheResult::none)
    exchange_->note("cache", std::string(json::name(record_.cache)));
}

}  // namespace slipway::gateway::detail
