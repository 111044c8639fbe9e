#include "http/detail/docs_page.hpp"

namespace slipway::http::detail {

namespace {
constexpr std::string_view html =
#include "http/detail/docs_html.inc"
    ;
constexpr std::string_view script =
#include "http/detail/docs_script.inc"
    ;
constexpr std::string_view style =
#include "http/detail/docs_style.inc"
    ;
}  // namespace

// The first byte is the line end behind the literal's beginning.
std::string_view docs_html() { return html.substr(1); }
std::string_view docs_script() { return script.substr(1); }
std::string_view docs_style() { return style.substr(1); }

}  // namespace slipway::http::detail
