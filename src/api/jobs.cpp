#include "api/jobs.hpp"

#include <condition_variable>
#include <list>
#include <map>
#include <mutex>

#include "api/detail/job_rows.hpp"
#include "core/guarded.hpp"
#include "core/log.hpp"
#include "core/pool.hpp"

namespace slipway::api {

namespace {

constexpr std::chrono::milliseconds progress_pause{100};

/// What a job that is over failed with. Without a word its process has died.
Code code_of(const JobInfo& info) {
  for (int i = 0; i <= static_cast<int>(Code::internal); ++i)
    if (info.error_code == name(static_cast<Code>(i))) return static_cast<Code>(i);
  return Code::unavailable;
}

/// One job of this process, from its birth to its end.
class LiveJob final : public JobReport {
 public:
  LiveJob(JobInfo info, JobWork work, const Jobs::Options& limits)
      : info_(std::move(info)), work_(std::move(work)), limits_(limits) {}

  void progress(const JobProgress& progress) override {
    const std::lock_guard lock(mutex_);
    info_.progress = progress;
    const auto now = std::chrono::steady_clock::now();
    if (now - told_at_ < progress_pause) return;
    told_at_ = now;
    tell();
  }
  void failed(JobFailure failure) override {
    const std::lock_guard lock(mutex_);
    if (info_.errors.size() < limits_.failures_max)
      info_.errors.push_back(std::move(failure));
    else
      ++failures_beyond_;
  }

  /// False when it was cancelled before; then it has ended already.
  bool begin(std::string started_at) {
    const std::lock_guard lock(mutex_);
    if (info_.has_ended()) return false;
    info_.state = JobState::running;
    info_.started_at = std::move(started_at);
    tell();
    return true;
  }
  /// Gives the job as it ended; nothing when it had ended before.
  std::optional<JobInfo> end(JobState state, Result<json::Value> outcome, std::string finished_at) {
    const std::lock_guard lock(mutex_);
    if (info_.has_ended()) return std::nullopt;
    info_.state = state;
    info_.finished_at = std::move(finished_at);
    if (outcome) {
      info_.result = *outcome;
    } else {
      info_.error = outcome.error().message();
      info_.error_code = name(outcome.error().code());
    }
    if (failures_beyond_ > 0)
      info_.errors.push_back({"", fmt::format("and {} more failed", failures_beyond_)});
    outcome_ = std::move(outcome);
    ended_.notify_all();
    return info_;
  }
  /// The end is told when it is stored: who hears of it may ask.
  void tell_end() {
    const std::lock_guard lock(mutex_);
    tell();
    watchers_.clear();
    is_stored_ = true;
    ended_.notify_all();
  }
  /// Of a job that has ended, for who changes what is stored.
  void wait_until_stored() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return is_stored_; });
  }

  Result<json::Value> run() {
    const Context context = Context(stop_.get_token()).with_trace(make_trace_id());
    const JobWork work = std::move(work_);  // What it holds goes when it has run.
    try {
      return work(context, *this);
    } catch (const std::exception& exception) {
      return fail(Code::internal, "{}", exception.what());
    }
  }
  void stop() { stop_.request_stop(); }
  bool is_stopped() const { return stop_.stop_requested(); }

  /// Waits for the end; nothing when the context ended first.
  std::optional<Result<json::Value>> wait(const Context& context) {
    std::unique_lock lock(mutex_);
    constexpr std::chrono::milliseconds look{50};  // Nobody else tells that the caller has left.
    while (!outcome_ && context.check())
      ended_.wait_for(lock, std::min(look, context.remaining(look)));
    return outcome_;
  }

  Result<void> watch(Jobs::Watcher watcher) {
    const std::lock_guard lock(mutex_);
    if (watchers_.size() >= limits_.watchers_max)
      return fail(Code::rate_limited, "job '{}' has {} watchers already; ask again later", info_.id,
                  watchers_.size());
    if (watcher(info_) && !info_.has_ended()) watchers_.push_back(std::move(watcher));
    return {};
  }
  JobInfo info() const {
    const std::lock_guard lock(mutex_);
    return info_;
  }

 private:
  /// The caller holds the mutex.
  void tell() {
    watchers_.remove_if([this](const Jobs::Watcher& watcher) { return !watcher(info_); });
  }

  mutable std::mutex mutex_;  // Guards all but what says otherwise.
  JobInfo info_;
  JobWork work_;  // Of the worker that runs it.
  const Jobs::Options& limits_;
  std::stop_source stop_;
  std::condition_variable ended_;
  std::optional<Result<json::Value>> outcome_;
  std::list<Jobs::Watcher> watchers_;
  std::chrono::steady_clock::time_point told_at_{};
  std::size_t failures_beyond_ = 0;
  bool is_stored_ = false;  ///< As it ended.
};

class JobsOnDatabase final : public Jobs {
 public:
  explicit JobsOnDatabase(Options options)
      : options_(std::move(options)),
        rows_(options_.database, detail::this_process()),
        pool_({.threads = options_.running_max, .queue_max = options_.queued_max}) {}
  ~JobsOnDatabase() override {
    for (const auto& [id, job] : live_.with([](const Live& live) { return live; })) {
      job->stop();
      end(*job, JobState::cancelled, fail(Code::cancelled, "the server was ended"));
    }
  }
  JobsOnDatabase(const JobsOnDatabase&) = delete;
  JobsOnDatabase& operator=(const JobsOnDatabase&) = delete;

  Result<void> take_stock() { return rows_.fail_orphans(now()); }

  Result<JobInfo> submit(const Context& context, std::string kind, std::string collection,
                         JobWork work) override {
    JobInfo info;
    info.id = make_id("job", options_.clock);
    info.kind = std::move(kind);
    info.collection = std::move(collection);
    info.created_at = now();
    auto job = std::make_shared<LiveJob>(info, std::move(work), options_);
    const bool has_room = live_.with([&](Live& live) {
      if (live.size() >= options_.queued_max + options_.running_max) return false;
      live.emplace(info.id, job);
      return true;
    });
    if (!has_room) return too_many();
    if (auto inserted = rows_.insert(context, info, options_.kept_max); !inserted) {
      forget(info.id);
      return std::move(inserted.error());
    }
    if (!pool_.try_submit([this, job] { run(*job); })) {
      forget(info.id);
      TRY(rows_.remove(context, info.id));
      return too_many();
    }
    return info;
  }

  Result<JobInfo> get(const Context& context, const std::string& id) override {
    if (const auto job = find(id)) return job->info();
    return found(TRY(rows_.find(context, id)), id);
  }

  Result<JobPage> list(const Context& context, int limit, const std::string& cursor) override {
    constexpr int limit_max = 1000;
    if (limit < 1 || limit > limit_max)
      return fail(Code::invalid_argument, "limit: {} is out of range 1..{}", limit, limit_max);
    JobPage page;
    page.items = TRY(rows_.list(context, limit, cursor));
    if (static_cast<int>(page.items.size()) == limit) page.next_cursor = page.items.back().id;
    for (JobInfo& info : page.items)
      if (const auto job = find(info.id)) info = job->info();
    return page;
  }

  Result<std::optional<JobInfo>> cancel(const Context& context, const std::string& id) override {
    const auto job = find(id);
    if (job && !job->info().has_ended()) {
      job->stop();
      // One that waits has ended by that; one that runs ends when it looks.
      if (job->info().state == JobState::queued)
        end(*job, JobState::cancelled, fail(Code::cancelled, "it was cancelled while it waited"));
      return std::optional(job->info());
    }
    if (job) job->wait_until_stored();
    const JobInfo info = TRY(found(TRY(rows_.find(context, id)), id));
    if (!info.has_ended())
      return fail(Code::conflict, "job '{}' is run by another process; cancel it there", id);
    TRY(rows_.remove(context, id));
    return std::optional<JobInfo>();
  }

  Result<json::Value> wait(const Context& context, const std::string& id) override {
    if (const auto job = find(id)) {
      if (auto outcome = job->wait(context)) return *std::move(outcome);
      job->stop();
      TRY(context.check());
    }
    const JobInfo info = TRY(get(context, id));
    if (info.error) return Error(code_of(info), *info.error);
    return info.result;
  }

  Result<void> watch(const Context& context, const std::string& id, Watcher watcher) override {
    if (const auto job = find(id)) return job->watch(std::move(watcher));
    watcher(TRY(found(TRY(rows_.find(context, id)), id)));
    return {};
  }

 private:
  using Live = std::map<std::string, std::shared_ptr<LiveJob>>;

  std::string now() const { return format_time(options_.clock.now()); }

  Error too_many() const {
    return fail(Code::unavailable, "{} jobs wait already; try again when some have ended",
                options_.queued_max);
  }

  static Result<JobInfo> found(std::optional<JobInfo> info, const std::string& id) {
    if (!info) return fail(Code::not_found, "there is no job '{}'", id);
    return *std::move(info);
  }

  std::shared_ptr<LiveJob> find(const std::string& id) {
    return live_.with([&](Live& live) {
      const auto at = live.find(id);
      return at == live.end() ? nullptr : at->second;
    });
  }
  void forget(const std::string& id) {
    live_.with([&](Live& live) { live.erase(id); });
  }

  void run(LiveJob& job) {
    if (!job.begin(now())) return;
    store(job.info());
    auto outcome = job.run();
    JobState state = JobState::done;
    if (!outcome) {
      const bool is_stopped = outcome.error().code() == Code::cancelled && job.is_stopped();
      state = is_stopped ? JobState::cancelled : JobState::failed;
      if (!is_stopped) log::warning("job {}: {}", job.info().id, outcome.error().message());
    }
    end(job, state, std::move(outcome));
  }

  void end(LiveJob& job, JobState state, Result<json::Value> outcome) {
    const auto ended = job.end(state, std::move(outcome), now());
    if (!ended) return;
    store(*ended);
    forget(ended->id);
    job.tell_end();
  }

  /// What cannot be stored is told by the memory as long as the job lives, and then lost.
  void store(const JobInfo& info) {
    if (const auto stored = rows_.update(Context(), info); !stored)
      log::error("job {} cannot be stored: {}", info.id, stored.error().message());
  }

  const Options options_;
  detail::JobRows rows_;
  Guarded<Live> live_;
  Pool pool_;  // Last: its threads use the others.
};

}  // namespace

Result<std::unique_ptr<Jobs>> Jobs::open(Options options) {
  auto jobs = std::make_unique<JobsOnDatabase>(std::move(options));
  TRY(jobs->take_stock());
  return std::unique_ptr<Jobs>(std::move(jobs));
}

}  // namespace slipway::api
