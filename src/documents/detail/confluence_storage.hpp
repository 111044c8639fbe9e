// The storage format of Confluence: XHTML with macros (ac:*) and references (ri:*).
#pragma once

#include <string_view>

#include "documents/detail/html_text.hpp"

namespace slipway::documents::detail {

/// The text of one page's body; pieces lead to its bytes. `utf8` is valid UTF-8. Code macros become
/// fenced blocks; panels, expands and layouts their content; links their text; tasks items with
/// boxes; macros that compute something are named in a warning. Fails: invalid_argument (not well
/// formed, nested too deep).
Result<HtmlPage> storage_to_page(std::string_view utf8);

}  // namespace slipway::documents::detail
