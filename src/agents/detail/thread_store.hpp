// Where threads are kept: in memory, or in agents.db of the data folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "agents/detail/thread.hpp"
#include "agents/runtime.hpp"

namespace slipway::agents::detail {

/// Safe to use from many threads.
class ThreadStore {
 public:
  virtual ~ThreadStore() = default;
  /// A thread that is not there is made if `may_make`. Fails: not_found, and as the disk.
  virtual Result<std::unique_ptr<ThreadLog>> open_log(const std::string& thread,
                                                      Durability durability, bool may_make) = 0;
  /// The agent that the thread has from now on.
  virtual Result<void> keep_agent(const std::string& thread, const AgentPtr& agent) = 0;
  /// {"file": path, "files": {path: text}}
  virtual Result<std::string> agent_source(const std::string& thread) = 0;
  virtual Result<void> name_run(const std::string& run, const std::string& thread) = 0;
  /// Fails: not_found.
  virtual Result<std::string> thread_of_run(const std::string& run) = 0;
  /// A value that is kept until a time (of the wall clock); nothing: it is over, or never was.
  virtual Result<std::optional<Value>> find_cached(const std::string& key, std::int64_t now_ms) = 0;
  virtual Result<void> keep_cached(const std::string& key, const Value& value, std::int64_t now_ms,
                                   std::int64_t expires_ms) = 0;
  /// Its log and its runs. Nothing happens if it is not there.
  virtual Result<void> remove(const std::string& thread) = 0;
  /// Whether a thread that is forgotten can be read again.
  virtual bool is_durable() const = 0;
};

/// An empty path: in memory.
Result<std::unique_ptr<ThreadStore>> open_thread_store(const std::filesystem::path& data);

}  // namespace slipway::agents::detail
