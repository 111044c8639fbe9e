#include "budgets/detail/notices.hpp"

#include <algorithm>

#include "core/log.hpp"

namespace slipway::budgets::detail {

namespace {

constexpr int due_max = 64;
constexpr std::int64_t pause_first_ms = 1'000, pause_max_ms = 60'000;
constexpr std::int64_t patience_ms = 600'000;
/// Delivered and given up ones are forgotten then, and with them that they were told.
constexpr std::int64_t kept_ms = 90LL * 24 * 3'600'000;

}  // namespace

std::int64_t Notices::now_ms() const {
  return std::chrono::floor<std::chrono::milliseconds>(clock_.now()).time_since_epoch().count();
}

Result<std::vector<Notice>> Notices::due() {
  std::vector<Notice> notices;
  TRY(database_.read({}, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        "SELECT n, target, body, created, attempts FROM budget_notices WHERE due IS NOT NULL AND "
        "due <= ? ORDER BY due LIMIT ?"));
    select.bind(0, now_ms()).bind(1, due_max);
    while (TRY(select.step())) {
      Notice notice;
      notice.number = select.integer(0);
      notice.target = select.text(1);
      notice.body = select.text(2);
      notice.created_ms = select.integer(3);
      notice.attempts = select.integer(4);
      notices.push_back(std::move(notice));
    }
    return {};
  }));
  return notices;
}

Result<void> Notices::delivered(std::int64_t number) {
  return database_.write({}, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare(
        "UPDATE budget_notices SET due = NULL, attempts = attempts + 1, outcome = 'delivered' "
        "WHERE n = ?"));
    return update.bind(0, number).run();
  });
}

Result<void> Notices::failed(const Notice& notice, const std::string& why) {
  constexpr std::int64_t doublings_max = 6;
  const std::int64_t pause =
      std::min(pause_first_ms << std::min(notice.attempts, doublings_max), pause_max_ms);
  const std::int64_t due = now_ms() + pause;
  const bool is_given_up = due > notice.created_ms + patience_ms;
  if (is_given_up)
    log::warning("an alert is given up after {} tries: {}", notice.attempts + 1, why);
  return database_.write({}, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare(
        "UPDATE budget_notices SET due = ?, attempts = attempts + 1, outcome = ? WHERE n = ?"));
    if (is_given_up)
      update.bind_null(0);
    else
      update.bind(0, due);
    return update.bind(1, why).bind(2, notice.number).run();
  });
}

Result<void> Notices::add(const std::string& key, const std::string& target,
                          const std::string& body) {
  return database_.write({}, [&](store::Connection& connection) -> Result<void> {
    auto forget =
        TRY(connection.prepare("DELETE FROM budget_notices WHERE due IS NULL AND created < ?"));
    TRY(forget.bind(0, now_ms() - kept_ms).run());
    auto insert = TRY(
        connection.prepare("INSERT INTO budget_notices(key, target, body, created, due, attempts) "
                           "VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING"));
    insert.bind(0, key).bind(1, target).bind(2, body).bind(3, now_ms()).bind(4, now_ms());
    return insert.run();
  });
}

}  // namespace slipway::budgets::detail
