// RTF 1.9 as far as text goes: groups keep a state, control words change it, a destination is a
// group whose text is not the document's. Every character knows the bytes that it is written with.
#include <charconv>
#include <map>

#include "core/unicode.hpp"
#include "documents/detail/charsets.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/rtf_text.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t depth_max = 1000;

enum class Destination { text, skipped, fonts, styles, list_mark, property };

struct State {
  Destination destination = Destination::text;
  std::string property;  ///< "title", "author" ... of Destination::property.
  int fallback_chars = 1;
  int font = 0;
  bool is_hidden = false;
  bool is_note = false;
};

struct Token {
  enum class Kind { open, close, word, symbol, hex, text } kind = Kind::text;
  std::string_view word;  ///< Of a control word, a symbol or a text.
  std::optional<int> number;
  std::size_t start = 0;
  std::size_t end = 0;
};

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view bytes) : bytes_(bytes) {}

  bool is_done() const { return at_ >= bytes_.size(); }
  void skip(std::size_t count) { at_ = std::min(at_ + count, bytes_.size()); }

  /// Line ends between tokens mean nothing. A text has no token mark and is all ASCII or one byte.
  Token next() {
    Token token;
    token.start = at_;
    const char c = bytes_[at_];
    if (c == '{' || c == '}') {
      token.kind = c == '{' ? Token::Kind::open : Token::Kind::close;
      ++at_;
    } else if (c == '\\') {
      read_control(token);
    } else if (static_cast<unsigned char>(c) >= 0x80 || c == '\r' || c == '\n') {
      token.word = bytes_.substr(at_++, 1);
    } else {
      while (at_ < bytes_.size() && is_plain(bytes_[at_])) ++at_;
      if (at_ == token.start) ++at_;
      token.word = bytes_.substr(token.start, at_ - token.start);
    }
    token.end = at_;
    return token;
  }

 private:
  static bool is_plain(char c) {
    return c != '{' && c != '}' && c != '\\' && c != '\r' && c != '\n' &&
           static_cast<unsigned char>(c) < 0x80;
  }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  void read_control(Token& token) {
    ++at_;
    std::size_t end = at_;
    while (end < bytes_.size() && end - at_ < 32 && is_letter(bytes_[end])) ++end;
    if (end == at_) {
      token.kind = Token::Kind::symbol;
      token.word = bytes_.substr(at_, 1);
      at_ = std::min(at_ + 1, bytes_.size());
      if (token.word != "'") return;
      token.kind = Token::Kind::hex;
      int value = 0;
      const std::string_view digits = bytes_.substr(at_, 2);
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      token.number = value;
      at_ += digits.size();
      return;
    }
    token.kind = Token::Kind::word;
    token.word = bytes_.substr(at_, end - at_);
    at_ = end;
    int value = 0;
    const std::string_view rest = bytes_.substr(at_, 12);
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (error == std::errc()) {
      token.number = value;
      at_ += static_cast<std::size_t>(stop - rest.data());
    }
    if (at_ < bytes_.size() && bytes_[at_] == ' ') ++at_;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

/// Bytes of a code page that wait until all of a character is there.
struct PendingBytes {
  std::string bytes;
  std::vector<std::size_t> starts;
  std::vector<std::size_t> ends;
};

constexpr std::pair<int, std::string_view> font_charsets[] = {
    {77, "macintosh"}, {128, "shift_jis"}, {129, "euc-kr"}, {134, "gbk"},    {136, "big5"},
    {161, "cp1253"},   {162, "cp1254"},    {163, "cp1258"}, {177, "cp1255"}, {178, "cp1256"},
    {186, "cp1257"},   {204, "cp1251"},    {222, "cp874"},  {238, "cp1250"}, {255, "cp437"}};

constexpr std::pair<std::string_view, std::string_view> signs[] = {
    {"emdash", "—"},    {"endash", "–"},    {"bullet", "•"},  {"lquote", "‘"},  {"rquote", "’"},
    {"ldblquote", "“"}, {"rdblquote", "”"}, {"emspace", " "}, {"enspace", " "}, {"qmspace", " "},
    {"tab", "\t"},      {"line", "\n"},     {"lbr", "\n"}};

/// Groups that hold no text of the document even though their word does not say so with \*.
constexpr std::string_view skipped_destinations[] = {
    "colortbl", "pict",      "object",    "header",    "headerl",    "headerr",
    "headerf",  "footer",    "footerl",   "footerr",   "footerf",    "fldinst",
    "objdata",  "xe",        "tc",        "rxe",       "listtable",  "listoverridetable",
    "revtbl",   "filetbl",   "themedata", "datastore", "nonshppict", "annotation",
    "atnid",    "atnauthor", "do",        "private",   "bkmkstart",  "bkmkend"};

class RtfReader {
 public:
  RtfReader(std::string_view bytes, Document& document) : tokens_(bytes), document_(document) {}

  Result<void> read() {
    bool was_opened = false;
    while (!tokens_.is_done()) {
      const Token token = tokens_.next();
      if (token.kind != Token::Kind::hex && token.kind != Token::Kind::text) flush();
      if (token.kind == Token::Kind::open) {
        was_opened = true;
        if (stack_.size() > depth_max)
          return fail(Code::invalid_argument, "nests groups more than {} deep", depth_max);
        stack_.push_back(state_);
        is_group_start_ = true;
        continue;
      }
      if (token.kind == Token::Kind::close) {
        if (stack_.empty()) return fail(Code::invalid_argument, "closes a group that is not open");
        close_group();
        if (stack_.empty()) break;  // What follows is no part of the document.
        continue;
      }
      handle(token);
    }
    flush();
    if (!stack_.empty() || !was_opened)
      return fail(Code::invalid_argument,
                  "truncated RTF: its last group is not closed; fetch the file again");
    text_.move_to(document_);
    return {};
  }

 private:
  void handle(const Token& token) {
    if (token.kind == Token::Kind::symbol && token.word == "*") {
      is_optional_ = true;  // Unknown destinations behind it are skipped.
      return;
    }
    if (token.kind == Token::Kind::word) {
      handle_word(token);
    } else if (token.kind == Token::Kind::symbol) {
      handle_symbol(token);
    } else {
      handle_text(token);
    }
    is_group_start_ = false;
    is_optional_ = false;
  }

  void close_group() {
    is_group_start_ = is_optional_ = false;
    const State closed = std::move(state_);
    state_ = std::move(stack_.back());
    stack_.pop_back();
    if (closed.is_note && !state_.is_note) text_.add_synthetic(")");
    if (closed.destination == state_.destination && closed.property == state_.property) return;
    if (closed.destination == Destination::list_mark) finish_mark();
    if (closed.destination == Destination::property) {
      note_property(closed.property);
      side_text_.clear();
    }
    if (closed.destination == Destination::styles || closed.destination == Destination::fonts)
      side_text_.clear();
  }

  void note_property(const std::string& name) {
    const std::string value = clean_title(side_text_);
    if (value.empty()) return;
    if (name == "title") document_.title = value;
    if (name == "author") document_.metadata["author"] = value;
    if (name == "subject" || name == "doccomm")
      document_.metadata[name == "subject" ? "subject" : "description"] = value;
    if (name == "keywords")
      if (json::Array words = split_keywords(value); !words.empty())
        document_.metadata["keywords"] = std::move(words);
  }

  /// "1." stays, any other sign is a bullet.
  void finish_mark() {
    const std::string mark(unicode::trim(clean_title(side_text_)));
    const bool is_number =
        mark.size() > 1 || (mark.size() == 1 && mark[0] >= '0' && mark[0] <= '9');
    const bool is_bullet = mark == "o" || !is_number || unicode::length(mark) == 1;
    text_.set_mark(is_bullet ? "-" : mark);
    side_text_.clear();
  }

  bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) const {
    return std::find(words.begin(), words.end(), word) != words.end();
  }

  /// True when the word turned the group into a destination.
  bool open_destination(const Token& token) {
    const std::string_view word = token.word;
    const auto turn = [&](Destination destination) {
      state_.destination = destination;
      side_text_.clear();
      return true;
    };
    if (word == "fonttbl") return turn(Destination::fonts);
    if (word == "stylesheet") return turn(Destination::styles);
    if (word == "info") return turn(Destination::skipped);
    if (state_.destination == Destination::skipped && !is_optional_ &&
        is_one_of(word, {"title", "author", "subject", "keywords", "doccomm"})) {
      state_.property = word;
      return turn(Destination::property);
    }
    if (is_one_of(word, {"pntext", "listtext"})) return turn(Destination::list_mark);
    if (is_optional_ && is_one_of(word, {"shptxt", "shpinst", "shprslt", "footnote"})) return false;
    if (is_optional_ && !is_one_of(word, {"cs", "ds"})) return turn(Destination::skipped);
    if (std::find(std::begin(skipped_destinations), std::end(skipped_destinations), word) !=
        std::end(skipped_destinations))
      return turn(Destination::skipped);
    return false;
  }

  void handle_word(const Token& token) {
    const std::string_view word = token.word;
    const int number = token.number.value_or(0);
    if (word == "bin") {
      tokens_.skip(static_cast<std::size_t>(std::max(number, 0)));
      return;
    }
    if (word == "u") {
      add_code(number, token);
      return;
    }
    if (is_group_start_ && open_destination(token)) return;
    if (is_group_start_ && word == "footnote") {
      text_.add_synthetic(" (");
      state_.is_note = true;
    }
    if (word == "uc") state_.fallback_chars = std::clamp(number, 0, 20);
    if (word == "ansicpg") code_page_ = code_page_label(number);
    if (word == "mac") code_page_ = "macintosh";
    if (word == "pc") code_page_ = "cp437";
    if (word == "pca") code_page_ = "cp850";
    if (word == "f" || word == "deff") state_.font = number;
    if (word == "fcharset" && state_.destination == Destination::fonts)
      fonts_[state_.font] = number;
    if (word == "v") state_.is_hidden = token.number.value_or(1) != 0;
    if (word == "deleted") state_.is_hidden = token.number.value_or(1) != 0;
    if (word == "plain") state_.is_hidden = false;
    if (state_.destination == Destination::styles) style_word(word, number);
    if (state_.destination == Destination::text) text_word(word, token);
    for (const auto& [name, sign] : signs)
      if (word == name) add(sign, token.start, token.end);
  }

  void style_word(std::string_view word, int number) {
    if (word == "s") style_ = number;
    if (word == "outlinelevel" && number >= 0 && number < 9) headings_[style_] = number + 1;
  }

  void text_word(std::string_view word, const Token& token) {
    const int number = token.number.value_or(0);
    if (word == "par" || word == "sect" || word == "page" || word == "column")
      text_.end_paragraph();
    if (word == "pard") {
      text_.set_heading(0);
      text_.set_in_table(false);
    }
    if (word == "s") {
      const auto found = headings_.find(number);
      text_.set_heading(found == headings_.end() ? 0 : found->second);
    }
    if (word == "outlinelevel") text_.set_heading(number >= 0 && number < 9 ? number + 1 : 0);
    if (word == "intbl") text_.set_in_table(true);
    if (word == "cell" || word == "nestcell") text_.end_cell();
    if (word == "row" || word == "nestrow") text_.end_row();
  }

  void handle_symbol(const Token& token) {
    const std::string_view symbol = token.word;
    if (symbol == "{" || symbol == "}" || symbol == "\\") add(symbol, token.start, token.end);
    if (symbol == "~") add(" ", token.start, token.end);
    if (symbol == "_") add("-", token.start, token.end);
    if (symbol == "\n" || symbol == "\r") text_.end_paragraph();
  }

  void handle_text(const Token& token) {
    if (token.kind == Token::Kind::text && (token.word == "\r" || token.word == "\n")) return;
    std::string_view text = token.word;
    std::size_t start = token.start;
    if (token.kind == Token::Kind::hex || static_cast<unsigned char>(text[0]) >= 0x80) {
      if (take_fallback()) return;
      const char byte = token.kind == Token::Kind::hex ? static_cast<char>(*token.number) : text[0];
      pend(byte, token.start, token.end);
      return;
    }
    while (!text.empty() && fallback_left_ > 0 && take_fallback()) {
      text.remove_prefix(1);
      ++start;
    }
    // The second byte of a double-byte character may be an ASCII one.
    if (!text.empty() && pending_.bytes.size() % 2 == 1 && is_double_byte()) {
      pend(text[0], start, start + 1);
      text.remove_prefix(1);
      ++start;
    }
    flush();
    if (text.empty()) return;
    if (state_.destination == Destination::styles) read_style_name(text);
    add(text, start, start + text.size());
  }

  /// "heading 2;" names the style that is being defined.
  void read_style_name(std::string_view text) {
    const std::string lower = unicode::to_lower(text);
    const std::size_t at = lower.find("heading ");
    if (at != std::string::npos && at + 8 < lower.size() && lower[at + 8] >= '1' &&
        lower[at + 8] <= '9')
      headings_.emplace(style_, lower[at + 8] - '0');
  }

  bool take_fallback() {
    if (fallback_left_ == 0) return false;
    --fallback_left_;
    return true;
  }

  void add_code(int number, const Token& token) {
    char32_t code = static_cast<char32_t>(number < 0 ? number + 0x10000 : number);
    fallback_left_ = state_.fallback_chars;
    std::size_t start = token.start;
    if (code >= 0xD800 && code < 0xDC00) {
      high_ = code;
      high_start_ = token.start;
      return;
    }
    if (code >= 0xDC00 && code < 0xE000 && high_ != 0) {
      code = 0x10000 + ((high_ - 0xD800) << 10) + (code - 0xDC00);
      start = high_start_;
    }
    high_ = 0;
    std::string text;
    unicode::append(text, code == 0 ? 0xFFFD : code);
    add(text, start, token.end);
  }

  void pend(char byte, std::size_t start, std::size_t end) {
    pending_.bytes += byte;
    pending_.starts.push_back(start);
    pending_.ends.push_back(end);
  }

  std::string charset() const {
    const auto font = fonts_.find(state_.font);
    if (font != fonts_.end())
      for (const auto& [number, label] : font_charsets)
        if (number == font->second) return std::string(label);
    return code_page_;
  }

  bool is_double_byte() const {
    const std::string label = charset();
    return is_one_of(label, {"shift_jis", "euc-kr", "gbk", "big5", "cp932", "cp936", "cp949",
                             "cp950", "gb18030"});
  }

  void flush() {
    if (pending_.bytes.empty()) return;
    const PendingBytes pending = std::exchange(pending_, {});
    auto decoded = decode_charset(pending.bytes, charset());
    if (!decoded)
      if (auto western = decode_text(pending.bytes, "windows-1252")) decoded = *std::move(western);
    if (!decoded) return;
    for (const SourceMap::Piece& piece : decoded->map.pieces) {
      // A run of ASCII is verbatim in what was pending, but not in the source.
      const bool is_run = piece.length == piece.byte_end - piece.byte_start;
      for (std::size_t i = 0; i < (is_run ? piece.length : 1); ++i) {
        const std::size_t first = piece.byte_start + i;
        const std::size_t last = is_run ? first : piece.byte_end - 1;
        add(std::string_view(decoded->text).substr(piece.text_start + i, is_run ? 1 : piece.length),
            pending.starts[first], pending.ends[last]);
      }
    }
  }

  void add(std::string_view text, std::size_t start, std::size_t end) {
    switch (state_.destination) {
      case Destination::text:
        if (state_.is_hidden)
          text_.hide(text);
        else
          text_.add(text, start, end);
        break;
      case Destination::list_mark:
      case Destination::property:
        if (side_text_.size() < 10'000) side_text_ += text;
        break;
      default: break;
    }
  }

  Tokenizer tokens_;
  Document& document_;
  RtfText text_;
  State state_;
  std::vector<State> stack_;
  bool is_group_start_ = false;
  bool is_optional_ = false;
  std::string code_page_ = "windows-1252";
  std::map<int, int> fonts_;     ///< Character set by font.
  std::map<int, int> headings_;  ///< Level by style.
  int style_ = 0;
  std::string side_text_;  ///< Of a mark or property.
  PendingBytes pending_;
  int fallback_left_ = 0;
  char32_t high_ = 0;
  std::size_t high_start_ = 0;
};

}  // namespace

Result<Documents> read_rtf(const ReadTask& task) {
  if (!task.bytes.starts_with("{\\rtf"))
    return fail(Code::invalid_argument, "does not begin with '{{\\rtf'; it is no RTF");
  Document document;
  RtfReader reader(task.bytes, document);
  TRY(reader.read());
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
