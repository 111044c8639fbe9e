// Pictures against what Pillow sees (tests/data/documents/images/make_images.py), and seeded
// damage. SLIPWAY_FUZZ_SECONDS makes the last longer, SLIPWAY_FUZZ_SEED starts elsewhere.
#include "documents/images.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include "core/files.hpp"
#include "core/json.hpp"
#include "documents/detail/image_decoders.hpp"

namespace slipway::documents {

struct ExpectedImage {
  std::string file;
  std::size_t width = 0, height = 0;
  std::string rgb;
};
BOOST_DESCRIBE_STRUCT(ExpectedImage, (), (file, width, height, rgb))

namespace {

constexpr std::size_t pixels_max = 1'000'000;
const std::filesystem::path folder = std::filesystem::path(SLIPWAY_TEST_DATA) / "images";

std::string file(const std::string& name) {
  auto bytes = read_file(folder / name);
  REQUIRE(bytes);
  return *std::move(bytes);
}

const std::vector<ExpectedImage>& expected() {
  static const auto all =
      *json::from<std::vector<ExpectedImage>>(*json::parse(*read_file(folder / "expected.json")));
  return all;
}

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

int largest_difference(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<int>(static_cast<unsigned char>(a[i])) -
                                         static_cast<int>(static_cast<unsigned char>(b[i]))));
  return largest;
}

Error error_of(std::string_view bytes, const ImageOptions& options = {}) {
  const auto image = decode_image(Context(), bytes, options);
  REQUIRE_FALSE(image);
  return image.error();
}

/// CHECK that the message has the part.
void check_says(const Error& error, std::string_view part) {
  CAPTURE(error.message());
  CAPTURE(part);
  CHECK(error.message().find(part) != std::string::npos);
}

/// What is wrong with the answer to some bytes, or empty.
std::string verdict(std::string_view bytes) {
  const std::clock_t start = std::clock();
  const auto image = detail::decode_any_image(bytes, pixels_max);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  if (seconds > 5) return fmt::format("takes {} s", seconds);
  if (!image) {
    if (image.error().code() == Code::internal) return image.error().message();
    return image.error().message().empty() ? "an error without a message" : "";
  }
  if (image->width == 0 || image->height == 0 || image->width * image->height > pixels_max)
    return "a size out of bounds";
  return image->rgb.size() == image->width * image->height * 3 ? "" : "not three bytes a pixel";
}

std::string mutated(std::string bytes, unsigned seed) {
  std::mt19937 random(seed);
  for (std::size_t i = 1 + random() % 6; i > 0 && !bytes.empty(); --i) {
    // Headers are short and decide most.
    const std::size_t end =
        random() % 2 == 0 ? std::min<std::size_t>(bytes.size(), 64) : bytes.size();
    const std::size_t at = random() % end;
    switch (random() % 7) {
      case 0: bytes[at] = static_cast<char>(random()); break;
      case 1: bytes[at] ^= static_cast<char>(1 << random() % 8); break;
      case 2: bytes.erase(at, 1 + random() % 20); break;
      case 3: bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 60)); break;
      case 4: bytes.insert(at, 1 + random() % 4, static_cast<char>(random())); break;
      case 5: bytes[at] = random() % 2 == 0 ? '\0' : '\xFF'; break;
      default:
        if (random() % 6 == 0) bytes.resize(at);
        break;
    }
  }
  return bytes;
}

/// A PNG whose parts are changed keeps right checksums; else only they would be tested.
std::string with_checksums(std::string png) {
  const auto crc_of = [](std::string_view data) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const char c : data) {
      crc ^= static_cast<unsigned char>(c);
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
  };
  for (std::size_t at = 8; at + 12 <= png.size();) {
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(png[at + i]);
    if (size > png.size() - at - 12) break;
    const std::uint32_t crc = crc_of(std::string_view(png).substr(at + 4, size + 4));
    for (int i = 0; i < 4; ++i) png[at + 8 + size + i] = static_cast<char>(crc >> (24 - 8 * i));
    at += size + 12;
  }
  return png;
}

double setting(const char* name, double missing) {
  const char* value = std::getenv(name);
  return value == nullptr ? missing : std::atof(value);
}

}  // namespace

TEST_CASE("every kind of picture has the pixels that Pillow sees, over white and turned upright") {
  REQUIRE(expected().size() == 28);
  for (const ExpectedImage& row : expected()) {
    CAPTURE(row.file);
    const auto image = decode_image(Context(), file(row.file));
    INFO((image.ok() ? std::string() : image.error().message()));
    REQUIRE(image.ok());
    CHECK(image->width == row.width);
    CHECK(image->height == row.height);
    const bool is_lossy = row.file.ends_with(".jpg") || row.file == "lossy.webp" ||
                          row.file == "turned.webp" || row.file == "rgba.png" ||
                          row.file == "lossless.webp" || row.file == "animated.webp";
    // Other versions of the libraries may round otherwise, and so may blending.
    CHECK(largest_difference(image->rgb, from_base64(row.rgb)) <= (is_lossy ? 2 : 0));
  }
}

TEST_CASE("pictures are known by their first bytes") {
  for (const ExpectedImage& row : expected()) {
    const std::string type(image_media_type(file(row.file)));
    CAPTURE(row.file);
    std::string ending = row.file.substr(row.file.find('.') + 1);
    CHECK(type == "image/" + (ending == "jpg" ? std::string("jpeg") : ending));
  }
  CHECK(image_media_type("%PDF-1.7") == "");
  CHECK(image_media_type(std::string_view("II*\0abc", 7)) == "");
  CHECK(image_media_type("") == "");
}

TEST_CASE("what is no picture, too large or too long is refused with the reason") {
  CHECK(error_of("").code() == Code::invalid_argument);
  CHECK(error_of("hello").code() == Code::unsupported);
  check_says(error_of("hello"), "PNG, JPEG, WebP and GIF");
  ImageOptions small;
  small.bytes_max = 50;
  check_says(error_of(file("rgb.png"), small), "larger than the limit of 50");
  ImageOptions few;
  few.pixels_max = 100;
  for (const char* name : {"rgb.png", "rgb.jpg", "lossy.webp", "animated.webp", "palette.gif"}) {
    CAPTURE(name);
    const Error error = error_of(file(name), few);
    CHECK(error.code() == Code::invalid_argument);
    check_says(error, "23 x 14 has more than the limit of 100 pixels");
  }
  const auto late =
      decode_image(Context().with_timeout(std::chrono::milliseconds(-1)), file("rgb.png"));
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == Code::deadline_exceeded);
}

TEST_CASE("a picture that claims to be huge takes no memory") {
  std::string png = file("rgb.png");
  for (const std::size_t at : {16u, 20u}) png.replace(at, 4, std::string("\x00\x10\x00\x00", 4));
  check_says(error_of(with_checksums(png)), "1048576 x 1048576 has more than");
  std::string gif = file("palette.gif");
  gif.replace(6, 4, "\xFF\xFF\xFF\xFF");
  check_says(error_of(gif), "65535 x 65535");
}

TEST_CASE("a picture that is cut anywhere is one clear error") {
  for (const ExpectedImage& row : expected()) {
    const std::string whole = file(row.file);
    // What is cut off the end of a GIF is only its mark, of a JPEG at most that.
    const std::size_t tail = row.file.ends_with(".png") ? 1 : row.file.ends_with(".gif") ? 40 : 4;
    for (std::size_t size = 1; size + tail < whole.size(); size += 3) {
      CAPTURE(row.file);
      CAPTURE(size);
      const std::string cut = whole.substr(0, size);
      CHECK(verdict(cut) == "");
      if (row.file == "animated.gif" || row.file == "animated.webp") continue;
      CHECK_FALSE(detail::decode_any_image(cut, pixels_max));
    }
  }
  check_says(error_of(file("rgb.png").substr(0, 60)), "the PNG picture is damaged: ");
  check_says(error_of(file("rgb.jpg").substr(0, 650)), "the JPEG picture is damaged: ");
  check_says(error_of(file("lossy.webp").substr(0, 100)), "the WebP picture is damaged");
  check_says(error_of(file("palette.gif").substr(0, 100)), "the GIF picture is damaged: ");
}

TEST_CASE("EXIF data are read within their bytes") {
  const std::string data("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 22);
  CHECK(detail::exif_orientation(data) == 6);
  for (std::size_t size = 0; size < data.size() - 2; ++size)
    CHECK(detail::exif_orientation(std::string_view(data).substr(0, size)) == 1);
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = data;
    for (int n = 0; n < 3; ++n) bytes[2 + random() % 20] = static_cast<char>(random());
    const int orientation = detail::exif_orientation(bytes);
    CHECK((orientation >= 1 && orientation <= 8));
  }
}

TEST_CASE("mutated pictures of every kind are an answer or one clear error") {
  const double seconds = setting("SLIPWAY_FUZZ_SECONDS", 4);
  const auto first = static_cast<unsigned>(setting("SLIPWAY_FUZZ_SEED", 1));
  const std::clock_t start = std::clock();
  std::size_t runs = 0;
  for (unsigned seed = first;; ++seed) {
    for (const ExpectedImage& row : expected()) {
      std::string bytes = mutated(file(row.file), seed);
      if (row.file.ends_with(".png") && seed % 4 != 0) bytes = with_checksums(std::move(bytes));
      const std::string wrong = verdict(bytes);
      CHECK_MESSAGE(wrong.empty(), row.file << ", seed " << seed << ": " << wrong);
      ++runs;
    }
    if (static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC > seconds) break;
  }
  MESSAGE(runs << " mutated pictures");
}

}  // namespace slipway::documents
