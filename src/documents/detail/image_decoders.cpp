#include "documents/detail/image_decoders.hpp"

#include <algorithm>
#include <cstdint>

#include "documents/images.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t channels = 3;

/// Numbers of EXIF data in their byte order; 0 behind the end.
class ExifReader {
 public:
  explicit ExifReader(std::string_view bytes)
      : bytes_(bytes), is_little_(bytes.starts_with("II")) {}

  std::uint32_t number(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t from = is_little_ ? size - 1 - i : i;
      value = value << 8 | static_cast<unsigned char>(bytes_[at + from]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool is_little_;
};

}  // namespace

int exif_orientation(std::string_view exif) {
  if (!exif.starts_with("II") && !exif.starts_with("MM")) return 1;
  const ExifReader reader(exif);
  constexpr std::uint32_t magic = 42, orientation_tag = 0x0112, short_type = 3;
  if (reader.number(2, 2) != magic) return 1;
  const std::size_t directory = reader.number(4, 4);
  const std::uint32_t entries = reader.number(directory, 2);
  for (std::uint32_t i = 0; i < entries; ++i) {
    constexpr std::size_t entry_bytes = 12;
    const std::size_t at = directory + 2 + i * entry_bytes;
    if (at >= exif.size()) break;
    if (reader.number(at, 2) != orientation_tag || reader.number(at + 2, 2) != short_type) continue;
    const std::uint32_t value = reader.number(at + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image turned(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const std::size_t w = image.width, h = image.height;
  const bool is_on_its_side = orientation >= 5;
  Image out{is_on_its_side ? h : w, is_on_its_side ? w : h, {}};
  out.rgb.resize(image.rgb.size());
  char* to = out.rgb.data();
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x) {
      std::size_t column = is_on_its_side ? y : x, row = is_on_its_side ? x : y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
        column = w - 1 - column;
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
        row = h - 1 - row;
      to = std::copy_n(image.rgb.data() + (row * w + column) * channels, channels, to);
    }
  return out;
}

std::string over_white(std::string_view rgba) {
  std::string rgb(rgba.size() / 4 * channels, '\0');
  char* to = rgb.data();
  for (std::size_t at = 0; at + 4 <= rgba.size(); at += 4) {
    const unsigned opacity = static_cast<unsigned char>(rgba[at + 3]);
    for (std::size_t c = 0; c < channels; ++c) {
      const unsigned value = static_cast<unsigned char>(rgba[at + c]);
      *to++ = static_cast<char>((value * opacity + 255 * (255 - opacity) + 127) / 255);
    }
  }
  return rgb;
}

Result<void> check_pixels(std::size_t width, std::size_t height, std::size_t pixels_max) {
  if (width == 0 || height == 0)
    return fail(Code::invalid_argument, "a picture of {} x {} has no pixels", width, height);
  if (height > pixels_max / width)
    return fail(Code::invalid_argument,
                "a picture of {} x {} has more than the limit of {} pixels; make it smaller", width,
                height, pixels_max);
  return {};
}

Result<Image> decode_any_image(std::string_view bytes, std::size_t pixels_max) {
  const std::string_view type = image_media_type(bytes);
  const auto decode = type == "image/png"    ? &decode_png
                      : type == "image/jpeg" ? &decode_jpeg
                      : type == "image/webp" ? &decode_webp
                      : type == "image/gif"  ? &decode_gif
                                             : nullptr;
  if (decode == nullptr) return fail(Code::unsupported, "is no picture that can be read");
  Picture picture = TRY(decode(bytes, pixels_max));
  return turned(std::move(picture.image), picture.orientation);
}

}  // namespace slipway::documents::detail
