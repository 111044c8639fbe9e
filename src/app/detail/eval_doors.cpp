#include "app/detail/eval_doors.hpp"

#include "app/detail/agent_target.hpp"
#include "app/detail/dataset_door.hpp"
#include "eval/targets.hpp"

namespace slipway::app::detail {

eval::Doors EvalDoors::doors() {
  eval::Doors doors;
  doors.open_judge = [this](const eval::Suite& suite) { return open_judge(suite); };
  doors.open_embedder = [this](const std::string& name) {
    return open_evidence_embedder(app_, name);
  };
  doors.open_target = [this](const eval::Suite& suite) { return open_target(suite); };
  doors.open_dataset = [this](const std::string& name) { return open_dataset(name); };
  return doors;
}

Result<eval::GoldenSet> EvalDoors::open_dataset(const std::string& name) {
  Goldens loaded = TRY(load_goldens(app_, name));
  for (const std::string& note : loaded.notes) app_.note(note);
  eval::GoldenSet set;
  for (eval::Golden& golden : loaded.items) TRY(set.add(std::move(golden)).within(name));
  if (set.size() == 0) return fail(Code::invalid_argument, "the dataset {} is empty", name);
  return set;
}

Result<std::unique_ptr<eval::Target>> EvalDoors::open_target(const eval::Suite& suite) {
  eval::TargetParts parts{.catalog = TRY(app_.catalog())};
  if (suite.target->rag) parts.library = TRY(app_.library());
  parts.agent = [this, &suite](const std::string& name) {
    return open_agent_target(app_, suite.resolve(name));
  };
  return eval::make_target(app_.context(), *suite.target, parts);
}

Result<std::unique_ptr<eval::ModelJudge>> EvalDoors::open_judge(const eval::Suite& suite) {
  eval::JudgeSpec spec = *suite.judge;
  if (!spec.seed) spec.seed = static_cast<std::int64_t>(suite.seed);
  if (suite.budget) spec.budget = suite.budget;
  return judges_.open(spec, {}, suite.resolve(""));
}

}  // namespace slipway::app::detail
