#include "mcp/local_door.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <thread>

#include "core/descriptor.hpp"
#include "core/log.hpp"
#include "core/quiet_pipes.hpp"

namespace slipway::mcp {

namespace {

constexpr const char* socket_name = "mcp.sock";
constexpr int look_ms = 100;  ///< How soon it is seen that all is to end.

Error system_failure(const std::filesystem::path& folder, const char* what) {
  return fail(Code::unavailable, "the door of the MCP server in {}: {}: {}", folder.string(), what,
              std::strerror(errno));
}

/// By the folder's descriptor: the path of a socket may have 107 bytes only.
sockaddr_un address_in(const Descriptor& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof address.sun_path - 1, "/proc/self/fd/{}/{}",
                   folder.get(), socket_name);
  return address;
}

Descriptor open_folder(const std::filesystem::path& folder) {
  return Descriptor(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

bool is_readable(int fd) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, look_ms) > 0;
}

/// Whoever is at the other end is who we are, or may be everybody.
bool is_ours(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

/// Whoever does not read for that long is let go.
void limit_writing(int fd) {
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

class OpenDoor final : public LocalDoor {
 public:
  OpenDoor(Server& server, const Options& options, Descriptor folder, Descriptor socket)
      : server_(server),
        options_(options),
        folder_(std::move(folder)),
        socket_(std::move(socket)),
        waiter_([this](const std::stop_token& stop) { wait(stop); }) {}

  ~OpenDoor() override {
    waiter_.request_stop();
    waiter_.join();
    ::unlinkat(folder_.get(), socket_name, 0);
    for (Guest& guest : guests_) guest.end();
  }

 private:
  struct Guest {
    explicit Guest(Descriptor file) : socket(std::move(file)) {}
    void end() {
      thread.request_stop();
      ::shutdown(socket.get(), SHUT_RDWR);  // Whoever writes to it is woken, too.
    }
    Descriptor socket;
    std::atomic<bool> is_over = false;
    std::jthread thread;  ///< Last: it uses the others.
  };

  void wait(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      guests_.remove_if([](const Guest& guest) { return guest.is_over.load(); });
      if (!is_readable(socket_.get())) continue;
      Descriptor come(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (come.get() >= 0) let_in(std::move(come));
    }
  }

  void let_in(Descriptor come) {
    if (!is_ours(come.get())) return;
    if (guests_.size() >= options_.clients_max)
      return log::warning(
          "mcp: {} programs speak with this server already; another one is sent "
          "away",
          guests_.size());
    limit_writing(come.get());
    Guest& guest = guests_.emplace_back(std::move(come));
    guest.thread = std::jthread([this, &guest](const std::stop_token& stop) {
      const int fd = guest.socket.get();
      (void)server_.serve(Context(stop), fd, fd).ok();  // However it ended, the guest knows.
      ::shutdown(fd, SHUT_RDWR);
      guest.is_over = true;
    });
  }

  Server& server_;
  const Options options_;
  const Descriptor folder_, socket_;
  std::list<Guest> guests_;  ///< Of the waiter; after its end of the destructor.
  std::jthread waiter_;
};

/// Fails: unavailable (it takes no more).
Result<void> write_all(int fd, std::string_view bytes, std::string_view whose) {
  const QuietPipes quiet;
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return fail(Code::unavailable, "writing to {}: {}", whose, std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// Until `from` ends.
Result<void> carry(const Context& context, int from, int to, std::string_view whose) {
  std::string buffer(64u << 10, '\0');
  while (true) {
    TRY(context.check());
    if (!is_readable(from)) continue;
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got == 0) return {};
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail(Code::unavailable, "reading: {}", std::strerror(errno));
    TRY(write_all(to, std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), whose));
  }
}

}  // namespace

Result<std::unique_ptr<LocalDoor>> LocalDoor::open(Server& server, const Options& options) {
  Descriptor folder = open_folder(options.folder);
  if (folder.get() < 0) return system_failure(options.folder, "the folder");
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return system_failure(options.folder, "a socket");
  ::unlinkat(folder.get(), socket_name, 0);  // Of one that was killed.
  ::fchmod(socket.get(), S_IRUSR | S_IWUSR);
  const sockaddr_un address = address_in(folder);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), static_cast<int>(options.clients_max)) != 0)
    return system_failure(options.folder, socket_name);
  return std::unique_ptr<LocalDoor>(
      std::make_unique<OpenDoor>(server, options, std::move(folder), std::move(socket)));
}

Result<void> speak_through_door(const Context& context, const std::filesystem::path& path, int in,
                                int out) {
  const Descriptor folder = open_folder(path);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_in(folder);
  if (folder.get() < 0 || socket.get() < 0 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail(Code::not_found, "no server has a door in {}: {}", path.string(),
                std::strerror(errno));
  std::atomic<bool> has_client_ended = false;
  const std::jthread asking([&](const std::stop_token& stop) {
    (void)carry(Context(stop), in, socket.get(), "the server").ok();
    has_client_ended = !stop.stop_requested();
    ::shutdown(socket.get(), SHUT_WR);
  });
  TRY(carry(context, socket.get(), out, "the client"));
  if (has_client_ended) return {};
  return fail(Code::unavailable, "the server in {} has ended", path.string());
}

}  // namespace slipway::mcp
