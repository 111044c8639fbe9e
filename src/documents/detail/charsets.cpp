#include "documents/detail/charsets.hpp"

#include <algorithm>
#include <functional>

#include "core/unicode.hpp"
#include "documents/detail/charset_tables.hpp"
#include "documents/detail/mapped_text.hpp"

namespace slipway::documents::detail {

namespace {

constexpr char32_t replacement_point = 0xFFFD;

/// One character: its code point (U+FFFD when it is none) and the bytes that it took.
struct Step {
  char32_t code = replacement_point;
  std::size_t bytes = 1;
};

using Decoder = std::function<Step(std::string_view rest)>;  // `rest` is not empty.

unsigned byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}

const SingleByteTable* single_table(std::string_view name) {
  const auto* end = single_byte_tables + single_byte_table_count;
  const auto* found = std::find_if(
      single_byte_tables, end, [&](const SingleByteTable& table) { return name == table.name; });
  return found == end ? nullptr : found;
}

const DoubleByteTable* double_table(std::string_view name) {
  const auto* end = double_byte_tables + double_byte_table_count;
  const auto* found = std::find_if(
      double_byte_tables, end, [&](const DoubleByteTable& table) { return name == table.name; });
  return found == end ? nullptr : found;
}

/// Zero when there is no such character.
char32_t look_up(const DoubleByteTable& table, unsigned first, unsigned second) {
  const auto a = static_cast<int>(first);
  const auto b = static_cast<int>(second);
  if (a < table.first_min || a > table.first_max || b < table.second_min || b > table.second_max)
    return 0;
  const int columns = table.second_max - table.second_min + 1;
  return table.codes[(a - table.first_min) * columns + (b - table.second_min)];
}

Step pair_of(const DoubleByteTable& table, std::string_view rest) {
  const char32_t code = look_up(table, byte_at(rest, 0), byte_at(rest, 1));
  if (code != 0) return {code, 2};
  // A broken pair does not swallow an ASCII character.
  return {replacement_point, rest.size() > 1 && byte_at(rest, 1) >= 0x80 ? 2u : 1u};
}

Step shift_jis_step(const DoubleByteTable& table, std::string_view rest) {
  const unsigned first = byte_at(rest, 0);
  if (first < 0x80) return {first, 1};
  if (first >= 0xA1 && first <= 0xDF) return {0xFF61 + (first - 0xA1), 1};  // Half-width katakana.
  return pair_of(table, rest);
}

Step euc_jp_step(std::string_view rest) {
  static const DoubleByteTable* const basic = double_table("jis0208");
  static const DoubleByteTable* const more = double_table("jis0212");
  const unsigned first = byte_at(rest, 0);
  if (first < 0x80) return {first, 1};
  const unsigned second = byte_at(rest, 1);
  if (first == 0x8E && second >= 0xA1 && second <= 0xDF) return {0xFF61 + (second - 0xA1), 2};
  if (first == 0x8F) {
    const Step step = pair_of(*more, rest.substr(1));
    return rest.size() > 1 ? Step{step.code, step.bytes + 1} : Step{};
  }
  return pair_of(*basic, rest);
}

Step gb18030_step(std::string_view rest) {
  static const DoubleByteTable* const pairs = double_table("gb18030");
  const unsigned a = byte_at(rest, 0);
  if (a < 0x80) return {a, 1};
  const unsigned b = byte_at(rest, 1);
  if (b < 0x30 || b > 0x39) return pair_of(*pairs, rest);
  const unsigned c = byte_at(rest, 2);
  const unsigned d = byte_at(rest, 3);
  if (a < 0x81 || a > 0xFE || c < 0x81 || c > 0xFE || d < 0x30 || d > 0x39) return {};
  const std::uint32_t index = (((a - 0x81) * 10 + (b - 0x30)) * 126 + (c - 0x81)) * 10 + (d - 0x30);
  constexpr std::uint32_t supplementary = 189'000;
  constexpr std::uint32_t bmp_end = 39'420;
  if (index >= supplementary && index < supplementary + 0x100000)
    return {0x10000 + (index - supplementary), 4};
  if (index >= bmp_end) return {replacement_point, 4};
  const CodeRange* range =
      std::upper_bound(gb18030_ranges, gb18030_ranges + gb18030_range_count, index,
                       [](std::uint32_t at, const CodeRange& r) { return at < r.index; }) -
      1;
  return {range->code == 0 ? replacement_point : range->code + (index - range->index), 4};
}

/// Escape sequences switch between ASCII, katakana and kanji; they are no text.
class Iso2022Jp {
 public:
  Step operator()(std::string_view rest) {
    static const DoubleByteTable* const kanji = double_table("jis0208");
    for (const auto& [sequence, set] : escapes)
      if (rest.starts_with(sequence)) {
        set_ = set;
        return {0, sequence.size()};
      }
    const unsigned first = byte_at(rest, 0);
    if (first >= 0x80) return {};
    if (first <= 0x20) return {first, 1};
    if (set_ == 'k') return {first <= 0x5F ? 0xFF61 + (first - 0x21) : replacement_point, 1};
    if (set_ == 'a') return {first, 1};
    const unsigned second = byte_at(rest, 1);
    const char32_t code = look_up(*kanji, first | 0x80, second | 0x80);
    if (code == 0 || second >= 0x80) return {};
    return {code, 2};
  }

 private:
  static constexpr std::pair<std::string_view, char> escapes[] = {
      {"\x1B(B", 'a'}, {"\x1B(J", 'a'}, {"\x1B(I", 'k'}, {"\x1B$@", 'j'}, {"\x1B$B", 'j'}};
  char set_ = 'a';
};

/// In lower case without "-", "_", ":" and spaces: "ISO_8859-2:1987" and "iso-8859-2" are alike.
std::string plain_label(std::string_view label) {
  std::string plain =
      unicode::to_lower(label.substr(0, std::min<std::size_t>(label.find(':'), 40)));
  std::erase_if(plain, [](char c) { return c == '-' || c == '_' || c == ' '; });
  if (plain.starts_with("xcp")) plain.erase(0, 1);
  return plain;
}

struct Alias {
  std::string_view label;
  std::string_view set;
};
constexpr Alias aliases[] = {{"latin2", "iso8859-2"},
                             {"l2", "iso8859-2"},
                             {"latin3", "iso8859-3"},
                             {"latin4", "iso8859-4"},
                             {"cyrillic", "iso8859-5"},
                             {"arabic", "iso8859-6"},
                             {"greek", "iso8859-7"},
                             {"hebrew", "iso8859-8"},
                             {"iso88598i", "iso8859-8"},
                             {"latin5", "cp1254"},
                             {"iso88599", "cp1254"},
                             {"latin6", "iso8859-10"},
                             {"latin9", "iso8859-15"},
                             {"l9", "iso8859-15"},
                             {"koi8", "koi8-r"},
                             {"koi8r", "koi8-r"},
                             {"cskoi8r", "koi8-r"},
                             {"koi8u", "koi8-u"},
                             {"koi8ru", "koi8-u"},
                             {"macintosh", "mac-roman"},
                             {"mac", "mac-roman"},
                             {"xmacroman", "mac-roman"},
                             {"macroman", "mac-roman"},
                             {"xmaccyrillic", "mac-cyrillic"},
                             {"ibm437", "cp437"},
                             {"ibm850", "cp850"},
                             {"ibm852", "cp852"},
                             {"ibm866", "cp866"},
                             {"866", "cp866"},
                             {"dos874", "cp874"},
                             {"tis620", "cp874"},
                             {"iso885911", "cp874"},
                             {"windows874", "cp874"},
                             {"shiftjis", "shift_jis"},
                             {"sjis", "shift_jis"},
                             {"xsjis", "shift_jis"},
                             {"mskanji", "shift_jis"},
                             {"windows31j", "shift_jis"},
                             {"cp932", "shift_jis"},
                             {"eucjp", "euc_jp"},
                             {"xeucjp", "euc_jp"},
                             {"iso2022jp", "iso2022_jp"},
                             {"csiso2022jp", "iso2022_jp"},
                             {"gb2312", "gb18030"},
                             {"gbk", "gb18030"},
                             {"gb18030", "gb18030"},
                             {"cp936", "gb18030"},
                             {"xgbk", "gb18030"},
                             {"euccn", "gb18030"},
                             {"chinese", "gb18030"},
                             {"big5", "big5"},
                             {"cp950", "big5"},
                             {"xxbig5", "big5"},
                             {"big5hkscs", "big5"},
                             {"euckr", "euc_kr"},
                             {"cp949", "euc_kr"},
                             {"ksc56011987", "euc_kr"},
                             {"ksc5601", "euc_kr"},
                             {"uhc", "euc_kr"},
                             {"windows949", "euc_kr"},
                             {"korean", "euc_kr"}};

/// The name of a table or decoder, or empty.
std::string set_of(std::string_view label) {
  const std::string plain = plain_label(label);
  for (const Alias& alias : aliases)
    if (plain == alias.label) return std::string(alias.set);
  if (plain.starts_with("windows125")) return "cp" + plain.substr(7);
  if (plain.starts_with("iso8859")) return "iso8859-" + plain.substr(7);
  return plain;
}

Decoder decoder_of(const std::string& set) {
  if (const SingleByteTable* table = single_table(set); table != nullptr)
    return [table](std::string_view rest) -> Step {
      const unsigned byte = byte_at(rest, 0);
      if (byte < 0x80) return {byte, 1};
      const char32_t code = table->high[byte - 0x80];
      return {code == 0 ? replacement_point : code, 1};
    };
  if (set == "gb18030") return &gb18030_step;
  if (set == "euc_jp") return &euc_jp_step;
  if (set == "iso2022_jp") return Iso2022Jp();
  const DoubleByteTable* table = double_table(set);
  if (table == nullptr || set.starts_with("jis")) return {};
  if (set == "shift_jis")
    return [table](std::string_view rest) { return shift_jis_step(*table, rest); };
  return [table](std::string_view rest) -> Step {
    if (byte_at(rest, 0) < 0x80) return {byte_at(rest, 0), 1};
    return pair_of(*table, rest);
  };
}

}  // namespace

std::optional<DecodedText> decode_charset(std::string_view bytes, std::string_view label) {
  const Decoder next = decoder_of(set_of(label));
  if (!next) return std::nullopt;
  MappedText mapped;
  mapped.reserve(bytes.size() + bytes.size() / 2);
  std::size_t bad = 0;
  std::string character;
  for (std::size_t at = 0; at < bytes.size();) {
    const Step step = next(bytes.substr(at));
    const std::size_t end = std::min(at + step.bytes, bytes.size());
    if (step.code != 0 || step.bytes == 1) {
      character.clear();
      unicode::append(character, step.code);
      mapped.unit(character, at, end);
      bad += step.code == replacement_point;
    }
    at = end;
  }
  DecodedText decoded;
  decoded.map.pieces = mapped.take_pieces();
  decoded.text = mapped.take_text();
  if (bad > 0)
    decoded.warnings.push_back(
        fmt::format("not valid {}: {} places replaced by U+FFFD", unicode::to_lower(label), bad));
  return decoded;
}

std::string code_page_label(int code_page) {
  switch (code_page) {
    case 10000: return "macintosh";
    case 10007: return "x-mac-cyrillic";
    case 20866: return "koi8-r";
    case 21866: return "koi8-u";
    case 54936: return "gb18030";
    case 51932: return "euc-jp";
    case 65001: return "utf-8";
    default: break;
  }
  if (code_page > 28591 && code_page <= 28606) return fmt::format("iso-8859-{}", code_page - 28590);
  return fmt::format("cp{}", code_page);
}

}  // namespace slipway::documents::detail
