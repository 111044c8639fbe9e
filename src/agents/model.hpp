// Who answers the calls of `llm` and `agent` nodes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/graph.hpp"
#include "core/context.hpp"

namespace slipway::agents {

/// The model asks for a call of a tool.
struct ToolRequest {
  std::string id, name;
  Value args;
};

struct ChatMessage {
  std::string role;  ///< system, user, assistant, tool
  std::string content;
  std::vector<ToolRequest> tool_calls;  ///< assistant
  std::string tool_call_id;             ///< tool: what it answers.
  bool is_error = false;                ///< tool
  /// Parts of `content` that are data, not anybody's word: `chat_model.hpp` marks them as such.
  std::vector<TaintedSpan> tainted;
  std::string id;          ///< Of the state's message; may be empty.
  bool is_pinned = false;  ///< Neither trimmed nor summed up.
};

struct ModelCall {
  std::string node;  ///< Path: "writer/draft"; of a summary "writer/draft/summary".
  int index = -1;    ///< Of the mapped item; -1: none.
  int visit = 1, turn = 1, attempt = 1;
  std::vector<ChatMessage> messages;
  std::vector<const ToolSpec*> tools;
  Taint taint = 0;  ///< Of all messages.
  std::optional<Schema> schema;
  std::int64_t max_tokens = 1024;
  std::optional<double> temperature;
  std::optional<std::int64_t> seed;
  std::function<void(std::string_view)> on_token;  ///< May be empty.
};

struct ModelReply {
  std::string text;
  std::vector<ToolRequest> tool_calls;
  std::int64_t input_tokens = 0, output_tokens = 0;
  bool is_cut = false;    ///< It reached `max_tokens` before it was finished.
  bool is_ended = false;  ///< By the context: this is what was said and taken until then.
};

/// Safe to use from many threads.
class Model {
 public:
  virtual ~Model() = default;
  /// Ends within one token once the context has ended: cancelled, or timeout.
  /// Fails: network, timeout, rate_limit, cancelled, script, failed ...
  virtual Outcome<ModelReply> reply(const Context& context, const ModelCall& call) = 0;
  /// Of the prompt, for the reservation: never too few.
  virtual Outcome<std::int64_t> count_tokens(const ModelCall& call) = 0;
  /// The same of what stands in the messages, whatever is known of this call beside.
  virtual Outcome<std::int64_t> measure(const ModelCall& call) { return count_tokens(call); }
  /// What it costs now; nothing: as the agent says (`ModelSpec`).
  virtual std::optional<ModelPrice> price() { return {}; }
};

/// Section 14 of the contract. Fails: not_found, invalid_argument with the line.
Result<std::shared_ptr<Model>> open_scripted_model(const std::string& file);
/// The same from the text.
Result<std::shared_ptr<Model>> make_scripted_model(std::string_view lines);

}  // namespace slipway::agents
