#include "core/detail/plain_yaml.hpp"

#include <yaml-cpp/mark.h>

#include <string>

#include "core/unicode.hpp"

namespace slipway::yaml::detail {

namespace {

constexpr int depth_max = 60;
constexpr std::size_t key_bytes_max = 500;  ///< yaml-cpp takes none of 1024 and more.

bool is_null(std::string_view text) {
  return text == "null" || text == "~" || text == "Null" || text == "NULL";
}

struct Scalar {
  std::string text;
  bool is_quoted = false;
  YAML::Mark mark;
};

class Reader {
 public:
  Reader(std::string_view text, YAML::EventHandler& out) : text_(text), out_(out) {}

  bool read() {
    if (!is_simple() || !next_content() || column() != 0) return false;
    out_.OnDocumentStart(mark());
    if (!block(0) || at_ < text_.size()) return false;
    out_.OnDocumentEnd();
    return true;
  }

 private:
  struct Deeper {
    int& depth;
    ~Deeper() { --depth; }
  };

  bool is_simple() const {
    for (const char c : text_) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\n') || byte == 0x7F) return false;
    }
    return unicode::is_valid_utf8(text_) && !text_.starts_with("\xEF\xBB\xBF");
  }

  char now(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n';
  }
  bool is_blank(std::size_t ahead = 0) const { return now(ahead) == ' ' || now(ahead) == '\n'; }
  int column() const { return static_cast<int>(at_ - line_begin_); }
  YAML::Mark mark() const {
    YAML::Mark mark;
    mark.pos = static_cast<int>(at_);
    mark.line = line_;
    mark.column = column();
    return mark;
  }
  bool is_dash() const { return now() == '-' && is_blank(1); }

  /// To the end of the line, if nothing but a comment stands before it.
  bool end_line() {
    const std::size_t begin = at_;
    while (now() == ' ' && at_ < text_.size()) ++at_;
    if (now() == '#' && at_ > begin) at_ = std::min(text_.find('\n', at_), text_.size());
    return now() == '\n';
  }

  /// To the next letter that is no comment, if there is one. False: what stands here is not known.
  bool next_content() {
    for (;;) {
      while (at_ < text_.size() && text_[at_] == ' ') ++at_;
      if (at_ >= text_.size()) return true;
      if (text_[at_] == '#') {
        if (at_ > 0 && text_[at_ - 1] != ' ' && text_[at_ - 1] != '\n') return false;
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_[at_] == '\n') {
        line_begin_ = ++at_;
        ++line_;
      } else {
        const std::string_view three = text_.substr(at_, 3);
        return column() > 0 || (three != "---" && three != "...");
      }
    }
  }

  bool read_scalar(Scalar& out, bool in_flow) {
    out.mark = mark();
    out.is_quoted = now() == '"' || now() == '\'';
    if (now() == '"') return read_double_quoted(out.text);
    if (now() == '\'') return read_single_quoted(out.text);
    return read_plain_text(out.text, in_flow);
  }

  bool read_double_quoted(std::string& out) {
    for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (c == '\\') {
        constexpr std::string_view from = "\"\\nt", to = "\"\\\n\t";
        const std::size_t found = from.find(now(1));
        if (found == std::string_view::npos) return false;
        c = to[found];
        ++at_;
      }
      out += c;
    }
    return false;
  }

  bool read_single_quoted(std::string& out) {
    for (++at_; at_ < text_.size() && text_[at_] != '\n'; ++at_) {
      if (text_[at_] == '\'') {
        if (now(1) != '\'') return ++at_, true;
        ++at_;
      }
      out += text_[at_];
    }
    return false;
  }

  bool read_plain_text(std::string& out, bool in_flow) {
    constexpr std::string_view indicators = ",[]{}#&*!|>'\"%@`?:";
    if (is_blank() || indicators.find(now()) != std::string_view::npos) return false;
    if (now() == '-' && is_blank(1)) return false;
    const std::size_t begin = at_;
    for (; now() != '\n'; ++at_) {
      const char c = now();
      if (c == '#' && text_[at_ - 1] == ' ') break;
      if (c == ':' && is_blank(1)) break;
      if (!in_flow) continue;
      if (c == ',' || c == ']' || c == '}') break;
      // These mean something to yaml-cpp within a flow.
      if (c == '?' || c == '[' || c == '{') return false;
      if (c == ':' && (now(1) == ',' || now(1) == ']' || now(1) == '}')) return false;
    }
    std::size_t end = at_;
    while (end > begin && text_[end - 1] == ' ') --end;
    if (end < at_) at_ = end;  // Spaces and comments are for who comes next.
    out = text_.substr(begin, end - begin);
    return true;
  }

  void tell(const Scalar& scalar) {
    if (!scalar.is_quoted && is_null(scalar.text))
      out_.OnNull(scalar.mark, YAML::NullAnchor);
    else
      out_.OnScalar(scalar.mark, scalar.is_quoted ? "!" : "?", YAML::NullAnchor, scalar.text);
  }

  /// What begins here, in its column.
  bool block(int indent) {
    if (++depth_ > depth_max) return false;
    const Deeper deeper{depth_};
    if (is_dash()) return sequence(indent);
    if (now() == '{' || now() == '[') return flow() && end_line() && next_content();
    Scalar scalar;
    if (!read_scalar(scalar, false)) return false;
    if (now() == ':' && is_blank(1)) return map(indent, scalar);
    tell(scalar);
    return end_line() && next_content();
  }

  /// At the ':' behind its first key.
  bool map(int indent, Scalar& key) {
    out_.OnMapStart(key.mark, "?", YAML::NullAnchor, YAML::EmitterStyle::Block);
    for (;;) {
      if (key.text.size() > key_bytes_max) return false;
      tell(key);
      ++at_;
      if (!map_value(indent)) return false;
      if (at_ >= text_.size() || column() < indent) break;
      if (column() > indent || is_dash()) return false;
      key = {};
      if (!read_scalar(key, false) || now() != ':' || !is_blank(1)) return false;
    }
    out_.OnMapEnd();
    return true;
  }

  bool map_value(int indent) {
    const std::size_t colon = at_;
    while (now() == ' ') ++at_;
    const bool is_comment = now() == '#' && at_ > colon;
    if (now() == '|') return literal(indent);
    if (now() != '\n' && !is_comment) return inline_value();
    const YAML::Mark nothing = mark();
    if (!next_content()) return false;
    if (at_ < text_.size() && column() > indent) return block(column());
    if (at_ < text_.size() && column() == indent && is_dash()) return sequence(indent);
    out_.OnNull(nothing, YAML::NullAnchor);
    return true;
  }

  bool inline_value() {
    if (now() == '{' || now() == '[') return flow() && end_line() && next_content();
    Scalar scalar;
    if (!read_scalar(scalar, false) || !end_line()) return false;
    tell(scalar);
    return next_content();
  }

  /// "|" or "|-": lines as they are, indented more than `indent`.
  bool literal(int indent) {
    Scalar scalar{.is_quoted = true, .mark = mark()};
    ++at_;
    const bool is_stripped = now() == '-';
    if (is_stripped) ++at_;
    if (!text_.ends_with('\n') || !end_line()) return false;
    int within = -1;
    std::size_t blank_lines = 0;
    for (;;) {
      const std::size_t begin = at_ + 1;
      const std::size_t first = std::min(text_.find_first_not_of(' ', begin), text_.size());
      if (begin >= text_.size()) break;
      const int depth = static_cast<int>(first - begin);
      if (text_[first] == '\n') {
        // Before the first line, or longer than it, blank lines mean more than that.
        if (within < 0 || depth > within) return false;
        ++blank_lines;
      } else {
        if (within < 0) within = depth;
        if (depth < within || within <= indent) break;
        scalar.text.append(blank_lines, '\n');
        blank_lines = 0;
        const std::size_t end = text_.find('\n', first);
        scalar.text.append(text_, begin + static_cast<std::size_t>(within),
                           end + 1 - begin - static_cast<std::size_t>(within));
      }
      at_ = text_.find('\n', begin);
      line_begin_ = begin;
      ++line_;
    }
    if (scalar.text.empty()) return false;
    if (is_stripped) scalar.text.pop_back();
    tell(scalar);
    return next_content();
  }

  bool sequence(int indent) {
    if (++depth_ > depth_max) return false;
    const Deeper deeper{depth_};
    out_.OnSequenceStart(mark(), "?", YAML::NullAnchor, YAML::EmitterStyle::Block);
    for (;;) {
      ++at_;
      if (!next_content() || at_ >= text_.size() || column() <= indent) return false;
      if (now() == '|' ? !literal(indent) : !block(column())) return false;
      if (at_ >= text_.size() || column() < indent) break;
      if (column() > indent) return false;
      if (!is_dash()) break;
    }
    out_.OnSequenceEnd();
    return true;
  }

  bool flow() {
    if (++depth_ > depth_max) return false;
    const Deeper deeper{depth_};
    const bool is_map = now() == '{';
    const char end = is_map ? '}' : ']';
    if (is_map)
      out_.OnMapStart(mark(), "?", YAML::NullAnchor, YAML::EmitterStyle::Flow);
    else
      out_.OnSequenceStart(mark(), "?", YAML::NullAnchor, YAML::EmitterStyle::Flow);
    ++at_;
    if (!next_in_flow()) return false;
    while (now() != end || at_ >= text_.size()) {
      if (!(is_map ? flow_entry() : flow_value()) || !next_in_flow()) return false;
      if (now() == end) break;
      if (now() != ',') return false;
      ++at_;
      if (!next_in_flow() || now() == end) return false;
    }
    ++at_;
    if (is_map)
      out_.OnMapEnd();
    else
      out_.OnSequenceEnd();
    return true;
  }

  /// A flow may go on on further lines, which are indented.
  bool next_in_flow() {
    const int line = line_;
    return next_content() && at_ < text_.size() && (line_ == line || column() > 0);
  }

  bool flow_entry() {
    Scalar key;
    if (!read_scalar(key, true) || key.text.size() > key_bytes_max) return false;
    if (now() != ':' || !is_blank(1)) return false;
    tell(key);
    ++at_;
    if (!next_in_flow()) return false;
    if (now() != ',' && now() != '}') return flow_value();
    out_.OnNull(mark(), YAML::NullAnchor);
    return true;
  }

  bool flow_value() {
    if (now() == '{' || now() == '[') return flow();
    Scalar scalar;
    if (!read_scalar(scalar, true) || now() == ':') return false;
    tell(scalar);
    return true;
  }

  const std::string_view text_;
  YAML::EventHandler& out_;
  std::size_t at_ = 0, line_begin_ = 0;
  int line_ = 0;
  int depth_ = 0;
};

}  // namespace

bool read_plain(std::string_view text, YAML::EventHandler& out) { return Reader(text, out).read(); }

}  // namespace slipway::yaml::detail
