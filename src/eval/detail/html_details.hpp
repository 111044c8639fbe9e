// What stands below an item of the HTML report: its texts, how they differ, why it has its scores.
#pragma once

#include <string>
#include <string_view>

namespace slipway::eval::detail {

/// `details`: JSON as `eval::Details` has it. What is not understood is left out.
std::string html_details(std::string_view details);

}  // namespace slipway::eval::detail
