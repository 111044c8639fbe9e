// Runs agent_vectors (section 15 of the contract) against a runtime. For tests and measurements.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agents/detail/scratch.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "core/files.hpp"

namespace slipway::agents::detail {

struct VectorOutcome {
  int count = 0, passed = 0;
  std::vector<std::string> faults;  ///< "ask-1, call 2: state: expected ..., got ..."
};

struct VectorOptions {
  /// The data folder of a vector's runtime; empty: in memory.
  std::filesystem::path data;
  bool reopens = false;  ///< A runtime of its own for each call, as a process would have.
};

class VectorRun {
 public:
  VectorRun(const Value& vector, const std::filesystem::path& folder, VectorOptions options)
      : vector_(vector), folder_(folder), options_(std::move(options)) {}

  /// Empty: it passes.
  std::string run() {
    for (const auto& [name, text] : vector_.at("files").entries().items)
      if (!write_file_atomically(folder_ / name, text.text())) return "the disk";
    const LoadedAgent loaded = load_agent_file((folder_ / "agent.yaml").string());
    if (!loaded.ok()) return loaded.error().message();
    agent_ = loaded.agent;
    int number = 0;
    for (const Value& call : vector_.at("calls").items()) {
      ++number;
      if (!runtime_ || options_.reopens) {
        runtime_.reset();
        auto opened = Runtime::open({.data = options_.data});
        if (!opened) return opened.error().message();
        runtime_ = *std::move(opened);
      }
      const RunResult result = make_call(call);
      if (!fault_.empty()) return fault_;
      compare(call.at("expect"), result.json());
      if (!fault_.empty()) return fmt::format("call {}: {}", number, fault_);
      if (number == 1 && result.steps) first_steps_ = *result.steps;
      interrupts_ = result.interrupts;
    }
    return "";
  }

 private:
  static std::vector<std::string> words(const Value& list) {
    std::vector<std::string> made;
    if (list.is_list())
      for (const Value& word : list.items()) made.push_back(word.text());
    return made;
  }

  RunResult make_call(const Value& call) {
    const std::string what = call.at("do").text();
    std::optional<int> steps;
    if (call.at("steps").is_integer()) steps = static_cast<int>(call.at("steps").integer());
    if (what == "run") {
      const Value& input = call.at("input");
      return runtime_->run({}, agent_, input.is_null() ? Value::map() : input,
                           {.thread = "t",
                            .pause_before = words(call.at("pause_before")),
                            .pause_after = words(call.at("pause_after")),
                            .steps = steps,
                            .trace = true});
    }
    ResumeOptions options{.steps = steps, .trace = true};
    if (call.at("answers").is_map())
      for (const auto& [node, value] : call.at("answers").entries().items) {
        std::string id;
        for (const Interrupt& interrupt : interrupts_)
          if (interrupt.node == node) id = interrupt.id;
        if (id.empty()) fault_ = fmt::format("nothing waits at '{}'", node);
        options.answers.emplace_back(id, value);
      }
    if (call.at("at").is_integer()) {
      for (const TraceStep& step : first_steps_)
        if (step.step == call.at("at").integer()) options.checkpoint = step.checkpoint;
      if (call.at("at").integer() == 0) options.checkpoint = first_checkpoint();
      if (options.checkpoint.empty()) fault_ = "no such superstep";
    }
    if (const Value* set = call.find("set")) options.set = *set;
    if (call.at("as").is_text()) options.as = call.at("as").text();
    return runtime_->resume({}, "t", options);
  }

  std::string first_checkpoint() {
    const auto history = runtime_->history("t");
    if (!history || history->empty()) return "";
    return history->back().checkpoint;
  }

  void differ(std::string_view what, const Value& expected, const Value& got) {
    if (!fault_.empty() || expected == got) return;
    fault_ = fmt::format("{}: expected {}, got {}", what, dump(expected), dump(got));
  }

  void compare(const Value& expect, const Value& got) {
    for (const std::string key : {"status", "state"})
      if (expect.find(key) != nullptr) differ(key, expect.at(key), got.at(key));
    if (expect.find("error") != nullptr)
      for (const auto& [key, value] : expect.at("error").entries().items)
        differ("error." + key, value, got.at("error").at(key));
    else if (expect.at("status") == Value("done"))
      differ("error", Value(), got.at("error"));
    if (expect.find("interrupts") != nullptr) compare_interrupts(expect.at("interrupts"), got);
    if (expect.find("steps") != nullptr) compare_steps(expect, got);
    if (expect.find("starts") != nullptr) compare_starts(expect.at("starts"), got.at("starts"));
  }

  void compare_interrupts(const Value& expected, const Value& got) {
    std::vector<Value> short_ones;
    for (const Value& interrupt : got.at("interrupts").items())
      short_ones.push_back(
          Value::map({{"node", interrupt.at("node")}, {"value", interrupt.at("value")}}));
    differ("interrupts", expected, Value::list(std::move(short_ones)));
  }

  void compare_steps(const Value& expect, const Value& got) {
    std::vector<Value> steps, values;
    for (const Value& step : got.at("steps").items()) {
      std::vector<Value> tasks;
      for (const Value& task : step.at("tasks").items())
        tasks.emplace_back(
            task.find("index") == nullptr
                ? task.at("node").text()
                : fmt::format("{}[{}]", task.at("node").text(), task.at("index").integer()));
      steps.push_back(Value::list(std::move(tasks)));
      values.push_back(step.at("state"));
    }
    differ("steps", expect.at("steps"), Value::list(std::move(steps)));
    if (expect.find("values") != nullptr)
      differ("values", expect.at("values"), Value::list(std::move(values)));
  }

  /// Of `set` and `llm` nodes only.
  void compare_starts(const Value& expected, const Value& got) {
    for (const auto& [path, count] : expected.entries().items)
      differ("starts of " + path, count, got.at(path));
    for (const auto& [path, count] : got.entries().items) {
      if (expected.find(path) != nullptr || path.find('/') != std::string::npos) continue;
      const auto node = agent_->node(path);
      const std::string_view kind = node ? kind_of(agent_->nodes[*node].body) : "";
      if (kind == "set" || kind == "llm") differ("starts of " + path, Value(), count);
    }
  }

  const Value& vector_;
  const std::filesystem::path folder_;
  const VectorOptions options_;
  AgentPtr agent_;
  std::unique_ptr<Runtime> runtime_;
  std::vector<TraceStep> first_steps_;
  std::vector<Interrupt> interrupts_;
  std::string fault_;
};

/// All of a folder. `place` gives a vector's runtime its data folder; empty: in memory.
inline VectorOutcome run_vectors(
    const std::filesystem::path& vectors,
    const std::function<VectorOptions(const std::string& name)>& place) {
  VectorOutcome outcome;
  const Scratch scratch;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(vectors))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    ++outcome.count;
    const auto text = read_file(file);
    const auto vector = text ? parse_json(*text) : Result<Value>(text.error());
    const std::string name = file.stem().string();
    if (!vector) {
      outcome.faults.push_back(name + ": " + vector.error().message());
      continue;
    }
    VectorRun run(*vector, scratch.path() / name, place ? place(name) : VectorOptions());
    const std::string fault = run.run();
    if (fault.empty())
      ++outcome.passed;
    else
      outcome.faults.push_back(name + ", " + fault);
  }
  return outcome;
}

}  // namespace slipway::agents::detail
