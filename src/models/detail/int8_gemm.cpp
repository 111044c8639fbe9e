#include "models/detail/int8_gemm.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "models/detail/simd.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t panel_step = panel_width * group_rows;  ///< Bytes of one group in a panel.
constexpr std::size_t line_bytes = 64;                        ///< Of the processor's caches.
constexpr std::size_t tile_rows = 3;  ///< With it, all sums of a tile stay in registers.

// ---------------------------------------------------------------------------- Packing

/// For each of a panel's columns, both pairs of a group's rows, both signs: the sum of absolute
/// weights. 255 times as much is the most that the activations can make of it.
using Load = std::array<std::uint8_t, panel_width * 4>;
constexpr int load_max = 128;  // 255 * 128 < 2^15.

Load load_of(const std::int8_t* group) {
  Load load{};
  for (std::size_t i = 0; i < panel_step; ++i) {
    const int weight = group[i];
    std::uint8_t& sum = load[i / 2 * 2 + (weight < 0 ? 1 : 0)];
    sum = static_cast<std::uint8_t>(std::min(255, sum + std::abs(weight)));
  }
  return load;
}

/// What sets of groups are chosen by, tens of millions of times a model.
struct Group {
  __m256i loads[2];  ///< A `Load`, each number at most 255.
  int weight;        ///< The sum of its numbers.
};

int largest_byte(__m256i left, __m256i right) {
  const __m256i both = _mm256_max_epu8(left, right);
  const __m128i half =
      _mm_max_epu8(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  const __m128i bytes =
      _mm_and_si128(_mm_max_epu8(half, _mm_srli_epi16(half, 8)), _mm_set1_epi16(0xff));
  const __m128i least = _mm_minpos_epu16(_mm_sub_epi16(_mm_set1_epi16(0xff), bytes));
  return 0xff - _mm_extract_epi16(least, 0);
}

int heaviest(const Group& a) { return largest_byte(a.loads[0], a.loads[1]); }

int heaviest(const Group& a, const Group& b) {
  return largest_byte(_mm256_adds_epu8(a.loads[0], b.loads[0]),
                      _mm256_adds_epu8(a.loads[1], b.loads[1]));
}

void add_to(Group& sum, const Group& group) {
  for (int i = 0; i < 2; ++i) sum.loads[i] = _mm256_adds_epu8(sum.loads[i], group.loads[i]);
}

Group group_of(const std::int8_t* bytes) {
  const Load load = load_of(bytes);
  static_assert(sizeof(Load) == sizeof(Group::loads));
  Group group;
  std::memcpy(group.loads, load.data(), sizeof load);
  group.weight = std::accumulate(load.begin(), load.end(), 0);
  return group;
}

/// The best group of `free` to add to `taken`, whose load is `sum`: the heaviest that leaves room
/// for those still to come, else the one that leaves most. None if none fits.
std::optional<std::uint16_t> best_addition(const std::vector<Group>& groups,
                                           const std::vector<std::uint16_t>& free, const Group& sum,
                                           int allowance) {
  std::optional<std::uint16_t> best;
  std::pair<int, int> best_score;
  for (const std::uint16_t group : free) {
    const int load = heaviest(sum, groups[group]);
    if (load > load_max) continue;
    const auto score = load <= allowance ? std::pair(1, groups[group].weight) : std::pair(0, -load);
    if (!best || score > best_score) {
      best = group;
      best_score = score;
    }
  }
  return best;
}

/// Takes out of `free` a set of `size` groups that fit together, the first of them, which is the
/// hardest to place, among them. Empty if there is none with that one.
std::vector<std::uint16_t> take_fitting(const std::vector<Group>& groups, std::size_t size,
                                        std::vector<std::uint16_t>& free) {
  constexpr int slack = 20;  // Found by trial: 98 % of the groups of real models are in fours.
  std::vector<std::uint16_t> rest = free;
  std::vector<std::uint16_t> taken{rest.front()};
  rest.erase(rest.begin());
  Group sum = groups[taken.front()];
  while (taken.size() < size) {
    const int share = load_max * static_cast<int>(taken.size() + 1) / static_cast<int>(size);
    const auto best = best_addition(groups, rest, sum, share + slack);
    if (!best) return {};
    taken.push_back(*best);
    add_to(sum, groups[*best]);
    std::erase(rest, *best);
  }
  free = std::move(rest);
  return taken;
}

/// Moves what can be set together from `free` to `order`, the rest to `left`.
std::size_t form_sets(const std::vector<Group>& groups, std::size_t size,
                      std::vector<std::uint16_t>& free, std::vector<std::uint16_t>& order) {
  std::size_t sets = 0;
  std::vector<std::uint16_t> left;
  while (free.size() >= size) {
    const auto taken = take_fitting(groups, size, free);
    if (taken.empty()) {
      left.push_back(free.front());
      free.erase(free.begin());
      continue;
    }
    order.insert(order.end(), taken.begin(), taken.end());
    ++sets;
  }
  free.insert(free.end(), left.begin(), left.end());
  return sets;
}

/// One panel in the order of the file: [depth / 4][panel_width][4].
std::vector<std::int8_t> panel_of(const WeightColumns& columns, std::size_t first,
                                  std::size_t depth) {
  const std::size_t width = columns.end - columns.begin;
  std::vector<std::int8_t> panel(depth * panel_width);
  for (std::size_t row = 0; row < depth; ++row)
    for (std::size_t column = 0; column < panel_width; ++column)
      panel[row / group_rows * panel_step + column * group_rows + row % group_rows] =
          columns.weights[row * width + first + column];
  return panel;
}

Result<void> pack_panel(const std::vector<std::int8_t>& panel, std::size_t number,
                        const PackedMatrix& packed) {
  const std::size_t count = packed.depth / group_rows;
  std::vector<Group> groups;
  for (std::size_t i = 0; i < count; ++i) {
    groups.push_back(group_of(&panel[i * panel_step]));
    if (heaviest(groups.back()) > load_max)
      return fail(Code::unsupported, "the weights of rows {} to {} use more than 7 bits",
                  i * group_rows, (i + 1) * group_rows);
  }
  std::vector<std::uint16_t> free(count);
  std::iota(free.begin(), free.end(), std::uint16_t{0});
  std::stable_sort(free.begin(), free.end(), [&](std::uint16_t a, std::uint16_t b) {
    return heaviest(groups[a]) > heaviest(groups[b]);
  });
  std::vector<std::uint16_t> order;
  PanelRuns& runs = packed.runs[number];
  runs.fours = static_cast<std::uint16_t>(form_sets(groups, 4, free, order));
  runs.pairs = static_cast<std::uint16_t>(form_sets(groups, 2, free, order));
  order.insert(order.end(), free.begin(), free.end());

  std::int8_t* to = &packed.panels[number * packed.depth * panel_width];
  for (std::size_t i = 0; i < count; ++i) {
    packed.order[number * count + i] = static_cast<std::uint16_t>(order[i] * group_rows);
    std::memcpy(to + i * panel_step, &panel[order[i] * panel_step], panel_step);
  }
  for (std::size_t column = 0; column < panel_width; ++column) {
    std::int32_t sum = 0;
    for (std::size_t row = 0; row < packed.depth; ++row)
      sum += panel[row / group_rows * panel_step + column * group_rows + row % group_rows];
    packed.sums[number * panel_width + column] = sum;
  }
  return {};
}

// ---------------------------------------------------------------------------- Kernel

template <std::size_t Rows>
using Sums = __m256i[Rows][2];

inline __m256i broadcast_group(const std::uint8_t* at) {
  int bytes;
  std::memcpy(&bytes, at, sizeof bytes);
  return _mm256_set1_epi32(bytes);
}

/// Neighbouring 16-bit numbers become their sum. The ones stay in memory, because a register for
/// them would be one too many.
inline __m256i pairs_added(__m256i x) {
  alignas(32) static constexpr std::int16_t ones[] = {1, 1, 1, 1, 1, 1, 1, 1,
                                                      1, 1, 1, 1, 1, 1, 1, 1};
  asm("vpmaddwd %1, %0, %0" : "+x"(x) : "m"(ones));
  return x;
}

/// Where the kernel is in a panel and its order.
struct Place {
  const std::int8_t* weights;
  const std::uint16_t* order;
  const std::int8_t* ahead;  ///< Weights needed soon: a line of them is fetched with each set.
};

/// Adds `sets` sets of `Size` groups each. The empty asm keeps the compiler from hoisting loads
/// until the registers do not suffice.
template <std::size_t Rows, std::size_t Size>
[[gnu::always_inline]] inline void add_sets(const Activations& a, const std::uint8_t* rows,
                                            std::size_t sets, Place& place, Sums<Rows>& sums) {
  for (std::size_t set = 0; set < sets; ++set) {
    // Not _mm_prefetch: a debug build refuses it.
    __builtin_prefetch(place.ahead + set * line_bytes);
    __m256i partial[Rows][2];
    unrolled<Size>([&](auto group) __attribute__((always_inline)) {
      const auto* const weights = reinterpret_cast<const __m256i*>(place.weights);
      __m256i left = _mm256_load_si256(weights);
      __m256i right = _mm256_load_si256(weights + 1);
      asm volatile("" : "+x"(left), "+x"(right));
      const std::uint8_t* at = rows + *place.order++;
      place.weights += panel_step;
      unrolled<Rows>([&](auto row) __attribute__((always_inline)) {
        const __m256i values = broadcast_group(at + row * a.columns);
        const __m256i products[] = {_mm256_maddubs_epi16(values, left),
                                    _mm256_maddubs_epi16(values, right)};
        unrolled<2>([&](auto side) __attribute__((always_inline)) {
          partial[row][side] =
              group == 0 ? products[side] : _mm256_add_epi16(partial[row][side], products[side]);
        });
        asm volatile("" : "+x"(partial[row][0]), "+x"(partial[row][1]));
      });
    });
    unrolled<Rows>([&](auto row) __attribute__((always_inline)) {
      unrolled<2>([&](auto side) __attribute__((always_inline)) {
        sums[row][side] = _mm256_add_epi32(sums[row][side], pairs_added(partial[row][side]));
      });
    });
  }
}

/// What a column's sums become numbers with.
struct Finish {
  __m256i correction;  ///< The zero point times the sum of the weights.
  __m256 scale;
  __m256 bias;

  Finish(const Activations& a, const PackedMatrix& b, std::size_t column)
      : correction(_mm256_mullo_epi32(
            _mm256_set1_epi32(a.zero_point),
            _mm256_load_si256(reinterpret_cast<const __m256i*>(&b.sums[column])))),
        scale(_mm256_mul_ps(_mm256_set1_ps(a.scale), _mm256_load_ps(&b.scales[column]))),
        bias(_mm256_load_ps(&b.bias[column])) {}

  __m256 operator()(__m256i sums) const {
    const __m256 whole = _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, correction));
    return _mm256_add_ps(rounded(_mm256_mul_ps(whole, scale)), bias);
  }
};

/// Sixteen columns of weights and what goes with them.
struct Panel {
  const std::int8_t* weights;
  const std::uint16_t* order;
  std::size_t bytes, fours, pairs, singles;
  std::size_t column;  ///< The first.
  std::size_t width;   ///< Of the whole matrix.
  Finish finish[2];

  Panel(const Activations& a, const PackedMatrix& b, std::size_t number)
      : weights(&b.panels[number * b.depth * panel_width]),
        order(&b.order[number * (b.depth / group_rows)]),
        bytes(b.depth * panel_width),
        fours(b.runs[number].fours),
        pairs(b.runs[number].pairs),
        singles(b.depth / group_rows - 4 * fours - 2 * pairs),
        column(number * panel_width),
        width(b.width),
        finish{{a, b, column}, {a, b, column + simd_width}} {}
};

template <std::size_t Rows, typename Store>
[[gnu::always_inline]] inline void tile(const Activations& a, const Panel& panel, std::size_t row,
                                        const Store& store) {
  const std::uint8_t* const rows = a.values + row * a.columns;
  // The first tiles of a panel fetch the next panel between them.
  const std::size_t ahead = row / tile_rows * panel.fours * line_bytes;
  Place place{panel.weights, panel.order,
              panel.weights + (ahead < panel.bytes ? panel.bytes + ahead : 0)};
  Sums<Rows> sums;
  unrolled<Rows>([&](auto i) { sums[i][0] = sums[i][1] = _mm256_setzero_si256(); });
  add_sets<Rows, 4>(a, rows, panel.fours, place, sums);
  add_sets<Rows, 2>(a, rows, panel.pairs, place, sums);
  add_sets<Rows, 1>(a, rows, panel.singles, place, sums);
  unrolled<2>([&](auto side) {
    const std::size_t at = row * panel.width + panel.column + side * simd_width;
    store(at, each<Rows>([&](auto i) { return panel.finish[side](sums[i][side]); }));
  });
}

/// `store(i, x)` gets eight numbers of some rows below each other, the first of them at i. A
/// panel's weights stay in the first cache while the activations pass.
template <typename Store>
[[gnu::always_inline]] inline void for_tiles(const Activations& a, const PackedMatrix& b,
                                             const Store& store) {
  static_assert(tile_rows == 3);
  for (std::size_t number = 0; number < b.width / panel_width; ++number) {
    const Panel panel(a, b, number);
    std::size_t row = 0;
    for (; row + 3 <= a.rows; row += 3) tile<3>(a, panel, row, store);
    if (a.rows - row == 2) tile<2>(a, panel, row, store);
    if (a.rows - row == 1) tile<1>(a, panel, row, store);
  }
}

}  // namespace

Result<void> pack(const WeightColumns& columns, const PackedMatrix& packed) {
  SLIPWAY_ASSERT(columns.begin % panel_width == 0 && columns.end % panel_width == 0);
  SLIPWAY_ASSERT(columns.end <= packed.width && packed.depth <= depth_max);
  SLIPWAY_ASSERT(columns.weights.size() == packed.depth * (columns.end - columns.begin));
  for (std::size_t column = columns.begin; column < columns.end; column += panel_width)
    TRY(pack_panel(panel_of(columns, column - columns.begin, packed.depth), column / panel_width,
                   packed));
  return {};
}

Result<void> check(const PackedMatrix& packed) {
  const std::size_t groups = packed.depth / group_rows;
  for (const PanelRuns& runs : packed.runs)
    if (4u * runs.fours + 2u * runs.pairs > groups)
      return fail(Code::invalid_argument, "a panel has more groups than {}", groups);
  for (const std::uint16_t row : packed.order)
    if (row + group_rows > packed.depth)
      return fail(Code::invalid_argument, "row {} is not among {}", row, packed.depth);
  return {};
}

void multiply(const Activations& a, const PackedMatrix& b, std::span<float> out) {
  SLIPWAY_ASSERT(a.columns == b.depth && out.size() == a.rows * b.width);
  for_tiles(a, b, [&]<std::size_t Rows>(std::size_t at, const Many<Rows>& x) {
    unrolled<Rows>([&](auto i) { _mm256_storeu_ps(&out[at + i * b.width], x.at[i]); });
  });
}

Range multiply_gelu(const Activations& a, const PackedMatrix& b, std::span<float> out) {
  SLIPWAY_ASSERT(a.columns == b.depth && out.size() == a.rows * b.width);
  __m256 low = _mm256_setzero_ps();
  __m256 high = _mm256_setzero_ps();
  for_tiles(a, b, [&]<std::size_t Rows>(std::size_t at, const Many<Rows>& x) {
    const Many<Rows> y = gelu_of(x);
    unrolled<Rows>([&](auto i) {
      low = _mm256_min_ps(low, y.at[i]);
      high = _mm256_max_ps(high, y.at[i]);
      _mm256_storeu_ps(&out[at + i * b.width], y.at[i]);
    });
  });
  return {min_of(low), max_of(high)};
}

void multiply_add(const Activations& a, const PackedMatrix& b, std::span<float> out) {
  SLIPWAY_ASSERT(a.columns == b.depth && out.size() == a.rows * b.width);
  for_tiles(a, b, [&]<std::size_t Rows>(std::size_t at, const Many<Rows>& x) {
    unrolled<Rows>([&](auto i) {
      float* const to = &out[at + i * b.width];
      _mm256_storeu_ps(to, _mm256_add_ps(x.at[i], _mm256_loadu_ps(to)));
    });
  });
}

Range range_of(std::span<const float> values) {
  __m256 low = _mm256_setzero_ps();
  __m256 high = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + simd_width <= values.size(); i += simd_width) {
    const __m256 x = _mm256_loadu_ps(&values[i]);
    low = _mm256_min_ps(low, x);
    high = _mm256_max_ps(high, x);
  }
  Range range{min_of(low), max_of(high)};
  for (; i < values.size(); ++i) {
    range.low = std::min(range.low, values[i]);
    range.high = std::max(range.high, values[i]);
  }
  return range;
}

Activations quantize(std::span<const float> values, std::size_t columns, Range range,
                     std::span<std::uint8_t> bytes) {
  SLIPWAY_ASSERT(bytes.size() >= values.size() && values.size() % columns == 0);
  Activations result{bytes.data(), values.size() / columns, columns};
  if (range.high != range.low) result.scale = (range.high - range.low) / 255.0f;
  result.zero_point = static_cast<std::int32_t>(
      std::nearbyint(std::clamp(0.0f - range.low / result.scale, 0.0f, 255.0f)));

  // A division, not a product with the inverse, which would round some numbers otherwise.
  const __m256 scale = _mm256_set1_ps(result.scale);
  const __m256i zero_point = _mm256_set1_epi32(result.zero_point);
  const auto whole = [&](std::size_t i) {
    const __m256 x = _mm256_div_ps(_mm256_loadu_ps(&values[i]), scale);
    return _mm256_add_epi32(_mm256_cvtps_epi32(x), zero_point);
  };
  // Packing works within halves of a register: their pieces are put into order at the end.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  std::size_t i = 0;
  for (; i + 4 * simd_width <= values.size(); i += 4 * simd_width) {
    const __m256i low = _mm256_packs_epi32(whole(i), whole(i + simd_width));
    const __m256i high = _mm256_packs_epi32(whole(i + 2 * simd_width), whole(i + 3 * simd_width));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(&bytes[i]),
                        _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order));
  }
  for (; i < values.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(std::clamp(
        static_cast<int>(std::nearbyint(values[i] / result.scale)) + result.zero_point, 0, 255));
  return result;
}

}  // namespace slipway::models::detail
