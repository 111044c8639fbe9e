// LangSmith's projects over HTTP: made, found, changed, deleted, with their statistics.
#pragma once

#include "trace/detail/faces.hpp"

namespace slipway::trace::detail {

/// At one prefix of the face.
void mount_sessions(http::Router& router, const Face& face, const std::string& prefix,
                    const Services& services);

}  // namespace slipway::trace::detail
