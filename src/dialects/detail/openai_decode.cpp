// Chat completions as a server: what a caller asks.
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/openai.hpp"

namespace slipway::dialects::detail {

namespace {

Part read_audio(Fields& in, Part part) {
  part.kind = PartKind::audio;
  if (const json::Object* audio = in.object("input_audio")) {
    Fields fields(*audio, in.path("input_audio"));
    part.data = fields.required_text("data");
    part.media_type = "audio/" + fields.required_text("format");
    if (auto status = fields.status(); !status) in.refuse(status.error());
  }
  return part;
}

Part read_part(Fields& in) {
  Part part;
  part.path = in.path();
  const std::string type = in.required_text("type");
  if (read_common_part(in, type, part)) {
    // Nothing more of it.
  } else if (type == "refusal") {
    part.kind = PartKind::refusal;
    part.text = in.required_text("refusal");
  } else if (type == "input_audio") {
    part = read_audio(in, std::move(part));
  } else if (type == "file") {
    if (const json::Object* file = in.object("file")) {
      Fields fields(*file, in.path("file"));
      read_file(fields, part);
      if (auto status = fields.status(); !status) in.refuse(status.error());
      if (json::Object rest = fields.rest(); !rest.empty()) part.extra["file"] = std::move(rest);
    }
  } else {
    in.refuse(fail(Code::invalid_argument,
                   "{}: '{}' is not known; it can be text, image_url, input_audio, file or refusal",
                   in.path("type"), type));
  }
  read_cache_breakpoint(in, part);
  return part;
}

ToolCall read_call(Fields& in) {
  ToolCall call;
  call.path = in.path();
  call.id = in.required_text("id");
  const std::string type = in.text("type");
  const bool is_custom = type == "custom";
  if (!type.empty() && type != "function" && !is_custom)
    in.refuse(fail(Code::invalid_argument, "{}: '{}' is not known; it can be function or custom",
                   in.path("type"), type));
  const std::string_view key = is_custom ? "custom" : "function";
  if (const json::Object* object = in.object(key)) {
    Fields fields(*object, in.path(key));
    call.name = fields.required_text("name");
    call.arguments = fields.text(is_custom ? "input" : "arguments");
    fields.skip("parsed_arguments");
    if (auto status = fields.status(); !status) in.refuse(status.error());
  } else {
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path(key)));
  }
  // The SDKs give back with an answer what they noted in it.
  in.skip("index");
  if (is_custom) call.extra["type"] = "custom";
  return call;
}

void read_assistant(Fields& in, Message& message) {
  // Not OpenAI's, but what others that speak this dialect call it.
  if (std::string reasoning = in.text("reasoning_content"); !reasoning.empty()) {
    Part part = text_part(std::move(reasoning));
    part.kind = PartKind::reasoning;
    part.path = in.path("reasoning_content");
    message.parts.insert(message.parts.begin(), std::move(part));
  }
  if (std::string refusal = in.text("refusal"); !refusal.empty()) {
    Part part = text_part(std::move(refusal));
    part.kind = PartKind::refusal;
    part.path = in.path("refusal");
    message.parts.push_back(std::move(part));
  }
  if (const json::Array* calls = in.array("tool_calls")) {
    for (const json::Value& item : *calls) {
      Fields fields(item, at(in.path("tool_calls"), message.tool_calls.size()));
      message.tool_calls.push_back(read_call(fields));
      if (auto status = fields.status(); !status) return in.refuse(status.error());
      merge(message.tool_calls.back().extra, fields.rest());
    }
  }
  // Our own answers have them; they say where the text is from, not what the model shall read.
  in.skip("annotations");
  in.skip("parsed");
}

Message read_message(Fields& in) {
  Message message;
  message.path = in.path();
  const std::string role = in.required_text("role");
  if (role == "system") {
    message.role = Role::system;
  } else if (role == "developer") {
    message.role = Role::developer;
  } else if (role == "user") {
    message.role = Role::user;
  } else if (role == "assistant") {
    message.role = Role::assistant;
  } else if (role == "tool") {
    message.role = Role::tool;
  } else if (in.ok()) {
    in.refuse(fail(Code::invalid_argument,
                   "{}: '{}' is not known; it can be system, developer, user, assistant or tool",
                   in.path("role"), role));
  }
  read_content(in, message, read_part);
  message.name = in.text("name");
  if (message.role == Role::tool) message.tool_call_id = in.required_text("tool_call_id");
  if (message.role == Role::assistant) read_assistant(in, message);
  if (in.ok() && message.role != Role::assistant && in.peek("content") == nullptr)
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("content")));
  message.extra = in.rest();
  return message;
}

Tool read_tool(Fields& in, const json::Value& whole) {
  Tool tool;
  tool.path = in.path();
  const std::string type = in.required_text("type");
  if (type != "function") {
    tool.is_hosted = true;
    tool.name = type;
    if (whole.is_object()) tool.extra = whole.get_object();
    return tool;
  }
  const json::Object* function = in.object("function");
  if (function == nullptr) {
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("function")));
    return tool;
  }
  Fields fields(*function, in.path("function"));
  tool.name = fields.required_text("name");
  tool.description = fields.text("description");
  if (const json::Object* parameters = fields.object("parameters")) tool.parameters = *parameters;
  tool.strict = fields.flag("strict");
  if (auto status = fields.status(); !status) in.refuse(status.error());
  tool.extra = in.rest();
  if (json::Object rest = fields.rest(); !rest.empty()) tool.extra["function"] = std::move(rest);
  return tool;
}

std::string function_name(Fields& choice) {
  std::string name;
  if (const json::Object* function = choice.object("function"))
    name = Fields(*function, choice.path("function")).text("name");
  if (name.empty())
    choice.refuse(fail(Code::invalid_argument, "tool_choice.function.name: is missing"));
  return name;
}

void read_response_format(Fields& in, ChatRequest& request) {
  const json::Object* object = in.object("response_format");
  if (object == nullptr) return;
  Fields fields(*object, in.path("response_format"));
  const std::string type = fields.required_text("type");
  if (type == "json_object") {
    request.response_format.kind = ResponseKind::json_object;
  } else if (type == "json_schema") {
    if (const json::Object* schema = fields.object("json_schema")) {
      Fields inner(*schema, fields.path("json_schema"));
      read_json_schema(inner, request.response_format);
      if (auto status = inner.status(); !status) in.refuse(status.error());
    } else {
      in.refuse(fail(Code::invalid_argument, "{}: is missing", fields.path("json_schema")));
    }
  } else if (type != "text") {
    request.extra["response_format"] = *object;
  }
  if (auto status = fields.status(); !status) in.refuse(status.error());
}

void read_max_tokens(Fields& in, ChatRequest& request) {
  const std::optional<std::int64_t> older = in.whole("max_tokens", {1});
  request.max_tokens = in.whole("max_completion_tokens", {1});
  if (request.max_tokens) {
    request.spelled["max_tokens"] = "max_completion_tokens";
    if (older)
      in.refuse(fail(Code::invalid_argument,
                     "max_tokens: stands beside max_completion_tokens; send one of them"));
  } else {
    request.max_tokens = older;
  }
}

}  // namespace

Result<ChatRequest> OpenAiCodec::decode_request(const json::Value& body) const {
  ChatRequest request;
  request.from = Dialect::openai;
  Fields in(body, "");
  request.model = in.required_text("model");
  TRY(read_messages(in, [&](Fields& fields) { request.messages.push_back(read_message(fields)); }));
  read_max_tokens(in, request);
  read_sampling(in, request);
  read_stream_options(in, request);
  read_metadata(in, request);
  request.logprobs = in.flag("logprobs").value_or(false);
  request.top_logprobs = in.whole("top_logprobs", {0, 20});
  if (request.top_logprobs && *request.top_logprobs > 0 && !request.logprobs)
    in.refuse(fail(Code::invalid_argument, "top_logprobs: needs logprobs to be true"));
  request.reasoning_effort = in.text("reasoning_effort");
  if (const json::Array* tools = in.array("tools")) {
    for (const json::Value& item : *tools) {
      Fields fields(item, at("tools", request.tools.size()));
      request.tools.push_back(read_tool(fields, item));
      TRY(fields.status());
    }
  }
  read_tool_choice(in, request, function_name);
  request.parallel_tool_calls = in.flag("parallel_tool_calls");
  read_response_format(in, request);
  TRY(in.status());
  merge(request.extra, in.rest());
  return request;
}

}  // namespace slipway::dialects::detail
