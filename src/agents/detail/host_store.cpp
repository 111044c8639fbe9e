#include "agents/detail/host_store.hpp"

#include <algorithm>

namespace slipway::agents::detail {

namespace {

std::vector<store::Migration> host_migrations() {
  return {{.module = "agent_host", .version = 1, .sql = R"sql(
CREATE TABLE agent_host_agents (
  name TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  hash TEXT NOT NULL,
  source TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE agent_host_threads (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  agent TEXT NOT NULL,
  metadata TEXT NOT NULL,
  run TEXT NOT NULL,        -- The newest, or empty.
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
);
CREATE TABLE agent_host_runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  thread TEXT NOT NULL,
  agent TEXT NOT NULL,
  status TEXT NOT NULL,
  metadata TEXT NOT NULL,
  job TEXT NOT NULL,        -- What it is to do; JSON.
  root TEXT NOT NULL,
  first INTEGER NOT NULL,   -- Its records of the thread's log are those after this one,
  last INTEGER NOT NULL,    -- up to this one.
  wake_ms INTEGER NOT NULL, -- 0: it waits for no time.
  error TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
);
CREATE INDEX agent_host_runs_thread ON agent_host_runs (thread);
CREATE INDEX agent_host_runs_open ON agent_host_runs (number)
  WHERE status IN ('pending', 'running') OR wake_ms > 0;
)sql"}};
}

constexpr std::string_view agent_columns =
    "SELECT name, description, hash, source, version, created_ms, updated_ms "
    "FROM agent_host_agents ";
constexpr std::string_view thread_columns =
    "SELECT t.id, t.agent, t.metadata, t.run, t.created_ms, t.updated_ms, "
    "coalesce((SELECT status FROM agent_host_runs WHERE id = t.run), '') "
    "FROM agent_host_threads t ";
constexpr std::string_view run_columns =
    "SELECT id, thread, agent, status, metadata, job, root, first, last, wake_ms, error, "
    "created_ms, updated_ms FROM agent_host_runs ";

std::string sql_of(std::string_view columns, std::string_view rest) {
  return std::string(columns) + std::string(rest);
}

json::Object object_of(std::string_view text) {
  auto value = json::parse(text);
  return value && value->is_object() ? value->as_object() : json::Object();
}

AgentInfo read_agent(const store::Statement& row) {
  return {.name = std::string(row.text(0)),
          .description = std::string(row.text(1)),
          .hash = std::string(row.text(2)),
          .source = std::string(row.text(3)),
          .created_ms = row.integer(5),
          .updated_ms = row.integer(6),
          .version = static_cast<int>(row.integer(4))};
}

ThreadInfo read_thread(const store::Statement& row) {
  ThreadInfo info{.id = std::string(row.text(0)),
                  .agent = std::string(row.text(1)),
                  .metadata = object_of(row.text(2)),
                  .created_ms = row.integer(4),
                  .updated_ms = row.integer(5),
                  .run = std::string(row.text(3))};
  const std::string_view status = row.text(6);
  if (status == "pending" || status == "running") info.status = ThreadStatus::busy;
  if (status == "interrupted") info.status = ThreadStatus::interrupted;
  if (status == "failed") info.status = ThreadStatus::failed;
  return info;
}

RunRow read_run(const store::Statement& row) {
  RunRow run{.info = {.id = std::string(row.text(0)),
                      .thread = std::string(row.text(1)),
                      .agent = std::string(row.text(2)),
                      .metadata = object_of(row.text(4)),
                      .created_ms = row.integer(11),
                      .updated_ms = row.integer(12)},
             .job = std::string(row.text(5)),
             .root = std::string(row.text(6)),
             .first = static_cast<std::uint64_t>(row.integer(7)),
             .last = static_cast<std::uint64_t>(row.integer(8)),
             .wake_ms = row.integer(9),
             .error = std::string(row.text(10))};
  if (auto status = json::from<RunStatus>(json::Value(boost::json::string(row.text(3)))))
    run.info.status = *status;
  return run;
}

bool has_all(const json::Object& metadata, const json::Object& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& pair) {
    const json::Value* found = metadata.if_contains(pair.key());
    return found != nullptr && *found == pair.value();
  });
}

}  // namespace

Result<std::unique_ptr<HostStore>> HostStore::open(const std::filesystem::path& data) {
  const std::filesystem::path file = data.empty() ? ":memory:" : data / "agents.db";
  auto database = TRY(store::Database::open({.path = file}, host_migrations()));
  if (!data.empty())
    // Threads that were made by the command line.
    TRY(database->write({}, [&](store::Connection& connection) -> Result<void> {
      return connection.execute(
          "INSERT OR IGNORE INTO agent_host_threads (id, agent, metadata, run, created_ms, "
          "updated_ms) SELECT id, '', '{}', '', created_ms, created_ms FROM agents_threads");
    }));
  return std::unique_ptr<HostStore>(new HostStore(std::move(database)));
}

Result<void> HostStore::put_agent(const AgentInfo& agent) {
  return database_->write({}, [&](store::Connection& connection) -> Result<void> {
    auto put = TRY(connection.prepare(
        "INSERT OR REPLACE INTO agent_host_agents (name, description, hash, "
        "source, version, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"));
    put.bind(0, agent.name).bind(1, agent.description).bind(2, agent.hash).bind(3, agent.source);
    put.bind(4, agent.version).bind(5, agent.created_ms).bind(6, agent.updated_ms);
    return put.run();
  });
}

Result<AgentInfo> HostStore::agent(const std::string& name) const {
  AgentInfo info;
  TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
    auto find = TRY(connection.prepare(sql_of(agent_columns, "WHERE name = ?")));
    find.bind(0, name);
    if (!TRY(find.step())) return fail(Code::not_found, "there is no agent '{}'", name);
    info = read_agent(find);
    return {};
  }));
  return info;
}

Result<std::vector<AgentInfo>> HostStore::agents() const {
  std::vector<AgentInfo> list;
  TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
    auto rows = TRY(connection.prepare(sql_of(agent_columns, "ORDER BY name")));
    while (TRY(rows.step())) list.push_back(read_agent(rows));
    return {};
  }));
  return list;
}

Result<void> HostStore::remove_agent(const std::string& name) {
  return database_->write({}, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM agent_host_agents WHERE name = ?"));
    remove.bind(0, name);
    TRY(remove.run());
    if (connection.changes() == 0) return fail(Code::not_found, "there is no agent '{}'", name);
    return {};
  });
}

Result<void> HostStore::add_thread(const ThreadInfo& thread) {
  return database_->write({}, [&](store::Connection& connection) -> Result<void> {
    auto add = TRY(connection.prepare(
        "INSERT OR IGNORE INTO agent_host_threads (id, agent, metadata, run, created_ms, "
        "updated_ms) VALUES (?, ?, ?, '', ?, ?)"));
    add.bind(0, thread.id).bind(1, thread.agent).bind(2, json::dump(thread.metadata));
    add.bind(3, thread.created_ms).bind(4, thread.created_ms);
    TRY(add.run());
    if (connection.changes() == 0)
      return fail(Code::conflict, "there is a thread '{}' already", thread.id);
    return {};
  });
}

Result<ThreadInfo> HostStore::thread(const std::string& id) const {
  ThreadInfo info;
  TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
    auto find = TRY(connection.prepare(sql_of(thread_columns, "WHERE t.id = ?")));
    find.bind(0, id);
    if (!TRY(find.step())) return fail(Code::not_found, "there is no thread '{}'", id);
    info = read_thread(find);
    return {};
  }));
  return info;
}

Result<std::vector<ThreadInfo>> HostStore::threads(const ThreadFilter& filter) const {
  std::vector<ThreadInfo> list;
  TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
    auto rows = TRY(connection.prepare(
        sql_of(thread_columns, "WHERE (?1 = '' OR t.agent = ?1) ORDER BY t.number DESC")));
    rows.bind(0, filter.agent);
    int skipped = 0;
    while (static_cast<int>(list.size()) < filter.limit && TRY(rows.step())) {
      ThreadInfo info = read_thread(rows);
      if (filter.status && info.status != *filter.status) continue;
      if (!has_all(info.metadata, filter.metadata)) continue;
      if (skipped++ < filter.offset) continue;
      list.push_back(std::move(info));
    }
    return {};
  }));
  return list;
}

Result<void> HostStore::set_metadata(const std::string& id, const json::Object& metadata,
                                     std::int64_t now_ms) {
  return database_->write({}, [&](store::Connection& connection) -> Result<void> {
    auto set = TRY(connection.prepare(
        "UPDATE agent_host_threads SET metadata = ?, updated_ms = ? WHERE id = ?"));
    set.bind(0, json::dump(metadata)).bind(1, now_ms).bind(2, id);
    return set.run();
  });
}

Result<void> HostStore::set_agent(const std::string& id, const std::string& agent) {
  return database_->write({}, [&](store::Connection& connection) -> Result<void> {
    auto set = TRY(connection.prepare("UPDATE agent_host_threads SET agent = ? WHERE id = ?"));
    set.bind(0, agent).bind(1, id);
    return set.run();
  });
}

Result<void> HostStore::remove_thread(const std::string& id) {
  TRY(database_->write({}, [&](store::Connection& connection) -> Result<void> {
    for (const std::string_view sql : {"DELETE FROM agent_host_runs WHERE thread = ?",
                                       "DELETE FROM agent_host_threads WHERE id = ?"}) {
      auto remove = TRY(connection.prepare(sql));
      remove.bind(0, id);
      TRY(remove.run());
    }
    return {};
  }));
  // What a run was to do holds its input: it is gone from the write-ahead log too.
  return database_->settle({});
}

Result<void> HostStore::put_run(const RunRow& run) {
  return database_->write({}, [&](store::Connection& connection) -> Result<void> {
    auto put = TRY(connection.prepare(
        "INSERT INTO agent_host_runs (id, thread, agent, status, metadata, job, root, first, last, "
        "wake_ms, error, created_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
        "?11, ?12, ?13) ON CONFLICT (id) DO UPDATE SET status = ?4, job = ?6, first = ?8, "
        "last = ?9, wake_ms = ?10, error = ?11, updated_ms = ?13"));
    put.bind(0, run.info.id).bind(1, run.info.thread).bind(2, run.info.agent);
    put.bind(3, json::name(run.info.status)).bind(4, json::dump(run.info.metadata));
    put.bind(5, run.job).bind(6, run.root).bind(7, static_cast<std::int64_t>(run.first));
    put.bind(8, static_cast<std::int64_t>(run.last)).bind(9, run.wake_ms).bind(10, run.error);
    put.bind(11, run.info.created_ms).bind(12, run.info.updated_ms);
    TRY(put.run());
    auto newest = TRY(
        connection.prepare("UPDATE agent_host_threads SET run = ?, updated_ms = ? WHERE id = ?"));
    newest.bind(0, run.info.id).bind(1, run.info.updated_ms).bind(2, run.info.thread);
    return newest.run();
  });
}

Result<RunRow> HostStore::run(const std::string& id) const {
  RunRow row;
  TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
    auto find = TRY(connection.prepare(sql_of(run_columns, "WHERE id = ?")));
    find.bind(0, id);
    if (!TRY(find.step())) return fail(Code::not_found, "there is no run '{}'", id);
    row = read_run(find);
    return {};
  }));
  return row;
}

Result<std::vector<RunRow>> HostStore::runs(const std::string& thread, int limit,
                                            int offset) const {
  std::vector<RunRow> list;
  TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
    auto rows = TRY(connection.prepare(
        sql_of(run_columns, "WHERE thread = ? ORDER BY number DESC LIMIT ? OFFSET ?")));
    rows.bind(0, thread).bind(1, limit).bind(2, offset);
    while (TRY(rows.step())) list.push_back(read_run(rows));
    return {};
  }));
  return list;
}

Result<void> HostStore::remove_run(const std::string& id) {
  return database_->write({}, [&](store::Connection& connection) -> Result<void> {
    auto newest = TRY(connection.prepare(
        "UPDATE agent_host_threads SET run = coalesce((SELECT id FROM agent_host_runs r WHERE "
        "r.thread = agent_host_threads.id AND r.id <> ?1 ORDER BY number DESC LIMIT 1), '') "
        "WHERE run = ?1"));
    newest.bind(0, id);
    TRY(newest.run());
    auto remove = TRY(connection.prepare("DELETE FROM agent_host_runs WHERE id = ?"));
    remove.bind(0, id);
    return remove.run();
  });
}

Result<std::vector<RunRow>> HostStore::open_runs() const {
  std::vector<RunRow> list;
  TRY(database_->read({}, [&](store::Connection& connection) -> Result<void> {
    auto rows = TRY(connection.prepare(sql_of(
        run_columns, "WHERE status IN ('pending', 'running') OR wake_ms > 0 ORDER BY number")));
    while (TRY(rows.step())) list.push_back(read_run(rows));
    return {};
  }));
  return list;
}

}  // namespace slipway::agents::detail
