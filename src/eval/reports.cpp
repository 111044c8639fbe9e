#include "eval/reports.hpp"

#include <algorithm>
#include <cmath>

#include "eval/detail/markup.hpp"

namespace slipway::eval {

using detail::markup_escaped;

namespace {

using Kind = Finding::Kind;

/// A word of a message or property of a workflow command.
std::string command_escaped(std::string_view text, bool is_property) {
  std::string out;
  for (const char c : text) {
    if (c == '%')
      out += "%25";
    else if (c == '\r')
      out += "%0D";
    else if (c == '\n')
      out += "%0A";
    else if (is_property && c == ':')
      out += "%3A";
    else if (is_property && c == ',')
      out += "%2C";
    else
      out += c;
  }
  return out;
}

/// A cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|')
      out += "\\|";
    else if (c == '\n' || c == '\r')
      out += ' ';
    else if (c == '<')
      out += "&lt;";
    else if (c == '`' || c == '*' || c == '_' || c == '[' || c == '\\')
      (out += '\\') += c;
    else
      out += c;
  }
  return out;
}

int line_of_metric(const Suite& suite, std::string_view metric) {
  for (const SuiteMetric& asked : suite.metrics)
    if (asked.spec.label() == metric) return asked.line;
  return 0;
}

struct TestCase {
  std::string name, failure, output;
  bool skipped = false;
};

std::string xml_suite(const std::string& name, const std::vector<TestCase>& cases) {
  std::size_t failures = 0, skipped = 0;
  for (const TestCase& one : cases) {
    failures += one.failure.empty() ? 0 : 1;
    skipped += one.skipped ? 1 : 0;
  }
  const std::string shown = markup_escaped(name);
  std::string out = fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
      "time=\"0\">\n",
      shown, cases.size(), failures, skipped);
  for (const TestCase& one : cases) {
    out += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"0\">", shown,
                       markup_escaped(one.name));
    if (!one.failure.empty()) {
      const std::string message = markup_escaped(one.failure);
      out +=
          fmt::format("<failure message=\"{}\" type=\"evaluation\">{}</failure>", message, message);
    } else if (one.skipped) {
      out += "<skipped/>";
    }
    if (!one.output.empty())
      out += fmt::format("<system-out>{}</system-out>", markup_escaped(one.output));
    out += "</testcase>\n";
  }
  return out + "  </testsuite>\n";
}

void append(std::string& text, std::string_view more) {
  if (!text.empty()) text += "; ";
  text += more;
}

std::vector<TestCase> item_cases(const ReportInput& input) {
  std::map<std::string_view, std::string> failures;
  for (const Finding& finding : input.decision.findings)
    if (finding.kind == Kind::item && finding.fails)
      append(failures[finding.item], fmt::format("{} {}", finding.metric, finding.message));
  std::vector<TestCase> cases;
  for (const ItemResult& item : input.result.items) {
    TestCase one{.name = item.id};
    bool is_scored = false;
    for (std::size_t m = 0; m < item.scores.size(); ++m) {
      const ItemScore& score = item.scores[m];
      is_scored |= score.state != ItemScore::State::skipped;
      const std::string& metric = input.result.metrics[m].name;
      if (score.state == ItemScore::State::failed)
        one.output += fmt::format("{}: could not be scored\n", metric);
      else if (score.is_scored())
        one.output += fmt::format("{}: {}{}\n", metric, shown_number(score.score),
                                  score.fails() ? " (does not pass)" : "");
    }
    if (const auto found = failures.find(item.id); found != failures.end())
      one.failure = found->second;
    one.skipped = !is_scored && one.failure.empty();
    cases.push_back(std::move(one));
  }
  return cases;
}

/// One per metric, then one per finding that belongs to none.
std::vector<TestCase> gate_cases(const ReportInput& input) {
  std::vector<TestCase> cases;
  for (const MetricResult& metric : input.result.metrics) {
    TestCase one{.name = metric.name};
    one.output =
        fmt::format("{} {} n {}\n", shown_number(metric.mean), shown_interval(metric), metric.n);
    for (const Finding& finding : input.decision.findings) {
      if (finding.metric != metric.name || finding.kind == Kind::item) continue;
      if (finding.fails)
        append(one.failure, fmt::format("{}: {}", finding.title(), finding.message));
      else
        one.output += fmt::format("{}: {}\n", finding.title(), finding.message);
    }
    cases.push_back(std::move(one));
  }
  for (const Finding& finding : input.decision.findings) {
    if (input.result.metric_named(finding.metric)) continue;
    TestCase one{.name = finding.title()};
    (finding.fails ? one.failure : one.output) = finding.message;
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace

std::string shown_number(std::optional<double> value) {
  if (!value) return "-";
  const double size = std::fabs(*value);
  if (size >= 1000) return fmt::format("{:.0f}", *value);
  if (size >= 10 || size == 0) return fmt::format("{:.4g}", *value);
  // 0.8 and 0.8123 stand below each other.
  return size < 0.001 ? fmt::format("{:.3g}", *value) : fmt::format("{:.4f}", *value);
}

std::string shown_interval(const MetricResult& metric) {
  if (!metric.low || !metric.high) return "";
  const bool is_share =
      metric.percentiles.empty() && metric.mean.value_or(0) >= 0 && metric.mean.value_or(0) <= 1;
  const double low = is_share ? std::max(0.0, *metric.low) : *metric.low;
  const double high = is_share ? std::min(1.0, *metric.high) : *metric.high;
  return fmt::format("[{}, {}]", shown_number(low), shown_number(high));
}

std::string junit_report(const ReportInput& input) {
  const auto items = item_cases(input), gate = gate_cases(input);
  const auto failed = [](const TestCase& one) { return !one.failure.empty(); };
  const auto skipped = [](const TestCase& one) { return one.skipped; };
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format(
      "<testsuites name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" "
      "time=\"0\">\n",
      markup_escaped(input.result.suite), items.size() + gate.size(),
      std::count_if(items.begin(), items.end(), failed) +
          std::count_if(gate.begin(), gate.end(), failed),
      std::count_if(items.begin(), items.end(), skipped));
  out += xml_suite(input.result.suite + ".items", items);
  out += xml_suite(input.result.suite + ".gate", gate);
  return out + "</testsuites>\n";
}

std::string github_annotations(const ReportInput& input) {
  std::string out;
  for (const Finding& finding : input.decision.findings) {
    if (!finding.fails) continue;
    std::string file = input.suite_file;
    std::size_t line = static_cast<std::size_t>(line_of_metric(input.suite, finding.metric));
    if (!finding.item.empty() && input.goldens && !input.dataset_file.empty())
      if (const auto index = input.goldens->find(finding.item)) {
        file = input.dataset_file;
        line = input.goldens->line(*index);
      }
    std::string place;
    if (!file.empty())
      place = fmt::format("file={},line={},", command_escaped(file, true),
                          std::max<std::size_t>(1, line));
    out += fmt::format("::error {}title={}::{}\n", place, command_escaped(finding.title(), true),
                       command_escaped(finding.message, false));
  }
  return out;
}

std::string step_summary(const ReportInput& input) {
  std::string out = fmt::format("## {}: {}\n\n", cell(input.result.suite),
                                input.decision.holds ? "passes" : "fails");
  const bool gated = input.decision.gate.has_value();
  out += "| metric | value | 95 % interval | n | clusters | pass rate | MDE |";
  out += gated ? " difference | bounds | q | verdict |\n" : "\n";
  out += "|---|---|---|---|---|---|---|";
  out += gated ? "---|---|---|---|\n" : "\n";
  for (const MetricResult& metric : input.result.metrics) {
    out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |", cell(metric.name),
                       shown_number(metric.mean), shown_interval(metric), metric.n, metric.clusters,
                       shown_number(metric.pass_rate), shown_number(metric.mde));
    if (const MetricVerdict* judged = input.decision.verdict_of(metric.name)) {
      const Comparison& comparison = judged->comparison;
      out += fmt::format(" {:+.4f} | {} | {:.3g} | {} |", comparison.difference,
                         comparison.low
                             ? fmt::format("[{:+.4f}, {:+.4f}]", *comparison.low, *comparison.high)
                             : std::string("-"),
                         judged->q_worse, json::name(judged->verdict));
    } else if (gated) {
      out += " - | - | - | not in the baseline |";
    }
    out += '\n';
  }
  if (!input.decision.findings.empty()) out += '\n';
  constexpr std::size_t shown_max = 100;
  for (std::size_t i = 0; i < input.decision.findings.size() && i < shown_max; ++i) {
    const Finding& finding = input.decision.findings[i];
    out += fmt::format("- {}**{}**: {}\n", finding.fails ? "" : "(told) ", cell(finding.title()),
                       cell(finding.message));
  }
  if (input.decision.findings.size() > shown_max)
    out += fmt::format("- and {} more\n", input.decision.findings.size() - shown_max);
  return out;
}

}  // namespace slipway::eval
