// Suites as callers send them: what they may ask for, and the goldens that they name.
#pragma once

#include "eval/evaluation.hpp"
#include "eval/golden_dataset.hpp"
#include "eval/written_experiment.hpp"
#include "http/schema.hpp"

namespace slipway::api::detail {

/// The JSON of a suite. Seen by schemas; the suite itself is read from the bytes.
struct SuiteBody {
  std::string name, dataset;
  std::optional<std::string> cluster, baseline;
  std::optional<json::Object> target, judge, budget;
  int repeats = 1;
  bool per_item = false;
  std::vector<json::Object> metrics;
  std::vector<std::string> robustness;
  eval::Inconclusive inconclusive = eval::Inconclusive::pass;
  std::optional<std::string> embedder;
  double alpha = 0.05, confidence = 0.95;
  std::uint64_t seed = 1, resamples = 2000;
  static constexpr std::string_view required[] = {"dataset", "metrics"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"maxLength": 200, "description": "Empty: that of the dataset."},
    "dataset": {"minLength": 1, "maxLength": 800, "description":
      "NAME or NAME@version of a stored dataset.", "example": "handbook@release"},
    "cluster": {"maxLength": 200, "description":
      "The key of a golden's metadata that says which items belong together."},
    "baseline": {"maxLength": 128, "description":
      "An evaluation, by id: the gate decides against it."},
    "target": {"description":
      "`{\"rag\": COLLECTION}` or `{\"model\": NAME}`; absent: the goldens hold their outputs.",
      "example": {"rag": "handbook"}},
    "judge": {"description": "`{\"model\": NAME}`; absent: metrics are computed without a model."},
    "budget": {"description": "`{\"usd\": 1.5, \"calls\": 1000}` for the judge."},
    "repeats": {"minimum": 1, "maximum": 100},
    "metrics": {"minItems": 1, "maxItems": 100, "description":
      "`{\"name\": \"faithfulness\", \"threshold\": 0.7}` and the options of that metric.",
      "example": [{"name": "token_f1", "threshold": 0.5}]},
    "robustness": {"maxItems": 20},
    "alpha": {"minimum": 0.0001, "maximum": 0.5}, "confidence": {"minimum": 0.5, "maximum": 0.9999},
    "resamples": {"minimum": 100, "maximum": 100000}}})";
};
BOOST_DESCRIBE_STRUCT(SuiteBody, (),
                      (name, dataset, cluster, baseline, target, judge, budget, repeats, per_item,
                       metrics, robustness, inconclusive, embedder, alpha, confidence, seed,
                       resamples))

/// A suite of a caller, and the goldens that it is over.
struct SentSuite {
  json::Object request;  ///< As it came, with a name.
  eval::Suite suite;     ///< Its dataset is one that no file is called like.
  eval::GoldenSet goldens;
  eval::ExampleIds examples;
  datasets::Dataset dataset;
  std::string version;   ///< The time of its commit.
  std::string baseline;  ///< The id of an evaluation; empty: none.
};

/// Fails: invalid_argument (the suite), not_found (the dataset), forbidden (what reads files, runs
/// programs or asks other machines of this server: the command line does that), conflict (no
/// goldens, or too many).
Result<SentSuite> read_sent_suite(const Context& context, datasets::Datasets& datasets,
                                  const json::Value& body);

}  // namespace slipway::api::detail
