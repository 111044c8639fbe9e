#include "core/uuid.hpp"

#include "core/hex.hpp"

namespace slipway {

std::string make_uuid(Random& random) {
  const std::uint64_t low = random.next();
  std::string digits = hex::encode(random.next()) + hex::encode(low);
  constexpr std::size_t version_at = 12, variant_at = 16;
  digits[version_at] = '4';
  constexpr std::string_view variants = "89ab";
  digits[variant_at] = variants[random.next() % variants.size()];
  return dashed_uuid(std::move(digits));
}

bool is_uuid(std::string_view text) {
  if (text.size() != uuid_size) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? text[i] != '-' : !hex::is_digit(text[i])) return false;
  }
  return true;
}

std::string dashed_uuid(std::string digits) {
  SLIPWAY_ASSERT(digits.size() == uuid_digits);
  // From the back, so that no place moves before its turn.
  for (const std::size_t at : {20u, 16u, 12u, 8u}) digits.insert(at, 1, '-');
  return digits;
}

}  // namespace slipway
