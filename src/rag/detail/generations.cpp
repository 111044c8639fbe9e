#include "rag/detail/generations.hpp"

#include <algorithm>

#include "index/index.hpp"
#include "store/columns.hpp"

namespace slipway::rag::detail {

namespace {

Result<void> rename(store::Connection& connection, std::int64_t id, const std::string& name) {
  auto update = TRY(connection.prepare("UPDATE rag_collections SET name = ? WHERE id = ?"));
  return update.bind(0, name).bind(1, id).run();
}

Result<void> note_reign(store::Connection& connection, const std::string& name,
                        std::int64_t first_version, std::int64_t collection) {
  auto insert = TRY(connection.prepare("INSERT OR IGNORE INTO rag_reigns VALUES(?,?,?)"));
  return insert.bind(0, name).bind(1, first_version).bind(2, collection).run();
}

std::string name_of_former(const std::string& name, std::int64_t id) {
  return fmt::format("{}@{}", name, id);
}

}  // namespace

std::string name_of_next(const std::string& name) { return name + "@next"; }

Result<std::vector<CollectionRow>> generations_of(store::Connection& connection,
                                                  const std::string& name) {
  std::vector<std::int64_t> ids;
  {
    auto select = TRY(connection.prepare(
        "SELECT id FROM rag_collections WHERE name = ?1 OR substr(name, 1, length(?1) + 1) = ?1 || "
        "'@' ORDER BY name = ?1 DESC, id"));
    select.bind(0, name);
    while (TRY(select.step())) ids.push_back(select.integer(0));
  }
  std::vector<CollectionRow> rows;
  for (const std::int64_t id : ids)
    rows.push_back(std::move(*TRY(find_collection(connection, id))));
  return rows;
}

Result<std::optional<CollectionRow>> generation_of(store::Connection& connection,
                                                   const std::string& name, std::int64_t version) {
  auto select = TRY(connection.prepare(
      "SELECT collection FROM rag_reigns WHERE name = ? AND first_version <= ? ORDER BY "
      "first_version DESC LIMIT 1"));
  if (!TRY(select.bind(0, name).bind(1, version).step())) return std::optional<CollectionRow>();
  auto row = TRY(find_collection(connection, select.integer(0)));
  if (!row)
    return fail(Code::not_found,
                "version {} of collection '{}' is not kept: it is from before a migration", version,
                name);
  return row;
}

Result<std::optional<CollectionRow>> next_generation(store::Connection& connection,
                                                     const std::string& name) {
  return find_collection(connection, name_of_next(name));
}

Result<std::int64_t> first_version_of(store::Connection& connection, const CollectionRow& row) {
  auto select =
      TRY(connection.prepare("SELECT max(first_version) FROM rag_reigns WHERE collection = ?"));
  TRY(select.bind(0, row.id).step());
  return store::optional_integer(select, 0).value_or(1);
}

Result<std::optional<CollectionRow>> last_former(store::Connection& connection,
                                                 const CollectionRow& serving) {
  auto select = TRY(connection.prepare(
      "SELECT r.collection FROM rag_reigns r JOIN rag_collections c ON c.id = r.collection "
      "WHERE r.name = ? AND r.collection <> ? ORDER BY r.first_version DESC LIMIT 1"));
  if (!TRY(select.bind(0, serving.plain_name()).bind(1, serving.id).step()))
    return std::optional<CollectionRow>();
  return find_collection(connection, select.integer(0));
}

Result<void> check_place(store::Connection& connection, const CollectionRow& row) {
  const auto now = TRY(find_collection(connection, row.id));
  if (now && now->name == row.name) return {};
  return fail(Code::conflict,
              "collection '{}' was {} meanwhile; run the command again, nothing is lost",
              row.plain_name(), now ? "migrated" : "deleted");
}

Result<std::int64_t> let_serve(store::Connection& connection, const CollectionRow& serving,
                               const CollectionRow& next) {
  const std::string name = serving.plain_name();
  const std::int64_t version = std::max(TRY(index::version_of(connection, serving.id)),
                                        TRY(index::version_of(connection, next.id))) +
                               1;
  TRY(note_reign(connection, name, TRY(first_version_of(connection, serving)), serving.id));
  TRY(index::advance(connection, next.id, version));
  TRY(note_reign(connection, name, version, next.id));
  TRY(rename(connection, serving.id, name_of_former(name, serving.id)));
  TRY(rename(connection, next.id, name));
  auto receipts =
      TRY(connection.prepare("UPDATE rag_receipts SET collection = ? WHERE collection = ?"));
  TRY(receipts.bind(0, next.id).bind(1, serving.id).run());
  return version;
}

Result<void> forget_reigns(store::Connection& connection, const std::string& name) {
  auto remove = TRY(connection.prepare("DELETE FROM rag_reigns WHERE name = ?"));
  return remove.bind(0, name).run();
}

}  // namespace slipway::rag::detail
