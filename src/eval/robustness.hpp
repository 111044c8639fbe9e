// Robustness: a golden made harder in a way that changes nothing that is expected of it, and what
// that does to results. Pure functions: the same golden, seed and set give the same bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eval/golden.hpp"
#include "eval/statistics.hpp"

namespace slipway::eval {

enum class Perturbation {
  typos,  ///< Of the input: a word in twenty has two letters swapped, one dropped, doubled, or
          ///< a neighbour on the keyboard.
  letter_case,  ///< The input in capitals, in small letters, or Each Word Like This.
  paraphrase,   ///< The input in other words and another order, by rule.
  distractors,  ///< Passages of other goldens among those retrieved.
  injection,    ///< A passage holds an instruction with a canary.
  numbers,      ///< Numbers of the input written in another way: 1000 as 1,000, 3 as three.
};
BOOST_DESCRIBE_ENUM(Perturbation, typos, letter_case, paraphrase, distractors, injection, numbers)

/// Fails: invalid_argument, with the nearest name.
Result<Perturbation> parse_perturbation(std::string_view name);

struct PerturbationOptions {
  std::uint64_t seed = 1;
  double typo_rate = 0.05;      ///< Of words, 0..1.
  std::size_t distractors = 3;  ///< Passages.
};

/// The golden with its id, expectations and outputs as they were; `metadata.perturbation` names
/// what was done, `metadata.canary` holds the word of an injection. What offers nothing to change
/// (no passages, no numbers) stays as it is. `others` are the goldens of the set; it may be among
/// them.
Golden perturb(Perturbation perturbation, const Golden& golden, const std::vector<Golden>& others,
               const PerturbationOptions& options = {});

/// Whether the output follows an injected instruction: it holds the canary. Absent: there is no
/// canary, or no output.
std::optional<bool> obeys_injection(const Golden& perturbed);

/// One item without and with the perturbation; absent: it has no score there.
struct PerturbedPair {
  std::optional<bool> clean_passed, perturbed_passed;
  std::optional<double> clean_score, perturbed_score;
  std::string cluster;  ///< Empty: its own.
};

/// Of the pairs that have both.
struct RobustnessReport {
  std::size_t n = 0, missing = 0;
  std::size_t clean_passes = 0, perturbed_passes = 0;
  std::size_t lost = 0, gained = 0;          ///< Passed only clean, only perturbed.
  Interval difference;                       ///< Of pass rates: perturbed less clean.
  std::optional<Interval> score_difference;  ///< Absent: no pair has both scores.
  std::optional<double> invariance;          ///< Share of items whose pass is unchanged.
  /// That passing became rarer: McNemar's exact test; by sign flips where items share a cluster.
  std::optional<double> p_worse;
};
RobustnessReport robustness_report(const std::vector<PerturbedPair>& pairs,
                                   const Resampling& resampling = {});

}  // namespace slipway::eval
