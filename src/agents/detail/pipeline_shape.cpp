#include "agents/detail/pipeline_shape.hpp"

#include <algorithm>

namespace slipway::agents::detail {

namespace {

std::string_view role_word(dialects::Role role) {
  switch (role) {
    case dialects::Role::assistant: return "assistant";
    case dialects::Role::system:
    case dialects::Role::developer: return "system";
    case dialects::Role::tool: return "tool";
    default: return "user";
  }
}

Result<std::string> text_of(const dialects::Message& message) {
  std::string text;
  for (const dialects::Part& part : message.parts) {
    if (part.kind == dialects::PartKind::reasoning) continue;
    if (part.kind != dialects::PartKind::text)
      return fail(Code::unsupported, "messages: agents are asked with text, not {}",
                  json::name(part.kind));
    if (!text.empty()) text += '\n';
    text += part.text;
  }
  return text;
}

bool replaces(const Key& key) { return key.reduce == Reduce::last || key.reduce == Reduce::any; }

/// Of a list of messages the last of the assistant; nothing: there is none.
std::optional<std::string> last_reply(const Value& messages) {
  if (!messages.is_list()) return std::nullopt;
  for (std::size_t i = messages.items().size(); i-- > 0;) {
    const Value& message = messages.items()[i];
    if (message.at("role") == Value("assistant") && message.at("content").is_text())
      return message.at("content").text();
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> last_question(const dialects::ChatRequest& request) {
  for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message)
    if (message->role == dialects::Role::user) return text_of(*message);
  return fail(Code::invalid_argument, "messages: there is no message of the user to answer");
}

PipelineShape::PipelineShape(const Agent& agent) : agent_(agent) {
  for (const std::size_t key : agent.input) {
    const Key& one = agent.keys[key];
    if (one.reduce == Reduce::messages && !messages_) messages_ = key;
    const bool takes_text = one.type == Type::text || one.type == Type::any;
    if (takes_text && replaces(one) && !question_) question_ = key;
  }
  for (const std::size_t key : agent.output)
    if (agent.keys[key].type == Type::text && replaces(agent.keys[key]) && key != question_ &&
        !answer_)
      answer_ = key;
  // An agent that rewrites what it was asked with.
  if (!answer_ && agent.output.size() == 1 && agent.output.front() == question_)
    answer_ = question_;
  for (std::size_t i = 0; i < agent.nodes.size(); ++i)
    if (streams(agent.nodes[i], agent.edges[i])) streaming_.push_back(agent.nodes[i].name);
}

bool PipelineShape::streams(const Node& node, const std::vector<Edge>& edges) const {
  const auto* llm = std::get_if<LlmBody>(&node.body);
  if (llm == nullptr || llm->schema || !answer_ || llm->into != answer_ || node.retry.max != 1)
    return false;
  const auto at = static_cast<std::size_t>(&node - agent_.nodes.data());
  return agent_.joins_of[at].empty() && !edges.empty() &&
         std::all_of(edges.begin(), edges.end(), [](const Edge& edge) {
           return edge.target == to_end && !edge.each && edge.on.empty();
         });
}

Result<Value> PipelineShape::input_of(const dialects::ChatRequest& request,
                                      Conversation part) const {
  if (!question_ && !messages_)
    return fail(Code::invalid_argument,
                "agent '{}' has no key in its input that takes text or messages, so it cannot be "
                "asked as a chat model; run it by /api/threads",
                agent_.name);
  Value input = Value::map();
  std::size_t end = request.messages.size();
  if (question_) {
    input.put(agent_.keys[*question_].name, TRY(last_question(request)));
    while (end > 0 && request.messages[end - 1].role != dialects::Role::user) --end;
    if (end > 0) --end;
  }
  if (!messages_) return input;
  std::size_t begin = 0;
  if (part == Conversation::news)
    for (std::size_t i = 0; i < end; ++i)
      if (request.messages[i].role == dialects::Role::assistant) begin = i + 1;
  std::vector<Value> messages;
  for (std::size_t i = begin; i < end; ++i) {
    const dialects::Message& message = request.messages[i];
    if (message.role == dialects::Role::tool || !message.tool_calls.empty())
      return fail(Code::unsupported, "messages: agents call their own tools only");
    std::string text = TRY(text_of(message));
    messages.push_back(
        Value::map({{"role", role_word(message.role)}, {"content", std::move(text)}}));
  }
  if (messages.empty() && !question_)
    return fail(Code::invalid_argument, "messages: there is nothing new to answer");
  input.put(agent_.keys[*messages_].name, Value::list(std::move(messages)));
  return input;
}

std::string PipelineShape::answer_of(const Value& output) const {
  if (answer_)
    if (const Value& text = output.at(agent_.keys[*answer_].name); !text.is_null())
      return in_words(text);
  for (const std::size_t key : agent_.output)
    if (agent_.keys[key].reduce == Reduce::messages)
      if (auto reply = last_reply(output.at(agent_.keys[key].name))) return *std::move(reply);
  std::vector<std::size_t> others;
  for (const std::size_t key : agent_.output)
    if (key != question_) others.push_back(key);
  if (others.size() == 1)
    if (const Value& only = output.at(agent_.keys[others.front()].name); !only.is_null())
      return in_words(only);
  return dump(output);
}

bool PipelineShape::is_of_answer(const Event& event) const {
  if (event.type != "token" || !event.data.at("text").is_text()) return false;
  if (event.data.at("index").is_integer() || in_words(event.data.at("graph")) != "") return false;
  return std::find(streaming_.begin(), streaming_.end(), in_words(event.data.at("node"))) !=
         streaming_.end();
}

}  // namespace slipway::agents::detail
