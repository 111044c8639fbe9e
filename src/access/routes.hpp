// The keys over HTTP.
#pragma once

#include "access/access.hpp"
#include "http/api.hpp"

namespace slipway::access {

/// GET, POST /api/keys and DELETE /api/keys/{name}, for admins. `keys` must outlive the api.
void mount(http::Api& api, Keys& keys);

}  // namespace slipway::access
