#include "models/detail/clip_pixels.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <random>

#include "core/files.hpp"
#include "core/json.hpp"

namespace slipway::models::detail {

namespace {

struct PixelsCase {
  json::Value settings;
  std::size_t width = 0, height = 0, out_height = 0, out_width = 0;
  std::string pixels;
  std::vector<double> first;
  std::string values;
};
BOOST_DESCRIBE_STRUCT(PixelsCase, (),
                      (settings, width, height, out_height, out_width, pixels, first, values))

std::string from_base64(std::string_view text) {
  constexpr std::string_view letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = bits << 6 | static_cast<unsigned>(letters.find(c));
    if ((count += 6) >= 8) bytes += static_cast<char>(bits >> (count -= 8));
  }
  return bytes;
}

/// As make_pixels.py paints it.
Image painted(std::size_t width, std::size_t height) {
  Image image{width, height, {}};
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        image.rgb +=
            static_cast<char>(x * 7 + y * 13 + c * 29 + x * y % 251 + (x / 9 + y / 5) % 2 * 90);
  return image;
}

ClipPixels parsed(std::string_view text) {
  auto pixels = ClipPixels::parse(text);
  INFO((pixels.ok() ? std::string() : pixels.error().message()));
  REQUIRE(pixels.ok());
  return *pixels;
}

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string message_of(std::string_view text) {
  const auto pixels = ClipPixels::parse(text);
  return pixels ? "no error" : pixels.error().message();
}

/// CHECK that the message has the part.
void check_says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("images are prepared to the bit as CLIPImageProcessor does over Pillow") {
  const auto text = read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / "clip" / "pixels.json");
  REQUIRE(text);
  const auto rows = json::from<std::vector<PixelsCase>>(*json::parse(*text));
  REQUIRE(rows);
  REQUIRE(rows->size() == 80);
  for (const PixelsCase& row : *rows) {
    CAPTURE(json::dump(row.settings));
    CAPTURE(row.width);
    CAPTURE(row.height);
    const Image image = painted(row.width, row.height);
    json::Value bare = row.settings;
    bare.as_object()["do_rescale"] = false;
    bare.as_object()["do_normalize"] = false;
    const auto plain = parsed(json::dump(bare)).of(image);
    REQUIRE(plain);
    CHECK(plain->height == row.out_height);
    CHECK(plain->width == row.out_width);
    const std::string wanted = from_base64(row.pixels);
    REQUIRE(plain->values.size() == wanted.size());
    int worst = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      worst = std::max(worst, std::abs(static_cast<int>(plain->values[i]) -
                                       static_cast<unsigned char>(wanted[i])));
    CHECK(worst == 0);
    const auto values = parsed(json::dump(row.settings)).of(image);
    REQUIRE(values);
    for (std::size_t i = 0; i < row.first.size(); ++i)
      CHECK(values->values[i] == doctest::Approx(row.first[i]));
    CHECK(sha256(bytes_of(values->values)) == row.values);
  }
}

TEST_CASE("an image of any shape costs no more than what is kept of it") {
  const ClipPixels pixels = parsed("{}");
  const auto start = std::chrono::steady_clock::now();
  for (const auto& [width, height] : {std::pair<std::size_t, std::size_t>(1, 2'000'000),
                                      std::pair<std::size_t, std::size_t>(2'000'000, 1)}) {
    const auto values = pixels.of({width, height, std::string(width * height * 3, 'x')});
    REQUIRE(values);
    CHECK(values->values.size() == 224 * 224 * 3);
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
  const auto whole =
      parsed(R"({"do_center_crop":false})").of({1, 2'000'000, std::string(6'000'000, 'x')});
  REQUIRE_FALSE(whole);
  check_says(whole.error().message(), "would be scaled to 224 x 448000000");
}

TEST_CASE("what is no image is refused") {
  const ClipPixels pixels = parsed("{}");
  for (const Image& image :
       {Image{}, Image{2, 2, "abc"}, Image{0, 5, ""}, Image{SIZE_MAX / 3, SIZE_MAX / 3, "abc"}}) {
    const auto values = pixels.of(image);
    REQUIRE_FALSE(values);
    CHECK(values.error().code() == Code::invalid_argument);
  }
}

TEST_CASE("preprocessor_config.json is read with CLIP's defaults, old forms too") {
  const auto bare = parsed("{}").settings();
  CHECK(bare.shortest_edge == 224);
  CHECK(bare.crop.height == 224);
  CHECK(bare.mean[0] == 0.48145466f);
  CHECK(bare.does_crop);
  const auto old = parsed(R"({"feature_extractor_type":"CLIPFeatureExtractor","size":336,
                              "crop_size":336,"resample":3,"image_mean":[0.5,0.5,0.5]})")
                       .settings();
  CHECK(old.shortest_edge == 336);
  CHECK(old.crop.width == 336);
  CHECK(old.mean[2] == 0.5f);
  check_says(message_of(R"({"image_processor_type":"SiglipImageProcessor"})"), "Siglip");
  check_says(message_of(R"({"size":{"longest_edge":3}})"), "$.size: expected shortest_edge");
  check_says(message_of(R"({"size":0})"), "outside of 1..4096");
  check_says(message_of(R"({"crop_size":{"height":9999,"width":1}})"), "outside of 1..4096");
  check_says(message_of(R"({"size":"224"})"), "$.size");
  check_says(message_of(R"({"resample":0})"), "$.resample: 0");
  check_says(message_of(R"({"image_std":[1,0,1]})"), "$.image_std");
  check_says(message_of(R"({"image_mean":[1,0]})"), "$.image_mean");
  check_says(message_of("[]"), "expected an object");
}

}  // namespace slipway::models::detail
