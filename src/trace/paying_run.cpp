#include "trace/paying_run.hpp"

#include <algorithm>

#include "core/json_members.hpp"
#include "core/unicode.hpp"

namespace slipway::trace {

namespace {

bool is_sound(std::string_view name) {
  constexpr std::size_t bytes_max = 512;
  return !name.empty() && name.size() <= bytes_max && unicode::is_valid_utf8(name) &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

}  // namespace

std::string paying_run(const http::Request& request, const Origin& origin, std::string own) {
  if (const std::string_view named = request.headers.get("x-slipway-run"); is_sound(named))
    return std::string(named);
  const std::string_view metadata = json::member(request.body, "metadata");
  if (metadata.starts_with('{'))
    if (std::string named = json::unquoted(json::member(metadata, "run_id")); is_sound(named))
      return named;
  return origin.parent_id.empty() ? std::move(own) : origin.parent_id;
}

}  // namespace slipway::trace
