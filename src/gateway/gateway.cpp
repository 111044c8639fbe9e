#include "gateway/gateway.hpp"

#include "core/duration.hpp"
#include "gateway/detail/chat_call.hpp"
#include "gateway/detail/engine.hpp"
#include "gateway/detail/task_call.hpp"

namespace slipway::gateway {

namespace {

using detail::Deployment;
using detail::DeploymentPtr;
using detail::Engine;
using detail::Place;
using detail::PlanPtr;

/// Dollars for a million tokens, as a table of models shows them.
std::optional<double> per_million(const trace::PriceRow& row, std::string_view key) {
  constexpr double attodollars = 1e12;
  const auto found = row.keys.find(key);
  if (found == row.keys.end()) return {};
  return static_cast<double>(found->second.attodollars) / attodollars;
}

ModelCard card_of(const Deployment& deployment, const std::string& name, const Engine& engine) {
  ModelCard card;
  card.name = name;
  card.provider = deployment.provider();
  card.task = std::string(json::name(deployment.config().task));
  card.context_tokens = static_cast<std::int64_t>(deployment.config().context_tokens);
  const auto book = engine.prices();
  const trace::PriceRow* row = nullptr;
  if (deployment.place() != Place::pipeline)
    row = book->find_first({deployment.model(), deployment.priced_model()}, card.provider,
                           trace::nanoseconds(engine.clock().now()));
  if (row != nullptr) {
    card.input_usd_per_million = per_million(*row, "input_cost_per_token");
    card.output_usd_per_million = per_million(*row, "output_cost_per_token");
  }
  if (deployment.place() == Place::remote && card.task == "chat")
    card.modalities.push_back("image");
  return card;
}

ModelCard route_card(const detail::Plan& plan, const std::string& name, const Engine& engine) {
  ModelCard card;
  card.name = name;
  card.provider = "route";
  card.task = "chat";
  for (const RouteTarget& target : plan.route(name)->targets) {
    const auto deployment = plan.deployment(target.model);
    if (deployment == nullptr) continue;
    const ModelCard one = card_of(*deployment, name, engine);
    card.task = one.task;
    // What every target holds.
    if (one.context_tokens > 0 &&
        (card.context_tokens == 0 || one.context_tokens < card.context_tokens))
      card.context_tokens = one.context_tokens;
  }
  return card;
}

DeploymentState state_of(const Deployment& deployment, Clock::Time now) {
  DeploymentState state;
  detail::Health& health = deployment.health();
  state.name = deployment.name();
  state.provider = deployment.provider();
  state.circuit = std::string(name(health.circuit.state(now)));
  if (deployment.place() == Place::remote) {
    state.base_url = http::redact_url(deployment.config().base_url);
    state.model = deployment.model();
  }
  state.keys = deployment.keys();
  {
    const std::lock_guard lock(health.keys_mutex);
    for (const auto& [index, until] : health.keys_rest)
      if (until > now && index < state.keys) ++state.keys_resting;
  }
  state.running = health.running;
  state.calls = health.calls;
  state.failures = health.failures;
  state.latency_ms = health.latency.value();
  return state;
}

double number_of(detail::Circuit::State state) {
  switch (state) {
    case detail::Circuit::State::closed: return 0;
    case detail::Circuit::State::half_open: return 1;
    case detail::Circuit::State::open: return 2;
  }
  return 0;
}

class EngineGateway final : public Gateway {
 public:
  EngineGateway(Options options, std::unique_ptr<detail::Timers> timers,
                detail::Lanes::Options lanes)
      : metrics_(options.metrics),
        engine_(std::make_unique<Engine>(std::move(options), std::move(timers), lanes)) {}

  Result<void> begin(Settings settings, std::shared_ptr<models::Catalog> catalog) {
    TRY(engine_->set_plan(std::move(settings), std::move(catalog)));
    if (metrics_ != nullptr) observe();
    return {};
  }

  void chat(const http::ExchangePtr& exchange, ChatCall call) override {
    start(std::make_shared<detail::ConversationCall>(*engine_, exchange, std::move(call)));
  }
  void embed(const http::ExchangePtr& exchange, EmbedCall call,
             Done<dialects::EmbeddingReply> done) override {
    start(std::make_shared<detail::EmbeddingCall>(*engine_, exchange, std::move(call),
                                                  std::move(done)));
  }
  void rerank(const http::ExchangePtr& exchange, RerankCall call,
              Done<dialects::RerankReply> done) override {
    start(std::make_shared<detail::RerankingCall>(*engine_, exchange, std::move(call),
                                                  std::move(done)));
  }
  void count_tokens(const http::ExchangePtr& exchange, CountCall call,
                    Done<CountReply> done) override {
    start(std::make_shared<detail::CountingCall>(*engine_, exchange, std::move(call),
                                                 std::move(done)));
  }

  std::vector<ModelCard> models(const access::Caller& caller) const override;
  std::optional<ModelCard> model(const access::Caller& caller,
                                 const std::string& name) const override;
  dialects::WireError unknown_model(const access::Caller& caller,
                                    const std::string& name) const override;
  Result<void> reload(Settings settings, std::shared_ptr<models::Catalog> catalog) override {
    return engine_->set_plan(std::move(settings), std::move(catalog));
  }
  Result<void> refresh() override { return engine_->look_for_installed(); }
  GatewaySettings shown() const override;

 private:
  static void start(const std::shared_ptr<detail::Call>& call) { call->run(); }
  void observe();

  http::Metrics* metrics_;
  std::shared_ptr<Engine> engine_;  // Shared with what the registry of metrics reads.
};

std::vector<ModelCard> EngineGateway::models(const access::Caller& caller) const {
  std::vector<ModelCard> cards;
  for (const std::string& name : engine_->names())
    if (auto card = model(caller, name)) cards.push_back(*std::move(card));
  return cards;
}

std::optional<ModelCard> EngineGateway::model(const access::Caller& caller,
                                              const std::string& name) const {
  if (!caller.may_use(name)) return {};
  const PlanPtr plan = engine_->plan();
  if (plan->route(name) != nullptr) return route_card(*plan, name, *engine_);
  if (const auto deployment = plan->deployment(name)) return card_of(*deployment, name, *engine_);
  if (const auto pipeline = engine_->pipeline(name)) return card_of(*pipeline, name, *engine_);
  return {};
}

dialects::WireError EngineGateway::unknown_model(const access::Caller& caller,
                                                 const std::string& name) const {
  return engine_->unknown_model(caller, name);
}

GatewaySettings EngineGateway::shown() const {
  const PlanPtr plan = engine_->plan();
  const Clock::Time now = engine_->clock().now();
  GatewaySettings shown;
  shown.gateway = plan->settings().gateway;
  shown.routes = plan->settings().routes;
  shown.guardrails = plan->settings().guardrails;
  for (auto& [name, guardrail] : shown.guardrails)
    if (!guardrail.webhook.empty()) guardrail.webhook = http::redact_url(guardrail.webhook);
  for (const auto& [name, deployment] : plan->deployments())
    shown.deployments.push_back(state_of(*deployment, now));
  shown.cache = engine_->cache().state();
  shown.calls_running = engine_->running();
  shown.local_waiting = engine_->lanes().waiting();
  return shown;
}

/// What is read when /metrics is asked.
void EngineGateway::observe() {
  using Kind = http::Metrics::Kind;
  using Samples = http::Metrics::Samples;
  const std::weak_ptr<Engine> weak = engine_;
  const auto reading = [&](Kind kind, const char* help, http::Metrics::Labels labels,
                           std::function<Samples(Engine&)> read) {
    return http::Metrics::Reading{kind, help, std::move(labels), [weak, read = std::move(read)] {
                                    const auto engine = weak.lock();
                                    return engine ? read(*engine) : Samples();
                                  }};
  };
  metrics_->observe(
      "slipway_gateway_circuit_state",
      reading(Kind::gauge, "0 closed, 1 half open, 2 open.", {"deployment"}, [](Engine& engine) {
        Samples samples;
        const Clock::Time now = engine.clock().now();
        for (const auto& [name, one] : engine.plan()->deployments()) {
          const auto state = one->health().circuit.state(now);
          samples.push_back({{name}, number_of(state)});
        }
        return samples;
      }));
  metrics_->observe("slipway_gateway_running",
                    reading(Kind::gauge, "Calls that have not ended.", {}, [](Engine& engine) {
                      return Samples{{{}, static_cast<double>(engine.running())}};
                    }));
  metrics_->observe(
      "slipway_gateway_queue_waiting",
      reading(Kind::gauge, "Calls that wait for a thread of local models.", {}, [](Engine& engine) {
        return Samples{{{}, static_cast<double>(engine.lanes().waiting())}};
      }));
  metrics_->observe(
      "slipway_gateway_cache_checks_total",
      reading(Kind::counter, "Semantic hits that were compared with the model.", {"result"},
              [](Engine& engine) {
                const CacheState state = engine.cache().state();
                const auto false_hits = static_cast<double>(state.false_hits);
                const auto checked = static_cast<double>(state.checked);
                return Samples{{{"false"}, false_hits}, {{"true"}, checked - false_hits}};
              }));
}

}  // namespace

namespace detail {

Result<std::unique_ptr<Gateway>> open_gateway(Gateway::Options options,
                                              std::unique_ptr<Timers> timers) {
  constexpr std::size_t threads_default = 8;
  SLIPWAY_ASSERT(options.catalog != nullptr && options.upstream != nullptr);
  Settings settings = options.settings;
  TRY(settings.gateway.validate().within("gateway"));
  Lanes::Options lanes;
  lanes.threads =
      settings.gateway.local_threads > 0 ? settings.gateway.local_threads : threads_default;
  lanes.queue_max = settings.gateway.local_queue_max;
  lanes.wait = TRY(parse_duration(settings.gateway.local_wait));
  auto catalog = options.catalog;
  auto gateway = std::make_unique<EngineGateway>(std::move(options), std::move(timers), lanes);
  TRY(gateway->begin(std::move(settings), std::move(catalog)));
  return std::unique_ptr<Gateway>(std::move(gateway));
}

}  // namespace detail

Result<std::unique_ptr<Gateway>> Gateway::open(Options options) {
  return detail::open_gateway(std::move(options), detail::make_timers());
}

}  // namespace slipway::gateway
