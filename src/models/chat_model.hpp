// A conversation is continued by a model.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "models/usage.hpp"

namespace slipway::models {

enum class Role { system, user, assistant };
BOOST_DESCRIBE_ENUM(Role, system, user, assistant)

struct Message {
  Role role = Role::user;
  std::string content;
};
BOOST_DESCRIBE_STRUCT(Message, (), (role, content))

struct ChatRequest {
  std::vector<Message> messages;
  int max_tokens = 512;       ///< Of the reply, 1..
  double temperature = 0;     ///< 0 is greedy and repeatable.
  double top_p = 1;           ///< 0..1; 1 disables.
  int top_k = 0;              ///< 0 disables.
  double repeat_penalty = 1;  ///< 1 disables.
  std::uint64_t seed = 0;
  std::vector<std::string> stop;  ///< The reply ends before any of these.
  std::optional<std::string>
      grammar;  ///< GBNF: the reply is a sentence of it. Remote providers refuse it.
};
BOOST_DESCRIBE_STRUCT(ChatRequest, (),
                      (messages, max_tokens, temperature, top_p, top_k, repeat_penalty, seed, stop,
                       grammar))

enum class FinishReason { stop, length, cancelled };
BOOST_DESCRIBE_ENUM(FinishReason, stop, length, cancelled)

struct ChatReply {
  std::string content;
  FinishReason finish_reason = FinishReason::stop;
  Usage usage;
  double first_token_ms = 0;
  double total_ms = 0;
};

/// Gets whole code points as they are made; false ends the reply there (finish_reason cancelled,
/// success).
using TokenSink = std::function<bool(std::string_view text)>;

/// One chat model. Safe to use from many threads; callers beyond its capacity wait their turn
/// within their deadline.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  virtual const std::string& identity()
      const = 0;  ///< Name and content hash, or name and base URL.
  virtual const std::string& name() const = 0;
  virtual std::size_t context_tokens_max() const = 0;
  virtual Result<std::size_t> count_tokens(std::string_view text) const = 0;
  /// The prompt as the model sees it, chat template applied (remote: the messages as JSON).
  virtual Result<std::string> render(const ChatRequest& request) const = 0;
  /// Fails: invalid_argument (grammar, empty messages, a prompt longer than the context, naming
  /// both sizes), deadline_exceeded, cancelled (by the Context), rate_limited, unavailable,
  /// unsupported.
  virtual Result<ChatReply> chat(const Context& context, const ChatRequest& request,
                                 const TokenSink& sink = {}) = 0;
};

}  // namespace slipway::models
