// Prompts over HTTP: our own routes below /api/prompts, and the hub that LangSmith's clients push
// to and pull from.
#pragma once

#include "http/api.hpp"
#include "prompts/prompts.hpp"
#include "trace/mount.hpp"

namespace slipway::prompts {

/// All of it must outlive the routes.
void mount(http::Api& api, Prompts& prompts);
/// /repos, /commits, /likes, /platform/hub/repos at the LangSmith face.
void mount_hub(http::Router& router, const trace::Services& services, Prompts& prompts);

}  // namespace slipway::prompts
