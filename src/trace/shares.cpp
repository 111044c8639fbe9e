#include "trace/shares.hpp"

#include "core/files.hpp"
#include "core/uuid.hpp"
#include "store/sql.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace {

namespace {

/// Runs are found in any spelling of their id.
std::string place_of(Share::Kind kind, const std::string& subject, const std::string& session_id) {
  return kind == Share::Kind::run ? "run:" + as_uuid(subject)
                                  : fmt::format("thread:{}:{}", as_uuid(session_id), subject);
}

Share share_at(const store::Statement& row) {
  Share share;
  share.token = row.text(0);
  share.subject = row.text(1);
  share.session_id = row.text(2);
  share.kind = row.text(3).starts_with("run:") ? Share::Kind::run : Share::Kind::thread;
  return share;
}

constexpr std::string_view columns = "token, subject, session_id, place";

}  // namespace

std::vector<store::Migration> share_migrations() {
  return {{"trace_shares", 1, R"sql(
    CREATE TABLE trace_shares(
      hash TEXT PRIMARY KEY,  -- What is looked up: comparing it tells nothing of the token.
      token TEXT NOT NULL,
      place TEXT NOT NULL UNIQUE,
      subject TEXT NOT NULL,
      session_id TEXT NOT NULL) WITHOUT ROWID;
  )sql"}};
}

Result<Share> Shares::put(const Context& context, Share share) {
  constexpr std::size_t subject_bytes_max = 512;
  if (share.subject.empty() || share.subject.size() > subject_bytes_max)
    return fail(Code::invalid_argument, "what is shared: its id has 1 to {} bytes",
                subject_bytes_max);
  if (auto known = TRY(find(context, share.kind, share.subject, share.session_id)))
    return *std::move(known);
  share.token = share.token.empty() ? make_uuid(random_) : as_uuid(share.token);
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto put =
        TRY(connection.prepare("INSERT INTO trace_shares(hash, token, place, subject, session_id) "
                               "VALUES (?, ?, ?, ?, ?)"));
    put.bind(0, sha256(share.token)).bind(1, share.token);
    put.bind(2, place_of(share.kind, share.subject, share.session_id));
    put.bind(3, share.subject).bind(4, share.session_id);
    return put.run().within("share");
  }));
  return share;
}

Result<std::optional<Share>> Shares::find(const Context& context, Share::Kind kind,
                                          const std::string& subject,
                                          const std::string& session_id) {
  std::optional<Share> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare(fmt::format("SELECT {} FROM trace_shares WHERE place = ?", columns)));
    if (TRY(select.bind(0, place_of(kind, subject, session_id)).step())) found = share_at(select);
    return {};
  }));
  return found;
}

Result<std::vector<Share>> Shares::of_runs(const Context& context,
                                           const std::vector<std::string>& run_ids) {
  std::vector<Share> all;
  json::Array places;
  for (const std::string& id : run_ids) places.emplace_back(place_of(Share::Kind::run, id, ""));
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        fmt::format("SELECT {} FROM trace_shares WHERE {}", columns, store::sql::one_of("place"))));
    select.bind(0, json::dump(places));
    while (TRY(select.step())) all.push_back(share_at(select));
    return {};
  }));
  return all;
}

Result<void> Shares::remove(const Context& context, Share::Kind kind, const std::string& subject,
                            const std::string& session_id) {
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM trace_shares WHERE place = ?"));
    return remove.bind(0, place_of(kind, subject, session_id)).run();
  });
}

Result<Share> Shares::opened(const Context& context, const std::string& token) {
  std::optional<Share> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select =
        TRY(connection.prepare(fmt::format("SELECT {} FROM trace_shares WHERE hash = ?", columns)));
    if (TRY(select.bind(0, sha256(as_uuid(token))).step())) found = share_at(select);
    return {};
  }));
  if (!found) return fail(Code::not_found, "nothing is shared by this link (any more)");
  return *std::move(found);
}

}  // namespace slipway::trace
