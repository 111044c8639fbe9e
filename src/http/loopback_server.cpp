#include "http/loopback_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>

#include "core/result.hpp"

namespace slipway::http {

namespace {

constexpr int look_every_ms = 5;  // How soon threads notice that the server ends.
constexpr std::size_t head_bytes_max = 64u << 10;

/// Reads requests from a connection; keeps what came beyond the last one.
class Reader {
 public:
  Reader(int fd, const std::atomic<bool>& ending) : fd_(fd), ending_(ending) {}

  std::optional<LoopbackServer::Request> next() {
    std::size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == std::string::npos)
      if (pending_.size() > head_bytes_max || !more()) return {};
    LoopbackServer::Request request;
    parse_head(std::string_view(pending_).substr(0, end + 2), request);
    pending_.erase(0, end + 4);
    std::size_t length = 0;
    const std::string& text = request.headers["content-length"];
    std::from_chars(text.data(), text.data() + text.size(), length);
    while (pending_.size() < length)
      if (!more()) return {};
    request.body = pending_.substr(0, length);
    pending_.erase(0, length);
    return request;
  }

 private:
  static void parse_head(std::string_view head, LoopbackServer::Request& request) {
    const std::string_view first = head.substr(0, head.find("\r\n"));
    const std::size_t space = first.find(' ');
    request.method = first.substr(0, space);
    if (space != std::string_view::npos)
      request.target = first.substr(space + 1, first.rfind(' ') - space - 1);
    head.remove_prefix(first.size() + 2);
    while (!head.empty()) {
      const std::string_view line = head.substr(0, head.find("\r\n"));
      head.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos) continue;
      std::string name(line.substr(0, colon));
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      std::string_view value = line.substr(colon + 1);
      while (value.starts_with(' ')) value.remove_prefix(1);
      request.headers[name] = value;
    }
  }

  bool more() {
    while (!ending_) {
      pollfd watched{fd_, POLLIN, 0};
      if (poll(&watched, 1, look_every_ms) <= 0) continue;
      char block[16384];
      const ssize_t count = recv(fd_, block, sizeof block, 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      pending_.append(block, static_cast<std::size_t>(count));
      return true;
    }
    return false;
  }

  int fd_;
  const std::atomic<bool>& ending_;
  std::string pending_;
};

}  // namespace

bool LoopbackServer::Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (ending_) return false;
    pollfd watched{fd_, POLLOUT, 0};
    if (poll(&watched, 1, look_every_ms) == 0) continue;
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool LoopbackServer::Connection::reply(int status, std::string_view body,
                                       std::string_view headers) {
  return send(fmt::format("HTTP/1.1 {} Told\r\nContent-Length: {}\r\n{}\r\n", status, body.size(),
                          headers) +
              std::string(body));
}

bool LoopbackServer::Connection::begin_chunked(std::string_view headers) {
  return send(fmt::format("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{}\r\n", headers));
}

bool LoopbackServer::Connection::chunk(std::string_view bytes) {
  return send(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
}

void LoopbackServer::Connection::reset() {
  const linger now{1, 0};  // Closing with time zero sends a reset.
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

bool LoopbackServer::Connection::wait(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
    pollfd watched{fd_, POLLRDHUP, 0};
    if (poll(&watched, 1, look_every_ms) > 0 || ending_) return false;
  }
  return true;
}

LoopbackServer::LoopbackServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  SLIPWAY_ASSERT(bind(listener_, generic, size) == 0 && listen(listener_, 64) == 0 &&
                 getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  ending_ = true;
  acceptor_.join();
  for (std::thread& worker : workers_) worker.join();
  ::close(listener_);
}

void LoopbackServer::accept_all() {
  while (!ending_) {
    pollfd watched{listener_, POLLIN, 0};
    if (poll(&watched, 1, look_every_ms) <= 0) continue;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++connections_;
    workers_.emplace_back([this, fd] { serve(fd); });
  }
}

void LoopbackServer::serve(int fd) {
  Reader reader(fd, ending_);
  Connection connection(fd, ending_);
  while (!connection.is_closed()) {
    const auto request = reader.next();
    if (!request) break;
    requests_.with([&](auto& all) { all.push_back(*request); });
    handler_(*request, connection);
  }
  ::close(fd);
}

std::string LoopbackServer::url(std::string_view path) const {
  return fmt::format("http://127.0.0.1:{}{}", port_, path);
}

std::vector<LoopbackServer::Request> LoopbackServer::requests() const {
  return requests_.with([](const auto& all) { return all; });
}

}  // namespace slipway::http
