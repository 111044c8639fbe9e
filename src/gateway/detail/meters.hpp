// What /metrics shows of the gateway.
#pragma once

#include <string>

#include "gateway/record.hpp"
#include "http/metrics.hpp"

namespace slipway::gateway::detail {

/// Safe to use from many threads.
class Meters {
 public:
  explicit Meters(http::Metrics& metrics);
  void call(const CallRecord& record);
  void retry(const std::string& deployment);
  void upstream_error(const std::string& deployment, const std::string& kind);

 private:
  http::Family<http::Counter>&calls_, &tokens_, &cost_, &retries_, &errors_, &cache_, &guards_;
  http::Family<http::Histogram>&seconds_, &first_token_;
  http::Histogram &overhead_, &queue_;
};

}  // namespace slipway::gateway::detail
