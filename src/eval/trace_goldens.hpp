// Goldens made of traces: what was asked, what came, what was found and called on the way.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "eval/golden.hpp"
#include "trace/feedback.hpp"
#include "trace/store.hpp"

namespace slipway::eval {

/// A passage that a retriever gave: its text and what names it.
struct FoundPassage {
  std::string text, id;
};
/// The documents in a retriever's outputs, best first, however its client writes them: LangChain's
/// page_content, OpenInference's document.content, lists of texts. What names one is its chunk,
/// else its document, path or source.
std::vector<FoundPassage> passages_in(const std::optional<trace::Payload>& outputs);

/// Input and output of the trace's root, passages and ids of its retrievers (of its rerankers,
/// where there are any: their order is the one that was used), tools with arguments and results,
/// latency, cost, trace id; in the metadata `project`, `conversation` (the session) and the root's
/// `name`. Identified. Fails: not_found (the root has not arrived).
Result<Golden> golden_of(const trace::Trace& trace);

/// A run as a case for metrics: as `golden_of`, of the run and what is below it.
Golden golden_of_run(const trace::Run& run, const std::vector<trace::Run>& all);

/// What of a trace's feedback says that it failed: a score below 0.5, an evaluator's error aside;
/// and what a person says that the answer should have been (`correction`), the youngest.
struct FeedbackVerdict {
  bool failed = false;
  std::string reason;  ///< "feedback correctness 0", "error: ..."
  std::optional<std::string> answer;
};
FeedbackVerdict verdict_of(const trace::Trace& trace, const std::vector<trace::Feedback>& feedback);

/// Which traces become goldens.
struct TraceSelection {
  trace::Query query;
  std::optional<std::size_t> sample;  ///< Of those that did not fail, so many; absent: all.
  std::uint64_t seed = 1;
  bool failed = false;  ///< Only those that failed, all of them.
  std::size_t traces_max = 100'000;
  /// Applied to every run before anything of it is used.
  std::function<void(trace::RunPatch&)> redact;
};
struct TraceGoldens {
  std::vector<Golden> goldens;
  std::size_t matched = 0;     ///< Traces that the query finds.
  std::size_t incomplete = 0;  ///< Of them, those without a root.
};
/// Looks through the store. Which traces a sample holds depends on seed and ids alone: more traces
/// displace none but by their own luck. Failed ones are `critical` and tell why in the metadata
/// (`failure`); a person's answer is their `expected_output`. Fails: as the store, invalid_argument
/// (more than `traces_max` match).
Result<TraceGoldens> goldens_of_traces(const Context& context, trace::TraceStore& store,
                                       trace::Feedbacks& feedbacks,
                                       const TraceSelection& selection);

/// What `known` (goldens of a dataset) lacks of `found`: a trace that has a golden there gives no
/// second one; but one without an expected output gets the answer that a person gave meanwhile.
/// Gives goldens to add, with the ids that they have there.
std::vector<Golden> news_of(const std::vector<Golden>& known, std::vector<Golden> found);

}  // namespace slipway::eval
