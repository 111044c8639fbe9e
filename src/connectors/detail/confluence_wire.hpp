// What Confluence's REST API answers, as far as we use it. Pure functions on foreign bytes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/json.hpp"

namespace slipway::connectors::detail {

/// A page, a blog post or an attachment. What the answer does not say is empty.
struct Content {
  std::string id;
  std::string type;    ///< "page", "blogpost", "attachment".
  std::string status;  ///< "current", "trashed", "archived", "draft" ...
  std::string title;   ///< One line.
  std::int64_t version = 0;
  std::string modified;  ///< RFC 3339, as the server writes it.
  std::string modified_by;
  std::string created;
  std::string author;
  std::string space_key;
  std::string space_name;
  std::vector<std::string> ancestors;  ///< Titles, outermost first.
  std::vector<std::string> labels;     ///< Sorted.
  std::string web_url;                 ///< As in the answer: usually relative.
  std::optional<std::string> storage;  ///< The body.

  std::string container_id;  ///< Attachments only, as the next four.
  std::string media_type;
  std::uint64_t size_bytes = 0;
  std::string download;

  bool is_current() const { return status.empty() || status == "current"; }
};

/// One page of results.
struct ResultPage {
  std::vector<Content> contents;
  std::string next;  ///< Empty: there is no more.
  /// Where the next page begins if the server counts and names more than it has given; else -1.
  std::int64_t next_start = -1;
  std::string web_base;  ///< What `web_url` is relative to; may be empty.
};

/// Fails: unavailable (it is no list of results, a result has no id).
Result<ResultPage> read_result_page(const json::Value& answer);
/// Fails: unavailable (no content with an id).
Result<Content> read_content(const json::Value& answer);
/// `_links.base` of an answer, when it is a URL of the web.
std::string read_web_base(const json::Value& answer);

}  // namespace slipway::connectors::detail
