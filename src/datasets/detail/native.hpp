// What the native routes share.
#pragma once

#include "datasets/detail/shapes.hpp"
#include "datasets/mount.hpp"

namespace slipway::datasets::detail {

/// A dataset, and which of its versions is meant.
struct Named {
  Dataset dataset;
  AsOf as_of;
};
/// "goldens@release"; a dataset's id does, too. Fails: not_found.
Result<Named> named(const Context& context, Datasets& datasets, const std::string& name);

DatasetShape shape_of(const Dataset& dataset);
VersionShape shape_of(const VersionInfo& info);
/// Inputs and outputs stay the bytes that they are.
std::string native_example_text(const Example& example, const std::string& origin);

}  // namespace slipway::datasets::detail
