#include <algorithm>

#include "core/log.hpp"
#include "store/detail/sqlite.hpp"

namespace slipway::store {

namespace {

constexpr std::int64_t our_application_id = 0x534C5759;  // "SLWY" in bytes 68..71 of the file.

Result<std::int64_t> first_integer(Connection& connection, std::string_view sql) {
  Statement statement = TRY(connection.prepare(sql));
  return TRY(statement.step()) ? statement.integer(0) : std::int64_t{0};
}

/// A file is ours when it says so or when it is empty.
Result<void> claim(Connection& connection, const std::filesystem::path& path) {
  const auto id = TRY(first_integer(connection, "PRAGMA application_id"));
  if (id == our_application_id) return {};
  const auto objects = TRY(first_integer(connection, "SELECT count(*) FROM sqlite_schema"));
  if (id != 0 || objects != 0)
    return fail(Code::invalid_argument,
                "{} is a database of another program; name another file with --data",
                path.string());
  TRY(connection.execute(fmt::format("PRAGMA application_id={}", our_application_id)));
  return connection.execute(
      "CREATE TABLE slipway_migrations(module TEXT NOT NULL, version INTEGER NOT NULL, "
      "applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ','now')), "
      "PRIMARY KEY(module, version)) WITHOUT ROWID");
}

Result<int> version_of(Connection& connection, std::string_view module) {
  Statement statement = TRY(
      connection.prepare("SELECT coalesce(max(version),0) FROM slipway_migrations WHERE module=?"));
  statement.bind(0, module);
  TRY(statement.step());
  return static_cast<int>(statement.integer(0));
}

Result<void> apply(Connection& connection, const Migration& migration) {
  TRY(connection.execute(migration.sql)
          .within(fmt::format("migration {} of {}", migration.version, migration.module)));
  Statement note =
      TRY(connection.prepare("INSERT INTO slipway_migrations(module,version) VALUES(?,?)"));
  note.bind(0, migration.module).bind(1, migration.version);
  return note.run();
}

/// Applies what is missing, `dry` only counts it.
Result<int> bring_up(Connection& connection, const std::filesystem::path& path,
                     const std::vector<Migration>& migrations, bool dry) {
  int missing = 0;
  std::map<std::string_view, int> newest;
  for (const Migration& migration : migrations) {
    int& known = newest[migration.module];
    SLIPWAY_ASSERT(migration.version == known + 1);  // 1, 2, 3 ... in order.
    known = migration.version;
  }
  std::map<std::string_view, int> present;
  for (const auto& [module, version] : newest) {
    present[module] = TRY(version_of(connection, module));
    if (present[module] > version)
      return fail(Code::conflict,
                  "{} was made by a newer version of Slipway ({} has schema {}, this program knows "
                  "{}); upgrade Slipway or restore a backup",
                  path.string(), module, present[module], version);
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= present[migration.module]) continue;
    ++missing;
    if (!dry) TRY(apply(connection, migration));
  }
  return missing;
}

}  // namespace

Result<void> migrate(SqliteConnection& connection, const std::filesystem::path& path,
                     const std::vector<Migration>& migrations) {
  // Most starts find nothing to do and must not wait for a writer in another process.
  int missing = 1;
  TRY(connection.in_read([&](Connection& read) -> Result<void> {
    if (TRY(first_integer(read, "PRAGMA application_id")) == our_application_id)
      missing = TRY(bring_up(read, path, migrations, true));
    return {};
  }));
  if (missing == 0) return {};
  return connection.in_write([&](Connection& write) -> Result<void> {
    TRY(claim(write, path));
    const int applied = TRY(bring_up(write, path, migrations, false));
    log::debug("database {}: {} migrations applied", path.string(), applied);
    return {};
  });
}

}  // namespace slipway::store
