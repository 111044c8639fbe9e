#include "mcp/detail/outlet.hpp"

namespace slipway::mcp::detail {

http::Headers stream_headers() {
  return {{"Content-Type", "text/event-stream"},
          {"Cache-Control", "no-cache, no-transform"},
          {"X-Accel-Buffering", "no"}};
}

http::Response json_response(int status, const json::Object& message) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = json::dump(message)};
}

bool ExchangeOutlet::begin_locked() {
  if (has_begun_ || !may_stream_ || has_ended_) return has_begun_ && !has_ended_;
  exchange_->begin(200, stream_headers());
  exchange_->set_heartbeat(heartbeat);
  return has_begun_ = true;
}

void ExchangeOutlet::begin() {
  const std::lock_guard lock(mutex_);
  begin_locked();
}

bool ExchangeOutlet::send(const json::Object& message) {
  const std::lock_guard lock(mutex_);
  if (!begin_locked() || exchange_->queued_bytes() > queued_bytes_max) return false;
  return exchange_->write(fmt::format("event: message\ndata: {}\n\n", json::dump(message)));
}

void ExchangeOutlet::finish(int status, const json::Object& message) {
  const std::lock_guard lock(mutex_);
  if (has_ended_) return;
  has_ended_ = true;
  if (!has_begun_) return exchange_->reply(json_response(status, message));
  exchange_->write(fmt::format("event: message\ndata: {}\n\n", json::dump(message)));
  exchange_->end();
}

void ExchangeOutlet::drop() {
  const std::lock_guard lock(mutex_);
  if (has_ended_) return;
  has_ended_ = true;
  if (has_begun_)
    exchange_->end();
  else
    exchange_->reply({.status = 204});
}

}  // namespace slipway::mcp::detail
