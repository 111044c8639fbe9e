// Links by which anybody may read a run with what is below it, or a thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "store/database.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

struct Share {
  enum class Kind { run, thread };
  Kind kind = Kind::run;
  std::string token;       ///< A UUID, the secret itself. Empty: one of 122 random bits is made.
  std::string subject;     ///< The run's id, the thread's.
  std::string session_id;  ///< Of a thread: the UUID of its project.
};

/// The table `trace_shares` of the main database.
std::vector<store::Migration> share_migrations();

/// Safe to use from many threads.
class Shares {
 public:
  /// All must outlive it.
  explicit Shares(store::Database& database, Random& random = system_random())
      : database_(database), random_(random) {}

  /// What is shared already keeps its token. Fails: conflict (the token is another's).
  Result<Share> put(const Context& context, Share share);
  Result<std::optional<Share>> find(const Context& context, Share::Kind kind,
                                    const std::string& subject, const std::string& session_id);
  /// By run id as it was asked for.
  Result<std::vector<Share>> of_runs(const Context& context,
                                     const std::vector<std::string>& run_ids);
  /// One that is not there is success.
  Result<void> remove(const Context& context, Share::Kind kind, const std::string& subject,
                      const std::string& session_id);
  /// Looked up by its hash. Fails: not_found.
  Result<Share> opened(const Context& context, const std::string& token);

 private:
  store::Database& database_;
  Random& random_;
};

}  // namespace slipway::trace
