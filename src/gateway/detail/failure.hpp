// Why a try failed, what the caller is told of it, and whether another may help.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "dialects/codec.hpp"
#include "gateway/detail/deployment.hpp"
#include "http/message.hpp"

namespace slipway::gateway::detail {

struct Failure {
  dialects::WireError error;
  bool may_repeat = false;        ///< The same deployment may answer next time.
  bool may_fall_back = true;      ///< Another may answer: the request is not what is wrong.
  bool is_fault = false;          ///< Counts against the deployment's circuit.
  bool rests_key = false;         ///< This key is of no use for a while.
  bool is_refused_by_us = false;  ///< Nobody was asked: a limit, an open circuit.
  std::optional<std::chrono::milliseconds> retry_after;
  std::optional<json::Object> budget;  ///< The one that has no room, as every dialect tells it.
};

/// Of "Retry-After: 7", a date, or "retry-after-ms: 7000"; at most a day. Nothing when there is
/// none that can be read.
std::optional<std::chrono::milliseconds> retry_after(const http::Headers& headers, Clock::Time now);

/// An answer that is no success.
struct BadAnswer {
  int status = 0;
  http::Headers headers;
  std::string_view body;
};
Failure failure_of(const Deployment& deployment, dialects::Dialect dialect, const BadAnswer& answer,
                   Clock::Time now);
/// A connection that broke, or time that ran out.
Failure failure_of(const Deployment& deployment, const Error& error);
/// What a model in this process says.
Failure failure_of_local(const Deployment& deployment, const Error& error);
/// A reply that is a success and cannot be used: not JSON, cut off.
Failure unusable(const Deployment& deployment, std::string_view why);

/// How an error of ours is told: bad requests, limits.
dialects::WireError wire_error(const Error& error);

}  // namespace slipway::gateway::detail
