#include "app/detail/tracing.hpp"

#include "core/log.hpp"
#include "trace/masks.hpp"
#include "trace/retention.hpp"

namespace slipway::app::detail {

namespace {

constexpr const char* file_name = "traces.db";
/// How often old traces are looked for.
constexpr std::chrono::minutes removal_pause{10};

}  // namespace

Result<std::unique_ptr<Tracing>> Tracing::open(Options options) {
  auto tracing = std::make_unique<Tracing>(options);
  tracing->prices_ = TRY(trace::OwnPrices::open({.database = options.database, .shipped = {}}));
  const auto masks =
      std::make_shared<const trace::Masks>(TRY(trace::Masks::make(options.config.mask)));
  tracing->store_ = TRY(trace::TraceStore::open(
      {.path = options.database.path().parent_path() / file_name,
       .queued_bytes_max = options.config.max_queued_bytes,
       .prices = [prices = tracing->prices_.get()] { return prices->book(); },
       .mask = [masks](trace::RunPatch& run) { masks->apply(run); }}));
  tracing->intake_ = std::make_unique<trace::Intake>(
      trace::Intake::Options{.store = *tracing->store_,
                             .workers = options.workers,
                             .request_bytes_max = options.config.max_request_bytes,
                             .queued_bytes_max = options.config.max_queued_bytes});
  tracing->observe(options.metrics);
  return tracing;
}

trace::Services Tracing::services(
    std::function<Result<void>(const http::Request&, std::string_view)> admit) {
  return {.store = *store_,
          .prices = *prices_,
          .intake = *intake_,
          .sessions = sessions_,
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
  add("slipway_trace_queued_bytes", Kind::gauge, "Bodies that wait for their commit.",
      [](const Tracing& self) { return self.intake_->queued_bytes(); });
}

void Tracing::tick() {
  if (config_.retention_days == 0) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_removal_ || is_removing_.exchange(true)) return;
  next_removal_ = now + removal_pause;
  // Busy workers: then the next tick will do.
  if (!workers_.try_submit([this] { remove_old(); })) {
    next_removal_ = {};
    is_removing_ = false;
  }
}

void Tracing::remove_old() {
  const auto end = system_clock().now() - std::chrono::hours(24) * config_.retention_days;
  const auto count = trace::remove_before(
      Context(), *store_,
      std::chrono::duration_cast<std::chrono::nanoseconds>(end.time_since_epoch()).count());
  if (!count)
    log::warning("old traces stay for now: {}", count.error().message());
  else if (*count > 0)
    log::info("{} traces older than {} days were deleted", *count, config_.retention_days);
  is_removing_ = false;
}

}  // namespace slipway::app::detail
