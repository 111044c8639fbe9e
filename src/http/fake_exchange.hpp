// An exchange without a network, for tests of routes and faces: what was answered, in memory.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "http/server.hpp"

namespace slipway::http {

/// Safe to use from many threads, as a real one. The client reads everything at once unless
/// `hold` is called; it leaves when a test says so.
class FakeExchange final : public Exchange {
 public:
  explicit FakeExchange(Request request)
      : request_(std::move(request)), context_(Context(stop_.get_token())) {
    if (request_.id.empty()) request_.id = "test-request";
    if (request_.path.empty()) request_.path = request_.target.substr(0, request_.target.find('?'));
    if (request_.query.empty() && request_.target.find('?') != std::string::npos)
      request_.query = request_.target.substr(request_.target.find('?') + 1);
  }

  const Request& request() const override { return request_; }
  const Context& context() const override { return context_; }
  void set_caller(std::string caller) override { caller_ = std::move(caller); }
  void note(std::string key, std::string value) override {
    const std::lock_guard lock(mutex_);
    notes_.emplace_back(std::move(key), std::move(value));
  }

  void reply(Response response) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSERT(!has_begun_);
    response_ = std::move(response);
    has_begun_ = has_ended_ = true;
    changed_.notify_all();
  }
  void begin(int status, Headers headers) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSERT(!has_begun_);
    response_.status = status;
    response_.headers = std::move(headers);
    has_begun_ = true;
    changed_.notify_all();
  }
  bool write(std::string piece) override {
    const std::lock_guard lock(mutex_);
    if (is_gone_) return false;
    SLIPWAY_ASSERT(has_begun_ && !has_ended_);
    response_.body += piece;
    if (is_holding_) held_bytes_ += piece.size();
    changed_.notify_all();
    return true;
  }
  void end(Headers trailers) override {
    const std::lock_guard lock(mutex_);
    SLIPWAY_ASSERT(has_begun_ && !has_ended_);
    trailers_ = std::move(trailers);
    has_ended_ = true;
    changed_.notify_all();
  }
  void abort() override {
    const std::lock_guard lock(mutex_);
    is_aborted_ = has_ended_ = true;
    changed_.notify_all();
  }

  std::size_t queued_bytes() const override {
    const std::lock_guard lock(mutex_);
    return held_bytes_;
  }
  void when_drained(std::function<void()> ready) override {
    {
      const std::lock_guard lock(mutex_);
      if (held_bytes_ > 0 && !is_gone_) {
        ready_ = std::move(ready);
        return;
      }
    }
    ready();
  }
  Result<void> wait_drained(const Context& context) override {
    std::unique_lock lock(mutex_);
    while (held_bytes_ > 0 && !is_gone_) {
      TRY(context.check());
      changed_.wait_for(lock, std::chrono::milliseconds(5));
    }
    if (is_gone_) return fail(Code::cancelled, "the client has left");
    return {};
  }
  void when_gone(std::function<void()> gone) override {
    {
      const std::lock_guard lock(mutex_);
      if (!is_gone_) {
        gone_ = std::move(gone);
        return;
      }
    }
    gone();
  }
  void set_heartbeat(std::chrono::milliseconds silence) override { heartbeat_ = silence; }

  /// From now on the client takes nothing.
  void hold() {
    const std::lock_guard lock(mutex_);
    is_holding_ = true;
  }
  /// The client takes all that waits.
  void drain() {
    call_out(ready_, [this] { is_holding_ = false, held_bytes_ = 0; });
  }
  /// The client closes the connection.
  void leave() {
    stop_.request_stop();
    call_out(gone_, [this] { is_gone_ = true; });
    call_out(ready_, [] {});
  }

  /// Waits until the answer is complete. False after `patience`.
  bool wait_ended(std::chrono::milliseconds patience = std::chrono::milliseconds(60'000)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [this] { return has_ended_; });
  }
  /// Waits until the body holds `text`.
  bool wait_for(std::string_view text,
                std::chrono::milliseconds patience = std::chrono::milliseconds(60'000)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience,
                             [&] { return response_.body.find(text) != std::string::npos; });
  }

  Response response() const {
    const std::lock_guard lock(mutex_);
    return response_;
  }
  Headers trailers() const {
    const std::lock_guard lock(mutex_);
    return trailers_;
  }
  bool has_begun() const {
    const std::lock_guard lock(mutex_);
    return has_begun_;
  }
  bool has_ended() const {
    const std::lock_guard lock(mutex_);
    return has_ended_;
  }
  bool is_aborted() const {
    const std::lock_guard lock(mutex_);
    return is_aborted_;
  }
  const std::string& caller() const { return caller_; }
  std::chrono::milliseconds heartbeat() const { return heartbeat_; }
  std::vector<std::pair<std::string, std::string>> notes() const {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

 private:
  template <typename Change>
  void call_out(std::function<void()>& callback, Change change) {
    std::function<void()> call;
    {
      const std::lock_guard lock(mutex_);
      change();
      call = std::exchange(callback, nullptr);
      changed_.notify_all();
    }
    if (call) call();
  }

  Request request_;
  std::stop_source stop_;
  Context context_;
  std::string caller_;
  std::chrono::milliseconds heartbeat_{0};
  mutable std::mutex mutex_;  // Guards all below.
  std::condition_variable changed_;
  Response response_;
  Headers trailers_;
  std::vector<std::pair<std::string, std::string>> notes_;
  std::size_t held_bytes_ = 0;
  bool has_begun_ = false, has_ended_ = false, is_aborted_ = false;
  bool is_gone_ = false, is_holding_ = false;
  std::function<void()> ready_, gone_;
};

}  // namespace slipway::http
