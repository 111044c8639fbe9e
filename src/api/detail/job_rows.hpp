// Rows of api_jobs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/jobs.hpp"

namespace slipway::api::detail {

/// Names a process of this machine for as long as it lives: its id and when it began.
std::string this_process();
bool is_alive(const std::string& process);

class JobRows {
 public:
  JobRows(store::Database& database, std::string owner)
      : database_(database), owner_(std::move(owner)) {}

  /// Jobs that nobody runs any more become failed.
  Result<void> fail_orphans(const std::string& now);
  /// Forgets the oldest ended ones beyond `kept_max`.
  Result<void> insert(const Context&, const JobInfo&, std::size_t kept_max);
  Result<void> update(const Context&, const JobInfo&);
  Result<void> remove(const Context&, const std::string& id);
  Result<std::optional<JobInfo>> find(const Context&, const std::string& id);
  /// Youngest first.
  Result<std::vector<JobInfo>> list(const Context&, int limit, const std::string& before_id);

 private:
  store::Database& database_;
  const std::string owner_;
};

}  // namespace slipway::api::detail
