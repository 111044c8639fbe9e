#include "http/event_stream.hpp"

#include <mutex>

namespace slipway::http {

struct EventStream::State {
  explicit State(ExchangePtr given) : exchange(std::move(given)) {}
  ~State() {
    if (has_begun && !has_ended) exchange->abort();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// The caller holds the mutex. False when there is nobody to write to.
  bool write(std::string_view event, std::string_view data) {
    if (has_ended) return false;
    if (!has_begun) {
      has_begun = true;
      exchange->set_heartbeat(heartbeat);
      exchange->begin(200, {{"Content-Type", "text/event-stream"},
                            {"Cache-Control", "no-cache"},
                            {"X-Accel-Buffering", "no"}});
    }
    // JSON holds no line ends, so one data line is enough.
    return exchange->write(fmt::format("event: {}\ndata: {}\n\n", event, data));
  }
  void end() {
    if (std::exchange(has_ended, true)) return;
    if (has_begun) exchange->end();
  }

  const ExchangePtr exchange;
  std::mutex mutex;  // Guards the two below and the order of writes.
  bool has_begun = false;
  bool has_ended = false;
};

EventStream::EventStream(ExchangePtr exchange)
    : state_(std::make_shared<State>(std::move(exchange))) {}

Result<void> EventStream::send_text(const Context& context, std::string_view event,
                                    const std::string& data) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->write(event, data))
      return slipway::fail(Code::cancelled, "the client has left the stream");
  }
  if (state_->exchange->queued_bytes() <= queued_bytes_high) return {};
  return state_->exchange->wait_drained(context);
}

bool EventStream::offer_text(std::string_view event, const std::string& data) {
  const std::lock_guard lock(state_->mutex);
  if (state_->has_ended) return false;
  if (state_->exchange->queued_bytes() > queued_bytes_high)
    return !state_->exchange->context().stop().stop_requested();
  return state_->write(event, data);
}

void EventStream::fail(const Error& error) {
  const std::lock_guard lock(state_->mutex);
  if (state_->has_ended) return;
  const Problem problem = problem_of(error, state_->exchange->request());
  if (state_->has_begun) {
    state_->write("error", json::dump(json::to(problem)));
    state_->end();
  } else {
    state_->has_ended = true;
    state_->exchange->reply(to_response(problem));
  }
}

void EventStream::end() {
  const std::lock_guard lock(state_->mutex);
  if (state_->has_begun) return state_->end();
  if (std::exchange(state_->has_ended, true)) return;
  // A stream without events is one all the same.
  state_->exchange->reply({.status = 200, .headers = {{"Content-Type", "text/event-stream"}}});
}

bool EventStream::has_begun() const {
  const std::lock_guard lock(state_->mutex);
  return state_->has_begun;
}

bool EventStream::has_ended() const {
  const std::lock_guard lock(state_->mutex);
  return state_->has_ended;
}

const ExchangePtr& EventStream::exchange() const { return state_->exchange; }

}  // namespace slipway::http
