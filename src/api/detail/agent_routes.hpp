// The groups of routes of agents, and what they share.
#pragma once

#include "api/agents.hpp"
#include "api/detail/agent_wire.hpp"

namespace slipway::api::detail {

/// Kept by every route.
using AgentServicesPtr = std::shared_ptr<const AgentServices>;

void mount_agent_texts(http::Api&, const AgentServicesPtr&);
void mount_threads(http::Api&, const AgentServicesPtr&);
void mount_thread_runs(http::Api&, const AgentServicesPtr&);
void mount_run_events(http::Api&, const AgentServicesPtr&);

ThreadReply reply_of(agents::ThreadInfo info);
RunReply reply_of(agents::RunInfo info);
/// "2026-03-01T12:00:00.000Z"
std::string time_of(std::int64_t milliseconds);
/// For texts that callers send: they name agents of the host, and read no files.
agents::LoadOptions foreign_options(const AgentServices& services);
/// The run, if it is one of that thread. Fails: not_found.
Result<agents::RunInfo> run_of(agents::Host& host, const RunPath& path);

}  // namespace slipway::api::detail
