// An agent drawn as LangGraph's clients draw graphs, and its schemas.
#pragma once

#include "langgraph/detail/messages.hpp"

namespace slipway::langgraph::detail {

/// {nodes, edges}; sub-agents are drawn in the place of their nodes, `depth` levels of them.
Value graph_json(const agents::Agent& agent, int depth);
/// {graph_id, input_schema, output_schema, state_schema, config_schema, context_schema}
Value schemas_json(const agents::Agent& agent);
/// The schemas of sub-agents by the path of their node ("writer|check" with `recurse`); `only`: of
/// that one, empty: of all.
Value subgraphs_json(const agents::Agent& agent, const std::string& only, bool recurse);

}  // namespace slipway::langgraph::detail
