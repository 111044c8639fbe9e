#include "trace/money.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace slipway::trace {

namespace {

__extension__ using Wide = __int128;

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr int attodollar_digits = 18;
constexpr std::uint64_t attodollars_max = 9'000'000'000'000'000'000;

std::int64_t saturated(Wide value) {
  constexpr Wide least = std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(std::clamp<Wide>(value, least, most));
}

Error no_price(std::string_view text, std::string_view why) {
  constexpr std::size_t excerpt_bytes_max = 40;
  return fail(Code::invalid_argument,
              "'{}' is not a price: {}; give dollars as a decimal, like 2.5e-06",
              text.substr(0, excerpt_bytes_max), why);
}

/// A decimal taken apart: `digits` without leading zeros, and the power of ten of the last one.
struct Decimal {
  std::string digits;
  std::int64_t exponent = 0;
  bool is_negative = false;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// The grammar of JSON's numbers.
std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  std::size_t at = 0;
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto take_digits = [&] {
    const std::size_t begin = at;
    for (; is_digit(peek()); ++at)
      if (text[at] != '0' || !decimal.digits.empty()) decimal.digits += text[at];
    return at - begin;
  };
  decimal.is_negative = peek() == '-';
  if (decimal.is_negative) ++at;
  if (take_digits() == 0) return {};
  if (peek() == '.') {
    ++at;
    const std::size_t places = take_digits();
    if (places == 0) return {};
    decimal.exponent -= static_cast<std::int64_t>(places);
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at;
    const bool is_below = peek() == '-';
    if (is_below || peek() == '+') ++at;
    if (!is_digit(peek())) return {};
    constexpr std::int64_t enough = 1'000'000'000;  // Far beyond what any price can be.
    std::int64_t power = 0;
    for (; is_digit(peek()); ++at) power = std::min(power * 10 + (text[at] - '0'), enough);
    decimal.exponent += is_below ? -power : power;
  }
  if (at != text.size()) return {};
  return decimal;
}

/// Whether what stands in `digits` from `from` on rounds the number before it up.
bool rounds_up(std::string_view digits, std::size_t from, bool is_odd) {
  if (from >= digits.size() || digits[from] < '5') return false;
  if (digits[from] > '5' || digits.find_first_not_of('0', from + 1) != std::string_view::npos)
    return true;
  return is_odd;
}

}  // namespace

Picodollars& Picodollars::operator+=(Picodollars other) {
  value = saturated(Wide(value) + other.value);
  return *this;
}

Result<Picodollars> picodollars(double dollars) {
  constexpr double dollars_max = 9e6;
  if (!(dollars >= 0 && dollars <= dollars_max))
    return fail(Code::invalid_argument, "{} is not an amount: give 0 to {} dollars", dollars,
                dollars_max);
  // Wider than a double, whose product with 10^12 would be rounded before it is rounded.
  return Picodollars{std::llrint(static_cast<long double>(dollars) * 1e12L)};
}

Picodollars Price::times(std::int64_t count) const {
  constexpr Wide attodollars_per_picodollar = 1'000'000;
  const Wide product = Wide(attodollars) * count;
  Wide whole = product / attodollars_per_picodollar;
  const Wide rest = product % attodollars_per_picodollar;
  const Wide twice = (rest < 0 ? -rest : rest) * 2;
  if (twice > attodollars_per_picodollar || (twice == attodollars_per_picodollar && whole % 2 != 0))
    whole += product < 0 ? -1 : 1;
  return {saturated(whole)};
}

std::string Price::text() const {
  if (attodollars == 0) return "0";
  std::string digits = std::to_string(attodollars);
  const int exponent = static_cast<int>(digits.size()) - 1 - attodollar_digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  constexpr int plain_exponent_min = -4;
  if (exponent >= plain_exponent_min && exponent < 0)
    return "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const std::string rest = digits.size() > 1 ? "." + digits.substr(1) : "";
  if (exponent == 0) return digits[0] + rest;
  return fmt::format("{}{}e-{:02}", digits[0], rest, -exponent);
}

Result<Price> parse_price(std::string_view text) {
  const auto decimal = parse_decimal(text);
  if (!decimal) return no_price(text, "not a number");
  const std::string& digits = decimal->digits;
  if (digits.empty()) return Price{};
  if (decimal->is_negative) return no_price(text, "negative");
  // How many of the digits stand before the point once the number is in attodollars.
  const std::int64_t whole =
      static_cast<std::int64_t>(digits.size()) + decimal->exponent + attodollar_digits;
  if (whole > attodollar_digits + 1) return no_price(text, "above nine dollars");
  std::uint64_t value = 0;
  for (std::int64_t i = 0; i < whole; ++i) {
    const auto at = static_cast<std::size_t>(i);
    value = value * 10 + static_cast<std::uint64_t>(at < digits.size() ? digits[at] - '0' : 0);
  }
  if (whole >= 0 && rounds_up(digits, static_cast<std::size_t>(whole), value % 2 != 0)) ++value;
  if (value > attodollars_max) return no_price(text, "above nine dollars");
  if (value == 0) return no_price(text, "less than 1e-18 dollars");
  return Price{static_cast<std::int64_t>(value)};
}

}  // namespace slipway::trace
