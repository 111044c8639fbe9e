// An exchange that keeps alive what answers it.
#pragma once

#include <memory>
#include <utility>

#include "http/server.hpp"

namespace slipway::app::detail {

/// Everything is the inner exchange's. What it holds lives as long as anybody holds this: so a
/// service that was replaced is there until its last answer is complete.
class HeldExchange final : public http::Exchange {
 public:
  HeldExchange(http::ExchangePtr inner, std::shared_ptr<const void> held)
      : held_(std::move(held)), inner_(std::move(inner)) {}

  const http::Request& request() const override { return inner_->request(); }
  const Context& context() const override { return inner_->context(); }
  void set_caller(std::string caller) override { inner_->set_caller(std::move(caller)); }
  void note(std::string key, std::string value) override {
    inner_->note(std::move(key), std::move(value));
  }
  void reply(http::Response response) override { inner_->reply(std::move(response)); }
  void begin(int status, http::Headers headers) override {
    inner_->begin(status, std::move(headers));
  }
  bool write(std::string piece) override { return inner_->write(std::move(piece)); }
  void end(http::Headers trailers) override { inner_->end(std::move(trailers)); }
  void abort() override { inner_->abort(); }
  std::size_t queued_bytes() const override { return inner_->queued_bytes(); }
  void when_drained(std::function<void()> ready) override {
    inner_->when_drained(std::move(ready));
  }
  Result<void> wait_drained(const Context& context) override {
    return inner_->wait_drained(context);
  }
  void when_gone(std::function<void()> gone) override { inner_->when_gone(std::move(gone)); }
  void set_heartbeat(std::chrono::milliseconds silence) override { inner_->set_heartbeat(silence); }

 private:
  std::shared_ptr<const void> held_;
  http::ExchangePtr inner_;  ///< Let go first.
};

}  // namespace slipway::app::detail
