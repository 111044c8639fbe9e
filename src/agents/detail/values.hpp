// Large values of records stand beside them, under their hash: a reply that a call gave and a task
// wrote is kept once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agents/value.hpp"

namespace slipway::agents::detail {

struct KeptValue {
  std::string hash;  ///< 16 bytes.
  std::string text;  ///< JSON
};

/// The record with {"$": hash} instead of its large values, which are added to `values`.
Value take_out_values(const Value& record, std::vector<KeptValue>& values);
/// The reverse; `find` gives the text of a hash. Fails: as `find`, invalid_argument.
Result<Value> put_in_values(const Value& record,
                            const std::function<Result<std::string>(const std::string&)>& find);

std::string value_hash(std::string_view text);

}  // namespace slipway::agents::detail
