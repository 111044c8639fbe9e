// Endings and first lines tell the language of a text that is kept as it is.
#pragma once

#include <string_view>

namespace slipway::documents::detail {

/// The media type of a text by its ending (lower case, with the dot) or, for files without a known
/// one, by its name (lower case) and its first line: "text/x-python". Empty when nothing is known.
std::string_view text_type(std::string_view ending, std::string_view name,
                           std::string_view first_line);

}  // namespace slipway::documents::detail
