// What stands below a tool's kind, read strictly.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "agents/graph.hpp"
#include "core/jail.hpp"

namespace slipway::tools::detail {

/// One map of a config. Each reader fails: invalid_argument, naming key, value and what is wanted.
class ConfigMap {
 public:
  /// `what`: how messages call it. Fails: it is no map, or has an unknown key.
  static Result<ConfigMap> open(const agents::Value& value, std::string what,
                                const std::vector<std::string_view>& known);
  const agents::Value& at(std::string_view key) const { return value_.at(key); }
  bool has(std::string_view key) const { return value_.find(key) != nullptr; }
  Result<std::string> text(std::string_view key, std::string fallback = "") const;
  Result<std::vector<std::string>> texts(std::string_view key) const;
  Result<bool> flag(std::string_view key) const;
  struct Range {
    std::int64_t min, max, fallback;
  };
  Result<std::int64_t> integer(std::string_view key, const Range& range) const;
  /// "256MB", or a number of bytes.
  Result<std::int64_t> bytes(std::string_view key, const Range& range) const;
  Result<std::chrono::milliseconds> duration(std::string_view key,
                                             std::chrono::milliseconds fallback) const;

 private:
  Error wrong(std::string_view key, std::string_view wanted) const;
  agents::Value value_;
  std::string what_;
};

/// {cpu, wall, memory, output, processes}
Result<JailLimits> read_limits(const agents::Value& value);

/// Of a failure of a jail: which kind it is of. `may_have_run`: false only when nothing has run.
struct JailFailure {
  agents::Failure failure;
  bool may_have_run = true;
};
JailFailure jail_failure(const Error& error);

}  // namespace slipway::tools::detail
