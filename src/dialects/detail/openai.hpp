// What OpenAI's formats have in common.
#pragma once

#include "dialects/detail/shared.hpp"

namespace slipway::dialects::detail {

// Requests.
void read_sampling(Fields& in, ChatRequest& request);
/// The same the other way, but for `user`; what only some servers know is reported to the others.
void write_sampling(json::Object& out, const ChatRequest& request, Report& report);
void read_stream_options(Fields& in, ChatRequest& request);
/// The metadata of OpenAI's APIs: texts by name.
void read_metadata(Fields& in, ChatRequest& request);
/// `response_format`'s json_schema, or Responses' `format` itself.
void read_json_schema(Fields& in, ResponseFormat& format);
json::Object write_json_schema(const ResponseFormat& format);
/// A message's "content": a text, or parts that `read_part` knows; what that leaves unread is
/// kept with the part.
void read_content(Fields& in, Message& message, Part (*read_part)(Fields& in));
/// The part of this type if OpenAI and Cohere write it alike ("text", "image_url"); false: it is
/// another.
bool read_common_part(Fields& in, std::string_view type, Part& part);
void read_cache_breakpoint(Fields& in, Part& part);
void write_cache_breakpoint(json::Object& out, const Part& part);
/// A data URI becomes type and data; all else stays a URL.
void set_source(Part& part, std::string url);
/// What files hold: `file_data`, `filename`, `file_id`, `file_url`.
void read_file(Fields& in, Part& part);
void write_file(json::Object& out, const Part& part);
void write_tool_choice(json::Object& out, const ChatRequest& request, bool is_nested);
std::string output_of(const Message& message);

// Replies.
std::string_view finish_word(FinishReason reason);
FinishReason finish_reason(std::string_view word);
json::Object write_usage(const ChatUsage& usage);
ChatUsage read_usage(const json::Object& usage);
json::Array write_logprobs(const std::vector<TokenLogprob>& tokens);
std::vector<TokenLogprob> read_logprobs(const json::Array& tokens);
json::Object write_annotation(const Annotation& annotation, bool is_nested);
Annotation read_annotation(const json::Object& annotation);

json::Value write_error(const WireError& error);

/// What tells chat completions and completions apart: "chatcmpl-", "chat.completion".
struct ReplyKind {
  std::string_view id_prefix, object;
};
/// A whole answer of either.
json::Object write_reply(const ChatRequest& request, const ChatReply& reply, ReplyKind kind,
                         json::Array choices);
/// Reads one; `read_choice` knows what stands in a choice, but not its "finish_reason". Fails: as
/// `Codec::decode_reply`.
Result<ChatReply> read_reply(const json::Value& body, Dialect dialect,
                             Choice (*read_choice)(const json::Object&));

/// What the streams of chat completions and of completions have in common as a server.
class ChunkEncoder : public StreamEncoder {
 public:
  std::string fail(const WireError& error) final { return event_bytes("", write_error(error)); }

 protected:
  ChunkEncoder(const ChatRequest& request, ReplyKind kind);

  void begin(const ChatEvent& start);
  void count(const ChatUsage& usage) { usage_ = usage; }
  /// One event with one choice.
  std::string chunk(json::Object choice);
  std::string end();

 private:
  json::Object head(json::Array choices);

  ReplyKind kind_;
  std::string id_;
  std::string model_;
  bool with_usage_;
  std::int64_t created_;
  ChatUsage usage_;
};

/// The same as a client.
class ChunkDecoder : public SseDecoder {
 protected:
  explicit ChunkDecoder(Dialect dialect) : dialect_(dialect) {}

  /// What a choice brings, but not its "finish_reason".
  virtual Result<void> take_choice(std::size_t index, const json::Object& choice) = 0;
  /// Some servers say "stop" after calls.
  virtual bool has_calls(std::size_t /*index*/) const { return false; }

 private:
  Result<void> take(const std::string&, std::string_view data) final;
  void begin(const json::Object& chunk);
  Result<void> take_whole(const json::Object& choice);
  void take_end() final;

  Dialect dialect_;
  bool begun_ = false;
  std::map<std::size_t, bool> finished_;  ///< By choice.
};

}  // namespace slipway::dialects::detail
