// One thread, one epoll, one curl multi handle.
//
// curl says which sockets it watches and takes most of that back at the end of every transfer; the
// registration of a connection that is kept alive is left as it is (two system calls less a call)
// and dropped when the socket is closed or speaks while nobody listens.
#include "http/upstream.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <pthread.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/fault.hpp"
#include "http/detail/upstream_call.hpp"

namespace slipway::http {

namespace {

using detail::Call;
using detail::CallControl;
using detail::Easy;
using detail::TimePoint;

constexpr std::size_t idle_handles_max = 256;
constexpr std::chrono::milliseconds longest_sleep{60'000};

class Loop final : public CallControl, public std::enable_shared_from_this<Loop> {
 public:
  explicit Loop(Upstream::Options options) : options_(options) {}
  ~Loop() override {
    idle_handles_.clear();
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
    if (epoll_ >= 0) ::close(epoll_);
    if (wake_ >= 0) ::close(wake_);
  }

  Result<void> open() {
    detail::start_curl();
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    multi_ = curl_multi_init();
    if (epoll_ < 0 || wake_ < 0 || multi_ == nullptr)
      return fail(Code::unavailable, "no descriptors are left for outgoing calls");
    epoll_event event{EPOLLIN, {.fd = wake_}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Loop::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Loop::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(options_.idle_connections_max));
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS,
                      static_cast<long>(options_.connections_per_host_max));
    return {};
  }

  void run() {
    std::array<epoll_event, 256> events;
    while (!is_ending_) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), sleep_ms());
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == wake_)
          take_wishes();
        else
          act(events[i].data.fd, events[i].events);
      }
      look_at_time();
      take_results();
    }
    end_all();
  }

  // From any thread.
  Result<void> admit() {
    if (calls_.fetch_add(1) < options_.calls_max) return {};
    --calls_;
    return fail(Code::unavailable, "{} outgoing calls are running, which is the limit; try again",
                options_.calls_max);
  }
  void tell(std::shared_ptr<Call> call, Wish wish) override {
    bool is_first = false;
    {
      const std::lock_guard lock(mutex_);
      if (is_closed_) return;
      is_first = wishes_.empty();
      wishes_.emplace_back(std::move(call), wish);
    }
    if (is_first) wake();
  }
  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    is_ending_ = true;
    wake();
  }

  void set_deadline(detail::Timed& timed, TimePoint at) override { deadlines_.set(timed, at); }
  void opened(int fd) override { watches_[fd] = {.is_ours = true}; }

 private:
  struct Watch {
    std::uint32_t wanted = 0;      ///< What curl wants to hear of.
    std::uint32_t registered = 0;  ///< What epoll was asked for.
    bool is_known = false;         ///< To epoll.
    bool is_ours = false;          ///< Its end is told by `on_close`.
  };

  void wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  }

  int sleep_ms() const {
    const TimePoint first = std::min(curl_at_, deadlines_.next());
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(first - std::chrono::steady_clock::now());
    if (first == TimePoint::max() || left > longest_sleep)
      return static_cast<int>(longest_sleep.count());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
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
    epoll_event event{watch.wanted, {.fd = fd}};
    const int how = watch.is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(epoll_, how, fd, &event) != 0 && errno == EEXIST)
      epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
    watch.is_known = true;
    watch.registered = watch.wanted;
  }

  void forget(int fd) {
    const auto found = watches_.find(fd);
    if (found == watches_.end()) return;
    // Closing alone may not do: a child process may hold the socket open for a moment.
    if (found->second.is_known) epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
    watches_.erase(found);
  }

  static int on_close(void* self, curl_socket_t fd) {
    static_cast<Loop*>(self)->forget(fd);
    return ::close(fd);
  }

  void act(int fd, std::uint32_t events) {
    const auto found = watches_.find(fd);
    if (found == watches_.end() || found->second.wanted == 0) {
      // An idle connection that its peer closes: curl finds out when it wants to use it.
      epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
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

  void look_at_time() {
    int running = 0;
    TimePoint now = std::chrono::steady_clock::now();
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

  void take_wishes() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto size = ::read(wake_, &count, sizeof count);
    std::vector<std::pair<std::shared_ptr<Call>, Wish>> wishes;
    {
      const std::lock_guard lock(mutex_);
      wishes.swap(wishes_);
    }
    for (auto& [call, wish] : wishes) {
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

  std::shared_ptr<Call> release(Call& call) {
    const auto found = running_.find(&call);
    if (found == running_.end()) return nullptr;
    std::shared_ptr<Call> kept = std::move(found->second);
    running_.erase(found);
    deadlines_.drop(call);
    curl_multi_remove_handle(multi_, call.handle());
    Easy easy = call.take_handle();
    if (idle_handles_.size() < idle_handles_max) idle_handles_.push_back(std::move(easy));
    --calls_;
    return kept;
  }

  void end(const std::shared_ptr<Call>& call, CURLcode code) {
    if (release(*call)) call->finish(code);
  }

  void cancel(const std::shared_ptr<Call>& call) {
    if (release(*call)) call->finish(fail(Code::cancelled, "the call was cancelled"));
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

  void end_all() {
    take_wishes();
    while (!running_.empty()) cancel(running_.begin()->second->shared_from_this());
    idle_handles_.clear();
  }

  const Upstream::Options options_;
  int epoll_ = -1;
  int wake_ = -1;
  CURLM* multi_ = nullptr;
  std::atomic<std::size_t> calls_{0};
  std::atomic<bool> is_ending_{false};

  std::mutex mutex_;
  bool is_closed_ = false;
  std::vector<std::pair<std::shared_ptr<Call>, Wish>> wishes_;

  // The loop's thread only.
  TimePoint curl_at_ = TimePoint::max();
  detail::Deadlines deadlines_;
  std::unordered_map<Call*, std::shared_ptr<Call>> running_;
  std::unordered_map<int, Watch> watches_;
  std::vector<Easy> idle_handles_;
};

class CurlUpstream final : public Upstream {
 public:
  CurlUpstream(std::shared_ptr<Loop> loop, Reach reach) : loop_(std::move(loop)), reach_(reach) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([loop = loop_] {
      pthread_setname_np(pthread_self(), "upstream");
      loop->run();
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  ~CurlUpstream() override {
    loop_->stop();
    thread_.join();
  }

  Result<std::shared_ptr<UpstreamCall>> start(ClientRequest request, UpstreamTimeouts timeouts,
                                              UpstreamEvents events) override {
    const auto target = TRY(detail::check_request(request));
    TRY(fault_point(FaultKind::network, "call"));
    TRY(loop_->admit());
    auto call = std::make_shared<Call>(
        loop_, Call::Setting{std::move(request), timeouts, std::move(events), target, reach_});
    loop_->tell(call, CallControl::Wish::start);
    return std::shared_ptr<UpstreamCall>(std::move(call));
  }

 private:
  const std::shared_ptr<Loop> loop_;
  const Reach reach_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Upstream>> Upstream::make(Options options) {
  auto loop = std::make_shared<Loop>(options);
  TRY(loop->open());
  return std::unique_ptr<Upstream>(std::make_unique<CurlUpstream>(std::move(loop), options.reach));
}

}  // namespace slipway::http
