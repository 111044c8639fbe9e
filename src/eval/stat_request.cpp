#include "eval/stat_request.hpp"

#include <algorithm>

#include "eval/detail/stat_gate.hpp"
#include "eval/statistics.hpp"

namespace slipway::eval {

namespace {

Result<void> check_confidence(double confidence) {
  if (!(confidence > 0 && confidence < 1))
    return fail(Code::invalid_argument, "confidence {} is not between 0 and 1", confidence);
  return {};
}
Result<void> check_resamples(std::size_t resamples) {
  if (resamples < 1 || resamples > 1'000'000)
    return fail(Code::invalid_argument, "resamples {} is not in 1..1000000", resamples);
  return {};
}
Result<void> check_share(std::string_view name, double share) {
  if (!(share >= 0 && share <= 1))
    return fail(Code::invalid_argument, "{} {} is not in 0..1", name, share);
  return {};
}
Result<void> check_pairs(std::string_view a, std::size_t a_size, std::string_view b,
                         std::size_t b_size) {
  if (a_size != b_size)
    return fail(Code::invalid_argument, "{} has {} entries and {} has {}; they go in pairs", a,
                a_size, b, b_size);
  return {};
}

struct WilsonArgs {
  std::int64_t successes = 0, n = 0;
  double confidence = 0.95;
  static constexpr std::string_view required[] = {"successes", "n"};
  Result<void> validate() const {
    TRY(check_confidence(confidence));
    if (n < 0 || successes < 0 || successes > n)
      return fail(Code::invalid_argument, "{} successes of {} cannot be", successes, n);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(WilsonArgs, (), (successes, n, confidence))

/// Of t_interval, cluster_t_interval and interval.
struct SampleArgs {
  std::vector<std::optional<double>> values;
  std::vector<json::Value> clusters;
  double confidence = 0.95;
  std::uint64_t seed = 1;
  std::size_t resamples = 2000;
  static constexpr std::string_view required[] = {"values"};
  Result<void> validate() const {
    TRY(check_confidence(confidence));
    TRY(check_resamples(resamples));
    if (!clusters.empty()) return check_pairs("clusters", clusters.size(), "values", values.size());
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(SampleArgs, (), (values, clusters, confidence, seed, resamples))

struct SignFlipArgs {
  std::vector<double> differences;
  std::vector<json::Value> clusters;
  std::string alternative = "less";
  std::optional<bool> exact;
  std::uint64_t seed = 1;
  std::size_t resamples = 10000;
  static constexpr std::string_view required[] = {"differences"};
  Result<void> validate() const {
    TRY(check_resamples(resamples));
    if (alternative != "less" && alternative != "greater" && alternative != "two-sided")
      return fail(Code::invalid_argument, "alternative '{}' is none of less, greater, two-sided",
                  alternative);
    if (!clusters.empty())
      return check_pairs("clusters", clusters.size(), "differences", differences.size());
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(SignFlipArgs, (),
                      (differences, clusters, alternative, exact, seed, resamples))

struct McNemarArgs {
  std::uint64_t both_pass = 0, only_baseline_passes = 0, only_candidate_passes = 0, both_fail = 0;
  static constexpr std::string_view required[] = {"only_baseline_passes", "only_candidate_passes"};
  Result<void> validate() const {
    constexpr std::uint64_t max = 1ull << 53;  // Beyond, a double does not count.
    if (only_baseline_passes > max || only_candidate_passes > max)
      return fail(Code::invalid_argument, "more than 2^53 pairs");
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(McNemarArgs, (),
                      (both_pass, only_baseline_passes, only_candidate_passes, both_fail))

struct PowerArgs {
  double sd = 0, n = 0, mean_cluster_size = 1, icc = 0, alpha = 0.05, power = 0.8;
  int sided = 1;
  static constexpr std::string_view required[] = {"sd", "n"};
  Result<void> validate() const {
    TRY(check_share("icc", icc));
    if (!(alpha > 0 && alpha < 1) || !(power > 0 && power < 1))
      return fail(Code::invalid_argument, "alpha {} and power {} must be between 0 and 1", alpha,
                  power);
    if (!(n > 0) || !(sd >= 0) || !(mean_cluster_size >= 1))
      return fail(Code::invalid_argument,
                  "n {} must be above 0, sd {} at least 0, mean_cluster_size {} at least 1", n, sd,
                  mean_cluster_size);
    if (sided != 1 && sided != 2)
      return fail(Code::invalid_argument, "sided {} is neither 1 nor 2", sided);
    return {};
  }
};
BOOST_DESCRIBE_STRUCT(PowerArgs, (), (sd, n, mean_cluster_size, icc, alpha, power, sided))

struct AdjustArgs {
  std::vector<double> p;
  double alpha = 0.05;
  static constexpr std::string_view required[] = {"p"};
  Result<void> validate() const {
    for (const double value : p) TRY(check_share("p", value));
    return check_share("alpha", alpha);
  }
};
BOOST_DESCRIBE_STRUCT(AdjustArgs, (), (p, alpha))

struct KappaArgs {
  std::vector<json::Value> human, judge;
  static constexpr std::string_view required[] = {"human", "judge"};
  Result<void> validate() const {
    return check_pairs("human", human.size(), "judge", judge.size());
  }
};
BOOST_DESCRIBE_STRUCT(KappaArgs, (), (human, judge))

struct AucArgs {
  std::vector<int> labels;
  std::vector<double> scores;
  static constexpr std::string_view required[] = {"labels", "scores"};
  Result<void> validate() const {
    for (const int label : labels)
      if (label != 0 && label != 1)
        return fail(Code::invalid_argument, "label {} is neither 0 nor 1", label);
    return check_pairs("labels", labels.size(), "scores", scores.size());
  }
};
BOOST_DESCRIBE_STRUCT(AucArgs, (), (labels, scores))

struct PercentilesArgs {
  std::vector<double> values;
  static constexpr std::string_view required[] = {"values"};
};
BOOST_DESCRIBE_STRUCT(PercentilesArgs, (), (values))

struct RoganGladenArgs {
  double observed_pass_rate = 0, tpr = 0, tnr = 0;
  static constexpr std::string_view required[] = {"observed_pass_rate", "tpr", "tnr"};
  Result<void> validate() const {
    TRY(check_share("observed_pass_rate", observed_pass_rate));
    TRY(check_share("tpr", tpr));
    return check_share("tnr", tnr);
  }
};
BOOST_DESCRIBE_STRUCT(RoganGladenArgs, (), (observed_pass_rate, tpr, tnr))

std::vector<std::uint32_t> numbered(const std::vector<json::Value>& labels) {
  std::vector<std::string> names;
  for (const json::Value& label : labels) names.push_back(json::dump(label));
  return number_clusters(names);
}

/// Without the values that are null.
Sample sample_of(const SampleArgs& args) {
  Sample sample;
  std::vector<json::Value> clusters;
  for (std::size_t i = 0; i < args.values.size(); ++i) {
    if (!args.values[i]) continue;
    sample.values.push_back(*args.values[i]);
    if (!args.clusters.empty()) clusters.push_back(args.clusters[i]);
  }
  if (!clusters.empty()) sample.clusters = numbered(clusters);
  return sample;
}

std::string_view why_without(const Interval& interval) {
  if (interval.n == 0) return "there is no value";
  if (interval.n == 1) return "one value has no spread";
  return "one cluster has no spread";
}

json::Object shown(const Interval& interval) {
  json::Object object{{"mean", interval.n > 0 ? json::Value(interval.mean) : nullptr},
                      {"low", json::to(interval.low)},
                      {"high", json::to(interval.high)},
                      {"method", interval.method},
                      {"n", interval.n},
                      {"clusters", interval.clusters},
                      {"se", interval.low ? json::Value(interval.standard_error) : nullptr}};
  if (!interval.low) object["reason"] = why_without(interval);
  return object;
}

using Args = const json::Value&;
using Answer = Result<json::Object>;

Answer stat_wilson(Args value) {
  const auto args = TRY(json::from<WilsonArgs>(value));
  if (args.n == 0) return shown(Interval{});
  return shown(
      wilson(static_cast<double>(args.successes), static_cast<double>(args.n), args.confidence));
}
Answer stat_t(Args value) {
  const auto args = TRY(json::from<SampleArgs>(value));
  return shown(t_interval(sample_of(args), args.confidence));
}
Answer stat_cluster_t(Args value) {
  const auto args = TRY(json::from<SampleArgs>(value));
  return shown(cluster_t_interval(sample_of(args), args.confidence));
}
Answer stat_interval(Args value) {
  const auto args = TRY(json::from<SampleArgs>(value));
  return shown(
      interval_of(sample_of(args),
                  {.confidence = args.confidence, .seed = args.seed, .resamples = args.resamples}));
}

Answer stat_sign_flips(Args value) {
  const auto args = TRY(json::from<SignFlipArgs>(value));
  const std::string_view side = args.alternative;
  const Alternative alternative = side == "less"      ? Alternative::less
                                  : side == "greater" ? Alternative::greater
                                                      : Alternative::two_sided;
  const SignFlip flip =
      sign_flips({.values = args.differences, .clusters = numbered(args.clusters)},
                 {.alternative = alternative,
                  .seed = args.seed,
                  .resamples = args.resamples,
                  .exact = args.exact});
  return json::Object{{"statistic", flip.statistic}, {"p", flip.p}, {"exact", flip.exact}};
}

Answer stat_mcnemar(Args value) {
  const auto args = TRY(json::from<McNemarArgs>(value));
  const McNemar test = mcnemar(args.only_baseline_passes, args.only_candidate_passes);
  return json::Object{{"p_two_sided_exact", test.p_two_sided_exact},
                      {"p_worse_exact", test.p_worse_exact},
                      {"p_worse_mid", test.p_worse_mid}};
}

Answer stat_mde(Args value) {
  const auto args = TRY(json::from<PowerArgs>(value));
  const Detectable detectable =
      minimum_detectable_effect({.sd = args.sd,
                                 .n = args.n,
                                 .mean_cluster_size = args.mean_cluster_size,
                                 .icc = args.icc,
                                 .alpha = args.alpha,
                                 .power = args.power,
                                 .sided = args.sided});
  return json::Object{{"mde", detectable.mde}, {"deff", detectable.deff}};
}

Answer stat_adjust(Args value) {
  const auto args = TRY(json::from<AdjustArgs>(value));
  const Adjusted adjusted = benjamini_hochberg(args.p, args.alpha);
  json::Array rejected;
  for (const bool is_rejected : adjusted.rejected) rejected.push_back(is_rejected);
  return json::Object{{"adjusted", json::to(adjusted.q)}, {"rejected", std::move(rejected)}};
}

Answer stat_kappa(Args value) {
  const auto args = TRY(json::from<KappaArgs>(value));
  if (args.human.empty())
    return json::Object{{"kappa", nullptr}, {"agreement", nullptr}, {"reason", "no labels"}};
  std::vector<json::Value> both = args.human;
  both.insert(both.end(), args.judge.begin(), args.judge.end());
  const std::vector<std::uint32_t> labels = numbered(both);
  const auto half = labels.begin() + static_cast<std::ptrdiff_t>(args.human.size());
  const Agreement agreement = cohen_kappa({labels.begin(), half}, {half, labels.end()});
  json::Object object{{"kappa", json::to(agreement.kappa)},
                      {"agreement", agreement.agreement},
                      {"chance", agreement.chance}};
  if (!agreement.kappa) object["reason"] = "both always say the same one label";
  return object;
}

Answer stat_auc(Args value) {
  const auto args = TRY(json::from<AucArgs>(value));
  const auto area = auc(args.labels, args.scores);
  json::Object object{{"auc", json::to(area)}};
  if (!area) object["reason"] = "labels of one class only";
  return object;
}

Answer stat_percentiles(Args value) {
  auto args = TRY(json::from<PercentilesArgs>(value));
  if (args.values.empty())
    return json::Object{
        {"p50", nullptr}, {"p95", nullptr}, {"p99", nullptr}, {"reason", "there is no value"}};
  std::sort(args.values.begin(), args.values.end());
  return json::Object{{"p50", percentile(args.values, 0.50)},
                      {"p95", percentile(args.values, 0.95)},
                      {"p99", percentile(args.values, 0.99)}};
}

Answer stat_rogan_gladen(Args value) {
  const auto args = TRY(json::from<RoganGladenArgs>(value));
  const auto corrected = rogan_gladen(args.observed_pass_rate, args.tpr, args.tnr);
  json::Object object{{"corrected_pass_rate", json::to(corrected)}};
  if (!corrected) object["reason"] = "TPR + TNR is not above 1: the judge says no more than chance";
  return object;
}

struct Stat {
  std::string_view name;
  Answer (*answer)(Args);
};
constexpr Stat stats[] = {{"wilson", stat_wilson},
                          {"t_interval", stat_t},
                          {"cluster_t_interval", stat_cluster_t},
                          {"interval", stat_interval},
                          {"sign_flip_permutation", stat_sign_flips},
                          {"mcnemar", stat_mcnemar},
                          {"minimum_detectable_effect", stat_mde},
                          {"benjamini_hochberg", stat_adjust},
                          {"cohen_kappa", stat_kappa},
                          {"auc", stat_auc},
                          {"percentiles", stat_percentiles},
                          {"rogan_gladen", stat_rogan_gladen},
                          {"gate", detail::stat_gate}};

struct StatRequest {
  json::Value id;
  std::string stat;
  json::Value args = json::Object();
  static constexpr std::string_view required[] = {"stat"};
};
BOOST_DESCRIBE_STRUCT(StatRequest, (), (id, stat, args))

}  // namespace

const std::vector<std::string_view>& stat_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Stat& stat : stats) all.push_back(stat.name);
    return all;
  }();
  return names;
}

Result<json::Object> answer_stat(const json::Value& value) {
  const auto request = TRY(json::from<StatRequest>(value));
  const auto* found = std::find_if(std::begin(stats), std::end(stats),
                                   [&](const Stat& stat) { return stat.name == request.stat; });
  if (found == std::end(stats)) {
    const std::string_view near = json::nearest(request.stat, stat_names());
    return fail(Code::invalid_argument, "$.stat: there is no stat '{}'; {}", request.stat,
                near.empty() ? fmt::format("there are {}", fmt::join(stat_names(), ", "))
                             : fmt::format("did you mean '{}'?", near));
  }
  auto answer = found->answer(request.args);
  if (!answer) {  // "$.p: ..." is of the arguments.
    std::string message = answer.error().message();
    if (message.starts_with('$')) message.replace(0, 1, "$.args");
    return Error(answer.error().code(), std::move(message));
  }
  json::Object reply;
  if (!request.id.is_null()) reply["id"] = request.id;
  for (auto& [key, item] : *answer) reply[key] = item;
  return reply;
}

}  // namespace slipway::eval
