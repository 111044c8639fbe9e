#include "app/detail/eval_doors.hpp"

namespace slipway::app::detail {

eval::Doors EvalDoors::doors() {
  eval::Doors doors;
  doors.open_judge = [this](const eval::Suite& suite) { return open_judge(suite); };
  doors.open_embedder = [this](const std::string& name) {
    return open_evidence_embedder(app_, name);
  };
  return doors;
}

Result<std::unique_ptr<eval::ModelJudge>> EvalDoors::open_judge(const eval::Suite& suite) {
  eval::JudgeSpec spec = *suite.judge;
  if (!spec.seed) spec.seed = static_cast<std::int64_t>(suite.seed);
  if (suite.budget) spec.budget = suite.budget;
  return judges_.open(spec, {}, suite.resolve(""));
}

}  // namespace slipway::app::detail
