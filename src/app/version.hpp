// Which program this is.
#pragma once

#include <string_view>

namespace slipway::app {

inline constexpr std::string_view version_number = "0.1.0";

}  // namespace slipway::app
