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

  /// The winner's index becomes the collection's next version. What is no part of an index is not
  /// the collection's to keep: what slipway.yaml decides, which is the user's file, and what each
  /// search says for itself. Both are told, ready to be copied.
  Result<json::Value> apply() {
    const eval::SweepVariant& winner = report_.points.front().variant;
    const std::string& collection = *evaluation_->suite().target->rag;
    json::Object applied{{"collection", collection}, {"settings", winner.settings()}};
    const json::Object configured = configured_of(winner), said = said_of(winner);
    if (!configured.empty())
      app_.note(
          fmt::format("an index does not hold these; write into slipway.yaml: "
                      "collections: {{{}: {}}}",
                      collection, json::dump(configured)));
    if (!said.empty())
      app_.note(fmt::format("each search says these for itself: POST /api/search with {}",
                            json::dump(said)));
    applied["slipway_yaml"] = configured;
    applied["each_search"] = said;
    rag::MigrateRequest request{.collection = collection};
    if (winner.embedder != base_.embedder) request.embedder = winner.embedder;
    if (!(winner.splitter == base_.splitter)) request.splitter = winner.splitter;
    if (!request.embedder && !request.splitter) {
      app_.note(fmt::format("the index of '{}' is the best already", collection));
      applied["migrated"] = false;
      return json::Value(std::move(applied));
    }
    const auto migrated = TRY(TRY(app_.library())->migrate(app_.context(), request));
    app_.note(fmt::format(
        "'{}' is served by {}, version {}; 'slipway collections rollback {}' goes "
        "back",
        collection, render_splitter(winner.splitter), migrated.index_version, collection));
    applied["migrated"] = migrated.switched;
    applied["index_version"] = migrated.index_version;
    return json::Value(std::move(applied));
  }

  /// Of `collections: {NAME: ...}` in slipway.yaml, where it differs from what is.
  json::Object configured_of(const eval::SweepVariant& winner) const {
    json::Object configured;
    if (winner.reranker != base_.reranker) configured["reranker"] = winner.reranker;
    if (!winner.prompt.empty() && winner.prompt != "builtin") configured["prompt"] = winner.prompt;
    return configured;
  }

  /// Of a search, where it is not what one does that says nothing.
  static json::Object said_of(const eval::SweepVariant& winner) {
    const eval::SweepVariant usual;
    json::Object said;
    if (winner.search != usual.search) said["mode"] = json::name(winner.search);
    if (winner.search != index::SearchMode::hybrid) return said;
    if (winner.fusion != usual.fusion) said["fusion"] = json::name(winner.fusion);
    if (winner.dense_weight != usual.dense_weight) said["dense_weight"] = winner.dense_weight;
    return said;
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
