// Prompts as LangChain writes them down: constructors of classes with their arguments.
#include <set>

#include "prompts/template.hpp"

namespace slipway::prompts {

namespace {

const json::Object& none() {
  static const json::Object empty;
  return empty;
}

const json::Object& object_in(const json::Object& object, std::string_view name) {
  const json::Value* value = object.if_contains(name);
  return value != nullptr && value->is_object() ? value->get_object() : none();
}

std::string text_in(const json::Object& object, std::string_view name) {
  const json::Value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

/// The class, the last of its id.
std::string class_of(const json::Object& object) {
  const json::Value* id = object.if_contains("id");
  if (id == nullptr || !id->is_array() || id->get_array().empty() ||
      !id->get_array().back().is_string())
    return "";
  return std::string(id->get_array().back().get_string());
}

json::Object constructor(std::vector<std::string> id, json::Object kwargs) {
  const std::string name = id.back();
  return {{"lc", 1},
          {"type", "constructor"},
          {"id", json::to(id)},
          {"kwargs", std::move(kwargs)},
          {"name", name}};
}

json::Array names_in(const Template& written, const std::string& content) {
  Template one;
  one.syntax = written.syntax;
  one.messages.push_back({.role = "user", .content = content});
  json::Array names;
  if (const auto variables = variables_of(one))
    for (const Variable& variable : *variables) names.emplace_back(variable.name);
  return names;
}

constexpr std::pair<std::string_view, std::string_view> roles[] = {
    {"system", "SystemMessagePromptTemplate"},
    {"user", "HumanMessagePromptTemplate"},
    {"assistant", "AIMessagePromptTemplate"}};

json::Object message_manifest(const Template& written, const Message& message) {
  if (!message.placeholder.empty())
    return constructor({"langchain", "prompts", "chat", "MessagesPlaceholder"},
                       {{"variable_name", message.placeholder}, {"optional", message.is_optional}});
  json::Object text = constructor({"langchain", "prompts", "prompt", "PromptTemplate"},
                                  {{"input_variables", names_in(written, message.content)},
                                   {"template", message.content},
                                   {"template_format", name(written.syntax)}});
  for (const auto& [role, type] : roles)
    if (role == message.role)
      return constructor({"langchain", "prompts", "chat", std::string(type)},
                         {{"prompt", std::move(text)}});
  return constructor({"langchain", "prompts", "chat", "ChatMessagePromptTemplate"},
                     {{"prompt", std::move(text)}, {"role", message.role}});
}

Error unsupported(std::string_view what) {
  return fail(Code::unsupported,
              "this prompt cannot be rendered here: {}; it can be pulled by LangChain's client",
              what);
}

/// Adds a PromptTemplate's text.
Result<void> take_text(Template& written, const json::Object& prompt, const std::string& role) {
  if (class_of(prompt) != "PromptTemplate")
    return unsupported(fmt::format("it holds a {}", class_of(prompt).substr(0, 60)));
  const json::Object& kwargs = object_in(prompt, "kwargs");
  const std::string format = text_in(kwargs, "template_format");
  const Syntax syntax = TRY(parse_syntax(format.empty() ? "f-string" : format));
  if (!written.messages.empty() && syntax != written.syntax)
    return unsupported("its messages are written in two syntaxes");
  written.syntax = syntax;
  written.messages.push_back({.role = role, .content = text_in(kwargs, "template")});
  return {};
}

Result<void> take_message(Template& written, const json::Object& message) {
  const std::string type = class_of(message);
  const json::Object& kwargs = object_in(message, "kwargs");
  if (type == "MessagesPlaceholder") {
    const json::Value* is_optional = kwargs.if_contains("optional");
    written.messages.push_back({.placeholder = text_in(kwargs, "variable_name"),
                                .is_optional = is_optional != nullptr && is_optional->is_bool() &&
                                               is_optional->get_bool()});
    return {};
  }
  std::string role;
  for (const auto& [name, of_class] : roles)
    if (of_class == type) role = name;
  if (type == "ChatMessagePromptTemplate") role = text_in(kwargs, "role");
  // A message without variables: its braces are signs.
  constexpr std::pair<std::string_view, std::string_view> fixed[] = {
      {"SystemMessage", "system"}, {"HumanMessage", "user"}, {"AIMessage", "assistant"}};
  for (const auto& [of_class, name] : fixed)
    if (of_class == type) {
      std::string content;
      for (const char c : text_in(kwargs, "content")) {
        content += c;
        if (written.syntax == Syntax::fstring && (c == '{' || c == '}')) content += c;
      }
      written.messages.push_back({.role = std::string(name), .content = std::move(content)});
      return {};
    }
  if (role.empty()) return unsupported(fmt::format("it holds a {}", type.substr(0, 60)));
  return take_text(written, object_in(kwargs, "prompt"), role);
}

/// Model and parameters of the last step of a sequence.
void take_model(Template& written, const json::Object& last) {
  const json::Object& outer = object_in(last, "kwargs");
  const json::Object& bound = outer.contains("bound") ? object_in(outer, "bound") : last;
  const json::Object& kwargs = object_in(bound, "kwargs");
  for (const char* member : {"model", "model_name"})
    if (const std::string model = text_in(kwargs, member); !model.empty()) written.model = model;
  for (const char* member : {"temperature", "max_tokens", "top_p", "frequency_penalty",
                             "presence_penalty", "seed", "stop"})
    if (const json::Value* value = kwargs.if_contains(member);
        value != nullptr && !value->is_null())
      written.parameters[member] = *value;
}

}  // namespace

json::Object manifest_of(const Template& written) {
  json::Array messages, names;
  json::Array optional;
  json::Object partial;
  std::set<std::string, std::less<>> seen;
  for (const Message& message : written.messages)
    messages.emplace_back(message_manifest(written, message));
  if (const auto variables = variables_of(written))
    for (const Variable& variable : *variables) {
      if (variable.is_required || !variable.is_list) {
        names.emplace_back(variable.name);
        continue;
      }
      optional.emplace_back(variable.name);
      partial[variable.name] = json::Array();
    }
  json::Object kwargs{{"input_variables", std::move(names)}, {"messages", std::move(messages)}};
  if (!optional.empty()) {
    kwargs["optional_variables"] = std::move(optional);
    kwargs["partial_variables"] = std::move(partial);
  }
  json::Object prompt =
      constructor({"langchain", "prompts", "chat", "ChatPromptTemplate"}, std::move(kwargs));
  if (written.model.empty()) return prompt;
  json::Object model = written.parameters;
  model["model"] = written.model;
  model["openai_api_key"] =
      json::Object{{"lc", 1}, {"type", "secret"}, {"id", json::Array{"OPENAI_API_KEY"}}};
  json::Object bound = constructor(
      {"langchain", "schema", "runnable", "RunnableBinding"},
      {{"bound",
        constructor({"langchain", "chat_models", "openai", "ChatOpenAI"}, std::move(model))},
       {"kwargs", json::Object()}});
  return constructor({"langchain", "schema", "runnable", "RunnableSequence"},
                     {{"first", std::move(prompt)}, {"last", std::move(bound)}});
}

Result<Template> template_of_manifest(const json::Object& manifest) {
  TRY(check_manifest(manifest));
  const std::string type = class_of(manifest);
  const json::Object& kwargs = object_in(manifest, "kwargs");
  Template written;
  if (type == "RunnableSequence" || type == "PromptPlayground") {
    written = TRY(template_of_manifest(object_in(kwargs, "first")));
    take_model(written, object_in(kwargs, "last"));
    return written;
  }
  if (type == "PromptTemplate") {
    TRY(take_text(written, manifest, "user"));
  } else {
    const json::Value* messages = kwargs.if_contains("messages");
    if (messages == nullptr || !messages->is_array())
      return unsupported(fmt::format("a {} without messages", type.substr(0, 60)));
    for (const json::Value& message : messages->get_array())
      TRY(take_message(written, message.is_object() ? message.get_object() : none()));
  }
  TRY(variables_of(written));
  return written;
}

Result<void> check_manifest(const json::Object& manifest) {
  if (!manifest.contains("id"))
    return fail(Code::invalid_argument, "Manifest must have an id field");
  const std::string type = class_of(manifest);
  constexpr std::string_view known[] = {
      "ChatPromptTemplate",    "PromptTemplate",         "StructuredPrompt",    "RunnableSequence",
      "FewShotPromptTemplate", "PipelinePromptTemplate", "ImagePromptTemplate", "PromptPlayground"};
  for (const std::string_view one : known)
    if (one == type) return {};
  return fail(Code::invalid_argument, "Manifest type {} is not supported", type.substr(0, 60));
}

}  // namespace slipway::prompts
