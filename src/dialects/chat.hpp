// A conversation with a chat model in no vendor's words: what OpenAI, Anthropic and Cohere can ask
// and answer, once. Codecs (`dialects/codec.hpp`) turn their wire formats into this and back.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/json.hpp"

namespace slipway::dialects {

/// The wire formats that codecs know.
enum class Dialect { openai, openai_responses, openai_completions, anthropic, cohere };
BOOST_DESCRIBE_ENUM(Dialect, openai, openai_responses, openai_completions, anthropic, cohere)

enum class Role { system, developer, user, assistant, tool };
BOOST_DESCRIBE_ENUM(Role, system, developer, user, assistant, tool)

/// What a part of a message is. `opaque` is what only its own dialect knows: whole in `extra`.
enum class PartKind { text, image, document, audio, refusal, reasoning, opaque };
BOOST_DESCRIBE_ENUM(PartKind, text, image, document, audio, refusal, reasoning, opaque)

struct Part {
  PartKind kind = PartKind::text;
  std::string text;                  ///< text, refusal, reasoning; the text of a document.
  std::string url;                   ///< image, document: where it is; or
  std::string data;                  ///< its bytes in base64 (reasoning: what the vendor hides),
  std::string media_type;            ///< with their type.
  std::string title;                 ///< document
  std::string detail;                ///< image: "auto", "low", "high"
  std::string signature;             ///< reasoning: what the vendor signs it with;
  std::optional<Dialect> signed_by;  ///< which one: only he takes it back.
  bool cache_here = false;           ///< The caller marks the end of a prefix worth caching.
  std::string path;    ///< Where it stands in the caller's request: "messages[2].content[0]".
  json::Object extra;  ///< What its dialect says of it and no other can.
};

/// The model asks for a call of a tool.
struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  ///< JSON text, as the model wrote it.
  std::string path;       ///< As of a part.
  json::Object extra;     ///< As of a part.
};

struct Message {
  Role role = Role::user;
  std::vector<Part> parts;
  std::vector<ToolCall> tool_calls;  ///< assistant
  std::string tool_call_id;          ///< tool: which call this answers.
  bool is_error = false;             ///< tool: the call failed.
  std::string name;                  ///< Of the speaker, where the dialect has one.
  std::string path;                  ///< As of a part.
  json::Object extra;                ///< As of a part.
};

struct Tool {
  std::string name;
  std::string description;
  json::Value parameters;  ///< JSON Schema; null: no parameters.
  std::optional<bool> strict;
  bool is_hosted = false;  ///< Run by the vendor: `name` is its type, `extra` the whole of it.
  std::string path;        ///< As of a part.
  json::Object extra;      ///< As of a part.
};

enum class ToolChoice { automatic, none, required, named };
BOOST_DESCRIBE_ENUM(ToolChoice, automatic, none, required, named)

enum class ResponseKind { text, json_object, json_schema };
BOOST_DESCRIBE_ENUM(ResponseKind, text, json_object, json_schema)

struct ResponseFormat {
  ResponseKind kind = ResponseKind::text;
  std::string name;  ///< json_schema
  std::string description;
  json::Value schema;
  std::optional<bool> strict;
};

/// Absent values are the model's own defaults.
struct ChatRequest {
  std::string model;
  std::vector<Message> messages;
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature, top_p, min_p;
  std::optional<std::int64_t> top_k;
  std::optional<double> frequency_penalty, presence_penalty, repeat_penalty;
  std::optional<std::int64_t> seed;
  std::vector<std::string> stop;
  std::optional<std::int64_t> choices;  ///< OpenAI's n.
  std::vector<Tool> tools;
  ToolChoice tool_choice = ToolChoice::automatic;
  std::string tool_name;  ///< Of tool_choice `named`.
  std::optional<bool> parallel_tool_calls;
  ResponseFormat response_format;
  bool logprobs = false;
  std::optional<std::int64_t> top_logprobs;
  std::map<std::string, double> logit_bias;      ///< Token id -> bias.
  std::string reasoning_effort;                  ///< "low", "medium", "high"; empty: default.
  std::optional<std::int64_t> reasoning_tokens;  ///< Anthropic's thinking budget; 0: no thinking.
  bool stream = false;
  bool stream_usage = false;  ///< OpenAI: a last chunk with the usage.
  std::string user;
  json::Object metadata;
  /// What the dialect knows and no other has, by its path, as it was sent: only a target of the
  /// same dialect can take it.
  json::Object extra;
  std::optional<Dialect> from;  ///< In which it came: who may get what is `extra`.
  /// The caller's words for members that his dialect calls otherwise: "choices" -> "n".
  std::map<std::string, std::string> spelled;
};

enum class FinishReason { stop, length, tool_calls, content_filter, error };
BOOST_DESCRIBE_ENUM(FinishReason, stop, length, tool_calls, content_filter, error)

struct ChatUsage {
  std::int64_t input_tokens = 0;         ///< All of the prompt, cached ones included.
  std::int64_t output_tokens = 0;        ///< Reasoning included.
  std::int64_t cached_input_tokens = 0;  ///< Read from a cache,
  std::int64_t cache_write_tokens = 0;   ///< written to one.
  std::int64_t reasoning_tokens = 0;
};

struct TokenLogprob {
  std::string token;
  std::string bytes;  ///< Of the token; may be no whole character.
  double logprob = 0;
  std::vector<TokenLogprob> top;
  std::optional<std::int64_t> id;  ///< Of the token, where the dialect tells.
};

/// Where an answer of a pipeline comes from; OpenAI's annotations, Anthropic's and Cohere's
/// citations.
struct Annotation {
  std::string url, title, quote;
  std::size_t start = 0, end = 0;  ///< Characters of the choice's text.
  json::Object source;             ///< The whole citation, as `rag/wire.hpp` has it.
};

struct Choice {
  std::vector<Part> parts;  ///< text, reasoning, refusal; in order.
  std::vector<ToolCall> tool_calls;
  std::vector<TokenLogprob> logprobs;
  std::vector<Annotation> annotations;
  FinishReason finish_reason = FinishReason::stop;
  std::string stop_sequence;       ///< Which one ended it, where that is known.
  bool hit_stop_sequence = false;  ///< One of them did, known or not.
};

struct ChatReply {
  std::string id;
  std::string model;
  std::int64_t created = 0;  ///< Unix seconds.
  std::vector<Choice> choices;
  ChatUsage usage;
  std::string fingerprint;
  std::optional<Dialect> from;  ///< In which it came.
  json::Object extra;           ///< What that dialect says and no other can, by its key.
};

/// One step of a streamed reply. In order: start, then for each choice texts, reasoning and calls,
/// finish; usage and end close it.
enum class EventKind {
  start,       ///< id, model, from; usage as far as it is known
  text,        ///< text, logprobs
  reasoning,   ///< text; or signature, or data
  refusal,     ///< text
  tool_start,  ///< call_index, call (id and name)
  tool_delta,  ///< call_index, text: a piece of the arguments
  annotation,  ///< annotation
  finish,      ///< finish_reason
  usage,       ///< usage
  end,         ///< Whole and well.
};
BOOST_DESCRIBE_ENUM(EventKind, start, text, reasoning, refusal, tool_start, tool_delta, annotation,
                    finish, usage, end)

struct ChatEvent {
  EventKind kind = EventKind::text;
  std::size_t choice = 0;
  std::string text;
  std::string id, model;
  std::size_t call_index = 0;
  ToolCall call;
  std::vector<TokenLogprob> logprobs;
  Annotation annotation;
  FinishReason finish_reason = FinishReason::stop;
  std::string stop_sequence;
  bool hit_stop_sequence = false;
  std::string signature;
  std::string data;  ///< reasoning: what the vendor hides.
  std::optional<Dialect> from;
  ChatUsage usage;
};

}  // namespace slipway::dialects
