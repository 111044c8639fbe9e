#include "eval/online.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/files.hpp"
#include "core/log.hpp"
#include "eval/trace_goldens.hpp"
#include "trace/evaluators.hpp"
#include "trace/feedback_filter.hpp"
#include "trace/sessions.hpp"

namespace slipway::eval {

namespace {

constexpr std::int64_t hour_us = 3'600'000'000;
constexpr int recent_hours = 3, before_hours = 24;
constexpr std::size_t scores_min = 20;
constexpr double default_margin = 0.05;
constexpr std::chrono::seconds watch_pause{60};
constexpr std::chrono::hours tell_pause{1};

std::int64_t micros(Clock::Time time) { return time.time_since_epoch().count(); }

std::string hour_text(std::int64_t hour) {
  return format_time(Clock::Time(std::chrono::microseconds(hour * hour_us)));
}

Result<std::vector<SuiteMetric>> declared_metrics(const OnlineConfig& config) {
  json::Array metrics;
  for (const json::Value& one : config.metrics)
    metrics.push_back(one.is_string() ? json::Value(json::Object{{"name", one}}) : one);
  json::Object suite{{"name", "online"}, {"dataset", "-"}, {"metrics", std::move(metrics)}};
  return TRY(parse_suite(json::Value(std::move(suite)))).metrics;
}

/// The scores of one metric in some hours.
struct Scores {
  Sample sample;
  std::int64_t errors = 0, passed = 0, judged = 0;
};

/// By entry and metric, then by hour.
using Table = std::map<std::pair<std::string, std::string>, std::map<std::int64_t, Scores>>;

Result<Table> read_scores(const Context& context, store::Database& database, std::int64_t since) {
  Table table;
  TRY(database.read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(
        "SELECT entry, metric, hour, score, passed FROM eval_online_scores WHERE hour >= ? "
        "ORDER BY entry, metric, hour, run_id"));
    select.bind(0, since);
    while (TRY(select.step())) {
      Scores& scores =
          table[{std::string(select.text(0)), std::string(select.text(1))}][select.integer(2)];
      if (select.is_null(3)) {
        ++scores.errors;
        continue;
      }
      scores.sample.values.push_back(select.real(3));
      if (select.is_null(4)) continue;
      ++scores.judged;
      scores.passed += select.integer(4);
    }
    return {};
  }));
  return table;
}

trace::Feedback feedback_of(const OnlineConfig& config, const SuiteMetric& metric,
                            const trace::Run& run, const Result<Score>& score) {
  trace::Feedback one;
  one.id = trace::uuid_of(fmt::format("online\n{}\n{}\n{}\n{}", config.name, metric.spec.label(),
                                      run.trace_id, run.id));
  one.run_id = run.id;
  one.trace_id = run.trace_id;
  one.key = metric.spec.label();
  one.start_time = run.start;
  one.source = {{"type", "rule"},
                {"metadata", json::Object{{"evaluator", config.name},
                                          {"metric", metric.spec.name},
                                          {"sample", config.sample}}}};
  if (!score) {
    one.error = true;
    one.comment = score.error().message();
    return one;
  }
  if (score->value) one.score = *score->value;
  if (!score->judge_calls.empty()) one.source["type"] = "model";
  if (!score->reason.empty()) one.comment = score->reason;
  return one;
}

}  // namespace

Result<void> OnlineConfig::validate() const {
  if (!(sample >= 0 && sample <= 1))
    return fail(Code::invalid_argument, "sample: 0 to 1 is wanted, got {}", sample);
  if (metrics.empty()) return fail(Code::invalid_argument, "metrics: none is named");
  if (filter) TRY(trace::parse_filter(*filter).within("filter"));
  for (const budgets::AlertTarget& target : send) TRY(target.validate().within("send"));
  TRY(declared_metrics(*this));
  return {};
}

Result<void> EvaluationsConfig::validate() const {
  constexpr std::size_t entries_max = 50;
  if (online.size() > entries_max)
    return fail(Code::invalid_argument, "online: at most {} entries", entries_max);
  std::set<std::string> names;
  for (const OnlineConfig& one : online)
    if (!one.name.empty() && !names.insert(one.name).second)
      return fail(Code::invalid_argument, "online: two entries are called '{}'", one.name);
  return {};
}

Result<OnlineEvaluator> make_online_evaluator(OnlineConfig config, const Scorers& scorers) {
  OnlineEvaluator evaluator;
  evaluator.declared = TRY(declared_metrics(config).within(config.name));
  for (const SuiteMetric& metric : evaluator.declared)
    evaluator.metrics.push_back(TRY(make_metric(metric.spec, scorers).within(config.name)));
  evaluator.config = std::move(config);
  return evaluator;
}

std::vector<store::Migration> online_migrations() {
  return {{"eval_online", 1, R"sql(
    CREATE TABLE eval_online_scores(
      entry TEXT NOT NULL,
      metric TEXT NOT NULL,
      hour INTEGER NOT NULL,  -- Since 1970.
      trace_id TEXT NOT NULL,
      run_id TEXT NOT NULL,
      score REAL,             -- NULL: it could not be scored.
      passed INTEGER,
      PRIMARY KEY(entry, metric, hour, trace_id, run_id)) WITHOUT ROWID;
    CREATE INDEX eval_online_scores_hour ON eval_online_scores(hour);
  )sql"}};
}

std::string OnlineDrop::text() const {
  return fmt::format(
      "{} of '{}' is {:.3f} in the last {} hours (n {}, at best {:.3f}) after {:.3f} in the {} "
      "hours before (n {}); its margin is {:.3f}",
      metric, entry, now, recent_hours, n_now, bound, before, before_hours, n_before, margin);
}

bool is_in_sample(const std::string& trace_id, double share) {
  if (share >= 1) return true;
  constexpr std::size_t prefix = 7, digits = 13;
  const double place = std::ldexp(
      static_cast<double>(std::stoull(sha256(trace_id).substr(prefix, digits), nullptr, 16)), -52);
  return place < share;
}

OnlineEvaluations::OnlineEvaluations(Options options)
    : options_(std::move(options)),
      evaluators_(std::make_shared<const std::vector<OnlineEvaluator>>()) {}

OnlineEvaluations::~OnlineEvaluations() { stop(); }

void OnlineEvaluations::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void OnlineEvaluations::set(std::vector<OnlineEvaluator> evaluators) {
  auto next = std::make_shared<const std::vector<OnlineEvaluator>>(std::move(evaluators));
  const std::lock_guard lock(mutex_);
  evaluators_.swap(next);
  // A server that scores nothing has no thread for it.
  if (!evaluators_->empty() && !is_stopped_ && !thread_.joinable())
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

OnlineEvaluations::Evaluators OnlineEvaluations::current() const {
  const std::lock_guard lock(mutex_);
  return evaluators_;
}

OnlineEvaluations::Counters OnlineEvaluations::counters() const {
  const std::lock_guard lock(mutex_);
  return {written_, dropped_, queue_.size()};
}

void OnlineEvaluations::offer(const trace::RunPatch& run) {
  const bool has_ended = run.end || (run.status && *run.status != trace::Status::pending);
  if (!has_ended || run.parent_id || run.project == trace::evaluators_project) return;
  const std::string trace_id = run.trace_id.empty() ? run.id : run.trace_id;
  const std::lock_guard lock(mutex_);
  const bool is_wanted = std::any_of(
      evaluators_->begin(), evaluators_->end(),
      [&](const OnlineEvaluator& one) { return is_in_sample(trace_id, one.config.sample); });
  if (!is_wanted || known_.contains(run.id + '\n' + trace_id)) return;
  if (queue_.size() >= options_.runs_max) {
    ++dropped_;
    return;
  }
  known_.insert(run.id + '\n' + trace_id);
  queue_.push_back({std::chrono::steady_clock::now() + options_.patience, run.id, trace_id});
  changed_.notify_one();
}

void OnlineEvaluations::work(const std::stop_token& stop) {
  auto next_watch = std::chrono::steady_clock::now() + watch_pause;
  while (!stop.stop_requested()) {
    std::optional<Waiting> due;
    {
      std::unique_lock lock(mutex_);
      const auto now = std::chrono::steady_clock::now();
      const auto until = queue_.empty() ? next_watch : std::min(next_watch, queue_.front().due);
      if (until > now) {
        // What comes may be due before that.
        changed_.wait_until(lock, stop, until,
                            [&] { return !queue_.empty() && queue_.front().due < until; });
      }
      if (!queue_.empty() && queue_.front().due <= std::chrono::steady_clock::now()) {
        due = std::move(queue_.front());
        queue_.pop_front();
        known_.erase(due->run_id + '\n' + due->trace_id);
      }
    }
    if (stop.stop_requested()) return;
    const Context context = Context(stop).with_timeout(options_.call_timeout);
    if (due) {
      const auto count = score(context, due->run_id, due->trace_id);
      if (!count) {
        ++dropped_;
        if (!stop.stop_requested())
          log::warning("run {} is not scored: {}", due->run_id, count.error().message());
      }
    }
    if (std::chrono::steady_clock::now() < next_watch) continue;
    next_watch = std::chrono::steady_clock::now() + watch_pause;
    if (const auto watched = watch(context); !watched && !stop.stop_requested())
      log::warning("online evaluations are not watched: {}", watched.error().message());
  }
}

Result<bool> OnlineEvaluations::wants(const Context& context, const OnlineEvaluator& evaluator,
                                      const trace::Run& run) const {
  if (!is_in_sample(run.trace_id, evaluator.config.sample)) return false;
  if (!evaluator.config.filter) return true;
  trace::Query query;
  query.trace_id = run.trace_id;
  query.with_payload = false;
  query.limit = 1000;
  query.filter = TRY(trace::parse_filter(*evaluator.config.filter));
  TRY(trace::resolve_feedback(context, options_.feedbacks, *query.filter, trace::Listed::runs));
  const auto page = TRY(options_.store.runs(context, query));
  return std::any_of(page.items.begin(), page.items.end(),
                     [&](const trace::Run& one) { return one.id == run.id; });
}

Result<int> OnlineEvaluations::score(const Context& context, const std::string& run_id,
                                     const std::string& trace_id) {
  const Evaluators evaluators = current();
  auto found = options_.store.trace(context, trace_id, true);
  if (!found) return found.error().code() == Code::not_found ? Result<int>(0) : found.error();
  const auto run = std::find_if(found->runs.begin(), found->runs.end(),
                                [&](const trace::Run& one) { return one.id == run_id; });
  if (run == found->runs.end() || run->parent_id || run->status == trace::Status::pending ||
      run->project == trace::evaluators_project)
    return 0;
  std::optional<Golden> golden;
  int count = 0;
  for (const OnlineEvaluator& evaluator : *evaluators) {
    if (!TRY(wants(context, evaluator, *run))) continue;
    if (!golden) {
      golden = golden_of_run(*run, found->runs);
      if (found->summary.cost) golden->cost_usd = found->summary.cost->dollars();
      identify(*golden);
    }
    std::vector<trace::Feedback> opinions;
    std::vector<Score> scores;
    for (std::size_t i = 0; i < evaluator.metrics.size(); ++i) {
      const auto score = evaluator.metrics[i]->score(context, *golden);
      TRY(context.check());
      // A run that lacks what the metric needs has no score, and is no failure.
      if (score && !score->value) continue;
      opinions.push_back(feedback_of(evaluator.config, evaluator.declared[i], *run, score));
      scores.push_back(score ? *score : Score());
    }
    TRY(keep(context, opinions, evaluator.config.name, scores));
    count += static_cast<int>(opinions.size());
  }
  written_ += static_cast<std::uint64_t>(count);
  return count;
}

Result<void> OnlineEvaluations::keep(const Context& context,
                                     const std::vector<trace::Feedback>& opinions,
                                     const std::string& entry, const std::vector<Score>& scores) {
  if (opinions.empty()) return {};
  TRY(options_.feedbacks.put(context, opinions));
  const std::int64_t hour = micros(options_.clock.now()) / hour_us;
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    for (std::size_t i = 0; i < opinions.size(); ++i) {
      // Scored again it counts in the hour in which it was scored first.
      auto update = TRY(connection.prepare(
          "INSERT OR REPLACE INTO eval_online_scores(entry, metric, hour, trace_id, run_id, score, "
          "passed) VALUES (?1, ?2, coalesce((SELECT hour FROM eval_online_scores WHERE entry = ?1 "
          "AND metric = ?2 AND trace_id = ?4 AND run_id = ?5), ?3), ?4, ?5, ?6, ?7)"));
      update.bind(0, entry).bind(1, opinions[i].key).bind(2, hour);
      update.bind(3, *opinions[i].trace_id).bind(4, *opinions[i].run_id);
      // What is not bound is NULL.
      if (scores[i].value) update.bind(5, *scores[i].value);
      if (scores[i].passed) update.bind(6, *scores[i].passed ? 1 : 0);
      TRY(update.run());
    }
    return {};
  });
}

Result<std::vector<OnlineRate>> OnlineEvaluations::rates(const Context& context, int hours) {
  const Evaluators evaluators = current();
  const std::int64_t now = micros(options_.clock.now()) / hour_us;
  std::vector<OnlineRate> rates;
  for (const auto& [key, by_hour] : TRY(read_scores(context, options_.database, now - hours + 1)))
    for (const auto& [hour, scores] : by_hour) {
      OnlineRate& rate = rates.emplace_back();
      rate.entry = key.first;
      rate.metric = key.second;
      rate.hour = hour_text(hour);
      for (const OnlineEvaluator& one : *evaluators)
        if (one.config.name == key.first) rate.sample = one.config.sample;
      rate.n = static_cast<std::int64_t>(scores.sample.values.size());
      rate.errors = scores.errors;
      if (rate.n == 0) continue;
      const Interval interval = interval_of(scores.sample);
      rate.mean = interval.mean;
      rate.low = interval.low;
      rate.high = interval.high;
      rate.method = interval.method;
      if (scores.judged > 0)
        rate.pass_rate = static_cast<double>(scores.passed) / static_cast<double>(scores.judged);
    }
  std::stable_sort(rates.begin(), rates.end(),
                   [](const OnlineRate& a, const OnlineRate& b) { return a.hour > b.hour; });
  return rates;
}

Result<std::vector<OnlineDrop>> OnlineEvaluations::drops(const Context& context) {
  const Evaluators evaluators = current();
  const std::int64_t now = micros(options_.clock.now()) / hour_us;
  const Table table =
      TRY(read_scores(context, options_.database, now - recent_hours - before_hours + 1));
  std::vector<OnlineDrop> drops;
  for (const OnlineEvaluator& evaluator : *evaluators)
    for (std::size_t i = 0; i < evaluator.metrics.size(); ++i) {
      const auto found = table.find({evaluator.config.name, evaluator.declared[i].spec.label()});
      if (found == table.end()) continue;
      Sample before, recent;
      for (const auto& [hour, scores] : found->second) {
        Sample& sample = hour > now - recent_hours ? recent : before;
        sample.values.insert(sample.values.end(), scores.sample.values.begin(),
                             scores.sample.values.end());
      }
      if (before.values.size() < scores_min || recent.values.size() < scores_min) continue;
      // Lower is better: the same of the negative values.
      const double sign = evaluator.metrics[i]->lower_is_better() ? -1 : 1;
      const Interval then = interval_of(before), late = interval_of(recent);
      const double best = sign > 0 ? late.high.value_or(late.mean) : late.low.value_or(late.mean);
      const double margin = evaluator.declared[i].bounds.margin.value_or(default_margin);
      if (sign * best >= sign * then.mean - margin) continue;
      drops.push_back({.entry = evaluator.config.name,
                       .metric = found->first.second,
                       .before = then.mean,
                       .now = late.mean,
                       .bound = best,
                       .margin = margin,
                       .n_before = static_cast<std::int64_t>(before.values.size()),
                       .n_now = static_cast<std::int64_t>(recent.values.size())});
    }
  return drops;
}

Result<void> OnlineEvaluations::watch(const Context& context) {
  const Evaluators evaluators = current();
  if (evaluators->empty()) return {};
  const Clock::Time now = options_.clock.now();
  for (const OnlineDrop& drop : TRY(drops(context))) {
    const std::string key = drop.entry + '\n' + drop.metric;
    {
      const std::lock_guard lock(mutex_);
      const auto told = told_.find(key);
      if (told != told_.end() && now - told->second < tell_pause) continue;
      told_[key] = now;
    }
    log::warning("online evaluation: {}", drop.text());
    for (const OnlineEvaluator& one : *evaluators)
      if (options_.tell && one.config.name == drop.entry) options_.tell(one.config, drop);
  }
  const std::int64_t oldest = micros(now) / hour_us - std::int64_t{24} * options_.keep_days;
  return options_.database.write(context, [&](store::Connection& connection) -> Result<void> {
    auto remove = TRY(connection.prepare("DELETE FROM eval_online_scores WHERE hour < ?"));
    return remove.bind(0, oldest).run();
  });
}

}  // namespace slipway::eval
