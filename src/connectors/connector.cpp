#include "connectors/connector.hpp"

#include <algorithm>

#include "connectors/detail/confluence.hpp"
#include "connectors/detail/web.hpp"
#include "core/unicode.hpp"

namespace slipway::connectors {

bool Listing::covers(std::string_view uri) const {
  const auto reaches = [&](const std::string& root) {
    // A web page's URL may end with '/' too, and is only itself.
    const bool is_folder = root.ends_with('/') && root.starts_with("confluence:");
    return is_folder ? uri.starts_with(root) : uri == root;
  };
  return std::any_of(roots.begin(), roots.end(), reaches);
}

bool is_remote(std::string_view source) {
  const std::string start = unicode::to_lower(source.substr(0, 16));
  return start.starts_with("http://") || start.starts_with("https://") ||
         start.starts_with("confluence:");
}

Result<std::unique_ptr<Connector>> open(const std::string& source, const Options& options) {
  if (!is_remote(source))
    return fail(Code::invalid_argument,
                "'{}' is not a source on the network; write https://HOST/PATH or "
                "confluence:https://HOST?space=KEY",
                detail::one_line(source));
  if (unicode::to_lower(source.substr(0, 11)) == "confluence:")
    return detail::ConfluenceConnector::open(source, options);
  return detail::WebConnector::open(source, options);
}

}  // namespace slipway::connectors
