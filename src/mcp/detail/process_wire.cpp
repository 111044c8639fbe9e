// A client's messages to a server that is its subprocess: a message a line.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <map>
#include <thread>

#include "core/descriptor.hpp"
#include "core/log.hpp"
#include "core/pool.hpp"
#include "core/quiet_pipes.hpp"
#include "core/spawn.hpp"
#include "mcp/client.hpp"

extern char** environ;  // NOLINT(readability-identifier-naming): POSIX

namespace slipway::mcp {

namespace {

constexpr std::string_view inherited[] = {"PATH", "HOME",   "LANG",  "LC_ALL", "LOGNAME",
                                          "USER", "TMPDIR", "SHELL", "TERM"};
constexpr std::size_t told_bytes_max = 2'000;  ///< Of its standard error, in messages.
/// Lines without an answer between them, before a server is ended: it floods.
constexpr std::size_t unasked_max = 100'000;

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return fail(Code::unavailable, "making a pipe: {}", std::strerror(errno));
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::vector<std::string> environment_of(const std::vector<std::string>& added) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    for (const std::string_view name : inherited)
      if (text.starts_with(name) && text.size() > name.size() && text[name.size()] == '=')
        list.emplace_back(text);
  }
  list.insert(list.end(), added.begin(), added.end());
  return list;
}

class ProcessWire final : public Wire {
 public:
  explicit ProcessWire(ProcessWireOptions options) : options_(std::move(options)) {}

  ~ProcessWire() override {
    is_ending_ = true;
    {
      const std::lock_guard lock(write_mutex_);
      in_.write.close();
    }
    end_process();
    out_.write.close();
    if (reader_.joinable()) reader_.join();
  }

  Result<void> start() {
    in_ = TRY(make_pipe());
    out_ = TRY(make_pipe());
    err_ = TRY(make_pipe());
    SpawnOptions how;
    how.command = options_.command;
    how.environment = environment_of(options_.environment);
    how.folder = options_.folder;
    how.descriptors = {in_.read.get(), out_.write.get(), err_.write.get()};
    pid_ = TRY(
        spawn(how).within(fmt::format("starting the MCP server '{}'", options_.command.front())));
    in_.read.close();
    out_.write.close();
    err_.write.close();
    is_open_ = true;
    reader_ = std::thread([this] { read_all(); });
    return {};
  }

  Result<Message> ask(const Context& context, const Outgoing& request,
                      const OnMessage& on_message) override {
    const std::string key = id_key(request.message.at("id"));
    auto waiting = std::make_shared<Waiting>();
    waiting->on_message = on_message;
    waiting->token = text_key(object_of(object_of(request.message, "params"), "_meta"));
    {
      const std::lock_guard lock(mutex_);
      if (!is_open_) return gone();
      waiting_.emplace(key, waiting);
    }
    auto written = write(context, request.message);
    const std::stop_callback wake(context.stop(), [&] {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    const auto is_over = [&] {
      return waiting->answer || !is_open_ || context.stop().stop_requested();
    };
    if (written) {
      if (const auto deadline = context.deadline())
        changed_.wait_until(lock, *deadline, is_over);
      else
        changed_.wait(lock, is_over);
    }
    waiting_.erase(key);
    const bool is_gone = !is_open_;
    lock.unlock();
    waiting->end();
    if (waiting->answer) return std::move(*waiting->answer);
    if (!written) return std::move(written.error());
    if (is_gone) return told_gone();
    if (request.method != "initialize")
      (void)write(
          Context().with_timeout(std::chrono::seconds(1)),
          make_notification("notifications/cancelled", {{"requestId", request.message.at("id")}}))
          .ok();
    TRY(context.check());
    return fail(Code::deadline_exceeded, "the MCP server did not answer in time");
  }

  Result<void> tell(const Context& context, const Outgoing& message) override {
    return write(context, message.message);
  }
  void listen(OnMessage on_message) override {
    const std::lock_guard lock(mutex_);
    on_message_ = std::move(on_message);
  }
  bool is_process() const override { return true; }
  bool is_open() const override { return is_open_; }

 private:
  struct Waiting {
    OnMessage on_message;
    std::string token;
    std::optional<Message> answer;

    /// Unless whoever waited has gone; then what the callback refers to is no more.
    void tell(Message message) {
      const std::lock_guard lock(telling);
      if (!is_over) on_message(std::move(message));
    }
    void end() {
      const std::lock_guard lock(telling);
      is_over = true;
    }
    std::mutex telling;
    bool is_over = false;
  };

  static std::string text_key(const json::Object& meta) {
    const auto* token = meta.if_contains("progressToken");
    return token ? id_key(*token) : std::string();
  }

  Error told_gone() {
    const std::lock_guard lock(mutex_);
    return gone();
  }
  /// With the lock.
  Error gone() const {
    return fail(Code::unavailable, "the MCP server '{}' has ended{}{}", options_.command.front(),
                said_.empty() ? "" : "; it said: ", said_);
  }

  Result<void> write(const Context& context, const json::Object& message) {
    const std::string line = json::dump(message) + "\n";
    const std::lock_guard lock(write_mutex_);
    const QuietPipes quiet;  // The server may end at any time.
    for (std::size_t at = 0; at < line.size();) {
      if (!in_.write.is_open()) return fail(Code::unavailable, "the MCP server has ended");
      // One that reads nothing fills the pipe; then we wait, not longer than the call may take.
      pollfd ready{.fd = in_.write.get(), .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 100) == 0) {
        TRY(context.check());
        continue;
      }
      const ssize_t written = ::write(in_.write.get(), line.data() + at,
                                      std::min<std::size_t>(line.size() - at, 4'096));
      if (written < 0 && errno != EINTR && errno != EAGAIN)
        return fail(Code::unavailable, "the MCP server '{}' takes no messages: {}",
                    options_.command.front(), std::strerror(errno));
      if (written > 0) at += static_cast<std::size_t>(written);
    }
    return {};
  }

  void read_all() {
    std::string buffer(64u << 10, '\0'), line;
    bool has_out = true, has_err = true;
    while (has_out) {
      pollfd ready[] = {{.fd = out_.read.get(), .events = POLLIN, .revents = 0},
                        {.fd = has_err ? err_.read.get() : -1, .events = POLLIN, .revents = 0}};
      if (::poll(ready, 2, 200) <= 0) {
        if (is_ending_ && is_reaped_) break;  // A grandchild may keep the pipe open.
        continue;
      }
      if (ready[1].revents != 0) {
        const ssize_t got = ::read(err_.read.get(), buffer.data(), buffer.size());
        has_err = got > 0;
        if (got > 0) keep_said(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
      }
      if (ready[0].revents == 0) continue;
      const ssize_t got = ::read(out_.read.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      has_out = got > 0;
      if (has_out && !take(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), line))
        break;
    }
    const std::lock_guard lock(mutex_);
    is_open_ = false;
    changed_.notify_all();
  }

  void keep_said(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    said_ += bytes;
    if (said_.size() > told_bytes_max) said_.erase(0, said_.size() - told_bytes_max);
  }

  bool take(std::string_view bytes, std::string& line) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      line += bytes.substr(0, end);
      if (line.size() > options_.message_bytes_max) {
        log::warning("mcp: '{}' sent a message of more than {} bytes; it is ended",
                     options_.command.front(), options_.message_bytes_max);
        return false;
      }
      if (end == std::string_view::npos) return true;
      bytes.remove_prefix(end + 1);
      if (++unasked_ > unasked_max) {
        log::warning("mcp: '{}' said {} things that nobody asked for; it is ended",
                     options_.command.front(), unasked_max);
        return false;
      }
      if (!line.empty())
        for (Decoded& one : decode_text(line).messages)
          if (auto* message = std::get_if<Message>(&one)) deliver(std::move(*message));
      line.clear();
    }
    return true;
  }

  void deliver(Message message) {
    OnMessage on_message;
    std::shared_ptr<Waiting> of_call;
    {
      const std::lock_guard lock(mutex_);
      if (message.is_answer()) {
        const auto found = waiting_.find(id_key(message.id));
        if (found == waiting_.end()) return;
        found->second->answer = std::move(message);
        unasked_ = 0;
        changed_.notify_all();
        return;
      }
      on_message = on_message_;
      if (const auto* token = message.params.if_contains("progressToken"))
        for (const auto& [key, waiting] : waiting_)
          if (!waiting->token.empty() && waiting->token == id_key(*token)) of_call = waiting;
    }
    // At once, so that it comes in its order and before the answer.
    if (of_call) return of_call->tell(std::move(message));
    if (!on_message) return;
    // Whoever answers a question may take long; answers must not wait for it.
    const auto queued = questions_.try_submit(
        [on_message, message = std::make_shared<Message>(std::move(message))] {
          on_message(std::move(*message));
        });
    if (!queued && !has_warned_.exchange(true))
      log::warning("mcp: '{}' tells too much at once; not all is heard", options_.command.front());
  }

  bool wait_for_end(std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    do {
      if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
        is_reaped_ = true;
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    } while (std::chrono::steady_clock::now() < until);
    return false;
  }

  void end_process() {
    if (pid_ <= 0) return;
    if (wait_for_end(options_.end_patience)) {
      ::kill(-pid_, SIGTERM);  // What it left behind.
      return;
    }
    ::kill(-pid_, SIGTERM);
    if (wait_for_end(options_.end_patience)) return;
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    is_reaped_ = true;
  }

  const ProcessWireOptions options_;
  pid_t pid_ = -1;
  Pipe in_, out_, err_;
  std::mutex write_mutex_;
  std::mutex mutex_;  // Guards what follows.
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Waiting>> waiting_;
  OnMessage on_message_;
  std::string said_;
  std::atomic<bool> is_open_ = false, is_ending_ = false, is_reaped_ = false, has_warned_ = false;
  std::size_t unasked_ = 0;  ///< Lines since the last answer; of the reader.
  Pool questions_{{.threads = 2, .queue_max = 256}};
  std::thread reader_;
};

}  // namespace

Result<std::unique_ptr<Wire>> open_process_wire(ProcessWireOptions options) {
  if (options.command.empty())
    return fail(Code::invalid_argument, "an MCP server needs its command");
  auto wire = std::make_unique<ProcessWire>(std::move(options));
  TRY(wire->start());
  return std::unique_ptr<Wire>(std::move(wire));
}

}  // namespace slipway::mcp
