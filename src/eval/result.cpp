#include "eval/result.hpp"

#include "core/files.hpp"
#include "core/json_exact.hpp"
#include "core/json_members.hpp"

namespace slipway::eval {

namespace {

constexpr std::uint64_t result_bytes_max = 1ull << 31;

/// Writes objects whose keys come sorted.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void open() { out_ += '{'; }
  void close() { out_ += '}'; }
  void key(std::string_view name) {
    if (out_.back() != '{' && out_.back() != '[') out_ += ',';
    out_ += json::quoted(name);
    out_ += ':';
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    out_ += json::quoted(value);
  }
  void number(std::string_view name, std::optional<double> value) {
    key(name);
    if (value && std::isfinite(*value))
      fmt::format_to(std::back_inserter(out_), "{}", *value);
    else
      out_ += "null";
  }
  void count(std::string_view name, std::size_t value) {
    key(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void flag(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }

 private:
  std::string& out_;
};

void write(std::string& out, const MetricResult& metric) {
  Writer w(out);
  w.open();
  w.count("clusters", metric.clusters);
  w.count("errors", metric.errors);
  w.number("high", metric.high);
  w.number("low", metric.low);
  if (metric.lower_is_better) w.flag("lower_is_better", true);
  if (metric.margin) w.number("margin", metric.margin);
  w.number("mde", metric.mde);
  w.number("mean", metric.mean);
  w.text("method", metric.method);
  if (!metric.mode.empty()) w.text("mode", metric.mode);
  w.count("n", metric.n);
  w.text("name", metric.name);
  for (const auto& [name, values] : metric.percentiles) {
    w.number(name, values[0]);
    w.number(name + "_high", values[2]);
    w.number(name + "_low", values[1]);
  }
  w.number("pass_rate", metric.pass_rate);
  w.count("skipped", metric.skipped);
  if (metric.threshold) w.number("threshold", metric.threshold);
  w.close();
}

void write(std::string& out, const ItemResult& item, const std::vector<std::size_t>& order,
           const std::vector<MetricResult>& metrics) {
  Writer w(out);
  w.open();
  w.text("cluster", item.cluster);
  w.text("id", item.id);
  w.key("scores");
  w.open();
  for (const std::size_t i : order) {
    const ItemScore& score = item.scores[i];
    w.key(metrics[i].name);
    w.open();
    if (score.state == ItemScore::State::failed) w.flag("error", true);
    w.key("pass");
    out += !score.passed ? "null" : *score.passed ? "true" : "false";
    w.number("score", score.is_scored() ? std::optional(score.score) : std::nullopt);
    w.close();
  }
  w.close();
  w.text("severity", json::name(item.severity));
  w.close();
}

void write(std::string& out, const RobustnessResult& found) {
  Writer w(out);
  w.open();
  w.number("difference", found.difference);
  w.number("high", found.high);
  w.number("invariance", found.invariance);
  w.number("low", found.low);
  w.text("metric", found.metric);
  w.count("n", found.n);
  w.number("p_worse", found.p_worse);
  w.text("perturbation", found.perturbation);
  w.close();
}

template <typename Items, typename Write>
void write_lines(std::string& out, const Items& items, Write write_item) {
  out += '[';
  for (std::size_t i = 0; i < items.size(); ++i) {
    out += i == 0 ? "\n " : ",\n ";
    write_item(items[i]);
  }
  out += items.empty() ? "]" : "\n]";
}

}  // namespace

std::optional<std::size_t> EvalResult::metric_named(std::string_view name) const {
  for (std::size_t i = 0; i < metrics.size(); ++i)
    if (metrics[i].name == name) return i;
  return std::nullopt;
}

std::string to_text(const EvalResult& result) {
  std::vector<std::size_t> order(result.metrics.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return result.metrics[a].name < result.metrics[b].name; });
  std::string out = "{";
  Writer w(out);
  w.text("dataset_version", result.dataset_version);
  w.text("fingerprint", result.fingerprint);
  w.text("format", result_format);
  if (result.gate) {
    w.key("gate");
    out += json::dump_canonical(*result.gate);
  }
  w.key("items");
  write_lines(out, result.items,
              [&](const ItemResult& item) { write(out, item, order, result.metrics); });
  w.key("judge");
  out += result.judge.empty() ? "null" : json::quoted(result.judge);
  w.key("metrics");
  write_lines(out, result.metrics, [&](const MetricResult& metric) { write(out, metric); });
  if (!result.questions_version.empty()) w.text("questions_version", result.questions_version);
  if (!result.robustness.empty()) {
    w.key("robustness");
    write_lines(out, result.robustness, [&](const RobustnessResult& found) { write(out, found); });
  }
  w.text("suite", result.suite);
  out += "}\n";
  return out;
}

namespace {

struct MetricText {
  std::string name, method, mode;
  std::optional<double> mean, low, high, pass_rate, mde, threshold, margin;
  std::size_t n = 0, skipped = 0, errors = 0, clusters = 0;
  bool lower_is_better = false;
  static constexpr std::string_view required[] = {"name"};
};
BOOST_DESCRIBE_STRUCT(MetricText, (),
                      (name, method, mode, mean, low, high, pass_rate, mde, threshold, margin, n,
                       skipped, errors, clusters, lower_is_better))

struct ScoreText {
  std::optional<double> score;
  std::optional<bool> pass;
  bool error = false;
};
BOOST_DESCRIBE_STRUCT(ScoreText, (), (score, pass, error))

struct ItemText {
  std::string id;
  std::optional<std::string> cluster;
  Severity severity = Severity::normal;
  std::map<std::string, ScoreText> scores;
  static constexpr std::string_view required[] = {"id"};
};
BOOST_DESCRIBE_STRUCT(ItemText, (), (id, cluster, severity, scores))

struct RobustnessText {
  std::string perturbation, metric;
  std::size_t n = 0;
  std::optional<double> difference, low, high, p_worse, invariance;
};
BOOST_DESCRIBE_STRUCT(RobustnessText, (),
                      (perturbation, metric, n, difference, low, high, p_worse, invariance))

/// Element by element, so that a large result is never a tree of values.
template <typename T, typename Take>
Result<void> each(std::string_view array, std::string_view name, Take take) {
  if (array.empty() || array.front() != '[')
    return fail(Code::invalid_argument, "$.{}: expected an array", name);
  json::Items items(array);
  std::size_t index = 0;
  for (std::string_view text; items.next(text); ++index) {
    const std::string path = fmt::format("$.{}[{}]", name, index);
    const json::Value value = TRY(json::parse_exact(text).within(path));
    take(TRY(json::from<T>(value, json::Policy::ignore_unknown).within(path)));
  }
  return {};
}

void keep_percentiles(MetricResult& metric, std::string_view text) {
  for (const char* name : {"p50", "p95", "p99"}) {
    std::vector<double> values;
    for (const char* suffix : {"", "_low", "_high"}) {
      const auto value = json::parse_exact(json::member(text, std::string(name) + suffix));
      if (value && value->is_number()) values.push_back(value->to_number<double>());
    }
    if (values.size() == 3) metric.percentiles[name] = std::move(values);
  }
}

MetricResult metric_of(MetricText text) {
  MetricResult metric;
  metric.name = std::move(text.name);
  metric.mean = text.mean;
  metric.low = text.low;
  metric.high = text.high;
  metric.method = std::move(text.method);
  metric.n = text.n;
  metric.skipped = text.skipped;
  metric.errors = text.errors;
  metric.clusters = text.clusters;
  metric.pass_rate = text.pass_rate;
  metric.mde = text.mde;
  metric.mode = std::move(text.mode);
  metric.threshold = text.threshold;
  metric.margin = text.margin;
  metric.lower_is_better = text.lower_is_better;
  return metric;
}

ItemResult item_of(ItemText text, const EvalResult& result) {
  ItemResult item{.id = std::move(text.id),
                  .cluster = text.cluster.value_or(""),
                  .severity = text.severity,
                  .scores = std::vector<ItemScore>(result.metrics.size())};
  for (const auto& [name, score] : text.scores) {
    const auto index = result.metric_named(name);
    if (!index) continue;
    ItemScore& kept = item.scores[*index];
    kept.state = score.score   ? ItemScore::State::scored
                 : score.error ? ItemScore::State::failed
                               : ItemScore::State::skipped;
    kept.score = score.score.value_or(0);
    if (score.score) kept.passed = score.pass;
  }
  return item;
}

}  // namespace

Result<EvalResult> parse_result(std::string_view text) {
  if (!json::is_valid(text)) return fail(Code::invalid_argument, "is not one JSON value");
  const std::string format = json::unquoted(json::member(text, "format"));
  if (format != result_format)
    return fail(Code::invalid_argument, "is no result: its format is '{}', not '{}'", format,
                result_format);
  EvalResult result;
  result.suite = json::unquoted(json::member(text, "suite"));
  result.dataset_version = json::unquoted(json::member(text, "dataset_version"));
  result.fingerprint = json::unquoted(json::member(text, "fingerprint"));
  result.questions_version = json::unquoted(json::member(text, "questions_version"));
  result.judge = json::unquoted(json::member(text, "judge"));
  const std::string_view metrics = json::member(text, "metrics");
  TRY(each<MetricText>(metrics, "metrics", [&](MetricText metric) {
    result.metrics.push_back(metric_of(std::move(metric)));
  }));
  json::Items texts(metrics);
  std::size_t at = 0;
  for (std::string_view metric; texts.next(metric);) keep_percentiles(result.metrics[at++], metric);
  TRY(each<ItemText>(json::member(text, "items"), "items", [&](ItemText item) {
    result.items.push_back(item_of(std::move(item), result));
  }));
  if (const auto found = json::member(text, "robustness"); !found.empty())
    TRY(each<RobustnessText>(found, "robustness", [&](RobustnessText one) {
      result.robustness.push_back({.perturbation = one.perturbation,
                                   .metric = one.metric,
                                   .n = one.n,
                                   .difference = one.difference,
                                   .low = one.low,
                                   .high = one.high,
                                   .p_worse = one.p_worse.value_or(1),
                                   .invariance = one.invariance});
    }));
  if (const auto gate = json::member(text, "gate"); !gate.empty()) {
    const json::Value value = TRY(json::parse_exact(gate));
    if (value.is_object()) result.gate = value.get_object();
  }
  return result;
}

Result<EvalResult> read_result(const std::filesystem::path& file) {
  const std::string text = TRY(read_file(file, result_bytes_max));
  return parse_result(text).within(file.string());
}

}  // namespace slipway::eval
