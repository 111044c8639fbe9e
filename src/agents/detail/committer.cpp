#include "agents/detail/committer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "core/fault.hpp"

namespace slipway::agents::detail {

Committer::~Committer() {
  if (file_ >= 0) ::close(file_);
}

Result<void> Committer::write(std::vector<Row> rows, bool syncs) {
  Job job{.rows = std::move(rows), .syncs = syncs};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&job);
  if (is_writing_) job.turn.wait(lock, [&] { return job.is_done || job.leads; });
  if (!job.is_done) {
    is_writing_ = true;
    if (job.leads) {
      // Those whose records were just written are about to bring their next ones.
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
    const std::vector<Job*> jobs = std::move(waiting_);
    waiting_.clear();
    lock.unlock();
    const Result<void> outcome = commit(jobs);
    lock.lock();
    for (Job* each : jobs) {
      each->is_done = true;
      if (!outcome) each->error = outcome.error();
      if (each != &job) each->turn.notify_one();
    }
    // Who came meanwhile writes next, for all who came with it.
    is_writing_ = !waiting_.empty();
    if (is_writing_) {
      waiting_.front()->leads = true;
      waiting_.front()->turn.notify_one();
    }
  }
  if (job.error) return std::move(*job.error);
  return {};
}

Result<void> Committer::commit(const std::vector<Job*>& jobs) {
  bool syncs = false, has_rows = false;
  for (const Job* job : jobs) {
    syncs = syncs || job->syncs;
    has_rows = has_rows || !job->rows.empty();
  }
  if (has_rows)
    TRY(database_.write({}, [&](store::Connection& connection) -> Result<void> {
      auto log =
          TRY(connection.prepare("INSERT INTO agents_log (thread, seq, record) VALUES (?, ?, ?)"));
      auto keep = TRY(
          connection.prepare("INSERT OR IGNORE INTO agents_values (hash, value) VALUES (?, ?)"));
      auto use =
          TRY(connection.prepare("INSERT OR IGNORE INTO agents_uses (thread, hash) VALUES (?, ?)"));
      auto find = TRY(connection.prepare("SELECT 1 FROM agents_threads WHERE number = ?"));
      for (Job* job : jobs)
        for (const Row& row : job->rows) {
          find.bind(0, row.thread);
          const bool is_there = TRY(find.step());
          find.reset();
          // Others' records are written all the same.
          if (!is_there) job->error = fail(Code::not_found, "the thread was removed");
          if (!is_there) break;
          for (const KeptValue& value : row.values) {
            keep.bind_blob(0, value.hash).bind_blob(1, value.text);
            TRY(keep.run());
            keep.reset();
            use.bind(0, row.thread).bind_blob(1, value.hash);
            TRY(use.run());
            use.reset();
          }
          log.bind(0, row.thread).bind(1, row.seq).bind(2, row.record);
          TRY(log.run());
          log.reset();
        }
      return {};
    }));
  return syncs ? sync_file() : Result<void>();
}

Result<void> Committer::sync() { return write({}, true); }

/// In mode NORMAL a commit is in the write-ahead log but not forced to the disk; this forces it.
Result<void> Committer::sync_file() {
  TRY(fault_point(FaultKind::file, "sync of agents.db"));
  const std::lock_guard lock(file_mutex_);
  if (file_ < 0) {
    const std::string path = database_.path().string() + "-wal";
    file_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file_ < 0 && errno == ENOENT) return {};  // Nothing was written yet, or it is in memory.
    if (file_ < 0) return fail(Code::unavailable, "cannot open {}: {}", path, std::strerror(errno));
  }
  if (::fdatasync(file_) != 0)
    return fail(Code::unavailable, "cannot sync {}-wal: {}", database_.path().string(),
                std::strerror(errno));
  return {};
}

}  // namespace slipway::agents::detail
