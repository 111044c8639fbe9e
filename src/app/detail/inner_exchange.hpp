// A request that no socket brought: what is served by exchanges can be asked from within.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>

#include "core/json.hpp"
#include "http/server.hpp"

namespace slipway::app::detail {

/// Keeps its answer, at most 4 MB of it. Safe to use from many threads.
class InnerExchange final : public http::Exchange {
 public:
  InnerExchange(const Context& context, http::Request request)
      : request_(std::move(request)), context_(context) {}

  const http::Request& request() const override { return request_; }
  const Context& context() const override { return context_; }
  void set_caller(std::string) override {}
  void note(std::string, std::string) override {}
  void reply(http::Response response) override;
  void begin(int status, http::Headers headers) override;
  bool write(std::string piece) override;
  void end(http::Headers) override;
  void abort() override;
  std::size_t queued_bytes() const override { return 0; }
  void when_drained(std::function<void()> ready) override { ready(); }
  Result<void> wait_drained(const Context&) override { return {}; }
  void when_gone(std::function<void()> gone) override;
  void set_heartbeat(std::chrono::milliseconds) override {}

  /// The answer, or why there is none; then the call is told that nobody waits for it. Fails:
  /// cancelled, deadline_exceeded (the context's, or after ten minutes).
  Result<http::Response> wait();

 private:
  const http::Request request_;
  const Context context_;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  http::Response response_;
  std::function<void()> gone_;
  bool has_ended_ = false, is_gone_ = false;
};

/// The value of a good answer. Fails: unavailable with what the answer says is wrong.
Result<json::Value> value_of_response(const http::Response& response);

}  // namespace slipway::app::detail
