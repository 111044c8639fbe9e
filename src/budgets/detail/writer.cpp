#include "budgets/detail/writer.hpp"

#include <future>

#include "core/log.hpp"

namespace slipway::budgets::detail {

namespace {

constexpr std::size_t jobs_max = 50'000, commit_jobs_max = 4'000;
constexpr std::chrono::milliseconds retry_pause{500};
constexpr int last_tries = 3;

}  // namespace

Writer::Writer(Options options, DefinitionsPtr definitions)
    : options_(std::move(options)), tellers_({.threads = 2, .queue_max = 2 * jobs_max}) {
  set_definitions(std::move(definitions));
  thread_ = std::thread([this] { work(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  has_jobs_.notify_all();
  thread_.join();
}

DefinitionsPtr Writer::definitions() const {
  return definitions_.with([](const auto& definitions) { return definitions; });
}

void Writer::set_definitions(DefinitionsPtr definitions) {
  has_budgets_ = !definitions->list.empty();
  definitions_.with([&](auto& current) { current = std::move(definitions); });
}

void Writer::submit(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (job.must_happen || (jobs_.size() < jobs_max && !is_ending_)) {
      jobs_.push_back(std::move(job));
      has_jobs_.notify_one();
      return;
    }
  }
  job.done(fail(Code::unavailable, "the ledger of budgets has too much to write; try again later"));
}

Result<void> Writer::write(std::function<Result<void>(Books&)> run) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  // What the job itself has to say is no fault of the others' commit.
  auto own = std::make_shared<Result<void>>();
  submit(
      {.run = [run = std::move(run), own](Books& books) -> Result<void> {
         TRY(books.connection().execute("SAVEPOINT job"));
         *own = run(books);
         if (!*own) TRY(books.connection().execute("ROLLBACK TO job"));
         return books.connection().execute("RELEASE job");
       },
       .done = [promise, own](
                   const Result<void>& outcome) { promise->set_value(outcome ? *own : outcome); }});
  return future.get();
}

void Writer::work() {
  int tries_left = last_tries;
  for (;;) {
    std::deque<Job> jobs;
    {
      std::unique_lock lock(mutex_);
      has_jobs_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
      if (jobs_.empty() || (is_ending_ && tries_left == 0)) return;
      while (!jobs_.empty() && jobs.size() < commit_jobs_max) {
        jobs.push_back(std::move(jobs_.front()));
        jobs_.pop_front();
      }
    }
    const Result<void> outcome = commit(jobs);
    if (outcome) {
      accounts_.keep_small();
    } else {
      log::warning("the ledger of budgets cannot be written: {}", outcome.error().message());
      accounts_.forget();
    }
    tell(jobs, outcome);
    if (outcome) continue;
    std::unique_lock lock(mutex_);
    if (is_ending_) --tries_left;
    has_jobs_.wait_for(lock, retry_pause, [this] { return is_ending_; });
  }
}

Result<void> Writer::commit(std::deque<Job>& jobs) {
  const DefinitionsPtr current = definitions();
  DefinitionsPtr changed;
  bool has_fired = false;
  TRY(options_.database.write({}, [&](store::Connection& connection) -> Result<void> {
    Books books({.connection = connection,
                 .accounts = accounts_,
                 .definitions = *current,
                 .now = options_.clock.now()});
    for (Job& job : jobs) TRY(job.run(books));
    TRY(accounts_.write(connection));
    has_fired = books.has_fired();
    if (books.have_budgets_changed()) changed = TRY(read_definitions(connection));
    return {};
  }));
  if (changed) {
    set_definitions(std::move(changed));
    accounts_.forget();
  }
  if (has_fired && options_.on_fired) options_.on_fired();
  return {};
}

/// On other threads, so that the next commit begins. What must happen goes back.
void Writer::tell(std::deque<Job>& jobs, const Result<void>& outcome) {
  if (!outcome) {
    const std::lock_guard lock(mutex_);
    for (auto job = jobs.rbegin(); job != jobs.rend(); ++job)
      if (job->must_happen) jobs_.push_front(std::move(*job));
  }
  for (Job& job : jobs)
    if (job.done && (outcome || !job.must_happen))
      tellers_.submit([done = std::move(job.done), outcome] { done(outcome); });
}

}  // namespace slipway::budgets::detail
