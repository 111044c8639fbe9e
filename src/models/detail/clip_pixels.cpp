#include "models/detail/clip_pixels.hpp"

#include <algorithm>
#include <array>

#include "core/json.hpp"

namespace slipway::models::detail {

// What preprocessor_config.json says; the defaults are those of CLIPImageProcessor.
struct PreprocessorFile {
  std::optional<std::string> image_processor_type;
  std::optional<std::string> feature_extractor_type;  // Of files before 2023.
  std::optional<bool> do_resize, do_center_crop, do_rescale, do_normalize;
  json::Value size, crop_size;
  std::optional<int> resample;
  std::optional<double> rescale_factor;
  std::optional<std::array<double, 3>> image_mean, image_std;
};
BOOST_DESCRIBE_STRUCT(PreprocessorFile, (),
                      (image_processor_type, feature_extractor_type, do_resize, do_center_crop,
                       do_rescale, do_normalize, size, crop_size, resample, rescale_factor,
                       image_mean, image_std))
struct SizeFile {
  std::optional<std::size_t> shortest_edge, height, width;
};
BOOST_DESCRIBE_STRUCT(SizeFile, (), (shortest_edge, height, width))

namespace {

constexpr std::size_t size_default = 224;
constexpr std::size_t side_max = 4096;         ///< The largest models see 1,024 or so.
constexpr std::size_t scaled_max = 16u << 20;  ///< Pixels, where nothing is cut away.
constexpr std::size_t channels = 3;

Result<std::size_t> checked_side(std::size_t side, std::string_view path) {
  if (side >= 1 && side <= side_max) return side;
  return fail(Code::invalid_argument, "{}: {} is outside of 1..{}", path, side, side_max);
}

/// A number, or an object; `path` is for messages.
Result<SizeFile> read_size(const json::Value& value, const std::string& path) {
  SizeFile size;
  if (value.is_null()) return size;
  if (value.is_number())
    size.shortest_edge =
        TRY(json::detail::read<std::size_t>(value, path, json::Policy::ignore_unknown));
  else
    size = TRY(json::detail::read<SizeFile>(value, path, json::Policy::ignore_unknown));
  if (!size.shortest_edge && !(size.height && size.width))
    return fail(Code::invalid_argument, "{}: expected shortest_edge, or height and width", path);
  for (auto* side : {&size.shortest_edge, &size.height, &size.width})
    if (*side) TRY(checked_side(**side, path));
  return size;
}

Result<void> check_type(const PreprocessorFile& file) {
  const auto& type =
      file.image_processor_type ? file.image_processor_type : file.feature_extractor_type;
  if (!type) return {};
  for (const std::string_view known :
       {"CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPFeatureExtractor"})
    if (*type == known) return {};
  return fail(Code::unsupported,
              "$.image_processor_type: \"{}\" is not supported, only \"CLIPImageProcessor\"",
              *type);
}

Result<ClipPixels::Filter> read_filter(int resample) {
  if (resample >= 1 && resample <= 5) return static_cast<ClipPixels::Filter>(resample);
  return fail(Code::invalid_argument,
              "$.resample: {} is not supported; expected 1 to 5, 3 is bicubic", resample);
}

/// Half of `n`, rounded down for negative numbers too.
std::int64_t half_down(std::int64_t n) { return (n - (n < 0 ? 1 : 0)) / 2; }

/// One direction of a crop around the middle. What the image lacks is black.
struct Cut {
  std::size_t first = 0;   ///< In the image.
  std::size_t count = 0;   ///< Of the image.
  std::size_t before = 0;  ///< Black in front of it.
};

Cut cut_of(std::size_t size, std::size_t wanted) {
  const auto have = static_cast<std::int64_t>(size), want = static_cast<std::int64_t>(wanted);
  if (want <= have) return {static_cast<std::size_t>(half_down(have - want)), wanted, 0};
  return {0, size, static_cast<std::size_t>((want - have + 1) / 2)};
}

ClipPixels::Size scaled_size(const ClipPixels::Settings& settings, const Image& image) {
  if (!settings.does_resize) return {image.height, image.width};
  if (!settings.shortest_edge) return settings.size;
  const std::size_t edge = *settings.shortest_edge;
  const auto other = [edge](std::size_t longer, std::size_t shorter) {
    // As Python computes it: in double precision, rounded down.
    return static_cast<std::size_t>(static_cast<double>(edge * longer) /
                                    static_cast<double>(shorter));
  };
  return image.width <= image.height ? ClipPixels::Size{other(image.height, image.width), edge}
                                     : ClipPixels::Size{edge, other(image.width, image.height)};
}

}  // namespace

Result<void> check_image(const Image& image) {
  const bool has_size = image.width > 0 && image.height > 0;
  if (has_size && image.height <= image.rgb.size() / image.width / channels &&
      image.rgb.size() == image.width * image.height * channels)
    return {};
  return fail(Code::invalid_argument, "an image of {} x {} has {} bytes instead of three a pixel",
              image.width, image.height, image.rgb.size());
}

Result<ClipPixels> ClipPixels::parse(std::string_view preprocessor_json) {
  const json::Value value = TRY(json::parse(preprocessor_json));
  const auto file = TRY(json::from<PreprocessorFile>(value, json::Policy::ignore_unknown));
  TRY(check_type(file));
  Settings settings;
  settings.does_resize = file.do_resize.value_or(true);
  const SizeFile size = TRY(read_size(file.size, "$.size"));
  settings.shortest_edge = size.shortest_edge;
  if (!size.shortest_edge && size.height)
    settings.size = {*size.height, *size.width};
  else if (!size.shortest_edge)
    settings.shortest_edge = size_default;
  settings.filter = TRY(read_filter(file.resample.value_or(3)));
  settings.does_crop = file.do_center_crop.value_or(true);
  const SizeFile crop = TRY(read_size(file.crop_size, "$.crop_size"));
  const std::size_t side = crop.shortest_edge.value_or(size_default);
  settings.crop = {crop.height.value_or(side), crop.width.value_or(side)};
  settings.does_rescale = file.do_rescale.value_or(true);
  settings.factor = file.rescale_factor.value_or(settings.factor);
  settings.does_normalize = file.do_normalize.value_or(true);
  for (std::size_t c = 0; c < channels; ++c) {
    if (file.image_mean) settings.mean[c] = static_cast<float>((*file.image_mean)[c]);
    if (file.image_std) settings.deviation[c] = static_cast<float>((*file.image_std)[c]);
    if (!(settings.deviation[c] > 0))
      return fail(Code::invalid_argument, "$.image_std: {} is not more than 0",
                  settings.deviation[c]);
  }
  return ClipPixels(settings);
}

Result<Pixels> ClipPixels::of(const Image& image) const {
  TRY(check_image(image));
  const Size whole = scaled_size(settings_, image);
  const Size wanted = settings_.does_crop ? settings_.crop : whole;
  if (wanted.height > scaled_max / wanted.width)
    return fail(Code::invalid_argument, "an image of {} x {} would be scaled to {} x {} pixels",
                image.width, image.height, wanted.width, wanted.height);
  const Cut rows = cut_of(whole.height, wanted.height);
  const Cut columns = cut_of(whole.width, wanted.width);
  const Image part = resize_part(image, {.whole = whole,
                                         .part = {rows.count, columns.count},
                                         .left = columns.first,
                                         .top = rows.first,
                                         .filter = settings_.filter});
  Pixels pixels{wanted.height, wanted.width, {}};
  std::array<std::array<float, 256>, channels> table{};
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t v = 0; v < 256; ++v) {
      auto x = static_cast<float>(v);
      if (settings_.does_rescale) x = static_cast<float>(static_cast<double>(v) * settings_.factor);
      if (settings_.does_normalize) x = (x - settings_.mean[c]) / settings_.deviation[c];
      table[c][v] = x;
    }
  const std::size_t plane = wanted.height * wanted.width;
  pixels.values.resize(plane * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const auto begin = pixels.values.begin() + static_cast<std::ptrdiff_t>(c * plane);
    std::fill_n(begin, plane, table[c][0]);
    for (std::size_t y = 0; y < rows.count; ++y)
      for (std::size_t x = 0; x < columns.count; ++x) {
        const auto v = static_cast<unsigned char>(part.rgb[(y * columns.count + x) * channels + c]);
        pixels.values[c * plane + (rows.before + y) * wanted.width + columns.before + x] =
            table[c][v];
      }
  }
  return pixels;
}

}  // namespace slipway::models::detail
