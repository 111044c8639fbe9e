#include "prompts/declared.hpp"

namespace slipway::prompts {

namespace {

struct Declared {
  json::Object body;
  std::string message = "declared in slipway.yaml";
  std::vector<std::string> tags;
};

Result<Declared> read(const std::string& name, const json::Value& value) {
  const auto whole = TRY(json::from<json::Object>(value).within(name));
  Declared declared;
  json::Object written;
  for (const auto& [key, member] : whole) {
    if (key == "tags")
      declared.tags =
          TRY(json::from<std::vector<std::string>>(member).within(fmt::format("{}.tags", name)));
    else if (key == "message")
      declared.message =
          TRY(json::from<std::string>(member).within(fmt::format("{}.message", name)));
    else
      written[key] = member;
  }
  declared.body = template_json(TRY(read_template(written).within(name)));
  return declared;
}

}  // namespace

Result<void> check_declared(const std::map<std::string, json::Value>& declared) {
  for (const auto& [name, value] : declared) TRY(read(name, value).within("prompts"));
  return {};
}

Result<void> apply_declared(const Context& context, Prompts& prompts,
                            const std::map<std::string, json::Value>& declared) {
  for (const auto& [name, value] : declared) {
    const Declared wish = TRY(read(name, value).within("prompts"));
    if (const auto known = prompts.get(context, name); !known) {
      if (known.error().code() != Code::not_found) return known.error();
      Prompt prompt;
      prompt.name = name;
      TRY(prompts.create(context, std::move(prompt)).within("prompts"));
    }
    const auto made = prompts.commit(
        context, name,
        {.form = Form::native, .body = wish.body, .description = wish.message, .parent_hash = ""});
    if (!made && made.error().code() != Code::conflict) return made.error();
    for (const std::string& tag : wish.tags) {
      const auto standing = prompts.find(context, name, tag);
      const auto latest = prompts.find(context, name, "latest");
      if (standing && latest && standing->id == latest->id) continue;
      TRY(prompts.tag(context, name, tag, "latest").within("prompts"));
    }
  }
  return {};
}

}  // namespace slipway::prompts
