// What slipway.yaml says of the gateway besides its models: `routes:`, `guardrails:`, `gateway:`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/masking.hpp"
#include "models/catalog.hpp"

namespace slipway::gateway {

enum class RoutePolicy {
  ordered,       ///< The first target that is well.
  weighted,      ///< By chance, in the ratio of the weights.
  least_latency  ///< Whose answers begin soonest lately, counting what it is busy with.
};
BOOST_DESCRIBE_ENUM(RoutePolicy, ordered, weighted, least_latency)

struct RouteTarget {
  std::string model;
  double weight = 1;  ///< Above 0.
  static constexpr std::string_view required[] = {"model"};
};
BOOST_DESCRIBE_STRUCT(RouteTarget, (), (model, weight))

/// Answers again what was answered to nearly the same last question in the same conversation.
struct SemanticCacheConfig {
  double threshold = 0.97;  ///< Least cosine of the questions, 0..1.
  std::string ttl = "1h";
  std::string embedder = std::string(models::default_embedder);
  /// Share of hits that ask the model too and compare: the measured rate of false hits.
  double check = 0.02;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(SemanticCacheConfig, (), (threshold, ttl, embedder, check))

struct CacheConfig {
  std::string exact;  ///< How long an answer to the same request is good: "1h"; empty: not kept.
  std::optional<SemanticCacheConfig> semantic;
  bool per_caller = false;  ///< Nobody gets an answer that another key asked for.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(CacheConfig, (), (exact, semantic, per_caller))

/// A name that stands for several models.
struct RouteConfig {
  RoutePolicy policy = RoutePolicy::ordered;
  std::vector<RouteTarget> targets;
  std::string sticky = "none";  ///< "header:NAME", "user": the same of it gets the same target.
  std::optional<CacheConfig> cache;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(RouteConfig, (), (policy, targets, sticky, cache))

enum class Phase { input, output };
BOOST_DESCRIBE_ENUM(Phase, input, output)
enum class Verdict { allow, mask, refuse };
BOOST_DESCRIBE_ENUM(Verdict, allow, mask, refuse)

/// What is looked at in what goes to a model and what comes from it.
struct GuardrailConfig {
  std::vector<Phase> on = {Phase::input};
  std::vector<Personal> mask;         ///< Replaced by "[email]" and so on.
  std::vector<std::string> patterns;  ///< Regular expressions, see core/pattern.hpp.
  Verdict on_match = Verdict::mask;   ///< Of `patterns`: "[masked]", or the call is refused.
  std::string json_schema;  ///< "file:PATH": the output is JSON of this schema, or refused.
  std::optional<double> prompt_injection;  ///< Refuse input that scores this much, 0..1; try 0.7.
  std::string webhook;                     ///< URL that is asked; see docs/guides/gateway.md.
  std::string timeout = "500ms";           ///< Of the webhook.
  Verdict on_error = Verdict::refuse;      ///< When it cannot be asked: refuse, or allow.
  std::vector<std::string> models;         ///< Names as clients ask for them; empty: all.
  /// Whose input: conversations, texts to embed, the query and documents to rerank. Empty: all of
  /// them, but `prompt_injection` then looks at conversations alone.
  std::vector<models::ModelTask> tasks;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(GuardrailConfig, (),
                      (on, mask, patterns, on_match, json_schema, prompt_injection, webhook,
                       timeout, on_error, models, tasks))

/// `gateway:` in slipway.yaml: what holds for all calls.
struct GatewayConfig {
  double retry_budget = 0.2;  ///< Retries per first try, beyond a small stock; 0: none at all.
  std::size_t cache_bytes_max = 64u << 20;
  std::size_t local_threads = 0;            ///< That wait for local models; 0: 8.
  std::size_t local_queue_max = 256;        ///< Calls that wait for one of those threads,
  std::string local_wait = "30s";           ///< and how long.
  std::size_t reply_bytes_max = 64u << 20;  ///< Of one upstream reply that is not streamed.
  /// What budgets reserve for a reply whose length nobody limits, in tokens.
  std::int64_t output_tokens_default = 4096;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(GatewayConfig, (),
                      (retry_budget, cache_bytes_max, local_threads, local_queue_max, local_wait,
                       reply_bytes_max, output_tokens_default))

/// All of it, as one revision of the configuration has it.
struct Settings {
  std::map<std::string, models::ModelConfig> models;
  std::vector<std::string> order;  ///< Of the names of models and routes in lists; others follow.
  std::map<std::string, RouteConfig> routes;
  std::map<std::string, GuardrailConfig> guardrails;
  GatewayConfig gateway;
  std::map<std::string, json::Value> prices;  ///< As `trace::declared_prices` reads them.
  std::string default_chat_model = std::string(models::default_chat_model);  ///< Of "default".
  /// Names that mean each other or nobody, a route of routes, and what `validate` of the parts
  /// cannot see. `installed` are models that exist without an entry. Fails: invalid_argument with
  /// the path.
  Result<void> check(const std::vector<std::string>& installed) const;
};

}  // namespace slipway::gateway
