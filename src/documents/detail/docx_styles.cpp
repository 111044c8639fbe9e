#include "documents/detail/docx_styles.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/unicode.hpp"
#include "documents/detail/office_package.hpp"

namespace slipway::documents::detail {

namespace {

/// Sizes are half points; what is smaller than this nobody can read.
constexpr int half_points_min = 3;

int number_of(const std::string& text) { return std::atoi(text.substr(0, 9).c_str()); }

/// "heading 2", "Title", "Source Code": what the names of Word's own styles mean in any language
/// (the file keeps the English names).
void read_style_name(const std::string& name, DocxFormat& format) {
  const std::string lower = unicode::to_lower(name);
  if (lower.starts_with("heading ") && lower.size() == 9 && lower[8] >= '1' && lower[8] <= '9')
    format.heading = lower[8] - '0';
  if (lower == "title") format.is_title = true;
  for (const std::string_view code :
       {"code", "source code", "html preformatted", "preformatted text", "plain text", "macro",
        "code block", "codeblock", "sourcecode", "listing", "verbatim"})
    if (lower == code) format.is_code = true;
}

void read_property(const XmlReader& reader, DocxFormat& format, std::string& style) {
  const std::string_view name = reader.name();
  const std::string value = reader.attribute("val");
  if (name == "pStyle" || name == "rStyle") style = value;
  if (name == "outlineLvl") {
    const int level = number_of(value);
    if (level >= 0 && level < 9) format.heading = level + 1;
  }
  if (name == "vanish") format.is_hidden = is_on(value);
  if (name == "sz" && number_of(value) < half_points_min) format.is_hidden = true;
  if (name == "numId") format.list = value;
  if (name == "ilvl") format.list_level = number_of(value);
}

std::string roman(int number) {
  constexpr std::pair<int, std::string_view> signs[] = {
      {1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"},
      {40, "xl"},  {10, "x"},   {9, "ix"},  {5, "v"},    {4, "iv"},  {1, "i"}};
  std::string text;
  for (const auto& [value, sign] : signs)
    for (; number >= value; number -= value) text += sign;
  return text;
}

}  // namespace

Result<DocxFormat> read_docx_format(XmlReader& reader, std::string& style) {
  DocxFormat format;
  const std::size_t outside = reader.depth() - 1;
  while (reader.depth() > outside) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) break;
    if (event != XmlEvent::start) continue;
    // The run properties inside paragraph properties are those of the paragraph's mark.
    const bool is_of_mark =
        reader.name() == "rPr" || reader.name() == "pPrChange" || reader.name() == "rPrChange";
    if (is_of_mark)
      TRY(reader.skip());
    else
      read_property(reader, format, style);
  }
  return format;
}

Result<void> DocxStyles::read(std::string_view xml) {
  return for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
    if (reader.name() == "style") return read_style(reader);
    return {};
  });
}

Result<void> DocxStyles::read_style(XmlReader& reader) {
  const std::string id = reader.attribute("styleId");
  Style style;
  const std::size_t outside = reader.depth() - 1;
  while (reader.depth() > outside) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) break;
    if (event != XmlEvent::start) continue;
    std::string ignored;
    if (reader.name() == "name") read_style_name(reader.attribute("val"), style.format);
    if (reader.name() == "basedOn") style.based_on = reader.attribute("val");
    if (reader.name() != "tblStylePr" && reader.name() != "rPr" && reader.name() != "pPr") continue;
    if (reader.name() == "tblStylePr") {
      TRY(reader.skip());
      continue;
    }
    const DocxFormat format = TRY(read_docx_format(reader, ignored));
    if (format.heading) style.format.heading = format.heading;
    if (format.is_hidden) style.format.is_hidden = format.is_hidden;
    if (format.list) style.format.list = format.list;
    if (format.list_level) style.format.list_level = format.list_level;
  }
  styles_[id] = std::move(style);
  return {};
}

DocxFormat DocxStyles::of(const std::string& style) const {
  constexpr int chain_max = 20;  // A damaged file may be based on itself.
  DocxFormat format;
  const std::string* id = &style;
  for (int i = 0; i < chain_max && !id->empty(); ++i) {
    const auto found = styles_.find(*id);
    if (found == styles_.end()) break;
    const DocxFormat& inherited = found->second.format;
    if (!format.heading) format.heading = inherited.heading;
    if (!format.is_hidden) format.is_hidden = inherited.is_hidden;
    if (!format.list) format.list = inherited.list;
    if (!format.list_level) format.list_level = inherited.list_level;
    format.is_code = format.is_code || inherited.is_code;
    format.is_title = format.is_title || (i == 0 && inherited.is_title);
    id = &found->second.based_on;
  }
  return format;
}

Result<void> DocxNumbering::read(std::string_view xml) {
  return for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
    if (reader.name() == "abstractNum") return read_levels(reader);
    if (reader.name() == "num") return read_list(reader);
    return {};
  });
}

Result<void> DocxNumbering::read_levels(XmlReader& reader) {
  Levels& levels = levels_[reader.attribute("abstractNumId")];
  Level unused;
  Level* level = &unused;
  const std::size_t outside = reader.depth() - 1;
  while (reader.depth() > outside) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) break;
    if (event != XmlEvent::start) continue;
    const std::string value = reader.attribute("val");
    if (reader.name() == "lvl") {
      const int at = number_of(reader.attribute("ilvl"));
      level = at >= 0 && at < levels_max ? &levels[static_cast<std::size_t>(at)] : &unused;
    }
    if (reader.name() == "numFmt") level->format = value;
    if (reader.name() == "lvlText") level->text = value;
    if (reader.name() == "start") level->start = std::clamp(number_of(value), 0, 1'000'000);
  }
  return {};
}

Result<void> DocxNumbering::read_list(XmlReader& reader) {
  List& list = lists_[reader.attribute("numId")];
  const std::size_t outside = reader.depth() - 1;
  while (reader.depth() > outside) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) break;
    if (event != XmlEvent::start) continue;
    if (reader.name() == "abstractNumId") list.levels = reader.attribute("val");
    if (reader.name() == "startOverride") list.restarts = true;
  }
  return {};
}

std::string DocxNumbering::next_mark(const std::string& list, int level) {
  const auto found = lists_.find(list);
  if (found == lists_.end() || level < 0 || level >= levels_max) return {};
  const auto known = levels_.find(found->second.levels);
  if (known == levels_.end()) return "- ";
  const Levels& levels = known->second;
  const auto at = static_cast<std::size_t>(level);
  if (levels[at].format == "bullet") return "- ";
  if (levels[at].format == "none") return {};
  auto& counts = counts_[found->second.restarts ? "list " + list : found->second.levels];
  ++counts[at];
  std::fill(counts.begin() + level + 1, counts.end(), 0);
  std::string mark;
  for (std::size_t i = 0; i < levels[at].text.size(); ++i) {
    const char c = levels[at].text[i];
    const char digit = i + 1 < levels[at].text.size() ? levels[at].text[i + 1] : '\0';
    if (c != '%' || digit < '1' || digit > '9') {
      mark += c;
      continue;
    }
    const auto which = static_cast<std::size_t>(digit - '1');
    mark += numbered_as(levels[which].format, levels[which].start + std::max(counts[which], 1) - 1);
    ++i;
  }
  return mark.empty() ? mark : mark + " ";
}

std::string numbered_as(std::string_view format, int number) {
  constexpr int letters = 26;
  constexpr int roman_max = 3999;
  const bool is_upper = format.starts_with("upper");
  if (format.ends_with("Letter") && number > 0 && number <= 30 * letters) {
    const char letter = static_cast<char>((is_upper ? 'A' : 'a') + (number - 1) % letters);
    return std::string(static_cast<std::size_t>(1 + (number - 1) / letters), letter);
  }
  if (format.ends_with("Roman") && number > 0 && number <= roman_max) {
    std::string text = roman(number);
    if (is_upper)
      for (char& c : text) c = static_cast<char>(c - ('a' - 'A'));
    return text;
  }
  if (format == "decimalZero" && number < 10) return fmt::format("0{}", number);
  return std::to_string(number);
}

}  // namespace slipway::documents::detail
