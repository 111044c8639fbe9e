// Regular expressions that take time in proportion to the text, whatever the expression; and that
// can be asked while the text is still coming.
//
// Literals, . [a-z] [^a-z] \d \D \w \W \s \S \b, groups (...) and (?:...), |, * + ? {n} {n,} {n,m},
// ^ and $ (of the text), (?i) in front. No references back, no look-around. Works on bytes, so a
// class knows ASCII only; what a match takes in is as long as it can be, from the leftmost begin.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway {

class Pattern {
 public:
  /// Fails: invalid_argument (what is wrong, and where).
  static Result<Pattern> compile(std::string_view expression);

  struct Match {
    std::size_t begin = 0, end = 0;
  };
  /// What a search knows of a text that may go on.
  struct Found {
    std::optional<Match> match;  ///< Final: nothing that comes can change it.
    std::size_t safe = 0;  ///< No match, now or later, begins before this. With a match: its end.
  };
  /// `before` is the byte in front of `text` (0: none), for \b and ^.
  Found find(std::string_view text, bool may_go_on, char before = 0) const;
  /// A match that takes in something, anywhere in `text`.
  std::optional<Match> find(std::string_view text) const { return find(text, false).match; }
  /// Whether it matches somewhere, also if that is empty.
  bool matches(std::string_view text) const;

  struct Step {
    enum class Kind : std::uint8_t { bytes, split, jump, text_begin, text_end, word_edge, done };
    Kind kind = Kind::done;
    std::uint32_t bytes = 0;  ///< Which of `sets_`.
    std::uint32_t next = 0, other = 0;
  };

 private:
  friend class PatternReader;
  struct Search;
  std::vector<Step> steps_;
  std::vector<std::bitset<256>> sets_;
};

}  // namespace slipway
