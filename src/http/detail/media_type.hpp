// What Content-Type and Accept say.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::http::detail {

/// "multipart/form-data; boundary=x": type in lower case, parameters with lower-case names.
struct MediaType {
  std::string type;
  std::map<std::string, std::string, std::less<>> parameters;
};
/// Nothing for what is no media type.
std::optional<MediaType> parse_media_type(std::string_view text);

/// "application/json" and "application/geo+json".
bool is_json(const MediaType& media_type);

/// Whether an Accept header takes the type; an empty header takes all. Ranges with q=0 refuse.
bool accepts(std::string_view accept, std::string_view media_type);
/// Whether the header names the type itself, not only by a wildcard, and does not refuse it.
bool names(std::string_view accept, std::string_view media_type);

}  // namespace slipway::http::detail
