// Budgets as rows: making, changing, reading them.
#pragma once

#include "budgets/detail/books.hpp"

namespace slipway::budgets::detail {

struct BudgetRow {
  std::string id, name;
  BudgetConfig config;
  bool is_declared = false;
};
/// Fails: conflict (the name is taken).
Result<void> insert_budget(Books& books, const BudgetRow& budget);
Result<void> change_budget(Books& books, const Definition& definition, const BudgetChange& change);
Result<void> remove_budget(Books& books, const Definition& definition);
/// See `Ledger::declare`.
Result<void> declare_budgets(Books& books, const std::map<std::string, BudgetConfig>& budgets,
                             const std::function<std::string()>& make_id);

Result<Budget> read_budget(store::Connection& connection, const Definition& definition,
                           Clock::Time now);
struct EntriesWish {
  int limit = 50;
  std::string cursor;
};
Result<EntryPage> read_entries(store::Connection& connection, const Definition& definition,
                               const EntriesWish& wish);
/// Accounts that are not the sum of their ledger, in words.
Result<std::vector<std::string>> check_sums(store::Connection& connection);

}  // namespace slipway::budgets::detail
