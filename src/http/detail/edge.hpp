// One thread with its connections.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "core/guarded.hpp"
#include "http/detail/deadlines.hpp"
#include "http/detail/head.hpp"
#include "http/detail/reactor.hpp"
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
  std::string peer;
};

/// Runs the connections that it was given. Owned by the server and by each exchange that lives, so
/// that an answer given too late finds a closed door and not a hole.
class Edge final : public Guest, public std::enable_shared_from_this<Edge> {
 public:
  /// Fails: unavailable (no descriptors).
  static Result<std::shared_ptr<Edge>> make(std::shared_ptr<Shared> shared);
  ~Edge() override;
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;

  void start();
  /// Closes all connections and joins. From a thread that is not an edge's.
  void stop();

  // From any thread; nothing happens once it has stopped.
  void adopt(Accepted accepted);
  void serve(std::shared_ptr<ExchangeCore> exchange);
  bool run(std::function<void()> job) { return reactor_->post(std::move(job)); }

  // On its thread.
  bool is_here() const { return reactor_->is_here(); }
  Shared& shared() { return *shared_; }
  Reactor& reactor() { return *reactor_; }
  Random& random() { return random_; }
  /// Scratch for one read.
  std::span<char> buffer() { return buffer_; }
  void set_deadline(Timed& timed, TimePoint at) { deadlines_.set(timed, at); }
  void forget(Connection& connection);
  /// Closes those that answer nothing at the moment; the others close after their answer.
  void close_idle();
  void abort_all();

 private:
  Edge(std::shared_ptr<Shared> shared, std::shared_ptr<Reactor> reactor);
  void open(Accepted accepted);
  TimePoint next() const override { return deadlines_.next(); }
  void turn(TimePoint now) override;
  void end() override { abort_all(); }

  const std::shared_ptr<Shared> shared_;
  Deadlines deadlines_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;
  SeededRandom random_;
  std::vector<char> buffer_;
  const std::shared_ptr<Reactor> reactor_;
};

}  // namespace slipway::http::detail
