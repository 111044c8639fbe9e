#include "agents/declared.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "agents/detail/scratch.hpp"
#include "core/yaml.hpp"

namespace slipway::agents {

namespace {

constexpr std::string_view configuration = R"(log: {level: error}
agents:
  # Says hello.
  hello:
    description: Says hello   # to all
    state:
      text: string

    nodes:
      say:
        set:
          text: "'hello'"
    edges:
      - START -> say
      - say -> END
  flow: {state: {text: string}, nodes: {s: {set: {text: "'hi'"}}}, edges: [START -> s, s -> END]}
  filed: parts/filed.yaml
  both:
    name: both
    state: {text: string}
    nodes:
      ask: {graph: {agent: hello, output: {text: result.text}}}
      more: {graph: {agent: filed, output: {text: result.text}}}
    edges: [START -> ask, ask -> more, more -> END]
server: {port: 1}
)";
constexpr std::string_view filed = R"(name: filed
state: {text: string}
nodes: {say: {code: {lang: python, file: say.py, into: text}}}
edges: [START -> say, say -> END]
)";

class Place {
 public:
  Place() {
    std::filesystem::create_directories(scratch_.path() / "parts");
    write("parts/filed.yaml", filed);
    write("parts/say.py", "result = 'from a file'\n");
  }
  void write(const std::string& name, std::string_view text) {
    std::ofstream(scratch_.path() / name) << text;
  }
  std::string file(const std::string& name = "slipway.yaml") const {
    return (scratch_.path() / name).string();
  }
  std::vector<DeclaredAgent> declare(std::string_view text) {
    const auto document = yaml::parse(text);
    REQUIRE(document);
    std::map<std::string, json::Value> agents;
    for (const auto& [name, value] : document->value.at("agents").get_object())
      agents[std::string(name)] = value;
    REQUIRE(check_declared(agents));
    return declared_agents(agents, {file(), text, document->lines});
  }

 private:
  detail::Scratch scratch_;
};

std::string with(std::string_view text, std::string_view old, std::string_view now) {
  std::string changed(text);
  const std::size_t at = changed.find(old);
  REQUIRE(at != std::string::npos);
  return changed.replace(at, old.size(), now);
}

std::string refusal(const json::Value& entry, const std::string& name = "a") {
  const auto checked = check_declared({{name, entry}});
  return checked ? "" : checked.error().message();
}

}  // namespace

TEST_CASE("agents of a configuration are loaded as one, whatever way they are written") {
  Place place;
  const auto made = load_declared(place.declare(configuration), {});
  REQUIRE_MESSAGE(made.ok(), made.error().message());
  REQUIRE(made->size() == 4);
  for (const auto& [name, one] : *made) {
    CHECK(one.loaded.ok());
    CHECK(one.loaded.agent->name == name);
  }
  CHECK(made->at("hello").loaded.agent->description == "Says hello");
  // As it was written, with its comments, and as a file of its own would have it.
  CHECK(
      made->at("hello").text.starts_with("name: \"hello\"\ndescription: Says hello   # to all\n"));
  CHECK(made->at("hello").text.ends_with("  - say -> END\n"));
  CHECK(made->at("both").text.starts_with("name: both\nstate"));
  CHECK(json::parse(made->at("flow").text));
}

TEST_CASE("faults of declared agents are told with the lines of the file that they stand in") {
  Place place;
  auto text = with(configuration, "START -> say\n      - say", "START -> sya\n      - say");
  text = with(text, "[START -> ask, ask", "[START -> aks, ask");
  text = with(text, "text: \"'hi'\"", "txt: \"'hi'\"");
  place.write("parts/filed.yaml", with(filed, "into: text", "into: txt"));
  const auto made = load_declared(place.declare(text), {});
  REQUIRE_FALSE(made);
  const std::string& said = made.error().message();
  INFO(said);
  CHECK(made.error().code() == Code::invalid_argument);
  CHECK(said.find(fmt::format("agents.hello: {}:14: ", place.file())) != std::string::npos);
  CHECK(said.find(fmt::format("agents.flow: {}:16: ", place.file())) != std::string::npos);
  CHECK(said.find(fmt::format("agents.filed: {}:3: ", place.file("parts/filed.yaml"))) !=
        std::string::npos);
  CHECK(said.find("agents.both: ") != std::string::npos);
  CHECK(said.find(fmt::format("{}:24: ", place.file())) != std::string::npos);
}

TEST_CASE("an entry is a file or an agent, of a good name") {
  CHECK(refusal("a.yaml") == "");
  CHECK(refusal(json::Object{{"file", "a.yaml"}}) == "");
  CHECK(refusal(json::Object{{"name", "a"}, {"nodes", json::Object()}}) == "");
  CHECK(refusal("").starts_with("a: a file is expected"));
  CHECK(refusal(7).starts_with("a: a file is expected"));
  CHECK(refusal(json::Object{{"file", 7}}) == "a.file: a path is expected, got 7");
  CHECK(refusal(json::Object{{"file", "a.yaml"}, {"nodes", 1}}).starts_with("a.nodes: the file"));
  CHECK(refusal(json::Object{{"name", "b"}}).starts_with("a.name: \"b\" is not what"));
  CHECK(refusal("a.yaml", "a b").find("is no name of an agent") != std::string::npos);
  CHECK(refusal("a.yaml", std::string(65, 'a')).find("1 to 64") != std::string::npos);
}

TEST_CASE("a file that is not there, and a cycle of sub-agents, are told") {
  Place place;
  const auto gone = load_declared(place.declare("agents: {a: gone.yaml}"), {});
  REQUIRE_FALSE(gone);
  CHECK(gone.error().message().find("agents.a: ") != std::string::npos);
  CHECK(gone.error().message().find(place.file("gone.yaml")) != std::string::npos);
  const std::string ring = R"(agents:
  a: {state: {x: int}, nodes: {n: {graph: {agent: b}}}, edges: [START -> n, n -> END]}
  b: {state: {x: int}, nodes: {n: {graph: {agent: a}}}, edges: [START -> n, n -> END]}
)";
  const auto cycle = load_declared(place.declare(ring), {});
  REQUIRE_FALSE(cycle);
  CHECK(cycle.error().message().find("sub-agent") != std::string::npos);
}

}  // namespace slipway::agents
