// One exchange between its handler's threads and its connection's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "http/detail/coding.hpp"
#include "http/detail/edge.hpp"
#include "http/detail/outbox.hpp"
#include "http/detail/response_head.hpp"
#include "http/server.hpp"

namespace slipway::http::detail {

class Connection;

/// Answers are made into bytes on the handler's thread and wait here until the edge takes them.
class ExchangeCore final : public Exchange, public std::enable_shared_from_this<ExchangeCore> {
 public:
  ExchangeCore(std::shared_ptr<Edge> edge, Connection& connection);
  ~ExchangeCore() override;

  const Request& request() const override { return request_; }
  const Context& context() const override { return context_; }
  void set_caller(std::string caller) override;
  void note(std::string key, std::string value) override;
  void reply(Response response) override;
  void begin(int status, Headers headers) override;
  bool write(std::string piece) override;
  void end(Headers trailers) override;
  void abort() override;
  std::size_t queued_bytes() const override { return queued_; }
  void when_drained(std::function<void()> ready) override;
  Result<void> wait_drained(const Context& context) override;
  void when_gone(std::function<void()> gone) override;
  void set_heartbeat(std::chrono::milliseconds silence) override;
  void compress_events() override;

  // What follows is for the edge's thread.

  /// Filled before the handler sees it.
  Request& request_to_fill() { return request_; }
  struct Wire {
    int minor_version = 1;
    bool keeps_alive = true;
    bool takes_trailers = false;
  };
  /// After the request is filled, before the handler gets it.
  void make_ready(const Wire& wire);
  /// The answer to come is the connection's last.
  void close_afterwards() { wire_.keeps_alive = false; }
  /// For the handler; when the last copy is let go, an answer is due.
  ExchangePtr handle();
  /// The request's body is charged to the server's limit. False: the limit is reached.
  bool charge_body();

  struct Taken {
    bool is_ended = false, is_aborted = false, keeps_alive = true;
  };
  /// Moves what waits to `out`.
  Taken take(Outbox& out);
  /// `bytes` of it have left.
  void sent(std::size_t bytes);
  /// The client has gone.
  void leave();
  /// The connection is done with it: complete, or broken before.
  void detach();
  /// Runs what waits for being drained or gone. On the edge's thread, without a lock.
  void run_callbacks();
  /// Asks the connection to take, or to look after what waits for it.
  void serve();
  /// Queues a comment if events are between two events. False: not now.
  bool beat();
  std::chrono::milliseconds heartbeat() const {
    return std::chrono::milliseconds(heartbeat_ms_.load(std::memory_order_relaxed));
  }
  bool is_begun() const;
  /// Once, at the end: what was noted moves into it.
  AccessRecord record();

 private:
  enum class Phase { waiting, replying, streaming, ended };

  void let_go();
  ResponseHead head_of(int status, const Headers& headers) const;
  bool keeps_alive_after(const Headers& headers) const;
  bool has_no_body(int status) const;
  Coding coding_for(const Headers& headers, int status) const;
  std::string pack(Response& response);
  void append_piece(std::string piece, Outbox& bytes);
  enum class Then { go_on, end };
  /// Puts bytes behind those that wait and tells the edge. False: the client has gone.
  bool queue(Outbox bytes, Then then);
  /// Tells the edge that something waits; releases the lock before.
  void notify(std::unique_lock<std::mutex>& lock);
  bool is_drained() const;

  const std::shared_ptr<Edge> edge_;
  Connection* connection_;  ///< Edge's thread only; null when the connection is done with it.
  Request request_;
  std::stop_source stop_;
  Context context_;
  std::size_t charged_ = 0;
  Wire wire_;

  /// Held by the handler's calls one after the other, also while they compress; so the edge never
  /// waits for it.
  mutable std::mutex producer_mutex_;
  Phase phase_ = Phase::waiting;
  BodyForm form_ = BodyForm::none;
  std::uint64_t length_left_ = 0;  ///< With BodyForm::length, of a begun body.
  std::unique_ptr<Encoder> encoder_;
  bool compresses_events_ = false;
  bool is_events_ = false;
  bool is_between_events_ = true;

  /// Held for moments only.
  mutable std::mutex mutex_;
  Outbox outbox_;
  bool is_ended_ = false;
  bool is_aborted_ = false;
  bool is_gone_ = false;
  bool is_detached_ = false;
  bool is_notified_ = false;
  bool keeps_alive_ = true;
  int status_ = 0;
  std::string caller_;
  std::vector<std::pair<std::string, std::string>> notes_;
  std::function<void()> on_drained_;
  std::function<void()> on_gone_;
  std::unique_ptr<std::condition_variable_any> drained_;  ///< Made by who waits.
  std::atomic<std::size_t> queued_{0};
  std::atomic<std::int64_t> heartbeat_ms_{0};
};

}  // namespace slipway::http::detail
