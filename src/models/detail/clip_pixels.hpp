// What CLIP models see of an image: scaled, cut and normalised, with the numbers of Hugging Face's
// CLIPImageProcessor over Pillow.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "core/image.hpp"
#include "core/result.hpp"

namespace slipway::models::detail {

/// `pixel_values` of one image.
struct Pixels {
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<float> values;  ///< All of red, all of green, all of blue; row by row.
};

/// Immutable, so safe to use from many threads.
class ClipPixels {
 public:
  enum class Filter {
    box = 4,
    bilinear = 2,
    hamming = 5,
    bicubic = 3,
    lanczos = 1
  };  ///< Pillow's.
  struct Size {
    std::size_t height = 0;
    std::size_t width = 0;
  };
  struct Settings {
    bool does_resize = true;
    std::optional<std::size_t> shortest_edge;  ///< Keeps the shape; else `size` is filled.
    Size size;
    Filter filter = Filter::bicubic;
    bool does_crop = true;
    Size crop;
    bool does_rescale = true;
    double factor = 1.0 / 255;
    bool does_normalize = true;
    float mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};  ///< CLIP's own.
    float deviation[3] = {0.26862954f, 0.26130258f, 0.27577711f};
  };

  /// Reads preprocessor_config.json. Fails: invalid_argument with the JSON path of what is wrong or
  /// what is not CLIP's.
  static Result<ClipPixels> parse(std::string_view preprocessor_json);
  explicit ClipPixels(Settings settings) : settings_(settings) {}

  /// Only what is kept is computed, so the cost is bounded whatever the image's shape. Fails:
  /// invalid_argument (not an image, or scaled it would be too large).
  Result<Pixels> of(const Image& image) const;
  const Settings& settings() const { return settings_; }

 private:
  Settings settings_;
};

/// Fails: invalid_argument unless it has pixels, and three bytes for each.
Result<void> check_image(const Image& image);

/// The part of `image` scaled to `whole` that begins at (`left`, `top`) and is as large as `part`,
/// as the `resize` of Pillow 13 followed by `crop`: equal to the bit. `part` lies within `whole`.
struct ResizeTask {
  ClipPixels::Size whole;
  ClipPixels::Size part;
  std::size_t left = 0;
  std::size_t top = 0;
  ClipPixels::Filter filter = ClipPixels::Filter::bicubic;
};
Image resize_part(const Image& image, const ResizeTask& task);

}  // namespace slipway::models::detail
