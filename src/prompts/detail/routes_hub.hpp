// The hub of LangSmith's clients.
#pragma once

#include "prompts/prompts.hpp"
#include "trace/face.hpp"

namespace slipway::prompts::detail {

void mount_repos(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts);
void mount_commits(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts);
void mount_directories(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts);

using Serve = Result<http::Response> (*)(Prompts&, const http::ExchangePtr&,
                                         const http::PathParameters&);
/// With and without a slash at the end: clients write both.
void add(http::Router& router, const trace::LangSmithFace& face, Prompts& prompts,
         std::string_view method, const std::string& path, Serve serve);

/// The name of a path's prompt. Fails: not_found (its owner is not "-" and not this tenant).
Result<std::string> repo_of(const http::PathParameters& path);
Result<json::Object> body_of(const http::ExchangePtr& exchange);
http::Response json_reply(const json::Value& value);
/// The handle of the one tenant.
inline constexpr std::string_view owner = "slipway";

}  // namespace slipway::prompts::detail
