// A picture as numbers: what decoders give and models take.
#pragma once

#include <cstddef>
#include <string>

namespace slipway {

struct Image {
  std::size_t width = 0;
  std::size_t height = 0;
  /// width * height times three bytes, red, green, blue: rows from the top, pixels from the left.
  std::string rgb;
};

}  // namespace slipway
