// Bytes of examples' attachments: in the blob store as long as a row needs them.
#pragma once

#include "datasets/datasets.hpp"

namespace slipway::datasets::detail {

/// Whose attachments: of all the dataset, or of one example in all its versions.
struct AttachmentOwner {
  std::int64_t dataset = 0;
  std::string example_id;  ///< Empty: all.
};

/// Within a write. The attachment gets its token here.
Result<Attachment> store_attachment(store::Connection& connection, const Datasets::Options& options,
                                    const AttachmentOwner& owner, const NewAttachment& attachment);
/// Within a write. Gives the hashes to `release` once it is committed: bytes must not go before.
Result<std::vector<std::string>> forget_attachments(store::Connection& connection,
                                                    const AttachmentOwner& owner);
/// Removes the bytes that no attachment needs any more.
Result<void> release(const Context& context, const Datasets::Options& options,
                     const std::vector<std::string>& hashes);

}  // namespace slipway::datasets::detail
