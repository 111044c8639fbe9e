// One separator of a splitter: a literal, a regular expression, or empty (between all code points).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "documents/documents.hpp"

namespace slipway::documents::detail {

struct CompiledRegex;

/// Immutable; may be shared between threads.
class Separator {
 public:
  enum class Syntax { literal, regex };

  /// Fails: invalid_argument when a regular expression does not compile.
  static Result<Separator> compile(std::string_view pattern, Syntax syntax);

  bool is_empty() const { return pattern_.empty(); }
  const std::string& pattern() const { return pattern_; }
  /// A regular expression that starts with a look-around, so that it matches no character.
  bool is_look_around() const { return is_look_around_; }

  /// The matches in a text from left to right, with the rule of Python's `re` for empty ones. The
  /// text is a world of its own: look-behind does not see what stands before it.
  class Matches {
   public:
    Matches(const Separator& separator, std::string_view text)
        : separator_(separator), text_(text) {}
    /// Offsets in the text; nothing after the last one. Fails: invalid_argument when the expression
    /// needs more steps or memory than the engine allows on this text.
    Result<std::optional<Span>> next();

   private:
    const Separator& separator_;
    std::string_view text_;
    std::size_t at_ = 0;
    bool done_ = false;
    bool last_was_empty_ = false;
  };

 private:
  std::string pattern_;
  std::shared_ptr<const CompiledRegex> regex_;  ///< Null for literals.
  bool is_look_around_ = false;
};

}  // namespace slipway::documents::detail
