#include "core/rate.hpp"

#include <charconv>

namespace slipway {

namespace {

constexpr double count_max = 1e12;

std::chrono::milliseconds time_of(std::string_view unit) {
  using std::chrono::hours;
  if (unit == "s") return std::chrono::seconds(1);
  if (unit == "min") return std::chrono::minutes(1);
  if (unit == "h") return hours(1);
  return unit == "d" ? hours(24) : hours(0);
}

}  // namespace

Result<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view number = text.substr(0, slash);
  Rate rate;
  rate.per = time_of(slash == std::string_view::npos ? "" : text.substr(slash + 1));
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), rate.count);
  const bool is_number = error == std::errc() && end == number.data() + number.size();
  if (is_number && rate.count > 0 && rate.count <= count_max && rate.per.count() > 0) return rate;
  return fail(Code::invalid_argument,
              "'{}' is no rate; write a number and a time, as in '100/min' (s, min, h, d)", text);
}

}  // namespace slipway
