#include "http/raw_client.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

namespace slipway::http {

namespace {

using Clock = std::chrono::steady_clock;
using Fields = std::map<std::string, std::string>;

int milliseconds_until(Clock::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

Fields parse_fields(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(std::min(text.size(), line.size() + 2));
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string name(line.substr(0, colon));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    std::string& value = fields[name];
    if (!value.empty()) value += ", ";
    value += line.substr(colon + 2);
  }
  return fields;
}

}  // namespace

RawClient::RawClient(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) close();
}

RawClient::~RawClient() { close(); }

RawClient::RawClient(RawClient&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), pending_(std::move(other.pending_)) {}

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool RawClient::more(Clock::time_point until) {
  char block[65536];
  for (;;) {
    pollfd watched{fd_, POLLIN, 0};
    if (poll(&watched, 1, milliseconds_until(until)) <= 0) return false;
    const ssize_t count = recv(fd_, block, sizeof block, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    pending_.append(block, static_cast<std::size_t>(count));
    return true;
  }
}

std::string RawClient::receive(std::chrono::milliseconds wait) {
  if (pending_.empty()) more(Clock::now() + wait);
  return std::exchange(pending_, {});
}

std::optional<RawClient::Answer> RawClient::read(bool has_body, std::chrono::milliseconds wait) {
  const auto until = Clock::now() + wait;
  std::size_t end = 0;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos)
    if (!more(until)) return {};
  Answer answer;
  const std::string head = pending_.substr(0, end + 2);
  pending_.erase(0, end + 4);
  std::from_chars(head.data() + 9, head.data() + head.size(), answer.status);
  answer.headers = parse_fields(std::string_view(head).substr(head.find("\r\n") + 2));
  answer.is_whole = true;
  if (!has_body || answer.status < 200 || answer.status == 204 || answer.status == 304)
    return answer;
  if (answer.headers.contains("content-length")) {
    const std::size_t length = std::stoull(answer.headers["content-length"]);
    while (pending_.size() < length && more(until)) continue;
    answer.is_whole = pending_.size() >= length;
    answer.body = pending_.substr(0, length);
    pending_.erase(0, length);
    return answer;
  }
  if (!answer.headers.contains("transfer-encoding")) {
    while (more(until)) continue;
    answer.body = std::exchange(pending_, {});
    return answer;
  }
  for (;;) {
    while ((end = pending_.find("\r\n")) == std::string::npos)
      if (!more(until)) return answer.is_whole = false, answer;
    std::size_t size = 0;
    std::from_chars(pending_.data(), pending_.data() + end, size, 16);
    if (size == 0) break;
    while (pending_.size() < end + 2 + size + 2)
      if (!more(until)) return answer.is_whole = false, answer;
    answer.body += pending_.substr(end + 2, size);
    pending_.erase(0, end + 2 + size + 2);
  }
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos)
    if (!more(until)) return answer.is_whole = false, answer;
  answer.trailers = parse_fields(std::string_view(pending_).substr(3, end - 1));
  pending_.erase(0, end + 4);
  return answer;
}

std::optional<RawClient::Answer> RawClient::ask(std::string_view method, std::string_view target,
                                                std::string_view lines, std::string_view body) {
  std::string bytes = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n{}", method, target, lines);
  if (!body.empty()) bytes += fmt::format("Content-Length: {}\r\n", body.size());
  bytes += "\r\n";
  bytes += body;
  if (!send(bytes)) return {};
  return read(method != "HEAD");
}

bool RawClient::is_ended(std::chrono::milliseconds wait) {
  const auto until = Clock::now() + wait;
  char block[65536];
  for (;;) {
    pollfd watched{fd_, POLLIN, 0};
    if (poll(&watched, 1, milliseconds_until(until)) <= 0) return false;
    const ssize_t count = recv(fd_, block, sizeof block, 0);
    if (count == 0 || (count < 0 && errno != EINTR)) return true;
  }
}

void RawClient::end_sending() { ::shutdown(fd_, SHUT_WR); }

void RawClient::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void RawClient::reset() {
  const linger now{1, 0};  // Closing with time zero sends a reset.
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

}  // namespace slipway::http
