// The words of an expression.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/value.hpp"
#include "core/result.hpp"

namespace slipway::agents::detail {

struct Token {
  enum class Kind : std::uint8_t { end, name, literal, sign };
  Kind kind = Kind::end;
  std::string text;  ///< name, sign: "&&"
  Value value;       ///< literal: a number or a string
  /// 9223372036854775808, which is only valid after a minus.
  bool is_least_magnitude = false;
  std::size_t at = 0;  ///< Byte of the text.
};

/// With an `end` at the end. Fails: invalid_argument: column and what is wrong.
Result<std::vector<Token>> read_tokens(std::string_view text);

/// Where the expression that begins at `begin` of a template ends: the place of its "}}"; npos if
/// there is none. Strings and braces inside are seen.
std::size_t end_of_expression(std::string_view text, std::size_t begin);

Error expression_error(std::string_view text, std::size_t at, std::string_view what);

}  // namespace slipway::agents::detail
