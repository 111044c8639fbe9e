#include "app/detail/tracing.hpp"

#include "app/detail/code_rules.hpp"
#include "core/log.hpp"
#include "core/secret.hpp"
#include "trace/face.hpp"
#include "trace/masks.hpp"
#include "trace/sampling.hpp"
#include "trace/spoken_of.hpp"

namespace slipway::app::detail {

namespace {

constexpr const char* folder_name = "traces";
/// Apart from the documents' blobs: of those, what no document needs is deleted.
constexpr const char* attachments_folder = "attachments";
constexpr const char* dataset_files_folder = "dataset_files";
/// Of young traces. A third of what a store on its own takes: a server that only relays shall stay
/// small, and files of that size are soon merged.
constexpr std::size_t memory_bytes_max = 16u << 20;
/// For which runs of our own gather: a sync of the disk costs requests more than all else of them.
constexpr std::chrono::milliseconds own_runs_pause{200};
/// How often old traces are looked for.
constexpr std::chrono::minutes removal_pause{10};
/// Traces outside of the sample go so long after their end: children may end after their root, and
/// people be quick to say what they think.
constexpr std::chrono::seconds upkeep_pause{2}, thinning_patience{10};

/// Scores nothing until it is told what.
std::unique_ptr<eval::OnlineEvaluations> online_of(store::Database& database, Tracing& tracing,
                                                   Tracing::TellDrop tell) {
  return std::make_unique<eval::OnlineEvaluations>(
      eval::OnlineEvaluations::Options{.database = database,
                                       .store = tracing.store(),
                                       .feedbacks = tracing.feedbacks(),
                                       .tell = std::move(tell)});
}

}  // namespace

std::filesystem::path traces_folder(const std::filesystem::path& data_folder) {
  return data_folder / folder_name;
}

trace::Query traces_of_document(const std::string& document_id) {
  trace::Query query;
  query.text = trace::parse_text_query(document_id);
  return query;
}

Result<std::unique_ptr<Tracing>> Tracing::open(Options options) {
  auto tracing = std::make_unique<Tracing>(options);
  tracing->prices_ = TRY(trace::OwnPrices::open({.database = options.database, .read_shipped = [] {
                                                   return trace::read_shipped_prices(
                                                       trace::shipped_prices_folder());
                                                 }}));
  const auto masks =
      std::make_shared<const trace::Masks>(TRY(trace::Masks::make(options.config.mask)));
  const auto mask = [masks](trace::RunPatch& run) { masks->apply(run); };
  tracing->feedbacks_ = std::make_unique<trace::Feedbacks>(options.database, mask);
  tracing->attached_ =
      TRY(store::BlobStore::open(options.database.path().parent_path() / attachments_folder));
  tracing->attachments_ = std::make_unique<trace::Attachments>(trace::Attachments::Options{
      .database = options.database, .blobs = *tracing->attached_, .mask = mask});
  tracing->dataset_files_ =
      TRY(store::BlobStore::open(options.database.path().parent_path() / dataset_files_folder));
  tracing->datasets_ = std::make_unique<datasets::Datasets>(datasets::Datasets::Options{
      .database = options.database, .attachments = *tracing->dataset_files_});
  tracing->store_ = TRY(trace::TraceStore::open(
      {.path = traces_folder(options.database.path().parent_path()),
       .queued_bytes_max = options.config.max_queued_bytes,
       .memory_bytes_max = memory_bytes_max,
       .prices = [prices = tracing->prices_.get()] { return prices->book(); },
       .mask =
           [mask, self = tracing.get()](trace::RunPatch& run) {
             mask(run);
             if (self->evaluations_) self->evaluations_->offer(run);
             if (self->online_) self->online_->offer(run);
             for (const auto& exporter : self->exporters_) exporter->offer(run);
           }}));
  trace::upkeep_of(*tracing->store_)
      ->set_sampling(options.config.sampling,
                     [&database = options.database](const std::vector<std::string>& traces) {
                       return trace::spoken_of(Context(), database, traces);
                     });
  TRY(tracing->open_exporters());
  TRY(tracing->open_rules(options.database));
  tracing->evaluations_ = std::make_unique<trace::EvaluationQueue>(
      trace::EvaluationQueue::Options{.rules = *tracing->rules_});
  tracing->online_ = online_of(
      options.database, *tracing, [self = tracing.get()](const auto& config, const auto& drop) {
        const TellDrop tell = self->tell_drop_.with([](const auto& one) { return one; });
        if (tell) tell(config, drop);
      });
  tracing->intake_ = std::make_unique<trace::Intake>(
      trace::Intake::Options{.store = *tracing->store_,
                             .workers = options.workers,
                             .request_bytes_max = options.config.max_request_bytes,
                             .queued_bytes_max = options.config.max_queued_bytes});
  if (options.config.own)
    tracing->recorder_ = std::make_unique<trace::Recorder>(
        trace::Recorder::Options{.store = *tracing->store_,
                                 .sample = trace::own_share(options.config.sampling),
                                 .per_second_max = options.config.own_per_second,
                                 .payloads = options.config.payloads,
                                 .pause = own_runs_pause});
  tracing->observe(options.metrics);
  return tracing;
}

Result<void> Tracing::open_rules(store::Database& database) {
  rules_ = TRY(trace::Rules::open(
      {.database = database,
       .store = *store_,
       .feedbacks = *feedbacks_,
       .judge = [this](const Context& context, const trace::Evaluator& evaluator,
                       const trace::Run& run, const std::string& input,
                       const std::string& output) -> Result<trace::Judgement> {
         const auto judge = judge_.with([](const auto& one) { return one; });
         if (judge == nullptr) return fail(Code::unavailable, "the gateway is not open yet");
         return (*judge)(context, evaluator, run, input, output);
       },
       .metrics = metric_scorer(),
       .code = code_rules(
           tools::code_runner(),
           [this](const Context& context, const trace::Run& run) -> Result<std::string> {
             return TRY(trace::langsmith_run_texts(context, services({}), {run})).front();
           })}));
  return {};
}

Result<void> Tracing::open_exporters() {
  for (const auto& [name, config] : config_.exports) {
    std::map<std::string, std::string> headers;
    for (const auto& [header, value] : config.headers) {
      const bool is_secret = value.starts_with("env:") || value.starts_with("file:");
      const std::string setting = fmt::format("traces.exports.{}.headers.{}", name, header);
      headers[header] = is_secret ? TRY(resolve_secret(setting, value)) : value;
    }
    exporters_.push_back(std::make_unique<trace::Exporter>(trace::Exporter::Options{
        .store = *store_, .config = config, .headers = std::move(headers)}));
  }
  return {};
}

void Tracing::set_metrics(trace::RunScorer metrics) {
  metrics_.with(
      [&](auto& one) { one = std::make_shared<const trace::RunScorer>(std::move(metrics)); });
}

trace::RunScorer Tracing::metric_scorer() {
  const auto current = [this]() -> Result<std::shared_ptr<const trace::RunScorer>> {
    auto metrics = metrics_.with([](const auto& one) { return one; });
    if (metrics == nullptr) return fail(Code::unavailable, "the models are not open yet");
    return metrics;
  };
  return {.check = [current](const Context& context, const trace::Evaluator& evaluator)
              -> Result<void> { return TRY(current())->check(context, evaluator); },
          .score = [current](const Context& context, const trace::Evaluator& evaluator,
                             const trace::Run& run) -> Result<std::vector<trace::Judgement>> {
            return TRY(current())->score(context, evaluator, run);
          }};
}

void Tracing::set_judge(trace::Judge judge) {
  judge_.with([&](auto& one) { one = std::make_shared<const trace::Judge>(std::move(judge)); });
}

trace::Services Tracing::services(
    std::function<Result<void>(const http::Request&, std::string_view)> admit) {
  return {.store = *store_,
          .prices = *prices_,
          .intake = *intake_,
          .sessions = sessions_,
          .feedbacks = *feedbacks_,
          .attachments = *attachments_,
          .queues = queues_,
          .shares = shares_,
          .admit = std::move(admit)};
}

void Tracing::observe(http::Metrics& metrics) {
  const auto add = [&](std::string name, http::Metrics::Kind kind, std::string help, auto read) {
    metrics.observe(std::move(name),
                    {.kind = kind, .help = std::move(help), .read = [this, read] {
                       return http::Metrics::Samples{{{}, static_cast<double>(read(*this))}};
                     }});
  };
  using Kind = http::Metrics::Kind;
  add("slipway_trace_runs_received_total", Kind::counter, "Runs that came in.",
      [](const Tracing& self) {
        return self.store_->counters().received + self.intake_->rejected();
      });
  add("slipway_trace_runs_stored_total", Kind::counter, "Runs that were committed.",
      [](const Tracing& self) { return self.store_->counters().stored; });
  add("slipway_trace_runs_rejected_total", Kind::counter,
      "Runs that were refused: unsound ones, and those of requests that had to come again.",
      [](const Tracing& self) {
        return self.store_->counters().rejected + self.intake_->rejected();
      });
  add("slipway_trace_runs_dropped_total", Kind::counter,
      "Runs of our own that were not stored: too many in a second, or the store could not take "
      "them.",
      [](const Tracing& self) {
        return self.recorder_ == nullptr ? 0 : self.recorder_->counters().dropped;
      });
  add("slipway_traces_left_out_total", Kind::counter,
      "Traces that ended outside of the sample (traces.sampling) and were deleted.",
      [](const Tracing& self) { return trace::upkeep_of(*self.store_)->left_out().traces; });
  add("slipway_evaluations_written_total", Kind::counter, "Feedback that evaluators wrote.",
      [](const Tracing& self) { return self.evaluations_->counters().written; });
  add("slipway_evaluations_dropped_total", Kind::counter,
      "Runs that were not judged: too many waited, or the database could not be asked.",
      [](const Tracing& self) { return self.evaluations_->counters().dropped; });
  add("slipway_evaluations_waiting", Kind::gauge, "Runs that wait to be judged.",
      [](const Tracing& self) { return self.evaluations_->counters().waiting; });
  add("slipway_online_scores_written_total", Kind::counter,
      "Scores of sampled traces that were written as feedback.",
      [](const Tracing& self) { return self.online_->counters().written; });
  add("slipway_online_runs_dropped_total", Kind::counter,
      "Sampled runs that were not scored: too many waited, or they could not be.",
      [](const Tracing& self) { return self.online_->counters().dropped; });
  const auto exported = [](const Tracing& self, auto member) {
    double sum = 0;
    for (const auto& exporter : self.exporters_)
      sum += static_cast<double>(exporter->counters().*member);
    return sum;
  };
  using Exported = trace::Exporter::Counters;
  add("slipway_trace_runs_exported_total", Kind::counter, "Runs that another collector took.",
      [exported](const Tracing& self) { return exported(self, &Exported::exported); });
  add("slipway_trace_runs_export_dropped_total", Kind::counter,
      "Runs that another collector did not get: it refused them, or had no time for too long.",
      [exported](const Tracing& self) { return exported(self, &Exported::dropped); });
  add("slipway_trace_queued_bytes", Kind::gauge, "Bodies that wait for their commit.",
      [](const Tracing& self) { return self.intake_->queued_bytes(); });
}

Result<std::int64_t> Tracing::erase_document(const Context& context,
                                             const std::string& document_id) {
  if (recorder_) recorder_->flush();
  return store_->erase(context, traces_of_document(document_id));
}

void Tracing::tick() {
  const auto now = std::chrono::steady_clock::now();
  if (now >= next_upkeep_ && !is_tended_.exchange(true)) {
    next_upkeep_ = now + upkeep_pause;
    if (!workers_.try_submit([this] { tend(); })) is_tended_ = false;
  }
  if (now < next_removal_ || is_removing_.exchange(true)) return;
  next_removal_ = now + removal_pause;
  // Busy workers: then the next tick will do.
  if (!workers_.try_submit([this] { remove_old(); })) {
    next_removal_ = {};
    is_removing_ = false;
  }
}

void Tracing::remove_old() {
  remove_orphans();
  if (config_.retention_days == 0) {
    is_removing_ = false;
    return;
  }
  const auto end = system_clock().now() - std::chrono::hours(24) * config_.retention_days;
  const auto count = store_->remove_before(
      Context(),
      std::chrono::duration_cast<std::chrono::nanoseconds>(end.time_since_epoch()).count());
  if (!count)
    log::warning("old traces stay for now: {}", count.error().message());
  else if (*count > 0)
    log::info("{} traces older than {} days were deleted", *count, config_.retention_days);
  is_removing_ = false;
}

void Tracing::tend() {
  const auto tended = trace::upkeep_of(*store_)->tend(Context(), thinning_patience);
  if (!tended)
    log::warning("traces outside of the sample stay for now: {}", tended.error().message());
  is_tended_ = false;
}

/// Attachments of runs that were deleted.
void Tracing::remove_orphans() {
  constexpr int most = 1000;
  const auto count = attachments_->remove_orphans(
      Context(), most, [this](const std::string& run_id) -> Result<bool> {
        const auto run = trace::find_langsmith_run(Context(), *store_, run_id);
        if (!run && run.error().code() != Code::not_found) return run.error();
        return run.ok();
      });
  if (!count) log::warning("old attachments stay for now: {}", count.error().message());
}

}  // namespace slipway::app::detail
