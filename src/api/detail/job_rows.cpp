#include "api/detail/job_rows.hpp"

#include <unistd.h>

#include "core/files.hpp"
#include "store/columns.hpp"

namespace slipway::api {

std::vector<store::Migration> migrations() {
  return {{"api", 1, R"sql(
    CREATE TABLE api_jobs(
      id TEXT PRIMARY KEY,  -- Sorts by birth.
      kind TEXT NOT NULL,
      collection TEXT NOT NULL,
      state TEXT NOT NULL,
      owner TEXT NOT NULL,  -- The process that runs it.
      progress TEXT NOT NULL,
      result TEXT NOT NULL,
      errors TEXT NOT NULL,
      error TEXT,
      created_at TEXT NOT NULL,
      started_at TEXT,
      finished_at TEXT) WITHOUT ROWID;
  )sql"},
          {"api", 2, "ALTER TABLE api_jobs ADD COLUMN error_code TEXT"}};
}

namespace detail {

namespace {

constexpr std::string_view columns =
    "id, kind, collection, state, progress, result, errors, error, created_at, started_at, "
    "finished_at, error_code";

Result<JobInfo> read_row(const store::Statement& row) {
  JobInfo info;
  info.id = row.text(0);
  info.kind = row.text(1);
  info.collection = row.text(2);
  info.state = TRY(json::from<JobState>(json::Value(row.text(3))));
  info.progress = TRY(json::from<JobProgress>(TRY(json::parse(row.text(4)))));
  info.result = TRY(json::parse(row.text(5)));
  info.errors = TRY(json::from<std::vector<JobFailure>>(TRY(json::parse(row.text(6)))));
  info.error = store::optional_text(row, 7);
  info.created_at = row.text(8);
  info.started_at = store::optional_text(row, 9);
  info.finished_at = store::optional_text(row, 10);
  info.error_code = store::optional_text(row, 11);
  return info;
}

/// When a process began, in ticks since the machine did: field 22 of its stat, empty when there is
/// none. The second field is a name in parentheses, with anything in it.
std::string start_of(const std::string& process_id) {
  const auto stat = read_file("/proc/" + process_id + "/stat");
  if (!stat) return "";
  std::size_t at = stat->rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat->find(' ', at + 1);
  if (at == std::string::npos) return "";
  return stat->substr(at + 1, stat->find(' ', at + 1) - at - 1);
}

}  // namespace

std::string this_process() {
  const std::string id = std::to_string(::getpid());
  return id + ":" + start_of(id);
}

bool is_alive(const std::string& process) {
  const std::size_t colon = process.find(':');
  if (colon == std::string::npos) return false;
  const std::string start = start_of(process.substr(0, colon));
  return !start.empty() && start == process.substr(colon + 1);
}

Result<void> JobRows::fail_orphans(const std::string& now) {
  return database_.write(Context(), [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare("SELECT id, owner FROM api_jobs WHERE state IN ('queued', 'running')"));
    std::vector<std::string> orphans;
    while (TRY(select.step()))
      if (!is_alive(std::string(select.text(1)))) orphans.emplace_back(select.text(0));
    auto update = TRY(connection.prepare(
        "UPDATE api_jobs SET state = 'failed', finished_at = ?, error = 'the server ended while "
        "this job ' || CASE state WHEN 'queued' THEN 'waited' ELSE 'ran' END || '; what it had "
        "stored is in, start it again for the rest' WHERE id = ?"));
    for (const std::string& id : orphans) {
      update.reset();
      TRY(update.bind(0, now).bind(1, id).run());
    }
    return {};
  });
}

Result<void> JobRows::insert(const Context& context, const JobInfo& info, std::size_t kept_max) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto prune = TRY(connection.prepare(
        "DELETE FROM api_jobs WHERE state NOT IN ('queued', 'running') AND id <= (SELECT id FROM "
        "api_jobs WHERE state NOT IN ('queued', 'running') ORDER BY id DESC LIMIT 1 OFFSET ?)"));
    TRY(prune.bind(0, static_cast<std::int64_t>(kept_max)).run());
    auto insert = TRY(connection.prepare(
        "INSERT INTO api_jobs(id, kind, collection, state, owner, progress, result, errors, "
        "created_at) VALUES(?,?,?,?,?,?,'null','[]',?)"));
    insert.bind(0, info.id).bind(1, info.kind).bind(2, info.collection);
    insert.bind(3, json::name(info.state)).bind(4, owner_);
    insert.bind(5, json::dump(json::to(info.progress))).bind(6, info.created_at);
    return insert.run();
  });
}

Result<void> JobRows::update(const Context& context, const JobInfo& info) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto update = TRY(connection.prepare(
        "UPDATE api_jobs SET state = ?, progress = ?, result = ?, errors = ?, error = ?, "
        "started_at = ?, finished_at = ?, error_code = ? WHERE id = ?"));
    update.bind(0, json::name(info.state)).bind(1, json::dump(json::to(info.progress)));
    update.bind(2, json::dump(info.result)).bind(3, json::dump(json::to(info.errors)));
    update.bind(4, info.error).bind(5, info.started_at).bind(6, info.finished_at);
    return update.bind(7, info.error_code).bind(8, info.id).run();
  });
}

Result<void> JobRows::remove(const Context& context, const std::string& id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM api_jobs WHERE id = ?"));
    return remove.bind(0, id).run();
  });
}

Result<std::optional<JobInfo>> JobRows::find(const Context& context, const std::string& id) {
  std::optional<JobInfo> info;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare(fmt::format("SELECT {} FROM api_jobs WHERE id = ?", columns)));
    if (TRY(select.bind(0, id).step())) info = TRY(read_row(select));
    return {};
  }));
  return info;
}

Result<std::vector<JobInfo>> JobRows::list(const Context& context, int limit,
                                           const std::string& before_id) {
  std::vector<JobInfo> infos;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(fmt::format(
        "SELECT {} FROM api_jobs WHERE ?1 = '' OR id < ?1 ORDER BY id DESC LIMIT ?2", columns)));
    select.bind(0, before_id).bind(1, limit);
    while (TRY(select.step())) infos.push_back(TRY(read_row(select)));
    return {};
  }));
  return infos;
}

}  // namespace detail

}  // namespace slipway::api
