// What a file's name promises.
#pragma once

#include <string_view>

namespace slipway::documents::detail {

/// Of a picture that `decode_image` reads.
bool names_image(std::string_view name);

}  // namespace slipway::documents::detail
