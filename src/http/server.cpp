// Why the request's head is not read by Beast's parser: it unfolds folded headers and stands for
// its own fields; a reader that refuses all that can be read in two ways, and fills our Request
// directly, is shorter than what would be needed around it. Why there is no Asio: decision 17.
#include "http/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>

#include "core/descriptor.hpp"
#include "core/log.hpp"
#include "http/detail/connection.hpp"
#include "http/detail/edge.hpp"

namespace slipway::http {

namespace {

constexpr int backlog = 4096;
constexpr int accepted_at_once = 64;
constexpr std::chrono::milliseconds pause_without_descriptors{100};

/// Options that connections inherit: small answers leave at once, dead peers are found out.
void set_socket_options(int fd) {
  const auto set = [fd](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_REUSEADDR, 1);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

/// Where a server can be reached.
struct Endpoint {
  std::string host;  ///< An address as in a URL.
  int port = 0;
};

/// The address of `host`, without asking anyone for names.
std::optional<sockaddr_storage> address_of(const std::string& host, int port) {
  sockaddr_storage address{};
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  const auto wire_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = wire_port;
    return address;
  }
  address = {};
  if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = wire_port;
  return address;
}

Result<Endpoint> listen_on(const Server::Options& options, Descriptor& listener) {
  if (options.port < 0 || options.port > 65535)
    return fail(Code::invalid_argument, "port: {} is not in 0..65535", options.port);
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  auto address = address_of(host, options.port);
  if (!address)
    return fail(Code::invalid_argument,
                "host: '{}' is not an address; write 127.0.0.1, 0.0.0.0, ::1 or localhost",
                options.host);
  const bool is_v6 = address->ss_family == AF_INET6;
  auto* const raw = reinterpret_cast<sockaddr*>(&*address);
  socklen_t size = is_v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  Descriptor fd(
      ::socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  const auto failed = [&](Code code, const char* what) {
    const char* const remedy = errno == EADDRINUSE ? "; name another port, or 0 for any free one"
                               : errno == EACCES
                                   ? "; ports below 1024 are for root: name another one"
                                   : "";
    return fail(code, "cannot {} {} port {}: {}{}", what, options.host, options.port,
                std::strerror(errno), remedy);
  };
  if (!fd.is_open()) return failed(Code::unavailable, "make a socket for");
  set_socket_options(fd.get());
  if (::bind(fd.get(), raw, size) != 0)
    return failed(errno == EADDRNOTAVAIL ? Code::invalid_argument : Code::unavailable, "listen on");
  if (::listen(fd.get(), backlog) != 0) return failed(Code::unavailable, "listen on");
  ::getsockname(fd.get(), raw, &size);
  const auto wire_port = is_v6 ? reinterpret_cast<const sockaddr_in6&>(*address).sin6_port
                               : reinterpret_cast<const sockaddr_in&>(*address).sin_port;
  listener = std::move(fd);
  return Endpoint{is_v6 ? fmt::format("[{}]", host) : host, ntohs(wire_port)};
}

std::string to_text(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
}

/// Takes clients in, on one edge's thread for all of them in turn: that spreads few connections
/// evenly, and a second server on the same port is found out, as it would not be with SO_REUSEPORT.
class Acceptor final : public detail::Watcher, public detail::Guest {
 public:
  Acceptor(std::shared_ptr<detail::Shared> shared, std::vector<std::shared_ptr<detail::Edge>> edges,
           int listener)
      : shared_(std::move(shared)),
        edges_(std::move(edges)),
        reactor_(edges_.front()->reactor()),
        listener_(listener) {}

  void open() {
    if (!reactor_.watch(listener_.get(), EPOLLIN, *this)) opens_at_ = Steady::now() + pause;
  }
  void close() {
    reactor_.forget(listener_.get());
    listener_.close();
    opens_at_ = detail::TimePoint::max();
  }

  void on_ready(int, std::uint32_t) override {
    if (accept_some()) return;
    reactor_.forget(listener_.get());
    opens_at_ = Steady::now() + pause;
  }
  detail::TimePoint next() const override { return opens_at_; }
  void turn(detail::TimePoint now) override {
    if (opens_at_ > now) return;
    opens_at_ = detail::TimePoint::max();
    open();
  }
  void end() override { close(); }

 private:
  using Steady = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds pause = pause_without_descriptors;

  /// False when no descriptors are left: asking again at once would only burn time.
  bool accept_some() {
    for (int i = 0; i < accepted_at_once; ++i) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int fd = ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                               SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        give_away({fd, to_text(address)});
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        log::warning("no new connection: {}", std::strerror(errno));
        return false;
      }
      if (errno != EINTR && errno != ECONNABORTED) return true;
    }
    return true;
  }

  void give_away(detail::Accepted accepted) {
    ++shared_->accepted;
    if (++shared_->connections <= shared_->options.connections_max)
      return edges_[next_++ % edges_.size()]->adopt(std::move(accepted));
    --shared_->connections;
    ++shared_->refused;
    constexpr std::string_view busy =
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\n"
        "connection: close\r\nserver: slipway\r\n\r\n";
    if (shared_->options.tls.certificate_file.empty()) [[maybe_unused]]
      const auto sent = ::send(accepted.fd, busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(accepted.fd);
  }

  const std::shared_ptr<detail::Shared> shared_;
  const std::vector<std::shared_ptr<detail::Edge>> edges_;
  detail::Reactor& reactor_;
  Descriptor listener_;
  detail::TimePoint opens_at_ = detail::TimePoint::max();  ///< After a pause.
  std::size_t next_ = 0;
};

class EdgeServer final : public Server {
 public:
  EdgeServer(std::shared_ptr<detail::Shared> shared,
             std::vector<std::shared_ptr<detail::Edge>> edges, Endpoint endpoint)
      : shared_(std::move(shared)), edges_(std::move(edges)), endpoint_(std::move(endpoint)) {}

  ~EdgeServer() override {
    stop_accepting();
    for (const auto& edge : edges_) edge->stop();
  }

  void run(Descriptor& listener) {
    const auto acceptor = std::make_shared<Acceptor>(shared_, edges_, listener.release());
    acceptor_ = acceptor;
    edges_.front()->reactor().admit(acceptor.get(), acceptor);
    acceptor->open();
    for (const auto& edge : edges_) edge->start();
  }

  int port() const override { return endpoint_.port; }
  std::string url() const override {
    return fmt::format("{}://{}:{}", is_secure() ? "https" : "http", endpoint_.host, port());
  }

  ServerStats stats() const override {
    return {shared_->connections, shared_->exchanges, shared_->accepted,
            shared_->refused,     shared_->requests,  shared_->malformed};
  }

  Result<void> reload_tls() override {
    if (!is_secure()) return {};
    auto fresh = TRY(detail::load_tls(shared_->options.tls));
    shared_->tls.with([&](detail::SslContext& context) { context.swap(fresh); });
    return {};
  }

  bool drain(std::chrono::milliseconds patience) override {
    stop_accepting();
    shared_->is_draining = true;
    for (const auto& edge : edges_) edge->run([raw = edge.get()] { raw->close_idle(); });
    const auto has_ended = [this] { return shared_->connections == 0; };
    std::unique_lock lock(shared_->drained_mutex);
    if (shared_->drained.wait_for(lock, patience, has_ended)) return true;
    lock.unlock();
    for (const auto& edge : edges_) edge->run([raw = edge.get()] { raw->abort_all(); });
    lock.lock();
    shared_->drained.wait_for(lock, std::chrono::seconds(1), has_ended);
    return false;
  }

 private:
  bool is_secure() const { return !shared_->options.tls.certificate_file.empty(); }

  void stop_accepting() {
    const auto acceptor = acceptor_.lock();
    if (!acceptor) return;
    acceptor_.reset();
    std::promise<void> closed;
    detail::Reactor& reactor = edges_.front()->reactor();
    const bool will_run = reactor.post([&] {
      acceptor->close();
      reactor.dismiss(acceptor.get());
      closed.set_value();
    });
    if (will_run) closed.get_future().wait();
  }

  const std::shared_ptr<detail::Shared> shared_;
  const std::vector<std::shared_ptr<detail::Edge>> edges_;
  const Endpoint endpoint_;
  std::weak_ptr<Acceptor> acceptor_;  ///< A guest of the first edge.
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Options options, ExchangeHandler handler) {
  auto shared = std::make_shared<detail::Shared>();
  if (!options.tls.certificate_file.empty()) {
    auto tls = TRY(detail::load_tls(options.tls));
    shared->tls.with([&](detail::SslContext& context) { context.swap(tls); });
  }
  Descriptor listener;
  auto endpoint = TRY(listen_on(options, listener));
  shared->limits.head_bytes_max = options.header_bytes_max;
  shared->limits.target_bytes_max =
      std::min(shared->limits.target_bytes_max, options.header_bytes_max);
  shared->options = std::move(options);
  shared->handler = std::move(handler);
  std::vector<std::shared_ptr<detail::Edge>> edges;
  for (std::size_t i = 0; i < std::max<std::size_t>(1, shared->options.threads); ++i)
    edges.push_back(TRY(detail::Edge::make(shared)));
  auto server =
      std::make_unique<EdgeServer>(std::move(shared), std::move(edges), std::move(endpoint));
  server->run(listener);
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace slipway::http
