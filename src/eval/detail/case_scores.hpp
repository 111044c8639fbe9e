// One case: its golden, its repeats, its scores, and the line that remembers it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/runner.hpp"

namespace slipway::eval::detail {

struct CaseScores {
  std::vector<ItemScore> scores;    ///< In the order of the metrics.
  std::string details;              ///< JSON; see Details.
  std::vector<std::string> errors;  ///< One per failed metric or target.
  bool budget_spent = false;
};

struct Case {
  std::size_t item = 0;
  const NamedPerturb* perturbation = nullptr;  ///< Null: the golden as it is.
  bool with_details = true;
};
/// Fails: cancelled, deadline_exceeded.
Result<CaseScores> score_case(const Context& context, const RunParts& parts, const Case& which);

/// A line of the journal, and the reverse; nothing: it is no line of `metrics` scores.
std::string journal_line(std::size_t number, const CaseScores& scores);
std::optional<std::pair<std::size_t, CaseScores>> parse_journal_line(std::string_view line,
                                                                     std::size_t metrics);

}  // namespace slipway::eval::detail
