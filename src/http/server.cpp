// Why the request's head is not read by Beast's parser: it unfolds folded headers and stands for
// its own fields; a reader that refuses all that can be read in two ways, and fills our Request
// directly, is shorter than what would be needed around it. Sockets and timers are Asio's.
#include "http/server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>

#include "core/log.hpp"
#include "http/detail/connection.hpp"
#include "http/detail/edge.hpp"

namespace slipway::http {

namespace {

using boost::asio::ip::tcp;

constexpr int backlog = 4096;
constexpr int accepted_at_once = 64;
constexpr std::chrono::milliseconds pause_without_descriptors{100};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void reset(int fd) { fd_ = fd; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

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

Result<tcp::endpoint> listen_on(const Server::Options& options, Descriptor& listener) {
  boost::system::error_code error;
  const std::string host = options.host == "localhost" ? "127.0.0.1" : options.host;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error)
    return fail(Code::invalid_argument,
                "host: '{}' is not an address; write 127.0.0.1, 0.0.0.0, ::1 or localhost",
                options.host);
  if (options.port < 0 || options.port > 65535)
    return fail(Code::invalid_argument, "port: {} is not in 0..65535", options.port);
  tcp::endpoint endpoint(address, static_cast<unsigned short>(options.port));
  Descriptor fd(::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                         IPPROTO_TCP));
  const auto failed = [&](Code code, const char* what) {
    return fail(code, "cannot {} {} port {}: {}", what, options.host, options.port,
                std::strerror(errno));
  };
  if (fd.get() < 0) return failed(Code::unavailable, "make a socket for");
  set_socket_options(fd.get());
  if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0)
    return failed(errno == EADDRNOTAVAIL ? Code::invalid_argument : Code::unavailable, "listen on");
  if (::listen(fd.get(), backlog) != 0) return failed(Code::unavailable, "listen on");
  auto size = static_cast<socklen_t>(endpoint.capacity());
  ::getsockname(fd.get(), endpoint.data(), &size);
  endpoint.resize(size);
  listener.reset(fd.release());
  return endpoint;
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

class AsioServer final : public Server {
 public:
  AsioServer(std::shared_ptr<detail::Shared> shared, tcp::endpoint endpoint)
      : shared_(std::move(shared)), endpoint_(std::move(endpoint)) {
    const std::size_t threads = std::max<std::size_t>(1, shared_->options.threads);
    for (std::size_t i = 0; i < threads; ++i)
      edges_.push_back(std::make_shared<detail::Edge>(shared_));
  }

  ~AsioServer() override {
    stop_accepting();
    for (const auto& edge : edges_) edge->stop();
  }

  /// The first edge accepts for all, in turn: that spreads few connections evenly, and a second
  /// server on the same port is found out, as it would not be with SO_REUSEPORT.
  void run(Descriptor& listener) {
    acceptor_ = std::make_unique<tcp::acceptor>(edges_.front()->context(), endpoint_.protocol(),
                                                listener.release());
    pause_ = std::make_unique<boost::asio::steady_timer>(edges_.front()->context());
    wait_for_clients();
    for (const auto& edge : edges_) edge->start();
  }

  int port() const override { return endpoint_.port(); }
  std::string url() const override {
    const std::string host = endpoint_.address().is_v6()
                                 ? fmt::format("[{}]", endpoint_.address().to_string())
                                 : endpoint_.address().to_string();
    return fmt::format("{}://{}:{}", is_secure() ? "https" : "http", host, port());
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
    std::mutex mutex;
    std::condition_variable closed;
    bool is_closed = false;
    if (std::exchange(accepts_, false) == false) return;
    edges_.front()->run([&] {
      boost::system::error_code ignored;
      acceptor_->close(ignored);
      pause_->cancel();
      const std::lock_guard lock(mutex);
      is_closed = true;
      closed.notify_all();
    });
    std::unique_lock lock(mutex);
    closed.wait(lock, [&] { return is_closed; });
  }

  void wait_for_clients() {
    acceptor_->async_wait(tcp::acceptor::wait_read, [this](const boost::system::error_code& error) {
      if (error || !acceptor_->is_open()) return;
      if (accept_some()) return wait_for_clients();
      pause_->expires_after(pause_without_descriptors);
      pause_->async_wait([this](const boost::system::error_code& failed) {
        if (!failed && acceptor_->is_open()) wait_for_clients();
      });
    });
  }

  /// False when no descriptors are left: asking again at once would only burn time.
  bool accept_some() {
    for (int i = 0; i < accepted_at_once; ++i) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      const int fd = ::accept4(acceptor_->native_handle(), reinterpret_cast<sockaddr*>(&address),
                               &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0) {
        give_away({fd, address.ss_family == AF_INET6, to_text(address)});
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
    if (!is_secure()) [[maybe_unused]]
      const auto sent = ::send(accepted.fd, busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(accepted.fd);
  }

  const std::shared_ptr<detail::Shared> shared_;
  const tcp::endpoint endpoint_;
  std::vector<std::shared_ptr<detail::Edge>> edges_;
  std::unique_ptr<tcp::acceptor> acceptor_;  ///< Of the first edge.
  std::unique_ptr<boost::asio::steady_timer> pause_;
  std::size_t next_ = 0;
  bool accepts_ = true;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::start(Options options, ExchangeHandler handler) {
  auto shared = std::make_shared<detail::Shared>();
  if (!options.tls.certificate_file.empty()) {
    auto tls = TRY(detail::load_tls(options.tls));
    shared->tls.with([&](detail::SslContext& context) { context.swap(tls); });
  }
  Descriptor listener(-1);
  auto endpoint = TRY(listen_on(options, listener));
  shared->limits.head_bytes_max = options.header_bytes_max;
  shared->limits.target_bytes_max =
      std::min(shared->limits.target_bytes_max, options.header_bytes_max);
  shared->options = std::move(options);
  shared->handler = std::move(handler);
  auto server = std::make_unique<AsioServer>(std::move(shared), std::move(endpoint));
  server->run(listener);
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace slipway::http
