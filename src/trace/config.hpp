// The section `traces:` of slipway.yaml.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "trace/sampling.hpp"

namespace slipway::trace {

/// Another collector that gets all runs too.
struct ExportConfig {
  std::string endpoint;                        ///< "http://collector:4318/v1/traces"
  std::map<std::string, std::string> headers;  ///< Values may be "env:NAME" or "file:PATH".
  std::vector<std::string> projects;           ///< Empty: all.
  static constexpr std::string_view required[] = {"endpoint"};
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(ExportConfig, (), (endpoint, headers, projects))

struct TracesConfig {
  std::size_t max_request_bytes = 20u << 20;  ///< Of one body, after decompression too.
  std::size_t max_queued_bytes = 64u << 20;   ///< Bodies that wait for their commit.
  int retention_days = 0;                     ///< 0: traces are kept for ever.
  /// What is replaced before anything is stored: JSON paths ("$.inputs.card", "$..password"), kinds
  /// of personal data ("email"), regular expressions.
  std::vector<std::string> mask;
  bool own = true;          ///< Calls of the gateway, questions, searches and jobs are runs too,
  bool payloads = true;     ///< with what was asked and answered.
  SamplingConfig sampling;  ///< Which traces are kept, our own and those that clients send.
  /// So many of our own in a second are all kept. Beyond, the more there are the fewer are: of
  /// twice as many half as many, of ten times a tenth. What is left out is counted.
  std::int64_t own_per_second = 1000;           ///< 0: no limit.
  std::map<std::string, ExportConfig> exports;  ///< By name.
  Result<void> validate() const;
};
BOOST_DESCRIBE_STRUCT(TracesConfig, (),
                      (max_request_bytes, max_queued_bytes, retention_days, mask, own, payloads,
                       sampling, own_per_second, exports))

}  // namespace slipway::trace
