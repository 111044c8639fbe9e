// Whether a call that failed may have reached its peer.
#pragma once

#include <string_view>

#include "core/result.hpp"

namespace slipway::http {

/// How the message of a `Client`'s failure ends when no byte of the request left: the name was not
/// found, nobody listened, TLS failed, or the time was over before.
inline constexpr std::string_view nothing_was_sent = "; nothing was sent";

inline bool was_never_sent(const Error& error) {
  return error.message().ends_with(nothing_was_sent) || error.code() == Code::forbidden ||
         error.code() == Code::invalid_argument;
}

}  // namespace slipway::http
