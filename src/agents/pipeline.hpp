// An agent as a chat model: whoever speaks to chat models can ask agents.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agents/host.hpp"
#include "agents/runtime.hpp"
#include "models/chat_model.hpp"

namespace slipway::agents {

inline constexpr std::string_view pipeline_prefix = "agent/";

/// Host and runtime must outlive the model.
struct PipelineOptions {
  Host& host;
  Runtime& runtime;  ///< The host's.
  std::string agent;
  std::string caller;  ///< Name of the key: whose budgets pay, who answers.
  /// Its runs are below it; absent: in their own traces.
  std::optional<trace::Origin> origin = {};
  /// Goes on with this thread, which is made if it is not there. Empty: that of the request's
  /// metadata (`slipway_thread`), else a new one.
  std::string thread;
  /// JSON {interrupt's id: answer}: what the thread waits for is answered instead of new input; {}
  /// gives nothing and tells where the thread stands. Absent: that of the metadata
  /// (`slipway_answers`), if any.
  std::optional<std::string> answers;
};

/// Chat model "agent/<name>".
///
/// What it is asked: the key of the agent's input with `reduce: messages` gets the conversation (of
/// a thread that is gone on with what came after the last reply); the first other key that takes
/// text gets the last message of the user, which then is no part of that conversation. Neither:
/// invalid_argument.
///
/// What it replies: of the agent's output the first key of type string that was not asked with,
/// else the last message of the assistant, else the only other key in words, else all as JSON.
/// Tokens are streamed as they come from an `llm` node that writes this key and after which nothing
/// but END comes; else the text comes whole. Other nodes' tokens are never part of the reply.
///
/// A run that waits for a person is a reply that says for what, with finish_reason content_filter,
/// and nothing of it is undone. It goes on when somebody answers, by the page, the API or `answers`
/// above. A message answers it only if it waits for nothing but one `human` node: no text of a
/// conversation approves a call. One that ended early for want of budget has finish_reason length.
/// A run that fails is an error (rate_limited: its budget, or one of the caller's).
///
/// `data` of the first event and "slipway" in `extra` of the reply tell {thread, run}; the latter
/// also {status, cost_usd}. The reply's id is the run. Who ends the context or the sink cancels the
/// run. A temperature and the like change nothing, since the agent's nodes say them; tools,
/// schemas, probabilities, several choices and stop texts are `unsupported`.
std::shared_ptr<models::ChatModel> make_pipeline(PipelineOptions options);

}  // namespace slipway::agents
