// Crons: runs that begin by a schedule, each in a thread of its own or all in one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "langgraph/detail/reading.hpp"
#include "langgraph/detail/schedule.hpp"
#include "store/database.hpp"

namespace slipway::langgraph::detail {

struct Cron {
  std::string id, assistant;
  std::string thread;                   ///< Empty: one per run.
  std::string schedule, timezone;       ///< `timezone` empty: UTC.
  std::string on_completed = "delete";  ///< Or "keep": of a thread per run.
  Value payload = Value::map();         ///< The body of each run.
  bool is_enabled = true;
  std::string caller;  ///< Name of the key that made it: whose budgets pay.
  std::int64_t created_ms = 0, updated_ms = 0;
  std::optional<std::int64_t> end_ms;
  std::optional<std::int64_t> next_ms;  ///< Nothing: it will not come again.
  Value json() const;
};

/// Reads what a client says of it into `cron`: all of a new one, or what it changes. Members for
/// the runs go into `payload` as they are. Fails: invalid_argument, naming the member.
Result<void> read_cron(const Value& body, Cron& cron);
/// When it comes next, after `now`. Fails: invalid_argument (never).
Result<std::optional<std::int64_t>> next_time(const Cron& cron, std::int64_t now_ms);

/// Safe to use from many threads.
class Crons {
 public:
  explicit Crons(store::Database& database) : database_(database) {}

  /// Adds it. Fails: unavailable (there are `crons_max`).
  Result<void> add(const Context& context, const Cron& cron);
  Result<void> put(const Context& context, const Cron& cron);
  /// Writes when it comes next. False: somebody has changed or removed it meanwhile.
  Result<bool> go_on(const Context& context, const Cron& cron, std::optional<std::int64_t> next_ms);
  /// Fails: not_found.
  Result<Cron> find(const Context& context, const std::string& id);
  Result<std::vector<Cron>> all(const Context& context);
  /// All that fit `body` ({assistant_id, thread_id, enabled, metadata}), in the order that it asks
  /// for.
  Result<std::vector<Cron>> search(const Context& context, const Value& body);
  /// Those whose time has come, oldest first.
  Result<std::vector<Cron>> due(const Context& context, std::int64_t now_ms);
  /// When the first of them comes. Nothing: none does.
  Result<std::optional<std::int64_t>> first_due(const Context& context);
  Result<void> remove(const Context& context, const std::string& id);
  Result<void> remove_of_thread(const Context& context, const std::string& thread);
  Result<void> remove_of_assistant(const Context& context, const std::string& assistant);

  static constexpr std::int64_t crons_max = 10'000;

 private:
  Result<void> remove_where(const Context& context, const char* column, const std::string& text);
  Result<void> write(const Context& context, const Cron& cron, const char* verb);

  store::Database& database_;
};

}  // namespace slipway::langgraph::detail
