// The tuner of retrieval: variants of splitter, embedder, search and answers over one golden set,
// the best of them by successive halving, and what quality, latency and cost they trade.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "documents/splitters.hpp"
#include "eval/golden.hpp"
#include "eval/metric.hpp"
#include "eval/statistics.hpp"
#include "eval/suite.hpp"
#include "index/index.hpp"

namespace slipway::eval {

/// `sweep:` of a suite whose target is a collection: every list is a dimension; an empty one keeps
/// what the collection has. All combinations are variants.
struct SweepSpec {
  std::vector<documents::SplitterKind> splitter;
  std::vector<std::size_t> chunk_size, chunk_overlap;
  std::vector<std::string> embedder;
  std::vector<index::SearchMode> search;  ///< hybrid, lexical, dense
  std::vector<index::Fusion> fusion;  ///< relative_score, rrf: how hybrid makes one of two lists.
  std::vector<double> dense_weight;   ///< 0..1, of the vectors in hybrid.
  std::vector<std::string> reranker;  ///< "": none.
  std::vector<int> limit;             ///< Passages.
  std::vector<std::string> answer;    ///< extract, generate, auto; empty: only if metrics need it.
  std::vector<std::string> answer_model;
  /// Of generated answers: "answer@3", "answer@production", "builtin".
  std::vector<std::string> prompt;
  std::string quality;     ///< Which metric decides; empty: the first of the suite.
  std::size_t start = 32;  ///< Goldens of the first round.
  double keep = 0.5;       ///< Share of the variants that a round leaves, in (0, 1).
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(SweepSpec, (),
                      (splitter, chunk_size, chunk_overlap, embedder, search, fusion, dense_weight,
                       reranker, limit, answer, answer_model, prompt, quality, start, keep))

/// One point of the grid.
struct SweepVariant {
  std::string embedder;
  documents::SplitterSettings splitter;
  index::SearchMode search = index::SearchMode::hybrid;
  index::Fusion fusion = index::Fusion::relative_score;  ///< Of mode hybrid, as the next one.
  double dense_weight = 0.5;
  std::string reranker;  ///< Empty: none.
  int limit = 8;
  std::string answer;  ///< Empty: passages alone.
  std::string answer_model;
  std::string prompt;  ///< Empty: the usual one.

  /// "markdown 800+0, bge-small, hybrid, 8": what differs between variants is always in it.
  std::string name() const;
  /// Variants with one key share an index.
  std::string index_key() const;
  json::Object settings() const;
};

/// Fails: invalid_argument ("$.sweep.chunk_sizes: unknown key; ...").
Result<SweepSpec> parse_sweep(const json::Object& value);

/// What the grid starts from: the collection as it is.
struct SweepBase {
  std::string embedder;
  documents::SplitterSettings splitter;
  std::string reranker;
  int limit = 8;
  index::SearchMode search = index::SearchMode::hybrid;  ///< As its questions use them now.
  index::Fusion fusion = index::Fusion::relative_score;
  double dense_weight = 0.5;
  std::string prompt, answer, answer_model;  ///< Empty: the usual ones.
};
/// Fusion and weight are dimensions of hybrid searches alone, prompts of generated answers alone.
/// Without combinations that no splitter allows (an overlap as large as the chunk). Fails:
/// invalid_argument (none is left, or more than 500).
Result<std::vector<SweepVariant>> variants_of(const SweepSpec& spec, const SweepBase& base,
                                              bool needs_answers);

/// Answers goldens by a variant. Safe to use from one thread.
class SweepSubject {
 public:
  virtual ~SweepSubject() = default;
  /// Builds what the variant needs, once for all with its index. Fails: the variant is out, with
  /// that reason; cancelled ends the sweep.
  virtual Result<void> prepare(const Context& context, const SweepVariant& variant) = 0;
  /// The golden with passages, ids, latency, cost and, if it is asked for, an answer.
  virtual Result<Golden> answer(const Context& context, const SweepVariant& variant,
                                const Golden& golden) = 0;
};

struct SweepScore {
  std::string metric;
  Interval interval;
};
struct SweepPoint {
  SweepVariant variant;
  std::size_t n = 0;  ///< Goldens that it was asked.
  std::size_t rounds = 0;
  std::size_t errors = 0;
  std::string error;  ///< The first; of a variant that could not be prepared the only one.
  std::vector<SweepScore> scores;  ///< In the order of the metrics.
  double latency_p50_ms = 0, latency_p95_ms = 0;
  double cost_usd = 0;       ///< Per query.
  bool is_final = false;     ///< Was asked all goldens.
  bool is_on_front = false;  ///< None that was asked all is as good, as fast and as cheap.
  bool is_winner = false;
  bool is_base = false;  ///< What the collection is now.
};
struct SweepReport {
  std::vector<SweepPoint> points;  ///< The winner first, then by quality; those left out last.
  std::string quality;
  std::size_t goldens = 0, asked = 0;  ///< `asked`: questions of all variants together.
};

struct SweepOptions {
  std::vector<const Metric*> metrics;  ///< The deciding one is found by its label.
  std::string base;                    ///< Name of the variant that is now; empty: none is.
  std::uint64_t seed = 1;              ///< Which goldens come first.
  Resampling resampling;
  std::optional<std::string> cluster;  ///< Key of the metadata; absent: document, conversation.
  std::function<void(const std::string& variant, std::size_t done, std::size_t all)> on_progress;
};
/// Successive halving: all variants answer the first `start` goldens; the better share and what is
/// now answer twice as many, and so on, until those that are left have answered all. Which goldens
/// come first depends on the seed alone, and every round asks all the same ones, so that variants
/// are compared pair by pair. Fails: invalid_argument (no such metric, no goldens, no variant could
/// be asked), cancelled.
Result<SweepReport> run_sweep(const Context& context, const std::vector<Golden>& goldens,
                              const SweepSpec& spec, std::vector<SweepVariant> variants,
                              SweepSubject& subject, const SweepOptions& options);

json::Value to_json(const SweepReport& report);

}  // namespace slipway::eval
