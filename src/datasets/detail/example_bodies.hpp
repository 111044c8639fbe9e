// Examples in the bodies of requests: JSON, and the multipart form of LangSmith's client.
#pragma once

#include <string_view>
#include <vector>

#include "datasets/mount.hpp"

namespace slipway::datasets::detail {

/// A new example, and what of a run it wants.
struct ExampleWish {
  NewExample example;
  std::string dataset;  ///< Its id, or its name; may be empty.
  bool has_inputs = false;
  bool use_run_io = false;
  std::vector<std::string> run_attachments;  ///< Names.
};

/// One JSON object as text. Fails: invalid_argument naming the member.
Result<ExampleWish> read_example(std::string_view object);
Result<ExampleChange> read_example_change(std::string_view object);

/// Parts "ID", "ID.inputs", "ID.outputs", "ID.attachment.NAME".
/// Fails: invalid_argument naming the part.
Result<std::vector<ExampleWish>> read_example_parts(const http::Request& request);
/// The same and "ID.attachments_operations".
Result<std::vector<ExampleChange>> read_change_parts(const http::Request& request);

/// The examples, complete with what runs give them.
/// Fails: not_found (a run), invalid_argument (no inputs).
Result<std::vector<NewExample>> complete(const Context& context, const Services& services,
                                         std::vector<ExampleWish> wishes);
/// Inputs and outputs of the run as an example's: what is no object stands below "input" and
/// "output". Without the run's attachments.
NewExample example_of_run(const trace::Run& run);

}  // namespace slipway::datasets::detail
