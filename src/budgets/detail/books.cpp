#include "budgets/detail/books.hpp"

#include <algorithm>
#include <limits>

#include "budgets/detail/periods.hpp"
#include "budgets/detail/refusal.hpp"
#include "store/sql.hpp"

namespace slipway::budgets::detail {

namespace {

constexpr std::size_t accounts_max = 20'000;

std::int64_t milliseconds_of(Clock::Time time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}

void add(Amount& to, const Amount& amount) {
  to.usd += amount.usd;
  to.tokens += amount.tokens;
}

Amount minus(const Amount& amount) { return {{-amount.usd.value}, -amount.tokens}; }

/// How far a refusal goes before another: who refuses outright before who would let it pass in some
/// way.
int weight_of(const Definition& definition, const Wish& wish) {
  if (definition.config.limit_usd && !wish.is_priced) return 4;
  switch (definition.config.on_exceed) {
    case OnExceed::reject: return 3;
    case OnExceed::ask: return 2;
    case OnExceed::degrade: return wish.may_degrade ? 1 : 3;
    case OnExceed::clamp: return wish.may_clamp ? 0 : 3;
  }
  return 3;
}

}  // namespace

std::int64_t left_of(std::int64_t limit, std::int64_t approved, std::int64_t spent,
                     std::int64_t reserved) {
  return limit + approved - spent - reserved;
}

// --- Accounts

Result<Account*> Accounts::at(store::Connection& connection, const Place& place) {
  const std::string key = fmt::format("{}|{}|{}", place.budget, place.period, place.subject);
  if (const auto found = accounts_.find(key); found != accounts_.end())
    return &found->second.account;
  Kept kept{.place = place, .account = {}};
  auto select = TRY(connection.prepare(
      "SELECT spent_usd, spent_tokens, reserved_usd, reserved_tokens, approved_usd, "
      "approved_tokens, admitted, refused FROM budget_accounts "
      "WHERE budget = ? AND period = ? AND subject = ?"));
  select.bind(0, place.budget).bind(1, place.period).bind(2, place.subject);
  if (TRY(select.step())) {
    Account& account = kept.account;
    account.spent = {{select.integer(0)}, select.integer(1)};
    account.reserved = {{select.integer(2)}, select.integer(3)};
    account.approved = {{select.integer(4)}, select.integer(5)};
    account.admitted = select.integer(6);
    account.refused = select.integer(7);
  }
  return &accounts_.emplace(key, std::move(kept)).first->second.account;
}

Result<void> Accounts::write(store::Connection& connection) {
  for (auto& [key, kept] : accounts_) {
    Account& account = kept.account;
    if (!std::exchange(account.is_changed, false)) continue;
    // Not of a budget that somebody has deleted meanwhile.
    auto insert = TRY(connection.prepare(store::sql::put_from(
        "budget_accounts",
        "budget, period, subject, spent_usd, spent_tokens, reserved_usd, reserved_tokens, "
        "approved_usd, approved_tokens, admitted, refused",
        "budget, period, subject",
        "SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 "
        "WHERE EXISTS(SELECT 1 FROM budgets WHERE n = ?1)")));
    insert.bind(0, kept.place.budget).bind(1, kept.place.period).bind(2, kept.place.subject);
    insert.bind(3, account.spent.usd.value).bind(4, account.spent.tokens);
    insert.bind(5, account.reserved.usd.value).bind(6, account.reserved.tokens);
    insert.bind(7, account.approved.usd.value).bind(8, account.approved.tokens);
    insert.bind(9, account.admitted).bind(10, account.refused);
    TRY(insert.run());
  }
  return {};
}

void Accounts::keep_small() {
  if (accounts_.size() > accounts_max) accounts_.clear();
}

// --- Reservations

Result<std::vector<Books::Match>> Books::matches(const Payer& payer) {
  std::vector<Match> matches;
  for (const Definition& definition : parts_.definitions.list) {
    auto subject = subject_of(definition, payer);
    if (!subject) continue;
    Match match{.definition = &definition,
                .place = {definition.n, *std::move(subject),
                          period_start(definition.config.period, parts_.now)}};
    match.account = TRY(parts_.accounts.at(parts_.connection, match.place));
    matches.push_back(std::move(match));
  }
  return matches;
}

Result<Decision> Books::reserve(const Wish& wished, std::string hold_id) {
  const std::vector<Match> found = TRY(matches(wished.payer));
  Wish wish = wished;
  if (wish.usd_up_to) {
    wish.input_usd = *wish.usd_up_to;
    for (const Match& match : found)
      if (const auto left = Room{*match.definition, *match.account}.usd())
        wish.input_usd =
            std::clamp(trace::Picodollars{*left}, trace::Picodollars{}, wish.input_usd);
  }
  const Amount most = wish.most(wish.output_tokens);
  const Match* worst = nullptr;
  for (const Match& match : found) {
    if (Room{*match.definition, *match.account}.fits(wish, most)) continue;
    if (worst == nullptr ||
        weight_of(*match.definition, wish) > weight_of(*worst->definition, wish))
      worst = &match;
  }
  if (worst == nullptr) return admit(wish, std::move(hold_id), found, wish.output_tokens);
  if (weight_of(*worst->definition, wish) > 0) return refuse(wish, *worst);
  // Only such budgets are too small as shorten a reply.
  std::int64_t output = wish.output_tokens;
  for (const Match& match : found) {
    const auto fitting = Room{*match.definition, *match.account}.output_tokens(wish);
    if (fitting >= output) continue;
    output = fitting;
    worst = &match;
  }
  if (output < 1) return refuse(wish, *worst);
  const Refusal why = refusal_of({*worst->definition, *worst->account}, wish, parts_.now);
  Decision decision = TRY(admit(wish, std::move(hold_id), found, output));
  decision.is_clamped = true;
  decision.refusal = why;
  return decision;
}

std::optional<Refusal> Books::refusal_of_more(const Wish& wish,
                                              const std::vector<Match>& matches) const {
  Wish more = wish;
  more.input_usd = {};
  more.input_tokens = 0;
  more.output_tokens = std::numeric_limits<std::int32_t>::max();
  std::optional<std::int64_t> least;
  const Match* tightest = nullptr;
  for (const Match& match : matches) {
    if (match.definition == nullptr) continue;
    const std::int64_t tokens = Room{*match.definition, *match.account}.output_tokens(more);
    if (least && tokens >= *least) continue;
    least = tokens;
    tightest = &match;
  }
  if (tightest == nullptr) return {};
  return refusal_of({*tightest->definition, *tightest->account}, wish, parts_.now);
}

Result<Decision> Books::admit(const Wish& wish, std::string hold_id,
                              const std::vector<Match>& matches, std::int64_t output_tokens) {
  auto hold = std::make_shared<Hold>();
  hold->id = std::move(hold_id);
  hold->call_id = wish.call_id;
  hold->trace_id = wish.payer.trace;
  hold->wish = wish;
  hold->reserved = wish.most(output_tokens);
  hold->output_tokens = output_tokens;
  for (const Match& match : matches) {
    hold->names.push_back(match.definition->name);
    add(match.account->reserved, hold->reserved);
    if (!wish.is_repeated) ++match.account->admitted;
    match.account->is_changed = true;
    TRY(append(match.place, EntryKind::reserve, {wish.call_id, wish.payer.trace}, hold->reserved));
    auto insert = TRY(parts_.connection.prepare(
        "INSERT INTO budget_open(hold, budget, subject, period, call_id, trace_id, usd, tokens) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
    insert.bind(0, hold->id).bind(1, match.place.budget).bind(2, match.place.subject);
    insert.bind(3, match.place.period).bind(4, wish.call_id).bind(5, wish.payer.trace);
    insert.bind(6, hold->reserved.usd.value).bind(7, hold->reserved.tokens);
    TRY(insert.run());
  }
  return Decision{.hold = std::move(hold), .refusal = refusal_of_more(wish, matches)};
}

Result<Decision> Books::refuse(const Wish& wish, const Match& match) {
  const Refusal refusal = refusal_of({*match.definition, *match.account}, wish, parts_.now);
  const bool goes_on = refusal.on_exceed == OnExceed::degrade && wish.may_degrade &&
                       !refusal.is_unpriced;  // Another model is asked for.
  if (!goes_on) {
    ++match.account->refused;
    match.account->is_changed = true;
    TRY(append(match.place, EntryKind::refuse, {wish.call_id, wish.payer.trace}, {}));
  }
  return Decision{.refusal = refusal};
}

Result<Decision> Books::extend(const Hold& hold, std::int64_t output_tokens) {
  Wish more = hold.wish;
  more.input_usd = {};
  more.input_tokens = 0;
  more.output_tokens = output_tokens;
  const Amount amount = more.most(output_tokens);
  std::vector<Match> open;
  auto select = TRY(
      parts_.connection.prepare("SELECT budget, subject, period FROM budget_open WHERE hold = ?"));
  select.bind(0, hold.id);
  while (TRY(select.step())) {
    Match match;
    match.place = {select.integer(0), std::string(select.text(1)), select.integer(2)};
    match.definition = parts_.definitions.find(match.place.budget);
    open.push_back(std::move(match));
  }
  select.reset();
  for (Match& match : open) {
    match.account = TRY(parts_.accounts.at(parts_.connection, match.place));
    if (match.definition == nullptr) continue;
    const Room room{*match.definition, *match.account};
    if (!room.fits(more, amount)) return Decision{.refusal = refusal_of(room, more, parts_.now)};
  }
  if (open.empty()) return Decision{};
  for (const Match& match : open) {
    add(match.account->reserved, amount);
    match.account->is_changed = true;
    TRY(append(match.place, EntryKind::reserve, {hold.call_id, hold.trace_id}, amount));
  }
  auto update = TRY(parts_.connection.prepare(
      "UPDATE budget_open SET usd = usd + ?, tokens = tokens + ? WHERE hold = ?"));
  update.bind(0, amount.usd.value).bind(1, amount.tokens).bind(2, hold.id);
  TRY(update.run());
  auto larger = std::make_shared<Hold>(hold);
  add(larger->reserved, amount);
  larger->output_tokens += output_tokens;
  return Decision{.hold = std::move(larger), .refusal = refusal_of_more(more, open)};
}

// --- Outcomes

/// Takes what is reserved back from the open ones. Nothing: it was closed before.
Result<std::vector<std::pair<Place, Amount>>> Books::close(const std::string& hold_id) {
  std::vector<std::pair<Place, Amount>> closed;
  auto remove = TRY(parts_.connection.prepare(
      "DELETE FROM budget_open WHERE hold = ? RETURNING budget, subject, period, usd, tokens"));
  remove.bind(0, hold_id);
  while (TRY(remove.step()))
    closed.push_back({{remove.integer(0), std::string(remove.text(1)), remove.integer(2)},
                      {{remove.integer(3)}, remove.integer(4)}});
  return closed;
}

Result<void> Books::settle(const Hold& hold, const Amount& used) {
  const Call call{hold.call_id, hold.trace_id};
  for (const auto& [place, reserved] : TRY(close(hold.id))) {
    Account& account = *TRY(parts_.accounts.at(parts_.connection, place));
    add(account.reserved, minus(reserved));
    add(account.spent, used);
    account.is_changed = true;
    TRY(append(place, EntryKind::release, call, minus(reserved)));
    TRY(append(place, EntryKind::settle, call, used));
    TRY(fire_alerts(place, account));
  }
  return {};
}

Result<void> Books::release(const Hold& hold) {
  for (const auto& [place, reserved] : TRY(close(hold.id))) {
    Account& account = *TRY(parts_.accounts.at(parts_.connection, place));
    add(account.reserved, minus(reserved));
    account.is_changed = true;
    TRY(append(place, EntryKind::release, {hold.call_id, hold.trace_id}, minus(reserved)));
  }
  return {};
}

Result<std::size_t> Books::adjust_open() {
  struct Open {
    Place place;
    std::string call_id, trace_id;
    Amount amount;
  };
  std::vector<Open> all;
  auto remove = TRY(parts_.connection.prepare(
      "DELETE FROM budget_open RETURNING budget, subject, period, usd, tokens, call_id, trace_id"));
  while (TRY(remove.step()))
    all.push_back({{remove.integer(0), std::string(remove.text(1)), remove.integer(2)},
                   std::string(remove.text(5)),
                   std::string(remove.text(6)),
                   {{remove.integer(3)}, remove.integer(4)}});
  for (const Open& open : all) {
    Account& account = *TRY(parts_.accounts.at(parts_.connection, open.place));
    add(account.reserved, minus(open.amount));
    add(account.spent, open.amount);
    account.is_changed = true;
    const Call call{open.call_id, open.trace_id};
    TRY(append(open.place, EntryKind::release, call, minus(open.amount)));
    TRY(append(open.place, EntryKind::adjust, call, open.amount));
    TRY(fire_alerts(open.place, account));
  }
  return all.size();
}

Result<void> Books::approve(const Definition& definition, const std::string& subject,
                            const Amount& amount) {
  const Place place{definition.n, subject, period_start(definition.config.period, parts_.now)};
  Account& account = *TRY(parts_.accounts.at(parts_.connection, place));
  add(account.approved, amount);
  account.is_changed = true;
  auto insert = TRY(parts_.connection.prepare(
      "INSERT INTO budget_approvals(budget, subject, period, time, usd, tokens) "
      "VALUES (?, ?, ?, ?, ?, ?)"));
  insert.bind(0, place.budget).bind(1, place.subject).bind(2, place.period);
  insert.bind(3, milliseconds_of(parts_.now)).bind(4, amount.usd.value).bind(5, amount.tokens);
  return insert.run();
}

Result<void> Books::append(const Place& place, EntryKind kind, const Call& call,
                           const Amount& amount) {
  auto insert = TRY(parts_.connection.prepare(
      "INSERT INTO budget_ledger(budget, subject, period, time, kind, call_id, trace_id, usd, "
      "tokens) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 "
      "WHERE EXISTS(SELECT 1 FROM budgets WHERE n = ?1)"));
  insert.bind(0, place.budget).bind(1, place.subject).bind(2, place.period);
  insert.bind(3, milliseconds_of(parts_.now)).bind(4, static_cast<int>(kind));
  insert.bind(5, call.id).bind(6, call.trace_id);
  insert.bind(7, amount.usd.value).bind(8, amount.tokens);
  return insert.run();
}

// --- Alerts

Result<void> Books::fire_alerts(const Place& place, Account& account) {
  const Definition* definition = parts_.definitions.find(place.budget);
  if (definition == nullptr) return {};
  const auto share = [](std::int64_t spent, std::int64_t limit) {
    if (limit <= 0) return spent > 0 ? 1.0 : 0.0;
    return static_cast<double>(spent) / static_cast<double>(limit);
  };
  double spent_share = 0;
  if (definition->limit_usd)
    spent_share =
        share(account.spent.usd.value, definition->limit_usd->value + account.approved.usd.value);
  if (definition->config.limit_tokens)
    spent_share = std::max(
        spent_share,
        share(account.spent.tokens, *definition->config.limit_tokens + account.approved.tokens));
  for (std::size_t i = 0; i < definition->config.alerts.size(); ++i) {
    const AlertConfig& alert = definition->config.alerts[i];
    const bool was_fired =
        std::find(account.fired.begin(), account.fired.end(), i) != account.fired.end();
    if (was_fired || spent_share < alert.at) continue;
    account.fired.push_back(i);
    auto insert = TRY(parts_.connection.prepare(
        "INSERT INTO budget_alerts(budget, period, subject, at, webhook, fired_at) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"));
    insert.bind(0, place.budget).bind(1, place.period).bind(2, place.subject);
    insert.bind(3, alert.at).bind(4, alert.webhook).bind(5, milliseconds_of(parts_.now));
    TRY(insert.run());
    if (parts_.connection.changes() == 0) continue;
    const Room room{*definition, account};
    json::Object budget{{"id", definition->id}, {"name", definition->name}};
    if (!place.subject.empty()) budget["scope"] = json::to(scope_of(*definition, place.subject));
    json::Object body{{"event", "budget.alert"},
                      {"budget", std::move(budget)},
                      {"at", alert.at},
                      {"spent_usd", account.spent.usd.dollars()},
                      {"limit_usd", json::to(definition->config.limit_usd)},
                      {"remaining_usd", nullptr},
                      {"time", format_time(parts_.now)}};
    if (const auto left = room.usd())
      body["remaining_usd"] = trace::Picodollars{std::max<std::int64_t>(*left, 0)}.dollars();
    if (const auto left = room.tokens()) {
      body["spent_tokens"] = account.spent.tokens;
      body["limit_tokens"] = *definition->config.limit_tokens;
      body["remaining_tokens"] = std::max<std::int64_t>(*left, 0);
    }
    auto notice = TRY(parts_.connection.prepare(
        "INSERT INTO budget_notices(key, target, body, created, due, attempts) "
        "VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING"));
    const std::int64_t now = milliseconds_of(parts_.now);
    notice.bind(0, fmt::format("budget|{}|{}|{}|{}|{}", place.budget, place.period, place.subject,
                               alert.at, alert.webhook));
    notice.bind(1, json::dump(json::Object{{"webhook", alert.webhook}}));
    notice.bind(2, json::dump(body)).bind(3, now).bind(4, now);
    TRY(notice.run());
    has_fired_ = true;
  }
  return {};
}

}  // namespace slipway::budgets::detail
