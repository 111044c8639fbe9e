// `slipway eval sweep`: which splitter, embedder and search serve a collection best.
#include <algorithm>

#include "app/detail/eval_doors.hpp"
#include "app/detail/rag_prompts.hpp"
#include "app/eval_sweep_commands.hpp"
#include "app/render.hpp"
#include "core/files.hpp"
#include "eval/sweep_collection.hpp"

namespace slipway::app {

namespace {

/// Whether a metric looks at what was answered, so that passages alone would not do.
bool needs_answer(const eval::Metric& metric) {
  const eval::MetricInfo* info = eval::find_metric(metric.spec().name);
  const eval::ModeInfo* mode = info != nullptr ? info->find(metric.mode()) : nullptr;
  return mode == nullptr ||
         std::any_of(mode->needs.begin(), mode->needs.end(), [](const auto& one) {
           return one.find("actual_output") != std::string::npos;
         });
}

std::string render(const eval::SweepReport& report, const Style& style) {
  std::vector<std::vector<std::string>> rows;
  for (const eval::SweepPoint& point : report.points) {
    std::string quality = point.error.empty() ? "-" : printable(clip(point.error, 40));
    for (const eval::SweepScore& score : point.scores)
      if (score.metric == report.quality) {
        quality = fmt::format("{:.3f}", score.interval.mean);
        if (score.interval.low && score.interval.high)
          quality += fmt::format(" [{:.3f}, {:.3f}]", *score.interval.low, *score.interval.high);
      }
    std::string mark = point.is_winner ? "best" : point.is_on_front ? "front" : "";
    if (point.is_base) mark += mark.empty() ? "now" : ", now";
    rows.push_back({mark, point.variant.name(), quality, std::to_string(point.n),
                    fmt::format("{:.1f}", point.latency_p50_ms),
                    point.cost_usd == 0 ? "0" : fmt::format("{:.6f}", point.cost_usd)});
  }
  return format_table({"", "VARIANT", report.quality, "N", "P50 MS", "USD"}, rows) +
         style.dim(fmt::format("{} goldens; {} questions asked; 95 % intervals; only variants with "
                               "n {} were asked all\n",
                               report.goldens, report.asked, report.goldens));
}

class SweepRun {
 public:
  SweepRun(App& app, const EvalSweepOptions& options) : app_(app), options_(options), doors_(app) {}

  Result<void> open() {
    eval::Suite suite = TRY(eval::read_suite(options_.suite));
    if (!suite.target || !suite.target->rag)
      return fail(Code::invalid_argument, "{}: a sweep wants 'target: {{rag: COLLECTION}}'",
                  options_.suite);
    if (!suite.sweep)
      return fail(Code::invalid_argument,
                  "{}: there is no 'sweep:'; write for example 'sweep: {{chunk_size: [400, 800]}}'",
                  options_.suite);
    spec_ = TRY(eval::parse_sweep(*suite.sweep));
    evaluation_ = TRY(eval::Evaluation::open(std::move(suite), doors_.doors()));
    for (const auto& metric : evaluation_->parts().metrics.front())
      metrics_.push_back(metric.get());
    return {};
  }

  Result<void> run() {
    const eval::Suite& suite = evaluation_->suite();
    rag::Library& library = *TRY(app_.library());
    models::Catalog& catalog = *TRY(app_.catalog());
    store::Database& database = *TRY(app_.database());
    auto subject = TRY(
        eval::CollectionSweep::open(app_.context(), {.library = library,
                                                     .catalog = catalog,
                                                     .collection = *suite.target->rag,
                                                     .prompts = detail::rag_prompts(database)}));
    eval::SweepBase base = subject->base();
    base.limit = suite.target->limit.value_or(base.limit);
    base_ = base;
    const bool needs_answers = std::any_of(metrics_.begin(), metrics_.end(),
                                           [](const auto* one) { return needs_answer(*one); });
    auto variants = TRY(eval::variants_of(spec_, base, needs_answers));
    std::vector<eval::Golden> goldens;
    for (std::size_t i = 0; i < evaluation_->goldens().size(); ++i)
      goldens.push_back(evaluation_->goldens().at(i));
    Progress progress(app_.err(), {.style = app_.err_style(),
                                   .is_quiet = app_.options().quiet,
                                   .what = "sweep",
                                   .unit = "questions"});
    eval::SweepOptions how{.metrics = metrics_,
                           .base = name_of_base(needs_answers),
                           .seed = suite.seed,
                           .resampling = {.confidence = suite.confidence,
                                          .seed = suite.seed,
                                          .resamples = suite.resamples},
                           .cluster = suite.cluster};
    how.on_progress = [&](const std::string& variant, std::size_t done, std::size_t all) {
      progress.show(static_cast<std::int64_t>(done), static_cast<std::int64_t>(all), variant);
    };
    report_ =
        TRY(eval::run_sweep(app_.context(), goldens, spec_, std::move(variants), *subject, how));
    return {};
  }

  Result<int> finish() {
    json::Value told = eval::to_json(report_);
    if (!options_.output.empty())
      TRY(write_file_atomically(options_.output, json::dump_pretty(told)));
    if (options_.apply) told.as_object()["applied"] = TRY(apply());
    if (app_.options().json)
      app_.print_json(told);
    else
      app_.print(render(report_, app_.out_style()));
    return exit_done;
  }

 private:
  /// What the suite's collection is now, as a variant.
  std::string name_of_base(bool needs_answers) const {
    const auto now = eval::variants_of({}, base_, needs_answers);
    return now ? now->front().name() : "";
  }

  /// The winner becomes the collection's next version: its index, and what its questions use where
  /// they say nothing. What slipway.yaml says counts first, and that file is the user's: what
  /// stands against the winner there is told, and so is how many passages a question wants.
  Result<json::Value> apply() {
    const eval::SweepVariant& winner = report_.points.front().variant;
    const std::string& collection = *evaluation_->suite().target->rag;
    rag::MigrateRequest request{.collection = collection};
    if (winner.embedder != base_.embedder) request.embedder = winner.embedder;
    if (!(winner.splitter == base_.splitter)) request.splitter = winner.splitter;
    const rag::QuestionDefaults wanted = defaults_of(winner);
    if (!(wanted == rag::QuestionDefaults{})) request.defaults = wanted;
    json::Object applied{{"collection", collection}, {"settings", winner.settings()}};
    applied["defaults"] = request.defaults ? said(*request.defaults) : json::Object();
    applied["migrated"] = false;
    if (request.embedder || request.splitter || request.defaults) {
      const auto migrated = TRY(TRY(app_.library())->migrate(app_.context(), request));
      app_.note(migrated.switched
                    ? fmt::format("'{}' is served by {}, version {}; 'slipway collections "
                                  "rollback {}' goes back",
                                  collection, winner.name(), migrated.index_version, collection)
                    : fmt::format("'{}' holds all of that already", collection));
      applied["migrated"] = migrated.switched;
      applied["index_version"] = migrated.index_version;
    } else {
      app_.note(fmt::format("'{}' is the best already", collection));
    }
    applied["slipway_yaml"] = TRY(overruled(collection, wanted));
    json::Object each;
    if (winner.limit != eval::SweepVariant().limit) {
      each["limit"] = winner.limit;
      app_.note(fmt::format("a question says for itself how many passages it wants: limit {}",
                            winner.limit));
    }
    applied["each_question"] = std::move(each);
    return json::Value(std::move(applied));
  }

  /// Where the winner differs from what is.
  rag::QuestionDefaults defaults_of(const eval::SweepVariant& winner) const {
    rag::QuestionDefaults wanted;
    if (winner.search != base_.search) wanted.search = winner.search;
    if (winner.search == index::SearchMode::hybrid) {
      if (winner.fusion != base_.fusion) wanted.fusion = winner.fusion;
      if (winner.dense_weight != base_.dense_weight) wanted.dense_weight = winner.dense_weight;
    }
    if (winner.reranker != base_.reranker) wanted.reranker = winner.reranker;
    if (winner.answer.empty()) return wanted;  // Passages were measured, no answers.
    if (winner.answer != base_.answer && !spec_.answer.empty()) wanted.answer = winner.answer;
    if (winner.answer == "extract") return wanted;
    if (winner.answer_model != base_.answer_model) wanted.answer_model = winner.answer_model;
    const auto plain = [](const std::string& prompt) {
      return prompt == rag::built_in_prompt ? "" : prompt;
    };
    if (plain(winner.prompt) != plain(base_.prompt)) wanted.prompt = winner.prompt;
    return wanted;
  }

  /// Those that are said, as slipway.yaml would say them.
  static json::Object said(const rag::QuestionDefaults& defaults) {
    json::Object object = json::to(defaults).as_object();
    json::Object kept;
    for (const auto& [name, value] : object)
      if (!value.is_null()) kept[name] = value;
    return kept;
  }

  /// What slipway.yaml says of the collection against what is wanted.
  Result<json::Object> overruled(const std::string& collection,
                                 const rag::QuestionDefaults& wanted) const {
    const auto info = TRY(TRY(app_.library())->collection(app_.context(), collection));
    const json::Object in_force = said(info.defaults.value_or(rag::QuestionDefaults{}));
    json::Object against;
    for (const auto& [name, value] : said(wanted))
      if (const auto* now = in_force.if_contains(name); now == nullptr || *now != value)
        against[name] = value;
    if (!against.empty())
      app_.note(
          fmt::format("slipway.yaml says otherwise of '{}' and counts first; to serve the "
                      "best, write there: {}",
                      collection, json::dump(against)));
    return against;
  }

  App& app_;
  const EvalSweepOptions& options_;
  detail::EvalDoors doors_;
  eval::SweepSpec spec_;
  std::unique_ptr<eval::Evaluation> evaluation_;
  std::vector<const eval::Metric*> metrics_;
  eval::SweepBase base_;
  eval::SweepReport report_;
};

}  // namespace

Result<int> eval_sweep(App& app, const EvalSweepOptions& options) {
  SweepRun run(app, options);
  if (const auto opened = run.open(); !opened) {
    const Code code = opened.error().code();
    if (code == Code::invalid_argument || code == Code::not_found || code == Code::unsupported)
      return app.wrong_use(opened.error());
    return opened.error();
  }
  TRY(run.run());
  return run.finish();
}

}  // namespace slipway::app
