// What every chat model asks of a request before it looks at the model.
#pragma once

#include "models/chat_model.hpp"

namespace slipway::models::detail {

/// Fails: invalid_argument, naming the field, its value and its range.
Result<void> check_request(const ChatRequest& request);

}  // namespace slipway::models::detail
