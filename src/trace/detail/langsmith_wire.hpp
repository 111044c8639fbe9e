// Runs and projects as LangSmith's clients read them back.
#pragma once

#include <map>
#include <string>

#include "trace/sessions.hpp"
#include "trace/store.hpp"

namespace slipway::trace::detail {

/// What stands in a run that the run itself does not know.
struct LangSmithPlace {
  std::string session_id;    ///< Of its project.
  std::string dotted_order;  ///< Empty: unknown.
  std::vector<std::string> parent_ids, child_ids;
  std::string feedback_stats = "{}";  ///< JSON, by key.
  std::string s3_urls = "{}";         ///< JSON: {"attachment.NAME": {"presigned_url": ...}}.
  std::optional<std::string> share_token;
};

/// One run, an object. Ids of OTLP appear as UUIDs (`as_uuid`), inputs and outputs that are no
/// objects below "input" and "output".
std::string langsmith_run_text(const Run& run, const LangSmithPlace& place);

/// "20261123T080000000001Z" and the id: one level of a dotted order.
std::string dotted_step(Nanoseconds start, std::string_view id);

/// Gives places in the tree to runs that came without, asking for each tree once.
class DottedOrders {
 public:
  /// `store` must outlive it.
  explicit DottedOrders(TraceStore& store) : store_(store) {}
  /// That of the client, else made of its ancestors and their starts.
  Result<std::string> of(const Context& context, const Run& run);

 private:
  struct Link {
    std::optional<std::string> parent_id;
    std::string step;
  };
  using Links = std::map<std::string, Link>;
  TraceStore& store_;
  std::map<std::string, Links> trees_;
};

struct SessionStats {
  Project project;
  StatsRow row;
  std::string feedback = "{}", of_session = "{}";  ///< JSON, by key: of its runs, of itself.
};
/// A TracerSession; `stats` null: without.
std::string session_text(const Session& session, const SessionStats* stats);

/// The one tenant that there is.
std::string tenant_id();

}  // namespace slipway::trace::detail
