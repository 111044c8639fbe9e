#include "index/versions.hpp"

#include <algorithm>

#include "index/detail/tables.hpp"

namespace slipway::index {

using store::Statement;

bool History::has(std::int64_t version) const {
  return (version >= oldest && version <= current) ||
         std::binary_search(held.begin(), held.end(), version);
}

bool History::needs(std::int64_t born, std::int64_t died) const {
  if (born >= died) return false;
  if (died > oldest) return true;
  const auto first = std::lower_bound(held.begin(), held.end(), born);
  return first != held.end() && *first < died;
}

Result<History> history_of(store::Connection& connection, std::int64_t collection) {
  History history;
  Statement s =
      TRY(connection.prepare("SELECT version,oldest FROM index_collections WHERE collection=?"));
  if (!TRY(s.bind(0, collection).step())) return history;
  history.current = s.integer(0);
  history.oldest = s.integer(1);
  for (const Hold& hold : TRY(holds_of(connection, collection)))
    history.held.push_back(hold.version);
  return history;
}

Result<std::vector<Hold>> holds_of(store::Connection& connection, std::int64_t collection) {
  Statement s =
      TRY(connection.prepare("SELECT holder,version,created_at FROM index_holds WHERE collection=? "
                             "ORDER BY version,holder"));
  s.bind(0, collection);
  std::vector<Hold> holds;
  while (TRY(s.step()))
    holds.push_back({std::string(s.text(0)), s.integer(1), std::string(s.text(2))});
  return holds;
}

Result<void> hold(store::Connection& transaction, std::int64_t collection, const Hold& hold) {
  const History history = TRY(history_of(transaction, collection));
  if (!history.has(hold.version))
    return fail(Code::not_found, "version {} is not kept; there are {} to {}", hold.version,
                history.oldest, history.current);
  Statement known =
      TRY(transaction.prepare("SELECT version FROM index_holds WHERE collection=? AND holder=?"));
  if (TRY(known.bind(0, collection).bind(1, hold.holder).step())) {
    if (known.integer(0) == hold.version) return {};
    return fail(Code::conflict, "{} has version {} already", hold.holder, known.integer(0));
  }
  Statement s = TRY(transaction.prepare("INSERT INTO index_holds VALUES(?,?,?,?)"));
  return s.bind(0, collection)
      .bind(1, hold.holder)
      .bind(2, hold.version)
      .bind(3, hold.created_at)
      .run();
}

Result<void> release(store::Connection& transaction, std::int64_t collection,
                     std::string_view holder) {
  Statement s = TRY(transaction.prepare("DELETE FROM index_holds WHERE collection=? AND holder=?"));
  TRY(s.bind(0, collection).bind(1, holder).run());
  if (transaction.changes() == 0) return fail(Code::not_found, "{} holds no version", holder);
  return {};
}

Result<void> prune(store::Connection& transaction, std::int64_t collection, std::int64_t keep) {
  History history = TRY(history_of(transaction, collection));
  history.oldest = std::max(history.oldest, history.current - std::max<std::int64_t>(0, keep));
  Statement cut =
      TRY(transaction.prepare("UPDATE index_collections SET oldest=? WHERE collection=?"));
  TRY(cut.bind(0, history.oldest).bind(1, collection).run());
  std::vector<std::int64_t> rows;
  Statement dead = TRY(transaction.prepare(
      "SELECT row,born,died FROM index_documents WHERE collection=? AND died IS NOT NULL"));
  dead.bind(0, collection);
  while (TRY(dead.step()))
    if (!history.needs(dead.integer(1), dead.integer(2))) rows.push_back(dead.integer(0));
  for (const std::int64_t row : rows) TRY(delete_row(transaction, row));
  return {};
}

Result<void> advance(store::Connection& transaction, std::int64_t collection,
                     std::int64_t version) {
  Statement s = TRY(transaction.prepare(
      "UPDATE index_collections SET version=?2 WHERE collection=?1 AND version<?2"));
  TRY(s.bind(0, collection).bind(1, version).run());
  if (transaction.changes() == 1) return {};
  return fail(Code::invalid_argument, "the version is not below {}", version);
}

Result<Erased> delete_row(store::Connection& connection, std::int64_t row) {
  Erased erased;
  std::vector<std::int64_t> vectors;
  Statement find = TRY(connection.prepare("SELECT vector FROM index_chunks WHERE document=?"));
  find.bind(0, row);
  while (TRY(find.step())) vectors.push_back(find.integer(0));
  Statement chunks = TRY(connection.prepare("DELETE FROM index_chunks WHERE document=?"));
  TRY(chunks.bind(0, row).run());
  erased.chunks = connection.changes();
  Statement document = TRY(connection.prepare("DELETE FROM index_documents WHERE row=?"));
  TRY(document.bind(0, row).run());
  erased.rows = connection.changes();
  for (const std::int64_t vector : vectors) {
    Statement orphan =
        TRY(connection.prepare("DELETE FROM index_vectors WHERE row=?1 AND NOT EXISTS "
                               "(SELECT 1 FROM index_chunks WHERE vector=?1)"));
    TRY(orphan.bind(0, vector).run());
    erased.vectors += connection.changes();
  }
  return erased;
}

}  // namespace slipway::index
