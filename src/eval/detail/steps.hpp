// Questions that many metrics ask alike.
#pragma once

#include <initializer_list>

#include "eval/detail/case.hpp"

namespace slipway::eval {

/// The texts of the reply's list that is named like the step, or `key`. Fails: as `Case::ask`.
Result<std::vector<std::string>> ask_texts(Case& at, std::string_view step, json::Object values,
                                           std::string_view key = "");
/// The same of a step that no formula uses: empty where nobody knows.
Result<std::vector<std::string>> ask_unused_texts(Case& at, std::string_view step,
                                                  json::Object values);

/// Verdicts of the list `key`, each 0 or 1 by its member `flag_key`. As many as are given.
Result<std::vector<JudgeVerdict>> ask_flags(Case& at, std::string_view step, json::Object values,
                                            std::string_view key,
                                            std::string_view flag_key = "verdict");
/// The same of step and list "verdicts", exactly `n`.
Result<std::vector<JudgeVerdict>> ask_all_flags(Case& at, json::Object values, std::size_t n);

/// Verdicts as deepeval reads them: what is outside `words` is dropped, a missing list is empty.
Result<std::vector<JudgeVerdict>> ask_deepeval(Case& at, json::Object values,
                                               std::initializer_list<std::string_view> words);
/// passed/n, or `empty` if there is no verdict.
Score deepeval_share(double passed, const std::vector<JudgeVerdict>& verdicts, double empty,
                     std::vector<ScoredItem> items);

double count(const std::vector<JudgeVerdict>& verdicts,
             std::initializer_list<std::string_view> words);
double count_true(const std::vector<JudgeVerdict>& verdicts);
/// Sum over relevant ranks of precision at that rank / (relevant + `smoothing`); 0 without one.
double average_precision_of(const std::vector<bool>& relevant, double smoothing = 0);
std::vector<bool> flags_of(const std::vector<JudgeVerdict>& verdicts);

}  // namespace slipway::eval
