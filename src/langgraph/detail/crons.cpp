#include "langgraph/detail/crons.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "langgraph/detail/ids.hpp"
#include "store/columns.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::string_view columns =
    "id, assistant, thread, schedule, timezone, on_completed, payload, enabled, caller, created, "
    "updated, ends, next";

/// Of the cron itself; whatever else a body says is for its runs.
constexpr std::string_view own_members[] = {"schedule", "timezone", "end_time", "enabled",
                                            "on_run_completed"};

Result<Cron> read_row(const store::Statement& row) {
  Value payload = TRY(agents::parse_json(row.text(6)).within("a stored cron"));
  Cron made{.id = std::string(row.text(0)),
            .assistant = std::string(row.text(1)),
            .thread = std::string(row.text(2)),
            .schedule = std::string(row.text(3)),
            .timezone = std::string(row.text(4)),
            .on_completed = std::string(row.text(5)),
            .payload = std::move(payload),
            .is_enabled = row.integer(7) != 0,
            .caller = std::string(row.text(8)),
            .created_ms = row.integer(9),
            .updated_ms = row.integer(10),
            .end_ms = store::optional_integer(row, 11),
            .next_ms = store::optional_integer(row, 12)};
  return made;
}

Result<std::vector<Cron>> rows_of(store::Statement row) {
  std::vector<Cron> found;
  while (TRY(row.step())) found.push_back(TRY(read_row(row)));
  return found;
}

Value time_or_null(const std::optional<std::int64_t>& ms) {
  return ms ? Value(time_text(*ms)) : Value();
}

Result<std::optional<std::int64_t>> read_end(const Value& body) {
  const std::string text = TRY(text_of(body, "end_time"));
  if (text.empty()) return std::optional<std::int64_t>();
  auto time = parse_time(text);
  // A time of Python that knows no zone.
  if (!time) time = parse_time(text + "Z");
  if (!time)
    return fail(Code::invalid_argument,
                "end_time: '{}' is no time; write it as 2026-11-24T16:09:19Z", text);
  return std::optional<std::int64_t>(
      std::chrono::floor<std::chrono::milliseconds>(*time).time_since_epoch().count());
}

bool is_before(const Cron& a, const Cron& b, const std::string& by) {
  if (by == "cron_id") return a.id < b.id;
  if (by == "assistant_id") return a.assistant < b.assistant;
  if (by == "thread_id") return a.thread < b.thread;
  if (by == "updated_at") return a.updated_ms < b.updated_ms;
  if (by == "next_run_date") return a.next_ms < b.next_ms;
  if (by == "end_time") return a.end_ms < b.end_ms;
  return a.created_ms < b.created_ms;
}

}  // namespace

Value Cron::json() const {
  return Value::map(
      {{"cron_id", id},
       {"assistant_id", assistant},
       {"thread_id", thread.empty() ? Value() : Value(thread)},
       {"on_run_completed", thread.empty() ? Value(on_completed) : Value()},
       {"end_time", time_or_null(end_ms)},
       {"schedule", schedule},
       {"timezone", timezone.empty() ? Value() : Value(timezone)},
       {"created_at", time_text(created_ms)},
       {"updated_at", time_text(updated_ms)},
       {"payload", payload},
       {"user_id", Value()},
       {"next_run_date", time_or_null(next_ms)},
       {"metadata", payload.at("metadata").is_map() ? payload.at("metadata") : Value::map()},
       {"enabled", is_enabled}});
}

Result<void> read_cron(const Value& body, Cron& cron) {
  cron.schedule = TRY(text_of(body, "schedule", cron.schedule));
  if (cron.schedule.empty())
    return fail(Code::invalid_argument, "schedule: is required: '0 8 * * mon-fri'");
  cron.timezone = TRY(text_of(body, "timezone", cron.timezone));
  cron.is_enabled = TRY(flag_of(body, "enabled", cron.is_enabled));
  if (!body.at("on_run_completed").is_null())
    cron.on_completed = TRY(choice_of(body, "on_run_completed", {"delete", "keep"}));
  if (body.find("end_time") != nullptr) cron.end_ms = TRY(read_end(body));
  for (const auto& [name, value] : body.entries().items)
    if (!value.is_null() &&
        std::find(std::begin(own_members), std::end(own_members), name) == std::end(own_members))
      cron.payload.put(name, value);
  return {};
}

Result<std::optional<std::int64_t>> next_time(const Cron& cron, std::int64_t now_ms) {
  const Schedule schedule = TRY(Schedule::parse(cron.schedule));
  const TimeZone zone =
      cron.timezone.empty() ? TimeZone() : TRY(TimeZone::find(cron.timezone).within("timezone"));
  const auto next = schedule.next(now_ms / 1000, zone);
  if (!next) return fail(Code::invalid_argument, "schedule: '{}' never comes", cron.schedule);
  const std::int64_t next_ms = *next * 1000;
  if (!cron.is_enabled || (cron.end_ms && next_ms > *cron.end_ms))
    return std::optional<std::int64_t>();
  return std::optional(next_ms);
}

Result<void> Crons::write(const Context& context, const Cron& cron, const char* verb) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(fmt::format(
        "{} INTO langgraph_crons({}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)", verb, columns)));
    row.bind(0, cron.id).bind(1, cron.assistant).bind(2, cron.thread).bind(3, cron.schedule);
    row.bind(4, cron.timezone).bind(5, cron.on_completed).bind(6, agents::dump(cron.payload));
    row.bind(7, std::int64_t{cron.is_enabled}).bind(8, cron.caller);
    row.bind(9, cron.created_ms).bind(10, cron.updated_ms);
    store::bind_optional(row, 11, cron.end_ms);
    store::bind_optional(row, 12, cron.next_ms);
    return row.run();
  });
}

Result<void> Crons::add(const Context& context, const Cron& cron) {
  std::int64_t count = 0;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare("SELECT count(*) FROM langgraph_crons"));
    if (TRY(row.step())) count = row.integer(0);
    return {};
  }));
  if (count >= crons_max)
    return fail(Code::unavailable, "there are {} crons already; delete some", count);
  return write(context, cron, "INSERT");
}

Result<void> Crons::put(const Context& context, const Cron& cron) {
  return write(context, cron, "INSERT OR REPLACE");
}

Result<bool> Crons::go_on(const Context& context, const Cron& cron,
                          std::optional<std::int64_t> next_ms) {
  bool is_there = false;
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        "UPDATE langgraph_crons SET next = ? WHERE id = ? AND updated = ? AND next = ?"));
    store::bind_optional(row, 0, next_ms);
    row.bind(1, cron.id).bind(2, cron.updated_ms);
    store::bind_optional(row, 3, cron.next_ms);
    TRY(row.run());
    is_there = connection.changes() > 0;
    return {};
  }));
  return is_there;
}

Result<Cron> Crons::find(const Context& context, const std::string& id) {
  std::vector<Cron> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(
        connection.prepare(fmt::format("SELECT {} FROM langgraph_crons WHERE id = ?", columns)));
    row.bind(0, id);
    found = TRY(rows_of(std::move(row)));
    return {};
  }));
  if (found.empty()) return fail(Code::not_found, "Cron with ID {} not found", id);
  return std::move(found.front());
}

Result<std::vector<Cron>> Crons::all(const Context& context) {
  std::vector<Cron> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    found = TRY(rows_of(TRY(connection.prepare(
        fmt::format("SELECT {} FROM langgraph_crons ORDER BY created, id", columns)))));
    return {};
  }));
  return found;
}

Result<std::vector<Cron>> Crons::search(const Context& context, const Value& body) {
  const std::string assistant = TRY(text_of(body, "assistant_id")),
                    thread = TRY(text_of(body, "thread_id"));
  const Value metadata = TRY(map_of(body, "metadata"));
  const bool has_enabled = !body.at("enabled").is_null();
  const bool is_enabled = TRY(flag_of(body, "enabled", true));
  const std::string by = TRY(choice_of(body, "sort_by",
                                       {"created_at", "updated_at", "next_run_date", "end_time",
                                        "cron_id", "assistant_id", "thread_id"}));
  const bool is_rising = TRY(choice_of(body, "sort_order", {"desc", "asc"})) == "asc";
  std::vector<Cron> found = TRY(all(context));
  std::erase_if(found, [&](const Cron& one) {
    return (!assistant.empty() && one.assistant != assistant) ||
           (!thread.empty() && one.thread != thread) ||
           (has_enabled && one.is_enabled != is_enabled) ||
           !contains(one.json().at("metadata"), metadata);
  });
  std::stable_sort(found.begin(), found.end(), [&](const Cron& a, const Cron& b) {
    return is_rising ? is_before(a, b, by) : is_before(b, a, by);
  });
  return found;
}

Result<std::vector<Cron>> Crons::due(const Context& context, std::int64_t now_ms) {
  std::vector<Cron> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        fmt::format("SELECT {} FROM langgraph_crons WHERE next <= ? ORDER BY next, id", columns)));
    row.bind(0, now_ms);
    found = TRY(rows_of(std::move(row)));
    return {};
  }));
  return found;
}

Result<std::optional<std::int64_t>> Crons::first_due(const Context& context) {
  std::optional<std::int64_t> first;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare("SELECT min(next) FROM langgraph_crons"));
    if (TRY(row.step())) first = store::optional_integer(row, 0);
    return {};
  }));
  return first;
}

Result<void> Crons::remove_where(const Context& context, const char* column,
                                 const std::string& text) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row =
        TRY(connection.prepare(fmt::format("DELETE FROM langgraph_crons WHERE {} = ?", column)));
    row.bind(0, text);
    return row.run();
  });
}

Result<void> Crons::remove(const Context& context, const std::string& id) {
  return remove_where(context, "id", id);
}

Result<void> Crons::remove_of_thread(const Context& context, const std::string& thread) {
  return remove_where(context, "thread", thread);
}

Result<void> Crons::remove_of_assistant(const Context& context, const std::string& assistant) {
  return remove_where(context, "assistant", assistant);
}

}  // namespace slipway::langgraph::detail
