#include "app/detail/command_runs.hpp"

#include "app/detail/traced_models.hpp"
#include "app/detail/tracing.hpp"
#include "core/log.hpp"
#include "gateway/prices.hpp"
#include "trace/masks.hpp"

namespace slipway::app::detail {

namespace {

/// Of young traces: each command reads them once, so that files are made of them early.
constexpr std::size_t memory_bytes_max = 1u << 20;
/// Another command may be writing at this moment.
constexpr int attempts = 10;
constexpr std::chrono::milliseconds pause_between{100};
/// Runs are written when the command ends, by itself: the recorder's thread gives way to all
/// others.
constexpr std::chrono::hours until_the_end{24};

Error reads_nothing() { return fail(Code::unsupported, "a command's runs are written, not read"); }

}  // namespace

/// Opens the store when there is something to keep.
class CommandRuns::LateStore final : public trace::TraceStore {
 public:
  explicit LateStore(CommandRuns& runs) : runs_(runs) {}

  Result<void> ingest(const Context& context, std::vector<trace::RunPatch> runs) override {
    if (failure_) return {};
    auto kept = keep(context, std::move(runs));
    if (!kept) failure_ = kept.error();
    return {};
  }
  /// Why there is something that could not be kept.
  const std::optional<Error>& failure() const { return failure_; }

  Result<trace::Trace> trace(const Context&, const std::string&, bool) override {
    return reads_nothing();
  }
  Result<trace::Run> run(const Context&, const std::string&, const std::string&) override {
    return reads_nothing();
  }
  Result<std::vector<std::string>> child_ids(const Context&, const trace::Run&) override {
    return reads_nothing();
  }
  Result<void> remove(const Context&, const std::string&) override { return reads_nothing(); }
  Result<std::int64_t> erase(const Context& context, const trace::Query& query) override {
    return TRY(open_soon())->erase(context, query);
  }
  Result<std::int64_t> remove_before(const Context&, trace::Nanoseconds) override {
    return reads_nothing();
  }
  Result<trace::Page<trace::TraceSummary>> traces(const Context&, const trace::Query&) override {
    return reads_nothing();
  }
  Result<trace::Page<trace::Run>> runs(const Context&, const trace::Query&) override {
    return reads_nothing();
  }
  Result<trace::Stats> stats(const Context&, const trace::Query&,
                             std::optional<trace::GroupBy>) override {
    return reads_nothing();
  }
  Result<trace::CostReport> costs(const Context&, const trace::Query&, trace::GroupBy) override {
    return reads_nothing();
  }
  Result<trace::Page<trace::Project>> projects(const Context&, int, const std::string&) override {
    return reads_nothing();
  }
  Result<trace::RepricingReport> reprice(const Context&, const trace::Repricing&) override {
    return reads_nothing();
  }
  trace::StoreCounters counters() const override { return {}; }
  Result<void> settle(const Context&) override { return {}; }

 private:
  Result<void> keep(const Context& context, std::vector<trace::RunPatch> runs) {
    // That takes as long as there are traces.
    std::error_code ignored;
    if (std::filesystem::exists(runs_.options_.traces.string() + ".db", ignored))
      return fail(Code::unavailable,
                  "those of the version before are taken over by the next 'slipway serve' first");
    const trace::Masks masks = TRY(trace::Masks::make(runs_.options_.config.traces.mask));
    for (trace::RunPatch& run : runs) masks.apply(run);
    return TRY(open_soon())->ingest(context, std::move(runs));
  }
  /// Waits for a moment for another command that has it.
  Result<std::unique_ptr<trace::TraceStore>> open_soon() {
    const auto book = runs_.prices();
    auto store = open(book);
    for (int i = 1; i < attempts && !store && store.error().code() == Code::conflict; ++i) {
      std::this_thread::sleep_for(pause_between);
      store = open(book);
    }
    return store;
  }
  Result<std::unique_ptr<trace::TraceStore>> open(
      const std::shared_ptr<const trace::PriceBook>& book) const {
    return trace::TraceStore::open({.path = runs_.options_.traces,
                                    .memory_bytes_max = memory_bytes_max,
                                    .prices = [book] { return book; }});
  }

  CommandRuns& runs_;
  std::optional<Error> failure_;
};

CommandRuns::CommandRuns(Options options) : options_(std::move(options)) {
  const trace::TracesConfig& config = options_.config.traces;
  if (!config.own) return;
  store_ = std::make_unique<LateStore>(*this);
  recorder_ = std::make_unique<trace::Recorder>(
      trace::Recorder::Options{.store = *store_,
                               .sample = trace::own_share(config.sampling),
                               .payloads = config.payloads,
                               .pause = until_the_end});
}

CommandRuns::~CommandRuns() {
  recorder_.reset();
  if (!store_ || !store_->failure()) return;
  const Error& failure = *store_->failure();
  options_.note(failure.code() == Code::conflict
                    ? "This is not among the traces, since a server has them: ask it instead."
                    : fmt::format("This is not among the traces: {}", failure.message()));
}

Result<std::int64_t> CommandRuns::erase_document(const Context& context,
                                                 const std::string& document_id) {
  std::error_code ignored;
  if (!std::filesystem::exists(options_.traces, ignored)) return 0;
  auto erased = LateStore(*this).erase(context, traces_of_document(document_id));
  if (!erased && erased.error().code() == Code::conflict)
    return fail(
        Code::conflict,
        "a server has the traces of this data folder, and they may have words of the "
        "document: delete it there (DELETE /api/collections/NAME/documents/{}), or stop the server",
        document_id);
  return erased;
}

/// Held: `mutex_`.
const std::vector<models::ModelInfo>& CommandRuns::installed() {
  if (!installed_) {
    auto list = options_.catalog.list();
    if (!list) log::warning("models: {}", list.error().message());
    installed_ = list ? *std::move(list) : std::vector<models::ModelInfo>();
  }
  return *installed_;
}

rag::TracedModel CommandRuns::traced_model(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (!known_.models) known_.models = traced_models(options_.config, installed());
  return known_.models(name);
}

/// Held: `mutex_`.
Result<std::unique_ptr<trace::OwnPrices>> CommandRuns::read_prices() {
  auto prices = TRY(trace::OwnPrices::open({.database = options_.database, .read_shipped = [] {
                                              return trace::read_shipped_prices(
                                                  trace::shipped_prices_folder());
                                            }}));
  std::vector<trace::PriceRow> declared =
      gateway::declared_prices(options_.config.models, installed());
  for (trace::PriceRow& row : TRY(trace::declared_prices(options_.config.prices)))
    declared.push_back(std::move(row));
  prices->set_declared(std::move(declared));
  return prices;
}

std::shared_ptr<const trace::PriceBook> CommandRuns::prices() {
  const std::lock_guard lock(mutex_);
  if (!known_.prices) {
    auto read = read_prices();
    if (!read) {
      log::warning("prices: {}", read.error().message());
      return std::make_shared<const trace::PriceBook>(std::vector<trace::PriceRow>(),
                                                      std::vector<trace::PriceRow>());
    }
    known_.prices = *std::move(read);
  }
  return known_.prices->book();
}

}  // namespace slipway::app::detail
