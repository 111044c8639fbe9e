// What a person writes to name a part of a Confluence server.
#pragma once

#include <string>

#include "connectors/detail/url.hpp"

namespace slipway::connectors::detail {

enum class ConfluenceScope { space, cql, page };

struct ConfluenceSource {
  Url base;  ///< Without a query; its path has no '/' at the end: "/wiki", "/confluence" or "".
  ConfluenceScope scope = ConfluenceScope::space;
  std::string value;  ///< Key, query or id; decoded.
  bool has_attachments = true;
  bool is_cloud = false;

  /// What uris begin with: "confluence:https://host/wiki/".
  std::string prefix() const;
  /// The one spelling, without what does not choose pages.
  std::string text() const;
  /// The pages in CQL, without an order; empty for a single page.
  std::string condition() const;
};

/// "confluence:https://HOST[/PATH]?space=KEY|cql=QUERY|page=ID[&attachments=yes|no]". Fails:
/// invalid_argument.
Result<ConfluenceSource> parse_confluence_source(const std::string& text);

/// Pages have numbers, attachments also "att123".
bool is_content_id(std::string_view text);
/// A string in CQL, with its quotes.
std::string cql_string(std::string_view text);

}  // namespace slipway::connectors::detail
