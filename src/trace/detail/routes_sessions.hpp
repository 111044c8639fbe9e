// LangSmith's projects over HTTP: made, found, changed, deleted, with their statistics.
#pragma once

#include "trace/detail/faces.hpp"

namespace slipway::trace::detail {

/// At one prefix of the face.
void mount_sessions(http::Router& router, const Face& face, const std::string& prefix,
                    const Services& services);

/// The body of a project, and it as v1 shows it. Fails: invalid_argument, conflict, not_found.
Result<http::Response> create_session(const Services& services, const http::ExchangePtr& exchange);
Result<http::Response> change_session(const Services& services, const http::ExchangePtr& exchange,
                                      const std::string& id);

}  // namespace slipway::trace::detail
