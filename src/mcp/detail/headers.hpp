// The headers of Streamable HTTP in revision 2026-07-28: what of a body stands in them, and how.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace slipway::mcp::detail {

/// A text as a header's value: as it is, or "=?base64?...?=" where it would not travel whole.
std::string header_value(std::string_view text);
/// The reverse. Nothing: broken base64, or characters that no header has.
std::optional<std::string> read_header_value(std::string_view value);

/// What of the params names the request: `name` or `uri`; nothing for other methods.
std::optional<std::string> name_of_request(std::string_view method, const json::Object& params);

/// A property of a tool's arguments that travels in a header too.
struct HeaderParam {
  std::string header;             ///< "Mcp-Param-Region"
  std::vector<std::string> path;  ///< Of names of `properties`.
};
/// Fails: invalid_argument (the schema breaks the rules of `x-mcp-header`; such a tool is not to be
/// used over HTTP).
Result<std::vector<HeaderParam>> header_params(const json::Value& input_schema);
/// What the header of a parameter must say; nothing: it is absent or null.
std::optional<std::string> header_text(const HeaderParam& param, const json::Object& arguments);
/// Whether two texts are the same, numbers by their value.
bool says_same(std::string_view header, std::string_view body);

}  // namespace slipway::mcp::detail
