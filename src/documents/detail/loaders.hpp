// One function per format. `load` has checked size and emptiness, and looks at the result again.
#pragma once

#include <string>
#include <string_view>

#include "documents/detail/decoding.hpp"
#include "documents/documents.hpp"

namespace slipway::documents::detail {

/// What a loader needs to know beside the bytes.
struct LoadTask {
  const Context& context;
  const Source& source;
  const LoadOptions& options;
  std::string_view charset;  ///< As the media type's parameter says; may be empty.
};

Result<Document> load_plain(const LoadTask& task);
Result<Document> load_markdown(const LoadTask& task);
Result<Document> load_html(const LoadTask& task);
Result<Document> load_pdf(const LoadTask& task);
/// By the operator's command; see LoadOptions. `pages` is what a scanned PDF has, else 0.
Result<Document> load_by_ocr(const LoadTask& task, int pages);
/// "image/png" by the bytes; empty when they are no picture that OCR programs read.
std::string_view image_type(std::string_view bytes);
/// The failure of a PDF whose pages have no text, and the number of pages in such a message; 0 when
/// it is another one.
Error scanned_error(int pages);
int scanned_pages(std::string_view message);

/// A document of the text as it stands, without what nobody sees.
Document visible_document(DecodedText decoded);

/// "hidden text dropped: 120 characters", when there are any.
void warn_of_hidden(std::size_t characters, Document& document);

/// One line: white space folded, invisible characters gone, at most 500 bytes.
std::string clean_title(std::string_view title);

/// "a, b; c" as a list of clean words.
json::Array split_keywords(std::string_view list);

/// A document across the sandbox; `decode` trusts nothing.
std::string encode_document(const Document& document);
Result<Document> decode_document(std::string_view bytes);

}  // namespace slipway::documents::detail
