// curl's multi interface as a guest of reactors: a call runs on the thread that starts it, if that
// is a reactor's, else on one of this upstream's own.
//
// curl says which sockets it watches and takes most of that back at the end of every transfer; the
// registration of a connection that is kept alive is left as it is (two system calls less a call)
// and dropped when the socket is closed or speaks while nobody listens.
#include "http/upstream.hpp"

#include <unistd.h>

#include <future>
#include <unordered_map>
#include <vector>

#include "core/fault.hpp"
#include "core/guarded.hpp"
#include "http/detail/reactor.hpp"
#include "http/detail/upstream_call.hpp"

namespace slipway::http {

namespace {

using detail::Call;
using detail::CallControl;
using detail::Easy;
using detail::TimePoint;

constexpr std::size_t idle_handles_max = 256;
constexpr std::size_t targets_max = 1024;

/// What the loops of one upstream share.
class Common {
 public:
  explicit Common(Upstream::Options given) : options(given) {}

  const Upstream::Options options;
  std::atomic<std::size_t> calls{0};

  Result<void> admit() {
    if (calls.fetch_add(1) < options.calls_max) return {};
    --calls;
    return fail(Code::unavailable, "{} outgoing calls are running, which is the limit; try again",
                options.calls_max);
  }

  /// The same few URLs are called over and over: parsing each time is a twentieth of a call.
  Result<detail::Target> target_of(const std::string& url) {
    const auto known = targets_.with([&](Targets& all) -> std::optional<detail::Target> {
      const auto found = all.find(url);
      if (found == all.end()) return std::nullopt;
      return found->second;
    });
    if (known) return *known;
    const auto target = TRY(detail::check_url(url));
    targets_.with([&](Targets& all) {
      if (all.size() >= targets_max) all.clear();
      all.emplace(url, target);
    });
    return target;
  }

 private:
  using Targets = std::unordered_map<std::string, detail::Target>;
  Guarded<Targets> targets_;
};

/// On its reactor's thread, but for `tell` and `leave`.
class Loop final : public CallControl,
                   public detail::Guest,
                   public detail::Watcher,
                   public std::enable_shared_from_this<Loop> {
 public:
  Loop(std::shared_ptr<detail::Reactor> reactor, std::shared_ptr<Common> common)
      : reactor_(std::move(reactor)), common_(std::move(common)) {}
  ~Loop() override { close(); }

  Result<void> open() {
    detail::start_curl();
    multi_ = curl_multi_init();
    if (multi_ == nullptr) return fail(Code::unavailable, "no memory is left for outgoing calls");
    const Upstream::Options& options = common_->options;
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Loop::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Loop::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(options.idle_connections_max));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options.connections_per_host_max));
    return {};
  }

  bool tell(std::shared_ptr<Call> call, Wish wish) override {
    if (has_ended_) return false;
    if (!reactor_->is_here())
      return reactor_->post(
          [loop = shared_from_this(), call = std::move(call), wish] { loop->tell(call, wish); });
    // From within curl's callbacks nothing may be asked of it: a wish waits for its turn.
    wishes_.emplace_back(std::move(call), wish);
    return true;
  }
  void set_deadline(detail::Timed& timed, TimePoint at) override { deadlines_.set(timed, at); }
  void opened(int fd) override { watches_[fd] = {.is_ours = true}; }

  TimePoint next() const override {
    return wishes_.empty() ? std::min(curl_at_, deadlines_.next()) : TimePoint::min();
  }
  void turn(TimePoint now) override {
    grant_wishes();
    look_at_time(now);
    take_results();
  }
  void end() override {
    if (has_ended_) return;
    grant_wishes();
    while (!running_.empty()) cancel(running_.begin()->second->shared_from_this());
    has_ended_ = true;
    close();
    ended_.set_value();
  }
  /// Ends it before its reactor does; from any thread.
  void leave(const void* key) {
    const auto go = [loop = shared_from_this(), key] {
      loop->end();
      loop->reactor_->dismiss(key);
    };
    if (reactor_->is_here()) return go();
    reactor_->post(go);  // Or the reactor is ending it just now.
    ended_.get_future().wait();
  }

  void on_ready(int fd, std::uint32_t events) override {
    const auto found = watches_.find(fd);
    if (found == watches_.end() || found->second.wanted == 0) {
      // An idle connection that its peer closes: curl finds out when it wants to use it.
      reactor_->forget(fd);
      if (found != watches_.end()) found->second.is_known = false;
      return;
    }
    int what = 0;
    if (events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
    if (events & EPOLLOUT) what |= CURL_CSELECT_OUT;
    if (events & EPOLLERR) what |= CURL_CSELECT_ERR;
    int running = 0;
    curl_multi_socket_action(multi_, fd, what, &running);
  }

 private:
  struct Watch {
    std::uint32_t wanted = 0;      ///< What curl wants to hear of.
    std::uint32_t registered = 0;  ///< What the reactor was asked for.
    bool is_known = false;         ///< To the reactor.
    bool is_ours = false;          ///< Its end is told by `on_close`.
  };

  void close() {
    idle_handles_.clear();
    if (multi_ != nullptr) curl_multi_cleanup(std::exchange(multi_, nullptr));
  }

  static int on_timer(CURLM*, long timeout_ms, void* self) {
    Loop& loop = *static_cast<Loop*>(self);
    loop.curl_at_ = timeout_ms < 0
                        ? TimePoint::max()
                        : std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    return 0;
  }

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    Loop& loop = *static_cast<Loop*>(self);
    Watch& watch = loop.watches_[fd];
    watch.wanted = 0;
    if (what & CURL_POLL_IN) watch.wanted |= EPOLLIN;
    if (what & CURL_POLL_OUT) watch.wanted |= EPOLLOUT;
    if (what != CURL_POLL_REMOVE && what != CURL_POLL_NONE)
      loop.watch(fd, watch);
    else if (!watch.is_ours)
      loop.forget(fd);  // The resolver's: closed in silence, and its number used again.
    return 0;
  }

  void watch(int fd, Watch& watch) {
    if (watch.is_known && watch.registered == watch.wanted) return;
    watch.is_known = reactor_->watch(fd, watch.wanted, *this);
    watch.registered = watch.wanted;
  }

  void forget(int fd) {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    if (found->second.is_known) reactor_->forget(fd);
    watches_.erase(found);
  }

  static int on_close(void* self, curl_socket_t fd) {
    static_cast<Loop*>(self)->forget(fd);
    return ::close(fd);
  }

  void look_at_time(TimePoint now) {
    int running = 0;
    // A few rounds: what curl does at once sets its timer to now again.
    for (int round = 0; round < 8 && curl_at_ <= now; ++round) {
      curl_at_ = TimePoint::max();
      curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    if (deadlines_.next() > now) return;
    for (detail::Timed* timed : deadlines_.take_due(now)) {
      Call& call = *static_cast<Call*>(timed);
      call.on_deadline(now);
      if (call.is_over_time()) end(call.shared_from_this(), CURLE_OPERATION_TIMEDOUT);
    }
  }

  void grant_wishes() {
    for (auto& [call, wish] : std::exchange(wishes_, {})) {
      if (wish == Wish::start)
        begin(std::move(call));
      else if (wish == Wish::resume)
        go_on(call);
      else
        cancel(call);
    }
  }

  void begin(std::shared_ptr<Call> call) {
    Easy easy;
    if (idle_handles_.empty()) {
      easy.reset(curl_easy_init());
      SLIPWAY_ASSERT(easy != nullptr);
      Call::prepare(easy.get());
      detail::set_option(easy.get(), CURLOPT_CLOSESOCKETFUNCTION, &Loop::on_close);
      detail::set_option(easy.get(), CURLOPT_CLOSESOCKETDATA, this);
    } else {
      easy = std::move(idle_handles_.back());
      idle_handles_.pop_back();
    }
    Call* const raw = call.get();
    running_.emplace(raw, std::move(call));
    raw->begin(std::move(easy), *this);
    SLIPWAY_ASSERT(curl_multi_add_handle(multi_, raw->handle()) == CURLM_OK);
  }

  void go_on(const std::shared_ptr<Call>& call) {
    if (const CURLcode code = call->go_on(); code != CURLE_OK) end(call, code);
  }

  std::shared_ptr<Call> release(Call& call, bool is_sound) {
    const auto found = running_.find(&call);
    if (found == running_.end()) return nullptr;
    std::shared_ptr<Call> kept = std::move(found->second);
    running_.erase(found);
    deadlines_.drop(call);
    curl_multi_remove_handle(multi_, call.handle());
    Easy easy = call.take_handle();
    if (is_sound && idle_handles_.size() < idle_handles_max)
      idle_handles_.push_back(std::move(easy));
    --common_->calls;
    return kept;
  }

  void end(const std::shared_ptr<Call>& call, CURLcode code) {
    if (release(*call, code == CURLE_OK)) call->finish(code);
  }

  void cancel(const std::shared_ptr<Call>& call) {
    if (release(*call, false)) call->finish(fail(Code::cancelled, "the call was cancelled"));
  }

  void take_results() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* raw = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &raw);
      const CURLcode code = message->data.result;  // The message dies with the handle.
      end(reinterpret_cast<Call*>(raw)->shared_from_this(), code);
    }
  }

  const std::shared_ptr<detail::Reactor> reactor_;
  const std::shared_ptr<Common> common_;
  CURLM* multi_ = nullptr;
  TimePoint curl_at_ = TimePoint::max();
  detail::Deadlines deadlines_;
  std::vector<std::pair<std::shared_ptr<Call>, Wish>> wishes_;
  std::unordered_map<Call*, std::shared_ptr<Call>> running_;
  std::unordered_map<int, Watch> watches_;
  std::vector<Easy> idle_handles_;
  std::atomic<bool> has_ended_{false};
  std::promise<void> ended_;
};

class CurlUpstream final : public Upstream {
 public:
  CurlUpstream(Options options, std::shared_ptr<detail::Reactor> reactor)
      : common_(std::make_shared<Common>(options)), reactor_(std::move(reactor)) {}
  ~CurlUpstream() override {
    for (const auto& loop : loops_.with([](Loops& loops) { return std::exchange(loops, {}); }))
      loop->leave(this);
    reactor_->stop();
  }

  Result<void> open() {
    own_ = std::make_shared<Loop>(reactor_, common_);
    TRY(own_->open());
    reactor_->admit(this, own_);
    reactor_->start("upstream");
    return {};
  }

  Result<std::shared_ptr<UpstreamCall>> start(ClientRequest request, UpstreamTimeouts timeouts,
                                              UpstreamEvents events) override {
    TRY(detail::check_head(request));
    const auto target = TRY(common_->target_of(request.url));
    TRY(fault_point(FaultKind::network, "call"));
    const auto loop = TRY(loop_here());
    TRY(common_->admit());
    auto call =
        std::make_shared<Call>(loop, Call::Setting{std::move(request), timeouts, std::move(events),
                                                   target, common_->options.reach});
    if (loop->tell(call, CallControl::Wish::start))
      return std::shared_ptr<UpstreamCall>(std::move(call));
    --common_->calls;
    return fail(Code::unavailable, "{}: the server is ending", redact_url(call->url()));
  }

 private:
  using Loops = std::vector<std::shared_ptr<Loop>>;

  Result<std::shared_ptr<Loop>> loop_here() {
    detail::Reactor* const here = detail::Reactor::here();
    if (here == nullptr) return own_;
    if (auto known = here->guest(this)) return std::static_pointer_cast<Loop>(std::move(known));
    auto loop = std::make_shared<Loop>(here->shared_from_this(), common_);
    TRY(loop->open());
    if (!here->admit(this, loop)) return own_;
    loops_.with([&](Loops& loops) { loops.push_back(loop); });
    return loop;
  }

  const std::shared_ptr<Common> common_;
  const std::shared_ptr<detail::Reactor> reactor_;
  std::shared_ptr<Loop> own_;  ///< For threads that are no reactor's.
  Guarded<Loops> loops_;       ///< On reactors of others.
};

}  // namespace

Result<std::unique_ptr<Upstream>> Upstream::make(Options options) {
  auto upstream = std::make_unique<CurlUpstream>(options, TRY(detail::Reactor::make()));
  TRY(upstream->open());
  return std::unique_ptr<Upstream>(std::move(upstream));
}

}  // namespace slipway::http
