// Pillow's resampling: coefficients in double precision, rounded to 22 fractional bits; along the
// rows and along the columns, with 8 bits between. The filter widens when
// the image shrinks, so all pixels count. This file is compiled without fused multiplications, or
// coefficients would differ in the last bit from those of a Pillow that is built for any processor.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "models/detail/clip_pixels.hpp"

namespace slipway::models::detail {

namespace {

constexpr int precision_bits = 32 - 8 - 2;
constexpr std::size_t channels = 3;

using Filter = ClipPixels::Filter;

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::fabs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double hamming(double x) {
  x = std::fabs(x);
  if (x == 0) return 1;
  if (x >= 1) return 0;
  x *= std::numbers::pi;
  return std::sin(x) / x * (0.54 + 0.46 * std::cos(x));
}

double weight(Filter filter, double x) {
  switch (filter) {
    case Filter::box: return x > -0.5 && x <= 0.5 ? 1 : 0;
    case Filter::bilinear: return std::max(1 - std::fabs(x), 0.0);
    case Filter::hamming: return hamming(x);
    case Filter::bicubic: return bicubic(x);
    case Filter::lanczos: return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
  }
  return 0;
}

double reach(Filter filter) {
  switch (filter) {
    case Filter::box: return 0.5;
    case Filter::bilinear:
    case Filter::hamming: return 1;
    case Filter::bicubic: return 2;
    case Filter::lanczos: return 3;
  }
  return 0;
}

/// Which numbers of a line one number of the scaled line is made of.
struct Taps {
  std::size_t first = 0;
  std::vector<std::int32_t> weights;
};

/// For the numbers `begin` .. `begin + count` of a line scaled from `from` to `to`.
std::vector<Taps> taps_of(std::size_t from, std::size_t to, std::size_t begin, std::size_t count,
                          Filter filter) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double filter_scale = std::max(scale, 1.0);
  const double support = reach(filter) * filter_scale;
  const double step = 1.0 / filter_scale;
  std::vector<Taps> all(count);
  std::vector<double> weights;
  for (std::size_t i = 0; i < count; ++i) {
    const double center = (static_cast<double>(begin + i) + 0.5) * scale;
    const auto first = static_cast<std::size_t>(std::max(center - support + 0.5, 0.0));
    const auto end = std::min(static_cast<std::size_t>(center + support + 0.5), from);
    weights.clear();
    double sum = 0;
    for (std::size_t x = 0; first + x < end; ++x) {
      const auto at = static_cast<double>(x) + static_cast<double>(first);
      weights.push_back(weight(filter, (at - center + 0.5) * step));
      sum += weights.back();
    }
    all[i].first = first;
    for (double w : weights) {
      if (sum != 0) w /= sum;
      const double fixed = w * (1 << precision_bits);
      all[i].weights.push_back(static_cast<std::int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
  }
  return all;
}

/// `at` reads the n-th of the numbers that `taps` wants.
template <typename At>
char apply(const Taps& taps, const At& at) {
  std::int32_t sum = 1 << (precision_bits - 1);
  for (std::size_t i = 0; i < taps.weights.size(); ++i)
    sum += static_cast<std::int32_t>(static_cast<unsigned char>(at(i))) * taps.weights[i];
  return static_cast<char>(std::clamp(sum >> precision_bits, 0, 255));
}

/// Numbers `begin` .. `end` of the unscaled line that some of `all` look at.
struct Needed {
  std::size_t begin = 0;
  std::size_t end = 0;
};
Needed needed_by(const std::vector<Taps>& all) {
  return {all.front().first, all.back().first + all.back().weights.size()};
}

/// Rows `rows` of the image, each as wide as there are `columns`.
Image scale_rows(const Image& image, const std::vector<Taps>& columns, Needed rows) {
  Image out{columns.size(), rows.end - rows.begin, {}};
  out.rgb.resize(out.width * out.height * channels);
  char* to = out.rgb.data();
  for (std::size_t y = rows.begin; y < rows.end; ++y) {
    const char* line = image.rgb.data() + y * image.width * channels;
    for (const Taps& taps : columns)
      for (std::size_t c = 0; c < channels; ++c)
        *to++ = apply(taps, [&](std::size_t i) { return line[(taps.first + i) * channels + c]; });
  }
  return out;
}

/// Columns `columns` of the image, each as high as there are `rows`.
Image scale_columns(const Image& image, const std::vector<Taps>& rows, Needed columns) {
  Image out{columns.end - columns.begin, rows.size(), {}};
  out.rgb.resize(out.width * out.height * channels);
  char* to = out.rgb.data();
  const std::size_t stride = image.width * channels;
  for (const Taps& taps : rows) {
    const char* first = image.rgb.data() + taps.first * stride;
    for (std::size_t x = columns.begin * channels; x < columns.end * channels; ++x)
      *to++ = apply(taps, [&](std::size_t i) { return first[i * stride + x]; });
  }
  return out;
}

/// So that they count from the first number that is needed.
void shift(std::vector<Taps>& all) {
  const std::size_t first = all.front().first;
  for (Taps& taps : all) taps.first -= first;
}

/// As Pillow 13 chooses; earlier versions always begin with the rows. Between the two passes
/// numbers are rounded to 8 bits, so the order shows.
bool begins_with_columns(const Image& image, ClipPixels::Size whole) {
  return image.height > whole.height &&
         image.height + 2 * whole.width > whole.height + 2 * image.width;
}

}  // namespace

Image resize_part(const Image& image, const ResizeTask& task) {
  auto columns = taps_of(image.width, task.whole.width, task.left, task.part.width, task.filter);
  auto rows = taps_of(image.height, task.whole.height, task.top, task.part.height, task.filter);
  // Only what some number of the part looks at is computed.
  if (begins_with_columns(image, task.whole)) {
    const Image low = scale_columns(image, rows, needed_by(columns));
    shift(columns);
    return scale_rows(low, columns, {0, low.height});
  }
  const Image narrow = scale_rows(image, columns, needed_by(rows));
  shift(rows);
  return scale_columns(narrow, rows, {0, narrow.width});
}

}  // namespace slipway::models::detail
