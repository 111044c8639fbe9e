#include "langgraph/detail/notes.hpp"

#include "store/columns.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::string_view thread_columns = "id, metadata, created, updated, expires, ttl";
constexpr std::string_view run_columns = "id, thread, assistant, kind, body, created, due, after";

Result<ThreadNote> read_thread(const store::Statement& row) {
  Value metadata = TRY(agents::parse_json(row.text(1)).within("a stored thread"));
  return ThreadNote{.id = std::string(row.text(0)),
                    .metadata = std::move(metadata),
                    .created_ms = row.integer(2),
                    .updated_ms = row.integer(3),
                    .expires_ms = store::optional_integer(row, 4),
                    .ttl_ms = store::optional_integer(row, 5)};
}

Result<RunNote> read_run(const store::Statement& row) {
  Value body = TRY(agents::parse_json(row.text(4)).within("a stored run"));
  RunNote made{.id = std::string(row.text(0)),
               .thread = std::string(row.text(1)),
               .assistant = std::string(row.text(2)),
               .kind = std::string(row.text(3)),
               .body = std::move(body),
               .created_ms = row.integer(5),
               .due_ms = store::optional_integer(row, 6)};
  if (!row.is_null(7)) made.after = TRY(agents::parse_json(row.text(7)).within("a stored run"));
  return made;
}

Result<void> write_thread(store::Database& database, const Context& context, const ThreadNote& note,
                          std::string_view verb) {
  return database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        fmt::format("{} INTO langgraph_threads({}) VALUES(?,?,?,?,?,?)", verb, thread_columns)));
    row.bind(0, note.id).bind(1, agents::dump(note.metadata));
    row.bind(2, note.created_ms).bind(3, note.updated_ms);
    store::bind_optional(row, 4, note.expires_ms);
    store::bind_optional(row, 5, note.ttl_ms);
    return row.run();
  });
}

/// The rows of a query with at most one text to fill in.
template <typename T>
Result<std::vector<T>> rows_of(store::Database& database, const Context& context,
                               const std::string& sql, const std::optional<std::string>& text,
                               Result<T> (*read)(const store::Statement&)) {
  std::vector<T> found;
  TRY(database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(sql));
    if (text) row.bind(0, *text);
    while (TRY(row.step())) found.push_back(TRY(read(row)));
    return {};
  }));
  return found;
}

template <typename T>
std::optional<T> first_of(std::vector<T> found) {
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

}  // namespace

Result<void> Notes::add_thread(const Context& context, const ThreadNote& note) {
  auto added = write_thread(database_, context, note, "INSERT");
  if (!added && added.error().code() == Code::conflict)
    return fail(Code::conflict, "Thread with ID {} already exists", note.id);
  return added;
}

Result<void> Notes::put_thread(const Context& context, const ThreadNote& note) {
  return write_thread(database_, context, note, "INSERT OR REPLACE");
}

Result<std::optional<ThreadNote>> Notes::thread(const Context& context, const std::string& id) {
  return first_of(TRY(rows_of<ThreadNote>(
      database_, context,
      fmt::format("SELECT {} FROM langgraph_threads WHERE id = ?", thread_columns), id,
      read_thread)));
}

Result<std::vector<ThreadNote>> Notes::threads(const Context& context) {
  return rows_of<ThreadNote>(
      database_, context,
      fmt::format("SELECT {} FROM langgraph_threads ORDER BY created DESC", thread_columns),
      std::nullopt, read_thread);
}

Result<std::vector<std::string>> Notes::expired_threads(const Context& context,
                                                        std::int64_t now_ms) {
  std::vector<std::string> ids;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(
        "SELECT id FROM langgraph_threads WHERE expires IS NOT NULL AND expires <= ? LIMIT 1000"));
    row.bind(0, now_ms);
    while (TRY(row.step())) ids.emplace_back(row.text(0));
    return {};
  }));
  return ids;
}

Result<void> Notes::remove_thread(const Context& context, const std::string& id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    for (const char* sql : {"DELETE FROM langgraph_threads WHERE id = ?",
                            "DELETE FROM langgraph_runs WHERE thread = ?"}) {
      auto row = TRY(connection.prepare(sql));
      row.bind(0, id);
      TRY(row.run());
    }
    return {};
  });
}

Result<void> Notes::put_run(const Context& context, const RunNote& note) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare(fmt::format(
        "INSERT INTO langgraph_runs({}) VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET "
        "due = excluded.due, after = excluded.after",
        run_columns)));
    row.bind(0, note.id).bind(1, note.thread).bind(2, note.assistant).bind(3, note.kind);
    row.bind(4, agents::dump(note.body)).bind(5, note.created_ms);
    store::bind_optional(row, 6, note.due_ms);
    row.bind(7, note.after.is_null() ? std::nullopt : std::optional(agents::dump(note.after)));
    return row.run();
  });
}

Result<std::optional<RunNote>> Notes::run(const Context& context, const std::string& id) {
  return first_of(TRY(rows_of<RunNote>(
      database_, context, fmt::format("SELECT {} FROM langgraph_runs WHERE id = ?", run_columns),
      id, read_run)));
}

Result<std::vector<RunNote>> Notes::runs(const Context& context, const std::string& thread) {
  return rows_of<RunNote>(
      database_, context,
      fmt::format("SELECT {} FROM langgraph_runs WHERE thread = ? ORDER BY n DESC", run_columns),
      thread, read_run);
}

Result<std::vector<RunNote>> Notes::open_runs(const Context& context) {
  return rows_of<RunNote>(database_, context,
                          fmt::format("SELECT {} FROM langgraph_runs WHERE due IS NOT NULL OR "
                                      "after IS NOT NULL ORDER BY n",
                                      run_columns),
                          std::nullopt, read_run);
}

Result<void> Notes::remove_run(const Context& context, const std::string& id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare("DELETE FROM langgraph_runs WHERE id = ?"));
    row.bind(0, id);
    return row.run();
  });
}

}  // namespace slipway::langgraph::detail
