#include "trace/sessions.hpp"

#include "core/ascii.hpp"
#include "core/files.hpp"
#include "core/hex.hpp"
#include "core/uuid.hpp"
#include "store/columns.hpp"
#include "store/sql.hpp"

namespace slipway::trace {

namespace {

constexpr std::size_t span_digits = 16;
constexpr Nanoseconds per_microsecond = 1000;

/// Digits in lower case; empty when there is anything else but dashes.
std::string hex_digits(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == '-') continue;
    if (!hex::is_digit(c)) return "";
    digits += ascii::lower(c);
  }
  return digits;
}

store::Statement& bind(store::Statement& statement, const Session& session) {
  statement.bind(0, session.id).bind(1, session.name).bind(2, session.description);
  statement.bind(3, session.reference_dataset_id).bind(4, json::dump(session.extra));
  statement.bind(5, session.start);
  return store::bind_optional(statement, 6, session.end);
}

}  // namespace

std::vector<store::Migration> session_migrations() {
  return {{"trace_sessions", 1, R"sql(
    CREATE TABLE trace_sessions(
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      description TEXT,
      reference_dataset_id TEXT,
      extra TEXT NOT NULL,
      start_ns INTEGER NOT NULL,
      end_ns INTEGER) WITHOUT ROWID;
  )sql"}};
}

std::string uuid_of(std::string_view text) {
  constexpr std::size_t prefix = 7;  // "sha256:"
  std::string digits = sha256(text).substr(prefix, uuid_digits);
  digits[12] = '8';  // A UUID of version 8, made by a rule of one's own (RFC 9562).
  digits[16] = 'a';
  return dashed_uuid(std::move(digits));
}

std::string as_uuid(std::string_view id) {
  std::string digits = hex_digits(id);
  if (digits.size() == span_digits) digits.insert(0, uuid_digits - span_digits, '0');
  return digits.size() == uuid_digits ? dashed_uuid(std::move(digits)) : uuid_of(id);
}

std::vector<std::string> ids_behind(const std::string& uuid) {
  std::vector<std::string> ids = {uuid};
  const std::string digits = hex_digits(uuid);
  if (uuid.size() != uuid_size || digits.size() != uuid_digits) return ids;
  ids.push_back(digits);
  if (digits.starts_with(std::string(uuid_digits - span_digits, '0')))
    ids.push_back(digits.substr(uuid_digits - span_digits));
  return ids;
}

Result<Session> Sessions::create(const Context& context, Session session) {
  if (session.id.empty()) session.id = uuid_of(session.name);
  if (session.start == 0) session.start = clock_.now().time_since_epoch().count() * per_microsecond;
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto known =
        TRY(connection.prepare("SELECT name FROM trace_sessions WHERE name = ? OR id = ?"));
    if (TRY(known.bind(0, session.name).bind(1, session.id).step()))
      return fail(Code::conflict, "Session '{}' already exists.", known.text(0));
    auto insert = TRY(
        connection.prepare("INSERT INTO trace_sessions(id, name, description, "
                           "reference_dataset_id, extra, start_ns, end_ns) VALUES (?, ?, ?, ?, ?, "
                           "?, ?)"));
    return bind(insert, session).run();
  }));
  return session;
}

Result<void> Sessions::change(const Context& context, const Session& session) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto taken = TRY(connection.prepare("SELECT 1 FROM trace_sessions WHERE name = ? AND id <> ?"));
    if (TRY(taken.bind(0, session.name).bind(1, session.id).step()))
      return fail(Code::conflict, "Session '{}' already exists.", session.name);
    auto update = TRY(connection.prepare(store::sql::put(
        "trace_sessions", "id, name, description, reference_dataset_id, extra, start_ns, end_ns",
        "id")));
    return bind(update, session).run();
  });
}

Result<void> Sessions::remove(const Context& context, const std::string& id) {
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto gone = TRY(connection.prepare("DELETE FROM trace_sessions WHERE id = ?"));
    return gone.bind(0, id).run();
  }));
  names_.with([&](auto& names) { names.erase(id); });
  return {};
}

void Sessions::remember(const std::string& name) {
  constexpr std::size_t names_max = 10'000;
  names_.with([&](auto& names) {
    if (names.size() >= names_max) names.clear();
    names.emplace(uuid_of(name), name);
  });
}

std::optional<std::string> Sessions::remembered(const std::string& id) const {
  return names_.with([&](const auto& names) {
    const auto found = names.find(id);
    return found == names.end() ? std::nullopt : std::optional(found->second);
  });
}

Result<std::vector<Session>> Sessions::declared(const Context& context) {
  std::vector<Session> all;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare("SELECT id, name, description, reference_dataset_id, extra, start_ns, "
                           "end_ns FROM trace_sessions ORDER BY name"));
    while (TRY(select.step())) {
      Session& session = all.emplace_back();
      session.id = select.text(0);
      session.name = select.text(1);
      session.description = store::optional_text(select, 2);
      session.reference_dataset_id = store::optional_text(select, 3);
      session.extra = TRY(json::from<json::Object>(TRY(json::parse(select.text(4)))));
      session.start = select.integer(5);
      session.end = store::optional_integer(select, 6);
    }
    return {};
  }));
  return all;
}

}  // namespace slipway::trace
