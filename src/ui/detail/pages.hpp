// How a file of the page is sent.
#pragma once

#include <string_view>

#include "http/message.hpp"

namespace slipway::ui {

enum class Encoding { plain, gzip, brotli };

/// The best of the three that the client takes (RFC 9110, 12.5.3).
Encoding choose_encoding(std::string_view accept_encoding);

/// Whether one of the tags of If-None-Match is `tag`, which stands in quotes.
bool matches_tag(std::string_view if_none_match, std::string_view tag);

/// The file of that path with the headers that a page needs; 304 and 404 where they are due.
http::Response serve_asset(const http::Request& request, std::string_view path);

}  // namespace slipway::ui
