// Bytes in some encoding become UTF-8 that knows which bytes each character came from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "documents/documents.hpp"

namespace slipway::documents::detail {

struct DecodedText {
  std::string text;  ///< Valid UTF-8 without a byte order mark.
  SourceMap map;     ///< Only its pieces.
  std::vector<std::string> warnings;
};

/// A byte order mark decides, then `charset` (a label as HTML or HTTP writes it; empty when nobody
/// says; detail/charsets.hpp has those that are known), then the bytes: UTF-8, else Windows-1252
/// where the bytes look like Western text, else UTF-8 with U+FFFD for every byte that is none. What
/// was assumed is a warning. Fails: unsupported (an encoding that is none of these).
Result<DecodedText> decode_text(std::string_view bytes, std::string_view charset = {});

/// The charset that an HTML document declares in a <meta> near its start, in lower case, or empty.
std::string declared_charset(std::string_view html);

}  // namespace slipway::documents::detail
