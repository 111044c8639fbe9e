// `slipway eval classic`: predictions beside labels, for models that do not talk.
#include "app/eval_commands.hpp"
#include "app/render.hpp"
#include "core/files.hpp"
#include "eval/classic.hpp"

namespace slipway::app {

namespace {

using eval::ClassicReport;
using eval::ClassicValue;

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : "-";
}

std::vector<std::string> row_of(const ClassicValue& value) {
  const std::string interval =
      value.low && value.high ? fmt::format("[{:.4f}, {:.4f}]", *value.low, *value.high) : "-";
  return {value.name, number(value.value), value.value ? interval : value.reason};
}

std::string render_values(const std::string& heading, const std::vector<ClassicValue>& values) {
  std::vector<std::vector<std::string>> rows;
  for (const ClassicValue& value : values) rows.push_back(row_of(value));
  return format_table({heading, "VALUE", "95 %"}, rows);
}

std::string render_confusion(const ClassicReport& report) {
  constexpr std::size_t shown_max = 12;
  if (report.classes.empty() || report.classes.size() > shown_max) return "";
  std::vector<std::string> heading = {"LABEL \\ PREDICTED"};
  for (const eval::ClassReport& each : report.classes) heading.push_back(each.name);
  std::vector<std::vector<std::string>> rows;
  for (std::size_t label = 0; label < report.classes.size(); ++label) {
    rows.push_back({report.classes[label].name});
    for (const std::size_t count : report.confusion[label])
      rows.back().push_back(group_digits(count));
  }
  return "\n" + format_table(heading, rows);
}

std::string render_classes(const ClassicReport& report) {
  constexpr std::size_t shown_max = 40;
  if (report.classes.empty() || report.classes.size() > shown_max) return "";
  std::vector<std::vector<std::string>> rows;
  for (const eval::ClassReport& each : report.classes)
    rows.push_back({each.name, group_digits(each.labels), group_digits(each.predictions),
                    number(each.precision), number(each.recall), number(each.f1)});
  return "\n" + format_table({"CLASS", "LABELS", "PREDICTED", "PRECISION", "RECALL", "F1"}, rows);
}

std::string render_groups(const ClassicReport& report) {
  if (report.groups.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const eval::GroupReport& group : report.groups)
    for (const ClassicValue& value : group.values) {
      std::vector<std::string> row = row_of(value);
      row.insert(row.begin(), {group.name, group_digits(group.n)});
      rows.push_back(std::move(row));
    }
  return "\n" + format_table({"GROUP", "N", "RATE", "VALUE", "95 %"}, rows) + "\n" +
         render_values("FAIRNESS", report.fairness);
}

std::string render(const ClassicReport& report) {
  std::string text = fmt::format("{}, {} rows", json::name(report.task), group_digits(report.n));
  if (report.clusters > 0) text += fmt::format(", {} clusters", group_digits(report.clusters));
  if (!report.positive.empty()) text += fmt::format(", positive class '{}'", report.positive);
  return text + "\n\n" + render_values("METRIC", report.metrics) + render_confusion(report) +
         render_classes(report) + render_groups(report);
}

}  // namespace

Result<int> eval_classic(App& app, const EvalClassicOptions& options) {
  constexpr std::uint64_t file_bytes_max = 1ull << 30;
  auto csv = read_file(options.file, file_bytes_max);
  if (!csv) return app.wrong_use(csv.error());
  auto rows = eval::read_classic_rows(*csv, {.label = options.label,
                                             .prediction = options.prediction,
                                             .score = options.score,
                                             .group = options.group,
                                             .cluster = options.cluster});
  if (!rows) return app.wrong_use(std::move(rows.error()).within(options.file));
  eval::ClassicOptions how{
      .task = {},
      .positive = options.positive,
      .score_threshold = options.score_threshold,
      .bins = static_cast<std::size_t>(options.bins),
      .resampling = {.seed = static_cast<std::uint64_t>(options.seed),
                     .resamples = static_cast<std::size_t>(options.resamples)}};
  if (options.task != "auto")
    how.task = TRY(json::from<eval::ClassicTask>(json::Value(options.task)));
  auto report = eval::classic_report(app.context(), *rows, how);
  if (!report && report.error().code() == Code::invalid_argument)
    return app.wrong_use(std::move(report.error()).within(options.file));
  if (!report) return std::move(report.error());
  if (app.options().json)
    app.print_json(json::to(*report));
  else
    app.print(render(*report));
  return exit_done;
}

}  // namespace slipway::app
