// Regular expressions are matched by Boost.Regex: header only, Perl syntax with look-around, and
// unlike std::regex it keeps its backtracking on the heap within a limit. Text stays UTF-8: an
// iterator decodes while the engine walks, so a match can never end inside a code point and no
// wide copy of a large document is made. Character classes follow Python (Unicode).
#include "documents/detail/separator.hpp"

#include <cstddef>

namespace slipway::documents::detail {
/// Steps that one search may take. The engine's constant would be too small for a large document in
/// which nothing matches, and for a small one it lets a bad pattern burn seconds.
static thread_local std::ptrdiff_t search_steps_max = 0;
}  // namespace slipway::documents::detail

#define BOOST_REGEX_MAX_STATE_COUNT ::slipway::documents::detail::search_steps_max
#include <boost/regex.hpp>

#include "core/unicode.hpp"
#include "documents/detail/regex_syntax.hpp"

namespace slipway::documents::detail {

namespace {

/// Walks the code points of a text in both directions.
class CodePointIterator {
 public:
  using iterator_category = std::bidirectional_iterator_tag;
  using value_type = wchar_t;
  using difference_type = std::ptrdiff_t;
  using pointer = const wchar_t*;
  using reference = wchar_t;

  CodePointIterator() = default;
  CodePointIterator(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  wchar_t operator*() const {
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte < 0x80) return byte;
    return static_cast<wchar_t>(unicode::decode(text_, at_).code_point);
  }
  CodePointIterator& operator++() {
    at_ += static_cast<unsigned char>(text_[at_]) < 0x80 ? 1 : unicode::decode(text_, at_).bytes;
    return *this;
  }
  CodePointIterator& operator--() {
    at_ = unicode::floor_boundary(text_, at_ - 1);
    return *this;
  }
  CodePointIterator operator++(int) {
    const CodePointIterator before = *this;
    ++*this;
    return before;
  }
  CodePointIterator operator--(int) {
    const CodePointIterator before = *this;
    --*this;
    return before;
  }
  bool operator==(const CodePointIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CodePointIterator& other) const { return at_ != other.at_; }
  std::size_t at() const { return at_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// \d, \s and \w as Python has them. The translator lets no other class name through.
class PythonTraits : public boost::cpp_regex_traits<wchar_t> {
 public:
  char_class_type lookup_classname(const wchar_t* begin, const wchar_t* end) const {
    const std::wstring_view name(begin, static_cast<std::size_t>(end - begin));
    // For \D the engine asks for "D" and negates by itself. The long names are its own needs.
    if (name == L"d" || name == L"D") return digit;
    if (name == L"s" || name == L"S" || name == L"space") return space;
    if (name == L"w" || name == L"W") return word;
    if (name == L"lower") return lower;
    if (name == L"upper") return upper;
    if (name == L"alpha") return letter;
    return 0;
  }
  bool isctype(wchar_t c, char_class_type classes) const {
    const auto point = static_cast<char32_t>(c);
    return ((classes & digit) != 0 && unicode::is_digit(point)) ||
           ((classes & space) != 0 && unicode::is_space(point)) ||
           ((classes & word) != 0 &&
            (point == '_' || unicode::is_letter(point) || unicode::is_number(point))) ||
           ((classes & lower) != 0 && unicode::is_lower(point)) ||
           ((classes & upper) != 0 && unicode::is_upper(point)) ||
           ((classes & letter) != 0 && unicode::is_letter(point));
  }
  wchar_t translate(wchar_t c) const { return c; }
  wchar_t translate_nocase(wchar_t c) const {
    return static_cast<wchar_t>(unicode::to_lower(static_cast<char32_t>(c)));
  }
  wchar_t translate(wchar_t c, bool ignore_case) const {
    return ignore_case ? translate_nocase(c) : c;
  }

 private:
  static constexpr char_class_type digit = 1;
  static constexpr char_class_type space = 2;
  static constexpr char_class_type word = 4;
  static constexpr char_class_type lower = 8;
  static constexpr char_class_type upper = 16;
  static constexpr char_class_type letter = 32;
};

using Regex = boost::basic_regex<wchar_t, boost::regex_traits<wchar_t, PythonTraits>>;

/// Boost's texts point into the pattern over several lines; ours are one sentence.
std::string first_sentence(std::string_view what) {
  const std::size_t cut = what.find("  The error occurred");
  std::string text(what.substr(0, cut));
  while (!text.empty() && (text.back() == '.' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

struct CompiledRegex {
  Regex regex;
};

Result<Separator> Separator::compile(std::string_view pattern, Syntax syntax) {
  Separator separator;
  separator.pattern_ = pattern;
  if (syntax == Syntax::literal || is_plain_pattern(pattern)) return separator;
  auto translated = perl_from_python(pattern);
  if (!translated)
    return fail(Code::invalid_argument, "'{}' is not a valid regular expression: {}", pattern,
                translated.error().message());
  try {
    separator.regex_ =
        std::make_shared<const CompiledRegex>(CompiledRegex{Regex(*translated, Regex::perl)});
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument, "'{}' is not a valid regular expression: {}", pattern,
                first_sentence(error.what()));
  }
  for (const std::string_view prefix : {"(?=", "(?!", "(?<=", "(?<!"})
    separator.is_look_around_ |= pattern.starts_with(prefix);
  return separator;
}

Result<std::optional<Span>> Separator::Matches::next() {
  if (done_ || separator_.is_empty()) return std::optional<Span>();
  if (separator_.regex_ == nullptr) {
    const std::size_t found = text_.find(separator_.pattern_, at_);
    if (found == std::string_view::npos) {
      done_ = true;
      return std::optional<Span>();
    }
    at_ = found + separator_.pattern_.size();
    return std::optional<Span>({found, at_});
  }
  const CodePointIterator begin(text_, 0);
  const CodePointIterator end(text_, text_.size());
  boost::match_flag_type flags = boost::match_default;
  // After an empty match the next one at the same place must not be empty again.
  if (last_was_empty_) flags |= boost::regex_constants::match_not_initial_null;
  if (at_ > 0) flags |= boost::match_prev_avail;
  constexpr std::size_t steps_base = 20'000'000;  // About a second.
  constexpr std::size_t steps_per_byte = 32;
  search_steps_max =
      static_cast<std::ptrdiff_t>(steps_base + steps_per_byte * (text_.size() - at_));
  boost::match_results<CodePointIterator> match;
  try {
    done_ = !boost::regex_search(CodePointIterator(text_, at_), end, match,
                                 separator_.regex_->regex, flags, begin);
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument,
                "the regular expression '{}' is too costly on this text: {}; write it without "
                "nested repeats",
                separator_.pattern_, first_sentence(error.what()));
  }
  if (done_) return std::optional<Span>();
  const Span span{match[0].first.at(), match[0].second.at()};
  last_was_empty_ = span.size() == 0;
  at_ = span.end;
  return std::optional<Span>(span);
}

}  // namespace slipway::documents::detail
