// A process that ends after any of its writes leaves a thread that goes on as if it had not.
#include <doctest/doctest.h>

#include <filesystem>

#include "agents/detail/scratch.hpp"
#include "agents/detail/session.hpp"
#include "agents/load.hpp"
#include "core/files.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

struct Outcome2 {
  RunResult result;
  std::vector<Value> records;
};

Services services() {
  Services made;
  made.model = [](const ModelSpec& spec) -> Outcome<std::shared_ptr<Model>> {
    auto model = open_scripted_model(spec.replies);
    if (!model) return failure_of(model.error());
    return *std::move(model);
  };
  made.tool = [](const ToolSpec&) -> Outcome<std::shared_ptr<Tool>> {
    return Failure{"unsupported", "no tools here"};
  };
  return made;
}

/// The run from its beginning, or from what is left of it.
Outcome2 run(const AgentPtr& agent, const Value& call, const std::vector<Value>& left) {
  const Services world = services();
  Thread thread("t");
  thread.use(agent);
  thread.log = make_memory_log();
  Restorer restorer(thread);
  std::uint64_t number = 0;
  for (const Value& record : left) {
    (void)thread.log->append(record, false);
    restorer.apply(record, ++number);
  }
  restorer.finish();
  std::optional<int> steps;
  if (call.at("steps").is_integer()) steps = static_cast<int>(call.at("steps").integer());
  std::vector<std::string> pauses;
  if (call.at("pause_before").is_list())
    for (const Value& name : call.at("pause_before").items()) pauses.push_back(name.text());
  Session session({.thread = thread, .services = world, .pause_before = pauses, .steps = steps});
  if (left.empty()) {
    const Value& input = call.at("input");
    REQUIRE(session.begin_run(agent, input.is_null() ? Value::map() : input, "r", {}).ok());
  }
  session.go_on();
  return {.result = session.result(), .records = *thread.log->read()};
}

}  // namespace

TEST_CASE("a run that breaks off after any of its writes ends as it would have ended") {
  const Scratch scratch;
  int cuts = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SLIPWAY_TEST_DATA)) {
    if (entry.path().extension() != ".json") continue;
    const std::string name = entry.path().stem().string();
    const Value vector = *parse_json(*read_file(entry.path()));
    const auto folder = scratch.path() / name;
    for (const auto& [file, text] : vector.at("files").entries().items)
      REQUIRE(write_file_atomically(folder / file, text.text()).ok());
    const LoadedAgent loaded = load_agent_file((folder / "agent.yaml").string());
    REQUIRE(loaded.ok());
    const Value& call = vector.at("calls").items().front();
    const Outcome2 whole = run(loaded.agent, call, {});
    // Counted anew after a crash: how many supersteps one call may make. And what only the attempt
    // decides is decided anew where the attempt that failed was not written.
    if (name.starts_with("limit")) continue;
    for (std::size_t cut = 1; cut + 1 < whole.records.size(); ++cut) {
      const std::vector<Value> left(whole.records.begin(),
                                    whole.records.begin() + static_cast<std::ptrdiff_t>(cut));
      bool has_failed = false;
      for (const Value& record : left)
        has_failed = has_failed || record.at("state") == Value("failed");
      if (has_failed) continue;  // The next attempt is another one, as the vectors show.
      const Outcome2 rest = run(loaded.agent, call, left);
      CHECK_MESSAGE(rest.result.status == whole.result.status, name << " cut after " << cut);
      CHECK_MESSAGE(rest.result.state == whole.result.state,
                    name << " cut after " << cut << ": " << dump(rest.result.state)
                         << " instead of " << dump(whole.result.state));
      CHECK_MESSAGE(rest.result.interrupts.size() == whole.result.interrupts.size(), name);
      ++cuts;
    }
  }
  MESSAGE(fmt::format("{} cuts", cuts));
  CHECK(cuts > 300);
}
