// Which keys of an agent a conversation is written to and a reply is read from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agents/event.hpp"
#include "agents/graph.hpp"
#include "dialects/chat.hpp"

namespace slipway::agents::detail {

/// How much of a request's messages is new to the thread.
enum class Conversation : std::uint8_t { whole, news };

/// The text of the last message of the user. Fails: invalid_argument (there is none), unsupported
/// (it is more than text).
Result<std::string> last_question(const dialects::ChatRequest& request);

/// As `agents/pipeline.hpp` says. `agent` must outlive it.
class PipelineShape {
 public:
  explicit PipelineShape(const Agent& agent);

  /// Fails: invalid_argument, unsupported.
  Result<Value> input_of(const dialects::ChatRequest& request, Conversation part) const;
  std::string answer_of(const Value& output) const;
  /// A token that is part of the reply.
  bool is_of_answer(const Event& event) const;

 private:
  bool streams(const Node& node, const std::vector<Edge>& edges) const;

  const Agent& agent_;
  std::optional<std::size_t> question_, messages_;
  std::optional<std::size_t> answer_;  ///< A text.
  std::vector<std::string> streaming_;
};

}  // namespace slipway::agents::detail
