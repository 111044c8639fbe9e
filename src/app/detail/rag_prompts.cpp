#include "app/detail/rag_prompts.hpp"

namespace slipway::app::detail {

namespace {

/// "user", "system" and "assistant"; LangChain's "human" and "ai" are the first and the last.
Result<models::Role> role_of(std::string_view name) {
  if (name == "user" || name == "human") return models::Role::user;
  if (name == "system") return models::Role::system;
  if (name == "assistant" || name == "ai") return models::Role::assistant;
  return fail(Code::unsupported, "a message of role '{}' cannot be part of an answer", name);
}

Result<std::vector<models::Message>> messages_of(const prompts::Template& written,
                                                 const json::Object& variables) {
  json::Object known;
  for (const prompts::Variable& one : TRY(prompts::variables_of(written)))
    if (const json::Value* value = variables.if_contains(one.name)) known[one.name] = *value;
  std::vector<models::Message> messages;
  for (const json::Value& message : TRY(prompts::render(written, known)))
    messages.push_back({TRY(role_of(message.at("role").as_string())),
                        std::string(message.at("content").as_string())});
  return messages;
}

}  // namespace

rag::PromptChooser rag_prompts(store::Database& database) {
  auto all = std::make_shared<prompts::Prompts>(database);
  return [all](const Context& context, const std::string& reference,
               const std::string& sticky) -> Result<rag::ChosenPromptPtr> {
    prompts::Chosen chosen = TRY(all->choose(context, reference, sticky));
    auto prompt = std::make_shared<rag::ChosenPrompt>();
    prompt->name = chosen.name;
    prompt->version = std::to_string(chosen.version);
    prompt->reference = fmt::format("{}@{}", chosen.name, chosen.version);
    prompt->model = chosen.written.model;
    prompt->parameters = chosen.written.parameters;
    prompt->render =
        [written = std::move(chosen.written),
         place = fmt::format("prompt '{}'", prompt->reference)](const json::Object& variables) {
          return messages_of(written, variables).within(place);
        };
    return rag::ChosenPromptPtr(std::move(prompt));
  };
}

}  // namespace slipway::app::detail
