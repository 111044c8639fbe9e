#include "core/time_zone.hpp"

#include <algorithm>
#include <chrono>

#include "core/files.hpp"

namespace slipway {

namespace {

constexpr int last_year = 2200;
constexpr std::size_t header_bytes = 44, file_bytes_max = 1u << 20, name_bytes_max = 64;

Error broken(std::string_view what) {
  return fail(Code::invalid_argument, "no file of a time zone: {}", what);
}

/// A signed number, the highest byte first.
std::int64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = static_cast<unsigned char>(bytes[at]) >= 0x80 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < size; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<std::int64_t>(number);
}

/// One block of a file: a header and what it counts.
struct Block {
  std::size_t changes = 0, types = 0, letters = 0, leaps = 0, walls = 0, utcs = 0;
  char version = 0;

  std::size_t body_bytes(std::size_t time_bytes) const {
    return changes * (time_bytes + 1) + types * 6 + letters + leaps * (time_bytes + 4) + walls +
           utcs;
  }
};

Result<Block> read_block(std::string_view bytes, std::size_t time_bytes) {
  if (bytes.size() < header_bytes || !bytes.starts_with("TZif"))
    return broken("it does not begin with TZif");
  const auto count = [&](std::size_t at) {
    return static_cast<std::size_t>(number_at(bytes, at, 4) & 0xffffffff);
  };
  const Block block{.changes = count(32),
                    .types = count(36),
                    .letters = count(40),
                    .leaps = count(28),
                    .walls = count(24),
                    .utcs = count(20),
                    .version = bytes[4]};
  if (std::max({block.changes, block.types, block.letters, block.leaps, block.walls, block.utcs}) >
          file_bytes_max ||
      block.types == 0 || bytes.size() - header_bytes < block.body_bytes(time_bytes))
    return broken("it is cut off");
  return block;
}

/// The rule for what comes after the last change: "CET-1CEST,M3.5.0,M10.5.0/3" (POSIX's TZ).
class Rule {
 public:
  explicit Rule(std::string_view text) : text_(text) {}

  struct Day {
    char kind = 'M';  ///< M: weekday of a week of a month; J: day without leap days; 0: with.
    int month = 0, week = 0, day = 0;
    std::int64_t time = 2 * 3600;  ///< Of that day, on the clock before the change.
  };
  bool has_summer = false;
  std::int64_t standard = 0, summer = 0;  ///< Ahead of UTC.
  Day begin, end;                         ///< Of summer.

  bool read() {
    if (!skip_name() || !read_time(standard)) return false;
    standard = -standard;
    if (at_ == text_.size()) return true;
    has_summer = true;
    if (!skip_name()) return false;
    summer = standard + 3600;
    if (!is_next(',')) {
      if (!read_time(summer)) return false;
      summer = -summer;
    }
    return take(',') && read_day(begin) && take(',') && read_day(end) && at_ == text_.size();
  }

  /// The moment of a day's rule in a year, with clocks `offset` ahead until then.
  static std::int64_t moment(const Day& day, int year, std::int64_t offset) {
    using namespace std::chrono;
    const sys_days new_year = std::chrono::year(year) / 1 / 1;
    sys_days date = new_year + days(day.day);
    if (day.kind == 'J') {
      const bool is_after_leap_day = std::chrono::year(year).is_leap() && day.day >= 60;
      date = new_year + days(day.day - 1 + (is_after_leap_day ? 1 : 0));
    } else if (day.kind == 'M') {
      const auto month = std::chrono::year(year) / std::chrono::month(unsigned(day.month));
      const weekday wanted{static_cast<unsigned>(day.day)};
      date = day.week == 5 ? sys_days(month / wanted[last])
                           : sys_days(month / wanted[static_cast<unsigned>(day.week)]);
    }
    return seconds(date.time_since_epoch()).count() + day.time - offset;
  }

 private:
  bool is_next(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) { return is_next(c) && ++at_ != 0; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  bool skip_name() {
    const std::size_t begun = at_;
    if (take('<')) {
      while (at_ < text_.size() && text_[at_] != '>') ++at_;
      return take('>');
    }
    while (at_ < text_.size() && !is_digit(text_[at_]) && text_[at_] != '+' && text_[at_] != '-' &&
           text_[at_] != ',')
      ++at_;
    return at_ > begun;
  }
  bool read_number(int& number, int max) {
    const std::size_t begun = at_;
    number = 0;
    for (; at_ < text_.size() && is_digit(text_[at_]) && number <= max; ++at_)
      number = number * 10 + (text_[at_] - '0');
    return at_ > begun && number <= max;
  }
  /// "[+-]hh[:mm[:ss]]"
  bool read_time(std::int64_t& seconds) {
    const bool is_negative = take('-');
    if (!is_negative) take('+');
    int hours = 0, minutes = 0, rest = 0;
    if (!read_number(hours, 167)) return false;
    if (take(':') && !read_number(minutes, 59)) return false;
    if (take(':') && !read_number(rest, 59)) return false;
    seconds = hours * 3600 + minutes * 60 + rest;
    if (is_negative) seconds = -seconds;
    return true;
  }
  bool read_day(Day& day) {
    if (take('M')) {
      if (!read_number(day.month, 12) || !take('.') || !read_number(day.week, 5) || !take('.') ||
          !read_number(day.day, 6) || day.month == 0 || day.week == 0)
        return false;
    } else {
      day.kind = take('J') ? 'J' : '0';
      if (!read_number(day.day, 365) || (day.kind == 'J' && day.day == 0)) return false;
    }
    return !take('/') || read_time(day.time);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

bool is_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  };
  return !name.empty() && name.size() <= name_bytes_max && name.front() != '/' &&
         std::all_of(name.begin(), name.end(), fits);
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string_view bytes) {
  if (bytes.size() > file_bytes_max) return broken("it is too long");
  std::size_t time_bytes = 4;
  Block block = TRY(read_block(bytes, time_bytes));
  if (block.version >= '2') {
    bytes.remove_prefix(header_bytes + block.body_bytes(time_bytes));
    time_bytes = 8;
    block = TRY(read_block(bytes, time_bytes));
  }
  const std::size_t times = header_bytes, kinds = times + block.changes * time_bytes,
                    types = kinds + block.changes;
  const auto offset_of = [&](std::size_t type) { return number_at(bytes, types + type * 6, 4); };
  TimeZone zone;
  zone.first_offset_ = offset_of(0);
  for (std::size_t i = 0; i < block.changes; ++i) {
    const std::size_t type = static_cast<unsigned char>(bytes[kinds + i]);
    const std::int64_t time = number_at(bytes, times + i * time_bytes, time_bytes);
    if (type >= block.types || (i > 0 && time <= zone.changes_.back().time))
      return broken("its changes are in no order");
    zone.changes_.push_back({time, offset_of(type)});
  }
  std::string_view rest = bytes.substr(header_bytes + block.body_bytes(time_bytes));
  if (time_bytes == 4 || rest.size() < 3) return zone;
  rest = rest.substr(1, rest.size() - 2);
  Rule rule(rest);
  if (!rule.read()) return broken(fmt::format("its rule '{}' is none", rest));
  const std::int64_t last = zone.changes_.empty() ? INT64_MIN : zone.changes_.back().time;
  if (!rule.has_summer) {
    if (zone.changes_.empty()) zone.first_offset_ = rule.standard;
    return zone;
  }
  std::vector<Change> future;
  for (int year = 1970; year <= last_year; ++year) {
    future.push_back({Rule::moment(rule.begin, year, rule.standard), rule.summer});
    future.push_back({Rule::moment(rule.end, year, rule.summer), rule.standard});
  }
  std::sort(future.begin(), future.end(),
            [](const Change& a, const Change& b) { return a.time < b.time; });
  for (const Change& change : future)
    if (change.time > last) zone.changes_.push_back(change);
  return zone;
}

Result<TimeZone> TimeZone::find(std::string_view name, const std::filesystem::path& database) {
  if (name == "UTC") return TimeZone();
  const auto unknown = [&](std::string_view more) {
    return fail(Code::invalid_argument, "'{}' is no time zone{}; write it as Europe/Berlin, or UTC",
                name, more);
  };
  if (!is_name(name)) return unknown("");
  std::error_code error;
  if (!std::filesystem::is_directory(database, error))
    return unknown(
        fmt::format(" that this machine knows, which has no {}: install its package "
                    "'tzdata'",
                    database.string()));
  if (!std::filesystem::is_regular_file(database / name, error)) return unknown("");
  const auto bytes = read_file(database / name);
  if (!bytes) return unknown("");
  return parse(*bytes).within(fmt::format("time zone '{}'", name));
}

std::int64_t TimeZone::offset_at(std::int64_t time) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), time,
                                      [](std::int64_t t, const Change& c) { return t < c.time; });
  return after == changes_.begin() ? first_offset_ : std::prev(after)->offset;
}

std::optional<TimeZone::Change> TimeZone::next_change(std::int64_t time) const {
  const auto after = std::upper_bound(changes_.begin(), changes_.end(), time,
                                      [](std::int64_t t, const Change& c) { return t < c.time; });
  return after == changes_.end() ? std::nullopt : std::optional(*after);
}

}  // namespace slipway
