#include "app/render_eval.hpp"

#include "eval/reports.hpp"

namespace slipway::app {

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// Names are other people's: one line, and nothing that drives a terminal.
std::string line(std::string_view text) {
  std::string out = printable(text);
  for (char& c : out)
    if (c == '\n' || c == '\t') c = ' ';
  return out;
}

std::string signed_number(double value) {
  return (value > 0 ? "+" : "") + eval::shown_number(value);
}

/// Shorter than in the result.
std::string shown_method(std::string_view method) {
  if (method == "studentized_cluster_bootstrap") return "cluster bootstrap";
  if (method == "wilson_design_effect") return "wilson, clusters";
  if (method == "cluster_t") return "t, clusters";
  return std::string(method);
}

std::string metrics_table(const eval::EvalResult& result, const eval::Decision& decision) {
  const bool gated = decision.gate.has_value();
  std::vector<std::string> header = {"metric",   "value", "95 % interval", "n",
                                     "clusters", "pass",  "MDE",           "method"};
  if (gated) header.insert(header.end(), {"difference", "bounds", "q", "verdict"});
  Rows rows;
  for (const eval::MetricResult& metric : result.metrics) {
    std::string n = std::to_string(metric.n);
    if (metric.skipped > 0) n += fmt::format(" (-{})", metric.skipped);
    if (metric.errors > 0) n += fmt::format(" ({} errors)", metric.errors);
    std::vector<std::string> row = {line(metric.name),
                                    eval::shown_number(metric.mean),
                                    eval::shown_interval(metric),
                                    std::move(n),
                                    std::to_string(metric.clusters),
                                    eval::shown_number(metric.pass_rate),
                                    eval::shown_number(metric.mde),
                                    shown_method(metric.method)};
    if (const auto* judged = decision.verdict_of(metric.name)) {
      const eval::Comparison& comparison = judged->comparison;
      row.push_back(signed_number(comparison.difference));
      row.push_back(comparison.low ? fmt::format("[{}, {}]", signed_number(*comparison.low),
                                                 signed_number(*comparison.high))
                                   : std::string("-"));
      row.push_back(fmt::format("{:.3g}", judged->q_worse));
      row.emplace_back(json::name(judged->verdict));
    } else if (gated) {
      row.insert(row.end(), {"-", "-", "-", "not in the baseline"});
    }
    rows.push_back(std::move(row));
    for (const auto& [name, values] : metric.percentiles)
      rows.push_back(
          {fmt::format("  {}", name), eval::shown_number(values[0]),
           fmt::format("[{}, {}]", eval::shown_number(values[1]), eval::shown_number(values[2]))});
  }
  return format_table(header, rows);
}

std::string robustness_table(const eval::EvalResult& result) {
  Rows rows;
  for (const eval::RobustnessResult& found : result.robustness)
    rows.push_back(
        {line(found.perturbation), line(found.metric),
         found.difference ? signed_number(*found.difference) : "-",
         found.low ? fmt::format("[{}, {}]", signed_number(*found.low), signed_number(*found.high))
                   : std::string("-"),
         eval::shown_number(found.invariance), fmt::format("{:.3g}", found.p_worse),
         std::to_string(found.n)});
  return format_table(
      {"perturbation", "metric", "difference", "95 % interval", "invariance", "p", "n"}, rows);
}

std::string findings_list(const eval::Decision& decision, const Style& style) {
  constexpr std::size_t shown_max = 50;
  std::string out;
  for (std::size_t i = 0; i < decision.findings.size() && i < shown_max; ++i) {
    const eval::Finding& finding = decision.findings[i];
    const std::string title = line(finding.title());
    out += fmt::format("{} {}: {}\n", finding.fails ? style.red("fails") : style.yellow("note "),
                       style.bold(title), line(finding.message));
  }
  if (decision.findings.size() > shown_max)
    out +=
        fmt::format("and {} more; --output FILE has all\n", decision.findings.size() - shown_max);
  return out;
}

}  // namespace

std::string render_evaluation(const eval::EvalResult& result, const eval::Decision& decision,
                              const Style& style) {
  std::string out = style.bold(line(result.suite)) +
                    fmt::format(": {} items, dataset {}, judge {}\n\n", result.items.size(),
                                result.dataset_version.substr(0, 19),
                                result.judge.empty() ? "none" : line(result.judge));
  out += metrics_table(result, decision);
  if (!result.robustness.empty()) out += "\n" + robustness_table(result);
  if (!decision.findings.empty()) out += "\n" + findings_list(decision, style);
  out += "\n";
  out += decision.holds ? style.green(decision.gate ? "All thresholds and the gate hold."
                                                    : "All thresholds hold.")
                        : style.red("Not good enough.");
  return out + "\n";
}

}  // namespace slipway::app
