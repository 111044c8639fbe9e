// The store of LangGraph: values by key in namespaces, filters on their members, a time to live.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "langgraph/detail/reading.hpp"
#include "store/database.hpp"

namespace slipway::langgraph::detail {

using Namespace = std::vector<std::string>;

struct Item {
  Namespace space;
  std::string key;
  Value value;
  std::int64_t created_ms = 0, updated_ms = 0;
  Value json() const;
};

/// Safe to use from many threads.
class Items {
 public:
  Items(store::Database& database, const Clock& clock) : database_(database), clock_(clock) {}

  /// Bodies and answers as the API has them. Fail: invalid_argument naming the member.
  Result<void> put(const Context& context, const Value& body);
  /// Null: there is none.
  Result<Value> get(const Context& context, const Value& query);
  Result<void> remove(const Context& context, const Value& body);
  Result<Value> search(const Context& context, const Value& body);
  Result<Value> namespaces(const Context& context, const Value& body);
  /// Those whose time is over.
  Result<void> sweep(const Context& context);

  static constexpr std::size_t value_bytes_max = 4u << 20;
  static constexpr std::size_t labels_max = 64, label_bytes_max = 256, key_bytes_max = 1024;

 private:
  Result<std::vector<Item>> below(const Context& context, const Namespace& prefix);
  Result<void> refresh(const Context& context, const std::vector<Item>& items);

  store::Database& database_;
  const Clock& clock_;
};

/// Whether a value fits a filter: {"n": {"$gt": 1}, "t": "x"}. Operators: $eq $ne $gt $gte $lt
/// $lte. Fails: invalid_argument (another operator).
Result<bool> fits(const Value& value, const Value& filter);

}  // namespace slipway::langgraph::detail
