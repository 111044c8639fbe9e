#include "trace/attachments.hpp"

#include <mutex>

#include "core/files.hpp"
#include "core/json_members.hpp"
#include "core/secret.hpp"
#include "core/uuid.hpp"
#include "store/sql.hpp"
#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::trace {

namespace {

constexpr Nanoseconds per_microsecond = 1000, per_second = 1'000'000'000;
constexpr Nanoseconds day = 86'400 * per_second;
constexpr std::string_view columns = "id, run_id, name, media_type, hash, size, created_ns, key";

Nanoseconds now(const Clock& clock) {
  return clock.now().time_since_epoch().count() * per_microsecond;
}

AttachmentInfo attachment_at(const store::Statement& row) {
  AttachmentInfo one;
  one.id = row.text(0);
  one.run_id = row.text(1);
  one.name = row.text(2);
  one.media_type = row.text(3);
  one.hash = row.text(4);
  one.size = row.integer(5);
  one.created = row.integer(6);
  one.key = row.text(7);
  return one;
}

std::string signature_of(const AttachmentInfo& attachment, std::string_view expires) {
  constexpr std::size_t prefix = 7;  // "sha256:"
  return sha256(fmt::format("{}.{}.{}", attachment.key, attachment.id, expires)).substr(prefix);
}

}  // namespace

bool is_picture(std::string_view media_type) {
  const std::string_view type = media_type.substr(0, media_type.find(';'));
  return type == "image/png" || type == "image/jpeg" || type == "image/gif" || type == "image/webp";
}

std::vector<store::Migration> attachment_migrations() {
  return {{"trace_attachments", 1, R"sql(
    CREATE TABLE trace_attachments(
      id TEXT PRIMARY KEY,
      run_id TEXT NOT NULL,
      run_uuid TEXT NOT NULL,
      name TEXT NOT NULL,
      media_type TEXT NOT NULL,
      hash TEXT NOT NULL,
      size INTEGER NOT NULL,
      created_ns INTEGER NOT NULL,
      seen_ns INTEGER NOT NULL,  -- When its run was last looked for.
      key TEXT NOT NULL) WITHOUT ROWID;
    CREATE UNIQUE INDEX trace_attachments_name ON trace_attachments(run_uuid, name);
    CREATE INDEX trace_attachments_hash ON trace_attachments(hash);
    CREATE INDEX trace_attachments_seen ON trace_attachments(seen_ns);
  )sql"}};
}

void Attachments::hide(Attachment& attachment) const {
  const bool is_json = attachment.media_type.find("json") != std::string::npos;
  if (!mask_ || (!is_json && !attachment.media_type.starts_with("text/"))) return;
  RunPatch run;
  run.inputs.emplace();
  run.inputs->is_text = !is_json || !json::is_valid(attachment.bytes);
  run.inputs->bytes = std::move(attachment.bytes);
  mask_(run);
  attachment.bytes = std::move(run.inputs->bytes);
}

Result<void> Attachments::put(const Context& context, std::vector<Attachment> all) {
  constexpr std::size_t name_bytes_max = 1024;
  if (all.empty()) return {};
  const std::shared_lock in_use(blobs_in_use_);
  std::vector<std::string> hashes;
  for (Attachment& one : all) {
    hide(one);
    if (one.name.empty() || one.name.size() > name_bytes_max)
      return fail(Code::invalid_argument,
                  "attachment of run {}: its name has {} bytes, not 1 to {}", one.run_id,
                  one.name.size(), name_bytes_max);
    hashes.push_back(TRY(blobs_.put(one.bytes).within("attachment")));
  }
  const Nanoseconds time = now(clock_);
  return database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto put = TRY(connection.prepare(
        "INSERT INTO trace_attachments(id, run_id, run_uuid, name, media_type, hash, size, "
        "created_ns, seen_ns, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(run_uuid, "
        "name) DO UPDATE SET media_type = excluded.media_type, hash = excluded.hash, size = "
        "excluded.size"));
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Attachment& one = all[i];
      put.reset();
      put.bind(0, make_uuid(random_)).bind(1, one.run_id).bind(2, as_uuid(one.run_id));
      put.bind(3, one.name).bind(4, one.media_type).bind(5, hashes[i]);
      put.bind(6, static_cast<std::int64_t>(one.bytes.size())).bind(7, time).bind(8, time);
      put.bind(9, make_uuid(random_));
      TRY(put.run());
    }
    return {};
  });
}

Result<std::map<std::string, std::vector<AttachmentInfo>>> Attachments::of_runs(
    const Context& context, const std::vector<std::string>& run_ids) {
  std::map<std::string, std::vector<AttachmentInfo>> found;
  std::map<std::string, std::string> asked;  // By UUID.
  json::Array uuids;
  for (const std::string& id : run_ids)
    if (asked.emplace(as_uuid(id), id).second) uuids.emplace_back(as_uuid(id));
  if (uuids.empty()) return found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        fmt::format("SELECT {}, run_uuid FROM trace_attachments WHERE {} ORDER BY name", columns,
                    store::sql::one_of("run_uuid"))));
    select.bind(0, json::dump(uuids));
    while (TRY(select.step()))
      found[asked[std::string(select.text(8))]].push_back(attachment_at(select));
    return {};
  }));
  return found;
}

Result<std::string> Attachments::read(const AttachmentInfo& attachment) const {
  return blobs_.get(attachment.hash).within(fmt::format("attachment '{}'", attachment.name));
}

std::string Attachments::link(const AttachmentInfo& attachment) const {
  const std::string expires = fmt::format("{}", (now(clock_) + day) / per_second);
  return fmt::format("/attachments/{}?expires={}&signature={}", attachment.id, expires,
                     signature_of(attachment, expires));
}

Result<AttachmentInfo> Attachments::opened(const Context& context, const std::string& id,
                                           const std::string& expires,
                                           const std::string& signature) {
  std::optional<AttachmentInfo> found;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(
        connection.prepare(fmt::format("SELECT {} FROM trace_attachments WHERE id = ?", columns)));
    if (TRY(select.bind(0, as_uuid(id)).step())) found = attachment_at(select);
    return {};
  }));
  // One that is not there looks like one that is not signed.
  if (!found || !equals_in_constant_time(signature_of(*found, expires), signature))
    return fail(Code::not_found, "there is no such attachment, or the link is not whole");
  const auto time = json::parse(expires);
  const auto seconds = time ? json::from<std::int64_t>(*time) : Result<std::int64_t>(time.error());
  if (!seconds || *seconds < now(clock_) / per_second)
    return fail(Code::forbidden, "this link to an attachment has expired; read its run again");
  return *std::move(found);
}

Result<int> Attachments::remove_orphans(
    const Context& context, int most,
    const std::function<Result<bool>(const std::string&)>& has_run) {
  const Nanoseconds time = now(clock_);
  std::vector<AttachmentInfo> due;
  TRY(database_.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(fmt::format(
        "SELECT {} FROM trace_attachments WHERE seen_ns < ? ORDER BY seen_ns LIMIT ?", columns)));
    select.bind(0, time - day).bind(1, most);
    while (TRY(select.step())) due.push_back(attachment_at(select));
    return {};
  }));
  int removed = 0;
  for (const AttachmentInfo& one : due) {
    TRY(context.check());
    if (TRY(has_run(one.run_id))) {
      TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
        auto update =
            TRY(connection.prepare("UPDATE trace_attachments SET seen_ns = ? WHERE id = ?"));
        return update.bind(0, time).bind(1, one.id).run();
      }));
      continue;
    }
    TRY(remove(context, one));
    ++removed;
  }
  return removed;
}

Result<void> Attachments::remove(const Context& context, const AttachmentInfo& attachment) {
  const std::unique_lock alone(blobs_in_use_);
  bool is_needed = false;
  TRY(database_.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM trace_attachments WHERE id = ?"));
    TRY(remove.bind(0, attachment.id).run());
    auto others = TRY(connection.prepare("SELECT 1 FROM trace_attachments WHERE hash = ?"));
    is_needed = TRY(others.bind(0, attachment.hash).step());
    return {};
  }));
  return is_needed ? Result<void>() : blobs_.remove(attachment.hash);
}

}  // namespace slipway::trace
