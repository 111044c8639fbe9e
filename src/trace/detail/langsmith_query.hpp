// POST /runs/query of LangSmith as a query of ours.
#pragma once

#include "trace/mount.hpp"

namespace slipway::trace::detail {

struct LangSmithQuery {
  Query query;
  std::vector<std::string> ids;  ///< Not empty: these runs and nothing else, as UUIDs.
  bool is_empty = false;         ///< Nothing can match: a trace or a project that is not there.
};

/// All projects, those that runs brought included: `Sessions::declared` and what the store has.
Result<std::vector<Session>> all_sessions(const Context& context, TraceStore& store,
                                          Sessions& sessions);

/// The project of that name, if it was declared or runs have brought it.
Result<std::optional<Session>> session_named(const Context& context, TraceStore& store,
                                             Sessions& sessions, const std::string& name);
/// The name of the project with that id.
Result<std::optional<std::string>> session_name(const Context& context, TraceStore& store,
                                                Sessions& sessions, const std::string& id);

/// What a filter on roots (`trace_filter`) or on any run of the tree (`tree_filter`) finds is asked
/// for at once, 20,000 runs at most.
/// Fails: invalid_argument naming the member, also what of it cannot be answered.
Result<LangSmithQuery> read_langsmith_query(const Context& context, const json::Value& body,
                                            const Services& services);

/// One page of what a query finds; runs that are asked for by id and are not there are left out.
Result<Page<Run>> run_langsmith_query(const Context& context, TraceStore& store,
                                      const LangSmithQuery& query);

/// The run of that UUID. Fails: not_found.
Result<Run> find_langsmith_run(const Context& context, TraceStore& store, const std::string& uuid);

}  // namespace slipway::trace::detail
