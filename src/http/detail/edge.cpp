#include "http/detail/edge.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "core/log.hpp"
#include "http/detail/connection.hpp"
#include "http/detail/exchange_core.hpp"

namespace slipway::http::detail {

namespace {
constexpr std::size_t buffer_bytes = 64u << 10;
}

Edge::Edge(std::shared_ptr<Shared> shared)
    : shared_(std::move(shared)),
      context_(1),  // One thread runs it.
      timer_(context_),
      random_(system_random().next()),
      buffer_(buffer_bytes) {}

Edge::~Edge() = default;

void Edge::start() {
  // Signals are for the main thread; and a write of the TLS layer to a closed socket must not end
  // the process.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Edge::loop() {
  thread_id_ = std::this_thread::get_id();
  pthread_setname_np(pthread_self(), "edge");
  const auto guard = boost::asio::make_work_guard(context_);
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& error) {
      log::error("an edge thread caught: {}; please report it", error.what());
    }
  }
}

void Edge::stop() {
  run([this] {
    abort_all();
    context_.stop();
  });
  if (thread_.joinable()) thread_.join();
  std::vector<Task> left;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    left.swap(tasks_);
  }
  for (const Task& task : left)
    if (task.accepted.fd >= 0) ::close(task.accepted.fd);
}

void Edge::post(Task task) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) {
      if (task.accepted.fd >= 0) ::close(task.accepted.fd);
      return;
    }
    is_first = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  // One wake-up for all that comes until the edge looks.
  if (is_first) boost::asio::post(context_, [this] { run_tasks(); });
}

void Edge::adopt(Accepted accepted) { post({nullptr, std::move(accepted), nullptr}); }
void Edge::serve(std::shared_ptr<ExchangeCore> exchange) { post({std::move(exchange), {}, {}}); }
void Edge::run(std::function<void()> job) { post({nullptr, {}, std::move(job)}); }

void Edge::run_tasks() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) {
    if (task.exchange)
      task.exchange->serve();
    else if (task.job)
      task.job();
    else
      open(std::move(task.accepted));
  }
}

void Edge::open(Accepted accepted) {
  boost::asio::ip::tcp::socket socket(context_);
  boost::system::error_code error;
  socket.assign(accepted.is_ipv6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(),
                accepted.fd, error);
  if (!error) socket.native_non_blocking(true, error);
  if (error) {
    if (!socket.is_open()) ::close(accepted.fd);
    --shared_->connections;
    return;
  }
  const SslContext tls = shared_->tls.with([](const SslContext& context) { return context; });
  const auto connection =
      std::make_shared<Connection>(*this, std::move(socket), tls, std::move(accepted.peer));
  connections_.emplace(connection.get(), connection);
  connection->start();
}

void Edge::forget(Connection& connection) {
  deadlines_.drop(connection);
  if (connections_.erase(&connection) == 0) return;
  --shared_->connections;
  if (!shared_->is_draining) return;
  const std::lock_guard lock(shared_->drained_mutex);
  shared_->drained.notify_all();
}

void Edge::close_idle() {
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [raw, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->close_if_idle();
}

void Edge::abort_all() {
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [raw, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->abort();
}

void Edge::set_deadline(Timed& timed, TimePoint at) {
  deadlines_.set(timed, at);
  if (deadlines_.next() < wakes_at_) arm_timer();
}

void Edge::arm_timer() {
  wakes_at_ = deadlines_.next();
  if (wakes_at_ == TimePoint::max()) return;
  timer_.expires_at(wakes_at_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_timer();
  });
}

void Edge::on_timer() {
  wakes_at_ = TimePoint::max();
  const TimePoint now = std::chrono::steady_clock::now();
  for (Timed* timed : deadlines_.take_due(now)) {
    // One that is due may have closed another that is.
    const auto found = connections_.find(static_cast<Connection*>(timed));
    if (found == connections_.end()) continue;
    const std::shared_ptr<Connection> kept = found->second;
    kept->on_deadline(now);
  }
  if (deadlines_.next() < wakes_at_) arm_timer();
}

}  // namespace slipway::http::detail
