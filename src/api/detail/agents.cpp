// /api/agents: put, listed, checked, drawn.
#include "api/agents.hpp"

#include "api/detail/agent_routes.hpp"

namespace slipway::api::detail {

namespace {

AgentReply reply_of(agents::AgentInfo info) {
  return {.name = std::move(info.name),
          .description = std::move(info.description),
          .hash = std::move(info.hash),
          .version = info.version,
          .declared = !info.file.empty(),
          .file = std::move(info.file),
          .created_at = time_of(info.created_ms),
          .updated_at = time_of(info.updated_ms),
          .yaml = std::move(info.source)};
}

AgentItem item_of(agents::AgentInfo info) {
  return {.name = std::move(info.name),
          .description = std::move(info.description),
          .hash = std::move(info.hash),
          .version = info.version,
          .declared = !info.file.empty(),
          .created_at = time_of(info.created_ms),
          .updated_at = time_of(info.updated_ms)};
}

GraphCount count_of(const agents::Agent& agent) {
  GraphCount count{.nodes = static_cast<std::int64_t>(agent.nodes.size()),
                   .edges = static_cast<std::int64_t>(agent.joins.size())};
  for (const auto& list : agent.edges) count.edges += static_cast<std::int64_t>(list.size());
  return count;
}

/// As `slipway agent check --json` has it.
CheckReply check(const AgentServices& services, const CheckBody& body) {
  agents::LoadedAgent loaded =
      agents::load_agent("agent.yaml", body.yaml, foreign_options(services));
  CheckReply reply;
  if (loaded.ok())
    for (agents::Problem& problem : agents::beyond_reach(*loaded.agent, services.reach()))
      loaded.problems.push_back(std::move(problem));
  for (const agents::Problem& problem : loaded.problems)
    (problem.is_warning && !body.strict ? reply.warnings : reply.errors)
        .push_back({problem.code, problem.file, problem.line, problem.message});
  reply.ok = reply.errors.empty();
  if (!loaded.ok()) return reply;
  reply.graph = count_of(*loaded.agent);
  reply.worst_case = loaded.worst_case;
  if (body.graph) reply.drawing = drawing_of(*loaded.agent);
  return reply;
}

using AgentUpload = std::variant<AgentText, AgentBody>;

Result<AgentReply> put(const AgentServices& services, const std::string& name,
                       const AgentUpload& body) {
  const std::string& yaml =
      body.index() == 0 ? std::get<AgentText>(body).yaml : std::get<AgentBody>(body).yaml;
  return reply_of(TRY(services.host.put_agent(name, yaml)));
}

void mount_reading(http::Api& api, const AgentServicesPtr& services) {
  api.get<http::NoParameters, AgentList>(
      "/api/agents",
      {.summary = "List agents", .tag = "agents", .role = "read", .name = "list_agents"},
      [services](const http::Call&, const http::NoParameters&) -> Result<AgentList> {
        AgentList list;
        for (agents::AgentInfo& info : TRY(services->host.agents()))
          list.items.push_back(item_of(std::move(info)));
        return list;
      });
  api.get<AgentPath, AgentReply>(
      "/api/agents/{name}",
      {.summary = "One agent and its text",
       .tag = "agents",
       .role = "read",
       .name = "get_agent",
       .fails = {Code::not_found}},
      [services](const http::Call&, const AgentPath& path) -> Result<AgentReply> {
        return reply_of(TRY(services->host.agent(path.name)));
      });
  api.get<AgentPath, Drawing>(
      "/api/agents/{name}/graph",
      {.summary = "The graph of an agent, its keys and its budget",
       .tag = "agents",
       .role = "read",
       .name = "get_agent_graph",
       .fails = {Code::not_found}},
      [services](const http::Call&, const AgentPath& path) -> Result<Drawing> {
        return drawing_of(*TRY(services->host.loaded_agent(path.name)));
      });
}

}  // namespace

agents::LoadOptions foreign_options(const AgentServices& services) {
  agents::LoadOptions options = services.load_options();
  options.find_agent = [&host = services.host](const std::string& name) -> Result<std::string> {
    return TRY(host.agent(name)).source;
  };
  options.read_file = [](const std::string& file) -> Result<std::string> {
    return fail(Code::forbidden,
                "{}: no files of the server are read for this text; put the other agent, name it",
                file);
  };
  return options;
}

void mount_agent_texts(http::Api& api, const AgentServicesPtr& services) {
  mount_reading(api, services);
  api.put<AgentPath, AgentUpload, AgentReply>(
      "/api/agents/{name}",
      {.summary = "Make an agent, or give it another text",
       .description =
           "The text is YAML, as a file has it, or JSON `{\"yaml\": TEXT}`. It is "
           "checked as a whole; all faults are told. Runs that go on keep the text they "
           "began with. An agent of slipway.yaml cannot be put: 409. What it names of this "
           "machine (programs, files, secrets, networks) must be within "
           "`server.agents_may`: else 403.",
       .tag = "agents",
       .role = "admin",
       .name = "put_agent",
       .fails = {Code::conflict, Code::forbidden}},
      [services](const http::Call&, const AgentPath& path, const AgentUpload& body) {
        return put(*services, path.name, body);
      });
  api.remove<AgentPath, http::NoContent>(
      "/api/agents/{name}",
      {.summary = "Remove an agent; its threads stay",
       .tag = "agents",
       .role = "admin",
       .name = "remove_agent",
       .fails = {Code::not_found, Code::conflict}},
      [services](const http::Call&, const AgentPath& path) -> Result<http::NoContent> {
        TRY(services->host.remove_agent(path.name));
        return http::NoContent{};
      });
  api.post<http::NoParameters, std::variant<AgentText, CheckBody>, CheckReply>(
      "/api/agents/check",
      {.summary = "Check the text of an agent",
       .description = "As `slipway agent check --json`: every fault with its line and remedy, the "
                      "size of the graph, and what a run costs at most. The text is YAML, or JSON "
                      "`{\"yaml\": TEXT}`.",
       .tag = "agents",
       .role = "write",
       .name = "check_agent",
       .request_example = R"({"yaml": "name: hello\nstate: {text: string}\nnodes:\n  )"
                          R"(greet: {set: {text: '\"hello\"'}}\nedges:\n  - START -> greet\n  )"
                          R"(- greet -> END\n", "graph": true})"},
      [services](const http::Call&, const http::NoParameters&,
                 const std::variant<AgentText, CheckBody>& body) -> Result<CheckReply> {
        if (const auto* text = std::get_if<AgentText>(&body)) {
          CheckBody wish;
          wish.yaml = text->yaml;
          return check(*services, wish);
        }
        return check(*services, std::get<CheckBody>(body));
      });
}

}  // namespace slipway::api::detail

namespace slipway::api {

void mount_agents(http::Api& api, const AgentServices& services) {
  api.add_tag("agents", "Graphs of models, tools and people, in YAML.");
  api.add_tag("threads", "Runs of agents: their states, questions, checkpoints and events.");
  const auto shared = std::make_shared<const AgentServices>(services);
  detail::mount_agent_texts(api, shared);
  detail::mount_threads(api, shared);
  detail::mount_thread_runs(api, shared);
  detail::mount_run_events(api, shared);
}

}  // namespace slipway::api
