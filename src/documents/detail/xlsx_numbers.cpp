#include "documents/detail/xlsx_numbers.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>

#include "documents/detail/office_package.hpp"

namespace slipway::documents::detail {

namespace {

/// Fifteen digits are what a spreadsheet shows: 0.30000000000000004 is 0.3.
std::string plain(double number) { return fmt::format("{:.15g}", number); }

std::string shown_date(double days, bool counts_from_1904) {
  // Day 0 is 1899-12-30, because Excel believes that 1900 was a leap year.
  using namespace std::chrono;
  const sys_days epoch =
      counts_from_1904 ? sys_days(year(1904) / 1 / 1) : sys_days(year(1899) / 12 / 30);
  const year_month_day date(epoch + std::chrono::days(static_cast<int>(std::floor(days))));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string shown_time(double days) {
  const auto seconds = static_cast<long>(std::lround((days - std::floor(days)) * 86'400)) % 86'400;
  const std::string clock = fmt::format("{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
  return seconds % 60 == 0 ? clock : fmt::format("{}:{:02}", clock, seconds % 60);
}

/// The format without text in quotation marks, colours in brackets and escaped characters.
std::string signs_of(std::string_view code) {
  std::string signs;
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i] == '"' || code[i] == '[') {
      const std::size_t end = code.find(code[i] == '"' ? '"' : ']', i + 1);
      if (end == std::string_view::npos) break;
      // [h]:mm counts hours.
      if (code[i] == '[' && end == i + 2) signs += static_cast<char>(code[i + 1] | 0x20);
      i = end;
    } else if (code[i] == '\\' || code[i] == '_' || code[i] == '*') {
      ++i;
    } else if (code[i] == ';') {
      break;  // What follows is for negative numbers.
    } else {
      signs += code[i] >= 'A' && code[i] <= 'Z' ? static_cast<char>(code[i] | 0x20) : code[i];
    }
  }
  return signs;
}

}  // namespace

Result<void> NumberFormats::read(std::string_view xml) {
  bool is_in_cell_styles = false;
  return for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
    const std::string_view name = reader.name();
    if (name == "numFmt")
      codes_[std::atoi(reader.attribute("numFmtId").c_str())] = reader.attribute("formatCode");
    if (name == "cellXfs" || name == "cellStyleXfs" || name == "cellStyles" || name == "dxfs")
      is_in_cell_styles = name == "cellXfs";
    if (name == "xf" && is_in_cell_styles)
      styles_.push_back(std::atoi(reader.attribute("numFmtId").c_str()));
    return {};
  });
}

NumberFormats::Kind NumberFormats::kind_of(int format) const {
  if ((format >= 14 && format <= 17) || (format >= 27 && format <= 36) ||
      (format >= 50 && format <= 58))
    return Kind::date;
  if ((format >= 18 && format <= 21) || (format >= 45 && format <= 47)) return Kind::time;
  if (format == 22) return Kind::date_time;
  if (format == 9 || format == 10) return Kind::percent;
  const auto code = codes_.find(format);
  if (code == codes_.end()) return Kind::plain;
  const std::string signs = signs_of(code->second);
  if (signs == "general" || signs == "@") return Kind::plain;
  const bool has_time = signs.find_first_of("hs") != std::string::npos;
  const bool has_date = signs.find_first_of("yd") != std::string::npos ||
                        (!has_time && signs.find('m') != std::string::npos);
  if (has_date) return has_time ? Kind::date_time : Kind::date;
  if (has_time) return Kind::time;
  return signs.find('%') != std::string::npos ? Kind::percent : Kind::plain;
}

std::string NumberFormats::show(const std::string& value, std::size_t style,
                                bool counts_from_1904) const {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || !std::isfinite(number))
    return value;
  const Kind kind = style < styles_.size() ? kind_of(styles_[style]) : Kind::plain;
  constexpr double date_max = 2'958'466;  // 9999-12-31
  if (kind == Kind::percent) return plain(number * 100) + "%";
  if (kind == Kind::plain || number < 0 || number >= date_max) return plain(number);
  if (kind == Kind::time && number < 1) return shown_time(number);
  const bool is_midnight = number == std::floor(number);
  if (kind == Kind::date || is_midnight) return shown_date(number, counts_from_1904);
  return shown_date(number, counts_from_1904) + " " + shown_time(number);
}

}  // namespace slipway::documents::detail
