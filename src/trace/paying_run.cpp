#include "trace/paying_run.hpp"

#include "core/json_members.hpp"
#include "trace/detail/sound_name.hpp"

namespace slipway::trace {

using detail::is_sound_name;

std::string paying_run(const http::Request& request, const Origin& origin, std::string own) {
  if (const std::string_view named = request.headers.get("x-slipway-run"); is_sound_name(named))
    return std::string(named);
  const std::string_view metadata = json::member(request.body, "metadata");
  if (metadata.starts_with('{'))
    if (std::string named = json::unquoted(json::member(metadata, "run_id")); is_sound_name(named))
      return named;
  return origin.parent_id.empty() ? std::move(own) : origin.parent_id;
}

}  // namespace slipway::trace
