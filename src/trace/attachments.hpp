// Files that came with runs: images, audio, documents. Their bytes are blobs, told once.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "store/blobs.hpp"
#include "store/database.hpp"
#include "trace/langsmith.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

struct AttachmentInfo {
  std::string id;      ///< A UUID.
  std::string run_id;  ///< As it was given.
  std::string name, media_type;
  std::string hash;  ///< Of its blob.
  std::int64_t size = 0;
  Nanoseconds created = 0;
  std::string key;  ///< What its links are signed with; not for anybody's eyes.
};

/// Whether a browser may show such a file within a page: pictures that cannot have a program in
/// them. (SVG can.)
bool is_picture(std::string_view media_type);

/// The table `trace_attachments` of the main database.
std::vector<store::Migration> attachment_migrations();

/// Safe to use from many threads.
class Attachments {
 public:
  /// All must outlive it. No other module may keep blobs in `blobs`: what no attachment needs any
  /// more is deleted there.
  struct Options {
    store::Database& database;
    store::BlobStore& blobs;
    /// Applied to a run that holds an attachment's text, before anything is written; not to what
    /// is no text.
    std::function<void(RunPatch&)> mask;
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  explicit Attachments(Options options)
      : mask_(std::move(options.mask)),
        database_(options.database),
        blobs_(options.blobs),
        clock_(options.clock),
        random_(options.random) {}

  /// Durable on return. One of a name that the run has already replaces it.
  /// Fails: invalid_argument (a name of more than 1024 bytes), as a write.
  Result<void> put(const Context& context, std::vector<Attachment> all);
  /// By run id as it was asked for, by name; runs without are not there. At most 1000 runs.
  Result<std::map<std::string, std::vector<AttachmentInfo>>> of_runs(
      const Context& context, const std::vector<std::string>& run_ids);
  Result<std::string> read(const AttachmentInfo& attachment) const;

  /// "/attachments/ID?expires=...&signature=...": whoever has it may read until it expires, in a
  /// day.
  std::string link(const AttachmentInfo& attachment) const;
  /// What the link's parts stand for. Fails: not_found, forbidden (expired, not signed so).
  Result<AttachmentInfo> opened(const Context& context, const std::string& id,
                                const std::string& expires, const std::string& signature);

  /// Deletes those of runs that are no longer there, of the `most` longest not looked at that are
  /// older than a day. `has_run` tells by the id as it was given. Gives how many were deleted.
  Result<int> remove_orphans(const Context& context, int most,
                             const std::function<Result<bool>(const std::string&)>& has_run);

 private:
  void hide(Attachment& attachment) const;
  Result<void> remove(const Context& context, const AttachmentInfo& attachment);

  const std::function<void(RunPatch&)> mask_;
  store::Database& database_;
  store::BlobStore& blobs_;
  const Clock& clock_;
  Random& random_;
  std::shared_mutex blobs_in_use_;  ///< Shared: one is being taken in. Alone: one is deleted.
};

}  // namespace slipway::trace
