#include "budgets/detail/schema.hpp"

namespace slipway::budgets::detail {

namespace {

constexpr std::string_view books = R"sql(
    CREATE TABLE budgets(
      n INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      config TEXT NOT NULL,
      is_declared INTEGER NOT NULL,  -- In slipway.yaml.
      is_ended INTEGER NOT NULL DEFAULT 0);  -- No longer there.
    CREATE UNIQUE INDEX budgets_name ON budgets(name) WHERE is_ended = 0;
    -- Amounts of money are picodollars, times milliseconds, periods their start in seconds.
    CREATE TABLE budget_ledger(
      seq INTEGER PRIMARY KEY AUTOINCREMENT,
      budget INTEGER NOT NULL,
      subject TEXT NOT NULL,
      period INTEGER NOT NULL,
      time INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      call_id TEXT NOT NULL,
      trace_id TEXT NOT NULL,
      usd INTEGER NOT NULL,
      tokens INTEGER NOT NULL);
    CREATE INDEX budget_ledger_budget ON budget_ledger(budget, seq);
    -- Sums of the ledger, written with it.
    CREATE TABLE budget_accounts(
      budget INTEGER NOT NULL,
      subject TEXT NOT NULL,
      period INTEGER NOT NULL,
      spent_usd INTEGER NOT NULL,
      reserved_usd INTEGER NOT NULL,
      spent_tokens INTEGER NOT NULL,
      reserved_tokens INTEGER NOT NULL,
      approved_usd INTEGER NOT NULL,
      approved_tokens INTEGER NOT NULL,
      admitted INTEGER NOT NULL,
      refused INTEGER NOT NULL,
      PRIMARY KEY(budget, period, subject)) WITHOUT ROWID;
    -- Reservations that have no outcome yet.
    CREATE TABLE budget_open(
      hold TEXT NOT NULL,
      budget INTEGER NOT NULL,
      subject TEXT NOT NULL,
      period INTEGER NOT NULL,
      call_id TEXT NOT NULL,
      trace_id TEXT NOT NULL,
      usd INTEGER NOT NULL,
      tokens INTEGER NOT NULL,
      PRIMARY KEY(hold, budget)) WITHOUT ROWID;
)sql";

constexpr std::string_view notices = R"sql(    CREATE TABLE budget_approvals(
      n INTEGER PRIMARY KEY,
      budget INTEGER NOT NULL,
      subject TEXT NOT NULL,
      period INTEGER NOT NULL,
      time INTEGER NOT NULL,
      usd INTEGER NOT NULL,
      tokens INTEGER NOT NULL);
    CREATE TABLE budget_alerts(
      budget INTEGER NOT NULL,
      period INTEGER NOT NULL,
      subject TEXT NOT NULL,
      at REAL NOT NULL,
      webhook TEXT NOT NULL,
      fired_at INTEGER NOT NULL,
      PRIMARY KEY(budget, period, subject, at, webhook)) WITHOUT ROWID;
    CREATE TABLE budget_notices(
      n INTEGER PRIMARY KEY,
      key TEXT NOT NULL UNIQUE,
      target TEXT NOT NULL,
      body TEXT NOT NULL,
      created INTEGER NOT NULL,
      due INTEGER,  -- Null: it was delivered, or given up.
      attempts INTEGER NOT NULL,
      outcome TEXT);
    CREATE INDEX budget_notices_due ON budget_notices(due) WHERE due IS NOT NULL;
)sql";

}  // namespace

std::vector<store::Migration> migrations() {
  return {{"budgets", 1, books}, {"budgets", 2, notices}};
}

}  // namespace slipway::budgets::detail
