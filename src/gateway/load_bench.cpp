// Both ends of a gateway's bench: a generator of load with an open loop, and the model server
// behind. One thread each, epoll, nothing shared with what is measured.
//
//   load_bench serve [DELAY_US]                       prints its port; OpenAI's chat completions
//   load_bench load PORT BODY_FILE RATE SECONDS CONNECTIONS [stream]     prints JSON
//
// RATE 0 is a closed loop: every connection asks again at once; for the most that there is. With a
// rate a request has its moment whether or not an earlier one is late, and its latency counts from
// that moment.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Moment = Clock::time_point;

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

[[noreturn]] void give_up(const std::string& what) {
  std::cerr << "load_bench: " << what << ": " << std::strerror(errno) << "\n";
  std::exit(1);
}

int make_socket() {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  if (made < 0) give_up("socket");
  const int on = 1;
  setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  return made;
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

void watch(int epoll, int socket, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = socket;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) give_up("epoll_ctl");
}

void send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return;  // The other side has gone; reading will tell.
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t content_length(std::string_view head) {
  for (const std::string_view name : {"Content-Length: ", "content-length: "})
    if (const std::size_t at = head.find(name); at != std::string_view::npos)
      return static_cast<std::size_t>(std::atoll(head.data() + at + name.size()));
  return 0;
}

// --- The model server
// ---------------------------------------------------------------------------------

const char* const whole_reply =
    R"({"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"mock",)"
    R"("choices":[{"index":0,"message":{"role":"assistant","content":"A short answer of the mock )"
    R"(server, as long as many an answer in a busy service is."},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}})";

std::string chunk_of(const std::string& data) {
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
  return size.data() + data + "\r\n";
}

std::string streamed_reply() {
  std::string reply =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string begin =
      R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,)"
      R"("model":"mock","choices":[{"index":0,"delta":)";
  for (int i = 0; i < 20; ++i)
    reply += chunk_of(begin + R"({"content":"word "},"finish_reason":null}]})" + "\n\n");
  reply += chunk_of(begin + R"({},"finish_reason":"stop"}]})" + "\n\n");
  reply += chunk_of("data: [DONE]\n\n");
  return reply + "0\r\n\r\n";
}

class ModelServer {
 public:
  explicit ModelServer(std::chrono::microseconds delay) : delay_(delay) {
    whole_ = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
             std::to_string(std::strlen(whole_reply)) + "\r\n\r\n" + whole_reply;
    listener_ = make_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0) give_up("bind");
    if (listen(listener_, 4096) != 0) give_up("listen");
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    std::cout << ntohs(address.sin_port) << std::endl;
    watch(epoll_, listener_, EPOLLIN);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), patience());
      for (int i = 0; i < count; ++i)
        events[static_cast<std::size_t>(i)].data.fd == listener_
            ? accept_one()
            : read_from(events[static_cast<std::size_t>(i)].data.fd);
      answer_due();
    }
  }

 private:
  int patience() const {
    if (due_.empty()) return -1;
    // Delays of a bench are short: a busy wait is exact.
    return due_.front().first - Clock::now() < std::chrono::milliseconds(2) ? 0 : 1;
  }

  void accept_one() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (client < 0) return;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pending_[client].clear();
    watch(epoll_, client, EPOLLIN);
  }

  void read_from(int client) {
    std::string& pending = pending_[client];
    const ssize_t got = recv(client, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) return;
      pending_.erase(client);
      close(client);
      return;
    }
    pending.append(buffer_.data(), static_cast<std::size_t>(got));
    for (;;) {
      const std::size_t head = pending.find("\r\n\r\n");
      if (head == std::string::npos) return;
      const std::size_t size = head + 4 + content_length(std::string_view(pending).substr(0, head));
      if (pending.size() < size) return;
      const bool is_stream = pending.find("\"stream\":true", head) < size;
      pending.erase(0, size);
      const std::string& reply = is_stream ? streamed_ : whole_;
      if (delay_.count() == 0)
        send_all(client, reply);
      else
        due_.push_back({Clock::now() + delay_, {client, &reply}});
    }
  }

  void answer_due() {
    while (!due_.empty() && due_.front().first <= Clock::now()) {
      const auto [client, reply] = due_.front().second;
      due_.pop_front();
      if (pending_.contains(client)) send_all(client, *reply);
    }
  }

  std::chrono::microseconds delay_;
  int epoll_ = epoll_create1(0);
  int listener_ = -1;
  std::string whole_, streamed_ = streamed_reply();
  std::array<char, 1u << 16> buffer_{};
  std::unordered_map<int, std::string> pending_;
  std::deque<std::pair<Moment, std::pair<int, const std::string*>>> due_;
};

// --- The load
// -----------------------------------------------------------------------------------------

struct Options {
  int port = 0;
  std::string request;
  double rate = 0;  ///< 0: closed loop.
  double seconds = 5;
  std::size_t connections = 32;
  bool is_stream = false;
};

struct Line {
  int socket = -1;
  bool is_busy = false, has_first = false;
  Moment due{};  ///< When the request that runs should have been sent.
  std::string got;
};

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)) {
    for (std::size_t i = 0; i < options_.connections; ++i) {
      auto line = std::make_unique<Line>();
      open(*line);
      lines_.push_back(std::move(line));
    }
  }

  void run() {
    const Moment begin = Clock::now();
    end_ = begin + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(options_.seconds));
    next_ = begin;
    if (options_.rate == 0)
      for (const auto& line : lines_) ask(*line, Clock::now());
    std::array<epoll_event, 256> events{};
    const Moment patience = end_ + std::chrono::seconds(5);
    while (Clock::now() < patience && (Clock::now() < end_ || running_ > 0 || !waiting_.empty())) {
      send_due();
      const timespec sleep = until_due();
      const int count = epoll_pwait2(epoll_, events.data(), events.size(), &sleep, nullptr);
      for (int i = 0; i < count; ++i) read_from(events[static_cast<std::size_t>(i)].data.fd);
    }
    seconds_ = microseconds(std::min(Clock::now(), end_) - begin) / 1e6;
    lost_ += running_ + waiting_.size();
  }

  void print() {
    std::sort(latencies_.begin(), latencies_.end());
    std::sort(firsts_.begin(), firsts_.end());
    const auto at = [](const std::vector<double>& values, double share) {
      if (values.empty()) return 0.0;
      return values[std::min(values.size() - 1,
                             static_cast<std::size_t>(share * static_cast<double>(values.size())))];
    };
    std::cout << "{\"answers\":" << latencies_.size() << ",\"errors\":" << errors_
              << ",\"lost\":" << lost_ << ",\"seconds\":" << seconds_
              << ",\"rate\":" << static_cast<double>(latencies_.size()) / seconds_
              << ",\"p50_us\":" << at(latencies_, 0.5) << ",\"p90_us\":" << at(latencies_, 0.9)
              << ",\"p99_us\":" << at(latencies_, 0.99) << ",\"max_us\":" << at(latencies_, 1)
              << ",\"first_p50_us\":" << at(firsts_, 0.5)
              << ",\"first_p99_us\":" << at(firsts_, 0.99) << "}" << std::endl;
  }

 private:
  /// A generator that spins takes one of the two processors that it measures.
  timespec until_due() const {
    constexpr std::chrono::nanoseconds longest{1'000'000};
    const auto left = options_.rate > 0 ? next_ - Clock::now() : longest;
    return {0, std::clamp<std::chrono::nanoseconds>(left, {}, longest).count()};
  }

  void open(Line& line) {
    line.socket = make_socket();
    sockaddr_in address = loopback(options_.port);
    if (connect(line.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      give_up("connect");
    fcntl(line.socket, F_SETFL, O_NONBLOCK);
    by_socket_[line.socket] = &line;
    watch(epoll_, line.socket, EPOLLIN);
    free_.push_back(&line);
  }

  void send_due() {
    if (options_.rate == 0) return;
    const Moment now = Clock::now();
    const auto step = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(1 / options_.rate));
    for (; next_ <= now && next_ < end_; next_ += step) waiting_.push_back(next_);
    while (!waiting_.empty() && !free_.empty()) {
      Line* line = free_.back();
      free_.pop_back();
      ask(*line, waiting_.front());
      waiting_.pop_front();
    }
  }

  void ask(Line& line, Moment due) {
    if (options_.rate == 0) std::erase(free_, &line);
    line.due = due;
    line.is_busy = true;
    line.has_first = false;
    line.got.clear();
    ++running_;
    send_all(line.socket, options_.request);
  }

  void read_from(int socket) {
    Line& line = *by_socket_.at(socket);
    const ssize_t got = recv(socket, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) return;
      reopen(line);
      return;
    }
    if (!line.is_busy) return;
    line.got.append(buffer_.data(), static_cast<std::size_t>(got));
    const std::size_t head = line.got.find("\r\n\r\n");
    if (head == std::string::npos) return;
    if (!line.has_first && line.got.size() > head + 4) {
      line.has_first = true;
      firsts_.push_back(microseconds(Clock::now() - line.due));
    }
    if (is_whole(line.got, head)) finish(line);
  }

  static bool is_whole(const std::string& got, std::size_t head) {
    const std::string_view top = std::string_view(got).substr(0, head);
    if (const std::size_t size = content_length(top); size > 0)
      return got.size() >= head + 4 + size;
    return got.ends_with("\r\n0\r\n\r\n");
  }

  void finish(Line& line) {
    const Moment now = Clock::now();
    if (line.got.compare(9, 3, "200") == 0 &&
        (!options_.is_stream || line.got.find("[DONE]") != std::string::npos))
      latencies_.push_back(microseconds(now - line.due));
    else
      ++errors_;
    line.is_busy = false;
    --running_;
    if (options_.rate > 0)
      free_.push_back(&line);
    else if (now < end_)
      ask(line, now);
  }

  /// A server may close a connection after so many requests.
  void reopen(Line& line) {
    by_socket_.erase(line.socket);
    close(line.socket);
    const bool was_busy = std::exchange(line.is_busy, false);
    if (was_busy) {
      ++errors_;
      --running_;
    }
    std::erase(free_, &line);
    open(line);
    if (options_.rate == 0 && Clock::now() < end_) ask(line, Clock::now());
  }

  Options options_;
  int epoll_ = epoll_create1(0);
  std::vector<std::unique_ptr<Line>> lines_;
  std::unordered_map<int, Line*> by_socket_;
  std::vector<Line*> free_;
  std::deque<Moment> waiting_;
  Moment next_{}, end_{};
  std::size_t running_ = 0, errors_ = 0, lost_ = 0;
  double seconds_ = 0;
  std::vector<double> latencies_, firsts_;
  std::array<char, 1u << 18> buffer_{};
};

int load(const std::vector<std::string>& arguments) {
  Options options;
  options.port = std::atoi(arguments[1].c_str());
  std::ifstream file(arguments[2]);
  const std::string body((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  options.rate = std::atof(arguments[3].c_str());
  options.seconds = std::atof(arguments[4].c_str());
  options.connections = static_cast<std::size_t>(std::atoi(arguments[5].c_str()));
  options.is_stream = arguments.size() > 6 && arguments[6] == "stream";
  options.request =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
      "Authorization: Bearer sk-bench-0123456789\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  prctl(PR_SET_TIMERSLACK, 1);  // Wakes when a request is due, not 50 us later.
  Load load(std::move(options));
  load.run();
  load.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  constexpr std::size_t load_arguments = 6;
  if (!arguments.empty() && arguments[0] == "serve")
    ModelServer(
        std::chrono::microseconds(arguments.size() > 1 ? std::atoi(arguments[1].c_str()) : 0))
        .run();
  if (arguments.size() >= load_arguments && arguments[0] == "load") return load(arguments);
  std::cerr << "load_bench serve [DELAY_US] | load PORT BODY_FILE RATE SECONDS CONNECTIONS "
               "[stream]\n";
  return 2;
}
