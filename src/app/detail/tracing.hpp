// Traces of a running server: where they are kept, who lets them in, when they end.
#pragma once

#include <atomic>
#include <memory>

#include "core/guarded.hpp"
#include "core/pool.hpp"
#include "datasets/datasets.hpp"
#include "eval/online.hpp"
#include "http/metrics.hpp"
#include "store/database.hpp"
#include "trace/config.hpp"
#include "trace/evaluation_queue.hpp"
#include "trace/exporter.hpp"
#include "trace/mount.hpp"
#include "trace/recorder.hpp"

namespace slipway::app::detail {

/// The folder with the traces of a data folder.
std::filesystem::path traces_folder(const std::filesystem::path& data_folder);

/// Of traces with a run that names the document.
trace::Query traces_of_document(const std::string& document_id);

/// Outlives every service; its settings are those of the start. Safe to use from many threads.
class Tracing {
 public:
  /// What it borrows must outlive it, but for the workers: they end before it.
  struct Options {
    trace::TracesConfig config;
    store::Database& database;  ///< The main one; traces lie beside it.
    Pool& workers;
    http::Metrics& metrics;
  };
  /// Opens or makes the folder of the traces. Fails: as `TraceStore::open`.
  static Result<std::unique_ptr<Tracing>> open(Options options);

  trace::TraceStore& store() { return *store_; }
  trace::OwnPrices& prices() { return *prices_; }
  /// Null when runs of our own are not wanted.
  trace::Recorder* recorder() { return recorder_.get(); }
  trace::Feedbacks& feedbacks() { return *feedbacks_; }
  trace::Rules& rules() { return *rules_; }
  /// Who asks models for the rules that want it, from now on; until then they cannot be asked.
  void set_judge(trace::Judge judge);
  /// Who scores runs for rules that name a metric, from now on.
  void set_metrics(trace::RunScorer metrics);
  /// Metrics on sampled traces.
  eval::OnlineEvaluations& online() { return *online_; }
  /// Who is told of their drops, from now on.
  using TellDrop = std::function<void(const eval::OnlineConfig&, const eval::OnlineDrop&)>;
  void set_tell_drop(TellDrop tell) {
    tell_drop_.with([&](auto& one) { one = std::move(tell); });
  }
  /// No model is asked after it returns.
  void end_judging() {
    evaluations_->stop();
    online_->stop();
  }
  datasets::Datasets& datasets() { return *datasets_; }
  trace::Services services(
      std::function<Result<void>(const http::Request&, std::string_view)> admit);
  std::size_t request_bytes_max() const { return config_.max_request_bytes; }
  /// Erases all traces in which the document is; how many.
  Result<std::int64_t> erase_document(const Context& context, const std::string& document_id);
  /// Begins what is due: the deletion of old traces. Every second or so.
  void tick();

  /// Nothing is open yet: use `open`.
  explicit Tracing(const Options& options)
      : config_(options.config),
        workers_(options.workers),
        sessions_(options.database),
        queues_(options.database),
        shares_(options.database) {}

 private:
  Result<void> open_rules(store::Database& database);
  Result<void> open_exporters();
  trace::RunScorer metric_scorer();
  void observe(http::Metrics& metrics);
  void remove_old();
  void remove_orphans();
  void tend();

  const trace::TracesConfig config_;
  Pool& workers_;
  std::unique_ptr<trace::OwnPrices> prices_;
  std::unique_ptr<trace::TraceStore> store_;
  std::unique_ptr<trace::Feedbacks> feedbacks_;
  Guarded<std::shared_ptr<const trace::Judge>> judge_;
  Guarded<std::shared_ptr<const trace::RunScorer>> metrics_;
  std::unique_ptr<trace::Rules> rules_;
  std::unique_ptr<trace::EvaluationQueue> evaluations_;
  Guarded<TellDrop> tell_drop_;
  std::unique_ptr<eval::OnlineEvaluations> online_;
  std::vector<std::unique_ptr<trace::Exporter>> exporters_;
  // What brings runs ends before what looks at them.
  std::unique_ptr<trace::Intake> intake_;
  std::unique_ptr<trace::Recorder> recorder_;
  trace::Sessions sessions_;
  trace::Queues queues_;
  trace::Shares shares_;
  std::unique_ptr<store::BlobStore> attached_;
  std::unique_ptr<trace::Attachments> attachments_;
  std::unique_ptr<store::BlobStore> dataset_files_;
  std::unique_ptr<datasets::Datasets> datasets_;
  std::chrono::steady_clock::time_point next_removal_{};
  std::chrono::steady_clock::time_point next_upkeep_{};
  std::atomic<bool> is_removing_{false}, is_tended_{false};
};

}  // namespace slipway::app::detail
