// The server over two file descriptors: a message a line.
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "core/quiet_pipes.hpp"
#include "mcp/detail/engine.hpp"

namespace slipway::mcp::detail {

namespace {

/// All of one process's messages; whoever reads them slowly holds up who writes.
class LineOutlet final : public Outlet {
 public:
  explicit LineOutlet(int fd) : fd_(fd) {}

  bool send(const json::Object& message) override {
    const std::string line = json::dump(message) + "\n";
    const std::lock_guard lock(mutex_);
    const QuietPipes quiet;  // The client may end at any time.
    for (std::size_t at = 0; at < line.size() && !is_broken_;) {
      const ssize_t written = ::write(fd_, line.data() + at, line.size() - at);
      if (written > 0)
        at += static_cast<std::size_t>(written);
      else if (errno == EAGAIN)
        is_broken_ = !can_write();
      else if (errno != EINTR)
        is_broken_ = true;
    }
    return !is_broken_;
  }
  void finish(int, const json::Object& message) override { send(message); }
  void drop() override {}

 private:
  /// Waits until it can; false: whoever reads has not for too long.
  bool can_write() const {
    constexpr int patience_ms = 60'000;
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    return ::poll(&ready, 1, patience_ms) > 0;
  }

  const int fd_;
  std::mutex mutex_;
  bool is_broken_ = false;
};

/// Cuts what comes into lines; one that is too long is left out and told.
class Lines {
 public:
  explicit Lines(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  template <typename OnLine, typename OnLong>
  void feed(std::string_view bytes, const OnLine& on_line, const OnLong& on_long) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      if (pending_.size() + part.size() > bytes_max_) is_long_ = true;
      if (is_long_)
        pending_.clear();
      else
        pending_ += part;
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
      if (is_long_)
        on_long();
      else if (pending_.find_first_not_of(" \t\r") != std::string::npos)
        on_line(pending_);
      pending_.clear();
      is_long_ = false;
    }
  }

 private:
  const std::size_t bytes_max_;
  std::string pending_;
  bool is_long_ = false;
};

}  // namespace

Result<void> Engine::serve(const Context& context, int in, int out) {
  const auto session = add_guest({});
  const auto outlet = std::make_shared<LineOutlet>(out);
  {
    const std::lock_guard lock(session->mutex);
    session->general = outlet;
  }
  Lines lines(options_.message_bytes_max);
  std::string buffer(64u << 10, '\0');
  Result<void> end;
  while ((end = context.check())) {
    pollfd ready{.fd = in, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, 200) == 0) continue;
    const ssize_t got = ::read(in, buffer.data(), buffer.size());
    if (got == 0) break;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) {
      end = fail(Code::unavailable, "reading the client's messages: error {}", errno);
      break;
    }
    lines.feed(
        std::string_view(buffer).substr(0, static_cast<std::size_t>(got)),
        [&](const std::string& line) {
          for (Decoded& one : decode_text(line).messages) {
            if (auto* message = std::get_if<Message>(&one))
              take(session, std::move(*message), outlet);
            else
              outlet->send(
                  make_error(std::get<BadMessage>(one).id, std::get<BadMessage>(one).error));
          }
        },
        [&] {
          outlet->send(make_error(
              {}, {code::invalid_request,
                   fmt::format("a message has at most {} bytes", options_.message_bytes_max),
                   {}}));
        });
  }
  listeners_->remove(outlet.get());
  session->end();
  return end;
}

}  // namespace slipway::mcp::detail
