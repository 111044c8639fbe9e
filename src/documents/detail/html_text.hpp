// From a parsed page to its text: blocks become lines, white space folds, hidden text goes.
#pragma once

#include <string_view>

#include "documents/documents.hpp"

namespace slipway::documents::detail {

struct HtmlPage {
  Document document;       ///< Without the warning of hidden text.
  std::size_t hidden = 0;  ///< Characters.
};

/// As `html_to_document`, for pages that are a part of something.
Result<HtmlPage> html_to_page(std::string_view utf8);

/// `utf8` is valid UTF-8; the pieces of the document's map lead to its bytes. Runs inside the
/// sandbox. Fails: invalid_argument when it cannot be parsed at all.
Result<Document> html_to_document(std::string_view utf8);

}  // namespace slipway::documents::detail
