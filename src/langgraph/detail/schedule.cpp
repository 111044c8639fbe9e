#include "langgraph/detail/schedule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

#include "core/ascii.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::int64_t minute = 60, hour = 3600, day = 86400, years_ahead = 10;
constexpr std::size_t text_bytes_max = 256;

struct Field {
  std::string_view name;
  int first = 0, last = 0;
  std::vector<std::string_view> words;  ///< Of `first` and those that follow it.
};
const std::array<Field, 5> fields{
    {{"minute", 0, 59, {}},
     {"hour", 0, 23, {}},
     {"day of the month", 1, 31, {}},
     {"month",
      1,
      12,
      {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
     {"day of the week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> short_words{
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@midnight", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"},
     {"@yearly", "0 0 1 1 *"},
     {"@annually", "0 0 1 1 *"}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0 || separators == ",") parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<int> number_in(std::string_view text, const Field& field) {
  for (std::size_t i = 0; i < field.words.size(); ++i)
    if (ascii::lower(text) == field.words[i]) return field.first + static_cast<int>(i);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// "*", "5", "1-5", "*/10", "8-18/2"
template <std::size_t N>
Result<void> read_part(std::string_view part, const Field& field, std::bitset<N>& into) {
  const auto wrong = [&] {
    return fail(Code::invalid_argument,
                "schedule: {} '{}': a number of {} to {}, a range 1-5, a step */2, a list of them, "
                "or * is expected",
                field.name, part, field.first, field.last);
  };
  const std::size_t slash = part.find('/');
  const std::string_view range = part.substr(0, slash);
  int first = field.first, last = field.last, step = 1;
  if (range != "*") {
    const std::size_t dash = range.find('-');
    const auto from = number_in(range.substr(0, dash), field);
    const auto to = dash != std::string_view::npos    ? number_in(range.substr(dash + 1), field)
                    : slash != std::string_view::npos ? std::optional(field.last)
                                                      : from;
    if (!from || !to || *from < field.first || *to > field.last || *from > *to) return wrong();
    first = *from;
    last = *to;
  }
  if (slash != std::string_view::npos) {
    const Field steps{field.name, 1, field.last, {}};
    const auto number = number_in(part.substr(slash + 1), steps);
    if (!number || *number < 1 || *number > field.last) return wrong();
    step = *number;
  }
  for (int i = first; i <= last; i += step) into.set(static_cast<std::size_t>(i));
  return {};
}

template <std::size_t N>
Result<void> read_field(std::string_view text, const Field& field, std::bitset<N>& into) {
  for (const std::string_view part : split(text, ",")) TRY(read_part(part, field, into));
  if (text.ends_with(',')) TRY(read_part("", field, into));
  return {};
}

std::int64_t floor_to(std::int64_t time, std::int64_t unit) {
  const std::int64_t rest = time % unit;
  return time - (rest < 0 ? rest + unit : rest);
}

}  // namespace

Result<Schedule> Schedule::parse(std::string_view text) {
  for (const auto& [word, meaning] : short_words)
    if (ascii::lower(text) == word) text = meaning;
  const auto parts = split(text, " \t");
  if (parts.size() != fields.size() || text.size() > text_bytes_max)
    return fail(Code::invalid_argument,
                "schedule: '{}' has {} fields; five are expected (minute, hour, day, month, "
                "weekday: '0 8 * * mon-fri'), or @hourly, @daily, @weekly, @monthly, @yearly",
                text.substr(0, text_bytes_max), parts.size());
  Schedule made;
  TRY(read_field(parts[0], fields[0], made.minutes_));
  TRY(read_field(parts[1], fields[1], made.hours_));
  TRY(read_field(parts[2], fields[2], made.days_));
  TRY(read_field(parts[3], fields[3], made.months_));
  TRY(read_field(parts[4], fields[4], made.weekdays_));
  if (made.weekdays_[7]) made.weekdays_.set(0);
  made.has_any_day_ = parts[2].starts_with('*');
  made.has_any_weekday_ = parts[4].starts_with('*');
  return made;
}

bool Schedule::is_day(std::int64_t days) const {
  using namespace std::chrono;
  const sys_days date{std::chrono::days(days)};
  const year_month_day parts(date);
  if (!months_[static_cast<unsigned>(parts.month())]) return false;
  const bool fits_day = days_[static_cast<unsigned>(parts.day())],
             fits_weekday = weekdays_[weekday(date).c_encoding()];
  return has_any_day_ || has_any_weekday_ ? fits_day && fits_weekday : fits_day || fits_weekday;
}

std::optional<std::int64_t> Schedule::next_local(std::int64_t local, std::int64_t until) const {
  std::int64_t time = floor_to(local + minute - 1, minute);
  while (time <= until) {
    const std::int64_t date = floor_to(time, day), of_day = time - date;
    if (!is_day(date / day)) {
      time = date + day;
    } else if (!hours_[static_cast<std::size_t>(of_day / hour)]) {
      time = date + (of_day / hour + 1) * hour;
    } else if (!minutes_[static_cast<std::size_t>(of_day % hour / minute)]) {
      time += minute;
    } else {
      return time;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> Schedule::next(std::int64_t after, const TimeZone& zone) const {
  const std::int64_t until = after + years_ahead * 366 * day;
  std::int64_t from = after + 1;  // A moment that may be it.
  while (from <= until) {
    const std::int64_t offset = zone.offset_at(from);
    const auto change = zone.next_change(from);
    // As long as clocks go on like this.
    const std::int64_t last = change ? std::min(change->time - 1, until) : until;
    if (const auto local = next_local(from + offset, last + offset)) return *local - offset;
    if (!change || change->time > until) return std::nullopt;
    from = change->time;
    if (hours_.all()) continue;
    const std::int64_t skipped = change->offset - offset;
    if (skipped > 0 && next_local(from + offset, from + offset + skipped - 1)) return from;
    if (skipped < 0) from -= skipped;
  }
  return std::nullopt;
}

}  // namespace slipway::langgraph::detail
