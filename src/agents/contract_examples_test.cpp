// The two agents that the contract shows, as they stand there.
#include <filesystem>

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

AgentPtr load_example(const std::string& name) {
  const auto file = std::filesystem::path(SLIPWAY_TEST_DATA) / "contract" / name;
  const LoadedAgent loaded = load_agent_file(file.string());
  const std::string why = loaded.ok() ? "" : loaded.error().message();
  REQUIRE_MESSAGE(loaded.ok(), why);
  return loaded.agent;
}

/// A web that finds a page for each query, and a place that posts are put to.
struct Web {
  std::vector<Value> posts;
  std::mutex mutex;
  std::unique_ptr<Runtime> runtime;
  Web() {
    Runtime::Options options;
    options.tools.add("http", [this](const ToolSpec& spec) -> Result<std::shared_ptr<Tool>> {
      auto tool = std::make_shared<FakeTool>();
      tool->act = [this, posts_ = spec.name == "publish"](int, const Value& args) {
        const std::lock_guard lock(mutex);
        if (posts_) posts.push_back(args);
        return ToolResult::done(posts_ ? Value(17)
                                       : Value("page of " + in_words(args.at("query"))));
      };
      return std::shared_ptr<Tool>(std::move(tool));
    });
    runtime = *Runtime::open(std::move(options));
  }
};

}  // namespace

TEST_CASE(
    "the research agent of the contract searches, criticises itself and asks before it posts") {
  Web web;
  const AgentPtr agent = load_example("research.yaml");
  RunResult result =
      web.runtime->run({}, agent, *parse_json(R"({"question": "why?"})"), {.thread = "t"});
  REQUIRE_MESSAGE(result.status == Status::interrupted, dump(result.json()));
  CHECK(dump(result.state.at("pages")) == R"(["page of a","page of b"])");
  CHECK(result.state.at("facts").items().size() == 2);
  CHECK(result.state.at("score") == Value(9));
  CHECK(result.interrupts[0].node == "release");
  CHECK(result.interrupts[0].value.at("ask") == Value("Publish? A report."));
  CHECK(web.posts.empty());
  result = web.runtime->resume({}, "t", {.answer = Value("approve")});
  CHECK(result.status == Status::done);
  CHECK(result.state.at("post") == Value(17));
  CHECK(web.posts.size() == 1);
  CHECK(dump(result.output) == R"({"report":"A report.","score":9})");
  (void)web.runtime->run({}, agent, *parse_json(R"({"question": "why?"})"), {.thread = "no"});
  result = web.runtime->resume({}, "no", {.answer = *parse_json(R"({"reject": {}})")});
  CHECK(result.status == Status::done);
  CHECK(web.posts.size() == 1);
}

TEST_CASE("the desk of the contract researches, writes and reviews until it is accepted") {
  Web web;
  const RunResult result = web.runtime->run({}, load_example("desk.yaml"),
                                            *parse_json(R"({"task": "islands"})"), {.thread = "t"});
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(dump(result.output) == R"({"text":"second draft","verdict":"accept"})");
  CHECK(dump(result.state.at("notes")) == R"(["notes","notes"])");
  CHECK(result.state.at("rounds") == Value(2));
}
