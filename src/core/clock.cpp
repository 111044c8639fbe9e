#include "core/clock.hpp"

#include <sys/random.h>

#include <array>
#include <cctype>

#include "core/hex.hpp"

namespace slipway {

namespace {

class SystemClock final : public Clock {
 public:
  Time now() const override {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  }
};

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override {
    std::uint64_t value = 0;
    // Never short for eight bytes once the pool is initialised, which it is long before any user
    // process.
    SLIPWAY_ASSERT(getrandom(&value, sizeof value, 0) == static_cast<ssize_t>(sizeof value));
    return value;
  }
};

/// Reads exactly `digits` digits at `at` and moves it.
bool read_number(std::string_view text, std::size_t& at, std::size_t digits, int& value) {
  if (at + digits > text.size()) return false;
  value = 0;
  for (std::size_t i = 0; i < digits; ++i, ++at) {
    if (text[at] < '0' || text[at] > '9') return false;
    value = value * 10 + (text[at] - '0');
  }
  return true;
}

/// `value` in `digits` digits; it fits.
void append_number(std::string& text, std::int64_t value, std::size_t digits) {
  const std::size_t begin = text.size();
  text.resize(begin + digits);
  for (std::size_t at = begin + digits; at > begin; value /= 10)
    text[--at] = static_cast<char>('0' + value % 10);
}

bool skip(std::string_view text, std::size_t& at, std::string_view any_of) {
  if (at >= text.size() || any_of.find(text[at]) == std::string_view::npos) return false;
  ++at;
  return true;
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

Clock::Time FakeClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

void FakeClock::advance(std::chrono::microseconds by) {
  const std::lock_guard lock(mutex_);
  now_ += by;
}

std::uint64_t SeededRandom::next() {
  const std::lock_guard lock(mutex_);
  return engine_();
}

std::string format_time(Clock::Time time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<microseconds>(time - day));
  const int year_number = static_cast<int>(date.year());
  std::string text;
  text.reserve(sizeof "2026-11-24T16:09:19.000001Z");
  // By hand: each line of a log has one, and formats cost six times as much.
  if (year_number >= 0 && year_number <= 9999)
    append_number(text, year_number, 4);
  else
    text = fmt::format("{:04}", year_number);
  const auto append = [&](char before, std::int64_t value, std::size_t digits) {
    text += before;
    append_number(text, value, digits);
  };
  append('-', static_cast<unsigned>(date.month()), 2);
  append('-', static_cast<unsigned>(date.day()), 2);
  append('T', clock.hours().count(), 2);
  append(':', clock.minutes().count(), 2);
  append(':', clock.seconds().count(), 2);
  if (clock.subseconds().count() != 0) append('.', clock.subseconds().count(), 6);
  text += 'Z';
  return text;
}

Result<Clock::Time> parse_time(std::string_view text) {
  using namespace std::chrono;
  const auto wrong = [&] {
    return fail(Code::invalid_argument,
                "'{}' is not a time; write it as 2026-11-24T16:09:19Z or 2026-11-24", text);
  };
  std::size_t at = 0;
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  if (!read_number(text, at, 4, y) || !skip(text, at, "-") || !read_number(text, at, 2, mo) ||
      !skip(text, at, "-") || !read_number(text, at, 2, d))
    return wrong();
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok()) return wrong();
  Clock::Time time = sys_days(date);
  if (at == text.size()) return time;  // A bare date is its midnight in UTC.

  if (!skip(text, at, "Tt ") || !read_number(text, at, 2, h) || !skip(text, at, ":") ||
      !read_number(text, at, 2, mi) || !skip(text, at, ":") || !read_number(text, at, 2, s) ||
      h > 23 || mi > 59 || s > 60)
    return wrong();
  time += hours(h) + minutes(mi) + seconds(s);
  if (skip(text, at, ".")) {
    int micros = 0;
    int digits = 0;
    for (; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])); ++at, ++digits)
      if (digits < 6) micros = micros * 10 + (text[at] - '0');
    if (digits == 0) return wrong();
    for (; digits < 6; ++digits) micros *= 10;
    time += microseconds(micros);
  }
  if (skip(text, at, "Zz")) return at == text.size() ? Result<Clock::Time>(time) : wrong();
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return wrong();
  const int sign = text[at++] == '+' ? 1 : -1;
  if (!read_number(text, at, 2, h) || !skip(text, at, ":") || !read_number(text, at, 2, mi) ||
      at != text.size() || h > 23 || mi > 59)
    return wrong();
  return time - sign * (hours(h) + minutes(mi));
}

std::string make_id(std::string_view prefix, const Clock& clock, Random& random) {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto ms =
      std::chrono::floor<std::chrono::milliseconds>(clock.now()).time_since_epoch().count();
  std::string id(prefix);
  id += '_';
  for (int shift = 45; shift >= 0; shift -= 5)
    id += alphabet[(static_cast<std::uint64_t>(ms) >> shift) & 31];
  const std::uint64_t high = random.next();
  const std::uint64_t low = random.next();
  for (int shift = 35; shift >= 0; shift -= 5) id += alphabet[(high >> shift) & 31];
  for (int shift = 35; shift >= 0; shift -= 5) id += alphabet[(low >> shift) & 31];
  return id;
}

std::string make_trace_id(Random& random) {
  const std::uint64_t low = random.next() | 1;  // All zero is no id.
  return hex::encode(random.next()) + hex::encode(low);
}

}  // namespace slipway
