#include "app/detail/budgeting.hpp"

namespace slipway::app::detail {

namespace {

constexpr const char* file_name = "budgets.db";

}  // namespace

Result<std::unique_ptr<Budgeting>> Budgeting::open(const Options& options) {
  auto budgeting = std::make_unique<Budgeting>();
  budgeting->ledger_ =
      TRY(budgets::Ledger::open({.path = options.database.path().parent_path() / file_name}));
  budgeting->alerts_ = std::make_unique<budgets::Alerts>(
      budgets::Alerts::Options{.ledger = *budgeting->ledger_, .store = &options.traces});
  budgeting->observe(options.metrics);
  return budgeting;
}

Result<void> Budgeting::apply(const std::map<std::string, budgets::BudgetConfig>& budgets,
                              const budgets::AlertRules& rules) {
  TRY(ledger_->declare(budgets));
  alerts_->set_rules(rules);
  return {};
}

void Budgeting::observe(http::Metrics& metrics) {
  using Kind = http::Metrics::Kind;
  const auto add = [&](std::string name, Kind kind, std::string help, auto read) {
    metrics.observe(
        std::move(name),
        {.kind = kind, .help = std::move(help), .labels = {"budget"}, .read = [this, read] {
           http::Metrics::Samples samples;
           const auto list = ledger_->list({});
           if (!list) return samples;
           for (const budgets::Budget& one : *list)
             if (const std::optional<double> value = read(one))
               samples.push_back({{one.name}, *value});
           return samples;
         }});
  };
  using budgets::Budget;
  using Number = std::optional<double>;
  add("slipway_budget_remaining_usd", Kind::gauge, "Dollars that are left in this period.",
      [](const Budget& budget) { return budget.remaining_usd; });
  add("slipway_budget_remaining_tokens", Kind::gauge, "Tokens that are left in this period.",
      [](const Budget& budget) {
        return budget.remaining_tokens ? Number(static_cast<double>(*budget.remaining_tokens))
                                       : Number();
      });
  add("slipway_budget_spent_usd", Kind::gauge, "Dollars that were spent in this period.",
      [](const Budget& budget) { return Number(budget.spent_usd); });
  add("slipway_budget_refused_total", Kind::counter, "Calls that were refused in this period.",
      [](const Budget& budget) { return Number(static_cast<double>(budget.refused)); });
}

}  // namespace slipway::app::detail
