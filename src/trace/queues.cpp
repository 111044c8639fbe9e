#include "trace/queues.hpp"

#include "core/uuid.hpp"
#include "store/columns.hpp"
#include "store/sql.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace {

namespace {

constexpr Nanoseconds per_microsecond = 1000;
constexpr std::size_t rest_bytes_max = 256u << 10;
constexpr int list_max = 1000;

constexpr std::string_view queue_columns =
    "id, name, description, rubric, rest, created_ns, updated_ns";
constexpr std::string_view item_columns =
    "id, queue_id, run_id, thread_id, session_id, start_ns, proposed, added_ns, reviewed_ns, "
    "is_completed";

Nanoseconds now(const Clock& clock) {
  return clock.now().time_since_epoch().count() * per_microsecond;
}

Result<AnnotationQueue> queue_at(const store::Statement& row) {
  AnnotationQueue queue;
  queue.id = row.text(0);
  queue.name = row.text(1);
  queue.description = store::optional_text(row, 2);
  queue.rubric_instructions = store::optional_text(row, 3);
  queue.rest = TRY(json::from<json::Object>(TRY(json::parse(row.text(4)))));
  queue.created = row.integer(5);
  queue.updated = row.integer(6);
  return queue;
}

QueueItem item_at(const store::Statement& row) {
  QueueItem item;
  item.id = row.text(0);
  item.queue_id = row.text(1);
  item.run_id = row.text(2);
  item.thread_id = row.text(3);
  item.session_id = row.text(4);
  item.start_time = store::optional_integer(row, 5);
  item.source_proposed_example_id = store::optional_text(row, 6);
  item.added = row.integer(7);
  item.reviewed = store::optional_integer(row, 8);
  item.is_completed = row.integer(9) != 0;
  return item;
}

Result<void> check(const AnnotationQueue& queue) {
  constexpr std::size_t name_bytes_max = 512;
  if (queue.name.empty() || queue.name.size() > name_bytes_max)
    return fail(Code::invalid_argument, "name: 1 to {} bytes are wanted, got {}", name_bytes_max,
                queue.name.size());
  const std::size_t size = json::dump(queue.rest).size() + queue.description.value_or("").size() +
                           queue.rubric_instructions.value_or("").size();
  if (size > rest_bytes_max)
    return fail(Code::invalid_argument, "queue '{}': its settings have {} bytes, at most {}",
                queue.name, size, rest_bytes_max);
  return {};
}

Result<void> write_queue(store::Connection& connection, const AnnotationQueue& queue) {
  auto put = TRY(connection.prepare(store::sql::put("trace_queues", queue_columns, "id")));
  put.bind(0, queue.id).bind(1, queue.name).bind(2, queue.description);
  put.bind(3, queue.rubric_instructions).bind(4, json::dump(queue.rest));
  put.bind(5, queue.created).bind(6, queue.updated);
  return put.run();
}

/// What an item is about, in one spelling.
std::string subject_of(const QueueItem& item) {
  return item.run_id.empty() ? fmt::format("thread:{}:{}", as_uuid(item.session_id), item.thread_id)
                             : "run:" + as_uuid(item.run_id);
}

std::string item_conditions(const QueueItemQuery& query) {
  std::string sql;
  if (query.is_completed)
    sql += *query.is_completed ? " AND is_completed" : " AND NOT is_completed";
  if (query.is_thread) sql += *query.is_thread ? " AND run_id = ''" : " AND run_id <> ''";
  if (query.from) sql += fmt::format(" AND added_ns >= {}", *query.from);
  if (query.to) sql += fmt::format(" AND added_ns < {}", *query.to);
  return sql;
}

}  // namespace

std::vector<store::Migration> queue_migrations() {
  return {{"trace_queues", 1, R"sql(
    CREATE TABLE trace_queues(
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      description TEXT,
      rubric TEXT,
      rest TEXT NOT NULL,
      created_ns INTEGER NOT NULL,
      updated_ns INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE trace_queue_items(
      n INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      queue_id TEXT NOT NULL,
      subject TEXT NOT NULL,
      run_id TEXT NOT NULL,
      thread_id TEXT NOT NULL,
      session_id TEXT NOT NULL,
      start_ns INTEGER,
      proposed TEXT,
      added_ns INTEGER NOT NULL,
      reviewed_ns INTEGER,
      is_completed INTEGER NOT NULL);
    CREATE UNIQUE INDEX trace_queue_items_subject ON trace_queue_items(queue_id, subject);
    CREATE INDEX trace_queue_items_run ON trace_queue_items(subject);
  )sql"}};
}

Result<AnnotationQueue> Queues::create(const Context& context, AnnotationQueue queue) {
  TRY(check(queue));
  queue.id = queue.id.empty() ? make_uuid(random_) : as_uuid(queue.id);
  queue.created = queue.updated = now(clock_);
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto known = TRY(connection.prepare("SELECT 1 FROM trace_queues WHERE id = ?"));
    if (TRY(known.bind(0, queue.id).step()))
      return fail(Code::conflict, "Annotation queue {} already exists.", queue.id);
    return write_queue(connection, queue);
  }));
  return queue;
}

Result<AnnotationQueue> Queues::get(const Context& context, const std::string& id) {
  std::optional<AnnotationQueue> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare(fmt::format("SELECT {} FROM trace_queues WHERE id = ?", queue_columns)));
    if (TRY(select.bind(0, as_uuid(id)).step())) found = TRY(queue_at(select));
    return {};
  }));
  if (!found) return fail(Code::not_found, "Annotation queue {} not found", id.substr(0, 100));
  return *std::move(found);
}

Result<AnnotationQueue> Queues::change(const Context& context, const std::string& id,
                                       const QueueChange& change) {
  AnnotationQueue queue = TRY(get(context, id));
  if (change.name) queue.name = *change.name;
  if (change.description) queue.description = *change.description;
  if (change.rubric_instructions) queue.rubric_instructions = *change.rubric_instructions;
  for (const auto& [key, value] : change.rest) queue.rest[key] = value;
  queue.updated = now(clock_);
  TRY(check(queue));
  TRY(database_.write(
      context, [&](store::Connection& connection) { return write_queue(connection, queue); }));
  return queue;
}

Result<void> Queues::remove(const Context& context, const std::string& id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto items = TRY(connection.prepare("DELETE FROM trace_queue_items WHERE queue_id = ?"));
    TRY(items.bind(0, as_uuid(id)).run());
    auto queue = TRY(connection.prepare("DELETE FROM trace_queues WHERE id = ?"));
    TRY(queue.bind(0, as_uuid(id)).run());
    if (connection.changes() == 0)
      return fail(Code::not_found, "Annotation queue {} not found", id.substr(0, 100));
    return {};
  });
}

Result<std::vector<AnnotationQueue>> Queues::list(const Context& context, const QueueQuery& query) {
  std::string sql = fmt::format("SELECT {} FROM trace_queues WHERE 1", queue_columns);
  std::vector<std::string> operands;
  const auto add = [&](std::string_view condition, std::string operand) {
    sql += condition;
    operands.push_back(std::move(operand));
  };
  if (!query.ids.empty()) {
    json::Array ids;
    for (const std::string& id : query.ids) ids.emplace_back(as_uuid(id));
    add(" AND " + store::sql::one_of("id"), json::dump(ids));
  }
  if (query.name) add(" AND name = ?", *query.name);
  if (query.name_contains)
    add(" AND " + store::sql::contains("lower(name)", "lower(?)"), *query.name_contains);
  if (query.run_id)
    add(" AND id IN (SELECT queue_id FROM trace_queue_items WHERE subject = ?)",
        "run:" + as_uuid(*query.run_id));
  sql += fmt::format(" ORDER BY created_ns DESC, id LIMIT {} OFFSET {}",
                     std::clamp(query.limit, 1, list_max), std::max(query.offset, 0));
  std::vector<AnnotationQueue> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(sql));
    for (std::size_t i = 0; i < operands.size(); ++i) select.bind(static_cast<int>(i), operands[i]);
    while (TRY(select.step())) all.push_back(TRY(queue_at(select)));
    return {};
  }));
  return all;
}

Result<std::vector<QueueItem>> Queues::add(const Context& context, const std::string& queue_id,
                                           std::vector<QueueItem> items) {
  constexpr std::size_t once_max = 10'000;
  constexpr std::int64_t queue_max = 100'000;
  if (items.size() > once_max)
    return fail(Code::invalid_argument, "{} items at once, at most {} are taken", items.size(),
                once_max);
  const std::string queue = TRY(get(context, queue_id)).id;
  const std::int64_t present = TRY(count(context, queue, {}));
  if (present + static_cast<std::int64_t>(items.size()) > queue_max)
    return fail(Code::conflict, "queue {} would hold more than {} items; remove some", queue,
                queue_max);
  const Nanoseconds time = now(clock_);
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    for (QueueItem& item : items) {
      item.queue_id = queue;
      auto known = TRY(connection.prepare(fmt::format(
          "SELECT {} FROM trace_queue_items WHERE queue_id = ? AND subject = ?", item_columns)));
      if (TRY(known.bind(0, queue).bind(1, subject_of(item)).step())) {
        item = item_at(known);
        continue;
      }
      item.id = make_uuid(random_);
      item.added = time;
      auto put = TRY(connection.prepare(
          fmt::format("INSERT INTO trace_queue_items({}, subject) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
                      "?, ?, ?)",
                      item_columns)));
      put.bind(0, item.id).bind(1, queue).bind(2, item.run_id).bind(3, item.thread_id);
      put.bind(4, item.session_id);
      store::bind_optional(put, 5, item.start_time);
      put.bind(6, item.source_proposed_example_id).bind(7, item.added);
      store::bind_optional(put, 8, item.reviewed);
      put.bind(9, item.is_completed ? 1 : 0).bind(10, subject_of(item));
      TRY(put.run());
    }
    return {};
  }));
  return items;
}

Result<std::vector<QueueItem>> Queues::items(const Context& context, const std::string& queue_id,
                                             const QueueItemQuery& query) {
  const std::string queue = TRY(get(context, queue_id)).id;
  std::vector<QueueItem> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(fmt::format(
        "SELECT {} FROM trace_queue_items WHERE queue_id = ?{} ORDER BY added_ns, n LIMIT ? OFFSET "
        "?",
        item_columns, item_conditions(query))));
    select.bind(0, queue).bind(1, std::clamp(query.limit, 1, list_max));
    select.bind(2, std::max(query.offset, 0));
    while (TRY(select.step())) all.push_back(item_at(select));
    return {};
  }));
  return all;
}

Result<std::int64_t> Queues::count(const Context& context, const std::string& queue_id,
                                   const QueueItemQuery& query) {
  const std::string queue = TRY(get(context, queue_id)).id;
  std::int64_t count = 0;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        "SELECT COUNT(*) FROM trace_queue_items WHERE queue_id = ?" + item_conditions(query)));
    if (TRY(select.bind(0, queue).step())) count = select.integer(0);
    return {};
  }));
  return count;
}

Result<QueueItem> Queues::item(const Context& context, const std::string& item_id) {
  std::optional<QueueItem> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        fmt::format("SELECT {} FROM trace_queue_items WHERE id = ?", item_columns)));
    if (TRY(select.bind(0, as_uuid(item_id)).step())) found = item_at(select);
    return {};
  }));
  if (!found) return fail(Code::not_found, "Queue item {} not found", item_id.substr(0, 100));
  return *std::move(found);
}

Result<void> Queues::remove_items(const Context& context, const std::string& queue_id,
                                  const std::vector<std::string>& ids) {
  std::int64_t removed = 0;
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare(
        "DELETE FROM trace_queue_items WHERE queue_id = ? AND (id = ? OR subject = ?)"));
    for (const std::string& id : ids) {
      remove.reset();
      remove.bind(0, as_uuid(queue_id)).bind(1, as_uuid(id)).bind(2, "run:" + as_uuid(id));
      TRY(remove.run());
      removed += connection.changes();
    }
    return {};
  }));
  if (removed == 0 && !ids.empty())
    return fail(Code::not_found, "Annotation queue {} has no item {}", queue_id.substr(0, 100),
                ids.front().substr(0, 100));
  return {};
}

Result<void> Queues::put_back(const Context& context, const QueueItem& item) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto update =
        TRY(connection.prepare("UPDATE trace_queue_items SET added_ns = ?, reviewed_ns = ?, "
                               "is_completed = ? WHERE id = ?"));
    update.bind(0, item.added);
    store::bind_optional(update, 1, item.reviewed);
    update.bind(2, item.is_completed ? 1 : 0).bind(3, item.id);
    return update.run();
  });
}

}  // namespace slipway::trace
