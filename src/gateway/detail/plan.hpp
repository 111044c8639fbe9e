// One revision of the configuration, made ready; and what outlives revisions.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/guarded.hpp"
#include "gateway/detail/deployment.hpp"
#include "gateway/detail/guards.hpp"
#include "gateway/gateway.hpp"

namespace slipway::gateway::detail {

/// What is known of deployments by name, over all revisions. Safe to use from many threads.
class HealthBook {
 public:
  std::shared_ptr<Health> of(const std::string& name, const models::BreakerConfig& breaker);

 private:
  Guarded<std::map<std::string, std::shared_ptr<Health>>> book_;
};

/// Who may answer, in the order in which they are tried.
struct Candidates {
  const RouteConfig* route = nullptr;  ///< Of the plan; null: a model was asked for.
  std::vector<DeploymentPtr> list;
};

/// How one call chooses among them.
struct Choice {
  std::string sticky;  ///< The same gets the same; empty: chance.
  Clock::Time now;
  Random& random;
};

/// Immutable.
class Plan {
 public:
  /// Fails: invalid_argument, not_found (a secret).
  static Result<std::shared_ptr<const Plan>> make(Settings settings,
                                                  std::shared_ptr<models::Catalog> catalog,
                                                  const std::vector<models::ModelInfo>& installed,
                                                  HealthBook& book);

  const Settings& settings() const { return settings_; }
  models::Catalog& catalog() const { return *catalog_; }
  const std::shared_ptr<models::Catalog>& shared_catalog() const { return catalog_; }
  const GuardList& guards() const { return guards_; }
  const std::map<std::string, DeploymentPtr>& deployments() const { return deployments_; }
  const std::vector<models::ModelInfo>& installed() const { return installed_; }
  /// What the configuration says that models cost.
  const std::vector<trace::PriceRow>& prices() const { return prices_; }

  /// The route of that name; null when there is none.
  const RouteConfig* route(const std::string& name) const;
  /// The deployment of a model, "default" included; null when there is none.
  DeploymentPtr deployment(const std::string& name) const;
  /// Empty when the name is not known here.
  Candidates candidates(const std::string& name, const Choice& choice) const;

 private:
  Plan() = default;
  void add_with_fallback(const DeploymentPtr& deployment, std::vector<DeploymentPtr>& list) const;
  std::vector<DeploymentPtr> ordered_targets(const RouteConfig& route, const Choice& choice) const;

  Settings settings_;
  std::shared_ptr<models::Catalog> catalog_;
  std::map<std::string, DeploymentPtr> deployments_;
  std::vector<models::ModelInfo> installed_;
  GuardList guards_;
  std::vector<trace::PriceRow> prices_;
};
using PlanPtr = std::shared_ptr<const Plan>;

}  // namespace slipway::gateway::detail
