#include <algorithm>

#include "core/json.hpp"
#include "core/unicode.hpp"
#include "documents/detail/bytes.hpp"
#include "documents/detail/loaders.hpp"

namespace slipway::documents::detail {

namespace {

/// Whether every offset lies in the text, on the boundary of a code point where it says so.
bool fits(const Document& document) {
  const std::string& text = document.text;
  const SourceMap& map = document.map;
  const bool pieces_fit =
      map.pieces.empty() || map.pieces.back().text_start + map.pieces.back().length <= text.size();
  const bool lines_fit = map.lines.empty() || map.lines.back().text_end <= text.size();
  const bool headings_fit = map.headings.empty() || map.headings.back().text_start <= text.size();
  const bool rows_fit = map.rows.empty() || map.rows.back().text_end <= text.size();
  const bool blocks_fit =
      std::all_of(map.blocks.begin(), map.blocks.end(),
                  [&](const SourceMap::Block& block) { return block.text_end <= text.size(); });
  return pieces_fit && lines_fit && headings_fit && rows_fit && blocks_fit &&
         unicode::is_valid_utf8(text);
}

}  // namespace

std::string encode_document(const Document& document) {
  ByteWriter out;
  out.string(document.title);
  out.string(document.media_type);
  out.string(document.part);
  out.string(json::dump(document.metadata));
  out.number(document.warnings.size());
  for (const std::string& warning : document.warnings) out.string(warning);
  out.string(document.map.encode());
  out.string(document.text);
  return out.take();
}

Result<Document> decode_document(std::string_view bytes) {
  ByteReader in(bytes);
  Document document;
  document.title = in.string();
  document.media_type = in.string();
  document.part = in.string();
  const std::string_view metadata = in.string();
  document.warnings.resize(in.count(1));
  for (std::string& warning : document.warnings) warning = in.string();
  const std::string_view map = in.string();
  document.text = in.string();
  if (!in.ok() || in.left() > 0)
    return fail(Code::invalid_argument, "made its reader give a damaged reply");
  const json::Value value = TRY(json::parse(metadata));
  if (value.is_object()) document.metadata = value.get_object();
  document.map = TRY(SourceMap::decode(map));
  if (!fits(document))
    return fail(Code::invalid_argument, "made its reader give a map that does not fit its text");
  return document;
}

}  // namespace slipway::documents::detail
