// What a superstep takes, with and without a store, a task that is sent, an agent that is built, a
// ReAct run; how much is kept of a conversation, and of threads that wait.
//
// Usage: agents_bench [--only NAME] [--repeats N]
//
// Prints JSON: microseconds of wall and processor time (medians of the repeats), bytes.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agents/builder.hpp"
#include "agents/detail/scratch.hpp"
#include "agents/detail/vector_driver.hpp"
#include "agents/host.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "core/files.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

const std::string counting = R"(name: count
limits: {steps: 1000000}
state: {n: {type: int, default: 0}, most: {type: int, default: 0}}
nodes: {a: {set: {n: n + 1}}}
edges:
  - START -> a
  - a -> a: {when: n < most}
  - a -> END: {else: true}
)";

const std::string sending = R"yaml(name: send
limits: {steps: 1000000}
state: {n: {type: int, default: 0}, most: {type: int, default: 0}, sum: {type: int, reduce: sum}}
nodes:
  a: {set: {n: n + 1}}
  b: {set: {sum: x}}
edges:
  - START -> a
  - a -> b: {when: n < most, each: "lists.range(100)", as: x}
  - a -> END: {else: true}
  - b -> a
)yaml";

const std::string talking = R"(name: talk
limits: {steps: 1000}
state: {ms: {type: list, reduce: messages}, n: {type: int, reduce: sum}, text: string}
nodes: {a: {set: {n: "1", ms: "[{'role': 'user', 'content': text + string(n)}]"}}}
edges:
  - START -> a
  - a -> a: {when: n < 200}
  - a -> END: {else: true}
)";

const std::string asking = R"(name: ask
state: {question: string, answer: any}
nodes: {a: {human: {ask: "{{question}}", into: answer}}}
edges: [START -> a, a -> END]
)";

const std::string reacting = R"(name: react
models: {m: {provider: scripted, replies: react.jsonl}}
tools: {calc: {builtin: calculator, effect: pure}}
state: {question: string, answer: string}
nodes: {a: {agent: {model: m, prompt: "{{question}}", tools: [calc], into: answer}}}
edges: [START -> a, a -> END]
)";

const std::string react_replies =
    R"({"turn": 1, "tool_calls": [{"name": "calc", "args": {"expression": "6 * 7"}}]})"
    "\n"
    R"({"text": "It is 42."})"
    "\n";

struct Counting {
  int n = 0, most = 0;
};
BOOST_DESCRIBE_STRUCT(Counting, (), (n, most))

Result<AgentPtr> build() {
  return GraphBuilder<Counting>("count")
      .node("a", [](Counting& c) { ++c.n; })
      .edge("START", "a")
      .edge("a", "a", [](const Counting& c) { return c.n < c.most; })
      .otherwise("a", "END")
      .build();
}

AgentPtr load(const std::string& text) {
  const LoadedAgent loaded = load_agent("bench.yaml", text);
  if (!loaded.ok()) std::fprintf(stderr, "%s\n", loaded.error().message().c_str());
  return loaded.agent;
}

Value most(int steps) { return Value::map({{"most", steps}}); }

void run_one(Runtime& runtime, const AgentPtr& agent, const Value& input, const std::string& thread,
             Status expected = Status::done) {
  const RunResult result = runtime.run({}, agent, input, {.thread = thread});
  if (result.status != expected)
    std::fprintf(stderr, "the run failed: %s\n", dump(result.json()).c_str());
}

double cpu_us() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Each repeat does `count` of them; `prepare` is not measured.
template <typename Act>
Value measure(int repeats, int count, const Act& act) {
  std::vector<double> wall, cpu;
  act();  // Warm.
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const double cpu_begin = cpu_us();
    act();
    cpu.push_back((cpu_us() - cpu_begin) / count);
    wall.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin)
            .count() /
        count);
  }
  return Value::map({{"wall_us", median(wall)}, {"cpu_us", median(cpu)}});
}

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  file >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

std::int64_t size_of(const std::filesystem::path& folder) {
  std::int64_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == ".db")
      sum += static_cast<std::int64_t>(entry.file_size());
  return sum;
}

Value superstep(int repeats) {
  auto memory = *Runtime::open({});
  const AgentPtr agent = load(counting);
  constexpr int steps = 20'000;
  int number = 0;
  return measure(repeats, steps,
                 [&] { run_one(*memory, agent, most(steps), std::to_string(number++)); });
}

Value durable_superstep(int repeats) {
  const detail::Scratch scratch;
  auto disk = *Runtime::open({.data = scratch.path()});
  const AgentPtr agent = load(counting);
  constexpr int steps = 2000;
  int number = 0;
  return measure(repeats, steps,
                 [&] { run_one(*disk, agent, most(steps), std::to_string(number++)); });
}

/// Many threads share commits.
Value group_superstep(int repeats) {
  const detail::Scratch scratch;
  auto disk = *Runtime::open({.data = scratch.path()});
  const AgentPtr agent = load(counting);
  constexpr int threads = 32, steps = 200;
  int number = 0;
  return measure(repeats, threads * steps, [&] {
    std::vector<std::jthread> workers;
    for (int i = 0; i < threads; ++i)
      workers.emplace_back(
          [&, name = std::to_string(number++)] { run_one(*disk, agent, most(steps), name); });
  });
}

Value sent_task(int repeats) {
  auto memory = *Runtime::open({});
  const AgentPtr agent = load(sending);
  constexpr int rounds = 100, sent = 100;
  int number = 0;
  return measure(repeats, rounds * sent,
                 [&] { run_one(*memory, agent, most(rounds + 1), std::to_string(number++)); });
}

Value construct_yaml(int repeats) {
  constexpr int count = 200;
  return measure(repeats, count, [] {
    for (int i = 0; i < count; ++i) (void)load(counting);
  });
}

Value construct_builder(int repeats) {
  constexpr int count = 200;
  return measure(repeats, count, [] {
    for (int i = 0; i < count; ++i)
      if (auto built = build(); !built) std::fprintf(stderr, "%s", built.error().message().c_str());
  });
}

Value construct_react(int repeats) {
  constexpr int count = 200;
  return measure(repeats, count, [] {
    for (int i = 0; i < count; ++i) (void)load(reacting);
  });
}

Value react_run(int repeats) {
  const detail::Scratch scratch;
  (void)write_file_atomically(scratch.path() / "react.jsonl", react_replies);
  const LoadedAgent loaded = load_agent((scratch.path() / "react.yaml").string(), reacting);
  auto memory = *Runtime::open({});
  constexpr int count = 200;
  int number = 0;
  return measure(repeats, count, [&] {
    for (int i = 0; i < count; ++i)
      run_one(*memory, loaded.agent, Value::map({{"question", "What is 6 * 7?"}}),
              std::to_string(number++));
  });
}

Value conversation(int) {
  const detail::Scratch scratch;
  {
    auto disk = *Runtime::open({.data = scratch.path()});
    run_one(*disk, load(talking), Value::map({{"text", std::string(500, 'x')}}), "t");
  }
  return Value::map({{"bytes", size_of(scratch.path())}});
}

Value idle_threads(const std::filesystem::path& data) {
  constexpr int count = 10'000;
  auto runtime = *Runtime::open({.data = data});
  const AgentPtr agent = load(asking);
  const std::int64_t before = resident_bytes();
  for (int i = 0; i < count; ++i)
    run_one(*runtime, agent, Value::map({{"question", "Shall it go out?"}}),
            "thread-" + std::to_string(i), Status::interrupted);
  const std::int64_t after = resident_bytes();
  return Value::map({{"threads", count}, {"added_bytes", after - before}, {"all_bytes", after}});
}

Value idle_in_memory(int) { return idle_threads({}); }
Value idle_on_disk(int) {
  const detail::Scratch scratch;
  return idle_threads(scratch.path());
}

const std::string dozing = R"(name: dozing
state: {question: string}
nodes: {doze: {wait: {for: 24h}}}
edges: [START -> doze, doze -> END]
)";

/// As a server has them: started in the background, each with its run, its events and its timer.
/// `records`: how many a thread has when it waits.
Value idle_in_host(const std::string& yaml, std::uint64_t records) {
  constexpr int count = 10'000;
  const detail::Scratch scratch;
  auto runtime = *Runtime::open({.data = scratch.path()});
  auto host = *Host::open({.runtime = *runtime, .data = scratch.path()});
  if (auto put = host->put_agent("idle", yaml); !put)
    std::fprintf(stderr, "%s\n", put.error().message().c_str());
  const std::int64_t before = resident_bytes();
  std::vector<std::string> threads;
  for (int i = 0; i < count; ++i)
    if (auto run =
            host->start({.agent = "idle", .input = Value::map({{"question", "Shall it go out?"}})}))
      threads.push_back(run->thread);
  // The last may still be on their way.
  const auto waits = [&](const std::string& thread) {
    const auto there = runtime->records(thread);
    return there.ok() && *there >= records;
  };
  for (const std::string& thread : threads)
    while (!waits(thread)) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const std::int64_t after = resident_bytes();
  return Value::map(
      {{"threads", threads.size()}, {"added_bytes", after - before}, {"all_bytes", after}});
}

Value idle_questions(int) { return idle_in_host(asking, 3); }  // run, task, end
Value idle_timers(int) { return idle_in_host(dozing, 2); }     // run, task

/// Of the contract's vectors: `vectors FOLDER`.
int print_vectors(const std::filesystem::path& folder) {
  const detail::VectorOutcome outcome = detail::run_vectors(folder, {});
  std::printf("%s\n",
              dump(Value::map({{"count", outcome.count}, {"passed", outcome.passed}})).c_str());
  for (const std::string& fault : outcome.faults) std::fprintf(stderr, "%s\n", fault.c_str());
  return outcome.passed == outcome.count ? 0 : 1;
}

constexpr struct {
  const char* name;
  Value (*measure)(int repeats);
} cases[] = {{"superstep", superstep},
             {"superstep_durable", durable_superstep},
             {"superstep_durable_group", group_superstep},
             {"sent_task", sent_task},
             {"construct_yaml", construct_yaml},
             {"construct_builder", construct_builder},
             {"construct_react", construct_react},
             {"react_run", react_run},
             {"conversation", conversation},
             {"idle_memory", idle_in_memory},
             {"idle_durable", idle_on_disk},
             {"idle_host_questions", idle_questions},
             {"idle_host_timers", idle_timers}};

}  // namespace

int main(int count, char** words) {
  std::string only;
  int repeats = 5;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view word = words[i];
    if (word == "--vectors") return print_vectors(words[i + 1]);
    if (word == "--only") only = words[i + 1];
    if (word == "--repeats") repeats = std::max(1, std::atoi(words[i + 1]));
  }
  Value report = Value::map();
  for (const auto& each : cases)
    if (only.empty() || only == each.name) report.put(each.name, each.measure(repeats));
  std::printf("%s\n", dump(report).c_str());
  return 0;
}
