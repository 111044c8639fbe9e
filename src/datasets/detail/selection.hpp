// Which examples a list takes.
#pragma once

#include <set>

#include "datasets/datasets.hpp"
#include "trace/face.hpp"

namespace slipway::datasets::detail {

class Selection {
 public:
  /// Fails: invalid_argument (what of the filter is wrong or cannot be answered).
  static Result<Selection> make(const ExampleQuery& query);
  bool takes(const Example& example) const;
  /// Whether it takes every example.
  bool is_all() const { return ids_.empty() && splits_.empty() && metadata_.empty() && !filter_; }

 private:
  std::set<std::string> ids_;
  std::vector<std::string> splits_;
  json::Object metadata_;
  std::optional<trace::FilterCall> filter_;
};

}  // namespace slipway::datasets::detail
