// One decoder per picture format: pure functions that run in the sandbox. Tests call them without
// it too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/image.hpp"
#include "core/result.hpp"

namespace slipway::documents::detail {

struct Picture {
  Image image;
  int orientation = 1;  ///< As in EXIF, 1..8; `turned` applies it.
};

/// Fails: invalid_argument (damaged, cut, more pixels than allowed), unsupported.
Result<Picture> decode_png(std::string_view bytes, std::size_t pixels_max);
Result<Picture> decode_jpeg(std::string_view bytes, std::size_t pixels_max);
Result<Picture> decode_webp(std::string_view bytes, std::size_t pixels_max);
Result<Picture> decode_gif(std::string_view bytes, std::size_t pixels_max);

/// By the first bytes; orientation applied. Fails: as the decoders.
Result<Image> decode_any_image(std::string_view bytes, std::size_t pixels_max);

/// Fails: invalid_argument unless there are 1 to `pixels_max` pixels.
Result<void> check_pixels(std::size_t width, std::size_t height, std::size_t pixels_max);

/// Four bytes a pixel, the last its opacity, become three over white.
std::string over_white(std::string_view rgba);

/// The orientation that EXIF data say, from "II*" or "MM" on; 1 when they say none.
int exif_orientation(std::string_view exif);
Image turned(Image image, int orientation);

}  // namespace slipway::documents::detail
