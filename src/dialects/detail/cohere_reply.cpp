// Cohere's v2 chat: whole answers and errors, both ways.
#include <algorithm>

#include "core/unicode.hpp"
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/cohere.hpp"

namespace slipway::dialects::detail {

FinishReason read_cohere_finish(std::string_view word, bool& hit_stop_sequence) {
  hit_stop_sequence = word == "STOP_SEQUENCE";
  if (word == "MAX_TOKENS") return FinishReason::length;
  if (word == "TOOL_CALL") return FinishReason::tool_calls;
  if (word == "ERROR" || word == "TIMEOUT") return FinishReason::error;
  return FinishReason::stop;
}

std::string_view write_cohere_finish(FinishReason reason, bool hit_stop_sequence) {
  switch (reason) {
    case FinishReason::length: return "MAX_TOKENS";
    case FinishReason::tool_calls: return "TOOL_CALL";
    case FinishReason::content_filter:
    case FinishReason::error: return "ERROR";
    case FinishReason::stop: break;
  }
  return hit_stop_sequence ? "STOP_SEQUENCE" : "COMPLETE";
}

json::Object write_cohere_usage(const ChatUsage& usage) {
  json::Object counts = {{"input_tokens", usage.input_tokens},
                         {"output_tokens", usage.output_tokens}};
  json::Object out = {{"billed_units", counts}, {"tokens", counts}};
  out["cached_tokens"] = usage.cached_input_tokens;
  return out;
}

ChatUsage read_cohere_usage(const json::Object& usage) {
  ChatUsage read;
  const json::Object* counts = object_of(usage, "tokens");
  if (counts == nullptr) counts = object_of(usage, "billed_units");
  if (counts != nullptr) {
    read.input_tokens = whole_of(*counts, "input_tokens");
    read.output_tokens = whole_of(*counts, "output_tokens");
  }
  read.cached_input_tokens = whole_of(usage, "cached_tokens");
  return read;
}

json::Object write_cohere_citation(const Annotation& annotation, std::string_view text) {
  if (annotation.source.contains("sources")) return annotation.source;
  std::string cited;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size() && number < annotation.end; ++number) {
    const std::size_t bytes = unicode::decode(text, at).bytes;
    if (number >= annotation.start) cited += text.substr(at, bytes);
    at += bytes;
  }
  const std::string& id = annotation.url.empty() ? annotation.title : annotation.url;
  json::Object document = {{"id", id}, {"title", annotation.title}, {"snippet", annotation.quote}};
  put(document, "url", annotation.url);
  json::Object source = {{"type", "document"}, {"id", id}, {"document", std::move(document)}};
  json::Array sources;
  sources.push_back(std::move(source));
  return {{"start", annotation.start},
          {"end", annotation.end},
          {"text", cited},
          {"sources", std::move(sources)},
          {"type", "TEXT_CONTENT"}};
}

Annotation read_cohere_citation(const json::Object& citation) {
  Annotation read;
  read.start = static_cast<std::size_t>(whole_of(citation, "start"));
  read.end = static_cast<std::size_t>(whole_of(citation, "end"));
  const json::Array* sources = array_of(citation, "sources");
  if (sources != nullptr && !sources->empty() && sources->front().is_object()) {
    const json::Object& source = sources->front().get_object();
    read.title = text_of(source, "id");
    if (const json::Object* document = object_of(source, "document")) {
      if (const std::string title = text_of(*document, "title"); !title.empty()) read.title = title;
      read.url = text_of(*document, "url");
      read.quote = text_of(*document, "snippet");
      if (read.quote.empty()) read.quote = text_of(*document, "text");
    }
  }
  read.source = citation;
  return read;
}

json::Object write_cohere_logprob(const TokenLogprob& token) {
  json::Array ids, values;
  if (token.id) ids.push_back(json::Value(*token.id));
  values.push_back(json::Value(token.logprob));
  return {{"text", token.token}, {"token_ids", std::move(ids)}, {"logprobs", std::move(values)}};
}

json::Array write_cohere_logprobs(const std::vector<TokenLogprob>& tokens) {
  json::Array out;
  for (const TokenLogprob& token : tokens) out.push_back(write_cohere_logprob(token));
  return out;
}

void read_cohere_logprob(const json::Object& item, std::vector<TokenLogprob>& tokens) {
  const json::Array* values = array_of(item, "logprobs");
  const json::Array* ids = array_of(item, "token_ids");
  if (values == nullptr) return;
  for (std::size_t i = 0; i < values->size(); ++i) {
    TokenLogprob token;
    // The text is of all tokens of the item together; the first one carries it.
    if (i == 0) token.token = text_of(item, "text");
    if ((*values)[i].is_number()) token.logprob = (*values)[i].to_number<double>();
    if (ids != nullptr && i < ids->size() && (*ids)[i].is_int64()) token.id = (*ids)[i].get_int64();
    tokens.push_back(std::move(token));
  }
}

namespace {

json::Object write_message(const Choice& choice) {
  json::Object out = {{"role", "assistant"}};
  json::Array content;
  std::string plan;
  for (const Part& part : choice.parts) {
    if (part.kind == PartKind::reasoning) {
      if (!part.text.empty())
        content.push_back(json::Object{{"type", "thinking"}, {"thinking", part.text}});
    } else if (part.kind == PartKind::text || part.kind == PartKind::refusal) {
      if (choice.tool_calls.empty())
        content.push_back(json::Object{{"type", "text"}, {"text", part.text}});
      else
        plan += part.text;
    }
  }
  put(out, "tool_plan", plan);
  if (!content.empty()) out["content"] = std::move(content);
  json::Array calls;
  for (const ToolCall& call : choice.tool_calls)
    calls.push_back(
        json::Object{{"id", call.id.empty() ? new_id("call_") : call.id},
                     {"type", "function"},
                     {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  if (!calls.empty()) out["tool_calls"] = std::move(calls);
  json::Array citations;
  const std::string text = text_of(choice.parts);
  for (const Annotation& annotation : choice.annotations)
    citations.push_back(write_cohere_citation(annotation, text));
  if (!citations.empty()) out["citations"] = std::move(citations);
  return out;
}

void read_message(const json::Object& message, Choice& choice) {
  if (std::string plan = text_of(message, "tool_plan"); !plan.empty())
    choice.parts.push_back(text_part(std::move(plan)));
  if (const json::Array* content = array_of(message, "content"))
    for (const json::Value& item : *content) {
      if (!item.is_object()) continue;
      const bool is_thinking = text_of(item.get_object(), "type") == "thinking";
      Part part = text_part(text_of(item.get_object(), is_thinking ? "thinking" : "text"));
      if (is_thinking) part.kind = PartKind::reasoning;
      choice.parts.push_back(std::move(part));
    }
  if (const json::Array* calls = array_of(message, "tool_calls"))
    for (const json::Value& item : *calls)
      if (item.is_object()) choice.tool_calls.push_back(read_call(item.get_object()));
  if (const json::Array* citations = array_of(message, "citations"))
    for (const json::Value& item : *citations)
      if (item.is_object()) choice.annotations.push_back(read_cohere_citation(item.get_object()));
}

}  // namespace

json::Value CohereCodec::encode_reply(const ChatRequest& request, const ChatReply& reply) const {
  const Choice choice = reply.choices.empty() ? Choice{} : reply.choices.front();
  const bool hit = choice.hit_stop_sequence || !choice.stop_sequence.empty();
  json::Object out = {{"id", reply.id.empty() ? new_id("") : reply.id},
                      {"finish_reason", write_cohere_finish(choice.finish_reason, hit)},
                      {"message", write_message(choice)},
                      {"usage", write_cohere_usage(reply.usage)}};
  if (request.logprobs) out["logprobs"] = write_cohere_logprobs(choice.logprobs);
  if (reply.from == dialect()) merge(out, reply.extra);
  return out;
}

Result<ChatReply> CohereCodec::decode_reply(const json::Value& body) const {
  Fields in(body, "");
  ChatReply reply;
  reply.from = dialect();
  reply.id = in.text("id");
  Choice choice;
  choice.finish_reason = read_cohere_finish(in.text("finish_reason"), choice.hit_stop_sequence);
  const json::Object* message = in.object("message");
  if (message == nullptr) in.refuse(fail(Code::unavailable, "message: is missing"));
  if (const json::Object* usage = in.object("usage")) reply.usage = read_cohere_usage(*usage);
  const json::Array* logprobs = in.array("logprobs");
  if (auto status = in.status(); !status) return not_this_dialect(dialect(), status.error());
  if (choice.finish_reason == FinishReason::error) return failed_answer({});
  read_message(*message, choice);
  if (logprobs != nullptr)
    for (const json::Value& item : *logprobs)
      if (item.is_object()) read_cohere_logprob(item.get_object(), choice.logprobs);
  reply.choices.push_back(std::move(choice));
  reply.extra = in.rest();
  return reply;
}

json::Value CohereCodec::encode_error(const WireError& error) const {
  json::Object out = {{"message", error.message}};
  put(out, "code", error.code);
  put(out, "param", error.parameter);
  return out;
}

WireError CohereCodec::decode_error(int status, std::string_view body) const {
  return read_error(status, body);
}

}  // namespace slipway::dialects::detail
