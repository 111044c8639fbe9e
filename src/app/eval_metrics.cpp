// `slipway eval metrics`: what there is, how each is computed, and where that is from.
#include "eval/metric.hpp"

#include "app/eval_commands.hpp"
#include "app/render.hpp"
#include "eval/local_evidence.hpp"

namespace slipway::app {

namespace {

using eval::MetricInfo;
using eval::ModeInfo;
using eval::OptionInfo;

std::string in_words(const std::vector<std::string>& members) {
  std::string words;
  for (std::string member : members) {
    if (const std::size_t bar = member.find('|'); bar != std::string::npos)
      member.replace(bar, 1, " or ");
    words += (words.empty() ? "" : ", ") + member;
  }
  return words;
}

std::string modes_of(const MetricInfo& info) {
  std::string modes;
  for (const ModeInfo& mode : info.modes)
    modes += (modes.empty() ? "" : " ") + std::string(json::name(mode.mode));
  return modes;
}

json::Object to_json(const ModeInfo& mode) {
  return {{"mode", json::name(mode.mode)},
          {"formula", mode.formula},
          {"needs", json::to(mode.needs)},
          {"steps", json::to(mode.steps)}};
}

json::Object to_json(const OptionInfo& option) {
  json::Object object{{"name", option.name},
                      {"kind", json::name(option.kind)},
                      {"default", option.fallback},
                      {"meaning", option.meaning}};
  if (!option.choices.empty()) object["choices"] = json::to(option.choices);
  return object;
}

json::Object to_json(const MetricInfo& info) {
  json::Array modes, options;
  for (const ModeInfo& mode : info.modes) modes.push_back(to_json(mode));
  for (const OptionInfo& option : info.options) options.push_back(to_json(option));
  json::Object object{{"name", info.name},         {"summary", info.summary},
                      {"source", info.source},     {"lower_is_better", info.lower_is_better},
                      {"modes", std::move(modes)}, {"options", std::move(options)}};
  return object;
}

bool has_local_evidence(const MetricInfo& info) { return !info.modes.front().steps.empty(); }

std::string render(const OptionInfo& option) {
  std::string text = fmt::format("  {}  {}", option.name, option.meaning);
  if (!option.choices.empty()) text += fmt::format(": {}", fmt::join(option.choices, ", "));
  if (!option.fallback.empty()) text += fmt::format("; default {}", option.fallback);
  return text + "\n";
}

std::string render(const MetricInfo& info) {
  std::string text = fmt::format("{}: {}\nsource: {}\n", info.name, info.summary, info.source);
  for (const ModeInfo& mode : info.modes) {
    text += fmt::format("\nmode {}\n  {}\n", json::name(mode.mode), mode.formula);
    if (!mode.needs.empty()) text += fmt::format("  needs {}\n", in_words(mode.needs));
    if (!mode.steps.empty())
      text += fmt::format("  asks the judge for {}\n", fmt::join(mode.steps, ", "));
    if (mode.mode == eval::Mode::local && has_local_evidence(info))
      text += "\n" + eval::describe_local_evidence();
  }
  text += "\noptions\n";
  for (const OptionInfo& option : info.options) text += render(option);
  text += "  threshold  from which score on a case passes; default 0.5\n";
  text += "  strict_mode  only the best score passes, any other becomes the worst\n";
  return text;
}

std::string render_list() {
  std::vector<std::vector<std::string>> rows;
  for (const MetricInfo& info : eval::all_metrics())
    rows.push_back({info.name, modes_of(info), info.summary});
  return format_table({"METRIC", "MODES", "WHAT IT SAYS"}, rows);
}

}  // namespace

Result<int> eval_metrics(App& app, const EvalMetricsOptions& options) {
  if (!options.show.empty()) {
    const MetricInfo* info = eval::find_metric(options.show);
    if (!info) {
      const auto wrong = eval::make_metric({.name = options.show}, {});
      return app.wrong_use(wrong.error());
    }
    if (!app.options().json) {
      app.print(render(*info));
      return exit_done;
    }
    json::Object object = to_json(*info);
    if (has_local_evidence(*info)) object["local_evidence"] = eval::describe_local_evidence();
    app.print_json(object);
    return exit_done;
  }
  if (!app.options().json) {
    app.print(render_list());
    return exit_done;
  }
  json::Array items;
  for (const MetricInfo& info : eval::all_metrics()) items.push_back(to_json(info));
  app.print_json(json::Object{{"items", std::move(items)}});
  return exit_done;
}

}  // namespace slipway::app
