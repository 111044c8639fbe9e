// An exchange that keeps alive what answers it, and adds what every answer to its client has.
#pragma once

#include <memory>
#include <utility>

#include "http/server.hpp"

namespace slipway::app::detail {

/// Everything is the inner exchange's. What it holds lives as long as anybody holds this: so a
/// service that was replaced is there until its last answer is complete.
class HeldExchange final : public http::Exchange {
 public:
  /// `added` go into the head of the answer. What is done for it knows the caller by the context.
  /// `filled` stands for the request that came; may be null.
  HeldExchange(http::ExchangePtr inner, std::shared_ptr<const void> held, http::Headers added,
               std::string caller, std::unique_ptr<http::Request> filled = nullptr)
      : held_(std::move(held)),
        inner_(std::move(inner)),
        added_(std::move(added)),
        filled_(std::move(filled)),
        context_(inner_->context().with_caller(std::move(caller))) {}

  const http::Request& request() const override {
    return filled_ == nullptr ? inner_->request() : *filled_;
  }
  const Context& context() const override { return context_; }
  void set_caller(std::string caller) override { inner_->set_caller(std::move(caller)); }
  void note(std::string key, std::string value) override {
    inner_->note(std::move(key), std::move(value));
  }
  void reply(http::Response response) override {
    for (const auto& [name, value] : added_.items()) response.headers.add(name, value);
    inner_->reply(std::move(response));
  }
  void begin(int status, http::Headers headers) override {
    for (const auto& [name, value] : added_.items()) headers.add(name, value);
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
  http::ExchangePtr inner_;  ///< Let go before it.
  const http::Headers added_;
  const std::unique_ptr<const http::Request> filled_;
  const Context context_;
};

}  // namespace slipway::app::detail
