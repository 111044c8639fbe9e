#include "agents/reach.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "agents/detail/scratch.hpp"

namespace slipway::agents {

namespace {

AgentPtr agent_with(const std::string& tools, const std::string& models = "{}") {
  const auto loaded = load_agent("agent.yaml", fmt::format(R"(name: a
tools: {{t: {}}}
models: {}
state: {{x: any}}
nodes: {{n: {{tool: {{use: t, args: {{}}, into: x}}}}}}
edges: [START -> n, n -> END]
)",
                                                           tools, models));
  const std::string why = loaded.ok() ? "" : loaded.error().message();
  REQUIRE_MESSAGE(loaded.ok(), why);
  return loaded.agent;
}

std::string refusal(const AgentPtr& agent, const Reach& reach = {}) {
  const auto checked = check_reach(*agent, reach);
  if (checked) return "";
  CHECK(checked.error().code() == Code::forbidden);
  return checked.error().message();
}

const std::string calc = "{builtin: calculator}";

}  // namespace

TEST_CASE("an agent that is put computes, searches and asks public servers, and no more") {
  CHECK(refusal(agent_with(calc)) == "");
  CHECK(refusal(agent_with("{http: {url: 'https://example.com'}, effect: pure}")) == "");
  CHECK(refusal(agent_with(calc, "{m: some-installed-model}")) == "");

  const auto command = agent_with("{command: [cat], effect: pure}");
  CHECK(refusal(command).starts_with("line 2: tool 't': an agent that is put starts no programs"));
  CHECK(refusal(command, {.commands = true}) == "");
  const auto started = agent_with("{mcp: 'stdio:server', tool: x, effect: pure}");
  CHECK(refusal(started).find("starts no programs") != std::string::npos);
  CHECK(refusal(started, {.commands = true}) == "");

  for (const char* inside :
       {"{http: {url: 'http://h:1', allow_private: ['h:1']}, effect: pure}",
        "{mcp: 'http://h:1/mcp', tool: x, effect: pure}", "{sql: {postgres: 'host=h'}}"}) {
    CHECK(refusal(agent_with(inside)).find("public HTTP servers only") != std::string::npos);
    CHECK(refusal(agent_with(inside), {.networks = true}) == "");
  }
  const auto secret =
      agent_with("{http: {url: 'https://h', headers: {A: 'Bearer env:T'}}, effect: pure}");
  CHECK(refusal(secret).find("names no secrets") != std::string::npos);
  CHECK(refusal(secret, {.secrets = true}) == "");
  const auto vendor = agent_with(calc, "{m: {provider: openai, api_key: 'env:K'}}");
  CHECK(refusal(vendor).find("only models of slipway.yaml") != std::string::npos);
  CHECK(refusal(vendor, {.secrets = true, .networks = true}) == "");
}

TEST_CASE("files are read from allowed folders only, whatever their path looks like") {
  detail::Scratch scratch;
  const auto folder = std::filesystem::canonical(scratch.path());
  std::filesystem::create_directories(folder / "in");
  std::filesystem::create_directories(folder / "out");
  std::ofstream(folder / "out" / "a.db") << "x";
  std::filesystem::create_symlink(folder / "out" / "a.db", folder / "in" / "link.db");
  const Reach reach{.folders = {folder / "in"}};
  const auto sqlite = [&](const std::string& path) {
    return refusal(agent_with(fmt::format("{{sql: {{sqlite: '{}'}}}}", path)), reach);
  };
  CHECK(sqlite((folder / "in" / "a.db").string()) == "");
  CHECK(sqlite((folder / "out" / "a.db").string()).find("allowed_folders") != std::string::npos);
  CHECK(sqlite((folder / "in/../out/a.db").string()) != "");
  CHECK(sqlite((folder / "in" / "link.db").string()) != "");
  CHECK(sqlite((folder / "in2" / "a.db").string()) != "");
  const auto replies =
      agent_with(calc, fmt::format("{{m: {{provider: scripted, replies: '{}'}}}}", "/etc/passwd"));
  CHECK(refusal(replies, reach).find("/etc/passwd is not below") != std::string::npos);
  CHECK(refusal(replies, {.files = true}) == "");
}

}  // namespace slipway::agents
