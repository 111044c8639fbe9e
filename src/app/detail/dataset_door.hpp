// The datasets and traces of a data folder, opened by a command beside whatever serves it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/app.hpp"
#include "datasets/datasets.hpp"
#include "eval/golden_dataset.hpp"
#include "trace/store.hpp"

namespace slipway::app::detail {

/// Borrows the database of `app`.
class DatasetDoor {
 public:
  static Result<std::unique_ptr<DatasetDoor>> open(App& app, DataFolder data);
  datasets::Datasets& datasets() { return datasets_; }

  explicit DatasetDoor(store::Database& database);

 private:
  // Goldens have no attachments, so the folder of those stays with whoever serves it.
  std::unique_ptr<store::BlobStore> files_;
  datasets::Datasets datasets_;
};

/// To be read only. Fails: not_found (there are none here).
Result<std::unique_ptr<trace::TraceStore>> open_trace_store(App& app);

/// The goldens of "NAME", "NAME@version" or a file, and what a person calls them. A file wins over
/// a dataset of that name only if its name has a dot or a slash. Fails: not_found,
/// invalid_argument.
struct Goldens {
  std::vector<eval::Golden> items;
  std::string name;
  std::vector<std::string> notes;
};
Result<Goldens> load_goldens(App& app, const std::string& name);

}  // namespace slipway::app::detail
