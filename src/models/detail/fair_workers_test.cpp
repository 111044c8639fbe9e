#include "models/detail/fair_workers.hpp"

#include <doctest/doctest.h>

#include <atomic>

using namespace slipway;
using namespace slipway::models::detail;
using namespace std::chrono_literals;

namespace {

/// Holds the one thread until it is opened.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    is_reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
  }
  void await_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_reached_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_reached_ = false;
  bool is_open_ = false;
};

}  // namespace

TEST_CASE("the next place is for the caller that has the fewest, then for the longest wait") {
  FairQueue<int> queue;
  for (const int item : {1, 2, 3}) queue.push("busy", item);
  queue.push("late", 10);
  CHECK(queue.take() == 1);
  CHECK(queue.take() == 10);
  CHECK(queue.take() == 2);
  queue.give_back("late");
  queue.push("late", 11);
  CHECK(queue.take() == 11);
  CHECK(queue.remove("busy", 3));
  CHECK_FALSE(queue.remove("busy", 3));
  CHECK_FALSE(queue.remove("nobody", 3));
  CHECK(queue.empty());
}

TEST_CASE("every text is computed once, on no more threads than there are") {
  FairWorkers workers(2);
  std::atomic<int> at_once{0}, most{0}, sum{0};
  std::vector<std::jthread> requests;
  for (int r = 0; r < 6; ++r)
    requests.emplace_back([&] {
      const auto done = workers.run({}, 20, [&](std::size_t i) -> Result<void> {
        const int now = ++at_once;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        sum += static_cast<int>(i) + 1;
        std::this_thread::yield();
        --at_once;
        return {};
      });
      CHECK(done.ok());
    });
  requests.clear();
  CHECK(sum == 6 * 210);
  CHECK(most <= 2);
}

TEST_CASE("a long request does not hold up a short one of somebody else") {
  FairWorkers workers(1);
  Gate gate;
  std::vector<char> order;  // By the one thread only.
  std::jthread longer([&] {
    const auto done =
        workers.run(Context().with_caller("long"), 50, [&](std::size_t i) -> Result<void> {
          if (i == 0) gate.wait();
          order.push_back('l');
          return {};
        });
    CHECK(done.ok());
  });
  gate.await_arrival();
  std::atomic<bool> is_asked{false};
  std::jthread shorter([&] {
    is_asked = true;
    const auto done =
        workers.run(Context().with_caller("short"), 2, [&](std::size_t) -> Result<void> {
          order.push_back('s');
          return {};
        });
    CHECK(done.ok());
  });
  while (!is_asked) std::this_thread::yield();
  std::this_thread::sleep_for(20ms);  // It stands in the queue by now; else the test shows less.
  gate.open();
  longer.join();
  shorter.join();
  const std::string text(order.begin(), order.end());
  CHECK(text.size() == 52);
  CHECK(text.rfind('s') < 8);
}

TEST_CASE("a request ends with its context and its first error, and runs no more texts") {
  FairWorkers workers(1);
  std::atomic<int> begun{0};
  const auto failed = workers.run({}, 100, [&](std::size_t i) -> Result<void> {
    ++begun;
    if (i == 3) return fail(Code::internal, "text {}", i);
    return {};
  });
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().message() == "text 3");
  CHECK(begun == 4);
  const auto thrown =
      workers.run({}, 2, [](std::size_t) -> Result<void> { throw std::bad_alloc(); });
  CHECK(thrown.error().code() == Code::internal);

  Gate gate;
  std::jthread busy([&] {
    CHECK(
        workers.run({}, 2, [&](std::size_t) -> Result<void> { return gate.wait(), Result<void>(); })
            .ok());
  });
  gate.await_arrival();
  // Waits for the thread that another one has: its own end comes first.
  const auto late =
      workers.run(Context().with_timeout(20ms), 2, [](std::size_t) { return Result<void>(); });
  CHECK(late.error().code() == Code::deadline_exceeded);
  gate.open();
  busy.join();
  CHECK(workers.run({}, 3, [](std::size_t) { return Result<void>(); }).ok());
  CHECK(workers.run({}, 0, [](std::size_t) { return Result<void>(); }).ok());
}
