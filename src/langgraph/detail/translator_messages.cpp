// What models say, as messages and pieces of them.
#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

Value ai_message(const std::string& id, const std::string& text, const Value& calls) {
  return message_out(
      Value::map({{"role", "assistant"}, {"id", id}, {"content", text}, {"tool_calls", calls}}));
}

Value ai_chunk(const std::string& id, const std::string& text, const Value& calls) {
  Value chunk = ai_message(id, text, calls);
  chunk.put("type", "AIMessageChunk");
  Value pieces = Value::list();
  std::int64_t place = 0;
  for (const Value& call : chunk.at("tool_calls").items())
    pieces.push(Value::map({{"name", call.at("name")},
                            {"args", agents::dump(call.at("args"))},
                            {"id", call.at("id")},
                            {"index", place++},
                            {"type", "tool_call_chunk"}}));
  chunk.put("tool_call_chunks", pieces);
  return chunk;
}

namespace {

std::string key_of(const std::string& scope, const std::string& node, int index) {
  return fmt::format("{}/{}[{}]", scope, node, index);
}

}  // namespace

void Translator::message(const Where& where, Message& message, const Value& whole,
                         const Value& piece) {
  if (!where.scope.empty() && !options_.has_subgraphs) return;
  if (wants("messages-tuple")) {
    std::string event = "messages";
    if (!where.scope.empty()) event += "|" + name_space(where.scope);
    out_.push_back({std::move(event), Value::list({piece, message_metadata(where)})});
    return;
  }
  if (!wants("messages")) return;
  if (!std::exchange(message.is_told, true))
    out_.push_back(
        {"messages/metadata",
         Value::map({{message.id, Value::map({{"metadata", message_metadata(where)}})}})});
  const bool is_piece = piece.at("type") == Value("AIMessageChunk");
  out_.push_back({is_piece ? "messages/partial" : "messages/complete", Value::list({whole})});
}

std::string Translator::message_id(const Value& data) const {
  const Where where = where_of(data);
  return "run-" + uuid_of_name(fmt::format("slipway:message:{}:{}", options_.run,
                                           data.at("call").is_null()
                                               ? key_of(where.scope, where.node, where.index)
                                               : agents::dump(data.at("call"))));
}

Translator::Message& Translator::message_of(const Value& data) {
  Message& said = messages_[agents::dump(data.at("call"))];
  if (said.id.empty()) said.id = message_id(data);
  return said;
}

void Translator::model(const Value& data) {
  // A summary is for the model that goes on, and nothing that anybody said.
  if (!(data.at("state") == Value("done")) || data.at("summary") == Value(true)) return;
  const Where where = where_of(data);
  Message said = message_of(data);
  messages_.erase(agents::dump(data.at("call")));
  talkers_.insert(key_of(where.scope, where.node, where.index));
  const std::string text = data.at("text").is_text() ? data.at("text").text() : "";
  const Value& calls = data.at("tool_calls");
  const bool has_calls = calls.is_list() && !calls.items().empty();
  if (!said.text.empty() && !has_calls) return;  // It was told as it came.
  const std::string rest = said.text.empty() ? text : "";
  message(where, said, ai_message(said.id, text, calls), ai_chunk(said.id, rest, calls));
}

void Translator::token(const Value& data) {
  if (!data.at("text").is_text() || data.at("text").text().empty()) return;
  Message& said = message_of(data);
  const std::string& text = data.at("text").text();
  said.text += text;
  message(where_of(data), said, ai_message(said.id, said.text, Value()),
          ai_chunk(said.id, text, Value()));
}

void Translator::written_messages(const Where& where, const Value& writes) {
  const agents::Agent* agent = agent_at(*options_.agent, where.scope);
  const bool has_talked = talkers_.erase(key_of(where.scope, where.node, where.index)) > 0;
  if (agent == nullptr || !writes.is_map()) return;
  for (const agents::Key& key : agent->keys) {
    if (key.reduce != agents::Reduce::messages || !writes.at(key.name).is_list()) continue;
    for (const Value& one : writes.at(key.name).items()) {
      if (has_talked && one.at("type") == Value("ai")) continue;  // Told as the model said it.
      if (one.find("summary_of") != nullptr) continue;
      Message said{.id = one.at("id").is_text() ? one.at("id").text() : ""};
      message(where, said, one, one);
    }
  }
}

}  // namespace slipway::langgraph::detail
