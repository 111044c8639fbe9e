// Upstream calls without a network, for tests: answers by a script, or piece by piece as the test
// says.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/upstream.hpp"

namespace slipway::gateway::detail {

/// What the script lets happen to a call, at once; or it stays open for the test.
struct FakeAnswer {
  int status = 200;
  http::Headers headers;
  std::vector<std::string> pieces;
  std::optional<Error> error;  ///< How it ends, instead of well.
  bool stays_open = false;     ///< After the pieces.
};

/// Safe to use from many threads.
class FakeUpstream final : public http::Upstream {
 public:
  /// One call. The test plays the server.
  class Call final : public http::UpstreamCall {
   public:
    Call(http::ClientRequest request, http::UpstreamTimeouts timeouts, http::UpstreamEvents events)
        : request_(std::move(request)), timeouts_(timeouts), events_(std::move(events)) {}

    const http::ClientRequest& request() const { return request_; }
    const http::UpstreamTimeouts& timeouts() const { return timeouts_; }
    bool is_cancelled() const { return is_cancelled_; }
    /// A call that was answered within `start` is cancelled when its caller has got hold of it.
    bool wait_cancelled() const {
      constexpr int attempts = 3'000;
      for (int i = 0; i < attempts && !is_cancelled_; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return is_cancelled_;
    }
    bool is_paused() const { return is_paused_; }
    bool has_ended() const { return has_ended_; }

    void head(int status, http::Headers headers = {}) {
      if (!has_ended_) events_.on_head(status, std::move(headers));
    }
    /// What comes while it is paused waits.
    void piece(std::string_view bytes) {
      if (is_paused_)
        waiting_.emplace_back(bytes);
      else if (!has_ended_ && !is_cancelled_)
        is_paused_ = !events_.on_body(bytes);
    }
    void end(Result<void> result = {}) {
      if (std::exchange(has_ended_, true)) return;
      const auto on_end = std::exchange(events_, {}).on_end;
      on_end(std::move(result));
    }

    void cancel() override {
      is_cancelled_ = true;
      // A real one ends on the thread of the loop, never within a call of its events.
      if (ends_when_cancelled_) end(fail(Code::cancelled, "cancelled"));
    }
    void resume() override {
      is_paused_ = false;
      for (const std::string& bytes : std::exchange(waiting_, {})) piece(bytes);
    }
    void end_when_cancelled() {
      ends_when_cancelled_ = true;
      if (is_cancelled_) cancel();
    }

   private:
    http::ClientRequest request_;
    http::UpstreamTimeouts timeouts_;
    http::UpstreamEvents events_;
    std::vector<std::string> waiting_;
    std::atomic<bool> is_cancelled_{false};  // Tests read it beside who answers.
    bool is_paused_ = false, has_ended_ = false;
    bool ends_when_cancelled_ = false;
  };

  using Script = std::function<FakeAnswer(const http::ClientRequest&)>;
  explicit FakeUpstream(Script script = {}) : script_(std::move(script)) {}
  void set_script(Script script) { script_ = std::move(script); }

  Result<std::shared_ptr<http::UpstreamCall>> start(http::ClientRequest request,
                                                    http::UpstreamTimeouts timeouts,
                                                    http::UpstreamEvents events) override {
    const auto call = std::make_shared<Call>(std::move(request), timeouts, std::move(events));
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(call);
    }
    if (script_) play(*call, script_(call->request()));
    return std::shared_ptr<http::UpstreamCall>(call);
  }

  std::vector<std::shared_ptr<Call>> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  static void play(Call& call, const FakeAnswer& answer) {
    if (answer.status != 0) call.head(answer.status, answer.headers);
    for (const std::string& piece : answer.pieces) call.piece(piece);
    if (answer.stays_open)
      call.end_when_cancelled();
    else if (answer.error)
      call.end(*answer.error);
    else if (call.is_cancelled())
      call.end(fail(Code::cancelled, "cancelled"));
    else
      call.end();
  }

  Script script_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Call>> calls_;
};

}  // namespace slipway::gateway::detail
