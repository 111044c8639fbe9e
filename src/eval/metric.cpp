#include "eval/metric.hpp"

#include <algorithm>
#include <cmath>

#include "eval/detail/options.hpp"
#include "eval/detail/registry.hpp"

namespace slipway::eval {

namespace {

constexpr double default_threshold = 0.5;

bool has_member(const Golden& golden, std::string_view member) {
  if (member == "input") return true;
  if (member == "expected_output") return golden.expected_output.has_value();
  if (member == "actual_output") return golden.actual_output.has_value();
  if (member == "context") return golden.context.has_value();
  if (member == "retrieval_context") return golden.retrieval_context.has_value();
  if (member == "retrieved_ids") return golden.retrieved_ids.has_value();
  if (member == "relevance") return golden.relevance.has_value();
  if (member == "tools_called") return golden.tools_called.has_value();
  if (member == "expected_tools") return golden.expected_tools.has_value();
  if (member == "latency_ms") return golden.latency_ms.has_value();
  return member == "cost_usd" && golden.cost_usd.has_value();
}

/// "a|b": one of them is enough.
bool has_one_of(const Golden& golden, std::string_view members) {
  for (std::size_t at = 0; at <= members.size();) {
    const std::size_t end = std::min(members.find('|', at), members.size());
    if (has_member(golden, members.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

std::string in_words(std::string_view members) {
  std::string words(members);
  if (const std::size_t bar = words.find('|'); bar != std::string::npos)
    words.replace(bar, 1, " or ");
  return words;
}

bool is_by_ids(const MetricSpec& spec) {
  const json::Value* form = spec.options.if_contains("form");
  return form && form->is_string() && form->get_string() == "ids";
}

/// What a case must have for this metric as it is set.
std::vector<std::string> needs_of(const MetricSpec& spec, const ModeInfo& mode) {
  if (is_by_ids(spec)) return {"retrieved_ids", "relevance"};
  if (spec.name != "g_eval" || mode.mode == Mode::local) return mode.needs;
  const json::Value* members = spec.options.if_contains("evaluation_params");
  if (!members || members->get_array().empty()) return {"input", "actual_output"};
  std::vector<std::string> needs;
  for (const json::Value& member : members->get_array()) needs.emplace_back(member.get_string());
  return needs;
}

class RowMetric : public Metric {
 public:
  RowMetric(const MetricRow& row, Settings settings, std::size_t place)
      : row_(row),
        settings_(std::move(settings)),
        score_(row.scores[place]),
        needs_(needs_of(settings_.spec, row.info.modes[place])) {}

  const MetricSpec& spec() const override { return settings_.spec; }
  Mode mode() const override { return settings_.mode; }
  bool lower_is_better() const override { return row_.info.lower_is_better; }

  Result<Score> score(const Context& context, const Golden& golden) const override {
    for (const std::string& member : needs_)
      if (!has_one_of(golden, member)) return no_score(fmt::format("needs {}", in_words(member)));
    Case at(context, golden, settings_);
    Score score = TRY(score_(at));
    score.judge_calls = at.take_calls();
    decide(score);
    return score;
  }

 private:
  void decide(Score& score) const {
    if (!score.value) return;
    if (!std::isfinite(*score.value)) {
      score.value.reset();
      score.reason = "the formula gives no number";
      return;
    }
    const bool is_lower_better = row_.info.lower_is_better;
    if (settings_.spec.strict_mode) {
      const double best = is_lower_better ? 0 : 1;
      const bool misses = is_lower_better ? *score.value > best : *score.value < best;
      if (misses) score.value = 1 - best;
      score.passed = !misses;
      return;
    }
    // Milliseconds and dollars have no threshold of their own.
    const bool is_operation = row_.info.name == "latency" || row_.info.name == "cost_per_query";
    if (is_operation && !settings_.spec.threshold) return;
    const double threshold = settings_.spec.threshold.value_or(default_threshold);
    score.passed = is_lower_better ? *score.value <= threshold : *score.value >= threshold;
  }

  const MetricRow& row_;
  const Settings settings_;
  const ScoreFunction score_;
  const std::vector<std::string> needs_;
};

Error unknown_metric(std::string_view name) {
  std::vector<std::string_view> known;
  for (const MetricInfo& info : all_metrics()) known.push_back(info.name);
  const std::string_view hint = json::nearest(name, known);
  if (!hint.empty())
    return fail(Code::invalid_argument, "there is no metric '{}'; did you mean '{}'?", name, hint);
  return fail(Code::invalid_argument, "there is no metric '{}'; known are: {}", name,
              fmt::join(known, ", "));
}

Result<void> check_threshold(const std::optional<double>& threshold) {
  if (threshold && !std::isfinite(*threshold))
    return fail(Code::invalid_argument, "threshold: expected a number");
  return {};
}

/// Takes threshold and strict mode out of the options, where they may stand too.
Result<void> take_common_options(MetricSpec& spec) {
  if (const json::Value* value = spec.options.if_contains("threshold")) {
    if (!value->is_null()) spec.threshold = TRY(json::from<double>(*value).within("threshold"));
    spec.options.erase("threshold");
  }
  if (const json::Value* value = spec.options.if_contains("strict_mode")) {
    spec.strict_mode = TRY(json::from<bool>(*value).within("strict_mode"));
    spec.options.erase("strict_mode");
  }
  std::vector<std::string> nulls;
  for (const auto& [key, value] : spec.options)
    if (value.is_null()) nulls.emplace_back(key);
  for (const std::string& key : nulls) spec.options.erase(key);
  return check_threshold(spec.threshold);
}

Result<std::size_t> place_of_mode(const MetricInfo& info, Mode mode) {
  for (std::size_t i = 0; i < info.modes.size(); ++i)
    if (info.modes[i].mode == mode) return i;
  std::vector<std::string> known;
  for (const ModeInfo& each : info.modes) known.emplace_back(json::name(each.mode));
  return fail(Code::invalid_argument, "metric '{}' has no mode '{}'; it has: {}", info.name,
              json::name(mode), fmt::join(known, ", "));
}

Result<void> check_judged(const MetricInfo& info, const MetricSpec& spec, const ModeInfo& mode,
                          const Scorers& scorers) {
  const bool is_judged = !info.modes.front().steps.empty() && !is_by_ids(spec);
  if (!is_judged) return {};
  if (mode.mode == Mode::local && !scorers.local)
    return fail(Code::invalid_argument, "metric '{}' in mode local needs local evidence",
                spec.name);
  if (mode.mode == Mode::local) return {};
  if (!scorers.judge)
    return fail(Code::invalid_argument,
                "metric '{}' in mode {} asks a judge and there is none; give a judge, or use mode "
                "local",
                spec.name, json::name(mode.mode));
  const bool has_criteria =
      spec.options.contains("criteria") || spec.options.contains("evaluation_steps");
  if (spec.name == "g_eval" && !has_criteria)
    return fail(Code::invalid_argument,
                "metric 'g_eval' needs the option criteria, or evaluation_steps");
  return {};
}

json::Object to_json(const ScoredItem& item) {
  json::Object object{{"text", item.text}};
  if (!item.verdict.empty()) object["verdict"] = item.verdict;
  if (!item.reason.empty()) object["reason"] = item.reason;
  if (item.score) object["score"] = *item.score;
  if (item.byte_start && item.byte_end)
    object["span"] = json::Array{*item.byte_start, *item.byte_end};
  return object;
}

}  // namespace

const ModeInfo* MetricInfo::find(Mode mode) const {
  for (const ModeInfo& each : modes)
    if (each.mode == mode) return &each;
  return nullptr;
}

const std::vector<MetricInfo>& all_metrics() {
  static const std::vector<MetricInfo> infos = [] {
    std::vector<MetricInfo> all;
    for (const MetricRow& row : metric_rows()) all.push_back(row.info);
    return all;
  }();
  return infos;
}

const MetricInfo* find_metric(std::string_view name) {
  for (const MetricInfo& info : all_metrics())
    if (info.name == name) return &info;
  return nullptr;
}

Result<MetricSpec> parse_metric_spec(const json::Value& value) {
  if (!value.is_object()) return json::detail::expected("$", "an object", value);
  MetricSpec spec;
  for (const auto& [key, item] : value.get_object()) {
    if (key == "name") {
      spec.name = TRY(json::detail::read<std::string>(item, "$.name", json::Policy::strict));
    } else if (key == "as") {
      spec.as = TRY(json::detail::read<std::string>(item, "$.as", json::Policy::strict));
    } else if (key == "mode") {
      spec.mode =
          TRY(json::detail::read<std::optional<Mode>>(item, "$.mode", json::Policy::strict));
    } else if (key == "options") {
      if (item.is_null()) continue;
      if (!item.is_object()) return json::detail::expected("$.options", "an object", item);
      for (const auto& [name, option] : item.get_object()) spec.options[name] = option;
    } else {
      spec.options[key] = item;
    }
  }
  if (spec.name.empty()) return fail(Code::invalid_argument, "$.name: is required");
  TRY(take_common_options(spec));
  return spec;
}

json::Object to_json(const Metric& metric, const Golden& golden, const Score& score) {
  json::Object object{{"id", golden.id},
                      {"metric", metric.spec().label()},
                      {"mode", json::name(metric.mode())},
                      {"score", json::to(score.value)},
                      {"pass", json::to(score.passed)},
                      {"reason", score.reason}};
  for (const auto& [key, value] : score.extra) object[key] = value;
  json::Array& items = object["items"].emplace_array();
  for (const ScoredItem& item : score.items) items.push_back(to_json(item));
  object["judge_calls"] = json::to(score.judge_calls);
  return object;
}

Result<std::unique_ptr<Metric>> make_metric(MetricSpec spec, const Scorers& scorers) {
  const auto& rows = metric_rows();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const MetricRow& each) { return each.info.name == spec.name; });
  if (row == rows.end()) return unknown_metric(spec.name);
  TRY(take_common_options(spec));
  TRY(check_options(row->info, spec.options));
  const Mode mode = spec.mode.value_or(scorers.judge ? Mode::native : Mode::local);
  const std::size_t place = TRY(place_of_mode(row->info, mode));
  TRY(check_judged(row->info, spec, row->info.modes[place], scorers));
  return std::unique_ptr<Metric>(std::make_unique<RowMetric>(
      *row, Settings{.spec = std::move(spec), .mode = mode, .scorers = scorers}, place));
}

}  // namespace slipway::eval
