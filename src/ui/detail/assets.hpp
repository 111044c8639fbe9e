// The files of the page, as tools/web.sh compiled them in.
#pragma once

#include <span>
#include <string_view>

namespace slipway::ui {

/// One file in every form that it is sent in. All views live as long as the program.
struct Asset {
  std::string_view path;  ///< "/assets/app-1f3c9a.js"; "/" is the page itself.
  std::string_view media_type;
  std::string_view hash;  ///< Of the plain bytes.
  std::string_view plain, gzip, brotli;
};

std::span<const Asset> assets();

}  // namespace slipway::ui
