// One thread, one epoll: descriptors that are ready, moments that have come, jobs from elsewhere.
//
// What relays lives on the same thread as what is relayed to: a call that arrives, its upstream
// call and its answer wake nobody else.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/result.hpp"
#include "http/detail/deadlines.hpp"

namespace slipway::http::detail {

/// Waits for a descriptor.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, as long as it holds. May be told without a cause: of a
  /// descriptor before that had the same number.
  virtual void on_ready(int fd, std::uint32_t events) = 0;
};

/// Lives on a reactor's thread: all calls come from there.
class Guest {
 public:
  virtual ~Guest() = default;
  /// When `turn` is due even if nothing happens.
  virtual TimePoint next() const = 0;
  /// After each round of events.
  virtual void turn(TimePoint now) = 0;
  /// The last call: the reactor ends.
  virtual void end() = 0;
};

class Reactor final : public std::enable_shared_from_this<Reactor> {
 public:
  /// Fails: unavailable (no descriptors).
  static Result<std::shared_ptr<Reactor>> make();
  /// Stops it.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  /// `name` is the thread's, at most 15 bytes.
  void start(const char* name);
  /// Ends the guests and joins. From another thread, or before `start`.
  void stop();

  /// From any thread: `job` runs on the reactor's, in the order of the posts. False once it has
  /// stopped.
  bool post(std::function<void()> job);
  bool is_here() const { return here() == this; }
  /// That of the calling thread; null when it has none.
  static Reactor* here();

  // What follows is for its thread, and for whoever prepares it before `start`.

  /// One guest a key. It stays until it is dismissed or the reactor ends; false when it is ending.
  bool admit(const void* key, std::shared_ptr<Guest> guest);
  std::shared_ptr<Guest> guest(const void* key) const;
  void dismiss(const void* key);

  /// Instead of what was watched of `fd` before. `watcher` must stay until `forget`. False: the
  /// kernel refuses.
  bool watch(int fd, std::uint32_t events, Watcher& watcher);
  /// Before `fd` is closed.
  void forget(int fd);

 private:
  struct Watched {
    Watcher* watcher = nullptr;
    std::uint32_t events = 0;
  };

  Reactor() = default;
  void wake();
  int sleep_ms() const;
  void loop();
  void round();
  void take_posts();
  void run_jobs();

  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> is_ending_{false};

  std::mutex mutex_;  // Guards the two below.
  std::vector<std::function<void()>> posted_;
  bool is_closed_ = false;

  std::vector<std::function<void()>> jobs_;  ///< Taken, or posted from the thread itself.
  std::vector<std::pair<const void*, std::shared_ptr<Guest>>> guests_;
  std::vector<Watched> watched_;  ///< By descriptor.
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace slipway::http::detail
