// The runtime of agents as the commands and the server open it.
#pragma once

#include <memory>

#include "agents/chat_model.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "app/app.hpp"

namespace slipway::app::detail {

/// What a `rag` node asks: passages of a collection as a list, or an answer as a map.
agents::Outcome<agents::Value> ask_library(rag::Library& library, const Context& context,
                                           const agents::RagBody& body, const agents::Value& asked);
/// `app` must outlive it. `is_kept` off: what they do is in memory alone.
Result<std::unique_ptr<agents::Runtime>> open_agents(App& app, bool is_kept = true);
/// Models that files of agents may name without declaring them.
agents::LoadOptions agent_load_options(App& app);
/// Fails: invalid_argument with all that is wrong.
Result<agents::AgentPtr> load_agent(App& app, const std::string& file);
/// JSON, or @file. Fails: invalid_argument.
Result<agents::Value> read_json_option(const std::string& text, std::string_view what);
/// Prints it; its exit code.
int print_result(App& app, const agents::RunResult& result);

}  // namespace slipway::app::detail
