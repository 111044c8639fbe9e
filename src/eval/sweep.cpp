#include "eval/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "core/files.hpp"

namespace slipway::eval {

namespace {

constexpr std::size_t variants_max = 500;
constexpr int limit_max = 50;

/// One dimension: what is asked for, else what is.
template <typename T>
std::vector<T> or_base(const std::vector<T>& wanted, const T& base) {
  return wanted.empty() ? std::vector<T>{base} : wanted;
}

/// A variant while it is asked.
struct Runner {
  SweepPoint point;
  std::vector<std::vector<std::optional<double>>> values;  ///< By metric, then by golden.
  std::vector<double> latencies;
  double cost = 0;
  bool is_out = false;
};

std::string cluster_of(const Golden& golden, const std::optional<std::string>& key) {
  if (key) return golden.metadata_text(*key);
  const std::string document = golden.metadata_text("document");
  return document.empty() ? golden.metadata_text("conversation") : document;
}

/// Goldens in the order in which they are asked; so a larger round holds the smaller ones.
std::vector<const Golden*> shuffled(const std::vector<Golden>& goldens, std::uint64_t seed) {
  std::vector<std::pair<std::string, const Golden*>> drawn;
  for (const Golden& golden : goldens)
    drawn.emplace_back(sha256(fmt::format("{}\n{}", seed, golden.id)), &golden);
  std::sort(drawn.begin(), drawn.end());
  std::vector<const Golden*> order;
  for (const auto& item : drawn) order.push_back(item.second);
  return order;
}

class Sweep {
 public:
  Sweep(std::vector<const Golden*> goldens, std::size_t deciding, SweepSubject& subject,
        const SweepOptions& options)
      : goldens_(std::move(goldens)), deciding_(deciding), subject_(subject), options_(options) {}

  Result<void> ask(const Context& context, Runner& runner, std::size_t upto) {
    runner.values.resize(options_.metrics.size());
    if (runner.point.n == 0) {
      const auto prepared = subject_.prepare(context, runner.point.variant);
      if (!prepared) return out(runner, prepared.error());
    }
    ++runner.point.rounds;
    for (std::size_t i = runner.point.n; i < upto; ++i) {
      TRY(context.check());
      TRY(ask_one(context, runner, *goldens_[i]));
      ++runner.point.n;
      ++asked_;
      if (options_.on_progress) options_.on_progress(runner.point.variant.name(), i + 1, upto);
    }
    if (runner.point.errors == runner.point.n) runner.is_out = true;
    return {};
  }

  /// Larger is better, also of metrics where it is not.
  double worth(const Runner& runner) const {
    double sum = 0;
    std::size_t count = 0;
    for (const auto& value : runner.values[deciding_])
      if (value) {
        sum += *value;
        ++count;
      }
    const double mean = count == 0 ? 0 : sum / static_cast<double>(count);
    return options_.metrics[deciding_]->lower_is_better() ? -mean : mean;
  }

  void finish(Runner& runner) const {
    SweepPoint& point = runner.point;
    for (std::size_t m = 0; m < options_.metrics.size() && !runner.values.empty(); ++m) {
      Sample sample;
      std::vector<std::string> clusters;
      for (std::size_t i = 0; i < runner.values[m].size(); ++i) {
        if (!runner.values[m][i]) continue;
        sample.values.push_back(*runner.values[m][i]);
        clusters.push_back(cluster_of(*goldens_[i], options_.cluster));
      }
      if (sample.values.empty()) continue;
      sample.clusters = number_clusters(clusters);
      point.scores.push_back(
          {options_.metrics[m]->spec().label(), interval_of(sample, options_.resampling)});
    }
    if (runner.latencies.empty()) return;
    std::sort(runner.latencies.begin(), runner.latencies.end());
    point.latency_p50_ms = percentile(runner.latencies, 0.5);
    point.latency_p95_ms = percentile(runner.latencies, 0.95);
    point.cost_usd = runner.cost / static_cast<double>(runner.latencies.size());
  }

  std::size_t asked() const { return asked_; }
  std::size_t size() const { return goldens_.size(); }

 private:
  static Result<void> out(Runner& runner, const Error& error) {
    if (error.code() == Code::cancelled) return error;
    runner.is_out = true;
    runner.point.error = error.message();
    return {};
  }

  Result<void> ask_one(const Context& context, Runner& runner, const Golden& golden) {
    const auto answered = subject_.answer(context, runner.point.variant, golden);
    for (auto& values : runner.values) values.emplace_back();
    if (!answered) {
      if (answered.error().code() == Code::cancelled) return answered.error();
      return failed(runner, answered.error());
    }
    if (answered->latency_ms) runner.latencies.push_back(*answered->latency_ms);
    runner.cost += answered->cost_usd.value_or(0);
    for (std::size_t m = 0; m < options_.metrics.size(); ++m) {
      const auto score = options_.metrics[m]->score(context, *answered);
      if (!score) return failed(runner, score.error());
      runner.values[m].back() = score->value;
    }
    return {};
  }

  static Result<void> failed(Runner& runner, const Error& error) {
    ++runner.point.errors;
    if (runner.point.error.empty()) runner.point.error = error.message();
    return {};
  }

  const std::vector<const Golden*> goldens_;
  const std::size_t deciding_;
  SweepSubject& subject_;
  const SweepOptions& options_;
  std::size_t asked_ = 0;
};

/// Whether `a` is nowhere worse than `b` and somewhere better.
bool dominates(const std::pair<double, const SweepPoint*>& a,
               const std::pair<double, const SweepPoint*>& b) {
  const bool is_no_worse = a.first >= b.first &&
                           a.second->latency_p50_ms <= b.second->latency_p50_ms &&
                           a.second->cost_usd <= b.second->cost_usd;
  return is_no_worse && (a.first > b.first || a.second->latency_p50_ms < b.second->latency_p50_ms ||
                         a.second->cost_usd < b.second->cost_usd);
}

/// The better ones, and what is now: the change must be told beside it.
void halve(std::vector<Runner*>& alive, const Sweep& sweep, double keep) {
  std::stable_sort(alive.begin(), alive.end(), [&](const Runner* a, const Runner* b) {
    return sweep.worth(*a) > sweep.worth(*b);
  });
  const auto left =
      static_cast<std::size_t>(std::max(1.0, std::ceil(static_cast<double>(alive.size()) * keep)));
  std::vector<Runner*> kept;
  for (std::size_t i = 0; i < alive.size(); ++i)
    if (i < left || alive[i]->point.is_base) kept.push_back(alive[i]);
  alive = std::move(kept);
}

void judge(std::vector<Runner*>& finalists, const Sweep& sweep) {
  std::vector<std::pair<double, const SweepPoint*>> points;
  for (const Runner* one : finalists) points.emplace_back(sweep.worth(*one), &one->point);
  for (std::size_t i = 0; i < finalists.size(); ++i)
    finalists[i]->point.is_on_front =
        std::none_of(points.begin(), points.end(),
                     [&](const auto& other) { return dominates(other, points[i]); });
  const auto winner =
      std::min_element(finalists.begin(), finalists.end(), [&](const Runner* a, const Runner* b) {
        return std::tuple(-sweep.worth(*a), a->point.cost_usd, a->point.latency_p50_ms) <
               std::tuple(-sweep.worth(*b), b->point.cost_usd, b->point.latency_p50_ms);
      });
  (*winner)->point.is_winner = true;
}

}  // namespace

Result<void> SweepSpec::validate() const {
  if (!(keep > 0 && keep < 1))
    return fail(Code::invalid_argument, "keep: {} is not between 0 and 1", keep);
  if (start < 1) return fail(Code::invalid_argument, "start: 1 golden at least is wanted");
  for (const int one : limit)
    if (one < 1 || one > limit_max)
      return fail(Code::invalid_argument, "limit: {} is not in 1..{}", one, limit_max);
  for (const std::string& one : answer)
    if (one != "extract" && one != "generate" && one != "auto")
      return fail(Code::invalid_argument, "answer: '{}' is none of: auto, extract, generate", one);
  for (const double one : dense_weight)
    if (!(one >= 0 && one <= 1))
      return fail(Code::invalid_argument, "dense_weight: {} is not in 0..1", one);
  if (!prompt.empty() &&
      std::none_of(answer.begin(), answer.end(), [](const auto& one) { return one != "extract"; }))
    return fail(Code::invalid_argument,
                "prompt: is of generated answers; write 'answer: [generate]' beside it");
  return {};
}

Result<SweepSpec> parse_sweep(const json::Object& value) {
  auto spec = json::from<SweepSpec>(json::Value(value));
  if (spec) return spec;
  // "$.limit: ..." is "$.sweep.limit: ..." in a suite.
  std::string message = spec.error().message();
  if (message.starts_with('$')) message.insert(1, ".sweep");
  return Error(spec.error().code(), std::move(message));
}

std::string SweepVariant::name() const {
  std::string text = fmt::format("{} {}+{}, {}, {}", json::name(splitter.kind), splitter.chunk_size,
                                 splitter.chunk_overlap, embedder, json::name(search));
  if (search == index::SearchMode::hybrid) {
    if (fusion != index::Fusion::relative_score) text += fmt::format(" {}", json::name(fusion));
    if (dense_weight != SweepVariant().dense_weight) text += fmt::format(" {}", dense_weight);
  }
  if (!reranker.empty()) text += ", " + reranker;
  text += fmt::format(", {}", limit);
  if (!answer.empty()) text += ", " + answer;
  if (!answer_model.empty()) text += " " + answer_model;
  if (!prompt.empty()) text += " " + prompt;
  return text;
}

std::string SweepVariant::index_key() const { return embedder + '\n' + splitter.identity(); }

json::Object SweepVariant::settings() const {
  json::Object object{{"embedder", embedder},
                      {"splitter", json::name(splitter.kind)},
                      {"chunk_size", splitter.chunk_size},
                      {"chunk_overlap", splitter.chunk_overlap},
                      {"search", json::name(search)},
                      {"reranker", reranker},
                      {"limit", limit}};
  if (search == index::SearchMode::hybrid) {
    object["fusion"] = json::name(fusion);
    object["dense_weight"] = dense_weight;
  }
  if (!prompt.empty()) object["prompt"] = prompt;
  if (!answer.empty()) object["answer"] = answer;
  if (!answer_model.empty()) object["answer_model"] = answer_model;
  return object;
}

namespace {

/// What a variant has no use for is not another one.
void leave_out_doubles(std::vector<SweepVariant>& variants) {
  std::set<std::string> names;
  std::erase_if(variants, [&](SweepVariant& one) {
    if (one.search != index::SearchMode::hybrid) {
      one.fusion = SweepVariant().fusion;
      one.dense_weight = SweepVariant().dense_weight;
    }
    if (one.answer.empty() || one.answer == "extract") {
      one.prompt.clear();
      one.answer_model.clear();
    }
    return !names.insert(one.name()).second;
  });
}

}  // namespace

Result<std::vector<SweepVariant>> variants_of(const SweepSpec& spec, const SweepBase& base,
                                              bool needs_answers) {
  const std::string now = base.answer.empty() ? "extract" : base.answer;
  const std::string usual_answer = needs_answers ? now : "";
  std::vector<SweepVariant> variants{SweepVariant{}};
  bool is_too_large = false;
  const auto multiply = [&](const auto& values, const auto& set) {
    std::vector<SweepVariant> more;
    for (const SweepVariant& one : variants)
      for (const auto& value : values) {
        if (more.size() > variants_max) is_too_large = true;
        if (is_too_large) return;
        SweepVariant next = one;
        set(next, value);
        more.push_back(std::move(next));
      }
    variants = std::move(more);
  };
  multiply(or_base(spec.splitter, base.splitter.kind), [&](SweepVariant& one, auto value) {
    // Another kind has settings of its own; the sizes are those of the collection.
    if (value == base.splitter.kind) {
      one.splitter = base.splitter;
    } else {
      one.splitter.kind = value;
      one.splitter.chunk_size = base.splitter.chunk_size;
      one.splitter.chunk_overlap = base.splitter.chunk_overlap;
    }
  });
  multiply(or_base(spec.chunk_size, base.splitter.chunk_size),
           [](SweepVariant& one, std::size_t value) { one.splitter.chunk_size = value; });
  multiply(or_base(spec.chunk_overlap, base.splitter.chunk_overlap),
           [](SweepVariant& one, std::size_t value) { one.splitter.chunk_overlap = value; });
  multiply(or_base(spec.embedder, base.embedder),
           [](SweepVariant& one, const std::string& value) { one.embedder = value; });
  multiply(or_base(spec.search, base.search),
           [](SweepVariant& one, auto value) { one.search = value; });
  multiply(or_base(spec.fusion, base.fusion),
           [](SweepVariant& one, auto value) { one.fusion = value; });
  multiply(or_base(spec.dense_weight, base.dense_weight),
           [](SweepVariant& one, double value) { one.dense_weight = value; });
  multiply(or_base(spec.reranker, base.reranker),
           [](SweepVariant& one, const std::string& value) { one.reranker = value; });
  multiply(or_base(spec.limit, base.limit),
           [](SweepVariant& one, int value) { one.limit = value; });
  multiply(or_base(spec.answer, usual_answer),
           [](SweepVariant& one, const std::string& value) { one.answer = value; });
  multiply(or_base(spec.answer_model, base.answer_model),
           [](SweepVariant& one, const std::string& value) { one.answer_model = value; });
  multiply(or_base(spec.prompt, base.prompt),
           [](SweepVariant& one, const std::string& value) { one.prompt = value; });
  if (is_too_large)
    return fail(Code::invalid_argument, "sweep: more than {} variants; leave something out",
                variants_max);
  std::erase_if(variants, [](const SweepVariant& one) { return !one.splitter.validate(); });
  leave_out_doubles(variants);
  if (variants.empty())
    return fail(Code::invalid_argument,
                "sweep: no combination is possible; is chunk_overlap below chunk_size?");
  return variants;
}

Result<SweepReport> run_sweep(const Context& context, const std::vector<Golden>& goldens,
                              const SweepSpec& spec, std::vector<SweepVariant> variants,
                              SweepSubject& subject, const SweepOptions& options) {
  if (goldens.empty()) return fail(Code::invalid_argument, "sweep: there are no goldens");
  if (options.metrics.empty()) return fail(Code::invalid_argument, "sweep: there are no metrics");
  std::size_t deciding = 0;
  while (deciding < options.metrics.size() && !spec.quality.empty() &&
         options.metrics[deciding]->spec().label() != spec.quality)
    ++deciding;
  if (deciding == options.metrics.size())
    return fail(Code::invalid_argument, "sweep.quality: the suite has no metric '{}'",
                spec.quality);
  Sweep sweep(shuffled(goldens, options.seed), deciding, subject, options);
  // Variants with one index follow each other, so that only one is held at a time.
  std::stable_sort(variants.begin(), variants.end(),
                   [](const auto& a, const auto& b) { return a.index_key() < b.index_key(); });
  std::vector<Runner> runners;
  for (SweepVariant& variant : variants) {
    Runner& runner = runners.emplace_back();
    runner.point.is_base = variant.name() == options.base;
    runner.point.variant = std::move(variant);
  }
  std::vector<Runner*> alive;
  for (Runner& runner : runners) alive.push_back(&runner);
  for (std::size_t upto = std::min(spec.start, sweep.size());;
       upto = std::min(upto * 2, sweep.size())) {
    for (Runner* runner : alive) TRY(sweep.ask(context, *runner, upto));
    std::erase_if(alive, [](const Runner* runner) { return runner->is_out; });
    if (alive.empty())
      return fail(Code::invalid_argument, "no variant could be asked: {}",
                  runners.front().point.error);
    if (upto == sweep.size()) break;
    halve(alive, sweep, spec.keep);
  }
  for (Runner& runner : runners) sweep.finish(runner);
  for (Runner* runner : alive) runner->point.is_final = true;
  judge(alive, sweep);
  std::vector<std::pair<double, SweepPoint>> ordered;
  for (Runner& runner : runners)
    ordered.emplace_back(runner.values.empty() ? 0 : sweep.worth(runner), std::move(runner.point));
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return std::tuple(b.second.is_winner, b.second.is_final, b.second.n, b.first) <
           std::tuple(a.second.is_winner, a.second.is_final, a.second.n, a.first);
  });
  SweepReport report{.points = {},
                     .quality = options.metrics[deciding]->spec().label(),
                     .goldens = sweep.size(),
                     .asked = sweep.asked()};
  for (auto& item : ordered) report.points.push_back(std::move(item.second));
  return report;
}

json::Value to_json(const SweepReport& report) {
  json::Array points;
  for (const SweepPoint& point : report.points) {
    json::Array scores;
    for (const SweepScore& score : point.scores)
      scores.push_back(json::Object{{"metric", score.metric},
                                    {"mean", score.interval.mean},
                                    {"low", json::to(score.interval.low)},
                                    {"high", json::to(score.interval.high)},
                                    {"method", score.interval.method},
                                    {"n", score.interval.n},
                                    {"clusters", score.interval.clusters}});
    points.push_back(
        json::Object{{"name", point.variant.name()},
                     {"settings", point.variant.settings()},
                     {"n", point.n},
                     {"rounds", point.rounds},
                     {"errors", point.errors},
                     {"error", point.error.empty() ? json::Value() : json::Value(point.error)},
                     {"scores", std::move(scores)},
                     {"latency_p50_ms", point.latency_p50_ms},
                     {"latency_p95_ms", point.latency_p95_ms},
                     {"cost_usd", point.cost_usd},
                     {"final", point.is_final},
                     {"pareto", point.is_on_front},
                     {"winner", point.is_winner}});
  }
  return json::Object{{"quality", report.quality},
                      {"goldens", report.goldens},
                      {"asked", report.asked},
                      {"variants", std::move(points)}};
}

}  // namespace slipway::eval
