// The runtime of agents as the commands and the server open it.
#pragma once

#include <memory>

#include "agents/chat_model.hpp"
#include "agents/load.hpp"
#include "agents/runtime.hpp"
#include "app/app.hpp"
#include "core/guarded.hpp"

namespace slipway::app::detail {

/// What files of agents may say of tools, beyond their syntax.
std::function<Result<void>(const agents::ToolSpec&, const agents::Value&)> tool_check();
/// `app` must outlive it. `is_kept` off: what they do is in memory alone. `is_traced` off: what
/// they ask collections is not among the traces.
Result<std::unique_ptr<agents::Runtime>> open_agents(App& app, bool is_kept = true,
                                                     bool is_traced = true);
/// Models that files of agents may name without declaring them, agents of the configuration that
/// they may name.
agents::LoadOptions agent_load_options(App& app);
/// A file, or else an agent of the configuration. Its lines are those of the file it stands in.
agents::LoadedAgent find_agent(App& app, const std::string& file_or_name);
/// The same. Fails: invalid_argument with all that is wrong.
Result<agents::AgentPtr> load_agent(App& app, const std::string& file_or_name);
/// JSON, or @file. Fails: invalid_argument.
Result<agents::Value> read_json_option(const std::string& text, std::string_view what);
/// What a command's run tells, for the traces. `app` must outlive it.
class AgentRunTraces {
 public:
  /// `is_kept` off: it tells nobody.
  AgentRunTraces(App& app, bool is_kept) : app_(app), is_kept_(is_kept) {}
  /// For the run's options; must not outlive this.
  agents::EventSink sink();
  /// Once it is over. What cannot be kept is told to the person at the terminal.
  void keep(const std::string& thread);

 private:
  App& app_;
  const bool is_kept_;
  Guarded<std::vector<agents::Event>> events_;
};

/// Prints it; its exit code.
int print_result(App& app, const agents::RunResult& result);

}  // namespace slipway::app::detail
