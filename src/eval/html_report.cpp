// Of reports.hpp: the page for people.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/detail/html_details.hpp"
#include "eval/detail/html_page.hpp"
#include "eval/detail/markup.hpp"
#include "eval/reports.hpp"

namespace slipway::eval {

using detail::markup_escaped;

namespace {

std::string number_cell(std::string_view text) {
  return fmt::format("<td class=\"num\">{}</td>", markup_escaped(text));
}

/// Value and interval of a share on a rail from 0 to 1.
std::string bar(const MetricResult& metric) {
  if (!metric.mean || !metric.low || *metric.mean < 0 || *metric.mean > 1) return "";
  const auto x = [](double share) { return 4 + 112 * std::clamp(share, 0.0, 1.0); };
  return fmt::format(
      "<svg class=\"bar\" viewBox=\"0 0 120 14\" aria-hidden=\"true\"><line class=\"rail\" "
      "x1=\"4\" "
      "x2=\"116\" y1=\"7\" y2=\"7\"/><line class=\"span\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"7\" "
      "y2=\"7\"/><circle class=\"dot\" cx=\"{:.1f}\" cy=\"7\" r=\"3\"/></svg>",
      x(*metric.low), x(*metric.high), x(*metric.mean));
}

std::string_view tone(Verdict verdict) {
  switch (verdict) {
    case Verdict::non_inferior: return "good";
    case Verdict::regressed: return "bad";
    case Verdict::inconclusive: return "warn";
  }
  return "";
}

std::string signed_number(double value) { return (value > 0 ? "+" : "") + shown_number(value); }

class Page {
 public:
  explicit Page(const ReportInput& input) : input_(input), is_gated_(input.decision.gate) {
    if (!input.baseline) return;
    for (const ItemResult& item : input.baseline->items) before_.emplace(item.id, &item);
    for (const MetricResult& metric : input.result.metrics)
      before_metric_.push_back(input.baseline->metric_named(metric.name));
  }

  std::string text() {
    head();
    findings();
    summary();
    robustness();
    items();
    out_ += "</main><script>";
    out_ += detail::html_script;
    out_ += "</script></body></html>\n";
    return std::move(out_);
  }

 private:
  void head() {
    const EvalResult& result = input_.result;
    const std::string name = markup_escaped(result.suite);
    out_ += "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">";
    out_ += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">";
    out_ +=
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">";
    out_ += fmt::format("<title>{} - evaluation</title><style>{}</style></head><body><main>", name,
                        detail::html_style);
    out_ += fmt::format(
        "<h1>{}</h1><p id=\"decision\" class=\"{}\" data-holds=\"{}\">{}</p>", name,
        input_.decision.holds ? "good" : "bad", input_.decision.holds,
        input_.decision.holds ? "All thresholds and the gate hold" : "Fails: see the findings");
    if (!input_.decision.gate && input_.decision.holds)
      out_ += "<p class=\"soft\">There was no baseline to compare with.</p>";
    const auto fact = [&](std::string_view key, std::string_view value) {
      if (!value.empty()) out_ += fmt::format("<dt>{}</dt><dd>{}</dd>", key, markup_escaped(value));
    };
    out_ += "<dl>";
    fact("Items", std::to_string(result.items.size()));
    fact("Dataset", result.dataset_version);
    fact("Metrics", result.fingerprint);
    fact("Judge", result.judge.empty() ? "none" : std::string_view(result.judge));
    out_ += "</dl>";
  }

  void findings() {
    if (input_.decision.findings.empty()) return;
    out_ += "<h2>Findings</h2><ul id=\"findings\">";
    for (const Finding& finding : input_.decision.findings)
      out_ += fmt::format(
          "<li data-kind=\"{}\" data-fails=\"{}\"><b>{}</b>: {}{}</li>", json::name(finding.kind),
          finding.fails, markup_escaped(finding.title()), markup_escaped(finding.message),
          finding.fails ? "" : " <span class=\"soft\">(told, does not fail)</span>");
    out_ += "</ul>";
  }

  void summary() {
    out_ +=
        "<h2>Metrics</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"summary\"><table id=\"summary\"><thead><tr><th>Metric</th>"
        "<th class=\"num\">Value</th><th class=\"num\">95 % interval</th><th></th>"
        "<th class=\"num\">n</th><th class=\"num\">Clusters</th><th class=\"num\">Pass rate</th>"
        "<th class=\"num\">No score</th><th class=\"num\">Errors</th><th class=\"num\">MDE</th>"
        "<th>Method</th>";
    if (is_gated_)
      out_ +=
          "<th class=\"num\">Baseline</th><th class=\"num\">Difference</th>"
          "<th class=\"num\">Bounds</th><th class=\"num\">q</th><th>Verdict</th>";
    out_ += "</tr></thead><tbody>";
    for (const MetricResult& metric : input_.result.metrics) summary_row(metric);
    out_ += "</tbody></table></div>";
  }

  void summary_row(const MetricResult& metric) {
    const std::string name = markup_escaped(metric.name);
    out_ += fmt::format("<tr data-metric=\"{}\"><th scope=\"row\">{}", name, name);
    if (!metric.mode.empty())
      out_ += fmt::format(" <span class=\"badge soft\">{}</span>", markup_escaped(metric.mode));
    for (const auto& [percentile, values] : metric.percentiles)
      out_ +=
          fmt::format("<br><span class=\"soft pct\">{} {} [{}, {}]</span>", percentile,
                      shown_number(values[0]), shown_number(values[1]), shown_number(values[2]));
    out_ += "</th>" + number_cell(shown_number(metric.mean)) + number_cell(shown_interval(metric)) +
            fmt::format("<td>{}</td>", bar(metric)) + number_cell(std::to_string(metric.n)) +
            number_cell(std::to_string(metric.clusters)) +
            number_cell(shown_number(metric.pass_rate)) +
            number_cell(std::to_string(metric.skipped)) +
            number_cell(std::to_string(metric.errors)) + number_cell(shown_number(metric.mde)) +
            fmt::format("<td>{}</td>", markup_escaped(metric.method));
    if (const MetricVerdict* judged = input_.decision.verdict_of(metric.name)) {
      const Comparison& comparison = judged->comparison;
      out_ += number_cell(shown_number(comparison.baseline_mean)) +
              number_cell(signed_number(comparison.difference)) +
              number_cell(comparison.low ? fmt::format("[{}, {}]", signed_number(*comparison.low),
                                                       signed_number(*comparison.high))
                                         : std::string("-")) +
              number_cell(fmt::format("{:.3g}", judged->q_worse)) +
              fmt::format("<td class=\"{}\">{}</td>", tone(judged->verdict),
                          json::name(judged->verdict));
    } else if (is_gated_) {
      out_ += "<td colspan=\"5\" class=\"warn\">not in the baseline</td>";
    }
    out_ += "</tr>";
  }

  void robustness() {
    if (input_.result.robustness.empty()) return;
    out_ +=
        "<h2>Robustness</h2><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"robustness\"><table id=\"robustness\"><thead><tr>"
        "<th>Perturbation</th><th>Metric</th><th class=\"num\">Difference</th>"
        "<th class=\"num\">95 % interval</th><th class=\"num\">Invariance</th>"
        "<th class=\"num\">p worse</th><th class=\"num\">n</th></tr></thead><tbody>";
    for (const RobustnessResult& found : input_.result.robustness) {
      const std::string interval =
          found.low ? fmt::format("[{}, {}]", signed_number(*found.low), signed_number(*found.high))
                    : std::string("-");
      out_ += fmt::format("<tr data-perturbation=\"{}\"><th scope=\"row\">{}</th><td>{}</td>",
                          markup_escaped(found.perturbation), markup_escaped(found.perturbation),
                          markup_escaped(found.metric)) +
              number_cell(found.difference ? signed_number(*found.difference) : "-") +
              number_cell(interval) + number_cell(shown_number(found.invariance)) +
              number_cell(fmt::format("{:.3g}", found.p_worse)) +
              number_cell(std::to_string(found.n)) + "</tr>";
    }
    out_ += "</tbody></table></div>";
  }

  static bool is_failing(const ItemResult& item) {
    return std::any_of(item.scores.begin(), item.scores.end(), [](const ItemScore& score) {
      return score.fails() || score.state == ItemScore::State::failed;
    });
  }

  /// Those to show; in their order, but failing ones are not left out before others.
  std::vector<std::size_t> chosen() const {
    std::vector<std::size_t> all(input_.result.items.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    if (all.size() <= html_items_max) return all;
    std::stable_partition(all.begin(), all.end(),
                          [&](std::size_t i) { return is_failing(input_.result.items[i]); });
    all.resize(html_items_max);
    std::sort(all.begin(), all.end());
    return all;
  }

  void items() {
    const std::vector<std::size_t> shown = chosen();
    out_ +=
        "<h2>Items</h2><div class=\"controls\"><label><input type=\"checkbox\" id=\"failing\"> "
        "Failing only</label>";
    if (input_.baseline)
      out_ +=
          "<label><input type=\"checkbox\" id=\"changed\"> Changed only</label>"
          "<label><input type=\"checkbox\" id=\"baseline\" checked> Baseline beside</label>";
    out_ +=
        "<label>Order <select id=\"sort\"><option value=\"item\">by id</option>"
        "<option value=\"score\">lowest score first</option>";
    if (input_.baseline) out_ += "<option value=\"change\">worst change first</option>";
    out_ +=
        "</select></label><input type=\"search\" id=\"search\" placeholder=\"Search\" "
        "aria-label=\"Search items\"><span id=\"count\" class=\"soft\"></span></div>";
    if (shown.size() < input_.result.items.size())
      out_ += fmt::format("<p class=\"warn\">{} of {} items are shown; failing ones first.</p>",
                          shown.size(), input_.result.items.size());
    if (input_.details && input_.details->left_out > 0)
      out_ += fmt::format("<p class=\"warn\">Texts of {} items were too many to keep.</p>",
                          input_.details->left_out);
    out_ +=
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"items\"><table "
        "id=\"items\"><thead><tr><th>Item</th><th>Cluster</th>";
    for (const MetricResult& metric : input_.result.metrics) {
      if (input_.baseline)
        out_ += fmt::format("<th class=\"num before\">{} before</th>", markup_escaped(metric.name));
      out_ += fmt::format("<th class=\"num\">{}</th>", markup_escaped(metric.name));
    }
    out_ += "</tr></thead><tbody>";
    for (const std::size_t i : shown) item_row(i);
    out_ += "</tbody></table></div>";
  }

  std::optional<ItemScore> before(const ItemResult& item, std::size_t metric) const {
    const auto found = before_.find(item.id);
    if (found == before_.end() || !before_metric_[metric]) return std::nullopt;
    return found->second->scores[*before_metric_[metric]];
  }

  static std::string score_cell(const std::optional<ItemScore>& score, std::string_view classes) {
    std::string_view text_tone;
    std::string text = "-";
    if (score && score->state == ItemScore::State::failed) {
      text = "error";
      text_tone = "bad";
    } else if (score && score->is_scored()) {
      text = shown_number(score->score);
      text_tone = score->fails() ? "bad" : score->passes() ? "good" : "";
    }
    return fmt::format("<td class=\"num {} {}\">{}</td>", classes, text_tone, text);
  }

  void item_row(std::size_t index) {
    const ItemResult& item = input_.result.items[index];
    std::string cells;
    double change = 0, least = 1e9;
    bool changed = false;
    for (std::size_t m = 0; m < item.scores.size(); ++m) {
      const ItemScore& score = item.scores[m];
      const bool lower = input_.result.metrics[m].lower_is_better;
      if (input_.baseline) {
        const auto old_score = before(item, m);
        cells += score_cell(old_score, "before");
        if (old_score && old_score->is_scored() && score.is_scored()) {
          const double difference = score.score - old_score->score;
          changed |= difference != 0;
          change = std::min(change, lower ? -difference : difference);
        }
      }
      cells += score_cell(score, "now");
      if (score.is_scored() && !lower) least = std::min(least, score.score);
    }
    const std::string id = markup_escaped(item.id);
    const bool has_details = input_.details && index < input_.details->by_item.size() &&
                             !input_.details->by_item[index].empty();
    out_ += fmt::format(
        "<tr data-item=\"{}\" data-failing=\"{}\" data-changed=\"{}\" data-change=\"{:.6g}\" "
        "data-score=\"{:.6g}\"><td>",
        id, is_failing(item), changed, change, least);
    out_ += has_details
                ? fmt::format("<button class=\"open\" aria-expanded=\"false\">{}</button>", id)
                : id;
    if (item.severity == Severity::critical) out_ += " <span class=\"badge warn\">critical</span>";
    out_ += fmt::format("</td><td>{}</td>{}</tr>", markup_escaped(item.cluster), cells);
    if (!has_details) return;
    const std::size_t columns = 2 + item.scores.size() * (input_.baseline ? 2 : 1);
    out_ += fmt::format("<tr class=\"more\" hidden><td colspan=\"{}\">{}</td></tr>", columns,
                        detail::html_details(input_.details->by_item[index]));
  }

  const ReportInput& input_;
  const bool is_gated_;
  std::map<std::string_view, const ItemResult*> before_;
  std::vector<std::optional<std::size_t>> before_metric_;
  std::string out_;
};

}  // namespace

std::string html_report(const ReportInput& input) { return Page(input).text(); }

}  // namespace slipway::eval
