// Budgets of a running server: where they are kept, who is told of them.
#pragma once

#include <memory>

#include "budgets/alerts.hpp"
#include "budgets/ledger.hpp"
#include "http/metrics.hpp"
#include "store/database.hpp"

namespace slipway::app::detail {

/// Outlives every service and the gateway. Safe to use from many threads.
class Budgeting {
 public:
  /// What it borrows must outlive it.
  struct Options {
    const store::Database& database;  ///< The main one; budgets.db lies beside it.
    http::Metrics& metrics;
    trace::TraceStore& traces;  ///< What rules of alerts look at.
  };
  /// Fails: as opening a database.
  static Result<std::unique_ptr<Budgeting>> open(const Options& options);

  budgets::Ledger& ledger() { return *ledger_; }
  /// What a configuration says of them. Fails: as `Ledger::declare`.
  Result<void> apply(const std::map<std::string, budgets::BudgetConfig>& budgets,
                     const budgets::AlertRules& rules);

 private:
  void observe(http::Metrics& metrics);

  std::unique_ptr<budgets::Ledger> ledger_;
  std::unique_ptr<budgets::Alerts> alerts_;
};

}  // namespace slipway::app::detail
