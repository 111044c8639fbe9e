#include "http/detail/reactor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <future>

#include "core/log.hpp"

namespace slipway::http::detail {

namespace {

using std::chrono::milliseconds;
constexpr std::chrono::seconds patience{10};

std::shared_ptr<Reactor> make() {
  auto made = Reactor::make();
  REQUIRE(made);
  return *made;
}

/// Runs `job` there and waits for it.
void run_on(Reactor& reactor, const std::function<void()>& job) {
  std::promise<void> done;
  REQUIRE(reactor.post([&] {
    job();
    done.set_value();
  }));
  REQUIRE(done.get_future().wait_for(patience) == std::future_status::ready);
}

struct Pipe {
  Pipe() { REQUIRE(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0); }
  ~Pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void write() const { REQUIRE(::write(ends[1], "x", 1) == 1); }
  int ends[2];
};

struct CountingWatcher final : Watcher {
  void on_ready(int fd, std::uint32_t) override {
    char byte = 0;
    if (::read(fd, &byte, 1) == 1) ++bytes;
    if (throws) throw std::runtime_error("a bug of a watcher");
  }
  std::atomic<int> bytes{0};
  bool throws = false;
};

struct CountingGuest final : Guest {
  TimePoint next() const override { return at; }
  void turn(TimePoint now) override {
    if (now < at) return;
    at = TimePoint::max();
    turned.set_value();
  }
  void end() override { ++ends; }
  TimePoint at = TimePoint::max();
  std::promise<void> turned;
  int ends = 0;
};

void wait_until(const std::function<bool()>& holds) {
  for (int i = 0; i < 10'000 && !holds(); ++i) std::this_thread::sleep_for(milliseconds(1));
  CHECK(holds());
}

}  // namespace

TEST_CASE("jobs run on the reactor's thread in the order of their posts") {
  const auto reactor = make();
  reactor->start("test");
  CHECK(Reactor::here() == nullptr);
  std::vector<int> order;
  for (int i = 0; i < 1000; ++i) CHECK(reactor->post([&order, i] { order.push_back(i); }));
  run_on(*reactor, [&] {
    CHECK(reactor->is_here());
    CHECK(Reactor::here() == reactor.get());
  });
  CHECK(order.size() == 1000);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a job that a job posts runs without anything else to wake the thread") {
  const auto reactor = make();
  reactor->start("test");
  std::promise<void> done;
  reactor->post([&] { reactor->post([&] { reactor->post([&] { done.set_value(); }); }); });
  CHECK(done.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("what was posted before the end runs, what comes after is refused") {
  const auto reactor = make();
  bool has_run = false;
  CHECK(reactor->post([&] { has_run = true; }));
  reactor->start("test");
  reactor->stop();
  CHECK(has_run);
  CHECK_FALSE(reactor->post([] {}));
  reactor->stop();
}

TEST_CASE("a watched descriptor is told as long as it is ready, and not after it is forgotten") {
  const Pipe pipe;
  CountingWatcher watcher;
  const auto reactor = make();
  reactor->start("test");
  run_on(*reactor, [&] { CHECK(reactor->watch(pipe.ends[0], EPOLLIN, watcher)); });
  for (int i = 0; i < 3; ++i) pipe.write();
  wait_until([&] { return watcher.bytes == 3; });
  run_on(*reactor, [&] { CHECK(reactor->watch(pipe.ends[0], 0, watcher)); });
  pipe.write();
  run_on(*reactor, [] {});
  CHECK(watcher.bytes == 3);
  run_on(*reactor, [&] { CHECK(reactor->watch(pipe.ends[0], EPOLLIN, watcher)); });
  wait_until([&] { return watcher.bytes == 4; });
  run_on(*reactor, [&] {
    reactor->forget(pipe.ends[0]);
    reactor->forget(pipe.ends[0]);
    CHECK_FALSE(reactor->watch(1 << 20, EPOLLIN, watcher));
  });
  pipe.write();
  run_on(*reactor, [] {});
  CHECK(watcher.bytes == 4);
}

TEST_CASE("what throws does not end the thread") {
  const Pipe pipe;
  CountingWatcher watcher;
  watcher.throws = true;
  log::set_level(log::Level::off);
  const auto reactor = make();
  reactor->start("test");
  run_on(*reactor, [&] { CHECK(reactor->watch(pipe.ends[0], EPOLLIN, watcher)); });
  pipe.write();
  pipe.write();
  reactor->post([] { throw std::runtime_error("a bug of a job"); });
  wait_until([&] { return watcher.bytes == 2; });
  run_on(*reactor, [] {});
  log::set_level(log::Level::warning);
}

TEST_CASE("a guest is called at its time and ended once, by its reactor or its host") {
  const auto guest = std::make_shared<CountingGuest>();
  const auto other = std::make_shared<CountingGuest>();
  const auto reactor = make();
  CHECK(reactor->admit(guest.get(), guest));
  reactor->start("test");
  run_on(*reactor, [&] {
    guest->at = std::chrono::steady_clock::now() + milliseconds(20);
    CHECK(reactor->admit(other.get(), other));
    CHECK(reactor->guest(other.get()) == other);
    reactor->dismiss(other.get());
    CHECK(reactor->guest(other.get()) == nullptr);
  });
  CHECK(guest->turned.get_future().wait_for(patience) == std::future_status::ready);
  reactor->stop();
  CHECK(guest->ends == 1);
  CHECK(other->ends == 0);
  CHECK_FALSE(reactor->admit(other.get(), other));
}

}  // namespace slipway::http::detail
