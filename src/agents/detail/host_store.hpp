// The tables of the host: agents by name, threads, runs.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/host.hpp"
#include "store/database.hpp"

namespace slipway::agents::detail {

/// A run as it is kept.
struct RunRow {
  RunInfo info;
  std::string job;                    ///< What it is to do, JSON; see `encode_job`.
  std::string root;                   ///< The run of the thread that it goes on with; "": itself.
  std::uint64_t first = 0, last = 0;  ///< Its records are those after `first`, up to `last`.
  std::int64_t wake_ms = 0;
  std::string error;  ///< {kind, message, node?} of one that was refused; else "".
};

/// Safe to use from many threads. What returned is on disk.
class HostStore {
 public:
  /// `data` empty: in memory. The runtime of the same folder must be open already.
  static Result<std::unique_ptr<HostStore>> open(const std::filesystem::path& data);

  Result<void> put_agent(const AgentInfo& agent);
  /// Fails: not_found.
  Result<AgentInfo> agent(const std::string& name) const;
  Result<std::vector<AgentInfo>> agents() const;
  Result<void> remove_agent(const std::string& name);

  /// Fails: conflict.
  Result<void> add_thread(const ThreadInfo& thread);
  Result<ThreadInfo> thread(const std::string& id) const;
  Result<std::vector<ThreadInfo>> threads(const ThreadFilter& filter) const;
  Result<void> set_metadata(const std::string& id, const json::Object& metadata,
                            std::int64_t now_ms);
  Result<void> set_agent(const std::string& id, const std::string& agent);
  Result<void> remove_thread(const std::string& id);

  /// New or changed; it is the thread's newest.
  Result<void> put_run(const RunRow& run);
  Result<RunRow> run(const std::string& id) const;
  Result<std::vector<RunRow>> runs(const std::string& thread, int limit, int offset) const;
  Result<void> remove_run(const std::string& id);
  /// That are not over, and those that wait for a time; oldest first.
  Result<std::vector<RunRow>> open_runs() const;

 private:
  explicit HostStore(std::unique_ptr<store::Database> database) : database_(std::move(database)) {}
  std::unique_ptr<store::Database> database_;
};

}  // namespace slipway::agents::detail
