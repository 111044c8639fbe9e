// Foreign pictures become pixels. The decoders run in a sandboxed child.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/context.hpp"
#include "core/image.hpp"
#include "core/result.hpp"

namespace slipway::documents {

struct ImageOptions {
  std::size_t bytes_max = 64u << 20;             ///< A larger file is refused.
  std::size_t pixels_max = 64'000'000;           ///< Width times height; 8,000 x 8,000.
  std::chrono::milliseconds timeout{30'000};     ///< Wall time of the sandboxed child.
  std::size_t memory_bytes_max = 2048ull << 20;  ///< Address space of the sandboxed child.
};

/// "image/png", "image/jpeg", "image/webp" or "image/gif", by the first bytes; empty when they are
/// none that `decode_image` reads.
std::string_view image_media_type(std::string_view bytes);

/// The picture as a person sees it: turned as its EXIF orientation says, over white where it is
/// transparent, the first frame of an animation. Colour profiles and gamma are not applied. Fails:
/// invalid_argument (empty, damaged, cut, too large), unsupported (format), deadline_exceeded,
/// cancelled. The message says what is wrong with this picture.
Result<Image> decode_image(const Context& context, std::string_view bytes,
                           const ImageOptions& options = {});

}  // namespace slipway::documents
