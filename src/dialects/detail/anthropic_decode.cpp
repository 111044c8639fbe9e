// Messages as a server: what a caller asks.
#include "dialects/detail/anthropic.hpp"
#include "dialects/detail/codecs.hpp"

namespace slipway::dialects::detail {

namespace {

void read_cache_control(Fields& in, Part& part) {
  const json::Object* object = in.object("cache_control");
  if (object == nullptr) return;
  Fields fields(*object, in.path("cache_control"));
  part.cache_here = fields.required_text("type") == "ephemeral";
  if (auto status = fields.status(); !status) in.refuse(status.error());
  if (json::Object rest = fields.rest(); !rest.empty())
    part.extra["cache_control"] = std::move(rest);
}

/// The source of an image or a document. What only Anthropic can resolve stays in `extra`.
void read_source(Fields& in, Part& part) {
  const json::Object* object = in.object("source");
  if (object == nullptr)
    return in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("source")));
  Fields source(*object, in.path("source"));
  const std::string type = source.required_text("type");
  if (type == "base64") {
    part.media_type = source.required_text("media_type");
    part.data = source.required_text("data");
  } else if (type == "url") {
    part.url = source.required_text("url");
  } else if (type == "text") {
    part.media_type = source.text("media_type");
    part.text = source.required_text("data");
  } else {
    part.extra["source"] = *object;
  }
  if (auto status = source.status(); !status) in.refuse(status.error());
}

void read_block_of(Fields& in, const std::string& type, Part& part) {
  if (type == "text") {
    part.text = in.required_text("text");
    in.skip("parsed_output");  // What the SDK notes in an answer.
  } else if (type == "image") {
    part.kind = PartKind::image;
    read_source(in, part);
  } else if (type == "document") {
    part.kind = PartKind::document;
    read_source(in, part);
    part.title = in.text("title");
  } else if (type == "thinking") {
    part.kind = PartKind::reasoning;
    part.text = in.text("thinking");
    part.signature = in.text("signature");
    part.signed_by = Dialect::anthropic;
  } else {
    part.kind = PartKind::reasoning;
    part.data = in.required_text("data");
    part.signed_by = Dialect::anthropic;
  }
}

Part read_block(const json::Value& item, std::string path, Fields& parent) {
  Fields in(item, std::move(path));
  Part part;
  part.path = in.path();
  const std::string type = in.required_text("type");
  if (type == "text" || type == "image" || type == "document" || type == "thinking" ||
      type == "redacted_thinking") {
    read_block_of(in, type, part);
    read_cache_control(in, part);
    merge(part.extra, in.rest());
  } else if (in.ok()) {
    part.kind = PartKind::opaque;
    part.extra = item.get_object();
  }
  if (auto status = in.status(); !status) parent.refuse(status.error());
  return part;
}

/// A text, or blocks.
std::vector<Part> read_content(Fields& in, std::string_view key) {
  std::vector<Part> parts;
  const json::Value* content = in.find(key);
  if (content == nullptr) return parts;
  if (content->is_string()) {
    parts.push_back(text_part(std::string(content->get_string())));
    parts.back().path = in.path(key);
  } else if (content->is_array()) {
    for (const json::Value& item : content->get_array())
      parts.push_back(read_block(item, at(in.path(key), parts.size()), in));
  } else {
    in.wrong(key, "a string or an array of blocks", *content);
  }
  return parts;
}

Message read_result(Fields& in) {
  Message message;
  message.role = Role::tool;
  message.path = in.path();
  message.tool_call_id = in.required_text("tool_use_id");
  message.is_error = in.flag("is_error").value_or(false);
  message.parts = read_content(in, "content");
  in.skip("type");
  message.extra = in.rest();
  return message;
}

ToolCall read_use(Fields& in) {
  ToolCall call;
  call.path = in.path();
  call.id = in.required_text("id");
  call.name = in.required_text("name");
  if (const json::Object* input = in.object("input"))
    call.arguments = json::dump(*input);
  else
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("input")));
  in.skip("type");
  call.extra = in.rest();
  return call;
}

/// The blocks of one message: results of tools become messages of their own, in order.
void read_blocks(Fields& in, const json::Array& blocks, std::vector<Message>& messages,
                 Message message) {
  const Message empty = message;
  const auto flush = [&] {
    if (message.parts.empty() && message.tool_calls.empty()) return;
    messages.push_back(std::exchange(message, empty));
  };
  const std::string path = in.path("content");
  for (std::size_t i = 0; i < blocks.size() && in.ok(); ++i) {
    Fields block(blocks[i], at(path, i));
    const json::Value* type = block.peek("type");
    std::string_view word;
    if (type != nullptr && type->is_string()) word = type->get_string();
    if (word == "tool_result" && message.role == Role::user) {
      flush();
      messages.push_back(read_result(block));
    } else if (word == "tool_use" && message.role == Role::assistant) {
      message.tool_calls.push_back(read_use(block));
    } else {
      message.parts.push_back(read_block(blocks[i], at(path, i), in));
    }
    if (auto status = block.status(); !status) in.refuse(status.error());
  }
  flush();
}

void read_message(Fields& in, std::vector<Message>& messages) {
  Message message;
  message.path = in.path();
  const std::string role = in.required_text("role");
  if (role == "assistant") {
    message.role = Role::assistant;
  } else if (role == "system") {
    message.role = Role::system;
  } else if (role != "user" && in.ok()) {
    in.refuse(fail(Code::invalid_argument,
                   "{}: '{}' is not known; it can be user, assistant or system", in.path("role"),
                   role));
  }
  if (in.peek("content") == nullptr)
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("content")));
  if (const json::Value* content = in.peek("content"); content && content->is_array()) {
    in.skip("content");
    read_blocks(in, content->get_array(), messages, std::move(message));
  } else {
    message.parts = read_content(in, "content");
    messages.push_back(std::move(message));
  }
  if (json::Object rest = in.rest(); !rest.empty() && !messages.empty())
    merge(messages.back().extra, rest);
}

void read_tools(Fields& in, ChatRequest& request) {
  const json::Array* tools = in.array("tools");
  if (tools == nullptr) return;
  for (const json::Value& item : *tools) {
    Fields fields(item, at("tools", request.tools.size()));
    Tool tool;
    tool.path = fields.path();
    const std::string type = fields.text("type");
    if (!type.empty() && type != "custom") {
      tool.is_hosted = true;
      tool.name = type;
      if (item.is_object()) tool.extra = item.get_object();
    } else {
      tool.name = fields.required_text("name");
      tool.description = fields.text("description");
      if (const json::Object* schema = fields.object("input_schema"))
        tool.parameters = *schema;
      else
        fields.refuse(fail(Code::invalid_argument, "{}: is missing", fields.path("input_schema")));
      tool.strict = fields.flag("strict");
      tool.extra = fields.rest();
    }
    if (auto status = fields.status(); !status) return in.refuse(status.error());
    request.tools.push_back(std::move(tool));
  }
}

void read_tool_choice(Fields& in, ChatRequest& request) {
  const json::Object* choice = in.object("tool_choice");
  if (choice == nullptr) return;
  Fields fields(*choice, in.path("tool_choice"));
  const std::string type = fields.required_text("type");
  if (type == "any") {
    request.tool_choice = ToolChoice::required;
  } else if (type == "none") {
    request.tool_choice = ToolChoice::none;
  } else if (type == "tool") {
    request.tool_choice = ToolChoice::named;
    request.tool_name = fields.required_text("name");
  } else if (type != "auto" && fields.ok()) {
    fields.wrong("type", "auto, any, tool or none", json::Value(type));
  }
  if (const auto disabled = fields.flag("disable_parallel_tool_use"))
    request.parallel_tool_calls = !*disabled;
  request.spelled["parallel_tool_calls"] = "tool_choice.disable_parallel_tool_use";
  if (auto status = fields.status(); !status) in.refuse(status.error());
}

void read_thinking(Fields& in, ChatRequest& request) {
  const json::Object* thinking = in.object("thinking");
  if (thinking == nullptr) return;
  request.spelled["reasoning_tokens"] = "thinking.budget_tokens";
  Fields fields(*thinking, in.path("thinking"));
  const std::string type = fields.required_text("type");
  if (type == "enabled") {
    request.reasoning_tokens = fields.whole("budget_tokens", {1});
    if (!request.reasoning_tokens && fields.ok())
      fields.refuse(fail(Code::invalid_argument, "thinking.budget_tokens: is missing"));
  } else if (type == "disabled") {
    request.reasoning_tokens = 0;
  } else {
    request.extra["thinking"] = *thinking;
  }
  if (auto status = fields.status(); !status) return in.refuse(status.error());
  if (type == "enabled" || type == "disabled")
    if (json::Object rest = fields.rest(); !rest.empty())
      request.extra["thinking"] = std::move(rest);
}

void read_format(Fields& in, std::string_view key, ChatRequest& request) {
  const json::Object* format = in.object(key);
  if (format == nullptr) return;
  request.spelled["response_format"] = in.path(key);
  Fields fields(*format, in.path(key));
  if (fields.required_text("type") == "json_schema") {
    request.response_format.kind = ResponseKind::json_schema;
    if (const json::Object* schema = fields.object("schema"))
      request.response_format.schema = *schema;
    else
      fields.refuse(fail(Code::invalid_argument, "{}: is missing", fields.path("schema")));
    request.response_format.strict = true;  // It always is, here.
  } else if (fields.ok()) {
    fields.wrong("type", "json_schema", *fields.peek("type"));
  }
  if (auto status = fields.status(); !status) in.refuse(status.error());
}

void read_output_config(Fields& in, ChatRequest& request) {
  read_format(in, "output_format", request);  // Its older place.
  const json::Object* config = in.object("output_config");
  if (config == nullptr) return;
  Fields fields(*config, in.path("output_config"));
  request.reasoning_effort = fields.text("effort");
  request.spelled["reasoning_effort"] = "output_config.effort";
  read_format(fields, "format", request);
  if (auto status = fields.status(); !status) in.refuse(status.error());
  if (json::Object rest = fields.rest(); !rest.empty())
    request.extra["output_config"] = std::move(rest);
}

void read_metadata_of(Fields& in, ChatRequest& request) {
  const json::Object* metadata = in.object("metadata");
  if (metadata == nullptr) return;
  Fields fields(*metadata, in.path("metadata"));
  request.user = fields.text("user_id");
  request.spelled["user"] = "metadata.user_id";
  if (auto status = fields.status(); !status) in.refuse(status.error());
  if (json::Object rest = fields.rest(); !rest.empty()) request.extra["metadata"] = std::move(rest);
}

void read_system(Fields& in, ChatRequest& request) {
  std::vector<Part> parts = read_content(in, "system");
  if (parts.empty()) return;
  Message message;
  message.role = Role::system;
  message.path = "system";
  message.parts = std::move(parts);
  request.messages.push_back(std::move(message));
}

Result<ChatRequest> read_request(const json::Value& body, bool needs_max_tokens) {
  ChatRequest request;
  request.from = Dialect::anthropic;
  Fields in(body, "");
  request.model = in.required_text("model");
  read_system(in, request);
  TRY(in.status());
  TRY(read_messages(in, [&](Fields& fields) { read_message(fields, request.messages); }));
  request.max_tokens = in.whole("max_tokens", {1});
  if (needs_max_tokens && in.peek("max_tokens") == nullptr)
    in.refuse(fail(Code::invalid_argument, "max_tokens: is missing"));
  request.temperature = in.number("temperature", {0, 1});
  request.top_p = in.number("top_p", {0, 1});
  request.top_k = in.whole("top_k", {0});
  request.stop = in.texts("stop_sequences");
  request.spelled["stop"] = "stop_sequences";
  request.stream = in.flag("stream").value_or(false);
  read_tools(in, request);
  read_tool_choice(in, request);
  read_thinking(in, request);
  read_output_config(in, request);
  read_metadata_of(in, request);
  TRY(in.status());
  merge(request.extra, in.rest());
  return request;
}

}  // namespace

Result<ChatRequest> AnthropicCodec::decode_request(const json::Value& body) const {
  return read_request(body, /*needs_max_tokens=*/true);
}

}  // namespace slipway::dialects::detail

namespace slipway::dialects {

Result<ChatRequest> decode_count_tokens(const json::Value& body) {
  return detail::read_request(body, /*needs_max_tokens=*/false);
}

}  // namespace slipway::dialects
