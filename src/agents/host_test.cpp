#include "agents/host.hpp"

#include <set>
#include <thread>

#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const std::string counting = R"(name: v
input: [n]
state: {n: {type: int, reduce: sum}, done: bool}
nodes:
  a: {set: {n: "1"}}
  b: {set: {done: "true"}}
edges: [START -> a, a -> b, b -> END]
)";
const std::string asking = R"(name: v
state: {x: any}
nodes: {ask: {human: {ask: "Well?", into: x, timeout: 1h, on_timeout: {value: nobody}}}}
edges: [START -> ask, ask -> END]
)";
const std::string sleeping = R"(name: v
state: {x: any}
nodes: {doze: {wait: {for: 1h}}, wake: {set: {x: "'up'"}}}
edges: [START -> doze, doze -> wake, wake -> END]
)";
const std::string working = R"(name: v
state: {x: any}
tools: {t: {command: [x], effect: idempotent}}
nodes: {go: {tool: {use: t, args: {}, into: x}}}
edges: [START -> go, go -> END]
)";

/// A host over a world.
struct House {
  World world;
  std::unique_ptr<Host> host;

  explicit House(bool is_durable = true) : world(is_durable) { open(); }
  ~House() { host.reset(); }
  void open() {
    Host::Options options{.runtime = *world.runtime, .workers = 4, .clock = world.clock};
    if (world.is_durable) options.data = world.scratch.path() / "data";
    auto opened = Host::open(std::move(options));
    const std::string why = opened ? "" : opened.error().message();
    REQUIRE_MESSAGE(opened.ok(), why);
    host = *std::move(opened);
  }
  void reopen() {
    host.reset();
    world.reopen();
    open();
  }
  void put(const std::string& name, const std::string& yaml) {
    const auto info = host->put_agent(name, yaml);
    const std::string why = info ? "" : info.error().message();
    REQUIRE_MESSAGE(info.ok(), why);
  }
  RunInfo start(const std::string& agent, const std::string& thread = "",
                Multitask multitask = Multitask::reject, const std::string& input = "{}") {
    auto run = host->start(
        {.agent = agent, .thread = thread, .input = *parse_json(input), .multitask = multitask});
    const std::string why = run ? "" : run.error().message();
    REQUIRE_MESSAGE(run.ok(), why);
    return *run;
  }
  RunResult wait(const RunInfo& run) {
    auto result = host->wait(Context().with_timeout(std::chrono::seconds(60)), run.id);
    const std::string why = result ? "" : result.error().message();
    REQUIRE_MESSAGE(result.ok(), why);
    return *std::move(result);
  }
  /// Until it stands at its timer.
  void wait_for_sleep(const RunInfo& run) {
    const auto sleeps = [&] {
      const auto state = host->state(run.thread);
      return state.ok() && state->find("wakes_ms") != nullptr;
    };
    for (int i = 0; i < 6000 && !sleeps(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::vector<Event> events(const RunInfo& run, std::uint64_t seen = 0) {
    std::vector<Event> all;
    for (;;) {
      auto event = host->next_event(Context().with_timeout(std::chrono::seconds(60)), run.thread,
                                    run.id, seen);
      const std::string why = event ? "" : event.error().message();
      REQUIRE_MESSAGE(event.ok(), why);
      if (!*event) return all;
      seen = (*event)->id;
      all.push_back(**std::move(event));
    }
  }
};

std::string types(const std::vector<Event>& events) {
  std::string told;
  for (const Event& event : events) told += event.type + " ";
  return told;
}

}  // namespace

TEST_CASE("an agent is put by name, run in the background, and its run is kept") {
  House house;
  house.put("counter", counting);
  const RunInfo run = house.start("counter", "", Multitask::reject, R"({"n": 5})");
  const RunResult result = house.wait(run);
  CHECK(result.status == Status::done);
  CHECK(result.state.at("n") == Value(6));
  CHECK(house.host->run(run.id)->status == RunStatus::done);
  CHECK(house.host->thread(run.thread)->agent == "counter");
  house.reopen();
  CHECK(house.host->run(run.id)->status == RunStatus::done);
  const auto kept = house.host->result(run.id);
  REQUIRE(kept.ok());
  CHECK(dump(kept->json()) == dump(result.json()));
  CHECK(house.host->agents()->size() == 1);
  CHECK(house.host->remove_agent("counter").ok());
  CHECK(house.host->agent("counter").error().code() == Code::not_found);
}

TEST_CASE("what cannot be run is refused at once, with what is wrong") {
  House house;
  CHECK(house.host->put_agent("a b", counting).error().code() == Code::invalid_argument);
  CHECK(house.host->put_agent("a", "name: 3\nnods: {}").error().code() == Code::invalid_argument);
  CHECK(house.host->start({.agent = "nobody"}).error().code() == Code::not_found);
  house.put("counter", counting);
  const auto wrong = house.host->start({.agent = "counter", .input = *parse_json(R"({"m": 1})")});
  REQUIRE(!wrong.ok());
  CHECK(wrong.error().code() == Code::invalid_argument);
  CHECK(wrong.error().message().find("'m'") != std::string::npos);
}

TEST_CASE("events tell a run from its beginning to its end, and come again under the same ids") {
  House house;
  house.put("counter", counting);
  const RunInfo run = house.start("counter");
  (void)house.wait(run);
  const std::vector<Event> live = house.events(run);
  CHECK(types(live) ==
        "run.started step.started task.started task.finished step.finished "
        "step.started task.started task.finished step.finished run.finished ");
  for (std::size_t i = 1; i < live.size(); ++i) CHECK(live[i - 1].id < live[i].id);
  CHECK(live[4].data.at("state").at("n") == Value(1));
  CHECK(live.back().data.at("status") == Value("done"));
  house.reopen();
  const std::vector<Event> again = house.events(run);
  CHECK(types(again) == types(live));
  std::set<std::uint64_t> ids;
  for (const Event& event : live) ids.insert(event.id);
  CHECK(ids.contains(again.front().id));
  CHECK(ids.contains(again.back().id));
  CHECK(types(house.events(run, live[4].id)).find("run.finished") != std::string::npos);
}

TEST_CASE("a run that waits for a person is answered, under its own id or another") {
  House house;
  house.put("ask", asking);
  for (const std::string other : {"", "another"}) {
    const RunInfo run = house.start("ask");
    RunResult result = house.wait(run);
    REQUIRE(result.status == Status::interrupted);
    CHECK(house.host->thread(run.thread)->status == ThreadStatus::interrupted);
    house.reopen();
    const std::string id = result.interrupts[0].id;
    const auto wrong = house.host->start(
        {.thread = run.thread, .resume = ResumeOptions{.answers = {{"i_0", Value(1)}}}});
    CHECK(wrong.error().code() == Code::invalid_argument);
    const auto on = house.host->start({.thread = run.thread,
                                       .options = {.run = other},
                                       .resume = ResumeOptions{.answers = {{id, Value("yes")}}}});
    REQUIRE(on.ok());
    CHECK(on->id == (other.empty() ? run.id : other));
    result = house.wait(*on);
    CHECK(result.status == Status::done);
    CHECK(result.run == on->id);
    CHECK(result.state.at("x") == Value("yes"));
    CHECK(types(house.events(*on)).ends_with("run.finished "));
  }
}

TEST_CASE("a run is answered again within the same millisecond") {
  House house;
  house.put("twice", R"(name: v
state: {x: any, y: any}
nodes: {a: {human: {ask: "First?", into: x}}, b: {human: {ask: "Then?", into: y}}}
edges: [START -> a, a -> b, b -> END]
)");
  const RunInfo run = house.start("twice");
  RunResult result = house.wait(run);
  for (const std::string answer : {"one", "two"}) {
    REQUIRE(result.status == Status::interrupted);
    const std::string id = result.interrupts[0].id;
    const auto on = house.host->start(
        {.thread = run.thread, .resume = ResumeOptions{.answers = {{id, Value(answer)}}}});
    REQUIRE(on.ok());
    result = house.wait(*on);
  }
  CHECK(result.status == Status::done);
  CHECK(result.state.at("x") == Value("one"));
  CHECK(result.state.at("y") == Value("two"));
}

TEST_CASE("who is not answered in time goes on without, after a restart too") {
  House house;
  house.put("ask", asking);
  for (const bool reopens : {false, true}) {
    const RunInfo run = house.start("ask");
    CHECK(house.wait(run).status == Status::interrupted);
    if (reopens) house.reopen();
    house.world.clock.advance(std::chrono::hours(2));
    for (int i = 0; i < 3000 && house.host->run(run.id)->status != RunStatus::done; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(house.host->result(run.id)->state.at("x") == Value("nobody"));
  }
}

TEST_CASE("ten thousand threads wait without a thread of the system, and wake by themselves") {
  House house(false);
  house.put("sleep", sleeping);
  constexpr int count = 10'000;
  std::vector<RunInfo> runs;
  for (int i = 0; i < count; ++i) {
    runs.push_back(house.start("sleep", "", Multitask::enqueue));
    if (i % 1000 == 999) std::this_thread::yield();
  }
  for (const RunInfo& run : runs) house.wait_for_sleep(run);
  CHECK(house.host->run(runs.front().id)->status == RunStatus::running);
  house.world.clock.advance(std::chrono::hours(2));
  for (const RunInfo& run : runs) CHECK(house.wait(run).state.at("x") == Value("up"));
}

TEST_CASE("a thread that waits for its time is out of mind, and answers as if it were not") {
  House house;
  house.put("sleep", sleeping);
  house.put("counter", counting);
  constexpr int count = 520;  // More than there are slots for threads that rest.
  std::vector<RunInfo> runs;
  for (int i = 0; i < count; ++i) runs.push_back(house.start("sleep"));
  for (const RunInfo& run : runs) house.wait_for_sleep(run);
  for (int i = 0; i < 260; ++i) runs.push_back(house.start("counter"));
  for (int i = count; i < count + 260; ++i) house.wait(runs[static_cast<std::size_t>(i)]);

  Host& host = *house.host;
  CHECK(host.run(runs[0].id)->status == RunStatus::running);
  CHECK(host.thread(runs[0].thread)->status == ThreadStatus::busy);
  CHECK(host.result(runs[1].id).error().code() == Code::conflict);
  CHECK(host.remove_run(runs[2].id).error().code() == Code::conflict);
  CHECK(host.remove_thread(runs[3].thread).error().code() == Code::conflict);
  CHECK(host.start({.agent = "sleep", .thread = runs[4].thread}).error().code() == Code::conflict);
  CHECK(host.cancel({}, runs[5].id)->status == RunStatus::cancelled);
  const RunInfo after = house.start("counter", runs[6].thread, Multitask::enqueue);
  const RunInfo instead = house.start("counter", runs[7].thread, Multitask::interrupt);
  CHECK(house.wait(instead).status == Status::done);
  CHECK(host.run(runs[7].id)->status == RunStatus::cancelled);
  const auto first = host.next_event({}, runs[8].thread, runs[8].id, 0);
  REQUIRE(first.ok());
  CHECK((*first)->type == "run.started");
  house.reopen();
  CHECK(house.host->run(runs[9].id)->status == RunStatus::running);
  CHECK(house.host->cancel({}, runs[9].id)->status == RunStatus::cancelled);
  CHECK(house.host->run(after.id)->status == RunStatus::pending);

  house.world.clock.advance(std::chrono::hours(2));
  for (std::size_t i = 0; i < count; ++i) {
    if (i == 5 || i == 7 || i == 9) continue;
    const RunResult result = house.wait(runs[i]);
    CHECK(result.status == Status::done);
    CHECK(result.state.at("x") == Value("up"));
  }
  CHECK(house.wait(after).state.at("n") == Value(1));
  CHECK(types(house.events(runs[10])).ends_with("run.finished "));
}

TEST_CASE("a timer outlives the process") {
  House house;
  house.put("sleep", sleeping);
  const RunInfo run = house.start("sleep");
  house.wait_for_sleep(run);
  house.reopen();
  CHECK(house.host->run(run.id)->status == RunStatus::running);
  CHECK(house.host->start({.agent = "sleep", .thread = run.thread}).error().code() ==
        Code::conflict);
  house.world.clock.advance(std::chrono::hours(2));
  CHECK(house.wait(run).status == Status::done);
  const RunInfo other = house.start("sleep");
  CHECK(house.host->cancel({}, other.id)->status == RunStatus::cancelled);
}

TEST_CASE("a second run of a thread is refused, waits, or takes the place of the first") {
  House house;
  std::atomic<int> held{0};
  std::atomic<bool> is_open{false};
  house.world.tool->act = [&](int call, const Value&) {
    ++held;
    for (int i = 0; i < 6000 && !is_open; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return ToolResult::done(call);
  };
  house.put("work", working);
  const RunInfo first = house.start("work", "t");
  while (held == 0) std::this_thread::yield();
  CHECK(house.host->start({.agent = "work", .thread = "t"}).error().code() == Code::conflict);
  const RunInfo second = house.start("work", "t", Multitask::enqueue);
  CHECK(house.host->run(second.id)->status == RunStatus::pending);
  is_open = true;
  CHECK(house.wait(first).state.at("x") == Value(1));
  CHECK(house.wait(second).state.at("x") == Value(2));

  is_open = false;
  held = 0;
  const RunInfo third = house.start("work", "t");
  while (held == 0) std::this_thread::yield();
  const RunInfo fourth = house.start("work", "t", Multitask::rollback);
  is_open = true;
  CHECK(house.wait(fourth).status == Status::done);
  CHECK(house.host->run(third.id).error().code() == Code::not_found);
  CHECK(house.host->runs("t", 10, 0)->size() == 3);
}

TEST_CASE("a cancelled run ends where it is; with rollback the thread is as it was") {
  House house;
  house.put("counter", counting);
  house.put("ask", asking);
  const RunInfo run = house.start("ask", "t");
  CHECK(house.wait(run).status == Status::interrupted);
  CHECK(house.host->cancel({}, run.id)->status == RunStatus::cancelled);
  CHECK(house.host->thread("t")->status == ThreadStatus::idle);
  const RunInfo counted = house.start("counter", "u");
  CHECK(house.wait(counted).state.at("n") == Value(1));
  const RunInfo more = house.start("counter", "u");
  CHECK(house.wait(more).state.at("n") == Value(2));
  CHECK(house.host->cancel({}, more.id, true).ok());
  CHECK(house.host->state("u")->at("state").at("n") == Value(1));
  house.reopen();
  CHECK(house.host->state("u")->at("state").at("n") == Value(1));
  CHECK(house.wait(house.start("counter", "u")).state.at("n") == Value(2));
}

TEST_CASE("a removed thread's input stands nowhere on disk, of what waited to run neither") {
  House house;
  house.put("asking", with(asking, "{x: any}", "{x: any, said: string}"));
  const auto stands = [&](const std::string& text) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(house.world.scratch.path() / "data"))
      if (entry.is_regular_file() && read_file(entry.path())->find(text) != std::string::npos)
        return true;
    return false;
  };
  CHECK(house.wait(house.start("asking", "t", Multitask::reject, R"({"said": "a-quiet-word"})"))
            .status == Status::interrupted);
  CHECK(stands("a-quiet-word"));
  REQUIRE(house.host->remove_thread("t").ok());
  CHECK(!stands("a-quiet-word"));
}

TEST_CASE("threads are found, copied and removed") {
  House house;
  house.put("counter", counting);
  REQUIRE(house.host->create_thread("counter", "a", {{"who", "me"}}).ok());
  CHECK(house.host->create_thread("counter", "a", {}).error().code() == Code::conflict);
  CHECK(house.host->create_thread("nobody", "b", {}).error().code() == Code::not_found);
  CHECK(house.wait(house.start("", "a")).state.at("n") == Value(1));
  const auto copy = house.host->copy_thread("a");
  REQUIRE(copy.ok());
  CHECK(house.wait(house.start("", copy->id)).state.at("n") == Value(2));
  CHECK(house.host->state("a")->at("state").at("n") == Value(1));
  CHECK(house.host->threads({})->size() == 2);
  CHECK(house.host->threads({.metadata = {{"who", "you"}}})->empty());
  REQUIRE(house.host->remove_thread("a").ok());
  CHECK(house.host->thread("a").error().code() == Code::not_found);
  CHECK(house.host->threads({.metadata = {{"who", "me"}}})->size() == 1);
}

TEST_CASE(
    "a tool that is exposed runs as an agent of its own, with approvals and after a restart") {
  House house;
  house.put("work", R"(name: v
state: {x: any}
budget: {calls: 5, on_exceed: finish, finish: end}
tools:
  low: {command: [x], effect: pure, expose: true, description: Looks, schema: {n: int}}
  high: {command: [x], effect: idempotent, risk: high, expose: true, approve: true}
  other: {command: [x], effect: pure}
nodes: {go: {tool: {use: other, args: {}, into: x}}, end: {set: {x: "1"}}}
edges: [START -> go, go -> end, end -> END]
)");
  const auto info = house.host->agent("work/low");
  REQUIRE(info.ok());
  CHECK(info->description == "Looks");
  CHECK(house.host->agent("work/other").error().code() == Code::not_found);
  CHECK(house.host->agent("work/none").error().code() == Code::not_found);
  CHECK(house.host->agent("none/low").error().code() == Code::not_found);
  CHECK(house.host->put_agent("work/low", counting).error().code() == Code::invalid_argument);
  CHECK(house.host->agents()->size() == 1);

  const std::string input = R"({"arguments": {"n": 3}})";
  const RunResult low = house.wait(house.start("work/low", "", Multitask::reject, input));
  CHECK(low.status == Status::done);
  CHECK(dump(low.output) == R"({"value":{"n":3}})");
  const RunResult wrong = house.wait(
      house.start("work/low", "", Multitask::reject, R"({"arguments": {"n": "three"}})"));
  CHECK(wrong.status == Status::failed);
  REQUIRE(wrong.error);
  CHECK(wrong.error->kind == "schema");

  const RunInfo asked = house.start("work/high", "t", Multitask::reject, input);
  const RunResult waits = house.wait(asked);
  REQUIRE(waits.status == Status::interrupted);
  CHECK(waits.interrupts.front().kind == "approval");
  CHECK(house.world.tool->calls == 1);
  house.reopen();
  StartRun resumed{.agent = "work/high", .thread = "t", .resume = ResumeOptions{}};
  resumed.resume->answers.emplace_back(waits.interrupts.front().id, Value("approve"));
  const auto run = house.host->start(std::move(resumed));
  REQUIRE(run.ok());
  CHECK(house.wait(*run).status == Status::done);
  CHECK(house.world.tool->calls == 2);
}
