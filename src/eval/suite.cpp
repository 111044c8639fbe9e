#include "eval/suite.hpp"

#include <algorithm>

#include "core/files.hpp"
#include "core/yaml.hpp"
#include "eval/sweep.hpp"

namespace slipway::eval {

namespace {

constexpr std::uint64_t suite_bytes_max = 4u << 20;

/// A suite as it is written, but for its metrics.
struct SuiteFile {
  std::string name, dataset;
  std::vector<std::string> splits;
  std::optional<std::string> cluster;
  std::optional<TargetSpec> target;
  std::optional<JudgeSpec> judge;
  std::optional<BudgetSpec> budget;
  std::optional<std::string> embedder;
  int repeats = 1;
  bool per_item = false;
  std::vector<json::Object> metrics;
  std::vector<std::string> robustness;
  std::optional<json::Object> sweep;
  std::string baseline;
  Inconclusive inconclusive = Inconclusive::pass;
  double alpha = 0.05, confidence = 0.95;
  std::uint64_t seed = 1;
  std::size_t resamples = 2000;
  static constexpr std::string_view required[] = {"name", "dataset", "metrics"};
  Result<void> validate() const {
    if (name.empty()) return fail(Code::invalid_argument, "name: is empty");
    if (dataset.empty()) return fail(Code::invalid_argument, "dataset: is empty");
    if (metrics.empty())
      return fail(Code::invalid_argument, "metrics: is empty; name at least one metric");
    if (repeats < 1 || repeats > 100)
      return fail(Code::invalid_argument, "repeats: {} is not in 1..100", repeats);
    if (!(alpha > 0 && alpha < 0.5))
      return fail(Code::invalid_argument, "alpha: {} is not between 0 and 0.5", alpha);
    if (!(confidence > 0 && confidence < 1))
      return fail(Code::invalid_argument, "confidence: {} is not between 0 and 1", confidence);
    if (resamples < 100 || resamples > 1'000'000)
      return fail(Code::invalid_argument, "resamples: {} is not in 100..1000000", resamples);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(SuiteFile, (),
                      (name, dataset, splits, cluster, target, judge, budget, embedder, repeats,
                       per_item, metrics, robustness, sweep, baseline, inconclusive, alpha,
                       confidence, seed, resamples))

/// What every metric may be told; all else is an option of that metric.
struct MetricFile {
  std::string name, as;
  std::optional<Mode> mode;
  json::Object options;
  std::optional<double> threshold;
  bool strict_mode = false;
  std::optional<double> margin, min_pass_rate;
  bool per_item = false;
  static constexpr std::string_view required[] = {"name"};
  Result<void> validate() const {
    if (margin && !(*margin > 0))
      return fail(Code::invalid_argument, "margin: {} is not above 0", *margin);
    if (min_pass_rate && !(*min_pass_rate >= 0 && *min_pass_rate <= 1))
      return fail(Code::invalid_argument, "min_pass_rate: {} is not in 0..1", *min_pass_rate);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(MetricFile, (),
                      (name, as, mode, options, threshold, strict_mode, margin, min_pass_rate,
                       per_item))

/// "$: alpha: ..." of a validation becomes "$.alpha: ...", so that its line can be found.
Error at_member(Error error, std::string_view path) {
  std::string message = error.message();
  const std::string checked = "$: ";
  // "$: expected an object": that is all of it, and no member of it.
  if (message.starts_with(checked) && !message.starts_with("$: expected"))
    message = fmt::format("$.{}", message.substr(checked.size()));
  if (message.starts_with('$')) message.replace(0, 1, path);
  return Error(error.code(), std::move(message));
}

/// A key that neither every metric nor this one has.
Result<void> check_option_names(const MetricFile& metric, const json::Object& options,
                                const std::string& path) {
  const MetricInfo* info = find_metric(metric.name);
  if (!info) {
    std::vector<std::string_view> names;
    for (const MetricInfo& each : all_metrics()) names.push_back(each.name);
    const std::string_view near = json::nearest(metric.name, names);
    return fail(Code::invalid_argument, "{}.name: there is no metric '{}'; {}", path, metric.name,
                near.empty() ? std::string("'slipway eval metrics' lists them")
                             : fmt::format("did you mean '{}'?", near));
  }
  auto known = json::detail::member_names<MetricFile>();
  for (const OptionInfo& option : info->options) known.push_back(option.name);
  for (const auto& [key, value] : options)
    if (std::find(known.begin(), known.end(), std::string_view(key)) == known.end())
      return json::detail::unknown_key(path, key, known);
  return {};
}

Result<SuiteMetric> parse_metric(const json::Object& object, const std::string& path) {
  const auto known = json::detail::member_names<MetricFile>();
  json::Object common, options;
  for (const auto& [key, value] : object)
    (std::find(known.begin(), known.end(), std::string_view(key)) != known.end() ? common
                                                                                 : options)[key] =
        value;
  auto read = json::from<MetricFile>(common);
  if (!read) return at_member(std::move(read.error()), path);
  for (const auto& [key, value] : read->options) options[key] = value;
  TRY(check_option_names(*read, options, path));
  SuiteMetric metric;
  metric.spec = {.name = read->name,
                 .as = read->as,
                 .mode = read->mode,
                 .options = std::move(options),
                 .threshold = read->threshold,
                 .strict_mode = read->strict_mode};
  metric.bounds = {
      .margin = read->margin, .min_pass_rate = read->min_pass_rate, .per_item = read->per_item};
  return metric;
}

Result<Suite> suite_of(const json::Value& value) {
  auto read = json::from<SuiteFile>(value);
  if (!read) return at_member(std::move(read.error()), "$");
  Suite suite{.name = read->name,
              .dataset = read->dataset,
              .splits = read->splits,
              .cluster = read->cluster,
              .target = read->target,
              .judge = read->judge,
              .budget = read->budget,
              .embedder = read->embedder,
              .repeats = read->repeats,
              .per_item = read->per_item,
              .metrics = {},
              .robustness = read->robustness,
              .sweep = read->sweep,
              .baseline = read->baseline,
              .inconclusive = read->inconclusive,
              .alpha = read->alpha,
              .confidence = read->confidence,
              .seed = read->seed,
              .resamples = read->resamples,
              .file = {}};
  for (std::size_t i = 0; i < read->metrics.size(); ++i) {
    const std::string path = fmt::format("$.metrics[{}]", i);
    SuiteMetric metric = TRY(parse_metric(read->metrics[i], path));
    for (const SuiteMetric& other : suite.metrics)
      if (other.spec.label() == metric.spec.label())
        return fail(Code::invalid_argument,
                    "{}: there are two metrics '{}'; tell them apart with 'as'", path,
                    metric.spec.label());
    suite.metrics.push_back(std::move(metric));
  }
  if (suite.sweep) TRY(parse_sweep(*suite.sweep));
  return suite;
}

}  // namespace

Result<void> TargetSpec::validate() const {
  const int named =
      (rag ? 1 : 0) + (model ? 1 : 0) + (agent ? 1 : 0) + (url ? 1 : 0) + (command ? 1 : 0);
  if (named != 1)
    return fail(Code::invalid_argument, "names {} of rag, model, agent, url, command; name one",
                named == 0 ? std::string("none") : std::to_string(named));
  if (command && command->empty())
    return fail(Code::invalid_argument, "command is empty; write [program, argument, ...]");
  if (timeout_s && (*timeout_s < 1 || *timeout_s > 86400))
    return fail(Code::invalid_argument, "timeout_s {} is not in 1..86400", *timeout_s);
  return {};
}

Result<void> BudgetSpec::validate() const {
  if (usd && !(*usd >= 0)) return fail(Code::invalid_argument, "usd {} is below 0", *usd);
  if (calls && *calls < 0) return fail(Code::invalid_argument, "calls {} is below 0", *calls);
  return {};
}

Result<void> JudgeSpec::validate() const {
  if (!provider.empty() && provider != "scripted")
    return fail(Code::invalid_argument, "provider '{}' is not 'scripted'; or name a model",
                provider);
  if (provider.empty() && model.empty())
    return fail(Code::invalid_argument, "needs a model, or 'provider: scripted' with 'replies'");
  if (provider == "scripted" && replies.empty())
    return fail(Code::invalid_argument, "provider scripted needs 'replies', a JSONL file");
  return {};
}

std::filesystem::path Suite::resolve(std::string_view path) const {
  const std::filesystem::path given(path);
  return given.is_absolute() || file.empty() ? given : file.parent_path() / given;
}

Result<Suite> parse_suite(std::string_view text, std::filesystem::path file) {
  const yaml::Document document = TRY(yaml::parse(text));
  auto suite = suite_of(document.value);
  if (!suite) return yaml::locate(std::move(suite.error()), document);
  for (std::size_t i = 0; i < suite->metrics.size(); ++i) {
    for (const char* member : {"", ".name", ".as"}) {
      const auto line = document.lines.find(fmt::format("$.metrics[{}]{}", i, member));
      if (line == document.lines.end()) continue;
      suite->metrics[i].line = line->second;
      break;
    }
  }
  suite->file = std::move(file);
  return suite;
}

Result<Suite> parse_suite(const json::Value& value) { return suite_of(value); }

Result<Suite> read_suite(const std::filesystem::path& file) {
  const std::string text = TRY(read_file(file, suite_bytes_max));
  return parse_suite(text, file).within(file.string());
}

}  // namespace slipway::eval
