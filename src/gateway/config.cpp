#include "gateway/config.hpp"

#include <algorithm>
#include <cmath>

#include "core/duration.hpp"
#include "core/pattern.hpp"

namespace slipway::gateway {

namespace {

Error wrong(std::string_view field, std::string_view what) {
  return fail(Code::invalid_argument, "{}: {}", field, what);
}

Result<void> check_time(std::string_view field, const std::string& text) {
  if (TRY(parse_duration(text).within(field)).count() == 0)
    return wrong(field, "must be longer than 0s");
  return {};
}

bool is_share(double value) { return std::isfinite(value) && value >= 0 && value <= 1; }

}  // namespace

Result<void> SemanticCacheConfig::validate() const {
  if (!is_share(threshold)) return wrong("threshold", "is a cosine from 0 to 1; try 0.97");
  if (!is_share(check)) return wrong("check", "is a share from 0 to 1; try 0.02");
  if (embedder.empty()) return wrong("embedder", "name a model that embeds");
  return check_time("ttl", ttl);
}

Result<void> CacheConfig::validate() const {
  if (exact.empty() && !semantic)
    return wrong("exact", "say how long, for example 1h; or leave cache out");
  return exact.empty() ? Result<void>() : check_time("exact", exact);
}

Result<void> RouteConfig::validate() const {
  constexpr std::size_t targets_max = 64;
  if (targets.empty()) return wrong("targets", "name at least one model");
  if (targets.size() > targets_max)
    return wrong("targets", fmt::format("has more than {} models", targets_max));
  for (const RouteTarget& target : targets)
    if (!(std::isfinite(target.weight) && target.weight > 0))
      return wrong("targets", fmt::format("the weight of '{}' must be above 0", target.model));
  const bool is_header = sticky.starts_with("header:") && sticky.size() > 7;
  if (sticky != "none" && sticky != "user" && !is_header)
    return wrong("sticky",
                 fmt::format("'{}' is not known; write none, user or header:NAME", sticky));
  return {};
}

Result<void> GuardrailConfig::validate() const {
  if (on.empty()) return wrong("on", "say input, output or both");
  const bool on_input = std::find(on.begin(), on.end(), Phase::input) != on.end();
  const bool on_output = std::find(on.begin(), on.end(), Phase::output) != on.end();
  if (mask.empty() && patterns.empty() && json_schema.empty() && !prompt_injection &&
      webhook.empty())
    return wrong("mask",
                 "a guardrail does something: mask, patterns, json_schema, "
                 "prompt_injection or webhook");
  if (!json_schema.empty() && !on_output)
    return wrong("json_schema", "looks at output; write on: [output]");
  const bool in_chats = tasks.empty() || std::find(tasks.begin(), tasks.end(),
                                                   models::ModelTask::chat) != tasks.end();
  if (on_output && !in_chats)
    return wrong("on", "only conversations have an output to look at; write on: [input]");
  if (prompt_injection && !on_input)
    return wrong("prompt_injection", "looks at input; write on: [input]");
  if (prompt_injection && (!is_share(*prompt_injection) || *prompt_injection == 0))
    return wrong("prompt_injection", "is a score above 0, up to 1; try 0.7");
  if (on_match == Verdict::allow) return wrong("on_match", "write mask or refuse");
  if (on_error == Verdict::mask) return wrong("on_error", "write refuse or allow");
  if (!webhook.empty() && !webhook.starts_with("http://") && !webhook.starts_with("https://"))
    return wrong("webhook", "is no URL; write http://HOST:PORT/PATH");
  for (const std::string& pattern : patterns) TRY(Pattern::compile(pattern).within("patterns"));
  return check_time("timeout", timeout);
}

Result<void> GatewayConfig::validate() const {
  constexpr double retries_max = 10;
  constexpr std::size_t threads_max = 64, queue_limit = 1u << 16;
  if (!(std::isfinite(retry_budget) && retry_budget >= 0 && retry_budget <= retries_max))
    return wrong("retry_budget", "is outside of 0..10");
  if (local_threads > threads_max)
    return wrong("local_threads", fmt::format("{} is outside of 0..64", local_threads));
  if (local_queue_max > queue_limit)
    return wrong("local_queue_max", fmt::format("{} is outside of 0..65536", local_queue_max));
  return check_time("local_wait", local_wait);
}

Result<void> Settings::check(const std::vector<std::string>& installed) const {
  const auto exists = [&](const std::string& name) {
    return name == "default" || models.contains(name) || name.find('/') != std::string::npos ||
           std::find(installed.begin(), installed.end(), name) != installed.end();
  };
  const auto unknown = [&](const std::string& path, const std::string& name) {
    std::vector<std::string_view> known(installed.begin(), installed.end());
    for (const auto& [model, config] : models) known.push_back(model);
    const auto hint = json::nearest(name, known);
    return fail(Code::invalid_argument, "{}: there is no model '{}'{}", path, name,
                hint.empty() ? std::string() : fmt::format("; did you mean '{}'?", hint));
  };
  for (const auto& [name, model] : models)
    for (const std::string& next : model.fallback) {
      const std::string path = fmt::format("models.{}.fallback", name);
      if (next == name) return wrong(path, "a model is no fallback of itself");
      if (!exists(next)) return unknown(path, next);
    }
  for (const auto& [name, route] : routes) {
    if (models.contains(name))
      return wrong("routes." + name, "is the name of a model too; choose another");
    for (const RouteTarget& target : route.targets) {
      const std::string path = fmt::format("routes.{}.targets", name);
      if (routes.contains(target.model))
        return wrong(path, fmt::format("'{}' is a route; name models", target.model));
      if (!exists(target.model)) return unknown(path, target.model);
    }
  }
  for (const auto& [name, guard] : guardrails)
    for (const std::string& model : guard.models)
      if (!exists(model) && !routes.contains(model))
        return unknown(fmt::format("guardrails.{}.models", name), model);
  return {};
}

}  // namespace slipway::gateway
