// Our own reader, because the library keeps no offsets. It is iterative: nesting may be as deep as
// the text is long.
#include "documents/detail/json_tree.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

std::size_t digits_of(std::size_t number) { return std::to_string(number).size(); }

/// Characters of Python's `repr` of a float: shortest digits, an exponent below 1e-4 and from 1e16.
std::size_t float_size(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  const std::size_t sign = std::signbit(value) ? 1 : 0;
  if (std::isinf(value)) return sign + std::string_view("Infinity").size();
  char buffer[64] = {};  // So that a zero ends the exponent.
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, std::fabs(value), std::chars_format::scientific)
          .ptr;
  const std::string_view shortest(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t mark = shortest.find('e');
  const int exponent = std::atoi(shortest.data() + mark + 1);
  const std::size_t digits = mark > 1 ? mark - 1 : 1;
  const std::size_t magnitude = static_cast<std::size_t>(std::abs(exponent));
  constexpr int exponent_min = -4, exponent_end = 16;
  if (exponent < exponent_min || exponent >= exponent_end)
    return sign + mark + 2 + std::max<std::size_t>(2, digits_of(magnitude));
  if (exponent < 0) return sign + 1 + magnitude + digits;
  return sign + (magnitude + 1 >= digits ? magnitude + 3 : digits + 1);
}

class TreeReader {
 public:
  explicit TreeReader(std::string_view text) : text_(text) {}

  std::optional<std::vector<JsonNode>> read() {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
    skip_space();
    begin(JsonNode::Kind::list, at_);  // Of all values; goes when there is only one.
    while (at_ < text_.size())
      if (!read_value(at_, 0)) return std::nullopt;
    if (open_.size() != 1 || nodes_.size() == 1) return std::nullopt;
    end(at_);
    if (nodes_.front().children > 1) return std::move(nodes_);
    nodes_.erase(nodes_.begin());
    for (JsonNode& node : nodes_) --node.next;
    return std::move(nodes_);
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  /// One value with all below it, and the space behind.
  bool read_value(std::size_t member_start, std::size_t key_size) {
    const std::size_t depth = open_.size();
    if (!begin_value(member_start, key_size)) return false;
    while (open_.size() > depth)
      if (!step()) return false;
    return true;
  }

  /// Inside a list or object: the next item, or its end.
  bool step() {
    const JsonNode& node = nodes_[open_.back()];
    const bool is_object = node.kind == JsonNode::Kind::object;
    const bool is_first = node.children == 0;
    skip_space();
    if (take(is_object ? '}' : ']')) {
      end(at_);
      skip_space();
      return true;
    }
    if (!is_first) {
      if (!take(',')) return false;
      skip_space();
    }
    const std::size_t start = at_;
    std::size_t key_size = 0;
    if (is_object) {
      if (!read_string(key_size)) return false;
      skip_space();
      if (!take(':')) return false;
      skip_space();
    }
    return begin_value(start, key_size);
  }

  bool begin_value(std::size_t member_start, std::size_t key_size) {
    const std::size_t start = at_;
    const char c = peek();
    if (c == '{' || c == '[') {
      begin(c == '{' ? JsonNode::Kind::object : JsonNode::Kind::list, member_start, key_size);
      ++at_;
      return true;
    }
    std::size_t size = 0;
    if (!read_scalar(size)) return false;
    JsonNode& parent = nodes_[open_.back()];
    add_to(parent, key_size, size, size);
    nodes_.push_back({JsonNode::Kind::scalar,
                      {start, at_},
                      {member_start, at_},
                      size,
                      size,
                      key_size,
                      0,
                      nodes_.size() + 1});
    skip_space();
    return true;
  }

  void begin(JsonNode::Kind kind, std::size_t member_start, std::size_t key_size = 0) {
    open_.push_back(nodes_.size());
    constexpr std::size_t brackets = 2;
    nodes_.push_back({kind, {at_, at_}, {member_start, at_}, brackets, brackets, key_size, 0, 0});
  }
  void end(std::size_t at) {
    JsonNode& node = nodes_[open_.back()];
    open_.pop_back();
    node.span.end = node.member.end = at;
    node.next = nodes_.size();
    if (!open_.empty()) add_to(nodes_[open_.back()], node.key_size, node.size, node.split_size);
  }
  static void add_to(JsonNode& parent, std::size_t key_size, std::size_t size,
                     std::size_t split_size) {
    constexpr std::size_t comma = 2, colon = 2, quotes = 2;
    const std::size_t between = parent.children > 0 ? comma : 0;
    const bool is_object = parent.kind == JsonNode::Kind::object;
    parent.size += between + size + (is_object ? key_size + colon : 0);
    parent.split_size +=
        between + split_size + colon + (is_object ? key_size : digits_of(parent.children) + quotes);
    ++parent.children;
  }

  bool read_scalar(std::size_t& size) {
    if (peek() == '"') return read_string(size);
    for (const std::string_view word : {"true", "false", "null"})
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        size = word.size();
        return true;
      }
    return read_number(size);
  }

  bool read_digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start;
  }

  bool read_number(std::size_t& size) {
    const std::size_t start = at_;
    take('-');
    const std::size_t first = at_;
    if (!read_digits() || (text_[first] == '0' && at_ > first + 1)) return false;
    bool is_float = false;
    if (take('.')) {
      is_float = true;
      if (!read_digits()) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      is_float = true;
      ++at_;
      if (!take('+')) take('-');
      if (!read_digits()) return false;
    }
    const std::string number(text_.substr(start, at_ - start));
    size = is_float ? float_size(number) : number == "-0" ? 1 : number.size();
    return true;
  }

  /// Python writes everything beyond ASCII as \uXXXX.
  static std::size_t written_size(char32_t c) {
    constexpr std::size_t plain = 1, short_escape = 2, long_escape = 6;
    if (c == '"' || c == '\\' || (c >= 8 && c <= 13 && c != 11)) return short_escape;
    if (c >= 0x20 && c < 0x7F) return plain;
    return c > 0xFFFF ? 2 * long_escape : long_escape;
  }

  bool read_string(std::size_t& size) {
    size = 2;
    if (!take('"')) return false;
    while (at_ < text_.size() && text_[at_] != '"') {
      const unicode::Decoded one = unicode::decode(text_, at_);
      if (one.code_point < 0x20) return false;
      at_ += one.bytes;
      if (one.code_point != '\\')
        size += written_size(one.code_point);
      else if (!read_escape(size))
        return false;
    }
    return take('"');
  }

  /// Halves of a pair count one by one, which comes to the same.
  bool read_escape(std::size_t& size) {
    const char c = peek();
    ++at_;
    if (c == '/') return size += 1, true;
    if (std::string_view("\"\\bfnrt").find(c) != std::string_view::npos && c != '\0')
      return size += 2, true;
    constexpr std::size_t hex_digits = 4;
    unsigned value = 0;
    const std::string_view hex = text_.substr(std::min(at_, text_.size()), hex_digits);
    const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (c != 'u' || hex.size() < hex_digits || parsed.ptr != hex.data() + hex.size()) return false;
    at_ += hex_digits;
    size += written_size(value);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<JsonNode> nodes_;
  std::vector<std::size_t> open_;
};

}  // namespace

std::optional<std::vector<JsonNode>> parse_json_tree(std::string_view text) {
  return TreeReader(text).read();
}

}  // namespace slipway::documents::detail
