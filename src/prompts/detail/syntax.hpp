// Texts with variables: read into pieces, and put together again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "prompts/template.hpp"

namespace slipway::prompts::detail {

struct Piece {
  /// section: once for each element, or once when there is something; inverted: when there is not.
  enum class Kind { text, variable, section, inverted };
  Kind kind = Kind::text;
  std::string text;           ///< Or the variable's name, with its dots.
  std::vector<Piece> pieces;  ///< Of a section.
};

/// Fails: invalid_argument with the character where something is not closed or not a name.
Result<std::vector<Piece>> parse_text(Syntax syntax, std::string_view text);
/// What must be given: names up to their first dot, outside of sections.
std::vector<Variable> variables_in(const std::vector<Piece>& pieces);
/// Fails: invalid_argument (a variable within a section that is nowhere; more than 16 MiB).
Result<std::string> render_text(const std::vector<Piece>& pieces, const json::Object& variables);

}  // namespace slipway::prompts::detail
