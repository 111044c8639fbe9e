// How the gateway looks to the SDKs of OpenAI, Anthropic and Cohere: paths, keys, lists, errors.
//
//   gateway::mount_faces(router, {.gateway = gateway, .gate = gate, .workers = workers});
//
// Each vendor's API stands at a prefix of its own, which is what his SDK gets as its base URL
// (/openai/v1, /anthropic, /cohere), and at its customary root path. Where two share one of those,
// the header anthropic-version decides.
#pragma once

#include <optional>
#include <string>

#include "access/gate.hpp"
#include "core/pool.hpp"
#include "gateway/gateway.hpp"
#include "http/router.hpp"

namespace slipway::gateway {

struct Faces {
  Gateway& gateway;          ///< All three must outlive the router.
  const access::Gate& gate;  ///< Asking models needs the role `write`, listing them `read`.
  Pool& workers;             ///< Take long bodies apart.
};

/// Adds the routes and how requests beside them are refused.
void mount_faces(http::Router& router, const Faces& faces);

/// An error in the shape that the SDK which asks for `request.path` understands: for refusals
/// before a route is found (a body that is too long, a key that is wrong). Nothing when no dialect
/// has that path.
std::optional<http::Response> dialect_refusal(const http::Request& request, int status,
                                              const std::string& message);

}  // namespace slipway::gateway
