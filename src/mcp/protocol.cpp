#include "mcp/protocol.hpp"

#include <algorithm>

namespace slipway::mcp {

namespace {

constexpr std::size_t batch_max = 100;

const json::Object& no_members() {
  static const json::Object none;
  return none;
}

bool is_id(const json::Value& id) { return id.is_string() || id.is_int64() || id.is_uint64(); }

BadMessage bad(json::Value id, std::string why) {
  return {.id = std::move(id), .error = {code::invalid_request, std::move(why), {}}};
}

/// An error's code that is no whole number is taken for `internal_error`.
RpcError read_error(const json::Object& object) {
  RpcError error{.code = code::internal_error, .message = text_of(object, "message"), .data = {}};
  if (const auto* number = object.if_contains("code"); number && number->is_int64()) {
    const std::int64_t wide = number->get_int64();
    if (wide >= INT32_MIN && wide <= INT32_MAX) error.code = static_cast<int>(wide);
  }
  if (const auto* data = object.if_contains("data")) error.data = *data;
  return error;
}

}  // namespace

bool is_legacy(std::string_view version) {
  return std::find(std::begin(legacy_versions), std::end(legacy_versions), version) !=
         std::end(legacy_versions);
}

const json::Object& Message::meta() const { return object_of(params, "_meta"); }

Decoded decode(const json::Value& value) {
  if (!value.is_object())
    return bad({}, "a message is a JSON object, got " + std::string(json::kind_name(value)));
  const json::Object& object = value.get_object();
  Message message;
  const auto* id = object.if_contains("id");
  if (id != nullptr && !id->is_null()) {
    if (!is_id(*id)) return bad({}, "id: a string or a whole number is expected");
    message.id = *id;
  }
  if (text_of(object, "jsonrpc") != "2.0") return bad(message.id, "jsonrpc: \"2.0\" is expected");
  if (const auto* method = object.if_contains("method")) {
    if (!method->is_string() || method->get_string().empty())
      return bad(message.id, "method: a text is expected");
    if (id != nullptr && id->is_null()) return bad({}, "id: null is no id of a request");
    message.method = std::string(method->get_string());
    if (const auto* params = object.if_contains("params"); params && !params->is_null()) {
      if (!params->is_object()) return bad(message.id, "params: an object is expected");
      message.params = params->get_object();
    }
    return message;
  }
  if (const auto* result = object.if_contains("result")) {
    if (!result->is_object()) return bad(message.id, "result: an object is expected");
    message.result = result->get_object();
  } else if (const auto* error = object.if_contains("error")) {
    if (!error->is_object()) return bad(message.id, "error: an object is expected");
    message.error = read_error(error->get_object());
  } else {
    return bad(message.id, "a message has a method, a result or an error");
  }
  if (message.id.is_null() && !message.error) return bad({}, "an answer has an id");
  return message;
}

DecodedText decode_text(std::string_view text) {
  const auto value = json::parse(text);
  if (!value)
    return {.messages = {BadMessage{{}, {code::parse_error, value.error().message(), {}}}}};
  if (!value->is_array()) return {.messages = {decode(*value)}};
  DecodedText decoded{.messages = {}, .is_batch = true};
  const json::Array& batch = value->get_array();
  if (batch.empty() || batch.size() > batch_max)
    return {.messages = {bad({}, fmt::format("a batch holds 1 to {} messages, got {}", batch_max,
                                             batch.size()))}};
  for (const json::Value& one : batch) decoded.messages.push_back(decode(one));
  return decoded;
}

std::string id_key(const json::Value& id) { return json::dump(id); }

json::Object make_request(const json::Value& id, std::string_view method, json::Object params) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

json::Object make_notification(std::string_view method, json::Object params) {
  json::Object message{{"jsonrpc", "2.0"}, {"method", method}};
  if (!params.empty()) message["params"] = std::move(params);
  return message;
}

json::Object make_result(const json::Value& id, json::Object result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

json::Object make_error(const json::Value& id, const RpcError& error) {
  json::Object inner{{"code", error.code}, {"message", error.message}};
  if (!error.data.is_null()) inner["data"] = error.data;
  json::Object message{{"jsonrpc", "2.0"}};
  if (!id.is_null()) message["id"] = id;
  message["error"] = std::move(inner);
  return message;
}

std::string text_of(const json::Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

const json::Object& object_of(const json::Object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found && found->is_object() ? found->get_object() : no_members();
}

std::optional<int> log_rank(std::string_view level) {
  constexpr std::string_view levels[] = {"debug", "info",     "notice", "warning",
                                         "error", "critical", "alert",  "emergency"};
  for (int rank = 0; rank < 8; ++rank)
    if (levels[rank] == level) return rank;
  return std::nullopt;
}

}  // namespace slipway::mcp
