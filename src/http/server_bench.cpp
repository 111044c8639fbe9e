// What the edge and the relay cost: requests a second, CPU time a request, added latency.
//
// Usage: server_bench [SECONDS [CONNECTIONS [EDGE_THREADS]]]
//
// The client is one thread of this process with a closed loop over its connections; its CPU time is
// taken off. The upstream that is relayed to is a process of its own. CPU times are what counts on
// a machine that others use too; requests a second are of that machine at that moment.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "core/pool.hpp"
#include "http/raw_client.hpp"
#include "http/server.hpp"
#include "http/upstream.hpp"

using namespace slipway;
using namespace slipway::http;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Load {
  double seconds = 3;
  std::size_t connections = 8;
  std::string request;
  std::string whole;  ///< An answer has come when this has been seen at its end.
};

struct Measured {
  std::size_t requests = 0;
  double seconds = 0;
  double cpu_us = 0;  ///< Of this process without the client, per request.
  double p50_us = 0, p99_us = 0;
};

/// One connection of the client: a request is sent when the answer before it is there.
struct Line {
  RawClient client;
  Clock::time_point sent_at;
  std::string got;
};

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

void send_next(Line& line, const std::string& request) {
  line.got.clear();
  line.sent_at = Clock::now();
  line.client.send(request);
}

/// Runs the load against a port of this machine.
Measured drive(int port, const Load& load) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::unique_ptr<Line>> lines;
  for (std::size_t i = 0; i < load.connections; ++i) {
    lines.push_back(std::make_unique<Line>(Line{RawClient(port), {}, {}}));
    const int fd = lines.back()->client.fd();
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_event event{EPOLLIN, {.ptr = lines.back().get()}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  Measured measured;
  std::vector<double> latencies;
  const auto start = Clock::now();
  const double process = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  const double client = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  for (const auto& line : lines) send_next(*line, load.request);
  const auto until = start + std::chrono::duration_cast<Clock::duration>(
                                 std::chrono::duration<double>(load.seconds));
  epoll_event events[64];
  char block[65536];
  while (Clock::now() < until) {
    const int count = epoll_wait(epoll, events, 64, 1000);
    for (int i = 0; i < count; ++i) {
      Line& line = *static_cast<Line*>(events[i].data.ptr);
      const ssize_t size = recv(line.client.fd(), block, sizeof block, MSG_DONTWAIT);
      if (size == 0) std::exit((std::cerr << "the server closed a connection\n", 1));
      if (size < 0) continue;
      line.got.append(block, static_cast<std::size_t>(size));
      if (!line.got.ends_with(load.whole)) continue;
      latencies.push_back(
          std::chrono::duration<double, std::micro>(Clock::now() - line.sent_at).count());
      send_next(line, load.request);
    }
  }
  measured.requests = latencies.size();
  measured.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - process -
                     (seconds_of(CLOCK_THREAD_CPUTIME_ID) - client);
  measured.cpu_us = cpu * 1e6 / static_cast<double>(std::max<std::size_t>(1, measured.requests));
  measured.p50_us = percentile(latencies, 0.5);
  measured.p99_us = percentile(latencies, 0.99);
  ::close(epoll);
  return measured;
}

void print(const std::string& what, const Measured& measured) {
  std::cout << fmt::format(
      "{:<34} {:>9.0f} req/s  CPU {:>6.1f} us/req  p50 {:>7.0f} us  p99 {:>7.0f} us\n", what,
      static_cast<double>(measured.requests) / measured.seconds, measured.cpu_us, measured.p50_us,
      measured.p99_us);
}

std::unique_ptr<Server> serve(ExchangeHandler handler, std::size_t threads) {
  Server::Options options;
  options.port = 0;
  options.threads = threads;
  options.on_access = [](const AccessRecord&) {};
  auto server = Server::start(std::move(options), std::move(handler));
  SLIPWAY_ASSERT(server);
  return std::move(*server);
}

const std::string answer_body = "{\"id\":\"x\",\"text\":\"" + std::string(900, 'a') + "\"}\n";

/// A process that answers each request with about a kilobyte. Gives its port.
class Mock {
 public:
  explicit Mock(std::size_t threads) {
    int ends[2] = {};
    SLIPWAY_ASSERT(pipe(ends) == 0);
    child_ = fork();
    if (child_ == 0) {
      const auto server = serve(
          [](const ExchangePtr& exchange) {
            exchange->reply({200, {{"content-type", "application/json"}}, answer_body});
          },
          threads);
      const int port = server->port();
      [[maybe_unused]] const auto written = ::write(ends[1], &port, sizeof port);
      pause();
      std::_Exit(0);
    }
    SLIPWAY_ASSERT(::read(ends[0], &port_, sizeof port_) == sizeof port_);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ~Mock() {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  Mock(const Mock&) = delete;
  Mock& operator=(const Mock&) = delete;
  int port() const { return port_; }

 private:
  pid_t child_ = -1;
  int port_ = 0;
};

/// Each request goes on to the mock, and its answer back.
ExchangeHandler relay_to(Upstream& upstream, const std::string& url) {
  return [&upstream, url](const ExchangePtr& exchange) {
    ClientRequest request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer x"}};
    request.body = exchange->request().body;
    const auto response = std::make_shared<Response>();
    UpstreamEvents events;
    events.on_head = [response](int status, Headers headers) {
      response->status = status;
      response->headers.add("content-type", std::string(headers.get("content-type")));
    };
    events.on_body = [response](std::string_view piece) {
      response->body += piece;
      return true;
    };
    events.on_end = [response, exchange](const Result<void>& ended) {
      exchange->reply(ended ? std::move(*response) : Response{502, {}, ended.error().message()});
    };
    const auto call = upstream.start(std::move(request), {}, std::move(events));
    if (!call) exchange->reply({503, {}, call.error().message()});
  };
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t threads = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1;
  const Mock mock(1);  // Forked before there are threads.
  Load load;
  load.seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 3;
  load.connections = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 8;
  load.request =
      "GET /hello HTTP/1.1\r\nHost: localhost:8700\r\nUser-Agent: bench/1.0\r\n"
      "Accept: */*\r\nAccept-Encoding: identity\r\n\r\n";
  load.whole = "hello, world";
  {
    const auto server =
        serve([](const ExchangePtr& e) { e->reply({.body = "hello, world"}); }, threads);
    print("hello world, on the edge", drive(server->port(), load));
  }
  {
    Pool pool({.threads = 2, .queue_max = 1000});
    const auto server = serve(
        [&](const ExchangePtr& exchange) {
          const auto ignored =
              pool.try_submit([exchange] { exchange->reply({.body = "hello, world"}); });
          SLIPWAY_ASSERT(ignored);
        },
        threads);
    print("hello world, on workers", drive(server->port(), load));
  }
  const std::string body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" +
                           std::string(900, 'q') + "\"}]}";
  load.request = fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Authorization: Bearer sk-test\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
  load.whole = "\"}\n";
  const std::string url = fmt::format("http://127.0.0.1:{}/v1/chat/completions", mock.port());
  for (const std::size_t connections : {std::size_t{1}, load.connections}) {
    load.connections = connections;
    const Measured direct = drive(mock.port(), load);
    const auto upstream = Upstream::make({});
    SLIPWAY_ASSERT(upstream);
    const auto server = serve(relay_to(**upstream, url), threads);
    const Measured relayed = drive(server->port(), load);
    print(fmt::format("mock directly, {} connections", connections), direct);
    print(fmt::format("relay to the mock, {} connections", connections), relayed);
    std::cout << fmt::format("{:<34} added p50 {:.0f} us, p99 {:.0f} us\n", "",
                             relayed.p50_us - direct.p50_us, relayed.p99_us - direct.p99_us);
  }
  return 0;
}
