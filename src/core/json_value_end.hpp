// Where a value ends in JSON text, without making it.
#pragma once

#include <cstddef>
#include <string_view>

namespace slipway::json {

/// Behind the value that begins at `at`, at most the text's end. Checks no grammar: of text that is
/// not JSON it gives some place behind `at`, or `at`.
std::size_t value_end(std::string_view text, std::size_t at);

}  // namespace slipway::json
