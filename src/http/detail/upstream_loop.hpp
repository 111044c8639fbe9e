// The upstream calls of one reactor: connections kept alive by origin, deadlines, wishes.
//
// curl makes connections (names, proxies, which of many addresses), as a guest of the reactor too;
// its sockets are then taken over. Calls that only go over the wire never meet it.
#pragma once

#include <atomic>
#include <deque>
#include <future>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/guarded.hpp"
#include "http/detail/upstream_call.hpp"

namespace slipway::http::detail {

/// What the loops of one upstream share. Safe to use from many threads.
class UpstreamShared {
 public:
  explicit UpstreamShared(Upstream::Options given) : options(std::move(given)) {}

  const Upstream::Options options;
  std::atomic<std::size_t> calls{0};

  /// Fails: unavailable (`calls_max`).
  Result<void> admit();
  /// The same few URLs are called over and over: parsing each time is a twentieth of a call.
  Result<std::shared_ptr<const Target>> target_of(const std::string& url);
  /// Loaded when the first call needs it. Fails: invalid_argument.
  Result<SslContext> tls();

 private:
  using Targets = std::unordered_map<std::string, std::shared_ptr<const Target>>;
  Guarded<Targets> targets_;
  Guarded<SslContext> tls_;
};

/// Where calls of one scheme, host and port meet.
struct Origin {
  struct Idle {
    std::unique_ptr<Wire> wire;
    TimePoint since;
  };
  std::string name;
  std::deque<Idle> idle;  ///< The youngest at the end.
  std::size_t wires = 0;  ///< Idle, in use, or being made.
  std::deque<std::shared_ptr<Call>> waiting;
};

/// On its reactor's thread, but for `tell` and `leave`.
class UpstreamLoop final : public CallControl,
                           public Guest,
                           public Watcher,
                           public Speaker,
                           public std::enable_shared_from_this<UpstreamLoop> {
 public:
  UpstreamLoop(std::shared_ptr<Reactor> reactor, std::shared_ptr<UpstreamShared> shared)
      : reactor_(std::move(reactor)), shared_(std::move(shared)) {}
  ~UpstreamLoop() override { close(); }
  /// Fails: unavailable.
  Result<void> open();

  bool tell(std::shared_ptr<Call> call, Wish wish) override;
  void set_deadline(Timed& timed, TimePoint at) override { deadlines_.set(timed, at); }
  std::span<char> buffer() override { return buffer_; }
  void connect_again(Call& call) override { connect(call); }
  void done(Call& call, std::unique_ptr<Wire> wire, Result<void> result) override;

  TimePoint next() const override;
  void turn(TimePoint now) override;
  void end() override;
  /// Ends it before its reactor does; from any thread.
  void leave(const void* key);

  /// Of a socket that curl watches.
  void on_ready(int fd, std::uint32_t events) override;
  /// Of an idle connection: its peer has closed it, or speaks unasked.
  void on_wire(Wire& wire) override;

 private:
  static int on_timer(CURLM*, long timeout_ms, void* self);
  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*);
  static int on_close(void* self, curl_socket_t fd);

  void close();
  void grant_wishes();
  void begin(std::shared_ptr<Call> call);
  void place(const std::shared_ptr<Call>& call);
  void connect(Call& call);
  void take_connections();
  Result<std::unique_ptr<Wire>> take_over(Call& call, CURL* easy);
  void drop_connecting(Call& call);
  void keep(Origin& origin, std::unique_ptr<Wire> wire);
  void lose_wire(Origin& origin);
  void look_at_time(TimePoint now);

  const std::shared_ptr<Reactor> reactor_;
  const std::shared_ptr<UpstreamShared> shared_;
  CURLM* multi_ = nullptr;
  TimePoint curl_at_ = TimePoint::max();
  Deadlines deadlines_;
  std::vector<char> buffer_;
  std::vector<std::pair<std::shared_ptr<Call>, Wish>> wishes_;
  std::unordered_map<Call*, std::shared_ptr<Call>> running_;
  std::unordered_map<Call*, Easy> connecting_;
  std::unordered_map<std::string, Origin> origins_;
  std::size_t idle_ = 0;
  int taken_ = -1;  ///< The socket that curl must not close, since it is ours now.
  std::atomic<bool> has_ended_{false};
  std::promise<void> ended_;
};

}  // namespace slipway::http::detail
