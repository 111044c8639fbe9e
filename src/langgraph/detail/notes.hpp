// What the face remembers of threads and runs beside what the host knows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "langgraph/detail/reading.hpp"
#include "store/database.hpp"

namespace slipway::langgraph::detail {

/// A thread that a client made. Its agent is known with its first run, and the host has it then.
struct ThreadNote {
  std::string id;
  Value metadata = Value::map();
  std::int64_t created_ms = 0, updated_ms = 0;
  std::optional<std::int64_t> expires_ms, ttl_ms;
};

/// What a client asked for with a run.
struct RunNote {
  std::string id, thread, assistant;
  std::string kind = "run";  ///< Or "update": of a state, which clients see no run of.
  Value body = Value::map();
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> due_ms;  ///< Not begun yet.
  Value after;  ///< {webhook?, is_temporary?}: to be done at its end; {caller}: of a delayed run,
                ///< whose budgets pay. Null: nothing.
};

/// Safe to use from many threads.
class Notes {
 public:
  explicit Notes(store::Database& database) : database_(database) {}

  /// Fails: conflict (the id).
  Result<void> add_thread(const Context& context, const ThreadNote& note);
  Result<void> put_thread(const Context& context, const ThreadNote& note);
  Result<std::optional<ThreadNote>> thread(const Context& context, const std::string& id);
  Result<std::vector<ThreadNote>> threads(const Context& context);
  /// Ids of those whose time is over.
  Result<std::vector<std::string>> expired_threads(const Context& context, std::int64_t now_ms);
  /// With the notes of its runs.
  Result<void> remove_thread(const Context& context, const std::string& id);

  Result<void> put_run(const Context& context, const RunNote& note);
  Result<std::optional<RunNote>> run(const Context& context, const std::string& id);
  /// Newest first.
  Result<std::vector<RunNote>> runs(const Context& context, const std::string& thread);
  /// Those with something to do, oldest first.
  Result<std::vector<RunNote>> open_runs(const Context& context);
  Result<void> remove_run(const Context& context, const std::string& id);

 private:
  store::Database& database_;
};

}  // namespace slipway::langgraph::detail
