#include "rag/detail/originals.hpp"

#include <algorithm>

#include "core/files.hpp"
#include "documents/sources.hpp"

namespace slipway::rag::detail {

Result<std::string> original_of(Shelf& shelf, const DocumentRow& document) {
  const DocumentInfo& info = document.info;
  if (document.original) return shelf.blobs().get(*document.original);
  const std::string_view source = std::string_view(info.uri).substr(0, info.uri.find('#'));
  const auto file = documents::file_of_uri(source);
  if (!file)
    return fail(Code::not_found, "the bytes of '{}' are not kept; they are at {}", info.path,
                info.uri);
  auto bytes = read_file(*file);
  // Never anything but what was ingested, whatever lies there now.
  if (!bytes || sha256(*bytes) != info.content_hash)
    return fail(Code::not_found, "the file of '{}' is gone or has changed; ingest it again",
                info.path);
  return bytes;
}

Result<PageLayout> layout_of(const DocumentInfo& info, const StoredText& text, int page) {
  PageLayout layout;
  layout.document_id = info.id;
  layout.page = page;
  layout.pages = 0;
  for (const documents::SourceMap::Line& line : text.map.lines) {
    layout.pages = std::max(layout.pages, line.page);
    layout.width = std::max(layout.width, line.box[2]);
    layout.height = std::max(layout.height, line.box[3]);
    if (line.page != page) continue;
    layout.lines.push_back({static_cast<std::int64_t>(line.text_start),
                            static_cast<std::int64_t>(line.text_end), line.box,
                            text.text.substr(line.text_start, line.text_end - line.text_start)});
  }
  if (layout.pages == 0)
    return fail(Code::not_found, "'{}' has no pages; read its text", info.path);
  if (page < 1 || page > layout.pages)
    return fail(Code::not_found, "'{}' has pages 1..{}, not {}", info.path, layout.pages, page);
  return layout;
}

}  // namespace slipway::rag::detail
