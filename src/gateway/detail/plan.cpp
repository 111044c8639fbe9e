#include "gateway/detail/plan.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "gateway/prices.hpp"
#include "trace/own_prices.hpp"

namespace slipway::gateway::detail {

namespace {

constexpr std::size_t health_max = 10'000;

/// FNV-1a: the same in every process, so that replicas agree.
std::uint64_t hash_of(std::string_view a, std::string_view b) {
  std::uint64_t hash = 14695981039346656037ull;
  const auto mix = [&](std::string_view text) {
    for (const char c : text) {
      hash ^= static_cast<unsigned char>(c);
      hash *= 1099511628211ull;
    }
  };
  mix(a);
  mix(std::string_view("\0", 1));
  mix(b);
  // Its high bits are weak for short texts.
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdull;
  hash ^= hash >> 33;
  return hash;
}

/// Chance by weight: a target is first as often as its weight says. With the same number for a
/// target every time it is weighted rendezvous hashing.
double lot(double number, double weight) { return -std::log(std::max(number, 1e-12)) / weight; }

}  // namespace

std::shared_ptr<Health> HealthBook::of(const std::string& name,
                                       const models::BreakerConfig& breaker) {
  return book_.with([&](auto& book) {
    // Names of pipelines come and go.
    if (book.size() >= health_max && !book.contains(name))
      std::erase_if(book, [](const auto& entry) { return entry.second.use_count() == 1; });
    auto& health = book[name];
    if (health == nullptr) health = std::make_shared<Health>(breaker);
    return health;
  });
}

Result<PlanPtr> Plan::make(Settings settings, std::shared_ptr<models::Catalog> catalog,
                           const std::vector<models::ModelInfo>& installed, HealthBook& book) {
  const auto plan = std::shared_ptr<Plan>(new Plan);
  std::vector<std::string> names;
  for (const models::ModelInfo& info : installed)
    if (info.state == "installed" && !settings.models.contains(info.name)) {
      names.push_back(info.name);
      plan->installed_.push_back(info);
      models::ModelConfig config;
      config.provider = info.provider;
      config.task = info.task;
      plan->deployments_[info.name] =
          TRY(Deployment::make(info.name, config, book.of(info.name, config.breaker)));
    }
  TRY(settings.gateway.validate().within("gateway"));
  for (const auto& [name, config] : settings.models) {
    TRY(config.validate().within("models." + name));
    plan->deployments_[name] = TRY(Deployment::make(name, config, book.of(name, config.breaker)));
  }
  for (const auto& [name, route] : settings.routes) TRY(route.validate().within("routes." + name));
  TRY(settings.check(names));
  plan->guards_ = TRY(make_guards(settings.guardrails));
  plan->prices_ = declared_prices(settings.models, installed);
  // Last: of two of one model the last one holds.
  for (trace::PriceRow& row : TRY(trace::declared_prices(settings.prices)))
    plan->prices_.push_back(std::move(row));
  plan->settings_ = std::move(settings);
  plan->catalog_ = std::move(catalog);
  return PlanPtr(plan);
}

const RouteConfig* Plan::route(const std::string& name) const {
  const auto found = settings_.routes.find(name);
  return found == settings_.routes.end() ? nullptr : &found->second;
}

DeploymentPtr Plan::deployment(const std::string& name) const {
  auto found = deployments_.find(name);
  if (found == deployments_.end() && name == "default")
    found = deployments_.find(settings_.default_chat_model);
  return found == deployments_.end() ? nullptr : found->second;
}

void Plan::add_with_fallback(const DeploymentPtr& deployment,
                             std::vector<DeploymentPtr>& list) const {
  const auto add = [&](const DeploymentPtr& one) {
    if (one != nullptr && std::find(list.begin(), list.end(), one) == list.end())
      list.push_back(one);
  };
  add(deployment);
  if (deployment == nullptr) return;
  for (const std::string& name : deployment->config().fallback) add(this->deployment(name));
}

std::vector<DeploymentPtr> Plan::ordered_targets(const RouteConfig& route,
                                                 const Choice& choice) const {
  struct Ranked {
    DeploymentPtr deployment;
    double rank = 0;
  };
  std::vector<Ranked> ranked;
  for (std::size_t i = 0; i < route.targets.size(); ++i) {
    const RouteTarget& target = route.targets[i];
    auto deployment = this->deployment(target.model);
    if (deployment == nullptr) continue;
    double rank = static_cast<double>(i);
    if (!choice.sticky.empty() && route.policy != RoutePolicy::ordered) {
      const double number =
          std::ldexp(static_cast<double>(hash_of(choice.sticky, target.model) >> 11), -53);
      rank = lot(number, target.weight);
    } else if (route.policy == RoutePolicy::weighted) {
      rank = lot(fraction(choice.random), target.weight);
    } else if (route.policy == RoutePolicy::least_latency) {
      const Health& health = deployment->health();
      const auto busy = static_cast<double>(health.running.load() + 1);
      // Who has never answered is asked soon, but not by everybody at once.
      rank = health.latency.value() * busy + (health.calls.load() == 0 ? busy - 1 : 0);
    }
    ranked.push_back({std::move(deployment), rank});
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Ranked& a, const Ranked& b) { return a.rank < b.rank; });
  std::vector<DeploymentPtr> list;
  for (Ranked& one : ranked) list.push_back(std::move(one.deployment));
  return list;
}

Candidates Plan::candidates(const std::string& name, const Choice& choice) const {
  Candidates candidates;
  candidates.route = route(name);
  if (candidates.route == nullptr) {
    add_with_fallback(deployment(name), candidates.list);
    return candidates;
  }
  const auto targets = ordered_targets(*candidates.route, choice);
  candidates.list = targets;
  for (const auto& target : targets) add_with_fallback(target, candidates.list);
  return candidates;
}

}  // namespace slipway::gateway::detail
