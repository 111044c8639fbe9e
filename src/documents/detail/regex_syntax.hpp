// Separators are written in Python's regular expression syntax, because the lists that people bring
// with them are. The engine speaks Perl's; this is the translation between the two.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::documents::detail {

/// The same expression for the engine, where Python and Perl differ: `^ $ .` `\Z`, bare braces,
/// brackets in classes, `(?P<name>)`, `\u`, inline flags. Whatever Python refuses and the engine
/// would take with another meaning (recursion, verbs, unknown escapes) is refused as well.
/// Fails: invalid_argument; the message does not name the pattern, the caller knows it better.
Result<std::wstring> perl_from_python(std::string_view pattern);

/// True when the pattern means its own characters, so that it needs no engine.
bool is_plain_pattern(std::string_view pattern);

}  // namespace slipway::documents::detail
