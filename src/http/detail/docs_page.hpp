// The page at /docs: HTML, script and style, without anything from elsewhere.
#pragma once

#include <string_view>

namespace slipway::http::detail {

std::string_view docs_html();
std::string_view docs_script();
std::string_view docs_style();

}  // namespace slipway::http::detail
