// Messages of the Model Context Protocol: JSON-RPC 2.0, its revisions, its error codes.
//
// Two eras share the messages. Legacy revisions (to 2025-11-25) begin with `initialize` and keep a
// session; the modern one (2026-07-28) says all of it in the `_meta` of every request.
// Source: modelcontextprotocol.io/specification, both revisions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/json.hpp"

namespace slipway::mcp {

inline constexpr std::string_view modern_version = "2026-07-28";
/// Newest first.
inline constexpr std::string_view legacy_versions[] = {"2025-11-25", "2025-06-18", "2025-03-26",
                                                       "2024-11-05"};
/// Whether it is one of those.
bool is_legacy(std::string_view version);

/// Keys of `_meta`.
namespace meta {
inline constexpr std::string_view protocol_version = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view client_info = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view client_capabilities =
    "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view log_level = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view server_info = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view subscription = "io.modelcontextprotocol/subscriptionId";
}  // namespace meta

/// Codes of errors.
namespace code {
inline constexpr int parse_error = -32700, invalid_request = -32600, method_not_found = -32601,
                     invalid_params = -32602, internal_error = -32603;
inline constexpr int resource_not_found = -32002;  ///< Legacy; modern: invalid_params.
inline constexpr int header_mismatch = -32020, missing_capability = -32021,
                     unsupported_version = -32022;  ///< Modern.
}  // namespace code

struct RpcError {
  int code = code::internal_error;
  std::string message;
  json::Value data;  ///< Null: none.
};

/// One message. What has an id and a method is a request, what has no id a notification, what has
/// no method an answer.
struct Message {
  json::Value id;  ///< A string or a whole number; null: none.
  std::string method;
  json::Object params;
  std::optional<json::Object> result;
  std::optional<RpcError> error;

  bool is_request() const { return !method.empty() && !id.is_null(); }
  bool is_notification() const { return !method.empty() && id.is_null(); }
  bool is_answer() const { return method.empty(); }
  /// `_meta` of the params, or an empty object.
  const json::Object& meta() const;
};

/// What came is no message: the error to answer with, and the id if one could be read.
struct BadMessage {
  json::Value id;
  RpcError error;
};
using Decoded = std::variant<Message, BadMessage>;

/// One message of a JSON value.
Decoded decode(const json::Value& value);
struct DecodedText {
  std::vector<Decoded> messages;  ///< At least one.
  bool is_batch = false;
};
/// One message, or a batch of revision 2025-03-26, at most 100.
DecodedText decode_text(std::string_view text);

/// "42", "\"a\"": what an id is looked up by.
std::string id_key(const json::Value& id);

json::Object make_request(const json::Value& id, std::string_view method, json::Object params);
json::Object make_notification(std::string_view method, json::Object params);
json::Object make_result(const json::Value& id, json::Object result);
/// Without an id if it is null.
json::Object make_error(const json::Value& id, const RpcError& error);

/// The string of that name; empty when there is none.
std::string text_of(const json::Object& object, std::string_view key);
/// The object of that name, or an empty one.
const json::Object& object_of(const json::Object& object, std::string_view key);

/// Of log messages, least first: debug 0 ... emergency 7; nothing for other words.
std::optional<int> log_rank(std::string_view level);

}  // namespace slipway::mcp
