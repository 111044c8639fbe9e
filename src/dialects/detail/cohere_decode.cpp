// Cohere's v2 chat as a server: what a caller asks.
#include <algorithm>

#include "dialects/detail/codecs.hpp"
#include "dialects/detail/cohere.hpp"
#include "dialects/detail/openai.hpp"

namespace slipway::dialects::detail {

namespace {

/// A document is a text, or named values of which all is read.
void read_data(Fields& in, const json::Value& data, Part& part) {
  if (data.is_string()) {
    part.text = data.get_string();
    return;
  }
  const json::Object* object = data.if_object();
  if (object == nullptr) return in.wrong("data", "a string or an object", data);
  part.title = text_of(*object, "title");
  for (const auto& [key, value] : *object) {
    if (key == "title" && value.is_string()) continue;
    const std::string text =
        value.is_string() ? std::string(value.get_string()) : json::dump(value);
    const bool is_only_text = key == "text" || key == "snippet";
    if (!part.text.empty()) part.text += '\n';
    part.text += is_only_text ? text : fmt::format("{}: {}", std::string_view(key), text);
  }
}

Part read_document(const json::Value& item, std::string path, Fields& parent) {
  Part part;
  part.kind = PartKind::document;
  part.media_type = "text/plain";
  part.path = path;
  if (item.is_string()) {
    part.text = item.get_string();
    return part;
  }
  Fields in(item, std::move(path));
  if (const json::Value* data = in.find("data"))
    read_data(in, *data, part);
  else
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("data")));
  const std::string id = in.text("id");
  if (part.title.empty())
    part.title = id;  // By which citations name it.
  else if (!id.empty() && id != part.title)
    part.extra["id"] = id;
  if (auto status = in.status(); !status) parent.refuse(status.error());
  merge(part.extra, in.rest());
  return part;
}

Part read_part(Fields& in) {
  Part part;
  part.path = in.path();
  const std::string type = in.required_text("type");
  if (read_common_part(in, type, part)) return part;
  if (type == "thinking") {
    part.kind = PartKind::reasoning;
    part.text = in.required_text("thinking");
  } else if (type == "document") {
    if (const json::Value* document = in.find("document"))
      part = read_document(*document, in.path(), in);
  } else if (in.ok()) {
    in.refuse(fail(Code::invalid_argument,
                   "{}: '{}' is not known; it can be text, image_url, thinking or document",
                   in.path("type"), type));
  }
  return part;
}

void read_calls(Fields& in, Message& message) {
  const json::Array* calls = in.array("tool_calls");
  if (calls == nullptr) return;
  for (const json::Value& item : *calls) {
    Fields fields(item, at(in.path("tool_calls"), message.tool_calls.size()));
    ToolCall call;
    call.path = fields.path();
    call.id = fields.required_text("id");
    fields.skip("type");
    if (const json::Object* function = fields.object("function")) {
      Fields inner(*function, fields.path("function"));
      call.name = inner.required_text("name");
      call.arguments = inner.text("arguments");
      if (auto status = inner.status(); !status) fields.refuse(status.error());
    }
    if (auto status = fields.status(); !status) return in.refuse(status.error());
    call.extra = fields.rest();
    message.tool_calls.push_back(std::move(call));
  }
}

Message read_message(Fields& in) {
  Message message;
  message.path = in.path();
  const std::string role = in.required_text("role");
  if (role == "system") {
    message.role = Role::system;
  } else if (role == "assistant") {
    message.role = Role::assistant;
  } else if (role == "tool") {
    message.role = Role::tool;
  } else if (role != "user" && in.ok()) {
    in.refuse(fail(Code::invalid_argument,
                   "{}: '{}' is not known; it can be system, user, assistant or tool",
                   in.path("role"), role));
  }
  read_content(in, message, read_part);
  if (message.role == Role::tool) message.tool_call_id = in.required_text("tool_call_id");
  if (message.role == Role::assistant) {
    if (std::string plan = in.text("tool_plan"); !plan.empty()) {
      message.parts.insert(message.parts.begin(), text_part(std::move(plan)));
      message.parts.front().path = in.path("tool_plan");
    }
    read_calls(in, message);
    in.skip("citations");  // They say where the text is from; no model reads them.
  } else if (in.ok() && in.peek("content") == nullptr) {
    in.refuse(fail(Code::invalid_argument, "{}: is missing", in.path("content")));
  }
  message.extra = in.rest();
  return message;
}

/// Documents stand before the last question.
void read_documents(Fields& in, ChatRequest& request) {
  const json::Array* documents = in.array("documents");
  if (documents == nullptr || documents->empty()) return;
  std::vector<Part> parts;
  for (const json::Value& item : *documents)
    parts.push_back(read_document(item, at("documents", parts.size()), in));
  const auto last = std::find_if(request.messages.rbegin(), request.messages.rend(),
                                 [](const Message& message) { return message.role == Role::user; });
  if (last == request.messages.rend())
    return in.refuse(
        fail(Code::invalid_argument, "documents: need a message of role user to belong to"));
  last->parts.insert(last->parts.begin(), std::make_move_iterator(parts.begin()),
                     std::make_move_iterator(parts.end()));
}

void read_tools(Fields& in, ChatRequest& request) {
  const auto strict = in.flag("strict_tools");
  if (const json::Array* tools = in.array("tools")) {
    for (const json::Value& item : *tools) {
      Fields fields(item, at("tools", request.tools.size()));
      Tool tool;
      tool.path = fields.path();
      fields.skip("type");
      if (const json::Object* function = fields.object("function")) {
        Fields inner(*function, fields.path("function"));
        tool.name = inner.required_text("name");
        tool.description = inner.text("description");
        if (const json::Object* parameters = inner.object("parameters"))
          tool.parameters = *parameters;
        if (auto status = inner.status(); !status) fields.refuse(status.error());
        if (json::Object rest = inner.rest(); !rest.empty())
          tool.extra["function"] = std::move(rest);
      } else {
        fields.refuse(fail(Code::invalid_argument, "{}: is missing", fields.path("function")));
      }
      if (auto status = fields.status(); !status) return in.refuse(status.error());
      merge(tool.extra, fields.rest());
      tool.strict = strict;
      request.tools.push_back(std::move(tool));
    }
  }
  const std::string choice = in.text("tool_choice");
  if (choice == "REQUIRED") request.tool_choice = ToolChoice::required;
  if (choice == "NONE") request.tool_choice = ToolChoice::none;
  if (!choice.empty() && choice != "REQUIRED" && choice != "NONE")
    in.wrong("tool_choice", "REQUIRED or NONE", json::Value(choice));
}

void read_response_format(Fields& in, ChatRequest& request) {
  const json::Object* format = in.object("response_format");
  if (format == nullptr) return;
  Fields fields(*format, in.path("response_format"));
  const std::string type = fields.required_text("type");
  if (type == "json_object") {
    request.response_format.kind = ResponseKind::json_object;
    const json::Object* schema = fields.object("json_schema");
    if (schema == nullptr) schema = fields.object("schema");  // Its name in v1.
    if (schema != nullptr) {
      request.response_format.kind = ResponseKind::json_schema;
      request.response_format.schema = *schema;
    }
  } else if (type != "text" && fields.ok()) {
    fields.wrong("type", "text or json_object", json::Value(type));
  }
  if (auto status = fields.status(); !status) in.refuse(status.error());
}

void read_thinking(Fields& in, ChatRequest& request) {
  const json::Object* thinking = in.object("thinking");
  if (thinking == nullptr) return;
  request.spelled["reasoning_tokens"] = "thinking.token_budget";
  Fields fields(*thinking, in.path("thinking"));
  const std::string type = fields.required_text("type");
  const auto budget = fields.whole("token_budget", {1});
  if (type == "disabled") {
    request.reasoning_tokens = 0;
  } else if (type != "enabled" && fields.ok()) {
    fields.wrong("type", "enabled or disabled", json::Value(type));
  } else if (budget) {
    request.reasoning_tokens = budget;
  } else {
    request.extra["thinking"] = json::Object{{"type", "enabled"}};
  }
  if (auto status = fields.status(); !status) in.refuse(status.error());
}

}  // namespace

Result<ChatRequest> CohereCodec::decode_request(const json::Value& body) const {
  ChatRequest request;
  request.from = dialect();
  Fields in(body, "");
  request.model = in.required_text("model");
  TRY(read_messages(in, [&](Fields& fields) { request.messages.push_back(read_message(fields)); }));
  TRY(in.status());
  read_documents(in, request);
  request.max_tokens = in.whole("max_tokens", {1});
  request.stop = in.texts("stop_sequences");
  request.temperature = in.number("temperature", {0});
  request.seed = in.whole("seed", {0});
  request.frequency_penalty = in.number("frequency_penalty", {0, 1});
  request.presence_penalty = in.number("presence_penalty", {0, 1});
  request.top_k = in.whole("k", {0, 500});
  request.top_p = in.number("p", {0, 1});
  request.spelled = {{"stop", "stop_sequences"}, {"top_k", "k"}, {"top_p", "p"}};
  request.logprobs = in.flag("logprobs").value_or(false);
  request.stream = in.flag("stream").value_or(false);
  read_tools(in, request);
  read_response_format(in, request);
  read_thinking(in, request);
  TRY(in.status());
  merge(request.extra, in.rest());
  return request;
}

}  // namespace slipway::dialects::detail
