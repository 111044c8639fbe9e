#include "http/detail/reactor.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/log.hpp"
#include "core/turns.hpp"

namespace slipway::http::detail {

namespace {

constexpr std::chrono::milliseconds longest_sleep{60'000};

thread_local Reactor* reactor_here = nullptr;

/// What throws has a bug; the others on this thread have not.
template <typename Step>
void guarded(Step&& step) {
  try {
    step();
  } catch (const std::exception& error) {
    log::error("an event thread caught: {}; please report it", error.what());
  }
}

}  // namespace

Reactor* Reactor::here() { return reactor_here; }

Result<std::shared_ptr<Reactor>> Reactor::make() {
  std::shared_ptr<Reactor> reactor(new Reactor);
  reactor->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  reactor->wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{EPOLLIN, {.fd = reactor->wake_}};
  if (reactor->epoll_ < 0 || reactor->wake_ < 0 ||
      epoll_ctl(reactor->epoll_, EPOLL_CTL_ADD, reactor->wake_, &event) != 0)
    return fail(Code::unavailable, "no descriptors are left for connections");
  return reactor;
}

Reactor::~Reactor() {
  stop();
  if (epoll_ >= 0) ::close(epoll_);
  if (wake_ >= 0) ::close(wake_);
}

void Reactor::start(const char* name) {
  // Signals are for the main thread; and a write of the TLS layer to a closed socket must not end
  // the process.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_setname_np(thread_.native_handle(), name);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Reactor::stop() {
  if (thread_.joinable()) {
    is_ending_ = true;
    wake();
    thread_.join();
    return;
  }
  guests_.clear();
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
}

void Reactor::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

bool Reactor::post(std::function<void()> job) {
  // Jobs that were posted elsewhere and not taken yet may run after this one; they came together.
  if (is_here()) {
    jobs_.push_back(std::move(job));
    return true;
  }
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return false;
    is_first = posted_.empty();
    posted_.push_back(std::move(job));
  }
  if (is_first) wake();  // Once for all that come until it looks.
  return true;
}

bool Reactor::admit(const void* key, std::shared_ptr<Guest> guest) {
  if (is_over_) return false;
  guests_.emplace_back(key, std::move(guest));
  return true;
}

std::shared_ptr<Guest> Reactor::guest(const void* key) const {
  for (const auto& [known, guest] : guests_)
    if (known == key) return guest;
  return nullptr;
}

void Reactor::dismiss(const void* key) {
  std::erase_if(guests_, [key](const auto& entry) { return entry.first == key; });
}

bool Reactor::watch(int fd, std::uint32_t events, Watcher& watcher) {
  const auto at = static_cast<std::size_t>(fd);
  if (at >= watched_.size()) watched_.resize(at + 1);
  Watched& watched = watched_[at];
  epoll_event event{events, {.fd = fd}};
  const bool is_known = watched.watcher != nullptr;
  if (!is_known || watched.events != events) {
    const int how = is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    const bool is_set = epoll_ctl(epoll_, how, fd, &event) == 0 ||
                        (errno == EEXIST && epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0) ||
                        (errno == ENOENT && epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
    if (!is_set) return false;
  }
  watched = {&watcher, events};
  return true;
}

void Reactor::forget(int fd) {
  const auto at = static_cast<std::size_t>(fd);
  if (at >= watched_.size() || watched_[at].watcher == nullptr) return;
  watched_[at] = {};
  // Closing alone may not do: a child process may hold the socket open for a moment.
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

int Reactor::sleep_ms() const {
  if (!jobs_.empty()) return 0;
  TimePoint first = TimePoint::max();
  for (const auto& [key, guest] : guests_) first = std::min(first, guest->next());
  const auto longest = static_cast<int>(longest_sleep.count());
  if (first == TimePoint::max()) return longest;
  const TimePoint now = std::chrono::steady_clock::now();
  if (first <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(first - now);
  return static_cast<int>(std::min<std::int64_t>(left.count(), longest));
}

void Reactor::take_posts() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto size = ::read(wake_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  if (jobs_.empty())
    jobs_.swap(posted_);
  else
    std::move(posted_.begin(), posted_.end(), std::back_inserter(jobs_));
  posted_.clear();
}

void Reactor::run_jobs() {
  if (jobs_.empty()) return;
  // Those that they post wait for the next round, behind what is ready by then.
  for (const auto& job : std::exchange(jobs_, {})) guarded(job);
}

void Reactor::round() {
  std::array<epoll_event, 256> events;
  const int count = epoll_wait(epoll_, events.data(), events.size(), sleep_ms());
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const int fd = event.data.fd;
    if (fd == wake_) {
      take_posts();
      continue;
    }
    const auto at = static_cast<std::size_t>(fd);
    Watcher* const watcher = at < watched_.size() ? watched_[at].watcher : nullptr;
    if (watcher != nullptr) guarded([&] { watcher->on_ready(fd, event.events); });
  }
  run_jobs();
  const TimePoint now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < guests_.size(); ++i) {
    const std::shared_ptr<Guest> guest = guests_[i].second;
    guarded([&] { guest->turn(now); });
  }
}

void Reactor::loop() {
  reactor_here = this;
  take_short_turns();
  while (!is_ending_) round();
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }
  take_posts();
  run_jobs();
  is_over_ = true;
  for (const auto& [key, guest] : std::exchange(guests_, {})) guarded([&] { guest->end(); });
  run_jobs();
  std::exchange(jobs_, {});  // What they hold may post a last time when it goes.
}

}  // namespace slipway::http::detail
