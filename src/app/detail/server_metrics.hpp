// What /metrics tells of the process and its HTTP edge, in the names that Prometheus' and
// OpenTelemetry's conventions give them.
#pragma once

#include <functional>

#include "http/metrics.hpp"
#include "http/server.hpp"

namespace slipway::app::detail {

/// Memory, CPU, files and start of this process, and the program's version.
void observe_process(http::Metrics& metrics, std::string_view version);

/// Connections and running exchanges; `stats` is called at each scrape.
void observe_edge(http::Metrics& metrics, std::function<http::ServerStats()> stats);

/// Counts finished requests. Safe to use from many threads; `metrics` must outlive it.
class RequestMetrics {
 public:
  explicit RequestMetrics(http::Metrics& metrics);
  void add(const http::AccessRecord& record);

 private:
  http::Family<http::Histogram>& seconds_;
  http::Family<http::Counter>& bytes_in_;
  http::Family<http::Counter>& bytes_out_;
};

}  // namespace slipway::app::detail
