// One thread with its connections.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "http/detail/deadlines.hpp"
#include "http/detail/head.hpp"
#include "http/detail/transport.hpp"
#include "http/server.hpp"

namespace slipway::http::detail {

class Connection;
class ExchangeCore;

/// What all edges of a server share.
struct Shared {
  Server::Options options;
  HeadLimits limits;
  ExchangeHandler handler;
  Guarded<SslContext> tls;
  std::atomic<bool> is_draining{false};
  std::atomic<std::size_t> connections{0}, exchanges{0}, body_bytes{0};
  std::atomic<std::uint64_t> accepted{0}, refused{0}, requests{0}, malformed{0};
  std::mutex drained_mutex;
  std::condition_variable drained;  ///< Told whenever a connection ends while draining.
};

/// A socket that was accepted, and from whom.
struct Accepted {
  int fd = -1;
  bool is_ipv6 = false;
  std::string peer;
};

/// Runs the connections that it was given. Owned by the server and by each exchange that lives, so
/// that an answer given too late finds a closed door and not a hole.
class Edge final : public std::enable_shared_from_this<Edge> {
 public:
  explicit Edge(std::shared_ptr<Shared> shared);
  ~Edge();
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  void start();
  /// Closes all connections and joins. From a thread that is not an edge's.
  void stop();

  // From any thread; nothing happens once it has stopped.
  void adopt(Accepted accepted);
  void serve(std::shared_ptr<ExchangeCore> exchange);
  void run(std::function<void()> job);

  // On its thread.
  bool is_here() const { return std::this_thread::get_id() == thread_id_; }
  Shared& shared() { return *shared_; }
  boost::asio::io_context& context() { return context_; }
  Random& random() { return random_; }
  /// Scratch for one read.
  std::span<char> buffer() { return buffer_; }
  void set_deadline(Timed& timed, TimePoint at);
  void forget(Connection& connection);
  /// Closes those that answer nothing at the moment; the others close after their answer.
  void close_idle();
  void abort_all();

 private:
  struct Task {
    std::shared_ptr<ExchangeCore> exchange;
    Accepted accepted;
    std::function<void()> job;
  };

  void post(Task task);
  void run_tasks();
  void open(Accepted accepted);
  void arm_timer();
  void on_timer();
  void loop();

  const std::shared_ptr<Shared> shared_;
  boost::asio::io_context context_;
  boost::asio::steady_timer timer_;
  TimePoint wakes_at_ = TimePoint::max();
  Deadlines deadlines_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  SeededRandom random_;
  std::vector<char> buffer_;

  std::mutex mutex_;
  std::vector<Task> tasks_;
  bool is_stopped_ = false;

  std::atomic<std::thread::id> thread_id_{};
  std::thread thread_;
};

}  // namespace slipway::http::detail
