// Messages: whole answers and errors, both ways.
#include <algorithm>

#include "core/unicode.hpp"
#include "dialects/detail/anthropic.hpp"
#include "dialects/detail/codecs.hpp"

namespace slipway::dialects::detail {

StopWord read_stop_reason(std::string_view word) {
  if (word == "max_tokens" || word == "model_context_window_exceeded")
    return {FinishReason::length};
  if (word == "tool_use") return {FinishReason::tool_calls};
  if (word == "refusal") return {FinishReason::content_filter};
  if (word == "stop_sequence") return {FinishReason::stop, true};
  return {};
}

std::string_view write_stop_reason(FinishReason reason, std::string_view stop_sequence,
                                   bool has_refused) {
  switch (reason) {
    case FinishReason::length: return "max_tokens";
    case FinishReason::tool_calls: return "tool_use";
    case FinishReason::content_filter: return "refusal";
    case FinishReason::stop:
    case FinishReason::error: break;
  }
  if (has_refused) return "refusal";
  return stop_sequence.empty() ? "end_turn" : "stop_sequence";
}

json::Object write_anthropic_usage(const ChatUsage& usage) {
  const std::int64_t cached = usage.cached_input_tokens + usage.cache_write_tokens;
  json::Object out = {{"input_tokens", std::max<std::int64_t>(0, usage.input_tokens - cached)},
                      {"cache_creation_input_tokens", usage.cache_write_tokens},
                      {"cache_read_input_tokens", usage.cached_input_tokens},
                      {"output_tokens", usage.output_tokens}};
  if (usage.reasoning_tokens > 0)
    out["output_tokens_details"] = {{"thinking_tokens", usage.reasoning_tokens}};
  return out;
}

void read_anthropic_usage(const json::Object& usage, ChatUsage& read) {
  std::int64_t uncached = read.input_tokens - read.cached_input_tokens - read.cache_write_tokens;
  const auto take = [&](std::string_view key, std::int64_t& into) {
    if (const json::Value* value = usage.if_contains(key); value && value->is_number())
      into = whole_of(usage, key);
  };
  take("input_tokens", uncached);
  take("cache_read_input_tokens", read.cached_input_tokens);
  take("cache_creation_input_tokens", read.cache_write_tokens);
  take("output_tokens", read.output_tokens);
  read.input_tokens = uncached + read.cached_input_tokens + read.cache_write_tokens;
  if (const json::Object* details = object_of(usage, "output_tokens_details"))
    read.reasoning_tokens = whole_of(*details, "thinking_tokens");
}

json::Object write_citation(const Annotation& annotation, std::size_t number) {
  if (is_vendor_citation(annotation, "cited_text")) return annotation.source;
  json::Object out = {{"type", "search_result_location"},
                      {"cited_text", annotation.quote},
                      {"search_result_index", number},
                      {"source", annotation.url},
                      {"title", nullptr},
                      {"start_block_index", 0},
                      {"end_block_index", 1}};
  put(out, "title", annotation.title);
  return out;
}

Annotation read_citation(const json::Object& citation) {
  Annotation read;
  read.quote = text_of(citation, "cited_text");
  read.url = text_of(citation, "url");
  if (read.url.empty()) read.url = text_of(citation, "source");
  read.title = text_of(citation, "title");
  if (read.title.empty()) read.title = text_of(citation, "document_title");
  read.source = citation;
  return read;
}

namespace {

json::Object text_block(std::string_view text) {
  return {{"type", "text"}, {"text", text}, {"citations", nullptr}};
}

/// The text, cut where annotations begin and end; each piece carries its own.
void add_cited(json::Array& content, std::string_view text, std::vector<Annotation> annotations) {
  std::vector<std::size_t> bytes;  // Of each code point, and the end.
  for (std::size_t i = 0; i < text.size(); i += unicode::decode(text, i).bytes) bytes.push_back(i);
  bytes.push_back(text.size());
  const std::size_t size = bytes.size() - 1;
  for (Annotation& annotation : annotations) {
    if (annotation.end <= annotation.start) annotation.end = size;  // Of no place: of all.
    annotation.end = std::min(annotation.end, size);
    annotation.start = std::min(annotation.start, annotation.end);
  }
  std::stable_sort(annotations.begin(), annotations.end(),
                   [](const auto& a, const auto& b) { return a.start < b.start; });
  const auto piece = [&](std::size_t from, std::size_t to) {
    return text.substr(bytes[from], bytes[to] - bytes[from]);
  };
  std::size_t at = 0;
  for (std::size_t i = 0; i < annotations.size();) {
    const std::size_t start = std::max(at, annotations[i].start);
    std::size_t end = std::max(start, annotations[i].end);
    json::Array citations;
    do {
      end = std::max(end, annotations[i].end);
      citations.push_back(write_citation(annotations[i], i));
      ++i;
    } while (i < annotations.size() && annotations[i].start < end);
    if (start > at) content.push_back(text_block(piece(at, start)));
    json::Object block = text_block(piece(start, end));
    block["citations"] = std::move(citations);
    content.push_back(std::move(block));
    at = end;
  }
  if (at < size) content.push_back(text_block(piece(at, size)));
}

json::Array write_content(const Choice& choice) {
  json::Array content;
  std::string cited;
  for (const Part& part : choice.parts) {
    if (part.kind == PartKind::reasoning && !part.data.empty()) {
      content.push_back(json::Object{{"type", "redacted_thinking"}, {"data", part.data}});
    } else if (part.kind == PartKind::reasoning) {
      content.push_back(json::Object{
          {"type", "thinking"}, {"thinking", part.text}, {"signature", part.signature}});
    } else if (part.kind == PartKind::opaque) {
      content.push_back(part.extra);
    } else if (part.text.empty()) {
      continue;
    } else if (part.kind == PartKind::text && !choice.annotations.empty()) {
      cited += part.text;  // Places count over all of the text.
    } else {
      content.push_back(text_block(part.text));
    }
  }
  if (!cited.empty()) add_cited(content, cited, choice.annotations);
  for (const ToolCall& call : choice.tool_calls) {
    const auto input = json::parse(call.arguments.empty() ? "{}" : call.arguments);
    json::Object block = {{"type", "tool_use"},
                          {"id", call.id.empty() ? new_id("toolu_") : call.id},
                          {"name", call.name},
                          {"input", json::Object()}};
    // What is no object can only be shown as it is.
    if (input && input->is_object())
      block["input"] = *input;
    else
      block["input"] = {{"arguments", call.arguments}};
    content.push_back(std::move(block));
  }
  return content;
}

bool has_refused(const Choice& choice) {
  return std::any_of(choice.parts.begin(), choice.parts.end(),
                     [](const Part& part) { return part.kind == PartKind::refusal; });
}

void read_block(const json::Object& block, Choice& choice) {
  const std::string type = text_of(block, "type");
  Part part;
  if (type == "text") {
    const std::size_t start = length_of(text_of(choice.parts));
    part.text = text_of(block, "text");
    if (const json::Array* citations = array_of(block, "citations"))
      for (const json::Value& item : *citations) {
        if (!item.is_object()) continue;
        Annotation annotation = read_citation(item.get_object());
        annotation.start = start;
        annotation.end = start + length_of(part.text);
        choice.annotations.push_back(std::move(annotation));
      }
  } else if (type == "thinking") {
    part.kind = PartKind::reasoning;
    part.text = text_of(block, "thinking");
    part.signature = text_of(block, "signature");
    part.signed_by = Dialect::anthropic;
  } else if (type == "redacted_thinking") {
    part.kind = PartKind::reasoning;
    part.data = text_of(block, "data");
  } else if (type == "tool_use") {
    ToolCall call;
    call.id = text_of(block, "id");
    call.name = text_of(block, "name");
    const json::Object* input = object_of(block, "input");
    call.arguments = input ? json::dump(*input) : "{}";
    choice.tool_calls.push_back(std::move(call));
    return;
  } else {
    part.kind = PartKind::opaque;
    part.extra = block;
  }
  choice.parts.push_back(std::move(part));
}

std::string_view error_type(int status) {
  switch (status) {
    case 401: return "authentication_error";
    case 402: return "billing_error";
    case 403: return "permission_error";
    case 404: return "not_found_error";
    case 409: return "conflict_error";
    case 413: return "request_too_large";
    case 429: return "rate_limit_error";
    case 503:
    case 529: return "overloaded_error";
    case 504: return "timeout_error";
    default: return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

}  // namespace

json::Value AnthropicCodec::encode_reply(const ChatRequest& request, const ChatReply& reply) const {
  const Choice choice = reply.choices.empty() ? Choice{} : reply.choices.front();
  json::Object out = {{"id", id_of("msg_", reply.id)},
                      {"type", "message"},
                      {"role", "assistant"},
                      {"model", reply.model.empty() ? request.model : reply.model},
                      {"content", write_content(choice)},
                      {"stop_reason", write_stop_reason(choice.finish_reason, choice.stop_sequence,
                                                        has_refused(choice))},
                      {"stop_sequence", nullptr},
                      {"usage", write_anthropic_usage(reply.usage)}};
  put(out, "stop_sequence", choice.stop_sequence);
  if (reply.from == dialect()) merge(out, reply.extra);
  return out;
}

Result<ChatReply> AnthropicCodec::decode_reply(const json::Value& body) const {
  Fields in(body, "");
  ChatReply reply;
  reply.from = dialect();
  reply.id = in.text("id");
  reply.model = in.text("model");
  in.skip("type");
  in.skip("role");
  Choice choice;
  const StopWord stop = read_stop_reason(in.text("stop_reason"));
  choice.finish_reason = stop.reason;
  choice.hit_stop_sequence = stop.hit_stop_sequence;
  choice.stop_sequence = in.text("stop_sequence");
  const json::Array* content = in.array("content");
  if (content == nullptr) in.refuse(fail(Code::unavailable, "content: is missing"));
  if (const json::Object* usage = in.object("usage")) read_anthropic_usage(*usage, reply.usage);
  if (auto status = in.status(); !status) return not_this_dialect(dialect(), status.error());
  for (const json::Value& block : *content) {
    if (!block.is_object())
      return not_this_dialect(dialect(), expected("content", "objects", block));
    read_block(block.get_object(), choice);
  }
  reply.choices.push_back(std::move(choice));
  reply.extra = in.rest();
  return reply;
}

json::Value AnthropicCodec::encode_error(const WireError& error) const {
  json::Object inner = {{"type", error_type(error.status)}, {"message", error.message}};
  put(inner, "code", error.code);
  put(inner, "param", error.parameter);
  return {{"type", "error"}, {"error", std::move(inner)}};
}

WireError AnthropicCodec::decode_error(int status, std::string_view body) const {
  return read_error(status, body);
}

}  // namespace slipway::dialects::detail
