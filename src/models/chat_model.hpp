// A conversation is continued by a model.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "dialects/chat.hpp"
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

/// Gets a reply of `converse` as it is made, in the order that `dialects::EventKind` tells; nothing
/// before the model has begun to answer. Called on the caller's thread. False ends the reply there.
using EventSink = std::function<bool(const dialects::ChatEvent&)>;

/// The failure of a prompt that does not fit; its message has both sizes.
Error context_overflow(std::size_t prompt_tokens, std::string_view model,
                       std::size_t context_tokens);
/// Whether `chat` or `converse` failed by it, whatever was put in front of the message: what
/// dialects call `context_length_exceeded`.
bool is_context_overflow(const Error& error);

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
  /// The whole language of conversations: tools, schemas, several choices, probabilities. A value
  /// that the request leaves open is the model's own; choice k of several draws with seed + k.
  /// When the sink ends it, the reply is a success with what was delivered until then and its
  /// usage. Fails as `chat`; what this model cannot do is `unsupported`, and nothing is skipped:
  /// the message begins with the parameter, "tools: ...". `model`, `user`, `metadata`, `stream`
  /// and marks of cacheable prefixes change nothing. This implementation asks `chat`, so it has
  /// texts only.
  virtual Result<dialects::ChatReply> converse(const Context& context,
                                               const dialects::ChatRequest& request,
                                               const EventSink& sink = {});
  /// Tokens of the whole prompt that `converse` would send, template and tools included; for remote
  /// models an estimate. Fails: as `converse`, but never by the size of the context.
  virtual Result<std::size_t> count_prompt(const dialects::ChatRequest& request) const;
};

}  // namespace slipway::models
