// The tokenizer has already resolved the entities, so no table of all 2,231 names is needed: what
// an entity gave is known, only its length is in question. A name with a semicolon is whole, unless
// a shorter name that needs none gave the character ("&notit;" is "¬it;"); those 106 names are
// listed, and so are the names that give two characters. That no name shares its first character
// with such a prefix of itself was checked over the whole HTML 5 list.
#include "documents/detail/html_alignment.hpp"

#include <algorithm>
#include <cstdint>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

struct LegacyEntity {
  std::string_view name;
  char32_t character;
};

/// Entities that are recognised without a semicolon, sorted.
constexpr LegacyEntity legacy_entities[] = {
    {"AElig", 0xC6},  {"AMP", 0x26},    {"Aacute", 0xC1}, {"Acirc", 0xC2},  {"Agrave", 0xC0},
    {"Aring", 0xC5},  {"Atilde", 0xC3}, {"Auml", 0xC4},   {"COPY", 0xA9},   {"Ccedil", 0xC7},
    {"ETH", 0xD0},    {"Eacute", 0xC9}, {"Ecirc", 0xCA},  {"Egrave", 0xC8}, {"Euml", 0xCB},
    {"GT", 0x3E},     {"Iacute", 0xCD}, {"Icirc", 0xCE},  {"Igrave", 0xCC}, {"Iuml", 0xCF},
    {"LT", 0x3C},     {"Ntilde", 0xD1}, {"Oacute", 0xD3}, {"Ocirc", 0xD4},  {"Ograve", 0xD2},
    {"Oslash", 0xD8}, {"Otilde", 0xD5}, {"Ouml", 0xD6},   {"QUOT", 0x22},   {"REG", 0xAE},
    {"THORN", 0xDE},  {"Uacute", 0xDA}, {"Ucirc", 0xDB},  {"Ugrave", 0xD9}, {"Uuml", 0xDC},
    {"Yacute", 0xDD}, {"aacute", 0xE1}, {"acirc", 0xE2},  {"acute", 0xB4},  {"aelig", 0xE6},
    {"agrave", 0xE0}, {"amp", 0x26},    {"aring", 0xE5},  {"atilde", 0xE3}, {"auml", 0xE4},
    {"brvbar", 0xA6}, {"ccedil", 0xE7}, {"cedil", 0xB8},  {"cent", 0xA2},   {"copy", 0xA9},
    {"curren", 0xA4}, {"deg", 0xB0},    {"divide", 0xF7}, {"eacute", 0xE9}, {"ecirc", 0xEA},
    {"egrave", 0xE8}, {"eth", 0xF0},    {"euml", 0xEB},   {"frac12", 0xBD}, {"frac14", 0xBC},
    {"frac34", 0xBE}, {"gt", 0x3E},     {"iacute", 0xED}, {"icirc", 0xEE},  {"iexcl", 0xA1},
    {"igrave", 0xEC}, {"iquest", 0xBF}, {"iuml", 0xEF},   {"laquo", 0xAB},  {"lt", 0x3C},
    {"macr", 0xAF},   {"micro", 0xB5},  {"middot", 0xB7}, {"nbsp", 0xA0},   {"not", 0xAC},
    {"ntilde", 0xF1}, {"oacute", 0xF3}, {"ocirc", 0xF4},  {"ograve", 0xF2}, {"ordf", 0xAA},
    {"ordm", 0xBA},   {"oslash", 0xF8}, {"otilde", 0xF5}, {"ouml", 0xF6},   {"para", 0xB6},
    {"plusmn", 0xB1}, {"pound", 0xA3},  {"quot", 0x22},   {"raquo", 0xBB},  {"reg", 0xAE},
    {"sect", 0xA7},   {"shy", 0xAD},    {"sup1", 0xB9},   {"sup2", 0xB2},   {"sup3", 0xB3},
    {"szlig", 0xDF},  {"thorn", 0xFE},  {"times", 0xD7},  {"uacute", 0xFA}, {"ucirc", 0xFB},
    {"ugrave", 0xF9}, {"uml", 0xA8},    {"uuml", 0xFC},   {"yacute", 0xFD}, {"yen", 0xA5},
    {"yuml", 0xFF},
};

/// Entities that give two characters, sorted.
constexpr std::string_view double_entities[] = {
    "NotEqualTilde",
    "NotGreaterFullEqual",
    "NotGreaterGreater",
    "NotGreaterSlantEqual",
    "NotHumpDownHump",
    "NotHumpEqual",
    "NotLeftTriangleBar",
    "NotLessLess",
    "NotLessSlantEqual",
    "NotNestedGreaterGreater",
    "NotNestedLessLess",
    "NotPrecedesEqual",
    "NotRightTriangleBar",
    "NotSquareSubset",
    "NotSquareSuperset",
    "NotSubset",
    "NotSucceedsEqual",
    "NotSucceedsTilde",
    "NotSuperset",
    "ThickSpace",
    "acE",
    "bne",
    "bnequiv",
    "caps",
    "cups",
    "fjlig",
    "gesl",
    "gvertneqq",
    "gvnE",
    "lates",
    "lesg",
    "lvertneqq",
    "lvnE",
    "nGg",
    "nGt",
    "nGtv",
    "nLl",
    "nLt",
    "nLtv",
    "nang",
    "napE",
    "napid",
    "nbump",
    "nbumpe",
    "ncongdot",
    "nedot",
    "nesim",
    "ngE",
    "ngeqq",
    "ngeqslant",
    "nges",
    "nlE",
    "nleqq",
    "nleqslant",
    "nles",
    "notinE",
    "notindot",
    "nparsl",
    "npart",
    "npre",
    "npreceq",
    "nrarrc",
    "nrarrw",
    "nsce",
    "nsubE",
    "nsubset",
    "nsubseteqq",
    "nsucceq",
    "nsupE",
    "nsupset",
    "nsupseteqq",
    "nvap",
    "nvge",
    "nvgt",
    "nvle",
    "nvlt",
    "nvltrie",
    "nvrtrie",
    "nvsim",
    "race",
    "smtes",
    "sqcaps",
    "sqcups",
    "varsubsetneq",
    "varsubsetneqq",
    "varsupsetneq",
    "varsupsetneqq",
    "vnsub",
    "vnsup",
    "vsubnE",
    "vsubne",
    "vsupnE",
    "vsupne",
};

constexpr std::size_t entity_name_max = 32;  // The longest of HTML 5 has 31 letters.

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

class Aligner {
 public:
  Aligner(const HtmlStretch& stretch, const std::function<void(const AlignedText&)>& sink)
      : source_(stretch.source.substr(0, stretch.byte_end)),
        at_(std::min(stretch.byte_start, source_.size())),
        text_(stretch.text),
        content_(stretch.content),
        sink_(sink) {}

  void run() {
    while (done_ < text_.size()) {
      const HtmlContent content = content_ == HtmlContent::foreign ? in_foreign() : content_;
      const std::size_t verbatim = verbatim_run(content);
      if (verbatim > 0) {
        sink_({text_.substr(done_, verbatim), at_, at_ + verbatim});
        done_ += verbatim;
        at_ += verbatim;
      } else if (!step(content)) {
        return give_up();
      }
    }
  }

 private:
  /// Steps over the marks of CDATA sections; how what stands here is read.
  HtmlContent in_foreign() {
    constexpr std::string_view opening = "<![CDATA[";
    constexpr std::string_view closing = "]]>";
    if (is_in_cdata_ && source_.substr(at_).starts_with(closing)) {
      at_ += closing.size();
      is_in_cdata_ = false;
    }
    if (!is_in_cdata_ && source_.substr(at_).starts_with(opening)) {
      at_ += opening.size();
      is_in_cdata_ = true;
    }
    return is_in_cdata_ ? HtmlContent::raw : HtmlContent::text;
  }

  char source_at(std::size_t at) const { return at < source_.size() ? source_[at] : '\0'; }

  /// Bytes that are the same in both and mean nothing but themselves.
  std::size_t verbatim_run(HtmlContent content) const {
    std::size_t length = 0;
    const std::size_t most = std::min(text_.size() - done_, source_.size() - at_);
    while (length < most) {
      const char c = source_[at_ + length];
      const bool is_special = c == '\r' || c == '\0' || (c == '&' && content != HtmlContent::raw) ||
                              (c == '<' && content == HtmlContent::text);
      if (is_special || c != text_[done_ + length]) break;
      ++length;
    }
    // A mismatch inside a character belongs to the whole character.
    return unicode::floor_boundary(text_.substr(done_), length);
  }

  /// One character that is special in the source. False when nothing fits.
  bool step(HtmlContent content) {
    if (at_ >= source_.size()) return false;
    const char c = source_[at_];
    if (c == '\r') return line_end();
    if (c == '<' && content == HtmlContent::text) {
      if (!opens_markup()) return literal();
      skip_markup();
      return true;
    }
    if (c == '&' && content != HtmlContent::raw) {
      const std::size_t length = entity_length();
      return length == 0 ? literal() : entity(length);
    }
    // Control characters and the like are replaced; zeros also dropped, depending on the place.
    if (unicode::decode(text_, done_).code_point == 0xFFFD)
      return emit(unicode::decode(source_, at_).bytes);
    if (c != '\0') return false;
    ++at_;
    return true;
  }

  bool emit(std::size_t source_bytes) {
    const std::size_t text_bytes = unicode::decode(text_, done_).bytes;
    sink_({text_.substr(done_, text_bytes), at_, at_ + source_bytes});
    done_ += text_bytes;
    at_ += source_bytes;
    return true;
  }

  /// The rest of the text, each character mapped to the rest of the stretch.
  void give_up() {
    at_ = std::min(at_, source_.size());
    while (done_ < text_.size()) {
      const std::size_t start = at_;
      emit(source_.size() - start);
      at_ = start;
    }
  }

  bool literal() { return text_[done_] == source_[at_] && emit(1); }

  bool line_end() { return text_[done_] == '\n' && emit(source_at(at_ + 1) == '\n' ? 2 : 1); }

  bool entity(std::size_t length) {
    const std::string_view name = source_.substr(at_ + 1, length - 2);
    const bool is_double =
        source_[at_ + length - 1] == ';' &&
        std::binary_search(std::begin(double_entities), std::end(double_entities), name);
    if (is_double) {  // Two units that both map to all of it: neither half has bytes of its own.
      emit(length);
      at_ -= length;
      if (done_ >= text_.size()) return false;
    }
    return emit(length);
  }

  bool opens_markup() const {
    const char next = source_at(at_ + 1);
    if (next == '/') return at_ + 2 < source_.size();  // "</3" is a comment of a bogus kind.
    return next == '!' || next == '?' || ((next | 0x20) >= 'a' && (next | 0x20) <= 'z');
  }

  /// A tag or comment inside the stretch: one that the parser ignored, or moved elsewhere.
  void skip_markup() {
    if (source_.substr(at_).starts_with("<!--")) {
      const std::size_t end = source_.find("-->", at_ + 4);
      at_ = end == std::string_view::npos ? source_.size() : end + 3;
      return;
    }
    const bool is_tag = source_at(at_ + 1) != '!' && source_at(at_ + 1) != '?';
    char quote = '\0';
    bool is_value_due = false;
    for (++at_; at_ < source_.size(); ++at_) {
      const char c = source_[at_];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '>') {
        ++at_;
        return;
      } else if (is_tag && is_value_due && (c == '"' || c == '\'')) {
        quote = c;
      }
      if (c == '=')
        is_value_due = true;
      else if (c != ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f')
        is_value_due = false;
    }
  }

  /// The length of the entity that starts at the ampersand, or 0 when it is a mere ampersand.
  std::size_t entity_length() const {
    const std::string_view rest = source_.substr(at_ + 1);
    if (rest.starts_with('#')) return numeric_length(rest);
    std::size_t name_length = 0;
    while (name_length < std::min(rest.size(), entity_name_max) &&
           is_alphanumeric(rest[name_length]))
      ++name_length;
    const std::string_view name = rest.substr(0, name_length);
    const bool has_semicolon = name_length < rest.size() && rest[name_length] == ';';
    const char32_t got = unicode::decode(text_, done_).code_point;
    if (const std::size_t legacy = legacy_length(name, got))
      return 1 + legacy + (legacy == name_length && has_semicolon);
    if (got == '&' || name_length == 0 || !has_semicolon) return 0;
    return 1 + name_length + 1;
  }

  static std::size_t numeric_length(std::string_view rest) {
    const bool is_hex = rest.size() > 1 && (rest[1] | 0x20) == 'x';
    const std::string_view digits = is_hex ? "0123456789abcdefABCDEF" : "0123456789";
    const std::size_t start = is_hex ? 2 : 1;
    const std::size_t end = std::min(rest.find_first_not_of(digits, start), rest.size());
    if (end <= start) return 0;
    return 1 + end + (end < rest.size() && rest[end] == ';');
  }

  /// The longest name that needs no semicolon, starts `name` and gives `character`; else 0.
  static std::size_t legacy_length(std::string_view name, char32_t character) {
    std::size_t longest = 0;
    for (std::size_t length = 2; length <= std::min<std::size_t>(name.size(), 6); ++length) {
      const std::string_view prefix = name.substr(0, length);
      const auto found = std::lower_bound(
          std::begin(legacy_entities), std::end(legacy_entities), prefix,
          [](const LegacyEntity& entity, std::string_view wanted) { return entity.name < wanted; });
      if (found != std::end(legacy_entities) && found->name == prefix &&
          found->character == character)
        longest = length;
    }
    return longest;
  }

  std::string_view source_;  ///< Up to the end of the stretch.
  std::size_t at_;
  std::string_view text_;
  HtmlContent content_;
  const std::function<void(const AlignedText&)>& sink_;
  std::size_t done_ = 0;
  bool is_in_cdata_ = false;
};

}  // namespace

void align_html_text(const HtmlStretch& stretch,
                     const std::function<void(const AlignedText&)>& sink) {
  Aligner(stretch, sink).run();
}

}  // namespace slipway::documents::detail
