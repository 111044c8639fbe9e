// Rules of a GBNF grammar, the notation that llama.cpp reads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::models::detail {

/// Collects rules. Not thread safe.
class Grammar {
 public:
  /// The name of a rule with this body; equal bodies share one.
  std::string add(const std::string& body);
  /// A name whose body comes later, by `define`; `key` finds it again.
  std::string reserve(std::string_view key = "");
  /// The name that was reserved by this key; empty: none.
  std::string named(std::string_view key) const;
  void define(const std::string& name, std::string body);
  /// Whether all that the rule needs has a body.
  bool is_whole(const std::string& root) const;
  std::size_t bytes() const { return bytes_; }
  /// All rules, `root` first.
  std::string text(const std::string& root) const;

 private:
  std::vector<std::string> bodies_;
  std::map<std::string, std::string> names_;  ///< By body.
  std::map<std::string, std::string, std::less<>> keys_;
  std::size_t bytes_ = 0;
};

/// A text as a quoted literal. `text` is valid UTF-8.
std::string literal(std::string_view text);

/// Inclusive ranges of code points, sorted, apart from each other.
using CodeRanges = std::vector<std::pair<char32_t, char32_t>>;
CodeRanges united(CodeRanges ranges);
/// Of all that a JSON string may hold: no surrogates, no control characters but
/// tab and newlines.
CodeRanges complement(const CodeRanges& ranges);
/// One character of these ranges, in JSON as it stands inside a string: quotes,
/// backslashes and control characters escaped. Empty when there is none that
/// can be written.
std::string json_char(const CodeRanges& ranges);
/// The same outside of JSON.
std::string plain_char(const CodeRanges& ranges);
/// "x", repeated; `most` < 0: without end.
std::string repeated(const std::string& item, std::int64_t least, std::int64_t most);

// The parts of any JSON text. Each gives a rule's name.
std::string json_space(Grammar& grammar);  ///< After brackets and commas: at most a line break.
std::string json_string(Grammar& grammar);
std::string json_string_char(Grammar& grammar);
std::string json_number(Grammar& grammar);
std::string json_value(Grammar& grammar);
std::string json_object(Grammar& grammar);
std::string json_array(Grammar& grammar);

}  // namespace slipway::models::detail
