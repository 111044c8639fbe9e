// Online evaluators over HTTP: /api/evaluators, and as LangSmith's clients know them.
#pragma once

#include "http/api.hpp"
#include "trace/evaluators.hpp"
#include "trace/mount.hpp"

namespace slipway::trace {

/// `rules` must outlive the routes.
void mount_evaluators(http::Api& api, Rules& rules);
/// /platform/evaluators and /runs/rules. What it is given, and what that refers to, must outlive
/// the routes.
void mount_langsmith_evaluators(http::Router& router, const Services& services, Rules& rules);

/// {"kind": "regex", "pattern": ...}: what our own API takes and tells, without what is empty.
json::Object evaluator_json(const Evaluator& evaluator);
/// Fails: invalid_argument naming the member.
Result<Evaluator> read_evaluator(const json::Value& value);

}  // namespace slipway::trace
