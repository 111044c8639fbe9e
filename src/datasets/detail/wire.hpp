// Datasets and examples as LangSmith's clients read them.
#pragma once

#include <string>
#include <vector>

#include "datasets/mount.hpp"
#include "trace/face.hpp"

namespace slipway::datasets::detail {

std::string time_text(Version time);
/// Fails: invalid_argument.
Result<Version> read_time(const std::string& text);

/// How many experiments there are over datasets, and when the last one began.
class Experiments {
 public:
  static Result<Experiments> make(const Context& context, const Services& services);
  std::vector<trace::Session> of(const std::string& dataset_id) const;

 private:
  std::vector<trace::Session> sessions_;
};

json::Object dataset_json(const Dataset& dataset, const Experiments& experiments);
json::Object version_json(const VersionInfo& info);
json::Object comparison_json(const Comparison& comparison, const Experiments& experiments);

struct ExampleText {
  std::string origin;            ///< What links begin with.
  bool has_attachments = false;  ///< Links to them are told.
  std::string runs;              ///< A JSON array that stands in it as "runs"; empty: none.
};
/// One example, an object; inputs and outputs stay the bytes that they are.
std::string example_text(const Example& example, const ExampleText& how);
/// A list of them.
std::string examples_text(const std::vector<Example>& examples, const ExampleText& how);

}  // namespace slipway::datasets::detail
