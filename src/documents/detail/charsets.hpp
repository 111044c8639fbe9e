// Character sets beyond Unicode and Windows-1252.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "documents/detail/decoding.hpp"

namespace slipway::documents::detail {

/// `bytes` in the set that `label` names ("iso-8859-2", "KOI8-R", "Shift_JIS", "gb2312", "cp866"),
/// with U+FFFD and one warning for what is no character. None when no such set is known.
std::optional<DecodedText> decode_charset(std::string_view bytes, std::string_view label);

/// The label of a Windows code page ("cp1251"), also where Windows means another standard's set.
std::string code_page_label(int code_page);

}  // namespace slipway::documents::detail
