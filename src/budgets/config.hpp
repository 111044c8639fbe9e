// What slipway.yaml says under `budgets:`, and what POST /api/budgets takes besides a name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace slipway::budgets {

/// In UTC. A budget of a period begins anew with each.
enum class Period { total, hour, day, month };
BOOST_DESCRIBE_ENUM(Period, total, hour, day, month)

/// What becomes of a call that does not fit.
enum class OnExceed {
  reject,   ///< It is refused.
  clamp,    ///< Its reply may only be as long as what is left pays for.
  degrade,  ///< `degrade_to` is asked instead; refused if that does not fit either.
  ask       ///< It is refused until somebody approves more.
};
BOOST_DESCRIBE_ENUM(OnExceed, reject, clamp, degrade, ask)

struct AlertConfig {
  double at = 0.8;      ///< Share of the limit that was spent, above 0.
  std::string webhook;  ///< URL that is told.
  static constexpr std::string_view required[] = {"at", "webhook"};
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(AlertConfig, (), (at, webhook))

/// Values of a call by name: project, user, session, key, model, trace, run.
using Scope = std::map<std::string, std::string>;

struct BudgetConfig {
  Scope scope;  ///< Whose calls; empty: all. "*": one budget for each value.
  std::optional<double> limit_usd;
  std::optional<std::int64_t> limit_tokens;
  Period period = Period::total;
  OnExceed on_exceed = OnExceed::reject;
  std::string degrade_to;  ///< A model or route.
  std::vector<AlertConfig> alerts;
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(BudgetConfig, (),
                      (scope, limit_usd, limit_tokens, period, on_exceed, degrade_to, alerts))

/// Fails: invalid_argument.
Result<void> check_budget_name(const std::string& name);

}  // namespace slipway::budgets
