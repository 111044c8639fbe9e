// What the codecs share: reports of what cannot be said, data URIs, ids, events as bytes.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dialects/codec.hpp"
#include "dialects/detail/fields.hpp"
#include "http/client.hpp"

namespace slipway::dialects::detail {

/// Keys that OpenAI's chat completions and responses share, beyond what a `ChatRequest` has.
constexpr std::array<std::string_view, 6> family_keys = {
    "service_tier",           "prompt_cache_key",     "safety_identifier",
    "prompt_cache_retention", "prompt_cache_options", "moderation"};

/// "messages": a list of at least one, each read by `read` in turn. Fails: what `read` refused;
/// that there is none is left to `in`, so that other faults of the request are told first.
Result<void> read_messages(Fields& in, const std::function<void(Fields&)>& read);

/// "tool_choice" as both APIs of OpenAI have it: a word, or an object. A function's name is read by
/// `name_of` from that object; what else it may be is kept as it came.
void read_tool_choice(Fields& in, ChatRequest& request,
                      const std::function<std::string(Fields&)>& name_of);

/// Collects what a target cannot take. All given must outlive it.
class Report {
 public:
  /// Begins with what only the dialect of the request knows, if that is not `target`.
  Report(const ChatRequest& request, Dialect target, std::vector<Unsupported>& unsupported);

  /// A member of the request has no counterpart; `reason` empty: just that.
  void member(std::string_view name, std::string reason = {});
  void at(std::string path, std::string reason = {});
  bool is_same_dialect() const { return same_; }

 private:
  const ChatRequest& request_;
  std::string target_;
  std::vector<Unsupported>& unsupported_;
  bool same_;
};

/// "OpenAI's API", for messages.
std::string_view api_name(Dialect dialect);

/// As `Codec`'s, when the types of a vendor's keys are all it has to look at.
Error not_this_dialect(Dialect dialect, const Error& error);

/// "data:image/png;base64,iVBO..." -> its type and data. False when it is another URL.
bool split_data_uri(std::string_view url, std::string& media_type, std::string& data);
std::string data_uri(const Part& part, std::string_view media_type_default);

/// `id`, with `prefix` in front if it has not; a new one when it is empty.
std::string id_of(std::string_view prefix, const std::string& id);
std::string new_id(std::string_view prefix);

/// All text of a message or an answer, in order.
std::string text_of(const std::vector<Part>& parts);
Part text_part(std::string text);
/// Code points.
std::size_t length_of(std::string_view text);

/// An annotation as OpenAI and Anthropic have it is also Cohere's citation; this is its wire form
/// if `source` is one of that dialect already.
bool is_vendor_citation(const Annotation& annotation, std::string_view marker);

std::string event_bytes(std::string_view name, const json::Value& data);
/// The same, under the name that stands in its "type".
std::string event_bytes(const json::Object& data);
/// The error that stands in a stream, or that a peer answered with.
Error stream_error(std::string_view message);
/// An answer that says of itself that it failed is none. `message` may be empty.
Error failed_answer(std::string_view message);

/// What a peer says is wrong, in the words of any vendor; else the beginning of what it sent.
WireError read_error(int status, std::string_view body);

std::int64_t whole_of(const json::Object& object, std::string_view key);
std::string text_of(const json::Object& object, std::string_view key);
const json::Object* object_of(const json::Object& object, std::string_view key);
const json::Array* array_of(const json::Object& object, std::string_view key);

/// A call as OpenAI and Cohere write it; without an id it gets one.
ToolCall read_call(const json::Object& call);

/// A decoder's common half: bytes to events with JSON data, errors, the end.
class SseDecoder : public StreamDecoder {
 public:
  Result<std::vector<ChatEvent>> feed(std::string_view bytes) final;
  Result<std::vector<ChatEvent>> finish() final;

 protected:
  /// One event; what comes of it is added to `events_`.
  virtual Result<void> take(const std::string& name, std::string_view data) = 0;
  /// The stream is over without its own end; adds an `end` if all of it came.
  virtual void take_end() {}

  void add(ChatEvent event) { events_.push_back(std::move(event)); }
  void end();
  bool has_ended() const { return ended_; }

 private:
  http::SseParser parser_;
  std::vector<ChatEvent> events_;
  std::optional<Error> error_;
  bool ended_ = false;
};

}  // namespace slipway::dialects::detail
