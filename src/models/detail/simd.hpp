// Eight floats at a time, for processors with AVX2 and FMA (the build demands x86-64-v3). The
// functions round at the same places as ONNX Runtime's on such processors, so their bits are equal.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <utility>

namespace slipway::models::detail {

constexpr std::size_t simd_width = 8;  ///< Floats in a register.

/// `body(0)` to `body(Count - 1)` without a loop. GCC keeps arrays in registers only if their
/// indices are constants before it optimizes loops.
template <std::size_t Count, typename Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
  [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
    (body(std::integral_constant<std::size_t, I>{}), ...);
  }
  (std::make_index_sequence<Count>{});
}

/// `x` as it is: the compiler may not fuse the multiplication that made it with an addition, which
/// would round once instead of twice.
inline __m256 rounded(__m256 x) {
  asm("" : "+x"(x));
  return x;
}

inline float rounded(float x) {
  asm("" : "+x"(x));
  return x;
}

/// Neighbours first, then neighbours of those, then the halves.
inline float sum_of(__m256 x) {
  const __m256 pairs = _mm256_hadd_ps(x, x);
  const __m256 fours = _mm256_hadd_ps(pairs, pairs);
  return _mm_cvtss_f32(_mm256_castps256_ps128(fours)) +
         _mm_cvtss_f32(_mm256_extractf128_ps(fours, 1));
}

/// Halves first, then quarters, then eighths.
inline float sum_by_halves(__m256 x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

inline double sum_by_halves(__m256d x) {
  const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
  return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}

inline float max_of(__m256 x) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}

inline float min_of(__m256 x) {
  __m128 half = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_min_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_min_ss(half, _mm_movehdup_ps(half)));
}

/// Several registers treated alike. A long chain of dependent instructions keeps the processor
/// waiting; chains beside each other, step by step, do not.
template <std::size_t Count>
struct Many {
  __m256 at[Count];
};

template <std::size_t Count, typename Function>
[[gnu::always_inline]] inline Many<Count> each(const Function& function) {
  Many<Count> result;
  unrolled<Count>([&](auto i) __attribute__((always_inline)) { result.at[i] = function(i); });
  return result;
}

/// The polynomial with these coefficients, that of the highest power first.
template <std::size_t Count, typename... Rest>
inline Many<Count> polynomial(const Many<Count>& x, float first, Rest... rest) {
  Many<Count> sum = each<Count>([&](auto) { return _mm256_set1_ps(first); });
  ((sum = each<Count>(
        [&](auto i) { return _mm256_fmadd_ps(sum.at[i], x.at[i], _mm256_set1_ps(rest)); })),
   ...);
  return sum;
}

/// x = n ln 2 + rest with a whole n.
template <std::size_t Count>
struct Reduced {
  Many<Count> rest;
  Many<Count> n;  ///< n + 1.5 * 2^23, which has n in its lowest bits.
};

template <std::size_t Count>
inline Reduced<Count> reduce(const Many<Count>& x) {
  const __m256 magic = _mm256_set1_ps(12582912.0f);
  const Many<Count> shifted = each<Count>([&](auto i) {
    return _mm256_fmadd_ps(x.at[i], _mm256_set1_ps(1.44269504088896341f), magic);
  });
  const Many<Count> n = each<Count>([&](auto i) { return _mm256_sub_ps(shifted.at[i], magic); });
  // ln 2 in two parts: the first has so few bits that n times it is exact.
  const Many<Count> rest = each<Count>(
      [&](auto i) { return _mm256_fmadd_ps(n.at[i], _mm256_set1_ps(-6.93145752e-1f), x.at[i]); });
  return {each<Count>([&](auto i) {
            return _mm256_fmadd_ps(n.at[i], _mm256_set1_ps(-1.42860677e-6f), rest.at[i]);
          }),
          shifted};
}

/// x times 2^n; what n has above its lowest bits is shifted out.
inline __m256 scale_by(__m256 x, __m256 n) {
  const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(n), 23);
  const __m256i power = _mm256_add_epi32(exponent, _mm256_set1_epi32(127 << 23));
  return _mm256_mul_ps(x, _mm256_castsi256_ps(power));
}

/// e to the x, for x <= 0; below -88 as at -88.
template <std::size_t Count>
inline Many<Count> exp_of(const Many<Count>& x) {
  const Reduced<Count> reduced = reduce(each<Count>(
      [&](auto i) { return _mm256_max_ps(_mm256_set1_ps(-88.3762626647950f), x.at[i]); }));
  const Many<Count> power = polynomial(reduced.rest, 0x1.694000p-10f, 0x1.125edcp-7f,
                                       0x1.555b5ap-5f, 0x1.555450p-3f, 0x1.fffff6p-2f, 1.0f, 1.0f);
  return each<Count>([&](auto i) { return scale_by(power.at[i], reduced.n.at[i]); });
}

/// The error function by two approximations of N. Juffa, for small and for large numbers.
template <std::size_t Count>
inline Many<Count> erf_of(const Many<Count>& x) {
  const __m256 sign_bit = _mm256_set1_ps(-0.0f);
  const Many<Count> a = each<Count>([&](auto i) {
    return _mm256_min_ps(_mm256_andnot_ps(sign_bit, x.at[i]), _mm256_set1_ps(3.925f));
  });
  const Many<Count> large =
      polynomial(a, 1.72948930e-5f, -3.83208680e-4f, 3.88393435e-3f, -2.42545605e-2f,
                 1.06777847e-1f, 6.34846687e-1f, 1.28717512e-1f);
  const Reduced<Count> reduced = reduce(each<Count>([&](auto i) {
    return _mm256_xor_ps(_mm256_fmadd_ps(large.at[i], a.at[i], a.at[i]), sign_bit);
  }));
  const Many<Count> power = polynomial(reduced.rest, 1.38319808e-3f, 8.37550033e-3f, 4.16689515e-2f,
                                       1.66664466e-1f, 4.99999851e-1f, 1.0f, 1.0f);
  const Many<Count> far = each<Count>([&](auto i) {
    return _mm256_sub_ps(_mm256_set1_ps(1.0f), rounded(scale_by(power.at[i], reduced.n.at[i])));
  });
  const Many<Count> squares = each<Count>([&](auto i) { return _mm256_mul_ps(a.at[i], a.at[i]); });
  const Many<Count> small = polynomial(squares, -5.99104969e-4f, 4.99339588e-3f, -2.67667342e-2f,
                                       1.12818025e-1f, -3.76124859e-1f, 1.28379151e-1f);
  return each<Count>([&](auto i) {
    const __m256 near = _mm256_fmadd_ps(small.at[i], a.at[i], a.at[i]);
    const __m256 is_far = _mm256_cmp_ps(_mm256_set1_ps(0.921875f), a.at[i], _CMP_LE_OS);
    return _mm256_or_ps(_mm256_blendv_ps(near, far.at[i], is_far),
                        _mm256_and_ps(x.at[i], sign_bit));
  });
}

/// x times the normal distribution function at x.
template <std::size_t Count>
inline Many<Count> gelu_of(const Many<Count>& x) {
  const Many<Count> erf = erf_of(each<Count>(
      [&](auto i) { return _mm256_mul_ps(x.at[i], _mm256_set1_ps(0.707106781186547524401f)); }));
  return each<Count>([&](auto i) {
    const __m256 half = _mm256_mul_ps(x.at[i], _mm256_set1_ps(0.5f));
    return _mm256_mul_ps(half, _mm256_add_ps(erf.at[i], _mm256_set1_ps(1.0f)));
  });
}

}  // namespace slipway::models::detail
