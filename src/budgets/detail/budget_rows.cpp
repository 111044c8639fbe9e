#include "budgets/detail/budget_rows.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "budgets/detail/periods.hpp"

namespace slipway::budgets::detail {

namespace {

constexpr int subjects_max = 100;

Clock::Time time_of(std::int64_t milliseconds) {
  return Clock::Time(std::chrono::milliseconds(milliseconds));
}

std::optional<double> left_usd(const Definition& definition, std::int64_t taken) {
  if (!definition.limit_usd) return {};
  return trace::Picodollars{std::max<std::int64_t>(0, definition.limit_usd->value - taken)}
      .dollars();
}

std::optional<std::int64_t> left_tokens(const Definition& definition, std::int64_t taken) {
  if (!definition.config.limit_tokens) return {};
  return std::max<std::int64_t>(0, *definition.config.limit_tokens - taken);
}

double dollars(std::int64_t picodollars) { return trace::Picodollars{picodollars}.dollars(); }

Result<void> update_config(Books& books, std::int64_t n, const BudgetConfig& config) {
  auto update = TRY(books.connection().prepare("UPDATE budgets SET config = ? WHERE n = ?"));
  update.bind(0, json::dump(json::to(config))).bind(1, n);
  books.budgets_changed();
  return update.run();
}

Result<void> check_name_free(Books& books, const std::string& name) {
  auto select =
      TRY(books.connection().prepare("SELECT id FROM budgets WHERE name = ? AND is_ended = 0"));
  if (TRY(select.bind(0, name).step()))
    return fail(Code::conflict,
                "name: there is a budget '{}' already, {}; change that one, or "
                "take another name",
                name, select.text(0));
  return {};
}

Result<void> set_ended(Books& books, std::int64_t n, bool is_ended) {
  auto update = TRY(books.connection().prepare("UPDATE budgets SET is_ended = ? WHERE n = ?"));
  update.bind(0, is_ended ? 1 : 0).bind(1, n);
  books.budgets_changed();
  return update.run();
}

/// The one of slipway.yaml of that name which counts in the same way: it may be back.
Result<std::optional<std::int64_t>> find_ended(Books& books, const std::string& name,
                                               const BudgetConfig& config) {
  auto select = TRY(books.connection().prepare(
      "SELECT n, config FROM budgets WHERE name = ? AND is_declared = 1 AND is_ended = 1 "
      "ORDER BY n DESC"));
  select.bind(0, name);
  while (TRY(select.step())) {
    const auto old = TRY(json::from<BudgetConfig>(TRY(json::parse(select.text(1)))));
    if (old.scope == config.scope && old.period == config.period)
      return std::optional(select.integer(0));
  }
  return std::optional<std::int64_t>();
}

Result<void> declare_one(Books& books, const std::string& name, const BudgetConfig& config,
                         const std::function<std::string()>& make_id) {
  const auto& list = books.definitions().list;
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.name == name; });
  if (found != list.end() && !found->is_declared)
    return fail(Code::conflict,
                "budgets.{}: a budget of that name was made by the API ({}); delete that one, or "
                "take another name",
                name, found->id);
  if (found != list.end() && found->config.scope == config.scope &&
      found->config.period == config.period)
    return update_config(books, found->n, config);
  if (found != list.end()) TRY(set_ended(books, found->n, true));
  if (const auto ended = TRY(find_ended(books, name, config))) {
    TRY(set_ended(books, *ended, false));
    return update_config(books, *ended, config);
  }
  return insert_budget(books, {make_id(), name, config, true});
}

Result<void> read_totals(store::Connection& connection, const Definition& definition,
                         std::int64_t period, Budget& budget) {
  auto select = TRY(connection.prepare(
      "SELECT sum(spent_usd), sum(reserved_usd), sum(spent_tokens), sum(reserved_tokens), "
      "sum(approved_usd), sum(approved_tokens), sum(admitted), sum(refused), "
      "max(spent_usd + reserved_usd - approved_usd), "
      "max(spent_tokens + reserved_tokens - approved_tokens) "
      "FROM budget_accounts WHERE budget = ? AND period = ?"));
  TRY(select.bind(0, definition.n).bind(1, period).step());
  budget.spent_usd = dollars(select.integer(0));
  budget.reserved_usd = dollars(select.integer(1));
  budget.spent_tokens = select.integer(2);
  budget.reserved_tokens = select.integer(3);
  budget.approved_usd = dollars(select.integer(4));
  budget.approved_tokens = select.integer(5);
  budget.admitted = select.integer(6);
  budget.refused = select.integer(7);
  budget.remaining_usd = left_usd(definition, select.integer(8));
  budget.remaining_tokens = left_tokens(definition, select.integer(9));
  return {};
}

Result<void> read_subjects(store::Connection& connection, const Definition& definition,
                           std::int64_t period, Budget& budget) {
  auto select = TRY(connection.prepare(
      "SELECT subject, spent_usd, reserved_usd, spent_tokens, reserved_tokens, approved_usd, "
      "approved_tokens, admitted, refused FROM budget_accounts WHERE budget = ? AND period = ? "
      "ORDER BY spent_usd + reserved_usd DESC, spent_tokens DESC LIMIT ?"));
  select.bind(0, definition.n).bind(1, period).bind(2, subjects_max);
  while (TRY(select.step())) {
    SubjectState state;
    state.scope = scope_of(definition, std::string(select.text(0)));
    state.spent_usd = dollars(select.integer(1));
    state.reserved_usd = dollars(select.integer(2));
    state.spent_tokens = select.integer(3);
    state.reserved_tokens = select.integer(4);
    state.remaining_usd =
        left_usd(definition, select.integer(1) + select.integer(2) - select.integer(5));
    state.remaining_tokens =
        left_tokens(definition, select.integer(3) + select.integer(4) - select.integer(6));
    state.admitted = select.integer(7);
    state.refused = select.integer(8);
    budget.subjects.push_back(std::move(state));
  }
  return {};
}

Result<std::optional<std::string>> fired_at(store::Connection& connection,
                                            const Definition& definition, std::int64_t period,
                                            const AlertConfig& alert) {
  auto select = TRY(connection.prepare(
      "SELECT max(fired_at) FROM budget_alerts WHERE budget = ? AND period = ? AND at = ? AND "
      "webhook = ?"));
  select.bind(0, definition.n).bind(1, period).bind(2, alert.at).bind(3, alert.webhook);
  if (!TRY(select.step()) || select.is_null(0)) return std::optional<std::string>();
  return std::optional(format_time(time_of(select.integer(0))));
}

}  // namespace

Result<void> insert_budget(Books& books, const BudgetRow& budget) {
  TRY(check_name_free(books, budget.name));
  auto insert = TRY(books.connection().prepare(
      "INSERT INTO budgets(id, name, config, is_declared) VALUES (?, ?, ?, ?)"));
  insert.bind(0, budget.id).bind(1, budget.name);
  insert.bind(2, json::dump(json::to(budget.config))).bind(3, budget.is_declared ? 1 : 0);
  books.budgets_changed();
  return insert.run();
}

Result<void> change_budget(Books& books, const Definition& definition, const BudgetChange& change) {
  BudgetConfig config = definition.config;
  if (change.limit_usd) config.limit_usd = change.limit_usd;
  if (change.limit_tokens) config.limit_tokens = change.limit_tokens;
  if (change.on_exceed) config.on_exceed = *change.on_exceed;
  if (config.on_exceed != OnExceed::degrade) config.degrade_to.clear();
  if (change.degrade_to) config.degrade_to = *change.degrade_to;
  if (change.alerts) config.alerts = *change.alerts;
  TRY(config.validate());
  if (change.name && *change.name != definition.name) {
    TRY(check_budget_name(*change.name));
    TRY(check_name_free(books, *change.name));
    auto update = TRY(books.connection().prepare("UPDATE budgets SET name = ? WHERE n = ?"));
    update.bind(0, *change.name).bind(1, definition.n);
    TRY(update.run());
  }
  return update_config(books, definition.n, config);
}

Result<void> remove_budget(Books& books, const Definition& definition) {
  for (const char* table :
       {"budget_ledger", "budget_accounts", "budget_open", "budget_approvals", "budget_alerts"}) {
    auto remove =
        TRY(books.connection().prepare(fmt::format("DELETE FROM {} WHERE budget = ?", table)));
    TRY(remove.bind(0, definition.n).run());
  }
  auto remove = TRY(books.connection().prepare("DELETE FROM budgets WHERE n = ?"));
  books.budgets_changed();
  return remove.bind(0, definition.n).run();
}

Result<void> declare_budgets(Books& books, const std::map<std::string, BudgetConfig>& budgets,
                             const std::function<std::string()>& make_id) {
  for (const Definition& one : books.definitions().list)
    if (one.is_declared && !budgets.contains(one.name)) TRY(set_ended(books, one.n, true));
  for (const auto& [name, config] : budgets) TRY(declare_one(books, name, config, make_id));
  return {};
}

Result<Budget> read_budget(store::Connection& connection, const Definition& definition,
                           Clock::Time now) {
  const BudgetConfig& config = definition.config;
  const std::int64_t period = period_start(config.period, now);
  Budget budget;
  budget.id = definition.id;
  budget.name = definition.name;
  budget.scope = config.scope;
  budget.period = config.period;
  budget.limit_usd = config.limit_usd;
  budget.limit_tokens = config.limit_tokens;
  budget.on_exceed = config.on_exceed;
  if (!config.degrade_to.empty()) budget.degrade_to = config.degrade_to;
  if (const auto end = period_end(config.period, now)) budget.resets_at = format_time(*end);
  if (definition.is_declared) budget.source = "slipway.yaml";
  TRY(read_totals(connection, definition, period, budget));
  if (definition.has_subjects) TRY(read_subjects(connection, definition, period, budget));
  for (const AlertConfig& alert : config.alerts) {
    auto fired = TRY(fired_at(connection, definition, period, alert));
    budget.alerts.push_back({alert.at, alert.webhook, std::move(fired)});
  }
  return budget;
}

Result<EntryPage> read_entries(store::Connection& connection, const Definition& definition,
                               const EntriesWish& wish) {
  std::int64_t after = 0;
  const char* const end = wish.cursor.data() + wish.cursor.size();
  const auto [stop, error] = std::from_chars(wish.cursor.data(), end, after);
  if (!wish.cursor.empty() && (error != std::errc() || stop != end || after < 0))
    return fail(Code::invalid_argument,
                "cursor: '{}' is none; give the next_cursor of the page before",
                std::string_view(wish.cursor).substr(0, 40));
  auto select = TRY(connection.prepare(
      "SELECT seq, subject, time, kind, call_id, trace_id, usd, tokens FROM budget_ledger "
      "WHERE budget = ? AND seq > ? ORDER BY seq LIMIT ?"));
  select.bind(0, definition.n).bind(1, after).bind(2, wish.limit + 1);
  EntryPage page;
  while (TRY(select.step())) {
    if (page.items.size() == static_cast<std::size_t>(wish.limit)) {
      page.next_cursor = std::to_string(page.items.back().seq);
      break;
    }
    Entry entry;
    entry.seq = select.integer(0);
    entry.time = format_time(time_of(select.integer(2)));
    entry.kind = static_cast<EntryKind>(select.integer(3));
    entry.call_id = select.text(4);
    entry.trace_id = select.text(5);
    entry.usd = dollars(select.integer(6));
    entry.tokens = select.integer(7);
    if (!select.text(1).empty()) entry.scope = scope_of(definition, std::string(select.text(1)));
    page.items.push_back(std::move(entry));
  }
  return page;
}

Result<std::vector<std::string>> check_sums(store::Connection& connection) {
  auto select = TRY(connection.prepare(R"sql(
    SELECT a.budget, a.period, a.subject FROM budget_accounts a LEFT JOIN
      (SELECT budget, period, subject,
         sum(usd) AS usd, sum(tokens) AS tokens,
         sum(CASE WHEN kind IN (1, 4) THEN usd ELSE 0 END) AS spent_usd,
         sum(CASE WHEN kind IN (1, 4) THEN tokens ELSE 0 END) AS spent_tokens
       FROM budget_ledger GROUP BY budget, period, subject) l
      ON l.budget = a.budget AND l.period = a.period AND l.subject = a.subject
    WHERE coalesce(l.usd, 0) <> a.spent_usd + a.reserved_usd
      OR coalesce(l.tokens, 0) <> a.spent_tokens + a.reserved_tokens
      OR coalesce(l.spent_usd, 0) <> a.spent_usd
      OR coalesce(l.spent_tokens, 0) <> a.spent_tokens
    UNION ALL
    SELECT l.budget, l.period, l.subject FROM budget_ledger l LEFT JOIN budget_accounts a
      ON l.budget = a.budget AND l.period = a.period AND l.subject = a.subject
    WHERE a.budget IS NULL)sql"));
  std::vector<std::string> faults;
  while (TRY(select.step()))
    faults.push_back(fmt::format("budget {} in period {} of '{}' is not the sum of its ledger",
                                 select.integer(0), select.integer(1), select.text(2)));
  return faults;
}

}  // namespace slipway::budgets::detail
