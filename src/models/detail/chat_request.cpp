#include "models/detail/chat_request.hpp"

#include <cmath>

#include "core/unicode.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t stops_max = 64;

Result<void> check_range(std::string_view name, double value, double min, double max) {
  if (std::isfinite(value) && value >= min && value <= max) return {};
  return fail(Code::invalid_argument, "chat request: {} is {}, outside of {}..{}", name, value, min,
              max);
}

Result<void> check_stops(const std::vector<std::string>& stops) {
  if (stops.size() > stops_max)
    return fail(Code::invalid_argument, "chat request: {} stop strings are more than {}",
                stops.size(), stops_max);
  for (const std::string& stop : stops)
    if (stop.empty() || !unicode::is_valid_utf8(stop))
      return fail(Code::invalid_argument,
                  "chat request: a stop string is empty or not UTF-8; remove it");
  return {};
}

}  // namespace

Result<void> check_request(const ChatRequest& request) {
  if (request.messages.empty())
    return fail(Code::invalid_argument, "chat request: there are no messages");
  for (std::size_t i = 0; i < request.messages.size(); ++i)
    if (!unicode::is_valid_utf8(request.messages[i].content))
      return fail(Code::invalid_argument, "chat request: messages[{}].content is not valid UTF-8",
                  i);
  if (request.max_tokens < 1)
    return fail(Code::invalid_argument, "chat request: max_tokens is {}, below 1",
                request.max_tokens);
  if (request.top_k < 0)
    return fail(Code::invalid_argument, "chat request: top_k is {}, below 0", request.top_k);
  TRY(check_range("temperature", request.temperature, 0, 100));
  TRY(check_range("top_p", request.top_p, 0, 1));
  TRY(check_range("repeat_penalty", request.repeat_penalty, 0.01, 100));
  return check_stops(request.stop);
}

}  // namespace slipway::models::detail
