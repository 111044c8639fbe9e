#include "datasets/detail/stored_attachments.hpp"

#include <algorithm>

#include "core/uuid.hpp"
#include "trace/feedback.hpp"

namespace slipway::datasets {

namespace detail {

Result<Attachment> store_attachment(store::Connection& connection, const Datasets::Options& options,
                                    const AttachmentOwner& owner, const NewAttachment& attachment) {
  // It becomes a header of the reply.
  const bool is_plain = std::all_of(attachment.media_type.begin(), attachment.media_type.end(),
                                    [](char c) { return c >= ' ' && c <= '~'; });
  const bool is_told = is_plain && !attachment.media_type.empty();
  std::string hash = TRY(options.attachments.put(attachment.bytes));
  Attachment stored{.name = attachment.name,
                    .media_type = is_told ? attachment.media_type : "application/octet-stream",
                    .hash = std::move(hash),
                    .size_bytes = static_cast<std::int64_t>(attachment.bytes.size()),
                    .token = make_uuid(options.random)};
  auto insert = TRY(connection.prepare(
      "INSERT INTO datasets_attachments(token, dataset, example_id, name, media_type, hash) VALUES "
      "(?, ?, ?, ?, ?, ?)"));
  insert.bind(0, stored.token).bind(1, owner.dataset).bind(2, owner.example_id);
  insert.bind(3, stored.name).bind(4, stored.media_type).bind(5, stored.hash);
  TRY(insert.run());
  return stored;
}

Result<std::vector<std::string>> forget_attachments(store::Connection& connection,
                                                    const AttachmentOwner& owner) {
  const std::string_view condition =
      owner.example_id.empty() ? "WHERE dataset = ?" : "WHERE dataset = ? AND example_id = ?";
  std::vector<std::string> hashes;
  for (const std::string_view action : {"SELECT DISTINCT hash", "DELETE"}) {
    auto statement =
        TRY(connection.prepare(fmt::format("{} FROM datasets_attachments {}", action, condition)));
    statement.bind(0, owner.dataset);
    if (!owner.example_id.empty()) statement.bind(1, owner.example_id);
    while (TRY(statement.step())) hashes.emplace_back(statement.text(0));
  }
  return hashes;
}

Result<void> release(const Context& context, const Datasets::Options& options,
                     const std::vector<std::string>& hashes) {
  if (hashes.empty()) return {};
  return options.database.write(context, [&](store::Connection& connection) -> Result<void> {
    for (const std::string& hash : hashes) {
      auto used = TRY(connection.prepare("SELECT 1 FROM datasets_attachments WHERE hash = ?"));
      if (!TRY(used.bind(0, hash).step())) TRY(options.attachments.remove(hash));
    }
    return {};
  });
}

}  // namespace detail

Result<Datasets::AttachmentBytes> Datasets::attachment(const Context& context,
                                                       const std::string& token) {
  AttachmentBytes found;
  std::string hash;
  TRY(options_.database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        "SELECT name, media_type, hash FROM datasets_attachments WHERE token = ?"));
    if (!TRY(select.bind(0, token).step()))
      return fail(Code::not_found, "there is no attachment under this link (any more)");
    found.name = select.text(0);
    found.media_type = select.text(1);
    hash = select.text(2);
    return {};
  }));
  found.bytes = TRY(options_.attachments.get(hash));
  return found;
}

Result<std::string> Datasets::bytes_of(const Attachment& attachment) const {
  return options_.attachments.get(attachment.hash);
}

}  // namespace slipway::datasets
