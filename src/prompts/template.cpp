#include "prompts/template.hpp"

#include <algorithm>
#include <set>

#include "prompts/detail/syntax.hpp"

namespace slipway::prompts {

namespace {

constexpr std::size_t messages_max = 1000, bytes_max = 1u << 20;

struct MessageWire {
  std::optional<std::string> role, content, placeholder;
  std::optional<bool> optional;
};
BOOST_DESCRIBE_STRUCT(MessageWire, (), (role, content, placeholder, optional))
struct TemplateWire {
  std::optional<std::vector<MessageWire>> messages;
  std::optional<std::string> text, syntax, model;
  std::optional<json::Object> parameters;
};
BOOST_DESCRIBE_STRUCT(TemplateWire, (), (messages, text, syntax, model, parameters))

Result<void> check(const Template& written) {
  if (written.messages.empty())
    return fail(Code::invalid_argument, "messages: a prompt has one at least");
  if (written.messages.size() > messages_max)
    return fail(Code::invalid_argument, "messages: {} of them, at most {} are taken",
                written.messages.size(), messages_max);
  std::size_t bytes = 0;
  for (const Message& message : written.messages)
    bytes += message.content.size() + message.role.size() + message.placeholder.size();
  if (bytes > bytes_max)
    return fail(Code::invalid_argument, "messages: {} bytes, at most {} are taken", bytes,
                bytes_max);
  TRY(variables_of(written));
  return {};
}

Result<Message> message_of(const MessageWire& wire) {
  Message message;
  if (wire.placeholder) {
    if (wire.content) return fail(Code::invalid_argument, "has content or a placeholder, not both");
    if (wire.placeholder->empty())
      return fail(Code::invalid_argument, "placeholder: names no variable");
    message.placeholder = *wire.placeholder;
    message.is_optional = wire.optional.value_or(false);
    return message;
  }
  if (!wire.content) return fail(Code::invalid_argument, "content: is missing");
  message.role = wire.role.value_or("user");
  if (message.role.empty()) return fail(Code::invalid_argument, "role: is empty");
  message.content = *wire.content;
  return message;
}

std::string list_of(const std::vector<Variable>& variables) {
  std::string text;
  for (const Variable& one : variables) text += (text.empty() ? "" : ", ") + one.name;
  return text.empty() ? "none" : text;
}

/// The messages that a placeholder's variable holds.
Result<void> add_messages(json::Array& out, const Message& place, const json::Object& variables) {
  const json::Value* value = variables.if_contains(place.placeholder);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_array())
    return fail(Code::invalid_argument, "variable '{}': a list of messages is wanted, got {}",
                place.placeholder, json::kind_name(*value));
  for (const json::Value& one : value->get_array()) {
    if (!one.is_object() || !one.get_object().contains("role"))
      return fail(Code::invalid_argument,
                  "variable '{}': each message is an object with role and content",
                  place.placeholder);
    out.push_back(one);
  }
  return {};
}

}  // namespace

Result<Syntax> parse_syntax(const std::string& name) {
  if (name == "f-string") return Syntax::fstring;
  if (name == "mustache") return Syntax::mustache;
  return fail(Code::invalid_argument, "syntax: '{}' is none of: f-string, mustache",
              name.substr(0, 60));
}

std::string_view name(Syntax syntax) { return syntax == Syntax::fstring ? "f-string" : "mustache"; }

Result<Template> read_template(const json::Value& value) {
  const auto wire = TRY(json::from<TemplateWire>(value));
  Template written;
  if (wire.syntax) written.syntax = TRY(parse_syntax(*wire.syntax));
  if (wire.text.has_value() == wire.messages.has_value())
    return fail(Code::invalid_argument, "a prompt has either messages or text");
  if (wire.text) written.messages.push_back({.role = "user", .content = *wire.text});
  if (wire.messages)
    for (std::size_t i = 0; i < wire.messages->size(); ++i)
      written.messages.push_back(
          TRY(message_of((*wire.messages)[i]).within(fmt::format("messages[{}]", i))));
  written.model = wire.model.value_or("");
  written.parameters = wire.parameters.value_or(json::Object());
  TRY(check(written));
  return written;
}

json::Object template_json(const Template& written) {
  json::Array messages;
  for (const Message& message : written.messages) {
    if (message.placeholder.empty())
      messages.emplace_back(json::Object{{"role", message.role}, {"content", message.content}});
    else
      messages.emplace_back(
          json::Object{{"placeholder", message.placeholder}, {"optional", message.is_optional}});
  }
  json::Object out{{"messages", std::move(messages)}, {"syntax", name(written.syntax)}};
  if (!written.model.empty()) out["model"] = written.model;
  if (!written.parameters.empty()) out["parameters"] = written.parameters;
  return out;
}

Result<std::vector<Variable>> variables_of(const Template& written) {
  std::vector<Variable> all;
  const auto add = [&](Variable variable) {
    for (Variable& known : all)
      if (known.name == variable.name) {
        known.is_required = known.is_required || variable.is_required;
        return;
      }
    all.push_back(std::move(variable));
  };
  for (std::size_t i = 0; i < written.messages.size(); ++i) {
    const Message& message = written.messages[i];
    if (!message.placeholder.empty()) {
      add({message.placeholder, !message.is_optional, true});
      continue;
    }
    const auto parsed = TRY(detail::parse_text(written.syntax, message.content)
                                .within(fmt::format("messages[{}].content", i)));
    for (Variable& variable : detail::variables_in(parsed)) add(std::move(variable));
  }
  return all;
}

Result<json::Array> render(const Template& written, const json::Object& variables) {
  const auto known = TRY(variables_of(written));
  for (const Variable& one : known)
    if (one.is_required && !variables.contains(one.name))
      return fail(Code::invalid_argument, "variable '{}' is missing; this prompt has: {}", one.name,
                  list_of(known));
  for (const auto& [key, value] : variables)
    if (std::none_of(known.begin(), known.end(), [&, &name = key](const Variable& one) {
          return one.name == std::string_view(name);
        }))
      return fail(Code::invalid_argument, "variable '{}' is not in this prompt; it has: {}",
                  std::string_view(key).substr(0, 100), list_of(known));
  json::Array out;
  for (const Message& message : written.messages) {
    if (!message.placeholder.empty()) {
      TRY(add_messages(out, message, variables));
      continue;
    }
    const auto parsed = TRY(detail::parse_text(written.syntax, message.content));
    std::string content = TRY(detail::render_text(parsed, variables));
    out.push_back(json::Object{{"role", message.role}, {"content", std::move(content)}});
  }
  return out;
}

}  // namespace slipway::prompts
