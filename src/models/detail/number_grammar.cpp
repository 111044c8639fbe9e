#include "models/detail/number_grammar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace slipway::models::detail {

namespace {

constexpr std::int64_t whole_max = 999'999'999'999'999;  // 15 digits are exact in a double.
constexpr int decimals_max = 6;
constexpr std::size_t digits_max = 15;

std::int64_t power(int exponent) {
  std::int64_t result = 1;
  for (int i = 0; i < exponent; ++i) result *= 10;
  return result;
}

/// All numbers of one length between two; a point stands before digit `point`,
/// if there is one.
class Digits {
 public:
  Digits(std::string low, std::string high, std::size_t point)
      : low_(std::move(low)), high_(std::move(high)), point_(point) {}

  std::string body() const { return between(0, Edge::both); }

 private:
  enum class Edge { none, low, high, both };

  std::string between(std::size_t at, Edge edge) const {
    if (at == low_.size()) return "\"\"";
    if (edge == Edge::none) return any(at);
    const char low = edge == Edge::high ? '0' : low_[at];
    const char high = edge == Edge::low ? '9' : high_[at];
    const std::string dot = at == point_ ? "\".\" " : "";
    if (low == high) return fmt::format("{}\"{}\" {}", dot, low, between(at + 1, edge));
    std::vector<std::string> choices;
    char first = low;
    char last = high;
    const bool keeps_low = edge != Edge::high && !is_all('0', low_, at + 1);
    const bool keeps_high = edge != Edge::low && !is_all('9', high_, at + 1);
    if (keeps_low) choices.push_back(fmt::format("\"{}\" {}", first++, between(at + 1, Edge::low)));
    if (keeps_high) --last;
    if (first <= last)
      choices.push_back(fmt::format("[{}-{}] {}", first, last, between(at + 1, Edge::none)));
    if (keeps_high) choices.push_back(fmt::format("\"{}\" {}", high, between(at + 1, Edge::high)));
    return fmt::format("{}({})", dot, fmt::join(choices, " | "));
  }

  static bool is_all(char digit, const std::string& digits, std::size_t from) {
    return digits.find_first_not_of(digit, from) == std::string::npos;
  }

  std::string any(std::size_t at) const {
    const std::size_t left = low_.size() - at;
    if (at > point_ || point_ >= low_.size()) return fmt::format("[0-9]{{{}}}", left);
    const std::size_t before = point_ - at;
    const std::string whole = before > 0 ? fmt::format("[0-9]{{{}}} ", before) : "";
    return fmt::format("{}\".\" [0-9]{{{}}}", whole, left - before);
  }

  const std::string low_;
  const std::string high_;
  const std::size_t point_;
};

/// Numbers from `low` to `high`, neither negative, with `decimals` digits after
/// the point.
void add_range(std::int64_t low, std::int64_t high, int decimals, std::vector<std::string>& out) {
  const auto least = static_cast<std::size_t>(decimals) + 1;
  for (std::size_t length = least; low <= high; ++length) {
    const std::int64_t last = std::min(high, power(static_cast<int>(length)) - 1);
    if (low > last) continue;
    const std::size_t point = decimals > 0 ? length - static_cast<std::size_t>(decimals) : length;
    out.push_back(
        Digits(fmt::format("{:0{}}", low, length), fmt::format("{:0{}}", last, length), point)
            .body());
    low = last + 1;
  }
}

std::string tail(std::int64_t high, int decimals) {
  const std::size_t used =
      std::max(fmt::format("{}", high).size(), static_cast<std::size_t>(decimals) + 1);
  if (used >= digits_max) return "\"\"";
  const std::size_t room = digits_max - used;
  return decimals > 0 ? fmt::format("[0-9]{{0,{}}}", room)
                      : fmt::format("(\".\" [0-9]{{1,{}}})?", room);
}

struct Scaled {
  std::int64_t low;
  std::int64_t high;
  int decimals;
};

/// The sizes of numbers on one side of zero: further digits may follow all but
/// the greatest.
void add_sizes(const Scaled& sizes, std::string_view sign, std::vector<std::string>& out) {
  std::vector<std::string> before;
  add_range(sizes.low, sizes.high - 1, sizes.decimals, before);
  if (!before.empty())
    out.push_back(
        fmt::format("{}({}) {}", sign, fmt::join(before, " | "), tail(sizes.high, sizes.decimals)));
  if (sizes.low <= sizes.high) {
    before.clear();
    add_range(sizes.high, sizes.high, sizes.decimals, before);
    out.push_back(fmt::format("{}{}", sign, fmt::join(before, " | ")));
  }
}

bool is_whole(double value) {
  return std::fabs(value - std::round(value)) <= 1e-9 * std::max(1.0, std::fabs(value));
}

std::int64_t clamped(double value) {
  const auto most = static_cast<double>(whole_max);
  return static_cast<std::int64_t>(std::clamp(value, -most, most));
}

/// Inward to whole multiples of 10^-decimals.
Scaled scaled(const NumberBounds& bounds, int decimals) {
  const auto factor = static_cast<double>(power(decimals));
  Scaled result{-whole_max, whole_max, decimals};
  if (bounds.least) {
    const double low = *bounds.least * factor;
    result.low = clamped(is_whole(low) ? std::round(low) : std::ceil(low));
    if (bounds.excludes_least && is_whole(low)) ++result.low;
  }
  if (bounds.most) {
    const double high = *bounds.most * factor;
    result.high = clamped(is_whole(high) ? std::round(high) : std::floor(high));
    if (bounds.excludes_most && is_whole(high)) --result.high;
  }
  return result;
}

}  // namespace

std::optional<std::string> integer_grammar(const NumberBounds& bounds) {
  const Scaled range = scaled(bounds, 0);
  std::vector<std::string> choices;
  if (range.low < 0) {
    std::vector<std::string> sizes;
    add_range(std::max<std::int64_t>(1, -range.high), -range.low, 0, sizes);
    if (!sizes.empty()) choices.push_back(fmt::format("\"-\" ({})", fmt::join(sizes, " | ")));
  }
  add_range(std::max<std::int64_t>(0, range.low), range.high, 0, choices);
  if (choices.empty()) return std::nullopt;
  return fmt::format("{}", fmt::join(choices, " | "));
}

std::optional<std::string> number_grammar(const NumberBounds& bounds) {
  int decimals = 0;
  const auto fits = [&](const std::optional<double>& bound) {
    return !bound || is_whole(*bound * static_cast<double>(power(decimals)));
  };
  while (decimals < decimals_max && !(fits(bounds.least) && fits(bounds.most))) ++decimals;
  // One digit more, so that there is something next to a bound that is left
  // out.
  if (bounds.excludes_least || bounds.excludes_most) ++decimals;
  const Scaled range = scaled(bounds, decimals);
  std::vector<std::string> choices;
  if (range.low < 0)
    add_sizes({std::max<std::int64_t>(range.high < 0 ? 1 : 0, -range.high), -range.low, decimals},
              "\"-\" ", choices);
  if (range.high >= 0)
    add_sizes({std::max<std::int64_t>(0, range.low), range.high, decimals}, "", choices);
  if (choices.empty()) return std::nullopt;
  return fmt::format("{}", fmt::join(choices, " | "));
}

}  // namespace slipway::models::detail
