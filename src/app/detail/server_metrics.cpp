#include "app/detail/server_metrics.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "core/clock.hpp"

namespace slipway::app::detail {

namespace {

using http::Metrics;

Metrics::Samples one(double value) { return {{{}, value}}; }

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0, resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  constexpr double micro = 1e-6;
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * micro;
}

double open_files() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error))
    ++count;
  return count;
}

double open_files_max() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

double seconds_now() {
  return std::chrono::duration<double>(system_clock().now().time_since_epoch()).count();
}

/// Only methods that there are: a client may send any word.
std::string_view method_label(std::string_view method) {
  static constexpr std::string_view known[] = {"GET",    "HEAD",  "POST",   "PUT",
                                               "DELETE", "PATCH", "OPTIONS"};
  return std::find(std::begin(known), std::end(known), method) == std::end(known) ? "_OTHER"
                                                                                  : method;
}

/// The pattern of the route that answered; paths themselves are without end.
std::string_view route_label(const http::AccessRecord& record) {
  for (const auto& [name, value] : record.notes)
    if (name == "route") return value;
  return "none";
}

}  // namespace

void observe_process(Metrics& metrics, std::string_view version) {
  using Kind = Metrics::Kind;
  const double start = seconds_now();
  metrics.observe("process_resident_memory_bytes", {.help = "Resident memory size in bytes.",
                                                    .read = [] { return one(resident_bytes()); }});
  metrics.observe("process_cpu_seconds_total",
                  {.kind = Kind::counter,
                   .help = "Total user and system CPU time spent in seconds.",
                   .read = [] { return one(cpu_seconds()); }});
  metrics.observe("process_open_fds", {.help = "Number of open file descriptors.",
                                       .read = [] { return one(open_files()); }});
  metrics.observe("process_max_fds", {.help = "Maximum number of open file descriptors.",
                                      .read = [] { return one(open_files_max()); }});
  metrics.observe("process_start_time_seconds",
                  {.help = "Start time of the process since the Unix epoch in seconds.",
                   .read = [start] { return one(start); }});
  metrics.gauges("slipway_build_info", "Version of the program; always 1.", {"version"})
      .with({version})
      .set(1);
}

void observe_edge(Metrics& metrics, std::function<http::ServerStats()> stats) {
  using Kind = Metrics::Kind;
  const auto add = [&](std::string name, Kind kind, std::string help, auto read) {
    metrics.observe(std::move(name), {.kind = kind, .help = std::move(help), .read = [stats, read] {
                                        return one(static_cast<double>(read(stats())));
                                      }});
  };
  add("http_server_open_connections", Kind::gauge, "Connections that are open now.",
      [](const http::ServerStats& s) { return s.connections; });
  add("http_server_active_requests", Kind::gauge, "Requests that are being answered now.",
      [](const http::ServerStats& s) { return s.exchanges; });
  add("http_server_connections_total", Kind::counter, "Connections accepted.",
      [](const http::ServerStats& s) { return s.accepted; });
  add("http_server_refused_connections_total", Kind::counter,
      "Connections closed at once because there were too many.",
      [](const http::ServerStats& s) { return s.refused; });
  add("http_server_malformed_requests_total", Kind::counter,
      "Requests that broke the protocol or a limit.",
      [](const http::ServerStats& s) { return s.malformed; });
}

RequestMetrics::RequestMetrics(Metrics& metrics)
    : seconds_(
          metrics.histograms("http_server_request_duration_seconds",
                             "From the first byte of a request to the last of its answer.",
                             {"http_request_method", "http_route", "http_response_status_code"})),
      bytes_in_(metrics.counters("http_server_request_body_bytes_total",
                                 "Bytes of requests received.", {"http_route"})),
      bytes_out_(metrics.counters("http_server_response_body_bytes_total", "Bytes of answers sent.",
                                  {"http_route"})) {}

void RequestMetrics::add(const http::AccessRecord& record) {
  const std::string_view route = route_label(record);
  seconds_.with({method_label(record.method), route, std::to_string(record.status)})
      .observe(record.seconds);
  bytes_in_.with({route}).add(static_cast<double>(record.bytes_in));
  bytes_out_.with({route}).add(static_cast<double>(record.bytes_out));
}

}  // namespace slipway::app::detail
