// /api/threads: made, listed, read, removed.
#include "api/detail/agent_routes.hpp"

namespace slipway::api::detail {

namespace {

/// One page of `items`, in `{"items": [...]}`.
http::Written<ItemsShape> page_of(std::vector<agents::Value> items) {
  return {agents::dump(agents::Value::map({{"items", agents::Value::list(std::move(items))}}))};
}

Result<http::Written<ItemsShape>> history(const AgentServices& services, const ThreadPaging& wish) {
  TRY(services.host.thread(wish.thread));
  const auto found = services.runtime.history(wish.thread);
  if (!found && found.error().code() == Code::not_found) return page_of({});  // It has not run yet.
  const auto entries = TRY(std::move(found));
  std::vector<agents::Value> items;
  const auto from = std::min<std::size_t>(static_cast<std::size_t>(wish.offset), entries.size());
  const auto to = std::min(from + static_cast<std::size_t>(wish.limit), entries.size());
  for (std::size_t i = from; i < to; ++i) items.push_back(entries[i].json());
  return page_of(std::move(items));
}

Result<http::Written<LedgerShape>> ledger(const AgentServices& services,
                                          const std::string& thread) {
  TRY(services.host.thread(thread));
  auto found = services.runtime.ledger(thread);
  if (!found && found.error().code() == Code::not_found)
    return http::Written<LedgerShape>{R"({"rows":[],"answers":[]})"};
  return http::Written<LedgerShape>{agents::dump(TRY(std::move(found)))};
}

void mount_lives(http::Api& api, const AgentServicesPtr& services) {
  api.post<http::NoParameters, NewThread, http::Created<ThreadReply>>(
      "/api/threads",
      {.summary = "Make a thread of an agent",
       .tag = "threads",
       .role = "write",
       .name = "create_thread",
       .fails = {Code::not_found, Code::conflict}},
      [services](const http::Call&, const http::NoParameters&,
                 NewThread body) -> Result<http::Created<ThreadReply>> {
        auto info = TRY(services->host.create_thread(body.agent, body.thread, body.metadata));
        const std::string location = "/api/threads/" + info.id;
        return http::Created<ThreadReply>{reply_of(std::move(info)), location};
      });
  api.get<ThreadListing, ThreadList>(
      "/api/threads",
      {.summary = "List threads, youngest first",
       .tag = "threads",
       .role = "read",
       .name = "list_threads"},
      [services](const http::Call&, const ThreadListing& wish) -> Result<ThreadList> {
        ThreadList list;
        for (agents::ThreadInfo& info : TRY(services->host.threads({.agent = wish.agent,
                                        .status = wish.status,
                                        .metadata = {},
                                        .limit = wish.limit,
                                        .offset = wish.offset})))
          list.items.push_back(reply_of(std::move(info)));
        return list;
      });
  api.get<ThreadPath, ThreadReply>(
      "/api/threads/{thread}",
      {.summary = "One thread",
       .tag = "threads",
       .role = "read",
       .name = "get_thread",
       .fails = {Code::not_found}},
      [services](const http::Call&, const ThreadPath& path) -> Result<ThreadReply> {
        return reply_of(TRY(services->host.thread(path.thread)));
      });
  api.remove<ThreadPath, http::NoContent>(
      "/api/threads/{thread}",
      {.summary = "Remove a thread with its runs and checkpoints",
       .tag = "threads",
       .role = "write",
       .name = "remove_thread",
       .fails = {Code::not_found, Code::conflict}},
      [services](const http::Call&, const ThreadPath& path) -> Result<http::NoContent> {
        TRY(services->host.remove_thread(path.thread));
        return http::NoContent{};
      });
}

void mount_questions_of_threads(http::Api& api, const AgentServicesPtr& services) {
  api.get<ThreadPath, http::Written<StateShape>>(
      "/api/threads/{thread}/state",
      {.summary = "The state after the newest superstep",
       .tag = "threads",
       .role = "read",
       .name = "get_thread_state",
       .fails = {Code::not_found}},
      [services](const http::Call&, const ThreadPath& path) -> Result<http::Written<StateShape>> {
        TRY(services->host.thread(path.thread));
        return http::Written<StateShape>{agents::dump(TRY(services->host.state(path.thread)))};
      });
  api.get<ThreadPath, http::Written<ItemsShape>>(
      "/api/threads/{thread}/interrupts",
      {.summary = "What the thread waits for",
       .description = "Questions to people: `{id, node, path, kind, value, expires?}`, of kind "
                      "human, approval, budget or effect. Answer with `resume`.",
       .tag = "threads",
       .role = "read",
       .name = "list_interrupts",
       .fails = {Code::not_found}},
      [services](const http::Call&, const ThreadPath& path) -> Result<http::Written<ItemsShape>> {
        TRY(services->host.thread(path.thread));
        const agents::Value state = TRY(services->host.state(path.thread));
        const agents::Value& waiting = state.at("interrupts");
        return page_of(waiting.is_list() ? waiting.items() : std::vector<agents::Value>());
      });
}

}  // namespace

std::string time_of(std::int64_t milliseconds) {
  return format_time(Clock::Time(std::chrono::milliseconds(milliseconds)));
}

ThreadReply reply_of(agents::ThreadInfo info) {
  ThreadReply reply{.thread = std::move(info.id),
                    .agent = std::move(info.agent),
                    .status = info.status,
                    .metadata = std::move(info.metadata),
                    .created_at = time_of(info.created_ms),
                    .updated_at = time_of(info.updated_ms)};
  if (!info.run.empty()) reply.run = std::move(info.run);
  return reply;
}

void mount_threads(http::Api& api, const AgentServicesPtr& services) {
  mount_lives(api, services);
  mount_questions_of_threads(api, services);
  api.get<ThreadPaging, http::Written<ItemsShape>>(
      "/api/threads/{thread}/history",
      {.summary = "Checkpoints, newest first",
       .description =
           "`{checkpoint, parent, run, source, step, state, next, interrupts}`; `source` "
           "is input, step or fork.",
       .tag = "threads",
       .role = "read",
       .name = "list_checkpoints",
       .fails = {Code::not_found}},
      [services](const http::Call&, const ThreadPaging& wish) { return history(*services, wish); });
  api.get<ThreadPath, http::Written<LedgerShape>>(
      "/api/threads/{thread}/ledger",
      {.summary = "Calls of models and tools, and what became of each",
       .tag = "threads",
       .role = "read",
       .name = "get_ledger",
       .fails = {Code::not_found}},
      [services](const http::Call&, const ThreadPath& path) {
        return ledger(*services, path.thread);
      });
}

}  // namespace slipway::api::detail
