// Responses as a server: what a caller asks.
#include "dialects/detail/codecs.hpp"
#include "dialects/detail/responses.hpp"

namespace slipway::dialects::detail {

namespace {

Part read_part(Fields& in, const json::Value& whole) {
  Part part;
  part.path = in.path();
  const std::string type = in.required_text("type");
  if (type == "input_text" || type == "output_text" || type == "text") {
    part.text = in.required_text("text");
    for (const char* key : {"annotations", "logprobs", "parsed"}) in.skip(key);
  } else if (type == "refusal") {
    part.kind = PartKind::refusal;
    part.text = in.required_text("refusal");
  } else if (type == "input_image") {
    part.kind = PartKind::image;
    set_source(part, in.text("image_url"));
    part.detail = in.text("detail");
    if (in.ok() && part.url.empty() && part.data.empty() && in.peek("file_id") == nullptr)
      in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("image_url")));
  } else if (type == "input_file") {
    read_file(in, part);
  } else if (in.ok()) {
    part.kind = PartKind::opaque;
    part.extra = whole.get_object();
    return part;
  }
  read_cache_breakpoint(in, part);
  merge(part.extra, in.rest());
  return part;
}

std::vector<Part> read_content(Fields& in, std::string_view key) {
  std::vector<Part> parts;
  const json::Value* content = in.find(key);
  if (content == nullptr) {
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path(key)));
  } else if (content->is_string()) {
    parts.push_back(text_part(std::string(content->get_string())));
    parts.back().path = in.path(key);
  } else if (content->is_array()) {
    for (const json::Value& item : content->get_array()) {
      Fields fields(item, at(in.path(key), parts.size()));
      parts.push_back(read_part(fields, item));
      if (auto status = fields.status(); !status) in.refuse(status.error());
    }
  } else {
    in.wrong(key, "a string or an array of parts", *content);
  }
  return parts;
}

/// What the model said before is one message, in however many items it stands.
Message& assistant(ChatRequest& request, const std::string& path) {
  if (request.messages.empty() || request.messages.back().role != Role::assistant) {
    request.messages.emplace_back();
    request.messages.back().role = Role::assistant;
    request.messages.back().path = path;
  }
  return request.messages.back();
}

void read_message(Fields& in, ChatRequest& request) {
  const std::string role = in.required_text("role");
  std::vector<Part> parts = read_content(in, "content");
  in.skip("id");
  in.skip("status");
  Message message;
  message.path = in.path();
  message.role = Role::user;
  if (role == "assistant") {
    Message& before = assistant(request, in.path());
    // Words after a call are the next turn.
    if (!before.tool_calls.empty()) {
      message.role = Role::assistant;
      request.messages.push_back(std::move(message));
    }
    Message& into = request.messages.back();
    for (Part& part : parts) into.parts.push_back(std::move(part));
    merge(into.extra, in.rest());
    return;
  }
  if (role == "system") message.role = Role::system;
  if (role == "developer") message.role = Role::developer;
  if (role != "user" && role != "system" && role != "developer" && in.ok())
    in.refuse(fail(Code::invalid_argument,
                   "{}: '{}' is not known; it can be user, assistant, system or developer",
                   in.path("role"), role));
  message.parts = std::move(parts);
  message.extra = in.rest();
  request.messages.push_back(std::move(message));
}

void read_call(Fields& in, ChatRequest& request) {
  ToolCall call;
  call.path = in.path();
  call.id = in.required_text("call_id");
  call.name = in.required_text("name");
  call.arguments = in.text("arguments");
  for (const char* key : {"id", "status", "parsed_arguments"}) in.skip(key);
  call.extra = in.rest();
  assistant(request, in.path()).tool_calls.push_back(std::move(call));
}

void read_output(Fields& in, ChatRequest& request) {
  Message message;
  message.role = Role::tool;
  message.path = in.path();
  message.tool_call_id = in.required_text("call_id");
  message.parts = read_content(in, "output");
  in.skip("id");
  in.skip("status");
  message.extra = in.rest();
  request.messages.push_back(std::move(message));
}

std::string texts_of(const json::Array* items) {
  std::string text;
  if (items == nullptr) return text;
  for (const json::Value& item : *items) {
    if (!item.is_object()) continue;
    if (!text.empty()) text += "\n\n";
    text += text_of(item.get_object(), "text");
  }
  return text;
}

void read_reasoning(Fields& in, ChatRequest& request) {
  Part part;
  part.kind = PartKind::reasoning;
  part.path = in.path();
  part.text = texts_of(in.array("content"));
  const std::string summary = texts_of(in.array("summary"));
  if (part.text.empty()) part.text = summary;
  read_signature(in.text("encrypted_content"), part);
  in.skip("id");
  in.skip("status");
  part.extra = in.rest();
  assistant(request, in.path()).parts.push_back(std::move(part));
}

void read_item(const json::Value& item, std::string path, ChatRequest& request, Fields& parent) {
  Fields in(item, std::move(path));
  const std::string type = in.text("type");
  if (type.empty() || type == "message") {
    read_message(in, request);
  } else if (type == "function_call") {
    read_call(in, request);
  } else if (type == "function_call_output") {
    read_output(in, request);
  } else if (type == "reasoning") {
    read_reasoning(in, request);
  } else if (in.ok()) {
    Message message;
    message.path = in.path();
    message.parts.emplace_back();
    message.parts.back().kind = PartKind::opaque;
    message.parts.back().path = in.path();
    message.parts.back().extra = item.get_object();
    request.messages.push_back(std::move(message));
  }
  if (auto status = in.status(); !status) parent.refuse(status.error());
}

void read_input(Fields& in, ChatRequest& request) {
  if (std::string instructions = in.text("instructions"); !instructions.empty()) {
    Message message;
    message.role = Role::system;
    message.path = "instructions";
    message.parts.push_back(text_part(std::move(instructions)));
    message.parts.back().path = message.path;
    request.messages.push_back(std::move(message));
  }
  const json::Value* input = in.find("input");
  if (input == nullptr) {
    // A prompt of the vendor's, or what he has stored, may be all of it.
    if (in.peek("prompt") == nullptr && in.peek("previous_response_id") == nullptr)
      in.refuse(fail(Code::invalid_argument, "input: is missing"));
  } else if (input->is_string()) {
    Message message;
    message.path = "input";
    message.parts.push_back(text_part(std::string(input->get_string())));
    message.parts.back().path = message.path;
    request.messages.push_back(std::move(message));
  } else if (input->is_array()) {
    std::size_t i = 0;
    for (const json::Value& item : input->get_array()) {
      read_item(item, at("input", i++), request, in);
      if (!in.ok()) return;
    }
    if (i == 0) in.refuse(fail(Code::invalid_argument, "input: has no item; send at least one"));
  } else {
    in.wrong("input", "a string or an array of items", *input);
  }
}

void read_tools(Fields& in, ChatRequest& request) {
  const json::Array* tools = in.array("tools");
  if (tools == nullptr) return;
  for (const json::Value& item : *tools) {
    Fields fields(item, at("tools", request.tools.size()));
    Tool tool;
    tool.path = fields.path();
    const std::string type = fields.required_text("type");
    if (type == "function") {
      tool.name = fields.required_text("name");
      tool.description = fields.text("description");
      if (const json::Object* parameters = fields.object("parameters"))
        tool.parameters = *parameters;
      tool.strict = fields.flag("strict");
      tool.extra = fields.rest();
    } else if (item.is_object()) {
      tool.is_hosted = true;
      tool.name = type;
      tool.extra = item.get_object();
    }
    if (auto status = fields.status(); !status) return in.refuse(status.error());
    request.tools.push_back(std::move(tool));
  }
}

void read_text(Fields& in, ChatRequest& request) {
  const json::Object* text = in.object("text");
  if (text == nullptr) return;
  Fields fields(*text, "text");
  if (const json::Object* format = fields.object("format")) {
    Fields inner(*format, "text.format");
    const std::string type = inner.required_text("type");
    if (type == "json_schema") {
      read_json_schema(inner, request.response_format);
    } else if (type == "json_object") {
      request.response_format.kind = ResponseKind::json_object;
    } else if (type != "text") {
      request.extra["text"] = json::Object{{"format", *format}};
    }
    if (auto status = inner.status(); !status) in.refuse(status.error());
  }
  if (json::Object rest = fields.rest(); !rest.empty())
    merge(request.extra, json::Object{{"text", std::move(rest)}});
}

void read_reasoning_wish(Fields& in, ChatRequest& request) {
  const json::Object* reasoning = in.object("reasoning");
  if (reasoning == nullptr) return;
  Fields fields(*reasoning, "reasoning");
  request.reasoning_effort = fields.text("effort");
  if (auto status = fields.status(); !status) in.refuse(status.error());
  if (json::Object rest = fields.rest(); !rest.empty())
    request.extra["reasoning"] = std::move(rest);
}

void read_include(Fields& in, ChatRequest& request) {
  request.top_logprobs = in.whole("top_logprobs", {0, 20});
  request.logprobs = request.top_logprobs.value_or(0) > 0;
  json::Array others;
  for (const std::string& name : in.texts("include")) {
    if (name == "message.output_text.logprobs")
      request.logprobs = true;
    else if (name != "reasoning.encrypted_content")  // Always given, where there is some.
      others.push_back(json::Value(name));
  }
  if (!others.empty()) request.extra["include"] = std::move(others);
}

}  // namespace

Result<ChatRequest> ResponsesCodec::decode_request(const json::Value& body) const {
  ChatRequest request;
  request.from = dialect();
  request.spelled = {{"max_tokens", "max_output_tokens"},
                     {"response_format", "text.format"},
                     {"reasoning_effort", "reasoning.effort"},
                     {"logprobs", "include"}};
  Fields in(body, "");
  request.model = in.required_text("model");
  TRY(in.status());
  read_input(in, request);
  request.max_tokens = in.whole("max_output_tokens", {1});
  request.temperature = in.number("temperature", {0, 2});
  request.top_p = in.number("top_p", {0, 1});
  request.user = in.text("user");
  read_metadata(in, request);
  read_stream_options(in, request);
  read_tools(in, request);
  read_tool_choice(in, request, [](Fields& choice) { return choice.required_text("name"); });
  request.parallel_tool_calls = in.flag("parallel_tool_calls");
  read_text(in, request);
  read_reasoning_wish(in, request);
  read_include(in, request);
  TRY(in.status());
  merge(request.extra, in.rest());
  return request;
}

}  // namespace slipway::dialects::detail
