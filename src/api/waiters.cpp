#include "api/agents.hpp"

namespace slipway::api {

Waiters::Waiters(std::size_t most) : most_(most), pool_({.threads = most, .queue_max = most}) {}

Waiters::~Waiters() { end(); }

Result<void> Waiters::start(const http::ExchangePtr& exchange,
                            std::function<void(const Context&)> work) {
  if (end_.stop_requested()) return fail(Code::unavailable, "the server is ending");
  const auto leave = [this] { open_.fetch_sub(1); };
  if (open_.fetch_add(1) >= most_) {
    leave();
    return fail(Code::unavailable,
                "{} answers wait for runs already; ask for the run without wait, or later", most_);
  }
  auto queued = pool_.try_submit([this, leave, exchange, work = std::move(work)] {
    std::stop_source stop;
    {
      const auto ask = [&stop] { stop.request_stop(); };
      const std::stop_callback client_left(exchange->context().stop(), ask);
      const std::stop_callback server_ends(end_.get_token(), ask);
      work(exchange->context().with_stop(stop.get_token()));
    }
    leave();
  });
  if (!queued) leave();
  return queued;
}

void Waiters::end() { end_.request_stop(); }

}  // namespace slipway::api
