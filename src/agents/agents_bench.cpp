// What a superstep takes, with and without a store, and how much is kept of a conversation.
//
// Usage: agents_bench [--json]
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "agents/detail/scratch.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"

using namespace slipway;
using namespace slipway::agents;

namespace {

using Time = std::chrono::steady_clock;

double us_since(Time::time_point begin) {
  return std::chrono::duration<double, std::micro>(Time::now() - begin).count();
}

const std::string counting = R"(name: count
limits: {steps: 1000000}
state: {n: {type: int, default: 0}, most: {type: int, default: 0}}
nodes: {a: {set: {n: n + 1}}}
edges:
  - START -> a
  - a -> a: {when: n < most}
  - a -> END: {else: true}
)";

const std::string talking = R"(name: talk
limits: {steps: 1000}
state: {ms: {type: list, reduce: messages}, n: {type: int, reduce: sum}, text: string}
nodes: {a: {set: {n: "1", ms: "[{'role': 'user', 'content': text + string(n)}]"}}}
edges:
  - START -> a
  - a -> a: {when: n < 200}
  - a -> END: {else: true}
)";

AgentPtr load(const std::string& text) {
  const LoadedAgent loaded = load_agent("bench.yaml", text);
  if (!loaded.ok()) std::fprintf(stderr, "%s\n", loaded.error().message().c_str());
  return loaded.agent;
}

Value most(int steps) { return Value::map({{"most", steps}}); }

double per_step(Runtime& runtime, const AgentPtr& agent, int steps, const std::string& thread) {
  const auto begin = Time::now();
  const RunResult result = runtime.run({}, agent, most(steps), {.thread = thread});
  if (result.status != Status::done) std::fprintf(stderr, "the run failed\n");
  return us_since(begin) / steps;
}

std::uintmax_t size_of(const std::filesystem::path& folder) {
  std::uintmax_t sum = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().extension() == ".db") sum += entry.file_size();
  return sum;
}

}  // namespace

int main() {
  const AgentPtr agent = load(counting);
  Value report = Value::map();
  constexpr int builds = 200;
  auto begin = Time::now();
  for (int i = 0; i < builds; ++i) (void)load(counting);
  report.put("construct_us", us_since(begin) / builds);
  {
    auto memory = *Runtime::open({});
    (void)per_step(*memory, agent, 1000, "warm");
    report.put("superstep_us_no_store", per_step(*memory, agent, 20'000, "t"));
  }
  {
    const detail::Scratch scratch;
    auto disk = *Runtime::open({.data = scratch.path()});
    report.put("superstep_us_durable_one_thread", per_step(*disk, agent, 2000, "one"));
    constexpr int threads = 32, steps = 500;
    begin = Time::now();
    {
      std::vector<std::jthread> workers;
      for (int i = 0; i < threads; ++i)
        workers.emplace_back([&, i] { (void)per_step(*disk, agent, steps, std::to_string(i)); });
    }
    report.put("superstep_us_durable_group", us_since(begin) / (threads * steps));
  }
  {
    const detail::Scratch scratch;
    {
      auto disk = *Runtime::open({.data = scratch.path()});
      (void)disk->run({}, load(talking), Value::map({{"text", std::string(500, 'x')}}),
                      {.thread = "t"});
    }
    report.put("bytes_of_200_messages", size_of(scratch.path()));
  }
  std::printf("%s\n", dump(report).c_str());
  return 0;
}
