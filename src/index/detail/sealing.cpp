// One process seals a folder at a time (a lock file). Files are written first, then one transaction
// puts them into the manifest and takes the replaced ones out, then the replaced ones are deleted:
// whoever is killed in between leaves a file that the manifest does not name, which the next one
// deletes. Readers that have a deleted file mapped keep it.
#include "index/detail/sealing.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <thread>

#include "core/clock.hpp"
#include "core/fault.hpp"
#include "core/files.hpp"
#include "core/log.hpp"
#include "index/detail/segment_build.hpp"
#include "index/detail/segment_file.hpp"

namespace slipway::index {

namespace {

namespace fs = std::filesystem;

// Fewer are read from the database faster than a file is worth.
constexpr std::size_t sealed_chunks_min = 1024;
// Larger segments are not merged any more, so that a merge has bounded memory.
constexpr std::size_t merged_chunks_max = 256u << 10;

std::string prefix_of(std::int64_t collection) { return fmt::format("c{}-", collection); }

class FolderLock {
 public:
  static Result<FolderLock> take(const Context& context, const fs::path& folder) {
    TRY(make_directories(folder));
    const fs::path path = folder / ".lock";
    TRY(fault_point(FaultKind::file, "open"));
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) return fail(Code::unavailable, "cannot open {}", path.string());
    FolderLock lock(file);
    while (::flock(file, LOCK_EX | LOCK_NB) != 0) {
      TRY(context.check());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

/// Neighbouring segments to become one.
struct Group {
  std::size_t first = 0, last = 0;  ///< Segments first .. last - 1.
};

bool is_file(const SegmentView& view) { return !view.segment->file().empty(); }

bool should_rewrite(const SegmentView& view, bool purge) {
  const std::size_t dead = view.segment->documents() - view.live_documents;
  if (!is_file(view)) return view.live_chunks >= sealed_chunks_min;
  return dead > 0 && (purge || dead * 5 > view.segment->documents());
}

/// The tail in memory takes files along while they are at most twice as large, as a binary counter
/// does; what is alone is rewritten where it pays.
std::vector<Group> plan(const std::vector<SegmentView>& views, bool purge) {
  std::size_t first = views.size(), chunks = 0;
  while (first > 0 && !is_file(views[first - 1])) chunks += views[--first].live_chunks;
  std::vector<Group> groups;
  if (chunks >= sealed_chunks_min) {
    while (first > 0 && views[first - 1].live_chunks <= 2 * chunks &&
           chunks + views[first - 1].live_chunks <= merged_chunks_max)
      chunks += views[--first].live_chunks;
    groups.push_back({first, views.size()});
  } else {
    first = views.size();
  }
  for (std::size_t i = 0; i < first; ++i)
    if (should_rewrite(views[i], purge)) groups.push_back({i, i + 1});
  return groups;
}

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) log::warning("cannot remove {}: {}", path.string(), error.message());
}

/// Files of this collection that the manifest does not name: a killed process left them.
Result<void> sweep(const Context& context, store::Database& database, const Index::Options& options,
                   bool purge) {
  std::vector<SegmentRow> rows;
  TRY(database.read(context, [&](store::Connection& connection) -> Result<void> {
    rows = TRY(Tables(connection, options).segments());
    return {};
  }));
  std::error_code error;
  std::vector<fs::path> garbage;
  for (const auto& entry : fs::directory_iterator(options.folder, error)) {
    const std::string name = entry.path().filename().string();
    const bool is_named = std::any_of(rows.begin(), rows.end(),
                                      [&](const SegmentRow& row) { return row.name == name; });
    const bool is_temporary = name.starts_with('.') && name.ends_with(".tmp");
    const bool is_bad = purge && name.starts_with("bad-" + prefix_of(options.collection));
    if ((name.starts_with(prefix_of(options.collection)) && !is_named) || is_temporary || is_bad)
      garbage.push_back(entry.path());
  }
  for (const fs::path& path : garbage) remove_file(path);
  return {};
}

}  // namespace

Result<bool> seal(const Context& context, store::Database& database, const Index::Options& options,
                  const Snapshot& snapshot, const SealOptions& seal_options) {
  const auto groups = plan(snapshot.segments, seal_options.purge);
  if (groups.empty() && !seal_options.purge) return false;
  const FolderLock lock = TRY(FolderLock::take(context, options.folder));
  std::vector<SegmentRow> in;
  std::vector<std::string> out;
  for (const Group& group : groups) {
    TRY(context.check());
    const auto views = std::span(snapshot.segments).subspan(group.first, group.last - group.first);
    for (const SegmentView& view : views)
      if (is_file(view)) out.push_back(view.segment->file());
    const auto merged = TRY(merge(views));
    if (merged->documents() == 0) continue;
    SegmentRow row;
    row.first_row = merged->document_row(0);
    row.last_row = merged->document_row(merged->documents() - 1);
    row.name = fmt::format("{}{}-{}-{:08x}.segment", prefix_of(options.collection), row.first_row,
                           row.last_row, system_random().next() & 0xFFFF'FFFF);
    row.checksum = TRY(write_segment(options.folder / row.name, *merged));
    in.push_back(std::move(row));
  }
  bool is_done = false;
  CollectionState state;
  state.epoch = snapshot.epoch;
  state.manifest = snapshot.manifest;
  if (!in.empty() || !out.empty())
    TRY(database.write(context, [&](store::Connection& connection) -> Result<void> {
      is_done = TRY(Tables(connection, options).replace_segments(state, out, in));
      return {};
    }));
  TRY(sweep(context, database, options, seal_options.purge));
  return is_done;
}

Result<void> quarantine(const Context& context, store::Database& database,
                        const Index::Options& options, const std::vector<std::string>& files) {
  const FolderLock lock = TRY(FolderLock::take(context, options.folder));
  TRY(database.write(context, [&](store::Connection& connection) -> Result<void> {
    Tables tables(connection, options);
    return TRY(tables.replace_segments(TRY(tables.state()), files, {}))
               ? Result<void>()
               : fail(Code::internal, "the manifest changed inside a transaction");
  }));
  for (const std::string& file : files) {
    std::error_code error;
    fs::rename(options.folder / file, options.folder / ("bad-" + file), error);
  }
  return {};
}

void remove_segment_files(const fs::path& folder, std::int64_t collection) {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix_of(collection)) || name.starts_with("bad-" + prefix_of(collection)))
      files.push_back(entry.path());
  }
  for (const fs::path& file : files) remove_file(file);
}

}  // namespace slipway::index
