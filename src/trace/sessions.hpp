// LangSmith's projects ("tracer sessions"): an id beside the name by which runs know them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "core/json.hpp"
#include "store/database.hpp"
#include "trace/run.hpp"

namespace slipway::trace {

struct Session {
  std::string id, name;  ///< A UUID.
  std::optional<std::string> description, reference_dataset_id;
  json::Object extra;
  Nanoseconds start = 0;
  std::optional<Nanoseconds> end;
};

/// The table `trace_sessions` of the main database.
std::vector<store::Migration> session_migrations();

/// A UUID that is always the same for the same text: of projects that came with their runs, and of
/// ids that are none.
std::string uuid_of(std::string_view text);
/// "0AF7651916CD43DD8448EB211C80319C" and the like: 36 characters in lower case for what is a UUID
/// with or without dashes, or a span's id of 16 digits; else `uuid_of`.
std::string as_uuid(std::string_view id);
/// How a run or a trace may be called here whose UUID is that: as it stands, 32 digits, 16 digits.
std::vector<std::string> ids_behind(const std::string& uuid);

/// Safe to use from many threads.
class Sessions {
 public:
  /// Both must outlive it.
  explicit Sessions(store::Database& database, const Clock& clock = system_clock())
      : database_(database), clock_(clock) {}

  /// Fails: conflict (the name or the id is taken), as a write.
  Result<Session> create(const Context& context, Session session);
  /// What it holds now; one that only runs brought is declared by it. Fails: conflict (another one
  /// has the name), as a write.
  Result<void> change(const Context& context, const Session& session);
  /// Absent is success.
  Result<void> remove(const Context& context, const std::string& id);
  /// Declared ones; by name. Runs may have brought others.
  Result<std::vector<Session>> declared(const Context& context);

  /// Keeps in mind whose id `uuid_of(name)` is: a list of all projects is dear.
  void remember(const std::string& name);
  std::optional<std::string> remembered(const std::string& id) const;

 private:
  store::Database& database_;
  const Clock& clock_;
  Guarded<std::map<std::string, std::string>> names_;  ///< By id.
};

}  // namespace slipway::trace
