#include "api/jobs.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <thread>

#include "api/detail/fixture.hpp"
#include "api/detail/job_rows.hpp"
#include "core/guarded.hpp"
#include "core/log.hpp"

using namespace slipway;
using namespace slipway::api;
using namespace slipway::api::detail;

namespace {

/// Something that a job waits for and a test opens.
class Barrier {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  /// False when the context ended first.
  bool pass(const Context& context) {
    std::unique_lock lock(mutex_);
    while (!is_open_) {
      if (!context.check()) return false;
      changed_.wait_for(lock, std::chrono::milliseconds(2));
    }
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

struct Stand {
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, migrations()));
  FakeClock clock;
  Barrier barrier;
  std::unique_ptr<Jobs> jobs = open();
  Context context;

  std::unique_ptr<Jobs> open() {
    return must(Jobs::open({.database = *database,
                            .clock = clock,
                            .running_max = 1,
                            .queued_max = 2,
                            .kept_max = 3,
                            .failures_max = 2}));
  }
  JobInfo submit(JobWork work) {
    return must(jobs->submit(context, "ingest", "default", std::move(work)));
  }
  /// One that runs until the barrier opens or it is cancelled.
  JobInfo submit_waiting() {
    return submit([this](const Context& given, JobReport&) -> Result<json::Value> {
      if (!barrier.pass(given)) return fail(Code::cancelled, "was told to stop");
      return json::Value(7);
    });
  }
  JobInfo submit_quick() {
    return submit([](const Context&, JobReport&) { return Result<json::Value>(json::Value(1)); });
  }
  /// After it the jobs before are of the database only: one at a time runs.
  void settle() { wait_for(submit_quick().id, JobState::done); }
  JobInfo get(const std::string& id) { return must(jobs->get(context, id)); }
  void wait_for(const std::string& id, JobState state) {
    for (int i = 0; i < 5000 && get(id).state != state; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    REQUIRE(get(id).state == state);
  }
};

struct Quiet {
  Quiet() { log::set_level(log::Level::off); }
  ~Quiet() { log::set_level(log::Level::warning); }
};

}  // namespace

TEST_CASE("a job runs, tells its progress and failures, and keeps its result") {
  Stand s;
  const JobInfo job = s.submit([&](const Context&, JobReport& report) -> Result<json::Value> {
    report.progress({1, 2, "documents", "a.md"});
    for (const char* uri : {"a", "b", "c"}) report.failed({uri, "is damaged"});
    return json::Value(json::Object{{"added", 1}});
  });
  CHECK(job.state == JobState::queued);
  CHECK(job.id.starts_with("job_"));
  CHECK(must(s.jobs->wait(s.context, job.id)).at("added") == 1);
  s.wait_for(job.id, JobState::done);
  const JobInfo ended = s.get(job.id);
  CHECK(ended.progress.done == 1);
  CHECK(ended.progress.current == "a.md");
  CHECK(ended.errors.size() == 3);
  CHECK(ended.errors.back().error == "and 1 more failed");
  CHECK(ended.started_at);
  CHECK(ended.finished_at);
}

TEST_CASE("what a job fails with is kept, an exception too") {
  Stand s;
  const Quiet quiet;
  const JobInfo failing = s.submit([](const Context&, JobReport&) -> Result<json::Value> {
    return fail(Code::forbidden, "the folder is not allowed");
  });
  const auto outcome = s.jobs->wait(s.context, failing.id);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == Code::forbidden);
  s.settle();
  CHECK(s.get(failing.id).error == "the folder is not allowed");
  CHECK(s.get(failing.id).error_code == "forbidden");
  const auto later = s.jobs->wait(s.context, failing.id);
  REQUIRE_FALSE(later);
  CHECK(later.error().code() == Code::forbidden);
  const JobInfo throwing = s.submit([](const Context&, JobReport&) -> Result<json::Value> {
    throw std::runtime_error("broken");
  });
  s.wait_for(throwing.id, JobState::failed);
}

TEST_CASE("few run, few wait, and one more is refused") {
  Stand s;
  const JobInfo first = s.submit_waiting();
  s.wait_for(first.id, JobState::running);
  const JobInfo second = s.submit_waiting();
  s.submit_waiting();
  CHECK(s.get(second.id).state == JobState::queued);
  const auto refused = s.jobs->submit(s.context, "ingest", "default", {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::unavailable);
  CHECK(refused.error().message().find("2 jobs wait already") != std::string::npos);
  CHECK(must(s.jobs->list(s.context, 10, "")).items.size() == 3);
  s.barrier.open();
  s.wait_for(second.id, JobState::done);
}

TEST_CASE("a job that runs stops when it is cancelled, one that waits never begins") {
  Stand s;
  const JobInfo running = s.submit_waiting();
  s.wait_for(running.id, JobState::running);
  bool has_begun = false;
  const JobInfo waiting = s.submit([&](const Context&, JobReport&) -> Result<json::Value> {
    has_begun = true;
    return json::Value();
  });
  CHECK(must(s.jobs->cancel(s.context, waiting.id))->state == JobState::cancelled);
  CHECK(must(s.jobs->cancel(s.context, running.id)).has_value());
  s.wait_for(running.id, JobState::cancelled);
  CHECK(s.get(running.id).error == "was told to stop");
  s.jobs->wait(s.context, s.submit_quick().id).ok();
  CHECK_FALSE(has_begun);
}

TEST_CASE("a job that has ended is forgotten when it is cancelled") {
  Stand s;
  for (int i = 0; i < 200; ++i) {
    const JobInfo job = s.submit_quick();
    // At once: its end may not be stored yet.
    must(s.jobs->wait(s.context, job.id));
    CHECK_FALSE(must(s.jobs->cancel(s.context, job.id)));
    CHECK(s.jobs->get(s.context, job.id).error().code() == Code::not_found);
    CHECK(s.jobs->cancel(s.context, job.id).error().code() == Code::not_found);
  }
}

TEST_CASE("a caller who stops waiting cancels the job") {
  Stand s;
  const JobInfo job = s.submit_waiting();
  const auto outcome = s.jobs->wait(s.context.with_timeout(std::chrono::milliseconds(20)), job.id);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code() == Code::deadline_exceeded);
  s.wait_for(job.id, JobState::cancelled);
}

TEST_CASE("watchers hear the job as it is, its changes and its end, once") {
  Stand s;
  Guarded<std::vector<JobState>> heard;
  const JobInfo job = s.submit_waiting();
  s.wait_for(job.id, JobState::running);
  const auto watch = [&](const JobInfo& info) {
    heard.with([&](auto& states) { states.push_back(info.state); });
    return true;
  };
  must(s.jobs->watch(s.context, job.id, watch));
  int calls = 0;
  must(s.jobs->watch(s.context, job.id, [&](const JobInfo&) {
    ++calls;
    return false;
  }));
  s.barrier.open();
  s.wait_for(job.id, JobState::done);
  s.jobs->wait(s.context, s.submit_quick().id).ok();  // The only thread is past the first.
  CHECK(heard.with([](auto& states) { return states; }) ==
        std::vector{JobState::running, JobState::done});
  CHECK(calls == 1);
  must(s.jobs->watch(s.context, job.id, watch));
  CHECK(heard.with([](auto& states) { return states.size(); }) == 3);
  CHECK(s.jobs->watch(s.context, "job_none", watch).error().code() == Code::not_found);
}

TEST_CASE("jobs are listed youngest first, page by page, and only so many ended ones are kept") {
  Stand s;
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    s.clock.advance(std::chrono::seconds(1));
    ids.push_back(s.submit_quick().id);
    s.wait_for(ids.back(), JobState::done);
  }
  const JobPage page = must(s.jobs->list(s.context, 2, ""));
  REQUIRE(page.items.size() == 2);
  CHECK(page.items[0].id == ids[5]);
  const JobPage next = must(s.jobs->list(s.context, 10, *page.next_cursor));
  CHECK(next.items.size() == 2);
  CHECK_FALSE(next.next_cursor);
  CHECK(s.jobs->get(s.context, ids[0]).error().code() == Code::not_found);
  CHECK(s.jobs->list(s.context, 0, "").error().code() == Code::invalid_argument);
}

TEST_CASE("a job that was running when its process died is failed, and says so") {
  Stand s;
  // A process that was there and is gone.
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  JobInfo info;
  info.id = "job_dead";
  info.kind = "ingest";
  info.created_at = "2026-01-01T00:00:00Z";
  JobRows dead(*s.database, fmt::format("{}:1", child));
  must(dead.insert(s.context, info, 10));
  info.state = JobState::running;
  must(dead.update(s.context, info));
  JobRows alive(*s.database, this_process());
  info.id = "job_alive";
  must(alive.insert(s.context, info, 10));
  s.jobs = s.open();
  const JobInfo failed = s.get("job_dead");
  CHECK(failed.state == JobState::failed);
  CHECK(failed.error ==
        "the server ended while this job ran; what it had stored is in, start it again for the "
        "rest");
  CHECK(s.get("job_alive").state == JobState::running);
  CHECK(s.jobs->cancel(s.context, "job_alive").error().code() == Code::conflict);
}

TEST_CASE("a server that ends cancels its jobs and says so") {
  Stand s;
  const JobInfo running = s.submit_waiting();
  s.wait_for(running.id, JobState::running);
  const JobInfo waiting = s.submit_waiting();
  s.jobs.reset();
  s.jobs = s.open();
  CHECK(s.get(running.id).state == JobState::cancelled);
  CHECK(s.get(waiting.id).error == "the server was ended");
}

TEST_CASE("a process is known by its number and its beginning") {
  CHECK(is_alive(this_process()));
  CHECK_FALSE(is_alive(std::to_string(::getpid()) + ":1"));
  CHECK_FALSE(is_alive("nonsense"));
}
