// The patterns of our schemas: a sequence of literals and character classes, each once or with a
// count. They match in linear time, which foreign text against a general expression does not.
#pragma once

#include <string_view>

namespace slipway::http::detail {

/// Whether the whole of `text` matches, byte by byte: "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$".
/// An item is a literal, an escaped literal or a class with ranges and '^'; counts are ?, *, +,
/// {n}, {m,n} and {m,}. An item takes as many bytes as it can and gives none back. A pattern of
/// another form is a bug.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace slipway::http::detail
