#include "http/detail/pattern.hpp"

#include <bitset>
#include <charconv>
#include <cstddef>

#include "core/result.hpp"
#include "core/unicode.hpp"

namespace slipway::http::detail {

namespace {

using Class = std::bitset<256>;

struct Counts {
  std::size_t least = 1, most = 1;
};

/// Reads the pattern from left to right.
class Reader {
 public:
  explicit Reader(std::string_view pattern) : rest_(pattern) {
    SLIPWAY_ASSERT(rest_.starts_with('^') && rest_.ends_with('$'));
    rest_ = rest_.substr(1, rest_.size() - 2);
  }
  bool is_done() const { return rest_.empty(); }

  Class read_class() {
    Class set;
    if (rest_.front() != '[') {
      set.set(read_byte());
      return set;
    }
    take('[');
    const bool is_negated = rest_.starts_with('^');
    if (is_negated) take('^');
    while (!rest_.starts_with(']')) {
      const unsigned char first = read_byte();
      unsigned char last = first;
      if (rest_.size() > 1 && rest_[0] == '-' && rest_[1] != ']') {
        take('-');
        last = read_byte();
      }
      for (int byte = first; byte <= last; ++byte) set.set(static_cast<std::size_t>(byte));
    }
    take(']');
    return is_negated ? ~set : set;
  }

  Counts read_counts() {
    constexpr std::size_t unlimited = static_cast<std::size_t>(-1);
    if (rest_.starts_with('?')) return take('?'), Counts{0, 1};
    if (rest_.starts_with('*')) return take('*'), Counts{0, unlimited};
    if (rest_.starts_with('+')) return take('+'), Counts{1, unlimited};
    if (!rest_.starts_with('{')) return {};
    take('{');
    Counts counts;
    counts.least = counts.most = read_number();
    if (rest_.starts_with(',')) {
      take(',');
      counts.most = rest_.starts_with('}') ? unlimited : read_number();
    }
    take('}');
    return counts;
  }

 private:
  void take(char c) {
    SLIPWAY_ASSERT(rest_.starts_with(c));
    rest_.remove_prefix(1);
  }
  unsigned char read_byte() {
    const bool is_escaped = rest_.starts_with('\\');
    if (is_escaped) take('\\');
    SLIPWAY_ASSERT(!rest_.empty());
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    if (is_escaped && byte == 'n') return '\n';
    return byte;
  }
  std::size_t read_number() {
    std::size_t number = 0;
    const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    SLIPWAY_ASSERT(read.ec == std::errc());
    rest_.remove_prefix(static_cast<std::size_t>(read.ptr - rest_.data()));
    return number;
  }

  std::string_view rest_;
};

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  if (pattern == "\\S") return !unicode::trim(text).empty();
  Reader reader(pattern);
  while (!reader.is_done()) {
    const Class set = reader.read_class();
    const Counts counts = reader.read_counts();
    std::size_t taken = 0;
    while (taken < counts.most && taken < text.size() &&
           set.test(static_cast<unsigned char>(text[taken])))
      ++taken;
    if (taken < counts.least) return false;
    text.remove_prefix(taken);
  }
  return text.empty();
}

}  // namespace slipway::http::detail
