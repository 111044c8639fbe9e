// `slipway eval prompts`: what judges are asked.
#include <algorithm>

#include "app/eval_commands.hpp"
#include "eval/judge_prompts.hpp"

namespace slipway::app {

namespace {

constexpr std::size_t hash_digits = 12;

std::string short_hash(const eval::JudgePrompt& prompt) {
  return prompt.hash.substr(sizeof("sha256:") - 1, hash_digits);
}

json::Object to_json(const eval::JudgePrompt& prompt) {
  return {{"name", prompt.name},
          {"version", prompt.version},
          {"hash", prompt.hash},
          {"variables", json::to(prompt.variables)},
          {"overridden", prompt.is_overridden}};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

/// Lines that both have stand with a blank before them, others with - and +.
std::string difference(std::string_view from, std::string_view to) {
  const auto a = lines_of(from), b = lines_of(to);
  // Longest common subsequence of what is left from line i and j on; prompts are short.
  std::vector<std::vector<int>> common(a.size() + 1, std::vector<int>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
  std::string text;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      text += fmt::format("  {}\n", a[i++]);
      ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      text += fmt::format("- {}\n", a[i++]);
    } else {
      text += fmt::format("+ {}\n", b[j++]);
    }
  }
  return text;
}

/// What is wrong with a folder of prompts is wrong use.
Result<eval::JudgePrompts> open_prompts(const EvalPromptsOptions& options) {
  return eval::JudgePrompts::open(options.folder);
}

}  // namespace

Result<int> eval_prompts_list(App& app, const EvalPromptsOptions& options) {
  const auto prompts = open_prompts(options);
  if (!prompts) return app.wrong_use(prompts.error());
  if (app.options().json) {
    json::Array list;
    for (const eval::JudgePrompt& prompt : prompts->all()) list.push_back(to_json(prompt));
    app.print_json(json::Object{{"hash", prompts->hash()}, {"prompts", std::move(list)}});
    return exit_done;
  }
  std::size_t width = 0;
  for (const eval::JudgePrompt& prompt : prompts->all())
    width = std::max(width, prompt.name.size());
  std::string text;
  for (const eval::JudgePrompt& prompt : prompts->all())
    text += fmt::format("{:<{}}  {:>2}  {}{}\n", prompt.name, width, prompt.version,
                        short_hash(prompt), prompt.is_overridden ? "  overridden" : "");
  app.print(text);
  return exit_done;
}

Result<int> eval_prompts_show(App& app, const EvalPromptsOptions& options) {
  const auto prompts = open_prompts(options);
  if (!prompts) return app.wrong_use(prompts.error());
  const auto found = prompts->find(options.name);
  if (!found) return app.wrong_use(found.error());
  const eval::JudgePrompt& prompt = **found;
  if (app.options().json) {
    json::Object shown = to_json(prompt);
    shown["ask"] = prompt.ask;
    shown["form"] = prompt.form;
    shown["schema"] = prompt.schema;
    app.print_json(shown);
  } else {
    app.print(prompt.bytes);
  }
  return exit_done;
}

Result<int> eval_prompts_diff(App& app, const EvalPromptsOptions& options) {
  const auto theirs = open_prompts(options);
  if (!theirs) return app.wrong_use(theirs.error());
  const eval::JudgePrompts ours = TRY(eval::JudgePrompts::open());
  if (!options.name.empty())
    if (const auto found = theirs->find(options.name); !found) return app.wrong_use(found.error());
  const auto is_theirs = [](const eval::JudgePrompt& prompt) { return prompt.is_overridden; };
  if (std::none_of(theirs->all().begin(), theirs->all().end(), is_theirs))
    return app.wrong_use(
        fail(Code::invalid_argument,
             "'{}' holds no prompts: they are files named like 'faithfulness.native.claims.yaml'; "
             "slipway eval prompts list shows the names",
             options.folder));
  std::string text;
  json::Array changed;
  for (const eval::JudgePrompt& prompt : theirs->all()) {
    if (!prompt.is_overridden || (!options.name.empty() && prompt.name != options.name)) continue;
    const eval::JudgePrompt& own = *TRY(ours.find(prompt.name));
    if (own.bytes == prompt.bytes) continue;
    const std::string lines = difference(own.bytes, prompt.bytes);
    text +=
        fmt::format("{}, version {} -> {}\n{}", prompt.name, own.version, prompt.version, lines);
    changed.push_back(json::Object{
        {"name", prompt.name}, {"from", to_json(own)}, {"to", to_json(prompt)}, {"diff", lines}});
  }
  const bool is_changed = !changed.empty();
  if (app.options().json)
    app.print_json(json::Object{{"changed", std::move(changed)}});
  else
    app.print(is_changed ? text : "no difference\n");
  return is_changed ? exit_failed : exit_done;
}

}  // namespace slipway::app
