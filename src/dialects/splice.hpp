// A request that goes on to a server of its own dialect is not taken apart: it is looked at, and
// the model's name is exchanged.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::dialects {

/// What the gateway must know of a body before it knows where to send it.
struct Glance {
  std::string model;  ///< Unescaped; empty when there is none.
  /// Of the model's JSON string in the body, quotes included; both 0 when there is none.
  std::size_t model_begin = 0, model_end = 0;
  bool stream = false;
};

/// Reads one JSON object without making values of it; its grammar and UTF-8 are checked whole, at
/// most 64 levels deep. Only keys of the outermost object count. Fails: invalid_argument (not JSON,
/// not an object, `model` or `stream` twice or of another type), with the byte where it is.
Result<Glance> glance(std::string_view body);

/// The same bytes but for the model's name. `glance` must be of this body and have a model.
std::string with_model(std::string_view body, const Glance& glance, std::string_view model);

}  // namespace slipway::dialects
