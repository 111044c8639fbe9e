#include "trace/feedback.hpp"

#include "core/files.hpp"
#include "core/uuid.hpp"
#include "store/columns.hpp"
#include "store/sql.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace {

namespace {

constexpr Nanoseconds per_microsecond = 1000;
constexpr std::size_t bytes_max = 1u << 20;
constexpr std::int64_t matches_max = 100'000;
constexpr int values_max = 100, list_max = 1000;

constexpr std::string_view columns =
    "id, run_id, trace_id, session_id, key, score, value, comment, correction, source, extra, "
    "comparative_id, group_id, error, created_ns, modified_ns, start_ns";

Nanoseconds now(const Clock& clock) {
  return clock.now().time_since_epoch().count() * per_microsecond;
}

std::optional<std::string> uuid_or_none(const std::optional<std::string>& id) {
  return id ? std::optional(as_uuid(*id)) : std::nullopt;
}

/// Texts as they are, so that they can be compared and counted.
std::optional<std::string> plain(const json::Value& value) {
  if (value.is_null()) return std::nullopt;
  return value.is_string() ? std::string(value.get_string()) : json::dump(value);
}

std::optional<std::string> dumped(const json::Value& value) {
  return value.is_null() ? std::nullopt : std::optional(json::dump(value));
}

Result<json::Value> json_at(const store::Statement& row, int column) {
  if (row.is_null(column)) return json::Value();
  return json::parse(row.text(column));
}

Result<Feedback> feedback_at(const store::Statement& row) {
  Feedback one;
  one.id = row.text(0);
  one.run_id = store::optional_text(row, 1);
  one.trace_id = store::optional_text(row, 2);
  one.session_id = store::optional_text(row, 3);
  one.key = row.text(4);
  if (!row.is_null(5)) one.score = row.real(5);
  one.value = TRY(json_at(row, 6));
  one.comment = store::optional_text(row, 7);
  one.correction = TRY(json_at(row, 8));
  if (const json::Value source = TRY(json_at(row, 9)); source.is_object())
    one.source = source.get_object();
  if (const json::Value extra = TRY(json_at(row, 10)); extra.is_object())
    one.extra = extra.get_object();
  one.comparative_experiment_id = store::optional_text(row, 11);
  one.feedback_group_id = store::optional_text(row, 12);
  one.error = store::optional_flag(row, 13);
  one.created = row.integer(14);
  one.modified = row.integer(15);
  one.start_time = store::optional_integer(row, 16);
  return one;
}

Result<void> store_one(store::Connection& connection, Feedback& one) {
  auto known = TRY(connection.prepare(
      "SELECT created_ns, trace_id, session_id FROM trace_feedback WHERE id = ?"));
  if (TRY(known.bind(0, one.id).step())) {
    one.created = known.integer(0);
    if (!one.trace_id) one.trace_id = store::optional_text(known, 1);
    if (!one.session_id) one.session_id = store::optional_text(known, 2);
  }
  auto put = TRY(connection.prepare(
      store::sql::put("trace_feedback",
                      fmt::format("{}, run_uuid, trace_uuid, plain, source_type", columns), "id")));
  put.bind(0, one.id).bind(1, one.run_id).bind(2, one.trace_id).bind(3, one.session_id);
  put.bind(4, one.key);
  store::bind_optional(
      put, 5, one.score.is_number() ? std::optional(one.score.to_number<double>()) : std::nullopt);
  put.bind(6, dumped(one.value)).bind(7, one.comment).bind(8, dumped(one.correction));
  put.bind(9, json::dump(one.source));
  put.bind(10, one.extra.empty() ? std::nullopt : std::optional(json::dump(one.extra)));
  put.bind(11, one.comparative_experiment_id).bind(12, one.feedback_group_id);
  store::bind_optional(put, 13, one.error ? std::optional<std::int64_t>(*one.error) : std::nullopt);
  put.bind(14, one.created).bind(15, one.modified);
  store::bind_optional(put, 16, one.start_time);
  put.bind(17, uuid_or_none(one.run_id)).bind(18, uuid_or_none(one.trace_id));
  put.bind(19, plain(one.value));
  const json::Value* type = one.source.if_contains("type");
  put.bind(20, type != nullptr && type->is_string() ? std::string(type->get_string()) : "api");
  return put.run();
}

std::string uuids_json(const std::vector<std::string>& ids) {
  json::Array all;
  for (const std::string& id : ids) all.emplace_back(as_uuid(id));
  return json::dump(all);
}

std::string texts_json(const std::vector<std::string>& texts) {
  return json::dump(json::to(texts));
}

void count(FeedbackStat& stat, const store::Statement& row) {
  ++stat.count;
  if (row.integer(4) != 0) {
    ++stat.errors;
    return;
  }
  if (const auto score = store::optional_real(row, 2)) {
    ++stat.scores;
    stat.sum += *score;
    stat.sum_of_squares += *score * *score;
  }
  if (!row.is_null(3) && stat.values.size() < values_max) ++stat.values[std::string(row.text(3))];
}

}  // namespace

std::vector<store::Migration> feedback_migrations() {
  return {{"trace_feedback", 1, R"sql(
    CREATE TABLE trace_feedback(
      id TEXT PRIMARY KEY,
      run_id TEXT,
      trace_id TEXT,
      session_id TEXT,
      key TEXT NOT NULL,
      score REAL,
      value TEXT,
      comment TEXT,
      correction TEXT,
      source TEXT NOT NULL,
      extra TEXT,
      comparative_id TEXT,
      group_id TEXT,
      error INTEGER,
      created_ns INTEGER NOT NULL,
      modified_ns INTEGER NOT NULL,
      start_ns INTEGER,
      run_uuid TEXT,
      trace_uuid TEXT,
      plain TEXT,  -- The value as text, to compare and to count.
      source_type TEXT NOT NULL) WITHOUT ROWID;
    CREATE INDEX trace_feedback_run ON trace_feedback(run_uuid, key);
    CREATE INDEX trace_feedback_session ON trace_feedback(session_id, key);
    CREATE INDEX trace_feedback_key ON trace_feedback(key, score);
    CREATE INDEX trace_feedback_time ON trace_feedback(created_ns);
    CREATE INDEX trace_feedback_unplaced ON trace_feedback(created_ns)
      WHERE run_id IS NOT NULL AND (trace_id IS NULL OR session_id IS NULL);
    CREATE TABLE trace_feedback_configs(
      key TEXT PRIMARY KEY,
      config TEXT NOT NULL,
      is_lower_better INTEGER,
      modified_ns INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE trace_feedback_tokens(
      hash TEXT PRIMARY KEY,  -- What is looked up: comparing it tells nothing of the token.
      id TEXT NOT NULL,
      run_id TEXT NOT NULL,
      run_uuid TEXT NOT NULL,
      key TEXT NOT NULL,
      expires_ns INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX trace_feedback_tokens_run ON trace_feedback_tokens(run_uuid);
  )sql"}};
}

Result<void> check_feedback(const Feedback& one) {
  constexpr std::size_t key_bytes_max = 256;
  if (one.key.empty() || one.key.size() > key_bytes_max)
    return fail(Code::invalid_argument, "key: 1 to {} bytes are wanted, got {}", key_bytes_max,
                one.key.size());
  if (!one.run_id && !one.session_id)
    return fail(Code::invalid_argument,
                "feedback '{}': names neither a run (run_id) nor a project (session_id)", one.key);
  const std::size_t size = json::dump(feedback_json(one)).size();
  if (size > bytes_max)
    return fail(Code::invalid_argument, "feedback '{}': has {} bytes, at most {} are taken",
                one.key, size, bytes_max);
  return {};
}

/// Comment and whatever else people wrote, as if they stood in a run.
void Feedbacks::hide(Feedback& one) const {
  if (!mask_) return;
  RunPatch run;
  run.error = one.comment;
  run.metadata = {{"value", one.value},
                  {"correction", one.correction},
                  {"source", one.source},
                  {"extra", one.extra}};
  mask_(run);
  one.comment = run.error;
  one.value = run.metadata["value"];
  one.correction = run.metadata["correction"];
  if (run.metadata["source"].is_object()) one.source = run.metadata["source"].get_object();
  if (run.metadata["extra"].is_object()) one.extra = run.metadata["extra"].get_object();
}

Result<std::vector<Feedback>> Feedbacks::put(const Context& context, std::vector<Feedback> all) {
  for (Feedback& one : all) {
    TRY(check_feedback(one));
    one.id = one.id.empty() ? make_uuid(random_) : as_uuid(one.id);
    one.session_id = uuid_or_none(one.session_id);
    hide(one);
    if (one.source.empty()) one.source = {{"type", "api"}, {"metadata", json::Object()}};
    if (one.score.is_bool()) one.score = one.score.get_bool() ? 1.0 : 0.0;
    if (one.created == 0) one.created = now(clock_);
    if (one.modified == 0) one.modified = one.created;
  }
  if (all.empty()) return all;
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    for (Feedback& one : all) TRY(store_one(connection, one));
    return {};
  }));
  return all;
}

Result<Feedback> Feedbacks::get(const Context& context, const std::string& id) {
  std::optional<Feedback> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare(fmt::format("SELECT {} FROM trace_feedback WHERE id = ?", columns)));
    if (TRY(select.bind(0, as_uuid(id)).step())) found = TRY(feedback_at(select));
    return {};
  }));
  if (!found) return fail(Code::not_found, "Feedback {} not found", id.substr(0, 100));
  return *std::move(found);
}

Result<Feedback> Feedbacks::change(const Context& context, const std::string& id,
                                   const FeedbackChange& change) {
  Feedback one = TRY(get(context, id));
  if (change.score) one.score = *change.score;
  if (change.value) one.value = *change.value;
  if (change.correction) one.correction = *change.correction;
  if (change.comment) one.comment = *change.comment;
  one.modified = now(clock_);
  return std::move(TRY(put(context, {std::move(one)})).front());
}

Result<void> Feedbacks::remove(const Context& context, const std::string& id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM trace_feedback WHERE id = ?"));
    TRY(remove.bind(0, as_uuid(id)).run());
    if (connection.changes() == 0)
      return fail(Code::not_found, "Feedback {} not found", id.substr(0, 100));
    return {};
  });
}

Result<std::vector<Feedback>> Feedbacks::list(const Context& context, const FeedbackQuery& query) {
  std::string sql = fmt::format("SELECT {} FROM trace_feedback WHERE 1", columns);
  std::vector<std::string> operands;
  const auto any_of = [&](std::string_view column, std::string list) {
    sql += fmt::format(" AND {}", store::sql::one_of(column));
    operands.push_back(std::move(list));
  };
  if (!query.run_ids.empty()) any_of("run_uuid", uuids_json(query.run_ids));
  if (!query.session_ids.empty()) any_of("session_id", uuids_json(query.session_ids));
  if (!query.keys.empty()) any_of("key", texts_json(query.keys));
  if (!query.sources.empty()) any_of("source_type", texts_json(query.sources));
  if (query.comparative_experiment_id)
    any_of("comparative_id", texts_json({*query.comparative_experiment_id}));
  const auto presence = [&](std::string_view column, const std::optional<bool>& has) {
    if (has) sql += fmt::format(" AND {} IS {}NULL", column, *has ? "NOT " : "");
  };
  presence("comment", query.has_comment);
  presence("score", query.has_score);
  if (query.is_of_session) presence("run_uuid", !*query.is_of_session);
  sql += fmt::format(" ORDER BY created_ns DESC, id LIMIT {} OFFSET {}",
                     std::clamp(query.limit, 1, list_max), std::max(query.offset, 0));
  std::vector<Feedback> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(sql));
    for (std::size_t i = 0; i < operands.size(); ++i) select.bind(static_cast<int>(i), operands[i]);
    while (TRY(select.step())) all.push_back(TRY(feedback_at(select)));
    return {};
  }));
  return all;
}

Result<std::map<std::string, FeedbackStats>> Feedbacks::stats_of_runs(
    const Context& context, const std::vector<std::string>& run_ids) {
  std::map<std::string, std::string> asked;  // By UUID.
  for (const std::string& id : run_ids) asked.emplace(as_uuid(id), id);
  std::map<std::string, FeedbackStats> stats;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare("SELECT run_uuid, key, score, plain, coalesce(error, 0) FROM "
                               "trace_feedback WHERE " +
                               store::sql::one_of("run_uuid")));
    select.bind(0, uuids_json(run_ids));
    while (TRY(select.step()))
      count(stats[asked[std::string(select.text(0))]][std::string(select.text(1))], select);
    return {};
  }));
  return stats;
}

Result<FeedbackStats> Feedbacks::stats_of_session(const Context& context,
                                                  const std::string& session_id,
                                                  bool is_of_session) {
  const std::string where =
      fmt::format("WHERE session_id = ? AND run_uuid IS {}NULL", is_of_session ? "" : "NOT ");
  FeedbackStats stats;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto sums = TRY(connection.prepare(
        "SELECT key, COUNT(*), SUM(coalesce(error, 0)), "
        "SUM(CASE coalesce(error, 0) WHEN 0 THEN score END), "
        "SUM(CASE coalesce(error, 0) WHEN 0 THEN score * score END), "
        "COUNT(CASE coalesce(error, 0) WHEN 0 THEN score END) FROM trace_feedback " +
        where + " GROUP BY key"));
    sums.bind(0, as_uuid(session_id));
    while (TRY(sums.step())) {
      FeedbackStat& stat = stats[std::string(sums.text(0))];
      stat.count = sums.integer(1);
      stat.errors = sums.integer(2);
      stat.sum = sums.real(3);
      stat.sum_of_squares = sums.real(4);
      stat.scores = sums.integer(5);
    }
    auto values =
        TRY(connection.prepare("SELECT key, plain, COUNT(*) FROM trace_feedback " + where +
                               " AND plain IS NOT NULL GROUP BY key, plain ORDER BY COUNT(*) DESC, "
                               "plain LIMIT 10000"));
    values.bind(0, as_uuid(session_id));
    while (TRY(values.step())) {
      FeedbackStat& stat = stats[std::string(values.text(0))];
      if (stat.values.size() < values_max)
        stat.values[std::string(values.text(1))] = values.integer(2);
    }
    return {};
  }));
  return stats;
}

Result<std::vector<Feedback>> Feedbacks::unplaced(const Context& context, int limit) {
  std::vector<Feedback> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        fmt::format("SELECT {} FROM trace_feedback WHERE run_id IS NOT NULL AND (trace_id IS NULL "
                    "OR session_id IS NULL) ORDER BY created_ns DESC LIMIT ?",
                    columns)));
    select.bind(0, limit);
    while (TRY(select.step())) all.push_back(TRY(feedback_at(select)));
    return {};
  }));
  return all;
}

Result<void> Feedbacks::place(const Context& context, const std::string& id,
                              const std::string& trace_id, const std::string& session_id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare(
        "UPDATE trace_feedback SET trace_id = coalesce(trace_id, ?), trace_uuid = "
        "coalesce(trace_uuid, ?), session_id = coalesce(session_id, ?) WHERE id = "
        "?"));
    update.bind(0, trace_id).bind(1, as_uuid(trace_id)).bind(2, as_uuid(session_id)).bind(3, id);
    return update.run();
  });
}

namespace {

/// One comparison as SQL; its operand is bound where the '?' stands.
Result<std::string> comparison_sql(Comparison comparison, const json::Value& operand) {
  const std::string_view column = operand.is_string() ? "plain" : "score";
  switch (comparison) {
    case Comparison::eq:
    case Comparison::in: return fmt::format("{} = ?", column);
    case Comparison::gt: return fmt::format("{} > ?", column);
    case Comparison::gte: return fmt::format("{} >= ?", column);
    case Comparison::lt: return fmt::format("{} < ?", column);
    case Comparison::lte: return fmt::format("{} <= ?", column);
    case Comparison::contains:
      return store::sql::contains("plain || ' ' || coalesce(comment, '')", "?");
    default: break;
  }
  return fail(Code::invalid_argument, "feedback: cannot be compared like that");
}

void bind_operand(store::Statement& statement, int index, const json::Value& operand) {
  if (operand.is_string())
    statement.bind(index, std::string_view(operand.get_string()));
  else if (operand.is_bool())
    statement.bind(index, operand.get_bool() ? 1.0 : 0.0);
  else
    statement.bind(index, operand.to_number<double>());
}

}  // namespace

Result<Feedbacks::Matches> Feedbacks::matching(const Context& context, const Condition& condition) {
  constexpr std::string_view prefix = "feedback.";
  const std::string key = condition.field.substr(std::min(prefix.size(), condition.field.size()));
  const bool is_any = key == "*";
  std::string sql =
      "SELECT run_id, run_uuid, trace_id, trace_uuid FROM trace_feedback WHERE run_uuid IS NOT "
      "NULL";
  if (!is_any) sql += " AND key = ?";
  std::vector<json::Value> operands;
  if (condition.comparison != Comparison::exists) {
    std::string any;
    for (const json::Value& operand : condition.operands) {
      any += (any.empty() ? "" : " OR ") + TRY(comparison_sql(condition.comparison, operand));
      operands.push_back(operand);
    }
    sql += " AND (" + (any.empty() ? "0" : any) + ")";
  }
  Matches matches;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(sql));
    int index = 0;
    if (!is_any) select.bind(index++, key);
    for (const json::Value& operand : operands) bind_operand(select, index++, operand);
    for (std::int64_t found = 0; TRY(select.step()); ++found) {
      if (found == matches_max)
        return fail(Code::invalid_argument, "{}: more than {} runs match; narrow the condition",
                    condition.field, matches_max);
      const auto add = [&](std::set<std::string>& ids, int column) {
        if (select.is_null(column)) return;
        ids.emplace(select.text(column));
        for (std::string& id : ids_behind(std::string(select.text(column + 1))))
          ids.insert(std::move(id));
      };
      add(matches.run_ids, 0);
      add(matches.trace_ids, 2);
    }
    return {};
  }));
  return matches;
}

}  // namespace slipway::trace
