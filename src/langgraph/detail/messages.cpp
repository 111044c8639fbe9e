#include "langgraph/detail/messages.hpp"

#include <array>

namespace slipway::langgraph::detail {

namespace {

struct Role {
  std::string_view role, type;
};
constexpr std::array<Role, 5> roles = {{{"user", "human"},
                                        {"assistant", "ai"},
                                        {"system", "system"},
                                        {"tool", "tool"},
                                        {"developer", "system"}}};

std::string type_of(std::string_view role) {
  for (const Role& one : roles)
    if (one.role == role) return std::string(one.type);
  return std::string(role);
}

std::string role_of(std::string_view type) {
  for (const Role& one : roles)
    if (one.type == type) return std::string(one.role);
  if (type == "AIMessageChunk" || type == "AIMessage") return "assistant";
  if (type == "HumanMessage" || type == "HumanMessageChunk") return "user";
  return std::string(type);
}

Value calls_out(const Value& calls) {
  std::vector<Value> made;
  if (calls.is_list())
    for (const Value& call : calls.items())
      made.push_back(Value::map({{"name", call.at("name")},
                                 {"args", call.at("args")},
                                 {"id", call.at("id")},
                                 {"type", "tool_call"}}));
  return Value::list(std::move(made));
}

Value calls_in(const Value& calls) {
  std::vector<Value> made;
  for (const Value& call : calls.items())
    made.push_back(
        Value::map({{"id", call.at("id")}, {"name", call.at("name")}, {"args", call.at("args")}}));
  return Value::list(std::move(made));
}

Value each(const Value& list, Value (*change)(const Value&)) {
  if (!list.is_list()) return change(list);
  std::vector<Value> made;
  made.reserve(list.items().size());
  for (const Value& item : list.items()) made.push_back(change(item));
  return Value::list(std::move(made));
}

Value convert(const agents::Agent& agent, const Value& values, Value (*change)(const Value&)) {
  if (!values.is_map()) return values;
  Value made = values;
  for (const agents::Key& key : agent.keys)
    if (key.reduce == agents::Reduce::messages)
      if (const Value* found = values.find(key.name); found != nullptr && !found->is_null())
        made.put(key.name, each(*found, change));
  return made;
}

bool is_text(const Value* value) { return value != nullptr && value->is_text(); }

}  // namespace

Value message_out(const Value& message) {
  if (!message.is_map() || !is_text(message.find("role"))) return message;
  const std::string type = type_of(message.at("role").text());
  Value made = Value::map({{"content", message.at("content")},
                           {"additional_kwargs", Value::map()},
                           {"response_metadata", Value::map()},
                           {"type", type},
                           {"name", message.at("name")},
                           {"id", message.at("id")}});
  if (type == "ai") {
    made.put("tool_calls", calls_out(message.at("tool_calls")));
    made.put("invalid_tool_calls", Value::list());
    made.put("usage_metadata", message.at("usage_metadata"));
  }
  if (type == "tool") {
    made.put("tool_call_id", message.at("tool_call_id"));
    made.put("artifact", Value());
    made.put("status", message.at("is_error") == Value(true) ? "error" : "success");
  }
  for (const auto& [key, value] : message.entries().items)
    if (key != "role" && key != "is_error" && made.find(key) == nullptr) made.put(key, value);
  return made;
}

Value message_in(const Value& message) {
  if (message.is_text()) return Value::map({{"role", "user"}, {"content", message}});
  if (message.is_list() && message.items().size() == 2 && message.items()[0].is_text())
    return Value::map(
        {{"role", role_of(message.items()[0].text())}, {"content", message.items()[1]}});
  if (!message.is_map()) return message;
  const Value* kind = message.find(message.find("role") == nullptr ? "type" : "role");
  if (!is_text(kind)) return message;
  Value made = Value::map({{"role", role_of(kind->text())}, {"content", message.at("content")}});
  for (const auto& [key, value] : message.entries().items) {
    const bool says_nothing = value.is_null() ||
                              (value.is_map() && value.entries().items.empty()) ||
                              (value.is_list() && value.items().empty());
    if (key == "role" || key == "type" || key == "content" || says_nothing) continue;
    if (key == "status")
      made.put("is_error", value == Value("error"));
    else if (key == "tool_calls" && value.is_list())
      made.put("tool_calls", calls_in(value));
    else
      made.put(key, value);
  }
  return made;
}

Value state_out(const agents::Agent& agent, const Value& values) {
  return convert(agent, values, message_out);
}

Value state_in(const agents::Agent& agent, const Value& values) {
  return convert(agent, values, message_in);
}

const agents::Agent* sub_agent(const agents::Node& node) {
  const agents::Node* inner = &node;
  if (const auto* map = std::get_if<agents::MapBody>(&node.body)) inner = map->body.get();
  const auto* graph = inner == nullptr ? nullptr : std::get_if<agents::GraphBody>(&inner->body);
  return graph == nullptr ? nullptr : graph->agent.get();
}

const agents::Agent* agent_at(const agents::Agent& agent, std::string_view path) {
  const agents::Agent* at = &agent;
  while (!path.empty() && at != nullptr) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    const auto node = at->node(name);
    at = node ? sub_agent(at->nodes[*node]) : nullptr;
  }
  return at;
}

}  // namespace slipway::langgraph::detail
