// One evaluation that a caller asked for, from its start to its end in the store.
#pragma once

#include "api/detail/evaluation_routes.hpp"
#include "api/detail/evaluation_suite.hpp"

namespace slipway::api::detail {

/// What was made of a suite. Its parts may be taken by a job.
struct EvaluationRun {
  std::string id;
  json::Object request;
  eval::Doors doors;  ///< They own what the evaluation borrows.
  std::unique_ptr<eval::Evaluation> evaluation;
  std::optional<eval::EvalResult> baseline;
  datasets::Dataset dataset;
  eval::ExampleIds examples;
};

/// Opens all that it needs, notes it in the store and begins a job. Fails: as `read_sent_suite`, as
/// opening models and collections does, and unavailable (too many jobs wait).
Result<eval::EvaluationInfo> begin_evaluation(const Context& context, const EvaluationDeskPtr& desk,
                                              const json::Value& body);
/// Goes on with one that the end of the program cut off: cases that were done stay done.
Result<void> resume_evaluation(const Context& context, const EvaluationDeskPtr& desk,
                               const eval::EvaluationInfo& info);

}  // namespace slipway::api::detail
