// Goldens in the project's datasets: one store, so that LangSmith's clients see the same ones.
//
// A golden is an example: `input` is its inputs {"input": ...}, `expected_output` its outputs
// {"output": ...}, `metadata` and `trace_id` its metadata; all else stands below "slipway" there.
// An example that others made is a golden, too: its text is that of "question", of the last message
// and so on, its id the example's, and inputs of several members are kept whole in the metadata.
//
// A version of goldens is known by its content: "sha256:..." of `version_of`, kept as a tag of the
// dataset's version beside the aliases that people give.
#pragma once

#include <string>
#include <vector>

#include "datasets/datasets.hpp"
#include "eval/golden.hpp"

namespace slipway::eval {

/// An identified golden as an example of that dataset; the same golden gives the same example id.
datasets::NewExample example_of(const Golden& golden, const std::string& dataset_id);
/// Fails: invalid_argument (what stands below "slipway" is no golden's), naming the example.
Result<Golden> golden_of(const datasets::Example& example);

/// "handbook@release": a dataset, and which of its versions is meant.
struct NamedDataset {
  datasets::Dataset dataset;
  datasets::AsOf as_of;
};
/// After "@": an alias, a time, "latest", or "sha256:" with at least eight digits. Fails:
/// not_found.
Result<NamedDataset> find_goldens(const Context& context, datasets::Datasets& datasets,
                                  const std::string& name);

struct StoredGolden {
  Golden golden;
  std::string example_id;
};
/// In the order in which they were added. Fails: not_found (the version), invalid_argument.
Result<std::vector<StoredGolden>> stored_goldens(const Context& context,
                                                 datasets::Datasets& datasets,
                                                 const NamedDataset& named);
/// The same without examples' ids. An empty dataset has none.
Result<std::vector<Golden>> goldens_of(const Context& context, datasets::Datasets& datasets,
                                       const NamedDataset& named);

struct GoldenVersion {
  std::string digest;                ///< "sha256:..."
  datasets::Version version = 0;     ///< 0: the dataset has no examples.
  std::vector<std::string> aliases;  ///< Without digests.
  std::size_t size = 0;
};
/// Which one that is; its digest becomes a tag, so that it is found by it. Fails: not_found.
Result<GoldenVersion> golden_version(const Context& context, datasets::Datasets& datasets,
                                     const NamedDataset& named);
/// All of them, youngest first; at most 1000. Digests are told where they are known.
Result<std::vector<GoldenVersion>> golden_versions(const Context& context,
                                                   datasets::Datasets& datasets,
                                                   const std::string& dataset_id);

enum class Merge {
  into,     ///< What is there stays, unless a golden with its id comes.
  instead,  ///< What does not come is removed.
};
struct AddReport {
  std::string dataset;
  std::size_t added = 0, changed = 0, unchanged = 0, removed = 0;
  GoldenVersion version;
};
/// Makes the dataset if there is none. All old versions stay. Fails: as `Datasets::add`.
Result<AddReport> add_goldens(const Context& context, datasets::Datasets& datasets,
                              const std::string& name, const std::vector<Golden>& goldens,
                              Merge merge);

struct ChangedGolden {
  std::string id;
  std::vector<std::string> members;  ///< That differ: "expected_output", "metadata.severity".
  Golden before, after;
};
struct GoldenDifference {
  std::vector<Golden> added, removed;
  std::vector<ChangedGolden> changed;
  std::size_t unchanged = 0;
};
/// By id.
GoldenDifference difference_of(const std::vector<Golden>& before, const std::vector<Golden>& after);

}  // namespace slipway::eval
