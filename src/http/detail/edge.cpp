#include "http/detail/edge.hpp"

#include <unistd.h>

#include "http/detail/connection.hpp"
#include "http/detail/exchange_core.hpp"

namespace slipway::http::detail {

namespace {
constexpr std::size_t buffer_bytes = 64u << 10;
}

Edge::Edge(std::shared_ptr<Shared> shared, std::shared_ptr<Reactor> reactor)
    : shared_(std::move(shared)),
      random_(system_random().next()),
      buffer_(buffer_bytes),
      reactor_(std::move(reactor)) {}

Edge::~Edge() = default;

Result<std::shared_ptr<Edge>> Edge::make(std::shared_ptr<Shared> shared) {
  auto reactor = TRY(Reactor::make());
  return std::shared_ptr<Edge>(new Edge(std::move(shared), std::move(reactor)));
}

void Edge::start() {
  reactor_->admit(this, shared_from_this());
  reactor_->start("edge");
}

void Edge::stop() { reactor_->stop(); }

void Edge::adopt(Accepted accepted) {
  const int fd = accepted.fd;
  if (!run([this, accepted = std::move(accepted)] { open(accepted); })) ::close(fd);
}

void Edge::serve(std::shared_ptr<ExchangeCore> exchange) {
  run([exchange = std::move(exchange)] { exchange->serve(); });
}

void Edge::open(Accepted accepted) {
  const SslContext tls = shared_->tls.with([](const SslContext& context) { return context; });
  const auto connection =
      std::make_shared<Connection>(*this, accepted.fd, tls, std::move(accepted.peer));
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

void Edge::turn(TimePoint now) {
  if (deadlines_.next() > now) return;
  for (Timed* timed : deadlines_.take_due(now)) {
    // One that is due may have closed another that is.
    const auto found = connections_.find(static_cast<Connection*>(timed));
    if (found == connections_.end()) continue;
    const std::shared_ptr<Connection> kept = found->second;
    kept->on_deadline(now);
  }
}

}  // namespace slipway::http::detail
