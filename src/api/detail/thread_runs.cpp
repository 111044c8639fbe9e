// Runs of threads: begun, gone on with, read, cancelled, replayed.
#include "api/detail/agent_routes.hpp"
#include "api/detail/run_events.hpp"

namespace slipway::api::detail {

namespace {

/// A result, a run that goes on, or its events.
using Begun = std::variant<http::Accepted<RunReply>, http::Written<ResultShape>, http::Streamed>;

bool is_over(agents::RunStatus status) {
  return status != agents::RunStatus::pending && status != agents::RunStatus::running;
}

/// Names of nodes that callers give must be nodes: a pause that never comes would go unseen.
Result<void> check_node(const agents::Agent& agent, const std::string& name,
                        std::string_view what) {
  if (agent.node(name)) return {};
  std::vector<std::string> names;
  for (const agents::Node& node : agent.nodes) names.push_back(node.name);
  const auto hint = json::nearest(name, {names.begin(), names.end()});
  return fail(Code::invalid_argument, "{}: agent '{}' has no node '{}'{}", what, agent.name, name,
              hint.empty() ? "" : fmt::format("; did you mean '{}'?", hint));
}

Result<void> check_pauses(const agents::Agent& agent, const GoingOn& options) {
  for (const std::string& name : options.pause_before)
    TRY(check_node(agent, name, "options.pause_before"));
  for (const std::string& name : options.pause_after)
    TRY(check_node(agent, name, "options.pause_after"));
  return {};
}

agents::Budget budget_of(const BudgetBody& body) {
  agents::Budget budget{.tokens = body.tokens, .calls = body.calls, .usd = body.usd};
  if (body.wall_seconds)
    budget.wall = agents::Milliseconds(static_cast<std::int64_t>(*body.wall_seconds * 1000));
  budget.on_exceed = body.on_exceed == "finish"    ? agents::OnExceed::finish
                     : body.on_exceed == "approve" ? agents::OnExceed::approve
                                                   : agents::OnExceed::fail;
  budget.finish = body.finish;
  return budget;
}

Result<agents::StartRun> start_of(const AgentServices& services, const std::string& thread,
                                  StartBody body) {
  const agents::ThreadInfo info = TRY(services.host.thread(thread));
  const std::string& name = body.agent.empty() ? info.agent : body.agent;
  const agents::AgentPtr agent = TRY(services.host.loaded_agent(name));
  StartOptions& options = body.options;
  TRY(check_pauses(*agent, options));
  agents::StartRun start{.agent = name,
                         .thread = thread,
                         .input = agents::from_json(body.input),
                         .options = {.thread = thread,
                                     .durability = options.durability,
                                     .pause_before = std::move(options.pause_before),
                                     .pause_after = std::move(options.pause_after),
                                     .steps = options.steps,
                                     .trace = options.trace},
                         .multitask = options.multitask,
                         .metadata = std::move(body.metadata)};
  if (options.budget) {
    if (!options.budget->finish.empty())
      TRY(check_node(*agent, options.budget->finish, "options.budget.finish"));
    start.options.budget = budget_of(*options.budget);
  }
  return start;
}

Result<agents::StartRun> resume_of(const AgentServices& services, const http::Call& call,
                                   const std::string& thread, ResumeBody body) {
  const agents::ThreadInfo info = TRY(services.host.thread(thread));
  if (body.set.has_value() != body.as.has_value())
    return fail(Code::invalid_argument,
                "set, as: both or neither; `as` names the node that the values of `set` count for");
  agents::ResumeOptions resume{.answered_by = call.context().caller(),
                               .checkpoint = body.checkpoint.value_or(""),
                               .as = body.as.value_or(""),
                               .pause_before = std::move(body.options.pause_before),
                               .pause_after = std::move(body.options.pause_after),
                               .steps = body.options.steps,
                               .trace = body.options.trace};
  if (body.answers)
    for (const auto& [id, answer] : *body.answers)
      resume.answers.emplace_back(id, agents::from_json(answer));
  if (body.set) resume.set = agents::from_json(*body.set);
  agents::StartRun start{.agent = info.agent,
                         .thread = thread,
                         .options = {.thread = thread},
                         .resume = std::move(resume),
                         .multitask = body.options.multitask};
  return start;
}

/// What the caller asked for: the run, its result, or its events.
Result<Begun> begin(const http::Call& call, const AgentServices& services, agents::StartRun start,
                    bool waits) {
  start.caller = call.context().caller();
  start.origin = agents::run_origin(call.request());
  const agents::RunInfo run = TRY(services.host.start(std::move(start)));
  if (call.wants_events()) {
    EventsPath path;
    path.thread = run.thread;
    path.run = run.id;
    TRY(follow_run(call, services, path));
    return Begun(http::Streamed{});
  }
  if (waits) {
    const auto waiting = services.waiters.start(
        call.exchange(),
        [&host = services.host, exchange = call.exchange(), id = run.id](const Context& context) {
          const auto result = host.wait(context, id);
          if (!result)
            return exchange->reply(
                http::to_response(http::problem_of(result.error(), exchange->request())));
          exchange->reply({.headers = {{"Content-Type", "application/json"}},
                           .body = agents::dump(result->json())});
        });
    if (waiting) return Begun(http::Streamed{});
    // The run has begun all the same: its caller is told where it is.
  }
  http::Accepted<RunReply> accepted;
  accepted.location = fmt::format("/api/threads/{}/runs/{}", run.thread, run.id);
  accepted.value = reply_of(run);
  return Begun(std::move(accepted));
}

Result<http::Written<RunAndResult>> read_run(const AgentServices& services, const RunPath& path) {
  const agents::RunInfo info = TRY(run_of(services.host, path));
  const json::Value reply = json::to(reply_of(info));
  agents::Value whole = agents::from_json(reply);
  whole.put("result", {});
  if (is_over(info.status))
    if (const auto result = services.host.result(path.run)) whole.put("result", result->json());
  return http::Written<RunAndResult>{agents::dump(whole)};
}

Result<http::Written<ReplayShape>> replay(const http::Call& call, const AgentServices& services,
                                          const RunPath& path, const std::string& yaml) {
  TRY(run_of(services.host, path));
  agents::AgentPtr agent;
  if (!yaml.empty()) {
    const agents::LoadedAgent loaded =
        agents::load_agent("agent.yaml", yaml, foreign_options(services));
    if (!loaded.ok()) return loaded.error();
    TRY(agents::check_reach(*loaded.agent, services.reach()));
    agent = loaded.agent;
  }
  return http::Written<ReplayShape>{
      agents::dump(TRY(services.runtime.replay(call.context(), path.run, agent)))};
}

void mount_beginnings(http::Api& api, const AgentServicesPtr& services) {
  api.post<ThreadPath, StartBody, Begun>(
      "/api/threads/{thread}/runs",
      {.summary = "Run the thread's agent",
       .description = "202 at once with the run; with `wait` the result, with `Accept: "
                      "text/event-stream` its events. A thread that runs already is 409, unless "
                      "`options.multitask` says otherwise. A run that fails or waits for a person "
                      "is an answer like any other: see `status`.",
       .tag = "threads",
       .role = "write",
       .name = "start_run",
       .fails = {Code::not_found, Code::conflict, Code::unavailable},
       .request_example = R"({"input": {"question": "What is a slipway?"}, "wait": true})"},
      [services](const http::Call& call, const ThreadPath& path, StartBody body) -> Result<Begun> {
        const bool waits = body.wait;
        return begin(call, *services, TRY(start_of(*services, path.thread, std::move(body))),
                     waits);
      });
  api.post<ThreadPath, ResumeBody, Begun>(
      "/api/threads/{thread}/resume",
      {.summary = "Go on: with answers, after a failure, or from a checkpoint",
       .description = "Nothing that was done is done again. With `checkpoint` the thread goes on "
                      "from there on a new branch, with `set` and `as` after other values.",
       .tag = "threads",
       .role = "write",
       .name = "resume_thread",
       .fails = {Code::not_found, Code::conflict, Code::unavailable}},
      [services](const http::Call& call, const ThreadPath& path, ResumeBody body) -> Result<Begun> {
        const bool waits = body.wait;
        return begin(call, *services, TRY(resume_of(*services, call, path.thread, std::move(body))),
                     waits);
      });
}

void mount_reading(http::Api& api, const AgentServicesPtr& services) {
  api.get<ThreadPaging, RunList>(
      "/api/threads/{thread}/runs",
      {.summary = "Runs of a thread, newest first",
       .tag = "threads",
       .role = "read",
       .name = "list_thread_runs",
       .fails = {Code::not_found}},
      [services](const http::Call&, const ThreadPaging& wish) -> Result<RunList> {
        TRY(services->host.thread(wish.thread));
        RunList list;
        for (agents::RunInfo& info : TRY(services->host.runs(wish.thread, wish.limit, wish.offset)))
          list.items.push_back(reply_of(std::move(info)));
        return list;
      });
  api.get<RunPath, http::Written<RunAndResult>>(
      "/api/threads/{thread}/runs/{run}",
      {.summary = "One run, and its result",
       .tag = "threads",
       .role = "read",
       .name = "get_thread_run",
       .fails = {Code::not_found}},
      [services](const http::Call&, const RunPath& path) { return read_run(*services, path); });
}

}  // namespace

RunReply reply_of(agents::RunInfo info) {
  return {.run = std::move(info.id),
          .thread = std::move(info.thread),
          .agent = std::move(info.agent),
          .status = info.status,
          .metadata = std::move(info.metadata),
          .created_at = time_of(info.created_ms),
          .updated_at = time_of(info.updated_ms)};
}

Result<agents::RunInfo> run_of(agents::Host& host, const RunPath& path) {
  TRY(host.thread(path.thread));
  agents::RunInfo info = TRY(host.run(path.run));
  if (info.thread != path.thread)
    return fail(Code::not_found, "thread '{}' has no run '{}'", path.thread, path.run);
  return info;
}

void mount_thread_runs(http::Api& api, const AgentServicesPtr& services) {
  mount_beginnings(api, services);
  mount_reading(api, services);
  api.post<RunPath, http::NoBody, RunReply>(
      "/api/threads/{thread}/runs/{run}/cancel",
      {.summary = "Stop a run",
       .description = "Answers when it has stopped, within a token. What was done is kept; "
                      "`resume` goes on from there. A run that is over stays as it is.",
       .tag = "threads",
       .role = "write",
       .name = "cancel_thread_run",
       .fails = {Code::not_found, Code::conflict}},
      [services](const http::Call& call, const RunPath& path,
                 const http::NoBody&) -> Result<RunReply> {
        TRY(run_of(services->host, path));
        return reply_of(TRY(services->host.cancel(call.context(), path.run)));
      });
  api.post<RunPath, std::variant<http::NoBody, ReplayRunBody>, http::Written<ReplayShape>>(
      "/api/threads/{thread}/runs/{run}/replay",
      {.summary = "Run it again from what was recorded",
       .description = "Calls nothing and changes nothing; tells the first superstep whose state "
                      "differs. With another text: what a changed agent would have done, until it "
                      "needs a call that was not recorded.",
       .tag = "threads",
       .role = "write",
       .name = "replay_run",
       .fails = {Code::not_found, Code::conflict}},
      [services](const http::Call& call, const RunPath& path,
                 const std::variant<http::NoBody, ReplayRunBody>& body) {
        const auto* given = std::get_if<ReplayRunBody>(&body);
        return replay(call, *services, path, given != nullptr ? given->yaml : "");
      });
}

}  // namespace slipway::api::detail
