// The budgets that there are, and which of them a call must fit.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "budgets/ledger.hpp"
#include "store/database.hpp"

namespace slipway::budgets::detail {

struct Definition {
  std::int64_t n = 0;
  std::string id, name;
  BudgetConfig config;
  std::optional<trace::Picodollars> limit_usd;
  bool is_declared = false;
  bool has_subjects = false;  ///< A "*" is in its scope.
};

/// Whether a call must fit the budget.
bool concerns(const Definition& definition, const Payer& payer);
/// The subject of a call's budget: "" without "*", else the starred values as canonical JSON.
/// Nothing: the budget is none of the call's business.
std::optional<std::string> subject_of(const Definition& definition, const Payer& payer);
/// The scope with the subject's values instead of stars.
Scope scope_of(const Definition& definition, const std::string& subject);
/// The subject that `scope` chooses. Fails: invalid_argument (a starred value is missing).
Result<std::string> subject_of(const Definition& definition, const Scope& scope);

/// All of one moment. Immutable.
struct Definitions {
  std::vector<Definition> list;  ///< By name.
  const Definition* find(std::int64_t n) const;
  const Definition* find(const std::string& id) const;
};
using DefinitionsPtr = std::shared_ptr<const Definitions>;

Result<DefinitionsPtr> read_definitions(store::Connection& connection);

}  // namespace slipway::budgets::detail
