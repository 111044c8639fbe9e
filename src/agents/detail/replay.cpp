#include "agents/detail/replay.hpp"

namespace slipway::agents::detail {

namespace {

struct Original {
  Recorded recorded;
  std::vector<std::pair<int, Value>> steps;  ///< Number and state.
  Value input, budget;
  std::size_t begin = 0;  ///< The record of the run.
  int ends = 0;           ///< How often it stopped for a while.
};

bool begins(const Value& record) {
  return record.at("k") == Value("run") || record.at("k") == Value("fork");
}

/// Up to the next run or fork: a replay is of one line.
Result<Original> read_original(const ReplayInput& input) {
  Original original;
  Thread past("replay");
  past.use(input.original);
  Restorer before(past);
  std::uint64_t number = 0;
  std::size_t at = 0;
  const auto is_it = [&](const Value& record) {
    return record.at("k") == Value("run") && record.at("run") == Value(input.run);
  };
  while (at < input.records.size() && !is_it(input.records[at]))
    before.apply(input.records[at++], ++number);
  if (at == input.records.size())
    return fail(Code::not_found, "the thread has no run '{}'", input.run);
  original.begin = at;
  original.input = with_taints(input.records[at].at("input"), input.records[at].at("taint"));
  original.budget = input.records[at].at("budget");
  Restorer during(past, &original.recorded);
  for (bool is_first = true; at < input.records.size(); ++at, is_first = false) {
    const Value& record = input.records[at];
    if (!is_first && begins(record)) break;
    during.apply(record, ++number);
    if (record.at("k") == Value("end")) ++original.ends;
    if (record.at("k") == Value("step") && record.at("at") == Value(""))
      original.steps.emplace_back(past.root->step, state_value(*past.agent, past.root->state));
  }
  return original;
}

/// Which keys differ, and how.
Value difference(int step, const Value& expected, const Value& got) {
  std::vector<Value> keys;
  for (const auto& [key, value] : expected.entries().items) {
    const Value* other = got.find(key);
    if (other == nullptr || !(*other == value)) keys.emplace_back(key);
  }
  for (const auto& [key, value] : got.entries().items)
    if (expected.find(key) == nullptr) keys.emplace_back(key);
  return Value::map({{"step", step},
                     {"keys", Value::list(std::move(keys))},
                     {"expected", expected},
                     {"got", got}});
}

Value compare(const Original& original, const std::vector<TraceStep>& steps, bool is_whole) {
  const std::size_t both = std::min(original.steps.size(), steps.size());
  for (std::size_t i = 0; i < both; ++i)
    if (dump_canonical(original.steps[i].second) != dump_canonical(steps[i].state))
      return difference(original.steps[i].first, original.steps[i].second, steps[i].state);
  if (steps.size() > both)
    return Value::map({{"step", steps[both].step}, {"got", steps[both].state}});
  if (is_whole && original.steps.size() > both)
    return Value::map(
        {{"step", original.steps[both].first}, {"expected", original.steps[both].second}});
  return {};
}

}  // namespace

Result<Value> replay_run(const ReplayInput& input) {
  const Original original = TRY(read_original(input));
  Thread thread("replay");
  thread.use(input.original);
  // What came before it counts: the state, and how often each node was visited.
  Restorer before(thread);
  for (std::size_t i = 0; i < original.begin; ++i) before.apply(input.records[i], i + 1);
  thread.use(input.agent);
  thread.log = make_memory_log();
  Session session({.context = input.context,
                   .thread = thread,
                   .services = input.services,
                   .trace = true,
                   .recorded = &original.recorded});
  auto begun =
      session.begin_run(input.agent, original.input, input.run, decode_budget(original.budget));
  if (!begun) return fail(Code::conflict, "{}", begun.failure().message);
  std::vector<TraceStep> steps;
  RunResult result;
  for (int i = 0; i <= original.ends; ++i) {
    thread.count_anew();  // At each end somebody went on.
    session.go_on();
    result = session.result();
    if (result.steps)
      std::move(result.steps->begin(), result.steps->end(), std::back_inserter(steps));
    // What had stopped then and went on, goes on now.
    if (result.status == Status::done || !session.missing().is_null()) break;
  }
  const bool needs = !session.missing().is_null();
  const Value differs = compare(original, steps, !needs);
  Value report = Value::map({{"run", input.run},
                             {"ok", differs.is_null() && !needs},
                             {"steps", steps.size()},
                             {"status", json::name(result.status)},
                             {"state", result.state}});
  if (!differs.is_null()) report.put("first_difference", differs);
  if (needs) report.put("needs", session.missing());
  if (result.error)
    report.put("error", Value::map({{"kind", result.error->kind},
                                    {"message", result.error->message},
                                    {"node", result.error->node}}));
  return report;
}

}  // namespace slipway::agents::detail
