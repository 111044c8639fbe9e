#include "eval/judge_prompts.hpp"

#include <algorithm>
#include <array>

#include "core/files.hpp"
#include "core/yaml.hpp"
#include "eval/detail/builtin_prompts.hpp"
#include "prompts/template.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t prompt_bytes_max = 64u << 10;
constexpr std::string_view system_name = "system";

/// A prompt file's members, as they are written.
struct PromptFile {
  int version = 1;
  std::string ask, form;
  json::Object schema;
  std::vector<std::string> optional;
  static constexpr std::array<std::string_view, 2> required{"version", "ask"};
  Result<void> validate() const {
    if (version < 1)
      return fail(Code::invalid_argument, "version: expected 1 or more, not {}", version);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(PromptFile, (), (version, ask, form, schema, optional))

/// What the author of a suite writes: instructions, not material.
constexpr std::array<std::string_view, 3> own_words{"score_min", "score_max", "tag"};

Result<prompts::Template> template_of(const std::string& ask) {
  return prompts::read_template(
      json::Object{{"messages", json::Array{json::Object{{"role", "user"}, {"content", ask}}}},
                   {"syntax", "mustache"}});
}

std::string item_text(const json::Value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::dump(value);
}

/// "[0] ...", one a line, so that verdicts can name them.
std::string numbered(const json::Array& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i)
    text += fmt::format("{}[{}] {}", i == 0 ? "" : "\n", i, item_text(items[i]));
  return items.empty() ? "(none)" : text;
}

std::string shown(const json::Value& value, std::string_view tag) {
  const std::string text = value.is_array() ? numbered(value.get_array()) : item_text(value);
  return fmt::format("<data-{}>\n{}\n</data-{}>", tag, text, tag);
}

Result<std::string> rendered(const std::string& ask, const json::Object& values) {
  const json::Array messages = TRY(prompts::render(TRY(template_of(ask)), values));
  return std::string(messages.at(0).at("content").as_string());
}

std::vector<std::string_view> names_of(const std::vector<JudgePrompt>& prompts) {
  std::vector<std::string_view> names;
  for (const JudgePrompt& prompt : prompts) names.push_back(prompt.name);
  return names;
}

std::string remedy(std::string_view name, const std::vector<std::string_view>& known) {
  const std::string_view nearest = json::nearest(name, known);
  return nearest.empty() ? "'slipway eval prompts list' shows all"
                         : fmt::format("did you mean '{}'?", nearest);
}

/// A file of the folder takes the place of the prompt of its name.
Result<void> override_by(const std::filesystem::path& path, std::vector<JudgePrompt>& prompts) {
  const std::string name = path.stem().string();
  const auto own = std::find_if(prompts.begin(), prompts.end(),
                                [&](const JudgePrompt& prompt) { return prompt.name == name; });
  if (own == prompts.end())
    return fail(Code::invalid_argument, "{}: no question has the prompt '{}'; {}", path.string(),
                name, remedy(name, names_of(prompts)));
  JudgePrompt other =
      TRY(JudgePrompts::parse(name, TRY(read_file(path, prompt_bytes_max))).within(path.string()));
  for (const std::string& variable : other.variables)
    if (std::find(own->variables.begin(), own->variables.end(), variable) == own->variables.end())
      return fail(Code::invalid_argument, "{}: there is no variable '{}'; there are: {}",
                  path.string(), variable, fmt::join(own->variables, ", "));
  other.is_overridden = true;
  if (other.schema.empty()) other.schema = own->schema;
  other.optional = own->optional;
  *own = std::move(other);
  return {};
}

}  // namespace

Result<JudgePrompt> JudgePrompts::parse(std::string name, std::string bytes) {
  if (bytes.size() > prompt_bytes_max)
    return fail(Code::invalid_argument, "has {} bytes; a prompt may have {}", bytes.size(),
                prompt_bytes_max);
  auto file = TRY(yaml::from<PromptFile>(TRY(yaml::parse(bytes))));
  JudgePrompt prompt{.name = std::move(name),
                     .version = file.version,
                     .hash = sha256(bytes),
                     .bytes = std::move(bytes),
                     .ask = std::move(file.ask),
                     .form = std::move(file.form),
                     .schema = std::move(file.schema),
                     .variables = {},
                     .optional = std::move(file.optional)};
  for (prompts::Variable& variable :
       TRY(prompts::variables_of(TRY(template_of(prompt.ask).within("$.ask")))))
    prompt.variables.push_back(std::move(variable.name));
  return prompt;
}

Result<JudgePrompts> JudgePrompts::open(const std::filesystem::path& folder) {
  JudgePrompts opened;
  for (std::size_t i = 0; i < detail::builtin_prompt_count; ++i) {
    const detail::BuiltinPrompt& own = detail::builtin_prompts[i];
    opened.prompts_.push_back(
        TRY(parse(std::string(own.name), std::string(own.yaml)).within(std::string(own.name))));
  }
  std::sort(opened.prompts_.begin(), opened.prompts_.end(),
            [](const JudgePrompt& a, const JudgePrompt& b) { return a.name < b.name; });
  if (!folder.empty()) {
    std::error_code error;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
      if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    if (error)
      return fail(Code::not_found, "the folder of prompts '{}' cannot be read: {}", folder.string(),
                  error.message());
    std::sort(files.begin(), files.end());
    for (const auto& file : files) TRY(override_by(file, opened.prompts_));
  }
  std::string all;
  for (const JudgePrompt& prompt : opened.prompts_) all += prompt.name + " " + prompt.hash + "\n";
  opened.hash_ = sha256(all);
  return opened;
}

Result<const JudgePrompt*> JudgePrompts::find(std::string_view name) const {
  const auto found = std::find_if(prompts_.begin(), prompts_.end(),
                                  [&](const JudgePrompt& prompt) { return prompt.name == name; });
  if (found == prompts_.end())
    return fail(Code::not_found, "there is no prompt '{}'; {}", name,
                remedy(name, names_of(prompts_)));
  return &*found;
}

Result<FilledPrompt> JudgePrompts::fill(std::string_view name, const json::Object& values) const {
  constexpr std::size_t tag_digits = 12;
  const JudgePrompt& prompt = *TRY(find(name));
  const JudgePrompt& system = *TRY(find(system_name));
  // What is shown cannot know the hash of all that is shown.
  const std::string tag =
      sha256(std::string(name) + json::dump(values)).substr(sizeof("sha256:") - 1, tag_digits);
  json::Object known;
  for (const std::string& variable : prompt.variables) {
    const json::Value* value = values.if_contains(variable);
    const bool is_optional = std::find(prompt.optional.begin(), prompt.optional.end(), variable) !=
                             prompt.optional.end();
    if (value == nullptr && !is_optional)
      return fail(Code::invalid_argument, "prompt '{}': the question gives no '{}'", name,
                  variable);
    if (std::find(own_words.begin(), own_words.end(), variable) != own_words.end())
      known[variable] = item_text(*value);
    else
      known[variable] = value == nullptr ? "(none)" : shown(*value, tag);
  }
  std::string system_text = TRY(rendered(system.ask, {{"tag", tag}}));
  std::string user_text = TRY(rendered(prompt.ask, known));
  FilledPrompt filled{.system = std::move(system_text),
                      .user = std::move(user_text),
                      .schema = prompt.schema,
                      .name = prompt.name,
                      .hash = prompt.hash,
                      .version = prompt.version};
  if (!prompt.form.empty()) filled.user += "\nReply in this form: " + prompt.form + "\n";
  return filled;
}

}  // namespace slipway::eval
