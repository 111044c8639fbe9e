#include "dialects/detail/openai.hpp"

#include "core/base64.hpp"
#include "core/clock.hpp"

namespace slipway::dialects::detail {

namespace {

constexpr std::size_t choices_max = 128;

}  // namespace

void read_sampling(Fields& in, ChatRequest& request) {
  request.temperature = in.number("temperature", {0, 2});
  request.top_p = in.number("top_p", {0, 1});
  request.frequency_penalty = in.number("frequency_penalty", {-2, 2});
  request.presence_penalty = in.number("presence_penalty", {-2, 2});
  request.seed = in.whole("seed");
  // Words of llama.cpp, vLLM and others that speak this dialect.
  request.top_k = in.whole("top_k", {-1});
  request.min_p = in.number("min_p", {0, 1});
  if (in.peek("repetition_penalty") != nullptr)
    request.spelled["repeat_penalty"] = "repetition_penalty";
  request.repeat_penalty = in.number(spelled(request, "repeat_penalty"), {0});
  request.stop = in.texts("stop");
  request.choices = in.whole("n", {1, choices_max});
  request.spelled["choices"] = "n";
  request.user = in.text("user");
  if (const json::Object* biases = in.object("logit_bias")) {
    Fields bias(*biases, in.path("logit_bias"));
    for (const auto& item : *biases)
      if (auto value = bias.number(item.key(), {-100, 100}))
        request.logit_bias[std::string(item.key())] = *value;
    if (auto status = bias.status(); !status) in.refuse(status.error());
  }
}

void write_sampling(json::Object& out, const ChatRequest& request, Report& report) {
  put(out, "temperature", request.temperature);
  put(out, "top_p", request.top_p);
  put(out, "frequency_penalty", request.frequency_penalty);
  put(out, "presence_penalty", request.presence_penalty);
  put(out, "seed", request.seed);
  if (!request.stop.empty()) out["stop"] = json::Array(request.stop.begin(), request.stop.end());
  put(out, "n", request.choices);
  if (!request.logit_bias.empty()) {
    json::Object biases;
    for (const auto& [token, bias] : request.logit_bias) biases[token] = bias;
    out["logit_bias"] = std::move(biases);
  }
  // Only a caller of this dialect knows whether his server has them.
  if (report.is_same_dialect()) {
    put(out, "top_k", request.top_k);
    put(out, "min_p", request.min_p);
    if (request.repeat_penalty) out[spelled(request, "repeat_penalty")] = *request.repeat_penalty;
  } else {
    if (request.top_k) report.member("top_k");
    if (request.min_p) report.member("min_p");
    if (request.repeat_penalty) report.member("repeat_penalty");
  }
}

void read_stream_options(Fields& in, ChatRequest& request) {
  request.stream = in.flag("stream").value_or(false);
  const json::Object* object = in.object("stream_options");
  if (object == nullptr) return;
  Fields options(*object, in.path("stream_options"));
  request.stream_usage = options.flag("include_usage").value_or(false);
  if (auto status = options.status(); !status) in.refuse(status.error());
  if (json::Object rest = options.rest(); !rest.empty())
    request.extra["stream_options"] = std::move(rest);
}

void read_metadata(Fields& in, ChatRequest& request) {
  if (const json::Object* metadata = in.object("metadata")) request.metadata = *metadata;
}

void read_json_schema(Fields& in, ResponseFormat& format) {
  format.kind = ResponseKind::json_schema;
  format.name = in.required_text("name");
  format.description = in.text("description");
  if (const json::Object* schema = in.object("schema")) format.schema = *schema;
  format.strict = in.flag("strict");
}

json::Object write_json_schema(const ResponseFormat& format) {
  json::Object out;
  out["name"] = format.name.empty() ? "reply" : format.name;  // A label that this API demands.
  put(out, "description", format.description);
  if (!format.schema.is_null()) out["schema"] = format.schema;
  put(out, "strict", format.strict);
  return out;
}

void read_content(Fields& in, Message& message, Part (*read_part)(Fields& in)) {
  const json::Value* content = in.find("content");
  if (content == nullptr) return;
  if (content->is_string()) {
    message.parts.push_back(text_part(std::string(content->get_string())));
    message.parts.back().path = in.path("content");
    return;
  }
  if (!content->is_array()) return in.wrong("content", "a string or an array of parts", *content);
  for (const json::Value& item : content->get_array()) {
    Fields fields(item, at(in.path("content"), message.parts.size()));
    message.parts.push_back(read_part(fields));
    if (auto status = fields.status(); !status) return in.refuse(status.error());
    merge(message.parts.back().extra, fields.rest());
  }
}

bool read_common_part(Fields& in, std::string_view type, Part& part) {
  if (type == "text") {
    part.text = in.required_text("text");
    return true;
  }
  if (type != "image_url") return false;
  part.kind = PartKind::image;
  const json::Object* image = in.object("image_url");
  if (image == nullptr) {
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("image_url")));
    return true;
  }
  Fields fields(*image, in.path("image_url"));
  set_source(part, fields.required_text("url"));
  part.detail = fields.text("detail");
  if (auto status = fields.status(); !status) in.refuse(status.error());
  if (json::Object rest = fields.rest(); !rest.empty()) part.extra["image_url"] = std::move(rest);
  return true;
}

void read_cache_breakpoint(Fields& in, Part& part) {
  const json::Object* object = in.object("prompt_cache_breakpoint");
  if (object == nullptr) return;
  Fields fields(*object, in.path("prompt_cache_breakpoint"));
  part.cache_here = fields.text("mode") == "explicit";
  if (auto status = fields.status(); !status) in.refuse(status.error());
  if (json::Object rest = fields.rest(); !rest.empty())
    part.extra["prompt_cache_breakpoint"] = std::move(rest);
}

void write_cache_breakpoint(json::Object& out, const Part& part) {
  if (part.cache_here) out["prompt_cache_breakpoint"] = {{"mode", "explicit"}};
}

void set_source(Part& part, std::string url) {
  if (!split_data_uri(url, part.media_type, part.data)) part.url = std::move(url);
}

void read_file(Fields& in, Part& part) {
  part.kind = PartKind::document;
  part.title = in.text("filename");
  part.url = in.text("file_url");
  if (std::string data = in.text("file_data"); !data.empty()) {
    // Bare base64 is taken as well as a data URI.
    if (!split_data_uri(data, part.media_type, part.data)) part.data = std::move(data);
  }
}

void write_file(json::Object& out, const Part& part) {
  const bool is_text = part.data.empty() && !part.text.empty();
  if (is_text || !part.data.empty())
    out["filename"] = !part.title.empty() ? part.title : is_text ? "document.txt" : "document.pdf";
  if (!part.data.empty()) out["file_data"] = data_uri(part, "application/pdf");
  if (is_text) out["file_data"] = "data:text/plain;base64," + base64(part.text);
}

void write_tool_choice(json::Object& out, const ChatRequest& request, bool is_nested) {
  switch (request.tool_choice) {
    case ToolChoice::automatic: return;
    case ToolChoice::none: out["tool_choice"] = "none"; return;
    case ToolChoice::required: out["tool_choice"] = "required"; return;
    case ToolChoice::named: break;
  }
  json::Object choice = {{"type", "function"}};
  if (is_nested)
    choice["function"] = {{"name", request.tool_name}};
  else
    choice["name"] = request.tool_name;
  out["tool_choice"] = std::move(choice);
}

std::string output_of(const Message& message) {
  // These APIs have no flag for a call that failed; the model is told in words.
  return (message.is_error ? "Error: " : "") + text_of(message.parts);
}

std::string_view finish_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::length: return "length";
    case FinishReason::tool_calls: return "tool_calls";
    case FinishReason::content_filter: return "content_filter";
    case FinishReason::stop:
    case FinishReason::error: break;
  }
  return "stop";
}

FinishReason finish_reason(std::string_view word) {
  if (word == "length") return FinishReason::length;
  if (word == "tool_calls" || word == "function_call") return FinishReason::tool_calls;
  if (word == "content_filter") return FinishReason::content_filter;
  if (word == "error") return FinishReason::error;
  return FinishReason::stop;
}

json::Object write_usage(const ChatUsage& usage) {
  json::Object input = {{"cached_tokens", usage.cached_input_tokens}};
  if (usage.cache_write_tokens > 0) input["cache_write_tokens"] = usage.cache_write_tokens;
  return {{"prompt_tokens", usage.input_tokens},
          {"completion_tokens", usage.output_tokens},
          {"total_tokens", usage.input_tokens + usage.output_tokens},
          {"prompt_tokens_details", std::move(input)},
          {"completion_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}}};
}

ChatUsage read_usage(const json::Object& usage) {
  ChatUsage read;
  read.input_tokens = whole_of(usage, "prompt_tokens");
  read.output_tokens = whole_of(usage, "completion_tokens");
  if (const json::Object* details = object_of(usage, "prompt_tokens_details")) {
    read.cached_input_tokens = whole_of(*details, "cached_tokens");
    read.cache_write_tokens = whole_of(*details, "cache_write_tokens");
  }
  if (const json::Object* details = object_of(usage, "completion_tokens_details"))
    read.reasoning_tokens = whole_of(*details, "reasoning_tokens");
  return read;
}

namespace {

json::Object write_logprob(const TokenLogprob& token) {
  const std::string& bytes = token.bytes.empty() ? token.token : token.bytes;
  json::Array numbers;
  for (const char c : bytes) numbers.push_back(static_cast<unsigned char>(c));
  return {{"token", token.token}, {"logprob", token.logprob}, {"bytes", std::move(numbers)}};
}

TokenLogprob read_logprob(const json::Object& token) {
  TokenLogprob read;
  read.token = text_of(token, "token");
  if (const json::Value* logprob = token.if_contains("logprob"); logprob && logprob->is_number())
    read.logprob = logprob->to_number<double>();
  if (const json::Array* bytes = array_of(token, "bytes"))
    for (const json::Value& byte : *bytes)
      if (byte.is_int64() && byte.get_int64() >= 0 && byte.get_int64() <= 255)
        read.bytes += static_cast<char>(byte.get_int64());
  return read;
}

}  // namespace

json::Array write_logprobs(const std::vector<TokenLogprob>& tokens) {
  json::Array out;
  for (const TokenLogprob& token : tokens) {
    json::Object item = write_logprob(token);
    json::Array top;
    for (const TokenLogprob& other : token.top) top.push_back(write_logprob(other));
    item["top_logprobs"] = std::move(top);
    out.push_back(std::move(item));
  }
  return out;
}

std::vector<TokenLogprob> read_logprobs(const json::Array& tokens) {
  std::vector<TokenLogprob> read;
  for (const json::Value& item : tokens) {
    if (!item.is_object()) continue;
    read.push_back(read_logprob(item.get_object()));
    if (const json::Array* top = array_of(item.get_object(), "top_logprobs"))
      for (const json::Value& other : *top)
        if (other.is_object()) read.back().top.push_back(read_logprob(other.get_object()));
  }
  return read;
}

json::Object write_annotation(const Annotation& annotation, bool is_nested) {
  json::Object place = {{"start_index", annotation.start},
                        {"end_index", annotation.end},
                        {"title", annotation.title},
                        {"url", annotation.url}};
  if (!annotation.quote.empty()) place["quote"] = annotation.quote;
  if (!annotation.source.empty()) place["source"] = annotation.source;
  if (is_nested) return {{"type", "url_citation"}, {"url_citation", std::move(place)}};
  place["type"] = "url_citation";
  return place;
}

Annotation read_annotation(const json::Object& annotation) {
  const json::Object* place = object_of(annotation, "url_citation");
  if (place == nullptr) place = &annotation;
  Annotation read;
  read.url = text_of(*place, "url");
  read.title = text_of(*place, "title");
  if (read.title.empty()) read.title = text_of(*place, "filename");
  read.quote = text_of(*place, "quote");
  read.start = static_cast<std::size_t>(whole_of(*place, "start_index"));
  read.end = static_cast<std::size_t>(whole_of(*place, "end_index"));
  if (const json::Object* source = object_of(*place, "source")) read.source = *source;
  return read;
}

ChunkEncoder::ChunkEncoder(const ChatRequest& request, ReplyKind kind)
    : kind_(kind),
      model_(request.model),
      with_usage_(request.stream_usage),
      created_(std::chrono::floor<std::chrono::seconds>(system_clock().now())
                   .time_since_epoch()
                   .count()) {}

void ChunkEncoder::begin(const ChatEvent& start) {
  id_ = id_of(kind_.id_prefix, start.id);
  if (!start.model.empty()) model_ = start.model;
}

std::string ChunkEncoder::chunk(json::Object choice) {
  return event_bytes("", head({std::move(choice)}));
}

std::string ChunkEncoder::end() {
  std::string bytes;
  if (with_usage_) {
    json::Object out = head({});
    out["usage"] = write_usage(usage_);
    bytes = event_bytes("", out);
  }
  return bytes + "data: [DONE]\n\n";
}

json::Object ChunkEncoder::head(json::Array choices) {
  if (id_.empty()) id_ = new_id(kind_.id_prefix);
  json::Object out = {{"id", id_},
                      {"object", kind_.object},
                      {"created", created_},
                      {"model", model_},
                      {"choices", std::move(choices)}};
  if (with_usage_) out["usage"] = nullptr;
  return out;
}

Result<void> ChunkDecoder::take(const std::string&, std::string_view data) {
  if (data.starts_with("[DONE]")) {
    if (!begun_) return stream_error("the stream ended before it began");
    end();
    return {};
  }
  const json::Value value = TRY(json::parse(data).within("an event of the stream"));
  if (!value.is_object()) return stream_error("an event of the stream is not an object");
  const json::Object& chunk = value.get_object();
  if (const json::Value* error = chunk.if_contains("error"); error && !error->is_null()) {
    if (error->is_object()) return stream_error(text_of(error->get_object(), "message"));
    return stream_error(text_of(chunk, "error"));
  }
  if (!std::exchange(begun_, true)) begin(chunk);
  if (const json::Array* choices = array_of(chunk, "choices"))
    for (const json::Value& choice : *choices)
      if (choice.is_object()) TRY(take_whole(choice.get_object()));
  if (const json::Object* usage = object_of(chunk, "usage")) {
    ChatEvent event{.kind = EventKind::usage};
    event.usage = read_usage(*usage);
    add(std::move(event));
  }
  return {};
}

void ChunkDecoder::begin(const json::Object& chunk) {
  ChatEvent event{.kind = EventKind::start};
  event.from = dialect_;
  event.id = text_of(chunk, "id");
  event.model = text_of(chunk, "model");
  add(std::move(event));
}

Result<void> ChunkDecoder::take_whole(const json::Object& choice) {
  const auto index = static_cast<std::size_t>(whole_of(choice, "index"));
  if (index >= choices_max) return stream_error("the stream has too many choices");
  bool& finished = finished_[index];
  TRY(take_choice(index, choice));
  const std::string word = text_of(choice, "finish_reason");
  if (word.empty() || std::exchange(finished, true)) return {};
  ChatEvent event{.kind = EventKind::finish, .choice = index};
  event.finish_reason = finish_reason(word);
  if (event.finish_reason == FinishReason::error) return failed_answer({});
  if (event.finish_reason == FinishReason::stop && has_calls(index))
    event.finish_reason = FinishReason::tool_calls;
  add(std::move(event));
  return {};
}

void ChunkDecoder::take_end() {
  // A server that forgets "[DONE]" is believed if every choice said why it ended.
  bool is_whole = !finished_.empty();
  for (const auto& [index, finished] : finished_) is_whole = is_whole && finished;
  if (is_whole) end();
}

json::Object write_reply(const ChatRequest& request, const ChatReply& reply, ReplyKind kind,
                         json::Array choices) {
  json::Object out = {{"id", id_of(kind.id_prefix, reply.id)},
                      {"object", kind.object},
                      {"created", reply.created},
                      {"model", reply.model.empty() ? request.model : reply.model},
                      {"choices", std::move(choices)},
                      {"usage", write_usage(reply.usage)}};
  put(out, "system_fingerprint", reply.fingerprint);
  return out;
}

Result<ChatReply> read_reply(const json::Value& body, Dialect dialect,
                             Choice (*read_choice)(const json::Object&)) {
  Fields in(body, "");
  ChatReply reply;
  reply.from = dialect;
  reply.id = in.text("id");
  reply.model = in.text("model");
  reply.fingerprint = in.text("system_fingerprint");
  in.skip("object");
  if (in.find("created") != nullptr) reply.created = whole_of(body.get_object(), "created");
  const json::Array* choices = in.array("choices");
  if (choices == nullptr) in.refuse(fail(Code::unavailable, "choices: is missing"));
  if (const json::Object* usage = in.object("usage")) reply.usage = read_usage(*usage);
  if (auto status = in.status(); !status) return not_this_dialect(dialect, status.error());
  for (const json::Value& item : *choices) {
    if (!item.is_object()) return not_this_dialect(dialect, expected("choices", "objects", item));
    Choice choice = read_choice(item.get_object());
    choice.finish_reason = finish_reason(text_of(item.get_object(), "finish_reason"));
    if (choice.finish_reason == FinishReason::error) return failed_answer({});
    // Some servers say "stop" after calls.
    if (choice.finish_reason == FinishReason::stop && !choice.tool_calls.empty())
      choice.finish_reason = FinishReason::tool_calls;
    reply.choices.push_back(std::move(choice));
  }
  if (reply.choices.empty())
    return not_this_dialect(dialect, fail(Code::unavailable, "choices: has none"));
  reply.extra = in.rest();
  return reply;
}

json::Value write_error(const WireError& error) {
  std::string_view type = "invalid_request_error";
  if (error.status == 401) type = "authentication_error";
  if (error.status == 403) type = "permission_error";
  if (error.status == 429) type = "rate_limit_error";
  if (error.status >= 500) type = "server_error";
  json::Object out = {
      {"message", error.message}, {"type", type}, {"param", nullptr}, {"code", nullptr}};
  put(out, "param", error.parameter);
  put(out, "code", error.code);
  return {{"error", std::move(out)}};
}

}  // namespace slipway::dialects::detail
