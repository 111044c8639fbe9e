// The commands of `slipway eval dataset`. See commands.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/app.hpp"

namespace slipway::app {

/// What is empty is not asked for.
struct EvalDatasetOptions {
  std::vector<std::string> words;  ///< What stands without a dash.
  std::string name;                ///< Of a dataset.
  std::string format;              ///< "jsonl", "csv", "deepeval", "ragas", "langsmith" ...
  std::string output;              ///< A file; empty: standard output.
  std::string alias;
  std::string id;
  bool replace = false;
  int limit = 10;
};
struct EvalTracesOptions {
  std::vector<std::string> words;
  std::string name, output;
  std::string url, key;  ///< Of a server; empty: the data folder.
  std::string filter, project, from, to, text;
  std::optional<std::uint64_t> sample;
  std::uint64_t seed = 1;
  bool failed = false;
  bool redact = false;
};
struct EvalSynthesizeOptions {
  std::string collection;
  std::string name, output, model;
  int per_document = 5;
  int limit = 200;
  std::uint64_t seed = 1;
};

Result<int> eval_dataset_add(App& app, const EvalDatasetOptions& options);
Result<int> eval_dataset_list(App& app, const EvalDatasetOptions& options);
Result<int> eval_dataset_show(App& app, const EvalDatasetOptions& options);
Result<int> eval_dataset_diff(App& app, const EvalDatasetOptions& options);
Result<int> eval_dataset_export(App& app, const EvalDatasetOptions& options);
Result<int> eval_dataset_import(App& app, const EvalDatasetOptions& options);
Result<int> eval_dataset_alias(App& app, const EvalDatasetOptions& options);
/// A person's answer to a golden that has none, or a wrong one.
Result<int> eval_dataset_answer(App& app, const EvalDatasetOptions& options);
Result<int> eval_dataset_from_traces(App& app, const EvalTracesOptions& options);
Result<int> eval_dataset_synthesize(App& app, const EvalSynthesizeOptions& options);

}  // namespace slipway::app
