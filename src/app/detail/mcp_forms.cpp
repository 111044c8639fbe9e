#include "app/detail/mcp_forms.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view argument_prefix = "args_";
/// More is not shown for changing: nobody reads such a form.
constexpr std::size_t arguments_max = 20, argument_bytes_max = 16u << 10;

bool is_plain(const json::Value& value) {
  return value.is_string() || value.is_number() || value.is_bool();
}

/// The arguments that are asked about; null: there are none, or too many for a form.
json::Value arguments_of(const agents::Interrupt& interrupt) {
  json::Value args = agents::to_json(interrupt.value.at("args"));
  if (!args.is_object() || args.get_object().size() > arguments_max ||
      json::dump(args).size() > argument_bytes_max)
    return {};
  return args;
}

json::Object field_of(std::string_view name, const json::Value& value) {
  if (value.is_bool()) return {{"type", "boolean"}, {"title", name}, {"default", value}};
  if (value.is_int64() || value.is_uint64())
    return {{"type", "integer"}, {"title", name}, {"default", value}};
  if (value.is_number()) return {{"type", "number"}, {"title", name}, {"default", value}};
  if (value.is_string()) return {{"type", "string"}, {"title", name}, {"default", value}};
  return {{"type", "string"},
          {"title", fmt::format("{} (JSON)", name)},
          {"default", json::dump(value)}};
}

json::Object approval_form(const agents::Interrupt& interrupt) {
  json::Object form{
      {"decision", json::Object{{"type", "string"},
                                {"enum", json::Array{"approve", "reject"}},
                                {"description", "Whether it may be done"}}},
      {"reason", json::Object{{"type", "string"}, {"description", "Of a rejection"}}}};
  const json::Value args = arguments_of(interrupt);
  if (args.is_object())
    for (const auto& [name, value] : args.get_object())
      form[std::string(argument_prefix) + std::string(name)] = field_of(name, value);
  return form;
}

json::Object form_of(const agents::Interrupt& interrupt) {
  if (interrupt.kind == "approval") return approval_form(interrupt);
  if (interrupt.kind == "budget")
    return {{"tokens", json::Object{{"type", "integer"}, {"minimum", 0}}},
            {"usd", json::Object{{"type", "number"}, {"minimum", 0}}},
            {"calls", json::Object{{"type", "integer"}, {"minimum", 0}}}};
  if (interrupt.kind == "effect")
    return {{"outcome", json::Object{{"type", "string"},
                                     {"enum", json::Array{"done", "retry", "fail"}},
                                     {"description", "What became of the call"}}},
            {"detail",
             json::Object{{"type", "string"}, {"description", "Its result, or why it failed"}}}};
  return {{"answer", json::Object{{"type", "string"}}}};
}

/// The schema that a `human` node gives, if a form can show it.
std::optional<json::Object> schema_of_human(const agents::Interrupt& interrupt) {
  const json::Value value = agents::to_json(interrupt.value);
  if (!value.is_object()) return std::nullopt;
  const json::Object& schema = mcp::object_of(value.get_object(), "schema");
  if (mcp::text_of(schema, "type") != "object") return std::nullopt;
  for (const auto& [name, property] : mcp::object_of(schema, "properties")) {
    const std::string type =
        property.is_object() ? mcp::text_of(property.get_object(), "type") : std::string();
    if (type != "string" && type != "number" && type != "integer" && type != "boolean")
      return std::nullopt;
  }
  return schema;
}

agents::Value rejection(const std::string& reason) {
  return agents::from_json(json::Object{{"reject", json::Object{{"reason", reason}}}});
}

/// As it was called, or with what the person changed.
Result<std::optional<agents::Value>> approved(const agents::Interrupt& interrupt,
                                              const json::Object& content) {
  const json::Value args = arguments_of(interrupt);
  if (!args.is_object()) return std::optional<agents::Value>("approve");
  json::Object changed = args.get_object();
  for (auto& entry : changed) {
    const std::string field = std::string(argument_prefix) + std::string(entry.key());
    const json::Value* given = content.if_contains(field);
    if (given == nullptr || given->is_null()) continue;
    if (is_plain(entry.value()) || !given->is_string()) {
      entry.value() = *given;
      continue;
    }
    entry.value() =
        TRY(json::parse(given->get_string())
                .within(fmt::format("'{}' must be JSON", std::string_view(entry.key()))));
  }
  if (changed == args.get_object()) return std::optional<agents::Value>("approve");
  return std::optional(agents::from_json(
      json::Object{{"edit", json::Object{{"args", json::Value(std::move(changed))}}}}));
}

}  // namespace

std::string words_of(const agents::Interrupt& interrupt) {
  const agents::Value& ask = interrupt.value.at("ask");
  if (ask.is_text()) return ask.text();
  return fmt::format("{} of '{}': {}", interrupt.kind, interrupt.node,
                     json::dump(agents::to_json(interrupt.value)));
}

mcp::Question question_of(const agents::Interrupt& interrupt) {
  json::Object schema{{"type", "object"}, {"properties", form_of(interrupt)}};
  if (interrupt.kind == "approval")
    schema["required"] = json::Array{"decision"};
  else if (interrupt.kind == "effect")
    schema["required"] = json::Array{"outcome"};
  else if (auto own = schema_of_human(interrupt); own && interrupt.kind == "human")
    schema = std::move(*own);
  else if (interrupt.kind == "human")
    schema["required"] = json::Array{"answer"};
  return {.key = interrupt.id,
          .method = "elicitation/create",
          .params = {{"message", words_of(interrupt)}, {"requestedSchema", std::move(schema)}}};
}

Result<std::optional<agents::Value>> answer_of(const agents::Interrupt& interrupt,
                                               const json::Object& answer) {
  const bool is_accepted = mcp::text_of(answer, "action") == "accept";
  const json::Object& content = mcp::object_of(answer, "content");
  if (interrupt.kind == "approval") {
    if (mcp::text_of(answer, "action") == "decline") return std::optional(rejection("declined"));
    if (!is_accepted) return std::optional<agents::Value>();
    if (mcp::text_of(content, "decision") == "approve") return approved(interrupt, content);
    return std::optional(rejection(mcp::text_of(content, "reason")));
  }
  if (!is_accepted) return std::optional<agents::Value>();
  if (interrupt.kind == "budget")
    return std::optional(agents::from_json(json::Object{{"add", content}}));
  if (interrupt.kind == "effect") {
    const std::string outcome = mcp::text_of(content, "outcome");
    const std::string detail = mcp::text_of(content, "detail");
    if (outcome == "retry") return std::optional(agents::from_json(json::Object{{"retry", true}}));
    return std::optional(agents::from_json(json::Object{{outcome, detail}}));
  }
  if (schema_of_human(interrupt)) return std::optional(agents::from_json(content));
  return std::optional(agents::Value(mcp::text_of(content, "answer")));
}

std::string_view answer_format(const agents::Interrupt& interrupt) {
  if (interrupt.kind == "approval")
    return R"("approve", {"reject": {"reason": "..."}} or {"edit": {"args": {...}}})";
  if (interrupt.kind == "budget") return R"({"add": {"tokens": N, "usd": N, "calls": N}})";
  if (interrupt.kind == "effect") return R"({"done": RESULT}, {"retry": true} or {"fail": "why"})";
  return "what is asked for";
}

}  // namespace slipway::app::detail
