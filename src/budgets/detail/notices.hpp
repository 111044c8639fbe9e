// What is to be delivered, kept until it is.
#pragma once

#include <string>
#include <vector>

#include "budgets/ledger.hpp"
#include "store/database.hpp"

namespace slipway::budgets::detail {

/// Safe to use from many threads. Functions fail as reads and writes do.
class Notices {
 public:
  /// Both must outlive it.
  Notices(store::Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  Result<std::vector<Notice>> due();
  Result<void> delivered(std::int64_t number);
  Result<void> failed(const Notice& notice, const std::string& why);
  Result<void> add(const std::string& key, const std::string& target, const std::string& body);

 private:
  std::int64_t now_ms() const;

  store::Database& database_;
  const Clock& clock_;
};

}  // namespace slipway::budgets::detail
