// Keeps pages that nest absurdly deep from costing the square of their depth.
#pragma once

#include <string>

namespace slipway::documents::detail {

/// Overwrites with spaces the tags of elements that stand more than 512 deep (the limit of
/// Chromium), so that no offset changes. Every start tag makes a parser look through all open
/// elements: a hundred thousand nested <div> would take minutes. Linear; other pages stay as they
/// are.
void flatten_deep_nesting(std::string& html);

}  // namespace slipway::documents::detail
