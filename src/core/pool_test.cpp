#include "core/pool.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <latch>
#include <stdexcept>

using namespace slipway;
using namespace std::chrono_literals;

namespace {
/// Holds the jobs of a pool until it is opened.
class Gate {
 public:
  void wait() { opened_.wait(); }
  void open() { promise_.set_value(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> opened_ = promise_.get_future().share();
};
}  // namespace

TEST_CASE("a pool runs everything that was submitted before it ends") {
  std::atomic<int> done{0};
  {
    Pool pool({.threads = 3, .queue_max = 4});
    CHECK(pool.threads() == 3);
    for (int i = 0; i < 200; ++i) pool.submit([&] { ++done; });
  }
  CHECK(done == 200);
}

TEST_CASE("one thread runs jobs in the order in which they came") {
  std::vector<int> order;
  {
    Pool pool({.threads = 1, .queue_max = 100});
    for (int i = 0; i < 50; ++i) pool.submit([&order, i] { order.push_back(i); });
  }
  for (int i = 0; i < 50; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a pool has a thread for every job that would wait, up to its number") {
  Pool pool({.threads = 4});
  for (int round = 0; round < 20; ++round) {
    // Nobody passes before four threads run.
    const auto all = std::make_shared<std::latch>(5);
    for (int i = 0; i < 4; ++i) pool.submit([all] { all->arrive_and_wait(); });
    all->arrive_and_wait();
  }
  CHECK(pool.threads() == 4);
}

TEST_CASE("a full queue refuses with the number of jobs and takes again when there is room") {
  Gate gate;
  std::promise<void> started;
  std::atomic<int> done{0};
  {
    Pool pool({.threads = 1, .queue_max = 2});
    pool.submit([&] {
      started.set_value();
      gate.wait();
    });
    started.get_future().wait();
    CHECK(pool.try_submit([&] { ++done; }).ok());
    CHECK(pool.try_submit([&] { ++done; }).ok());
    const auto refused = pool.try_submit([&] { ++done; });
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code() == Code::unavailable);
    CHECK(refused.error().message().starts_with("2 jobs are waiting"));
    std::atomic<bool> submitted{false};
    std::jthread waiting([&] {
      pool.submit([&] { ++done; });
      submitted = true;
    });
    std::this_thread::sleep_for(20ms);
    CHECK_FALSE(submitted);
    gate.open();
    waiting.join();
    CHECK(submitted);
  }
  CHECK(done == 3);
}

TEST_CASE("parallel_for calls every number once, with any number of threads") {
  for (const std::size_t threads : {0u, 1u, 3u, 16u}) {
    CAPTURE(threads);
    std::vector<std::atomic<int>> calls(1000);
    CHECK(parallel_for(Context(), calls.size(), threads, [&](std::size_t i) -> Result<void> {
            ++calls[i];
            return {};
          }).ok());
    for (const auto& count : calls) CHECK(count == 1);
  }
  CHECK(parallel_for(Context(), 0, 4, [](std::size_t) -> Result<void> {
          return fail(Code::internal, "called for nothing");
        }).ok());
}

TEST_CASE("parallel_for stops at the first error and returns it") {
  std::atomic<int> calls{0};
  const auto done = parallel_for(Context(), 100'000, 4, [&](std::size_t i) -> Result<void> {
    ++calls;
    if (i == 10) return fail(Code::conflict, "item {}", i);
    std::this_thread::sleep_for(100us);
    return {};
  });
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().message() == "item 10");
  CHECK(calls < 1000);
}

TEST_CASE("parallel_for ends with its context") {
  std::stop_source stop;
  std::atomic<int> calls{0};
  const auto done =
      parallel_for(Context(stop.get_token()), 100'000, 2, [&](std::size_t) -> Result<void> {
        if (++calls == 20) stop.request_stop();
        return {};
      });
  CHECK(done.error().code() == Code::cancelled);
  CHECK(calls < 100);
}

TEST_CASE("an exception in one item is an internal error, not the end of the process") {
  for (const std::size_t threads : {1u, 4u}) {
    const auto done = parallel_for(Context(), 50, threads, [&](std::size_t i) -> Result<void> {
      if (i == 7) throw std::runtime_error("broken");
      return {};
    });
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code() == Code::internal);
    CHECK(done.error().message().starts_with("item 7 threw an exception: broken"));
  }
}

TEST_CASE("there is at least one core") { CHECK(core_count() >= 1); }
