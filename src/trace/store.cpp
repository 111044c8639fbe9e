#include "trace/store.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "core/log.hpp"
#include "trace/detail/reads.hpp"
#include "trace/detail/schema.hpp"
#include "trace/detail/trace_rows.hpp"

namespace slipway::trace {

namespace {

/// Runs of one transaction, so that who waits is not kept waiting.
constexpr std::size_t commit_runs_max = 20'000;
/// A run itself, beside what it holds.
constexpr std::size_t run_bytes = 512;

std::size_t bytes_of(const RunPatch& run) {
  std::size_t bytes = run_bytes + run.id.size() + run.trace_id.size();
  for (const auto* payload : {&run.inputs, &run.outputs})
    if (*payload) bytes += (*payload)->bytes.size();
  if (run.error) bytes += run.error->size();
  return bytes;
}

/// What a caller waits for.
struct Delivery {
  std::vector<RunPatch> runs;
  std::size_t bytes = 0;
  std::optional<Result<void>> outcome;
};

class SqliteTraceStore final : public TraceStore {
 public:
  SqliteTraceStore(Options options, std::unique_ptr<store::Database> database)
      : options_(std::move(options)), database_(std::move(database)) {
    reader_ = std::thread([this] { read_texts(); });
  }
  ~SqliteTraceStore() override {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    has_unread_.notify_all();
    reader_.join();
  }
  SqliteTraceStore(const SqliteTraceStore&) = delete;
  SqliteTraceStore& operator=(const SqliteTraceStore&) = delete;

  Result<void> ingest(const Context& context, std::vector<RunPatch> runs) override;

  Result<Trace> trace(const Context& context, const std::string& trace_id,
                      bool with_payload) override {
    return read<Trace>(context, [&](store::Connection& connection) {
      return detail::read_trace(connection, trace_id, with_payload);
    });
  }
  Result<Run> run(const Context& context, const std::string& id,
                  const std::string& trace_id) override {
    return read<Run>(context, [&](store::Connection& connection) {
      return detail::read_one_run(connection, id, trace_id);
    });
  }
  Result<std::vector<std::string>> child_ids(const Context& context, const Run& run) override {
    return read<std::vector<std::string>>(context, [&](store::Connection& connection) {
      return detail::read_child_ids(connection, run);
    });
  }
  Result<void> remove(const Context& context, const std::string& trace_id) override;

  Result<Page<TraceSummary>> traces(const Context& context, const Query& query) override {
    return read<Page<TraceSummary>>(context, [&](store::Connection& connection) {
      return detail::read_traces(connection, query);
    });
  }
  Result<Page<Run>> runs(const Context& context, const Query& query) override {
    return read<Page<Run>>(context, [&](store::Connection& connection) {
      return detail::read_runs(connection, query);
    });
  }
  Result<Stats> stats(const Context& context, const Query& query,
                      std::optional<GroupBy> group_by) override {
    return read<Stats>(context, [&](store::Connection& connection) {
      return detail::read_stats(connection, query, group_by);
    });
  }
  Result<CostReport> costs(const Context& context, const Query& query, GroupBy group_by) override {
    return read<CostReport>(context, [&](store::Connection& connection) {
      return detail::read_costs(connection, query, group_by);
    });
  }
  Result<Page<Project>> projects(const Context& context, int limit,
                                 const std::string& cursor) override {
    return read<Page<Project>>(context, [&](store::Connection& connection) {
      return detail::read_projects(connection, limit, cursor);
    });
  }
  Result<RepricingReport> reprice(const Context& context, const Repricing& wish) override;

  StoreCounters counters() const override {
    const std::lock_guard lock(mutex_);
    return counters_;
  }
  Result<void> settle(const Context& context) override {
    while (TRY(read_some_texts(context))) continue;
    return {};
  }

 private:
  template <typename T, typename Body>
  Result<T> read(const Context& context, const Body& body) {
    std::optional<T> found;
    TRY(database_->read(context, [&](store::Connection& connection) -> Result<void> {
      found = TRY(body(connection));
      return {};
    }));
    return *std::move(found);
  }

  std::shared_ptr<const PriceBook> prices() const {
    auto book = options_.prices ? options_.prices() : nullptr;
    return book ? book
                : std::make_shared<const PriceBook>(std::vector<PriceRow>(),
                                                    std::vector<PriceRow>());
  }
  Result<void> commit(const std::vector<Delivery*>& deliveries);
  void read_texts();
  Result<bool> read_some_texts(const Context& context);

  const Options options_;
  const std::unique_ptr<store::Database> database_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable delivered_, has_unread_;
  std::deque<Delivery*> queue_;
  bool is_committing_ = false, is_ending_ = false, is_unread_ = true;
  StoreCounters counters_;

  std::mutex reading_;  ///< One reads texts at a time.
  std::thread reader_;
};

Result<void> SqliteTraceStore::ingest(const Context& context, std::vector<RunPatch> runs) {
  TRY(context.check());
  Delivery delivery;
  for (RunPatch& run : runs) {
    if (run.id.empty()) return fail(Code::invalid_argument, "id: is required of every run");
    if (options_.mask) options_.mask(run);
    delivery.bytes += bytes_of(run);
  }
  const std::size_t count = runs.size();
  delivery.runs = std::move(runs);
  std::unique_lock lock(mutex_);
  counters_.received += count;
  if (counters_.queued_bytes > 0 &&
      counters_.queued_bytes + delivery.bytes > options_.queued_bytes_max) {
    counters_.rejected += count;
    return fail(Code::unavailable, "{} bytes of traces wait to be written; send this again later",
                counters_.queued_bytes);
  }
  counters_.queued_bytes += delivery.bytes;
  queue_.push_back(&delivery);
  // Who finds nobody committing commits for all that wait: they share the sync of the disk.
  delivered_.wait(lock, [&] { return delivery.outcome || !is_committing_; });
  while (!delivery.outcome) {
    is_committing_ = true;
    std::vector<Delivery*> taken;
    std::size_t total = 0;
    while (!queue_.empty() &&
           (taken.empty() || total + queue_.front()->runs.size() <= commit_runs_max)) {
      total += queue_.front()->runs.size();
      taken.push_back(queue_.front());
      queue_.pop_front();
    }
    lock.unlock();
    const Result<void> outcome = commit(taken);
    lock.lock();
    for (Delivery* one : taken) {
      counters_.queued_bytes -= one->bytes;
      (outcome ? counters_.stored : counters_.rejected) += one->runs.size();
      one->outcome = outcome;
    }
    is_unread_ = true;
    is_committing_ = false;
  }
  lock.unlock();
  delivered_.notify_all();
  has_unread_.notify_one();
  return *delivery.outcome;
}

Result<void> SqliteTraceStore::commit(const std::vector<Delivery*>& deliveries) {
  const auto book = prices();
  return database_->write(Context(), [&](store::Connection& connection) -> Result<void> {
    detail::TraceWriter writer(connection, *book);
    for (const Delivery* delivery : deliveries)
      for (const RunPatch& run : delivery->runs) TRY(writer.apply(run));
    return writer.finish();
  });
}

Result<void> SqliteTraceStore::remove(const Context& context, const std::string& trace_id) {
  return database_->write(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare("SELECT n FROM trace_traces WHERE trace_id = ?"));
    if (!TRY(select.bind(0, trace_id).step()))
      return fail(Code::not_found, "there is no trace '{}'", trace_id.substr(0, 100));
    const std::int64_t n = select.integer(0);
    for (const char* sql :
         {"INSERT INTO trace_words(trace_words, rowid, text) SELECT 'delete', x.run, x.text FROM "
          "trace_texts x JOIN trace_runs r ON r.n = x.run WHERE r.trace = ?",
          "DELETE FROM trace_texts WHERE run IN (SELECT n FROM trace_runs WHERE trace = ?)",
          "DELETE FROM trace_unread WHERE run IN (SELECT n FROM trace_runs WHERE trace = ?)",
          "DELETE FROM trace_runs WHERE trace = ?", "DELETE FROM trace_traces WHERE n = ?"}) {
      auto statement = TRY(connection.prepare(sql));
      TRY(statement.bind(0, n).run());
    }
    return {};
  });
}

Result<RepricingReport> SqliteTraceStore::reprice(const Context& context, const Repricing& wish) {
  RepricingReport report;
  const auto book = prices();
  const PriceRow* row = nullptr;
  if (wish.price_id) {
    for (const PriceRow* one : book->rows(""))
      if (one->price_id == *wish.price_id) row = one;
    if (row == nullptr) return fail(Code::not_found, "there is no price '{}'", *wish.price_id);
  }
  TRY(database_->write(context, [&](store::Connection& connection) -> Result<void> {
    report = {};
    detail::Conditions conditions;
    conditions.add("r.total_tokens > ?", {std::int64_t(0)});
    if (wish.model) conditions.add("r.model = ?", {*wish.model});
    if (wish.from) conditions.add("r.start_ns >= ?", {*wish.from});
    if (wish.to) conditions.add("r.start_ns < ?", {*wish.to});
    std::vector<std::int64_t> all;
    auto select = TRY(
        connection.prepare("SELECT r.n FROM trace_runs r" + conditions.text() + " ORDER BY r.n"));
    conditions.bind(select);
    while (TRY(select.step())) all.push_back(select.integer(0));
    detail::TraceWriter writer(connection, *book);
    for (const std::int64_t n : all) {
      auto one = TRY(connection.prepare(fmt::format("SELECT {}{} FROM trace_runs r WHERE r.n = ?",
                                                    detail::run_columns, detail::payload_columns)));
      if (!TRY(one.bind(0, n).step())) continue;
      detail::StoredRun stored = TRY(detail::read_run(one, true));
      if (stored.run.cost) report.before += stored.run.cost->total;
      ++report.runs;
      report.changed += TRY(writer.reprice(std::move(stored), row)) ? 1 : 0;
      one.reset();
      TRY(one.bind(0, n).step());
      const detail::StoredRun after = TRY(detail::read_run(one, false));
      if (after.run.cost) report.after += after.run.cost->total;
    }
    return writer.finish();
  }));
  return report;
}

// --- Text
// ---------------------------------------------------------------------------------------------

void SqliteTraceStore::read_texts() {
  constexpr std::chrono::milliseconds pause{100};
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      has_unread_.wait(lock, [&] { return is_unread_ || is_ending_; });
      if (is_ending_) return;
      is_unread_ = false;
      // More come in this time, and the disk is synced once for them.
      has_unread_.wait_for(lock, pause, [&] { return is_ending_; });
      if (is_ending_) return;
    }
    const auto more = read_some_texts(Context());
    if (!more) log::warning("traces: text search is behind: {}", more.error().message());
    if (more && !*more) continue;
    const std::lock_guard lock(mutex_);
    is_unread_ = true;
  }
}

/// Takes some of what the text index has not seen. True when more may be there.
Result<bool> SqliteTraceStore::read_some_texts(const Context& context) {
  constexpr int runs_at_once = 2000;
  const std::lock_guard one_at_a_time(reading_);
  std::vector<std::pair<std::int64_t, std::string>> texts;
  TRY(database_->read(context, [&](store::Connection& connection) -> Result<void> {
    auto select = TRY(connection.prepare(fmt::format(
        "SELECT {}{} FROM trace_unread u JOIN trace_runs r ON r.n = u.run ORDER BY u.run "
        "LIMIT ?",
        detail::run_columns, detail::payload_columns)));
    select.bind(0, runs_at_once);
    while (TRY(select.step())) {
      const detail::StoredRun stored = TRY(detail::read_run(select, true));
      texts.emplace_back(stored.run.arrival, detail::searched_text(stored.run));
    }
    return {};
  }));
  if (texts.empty()) return false;
  TRY(database_->write(context, [&](store::Connection& connection) -> Result<void> {
    for (const auto& [run, text] : texts) {
      const auto with_run = [&](const char* sql, bool has_text) -> Result<void> {
        auto statement = TRY(connection.prepare(sql));
        statement.bind(0, run);
        if (has_text) statement.bind(1, text);
        return statement.run();
      };
      TRY(with_run(
          "INSERT INTO trace_words(trace_words, rowid, text) SELECT 'delete', run, text FROM "
          "trace_texts WHERE run = ?",
          false));
      TRY(with_run(
          "INSERT OR REPLACE INTO trace_texts(run, text) SELECT n, ?2 FROM trace_runs WHERE "
          "n = ?1",
          true));
      TRY(with_run(
          "INSERT INTO trace_words(rowid, text) SELECT run, text FROM trace_texts WHERE run = ?",
          false));
      TRY(with_run("DELETE FROM trace_unread WHERE run = ?", false));
    }
    return {};
  }));
  return texts.size() == runs_at_once;
}

}  // namespace

std::optional<double> Run::latency_ms() const {
  constexpr double nanoseconds_per_millisecond = 1e6;
  if (!end) return {};
  return static_cast<double>(*end - start) / nanoseconds_per_millisecond;
}

std::optional<double> Run::first_token_ms() const {
  constexpr double nanoseconds_per_millisecond = 1e6;
  if (!first_token) return {};
  return static_cast<double>(*first_token - start) / nanoseconds_per_millisecond;
}

Result<std::unique_ptr<TraceStore>> TraceStore::open(Options options) {
  auto database = TRY(store::Database::open({.path = options.path}, detail::migrations()));
  return std::unique_ptr<TraceStore>(
      std::make_unique<SqliteTraceStore>(std::move(options), std::move(database)));
}

}  // namespace slipway::trace
