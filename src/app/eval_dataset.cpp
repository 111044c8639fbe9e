// `slipway eval dataset`: goldens in the project's datasets and in files.
#include <algorithm>
#include <map>

#include "app/detail/dataset_door.hpp"
#include "app/eval_dataset_commands.hpp"
#include "core/files.hpp"
#include "eval/golden_files.hpp"
#include "eval/golden_set.hpp"

namespace slipway::app {

namespace {

using detail::DatasetDoor;
using eval::Golden;
using eval::GoldenFormat;
using eval::GoldenLayout;

constexpr int text_width = 60;
constexpr std::size_t digest_shown = 19;  // "sha256:" and twelve digits.

std::string time_text(datasets::Version version) {
  return version == 0 ? "-" : format_time(Clock::Time(std::chrono::microseconds(version)));
}

json::Object json_of(const eval::GoldenVersion& version) {
  return {{"digest", version.digest.empty() ? json::Value() : json::Value(version.digest)},
          {"created_at",
           version.version == 0 ? json::Value() : json::Value(time_text(version.version))},
          {"aliases", json::to(version.aliases)}};
}

json::Object json_of(const eval::AddReport& report) {
  json::Object object{{"dataset", report.dataset}, {"added", report.added},
                      {"changed", report.changed}, {"unchanged", report.unchanged},
                      {"removed", report.removed}, {"size", report.version.size}};
  for (const auto& [key, value] : json_of(report.version)) object[key] = value;
  return object;
}

/// "csv" is our own table, "deepeval" a list in JSON unless the file's name says otherwise.
struct FileKind {
  GoldenFormat format = GoldenFormat::native;
  GoldenLayout layout = GoldenLayout::jsonl;
};
Result<FileKind> kind_of(const std::string& format, const std::string& file) {
  FileKind kind;
  const std::string ending = std::filesystem::path(file).extension().string();
  if (ending == ".csv") kind.layout = GoldenLayout::csv;
  if (ending == ".json") kind.layout = GoldenLayout::json;
  if (format.empty() || format == "native") return kind;
  if (format == "jsonl" || format == "csv" || format == "json") {
    kind.layout = TRY(json::from<GoldenLayout>(json::Value(format)));
    return kind;
  }
  kind.format = TRY(json::from<GoldenFormat>(json::Value(format)).within("--format"));
  const bool is_told = ending == ".csv" || ending == ".json" || ending == ".jsonl";
  if (!is_told && kind.format == GoldenFormat::deepeval) kind.layout = GoldenLayout::json;
  return kind;
}

Result<std::optional<GoldenFormat>> import_format(const std::string& format) {
  if (format.empty()) return std::optional<GoldenFormat>();
  return std::optional(TRY(json::from<GoldenFormat>(json::Value(format)).within("--format")));
}

Result<int> write_out(App& app, const std::vector<Golden>& goldens, const FileKind& kind,
                      const std::string& output) {
  const std::string text = TRY(eval::write_goldens(goldens, kind.format, kind.layout));
  if (output.empty()) {
    app.print(text);
    return exit_done;
  }
  TRY(write_file_atomically(output, text));
  app.note(fmt::format("{} goldens in {}", goldens.size(), output));
  return exit_done;
}

Result<std::vector<Golden>> read_files(App& app, const std::vector<std::string>& files,
                                       std::optional<GoldenFormat> format) {
  std::vector<Golden> all;
  std::map<std::string, std::string> places;
  for (const std::string& file : files) {
    auto read = TRY(eval::load_goldens(file, format));
    for (const std::string& note : read.notes) app.note(fmt::format("{}: {}", file, note));
    for (Golden& golden : read.goldens) {
      const auto [known, is_new] = places.emplace(golden.id, file);
      if (!is_new)
        return fail(Code::invalid_argument, "{}: golden '{}' is in {} too", file, golden.id,
                    known->second);
      all.push_back(std::move(golden));
    }
  }
  if (all.empty()) return fail(Code::invalid_argument, "{}: no goldens", fmt::join(files, ", "));
  return all;
}

Result<int> store(App& app, const std::string& name, const std::vector<Golden>& goldens,
                  const EvalDatasetOptions& options) {
  if (name.empty() || name.find('@') != std::string::npos)
    return app.wrong_use(fail(Code::invalid_argument,
                              "'{}': a dataset's name is wanted, without '@'; each change of a "
                              "dataset is a version",
                              name));
  const auto door = TRY(DatasetDoor::open(app, DataFolder::may_be_made));
  auto report = TRY(eval::add_goldens(app.context(), door->datasets(), name, goldens,
                                      options.replace ? eval::Merge::instead : eval::Merge::into));
  if (!options.alias.empty()) {
    const auto named = TRY(eval::find_goldens(app.context(), door->datasets(), name));
    TRY(door->datasets().tag(app.context(), named.dataset.id, {}, options.alias));
    report.version = TRY(eval::golden_version(app.context(), door->datasets(), named));
  }
  if (app.options().json) {
    app.print_json(json_of(report));
    return exit_done;
  }
  app.print(fmt::format("{}: {} added, {} changed, {} unchanged, {} removed; {} goldens, {}\n",
                        report.dataset, report.added, report.changed, report.unchanged,
                        report.removed, report.version.size, report.version.digest));
  return exit_done;
}

/// Either --name and files, or the name first.
std::pair<std::string, std::vector<std::string>> name_and_files(const EvalDatasetOptions& options) {
  if (!options.name.empty()) return {options.name, options.words};
  return {options.words.front(), {options.words.begin() + 1, options.words.end()}};
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return clip(printable(text), text_width);
}

}  // namespace

Result<int> eval_dataset_add(App& app, const EvalDatasetOptions& options) {
  const auto [name, files] = name_and_files(options);
  if (files.empty())
    return app.wrong_use(fail(Code::invalid_argument, "no file of goldens is named"));
  const auto format = import_format(options.format);
  if (!format) return app.wrong_use(format.error());
  return store(app, name, TRY(read_files(app, files, *format)), options);
}

Result<int> eval_dataset_import(App& app, const EvalDatasetOptions& options) {
  const auto format = import_format(options.format);
  if (!format) return app.wrong_use(format.error());
  const auto goldens = TRY(read_files(app, options.words, *format));
  if (!options.name.empty()) return store(app, options.name, goldens, options);
  return write_out(app, goldens, TRY(kind_of("", options.output)), options.output);
}

Result<int> eval_dataset_export(App& app, const EvalDatasetOptions& options) {
  const auto kind = kind_of(options.format, options.output);
  if (!kind) return app.wrong_use(kind.error());
  const auto goldens = TRY(detail::load_goldens(app, options.words.front()));
  return write_out(app, goldens.items, *kind, options.output);
}

Result<int> eval_dataset_list(App& app, const EvalDatasetOptions&) {
  const auto door = TRY(DatasetDoor::open(app, DataFolder::must_exist));
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  datasets::DatasetQuery query{.limit = 1000};
  for (;;) {
    const auto page = TRY(door->datasets().list(app.context(), query));
    for (const datasets::Dataset& dataset : page) {
      const auto version =
          TRY(eval::golden_version(app.context(), door->datasets(), {dataset, {}}));
      json::Object item{{"name", dataset.name}, {"size", dataset.example_count}};
      for (const auto& [key, value] : json_of(version)) item[key] = value;
      items.push_back(std::move(item));
      rows.push_back({printable(dataset.name), group_digits(dataset.example_count),
                      version.digest.substr(0, digest_shown),
                      fmt::format("{}", fmt::join(version.aliases, ", ")),
                      time_text(version.version)});
    }
    if (page.size() < static_cast<std::size_t>(query.limit)) break;
    query.offset += query.limit;
  }
  if (app.options().json)
    app.print_json(json::Object{{"items", std::move(items)}});
  else if (rows.empty())
    app.print("No datasets. 'slipway eval dataset add NAME FILE' makes one.\n");
  else
    app.print(format_table({"NAME", "GOLDENS", "VERSION", "ALIASES", "CHANGED"}, rows));
  return exit_done;
}

namespace {

/// "base 10, smoke 2": how many goldens each split has.
std::map<std::string, std::size_t> count_splits(const std::vector<Golden>& goldens) {
  std::map<std::string, std::size_t> counts;
  for (const Golden& golden : goldens)
    for (const std::string& split : eval::splits_of(golden)) ++counts[split];
  return counts;
}

std::string splits_text(const std::vector<Golden>& goldens) {
  std::string text;
  for (const auto& [name, count] : count_splits(goldens))
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", printable(name), count);
  return text;
}

}  // namespace

Result<int> eval_dataset_show(App& app, const EvalDatasetOptions& options) {
  const auto door = TRY(DatasetDoor::open(app, DataFolder::must_exist));
  const auto named =
      TRY(eval::find_goldens(app.context(), door->datasets(), options.words.front()));
  const auto goldens = TRY(eval::goldens_of(app.context(), door->datasets(), named));
  if (!options.id.empty()) {
    for (const Golden& golden : goldens)
      if (golden.id == options.id) {
        app.print_json(eval::to_json(golden));
        return exit_done;
      }
    return fail(Code::not_found, "{} has no golden '{}'", options.words.front(), options.id);
  }
  const auto version = TRY(eval::golden_version(app.context(), door->datasets(), named));
  const auto versions =
      TRY(eval::golden_versions(app.context(), door->datasets(), named.dataset.id));
  const std::size_t shown = std::min(goldens.size(), static_cast<std::size_t>(options.limit));
  if (app.options().json) {
    json::Object object{{"name", named.dataset.name}, {"size", goldens.size()}};
    for (const auto& [key, value] : json_of(version)) object[key] = value;
    json::Array all, items;
    for (const auto& one : versions) all.push_back(json_of(one));
    for (std::size_t i = 0; i < shown; ++i) items.push_back(eval::to_json(goldens[i]));
    object["versions"] = std::move(all);
    object["splits"] = json::to(count_splits(goldens));
    object["goldens"] = std::move(items);
    app.print_json(object);
    return exit_done;
  }
  std::string text = fmt::format(
      "{}, {} goldens\nversion {} of {}{}\nsplits {}\n\n",
      app.out_style().bold(printable(named.dataset.name)),
      group_digits(static_cast<std::int64_t>(goldens.size())), version.digest,
      time_text(version.version),
      version.aliases.empty() ? "" : fmt::format(" ({})", fmt::join(version.aliases, ", ")),
      goldens.empty() ? "none" : splits_text(goldens));
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < shown; ++i)
    rows.push_back({clip(printable(goldens[i].id), 20),
                    goldens[i].severity() == eval::Severity::critical ? "critical" : "",
                    one_line(goldens[i].input),
                    one_line(goldens[i].expected_output.value_or("-"))});
  text += format_table({"ID", "SEVERITY", "INPUT", "EXPECTED"}, rows);
  if (shown < goldens.size()) text += fmt::format("... and {} more\n", goldens.size() - shown);
  text += fmt::format("\n{} versions\n", versions.size());
  app.print(text);
  return exit_done;
}

Result<int> eval_dataset_diff(App& app, const EvalDatasetOptions& options) {
  const auto before = TRY(detail::load_goldens(app, options.words.at(0)));
  // "NAME 1 2" may be written "NAME@1 NAME@2"; one name alone is compared with what it is now.
  const std::string second = options.words.size() > 1
                                 ? options.words.at(1)
                                 : options.words.at(0).substr(0, options.words.at(0).rfind('@'));
  const auto after = TRY(detail::load_goldens(app, second));
  const auto difference = eval::difference_of(before.items, after.items);
  if (app.options().json) {
    json::Array added, removed, changed;
    for (const Golden& golden : difference.added) added.push_back(eval::to_json(golden));
    for (const Golden& golden : difference.removed) removed.push_back(eval::to_json(golden));
    for (const auto& one : difference.changed)
      changed.push_back(json::Object{{"id", one.id},
                                     {"members", json::to(one.members)},
                                     {"before", eval::to_json(one.before)},
                                     {"after", eval::to_json(one.after)}});
    app.print_json(json::Object{{"from", before.name},
                                {"to", after.name},
                                {"from_digest", eval::version_of(before.items)},
                                {"to_digest", eval::version_of(after.items)},
                                {"added", std::move(added)},
                                {"removed", std::move(removed)},
                                {"changed", std::move(changed)},
                                {"unchanged", difference.unchanged}});
    return exit_done;
  }
  const Style& style = app.out_style();
  for (const Golden& golden : difference.removed)
    app.print(style.red(fmt::format("- {}  {}\n", golden.id, one_line(golden.input))));
  for (const Golden& golden : difference.added)
    app.print(style.green(fmt::format("+ {}  {}\n", golden.id, one_line(golden.input))));
  for (const auto& one : difference.changed)
    app.print(style.yellow(fmt::format("~ {}  {}: {}\n", one.id, one_line(one.after.input),
                                       fmt::join(one.members, ", "))));
  app.print(fmt::format("{} added, {} removed, {} changed, {} unchanged\n", difference.added.size(),
                        difference.removed.size(), difference.changed.size(),
                        difference.unchanged));
  return exit_done;
}

Result<int> eval_dataset_alias(App& app, const EvalDatasetOptions& options) {
  const std::string& alias = options.words.at(1);
  const auto door = TRY(DatasetDoor::open(app, DataFolder::must_exist));
  const auto named = TRY(eval::find_goldens(app.context(), door->datasets(), options.words.at(0)));
  if (alias.starts_with("sha256:"))
    return app.wrong_use(
        fail(Code::invalid_argument, "an alias that looks like a digest would hide a version"));
  TRY(door->datasets().tag(app.context(), named.dataset.id, named.as_of, alias));
  const auto version = TRY(eval::golden_version(app.context(), door->datasets(), named));
  if (app.options().json)
    app.print_json(json_of(version));
  else
    app.print(fmt::format("{}@{} is {}\n", named.dataset.name, alias, version.digest));
  return exit_done;
}

Result<int> eval_dataset_answer(App& app, const EvalDatasetOptions& options) {
  const auto door = TRY(DatasetDoor::open(app, DataFolder::must_exist));
  const std::string& name = options.words.at(0);
  const auto named = TRY(eval::find_goldens(app.context(), door->datasets(), name));
  if (!named.as_of.tag.empty() || named.as_of.time != datasets::latest)
    return app.wrong_use(fail(Code::invalid_argument,
                              "{}: old versions never change; name the dataset alone", name));
  for (Golden& golden : TRY(eval::goldens_of(app.context(), door->datasets(), named))) {
    if (golden.id != options.id) continue;
    golden.expected_output = options.words.at(1);
    if (golden.metadata.contains("failure")) golden.metadata["severity"] = "critical";
    return store(app, named.dataset.name, {std::move(golden)}, {});
  }
  return fail(Code::not_found, "{} has no golden '{}'", name, options.id);
}

}  // namespace slipway::app
