// The corridor's steps as runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rag/detail/retrieve.hpp"
#include "trace/spans.hpp"

namespace slipway::rag::detail {

/// Of nothing when nobody keeps runs, or the request has no place for them.
trace::Trail trail_of(const Shelf& shelf, const std::optional<trace::Origin>& origin);

/// A run that calls a model of the catalog, below another one.
trace::Span model_span(const Shelf& shelf, const trace::Span& parent, trace::Kind kind,
                       const std::string& model);

/// What a model has read and written, between two readings of a counter.
void tell_usage(trace::Span& span, const models::Usage& before, const models::Usage& after);

/// Passages as tools for traces know documents: page_content, metadata, score.
json::Value documents_of(const std::vector<Passage>& passages);

}  // namespace slipway::rag::detail
