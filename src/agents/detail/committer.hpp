// Group commit: who comes first writes for all who wait.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <vector>

#include "agents/detail/values.hpp"
#include "store/database.hpp"

namespace slipway::agents::detail {

/// Safe to use from many threads. `database` must outlive it; it is one that does not sync its
/// commits by itself.
class Committer {
 public:
  explicit Committer(store::Database& database) : database_(database) {}
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  struct Row {
    std::int64_t thread = 0, seq = 0;
    std::string record;
    std::vector<KeptValue> values;
  };
  /// Committed when it returns: it survives the process. `syncs`: it survives the machine too.
  Result<void> write(std::vector<Row> rows, bool syncs);
  /// What was committed before survives the machine.
  Result<void> sync();

 private:
  struct Job {
    std::vector<Row> rows;
    bool syncs = false;
    bool is_done = false;
    bool leads = false;  ///< It writes next, for all who wait.
    std::optional<Error> error;
    std::condition_variable turn;
  };
  Result<void> commit(const std::vector<Job*>& jobs);
  Result<void> sync_file();

  store::Database& database_;
  std::mutex mutex_;
  std::vector<Job*> waiting_;
  bool is_writing_ = false;
  std::mutex file_mutex_;
  int file_ = -1;  ///< The database's write-ahead log.
};

}  // namespace slipway::agents::detail
