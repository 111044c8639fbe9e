#include "models/detail/int8_gemm.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "models/detail/simd.hpp"

namespace slipway::models::detail {

namespace {

/// Memory for a `PackedMatrix`, on lines of the cache.
class Weights {
 public:
  Weights(std::size_t depth, std::size_t width) : values(depth * width) {
    packed.depth = depth;
    packed.width = width;
    packed.panels = take<std::int8_t>(depth * width);
    packed.order = take<std::uint16_t>(width / panel_width * depth / group_rows);
    packed.runs = take<PanelRuns>(width / panel_width);
    packed.sums = take<std::int32_t>(width);
    packed.scales = take<float>(width);
    packed.bias = take<float>(width);
  }

  Result<void> pack() { return detail::pack({values, 0, packed.width}, packed); }

  std::vector<std::int8_t> values;  ///< [depth][width]
  PackedMatrix packed;

 private:
  template <typename T>
  std::span<T> take(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
    memory_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(64, bytes)), &std::free);
    std::fill_n(memory_.back().get(), bytes, std::byte{0});
    return {reinterpret_cast<T*>(memory_.back().get()), count};
  }

  std::vector<std::unique_ptr<std::byte, void (*)(void*)>> memory_;
};

/// Some rows are heavy, so that groups of all sizes appear.
Weights random_weights(std::size_t depth, std::size_t width, unsigned seed) {
  std::mt19937 random(seed);
  Weights weights(depth, width);
  for (std::size_t i = 0; i < weights.values.size(); ++i) {
    const int most = i / width % 7 == 0 ? 64 : 20;
    weights.values[i] =
        static_cast<std::int8_t>(static_cast<int>(random() % (2 * most + 1)) - most);
  }
  for (std::size_t i = 0; i < width; ++i) {
    weights.packed.scales[i] = 0.001f * static_cast<float>(1 + random() % 100);
    weights.packed.bias[i] = 0.01f * static_cast<float>(random() % 200) - 1;
  }
  return weights;
}

float plain_product(const Activations& a, const Weights& b, std::size_t row, std::size_t column) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < a.columns; ++i)
    sum += (a.values[row * a.columns + i] - a.zero_point) * b.values[i * b.packed.width + column];
  const float scale = a.scale * b.packed.scales[column];
  return rounded(static_cast<float>(sum) * scale) + b.packed.bias[column];
}

}  // namespace

TEST_CASE("products have the bits of plain arithmetic, for any number of rows") {
  std::mt19937 random(1);
  for (const std::size_t depth : {4u, 12u, 64u, 100u, 1536u}) {
    Weights weights = random_weights(depth, 48, static_cast<unsigned>(depth));
    REQUIRE(weights.pack());
    REQUIRE(check(weights.packed));
    for (std::size_t rows = 1; rows <= 7; ++rows) {
      std::vector<std::uint8_t> bytes(rows * depth);
      for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
      const Activations a{bytes.data(), rows, depth, 0.02f, 117};
      std::vector<float> out(rows * 48), sums(rows * 48, 0.5f), gelu(rows * 48);
      multiply(a, weights.packed, out);
      multiply_add(a, weights.packed, sums);
      const Range range = multiply_gelu(a, weights.packed, gelu);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        const float expected = plain_product(a, weights, i / 48, i % 48);
        const double normal = 0.5 * (1 + std::erf(expected / std::sqrt(2.0)));
        wrong += out[i] != expected || sums[i] != expected + 0.5f ||
                 std::abs(gelu[i] - expected * normal) > 2e-7 * (1 + std::abs(expected)) ||
                 gelu[i] < range.low || gelu[i] > range.high;
      }
      CAPTURE(depth);
      CAPTURE(rows);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("the largest products that seven bits allow do not overflow") {
  for (const int weight : {64, -64}) {
    Weights weights(256, 16);
    std::fill(weights.values.begin(), weights.values.end(), static_cast<std::int8_t>(weight));
    std::fill(weights.packed.scales.begin(), weights.packed.scales.end(), 1.0f);
    REQUIRE(weights.pack());
    CHECK(weights.packed.runs[0].fours == 0);
    const std::vector<std::uint8_t> bytes(256, 255);
    std::vector<float> out(16);
    multiply({bytes.data(), 1, 256}, weights.packed, out);
    CHECK(out == std::vector<float>(16, 255.0f * 256 * static_cast<float>(weight)));
  }
}

TEST_CASE("light weights are all added in fours, in an order that has each row once") {
  Weights weights(96, 32);
  for (std::size_t i = 0; i < weights.values.size(); ++i)
    weights.values[i] = static_cast<std::int8_t>(i % 9 - 4);
  REQUIRE(weights.pack());
  for (std::size_t panel = 0; panel < 2; ++panel) {
    CHECK(weights.packed.runs[panel].fours == 6);
    auto order = weights.packed.order.subspan(panel * 24, 24);
    std::vector<std::uint16_t> sorted(order.begin(), order.end());
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i] == i * group_rows);
  }
}

TEST_CASE("weights of eight bits are not packed") {
  Weights weights(8, 16);
  weights.values[0] = 65;
  weights.values[16] = 64;
  const auto packed = weights.pack();
  REQUIRE_FALSE(packed);
  CHECK(packed.error().code() == Code::unsupported);
  CHECK(packed.error().message() == "the weights of rows 0 to 4 use more than 7 bits");
}

TEST_CASE("an order or runs that lead outside of the matrix are refused") {
  Weights weights = random_weights(32, 32, 3);
  REQUIRE(weights.pack());
  REQUIRE(check(weights.packed));
  const std::uint16_t row = std::exchange(weights.packed.order[3], std::uint16_t{29});
  CHECK(check(weights.packed).error().message() == "row 29 is not among 32");
  weights.packed.order[3] = row;
  weights.packed.runs[1] = {2, 1};
  CHECK(check(weights.packed).error().message() == "a panel has more groups than 8");
}

TEST_CASE("activations are quantized by the rules of DynamicQuantizeLinear") {
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0.3f, 2);
  for (const std::size_t size : {1u, 31u, 32u, 33u, 100u}) {
    std::vector<float> values(size);
    for (float& value : values) value = normal(random);
    const Range range = range_of(values);
    CHECK(range.low == std::min(0.0f, *std::min_element(values.begin(), values.end())));
    CHECK(range.high == std::max(0.0f, *std::max_element(values.begin(), values.end())));
    std::vector<std::uint8_t> bytes(size);
    const Activations a = quantize(values, size, range, bytes);
    CHECK(a.scale == (range.high - range.low) / 255);
    CHECK(a.zero_point == std::nearbyint(-range.low / a.scale));
    for (std::size_t i = 0; i < size; ++i)
      CHECK(bytes[i] ==
            std::clamp(std::nearbyint(values[i] / a.scale) + static_cast<float>(a.zero_point), 0.0f,
                       255.0f));
  }
  // Halves go to the even neighbour.
  const std::vector<float> halves = {0, 0.5f, 1.5f, 2.5f, 255};
  std::vector<std::uint8_t> bytes(5);
  quantize(halves, 5, range_of(halves), bytes);
  CHECK(bytes == std::vector<std::uint8_t>{0, 0, 2, 2, 255});
  // Nothing but zeros.
  const std::vector<float> zeros(40);
  bytes.assign(40, 9);
  const Activations a = quantize(zeros, 40, range_of(zeros), bytes);
  CHECK(a.scale == 1);
  CHECK(bytes == std::vector<std::uint8_t>(40, 0));
}

TEST_CASE("exponential and error function are right to seven digits") {
  double worst_exp = 0, worst_erf = 0;
  for (float x = -80; x <= 0; x += 0.00137f) {
    const double power = _mm256_cvtss_f32(exp_of(Many<1>{_mm256_set1_ps(x)}).at[0]);
    worst_exp = std::max(worst_exp, std::abs(power / std::exp(static_cast<double>(x)) - 1));
  }
  for (float x = -6; x <= 6; x += 0.00037f) {
    const double erf = _mm256_cvtss_f32(erf_of(Many<1>{_mm256_set1_ps(x)}).at[0]);
    worst_erf = std::max(worst_erf, std::abs(erf - std::erf(static_cast<double>(x))));
  }
  CHECK(worst_exp < 2e-7);
  CHECK(worst_erf < 2e-7);
}

}  // namespace slipway::models::detail
