// One vendor's wire format of conversations, both ways: as a server that was asked in it, and as a
// client that asks in it. Pure functions of their input; nothing here opens a connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "dialects/chat.hpp"

namespace slipway::dialects {

/// What a request says that a target cannot take: the parameter's path in the caller's words.
struct Unsupported {
  std::string parameter;
  std::string reason;
};

/// How an error is told in a dialect.
struct WireError {
  int status = 500;
  std::string code;  ///< Ours or the vendor's: "context_length_exceeded", "upstream_auth".
  std::string message;
  std::string parameter;  ///< Which of the request, where known.
};

/// Bytes of an event stream become events. One per reply; not for two threads.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  /// Fails: unavailable (what came is not this dialect, or an error stands in the stream; the
  /// message is its text).
  virtual Result<std::vector<ChatEvent>> feed(std::string_view bytes) = 0;
  /// Fails: unavailable (the stream ended before its end).
  virtual Result<std::vector<ChatEvent>> finish() = 0;
};

/// Events become bytes of an event stream. One per reply; not for two threads.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;
  virtual std::string encode(const ChatEvent& event) = 0;
  /// The stream breaks: the dialect's own sign of it, never like a normal end.
  virtual std::string fail(const WireError& error) = 0;
};

class Codec {
 public:
  virtual ~Codec() = default;
  virtual Dialect dialect() const = 0;

  // As a server.
  /// Every key is understood or refused: what this dialect has and the conversation cannot hold is
  /// in `extra`. Fails: invalid_argument with the path.
  virtual Result<ChatRequest> decode_request(const json::Value& body) const = 0;
  virtual json::Value encode_reply(const ChatRequest& request, const ChatReply& reply) const = 0;
  virtual std::unique_ptr<StreamEncoder> stream_encoder(const ChatRequest& request) const = 0;
  virtual json::Value encode_error(const WireError& error) const = 0;

  // As a client.
  /// The body to send; what cannot be said is added to `unsupported` and left out.
  virtual json::Value encode_request(const ChatRequest& request,
                                     std::vector<Unsupported>& unsupported) const = 0;
  /// Fails: unavailable (not this dialect).
  virtual Result<ChatReply> decode_reply(const json::Value& body) const = 0;
  virtual std::unique_ptr<StreamDecoder> stream_decoder() const = 0;
  virtual WireError decode_error(int status, std::string_view body) const = 0;
};

/// Lives as long as the process.
const Codec& codec(Dialect dialect);

/// The caller's word for a member of `ChatRequest`: "max_completion_tokens" for "max_tokens".
std::string spelled(const ChatRequest& request, std::string_view member);
/// Everything in `request` that only the dialect it came in can say. For targets without a wire
/// format (local models) and for codecs of another dialect.
std::vector<Unsupported> foreign(const ChatRequest& request);

/// Anthropic's /v1/messages/count_tokens, as a server and as a client.
Result<ChatRequest> decode_count_tokens(const json::Value& body);
json::Value encode_count_tokens(const ChatRequest& request, std::vector<Unsupported>& unsupported);

}  // namespace slipway::dialects
