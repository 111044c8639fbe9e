#include "agents/failure.hpp"

namespace slipway::agents {

Failure failure_of(const Error& error) {
  switch (error.code()) {
    case Code::deadline_exceeded: return {"timeout", error.message()};
    case Code::rate_limited: return {"rate_limit", error.message()};
    case Code::unavailable: return {"network", error.message()};
    case Code::cancelled: return {"cancelled", error.message()};
    case Code::unsupported: return {"unsupported", error.message()};
    case Code::forbidden:
    case Code::unauthenticated: return {"refused", error.message()};
    case Code::internal: return {"internal", error.message()};
    default: return {"failed", error.message()};
  }
}

Failure storage_failure(const Error& error) {
  Failure failure = failure_of(error);
  if (error.code() == Code::unavailable || error.code() == Code::internal ||
      error.code() == Code::forbidden)
    failure.kind = "storage";
  return failure;
}

}  // namespace slipway::agents
