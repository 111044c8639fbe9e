#include "eval/evaluation_store.hpp"

#include <utility>

#include "store/columns.hpp"

namespace slipway::eval {

std::vector<store::Migration> evaluation_migrations() {
  return {{"eval", 1, R"sql(
    CREATE TABLE eval_evaluations(
      n INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      name TEXT NOT NULL,
      state TEXT NOT NULL,
      error TEXT,
      dataset_id TEXT,
      dataset TEXT,  -- DatasetRef
      target TEXT NOT NULL,
      judge TEXT NOT NULL,
      suite TEXT,
      metadata TEXT NOT NULL,
      job TEXT,
      created TEXT NOT NULL,
      finished TEXT,
      done INTEGER NOT NULL,
      total INTEGER NOT NULL,
      passed INTEGER,
      failures TEXT NOT NULL,
      metrics TEXT NOT NULL,
      result TEXT);
    CREATE INDEX eval_evaluations_dataset ON eval_evaluations(dataset_id, n);
    CREATE TABLE eval_cases(
      evaluation INTEGER NOT NULL,
      n INTEGER NOT NULL,
      id TEXT NOT NULL,
      body TEXT NOT NULL,  -- EvaluationCase
      PRIMARY KEY(evaluation, n)) WITHOUT ROWID;
    CREATE UNIQUE INDEX eval_cases_id ON eval_cases(evaluation, id);
  )sql"}};
}

namespace {

constexpr std::string_view select_evaluation =
    "SELECT id, name, state, error, dataset, target, judge, suite, metadata, job, created, "
    "finished, done, total, passed, failures, metrics FROM eval_evaluations ";

template <typename T>
Result<T> json_at(const store::Statement& row, int column) {
  return json::from<T>(TRY(json::parse(row.text(column))));
}

Result<EvaluationInfo> read_info(const store::Statement& row) {
  EvaluationInfo info;
  info.id = row.text(0);
  info.name = row.text(1);
  info.state = TRY(json::from<EvaluationState>(json::Value(boost::json::string(row.text(2)))));
  info.error = store::optional_text(row, 3);
  if (!row.is_null(4)) info.dataset = TRY(json_at<DatasetRef>(row, 4));
  info.target = row.text(5);
  info.judge = row.text(6);
  if (!row.is_null(7)) info.request = TRY(json_at<json::Object>(row, 7));
  info.metadata = TRY(json_at<json::Object>(row, 8));
  info.job = store::optional_text(row, 9);
  info.created_at = row.text(10);
  info.finished_at = store::optional_text(row, 11);
  info.done = row.integer(12);
  info.total = row.integer(13);
  info.passed = store::optional_flag(row, 14);
  info.failures = TRY(json_at<std::vector<std::string>>(row, 15));
  info.metrics = TRY(json_at<std::vector<MetricSummary>>(row, 16));
  return info;
}

Error unknown(const std::string& id) {
  return fail(Code::not_found, "there is no evaluation '{}'", id.substr(0, 100));
}

/// The number of that evaluation's row. Fails: not_found.
Result<std::int64_t> number_of(store::Connection& connection, const std::string& id) {
  auto select = TRY(connection.prepare("SELECT n FROM eval_evaluations WHERE id = ?"));
  if (!TRY(select.bind(0, id).step())) return unknown(id);
  return select.integer(0);
}

void bind_text(store::Statement& statement, int index, const std::optional<json::Value>& value) {
  if (value)
    statement.bind(index, json::dump(*value));
  else
    statement.bind_null(index);
}

}  // namespace

Result<void> EvaluationStore::take_stock(const Context& context) {
  std::vector<std::string> found;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        "SELECT id FROM eval_evaluations WHERE state IN ('queued', 'running') ORDER BY n"));
    while (TRY(select.step())) found.emplace_back(select.text(0));
    auto update = TRY(connection.prepare(
        "UPDATE eval_evaluations SET state = 'interrupted', finished = ?, error = 'the server "
        "ended before the evaluation did; run it again' WHERE state IN ('queued', 'running')"));
    return update.bind(0, format_time(options_.clock.now())).run();
  }));
  interrupted_.with([&](auto& all) { all = std::move(found); });
  return {};
}

std::vector<std::string> EvaluationStore::take_interrupted() {
  return interrupted_.with([](auto& all) { return std::exchange(all, {}); });
}

Result<EvaluationInfo> EvaluationStore::create(const Context& context, EvaluationInfo info) {
  info.id = make_id("eval", options_.clock);
  info.created_at = format_time(options_.clock.now());
  info.state = EvaluationState::queued;
  TRY(options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto count = TRY(connection.prepare("SELECT count(*) FROM eval_evaluations"));
    TRY(count.step());
    if (static_cast<std::size_t>(count.integer(0)) >= options_.kept_max)
      return fail(Code::conflict, "{} evaluations are kept already; delete some of them",
                  options_.kept_max);
    auto insert = TRY(connection.prepare(
        "INSERT INTO eval_evaluations(id, name, state, dataset_id, dataset, target, judge, suite, "
        "metadata, created, done, total, failures, metrics) "
        "VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, 0, ?, '[]', '[]')"));
    insert.bind(0, info.id).bind(1, info.name);
    insert.bind(2, info.dataset ? std::optional(info.dataset->id) : std::nullopt);
    bind_text(insert, 3, info.dataset ? std::optional(json::to(*info.dataset)) : std::nullopt);
    insert.bind(4, info.target).bind(5, info.judge);
    bind_text(insert, 6, info.request ? std::optional(json::Value(*info.request)) : std::nullopt);
    insert.bind(7, json::dump(info.metadata)).bind(8, info.created_at).bind(9, info.total);
    return insert.run();
  }));
  return info;
}

Result<EvaluationInfo> EvaluationStore::get(const Context& context, const std::string& id) {
  EvaluationInfo info;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(std::string(select_evaluation) + "WHERE id = ?"));
    if (!TRY(select.bind(0, id).step())) return unknown(id);
    info = TRY(read_info(select));
    return {};
  }));
  return info;
}

Result<std::vector<EvaluationInfo>> EvaluationStore::list(
    const Context& context, const std::optional<std::string>& dataset_id) {
  std::vector<EvaluationInfo> all;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare(std::string(select_evaluation) +
                               (dataset_id ? "WHERE dataset_id = ? " : "") + "ORDER BY n DESC"));
    if (dataset_id) select.bind(0, *dataset_id);
    while (TRY(select.step())) all.push_back(TRY(read_info(select)));
    return {};
  }));
  return all;
}

Result<void> EvaluationStore::set_job(const Context& context, const std::string& id,
                                      const std::string& job) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare("UPDATE eval_evaluations SET job = ? WHERE id = ?"));
    return update.bind(0, job).bind(1, id).run();
  });
}

Result<void> EvaluationStore::begin(const Context& context, const std::string& id) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const std::int64_t n = TRY(number_of(connection, id));
    auto update =
        TRY(connection.prepare("UPDATE eval_evaluations SET state = 'running' WHERE n = ?"));
    return update.bind(0, n).run();
  });
}

Result<void> EvaluationStore::restart(const Context& context, const EvaluationInfo& info) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const std::int64_t n = TRY(number_of(connection, info.id));
    auto update = TRY(connection.prepare(
        "UPDATE eval_evaluations SET state = 'queued', metadata = ?, error = NULL, finished = "
        "NULL, job = NULL WHERE n = ?"));
    return update.bind(0, json::dump(info.metadata)).bind(1, n).run();
  });
}

Result<void> EvaluationStore::add(const Context& context, const std::string& id,
                                  const std::vector<EvaluationCase>& cases) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const std::int64_t n = TRY(number_of(connection, id));
    auto insert = TRY(connection.prepare(
        "INSERT INTO eval_cases(evaluation, n, id, body) VALUES (?1, (SELECT coalesce(max(n), 0) + "
        "1 FROM eval_cases WHERE evaluation = ?1), ?2, ?3) "
        "ON CONFLICT(evaluation, id) DO UPDATE SET body = excluded.body"));
    for (const EvaluationCase& one : cases) {
      TRY(insert.bind(0, n).bind(1, one.id).bind(2, json::dump(json::to(one))).run());
      insert.reset();
    }
    auto update = TRY(connection.prepare(
        "UPDATE eval_evaluations SET done = (SELECT count(*) FROM eval_cases WHERE evaluation = "
        "?1) WHERE n = ?1"));
    return update.bind(0, n).run();
  });
}

Result<void> EvaluationStore::end(const Context& context, const std::string& id,
                                  const EvaluationEnd& end) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const std::int64_t n = TRY(number_of(connection, id));
    auto update = TRY(connection.prepare(
        "UPDATE eval_evaluations SET state = ?, error = ?, passed = ?, failures = ?, metrics = ?, "
        "result = ?, finished = ? WHERE n = ?"));
    update.bind(0, json::name(end.state)).bind(1, end.error);
    store::bind_optional(update, 2, end.passed);
    update.bind(3, json::dump(json::to(end.failures)));
    update.bind(4, json::dump(json::to(end.metrics)));
    update.bind(5, end.result.empty() ? std::nullopt : std::optional(end.result));
    return update.bind(6, format_time(options_.clock.now())).bind(7, n).run();
  });
}

Result<void> EvaluationStore::remove(const Context& context, const std::string& id) {
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    const std::int64_t n = TRY(number_of(connection, id));
    for (const char* sql : {"DELETE FROM eval_cases WHERE evaluation = ?",
                            "DELETE FROM eval_evaluations WHERE n = ?"}) {
      auto remove = TRY(connection.prepare(sql));
      TRY(remove.bind(0, n).run());
    }
    return {};
  });
}

Result<std::vector<EvaluationCase>> EvaluationStore::cases(const Context& context,
                                                           const std::string& id) {
  std::vector<EvaluationCase> all;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare("SELECT body FROM eval_cases WHERE evaluation = ? ORDER BY n"));
    select.bind(0, TRY(number_of(connection, id)));
    while (TRY(select.step())) {
      TRY(context.check());
      all.push_back(TRY(json_at<EvaluationCase>(select, 0)));
    }
    return {};
  }));
  return all;
}

Result<EvaluationCase> EvaluationStore::find_case(const Context& context, const std::string& id,
                                                  const std::string& case_id) {
  EvaluationCase found;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare("SELECT body FROM eval_cases WHERE evaluation = ? AND id = ?"));
    select.bind(0, TRY(number_of(connection, id))).bind(1, case_id);
    if (!TRY(select.step()))
      return fail(Code::not_found, "evaluation '{}' has no case '{}'", id, case_id.substr(0, 100));
    found = TRY(json_at<EvaluationCase>(select, 0));
    return {};
  }));
  return found;
}

Result<std::string> EvaluationStore::result_text(const Context& context, const std::string& id) {
  std::string text;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare("SELECT result FROM eval_evaluations WHERE id = ?"));
    if (!TRY(select.bind(0, id).step())) return unknown(id);
    if (!select.is_null(0)) text = select.text(0);
    return {};
  }));
  return text;
}

}  // namespace slipway::eval
