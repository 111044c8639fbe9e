#include "http/detail/upstream_loop.hpp"

#include <unistd.h>

#include <algorithm>

namespace slipway::http::detail {

namespace {

constexpr std::size_t buffer_bytes = 64u << 10;
constexpr std::size_t targets_max = 1024;
/// Older ones have mostly been closed by the other side, or by something between.
constexpr std::chrono::seconds idle_longest{118};

}  // namespace

Result<void> UpstreamShared::admit() {
  if (calls.fetch_add(1) < options.calls_max) return {};
  --calls;
  return fail(Code::unavailable, "{} outgoing calls are running, which is the limit; try again",
              options.calls_max);
}

Result<std::shared_ptr<const Target>> UpstreamShared::target_of(const std::string& url) {
  auto known = targets_.with([&](const Targets& all) -> std::shared_ptr<const Target> {
    const auto found = all.find(url);
    return found == all.end() ? nullptr : found->second;
  });
  if (known) return known;
  known = std::make_shared<const Target>(TRY(check_url(url)));
  targets_.with([&](Targets& all) {
    if (all.size() >= targets_max) all.clear();
    all.emplace(url, known);
  });
  return known;
}

Result<SslContext> UpstreamShared::tls() {
  return tls_.with([&](SslContext& context) -> Result<SslContext> {
    if (!context) context = TRY(trust_servers(options.ca_file));
    return context;
  });
}

Result<void> UpstreamLoop::open() {
  start_curl();
  multi_ = curl_multi_init();
  if (multi_ == nullptr) return fail(Code::unavailable, "no memory is left for outgoing calls");
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &UpstreamLoop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &UpstreamLoop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  buffer_.resize(buffer_bytes);
  return {};
}

void UpstreamLoop::close() {
  origins_.clear();
  if (multi_ == nullptr) return;
  for (const auto& [call, easy] : connecting_) curl_multi_remove_handle(multi_, easy.get());
  connecting_.clear();
  curl_multi_cleanup(std::exchange(multi_, nullptr));
}

bool UpstreamLoop::tell(std::shared_ptr<Call> call, Wish wish) {
  if (has_ended_) return false;
  if (!reactor_->is_here())
    return reactor_->post(
        [loop = shared_from_this(), call = std::move(call), wish] { loop->tell(call, wish); });
  // In the midst of a call's event nothing may happen to it: a wish waits for its turn.
  wishes_.emplace_back(std::move(call), wish);
  return true;
}

TimePoint UpstreamLoop::next() const {
  return wishes_.empty() ? std::min(curl_at_, deadlines_.next()) : TimePoint::min();
}

void UpstreamLoop::turn(TimePoint now) {
  grant_wishes();
  look_at_time(now);
  if (!connecting_.empty()) take_connections();
}

void UpstreamLoop::end() {
  if (has_ended_) return;
  grant_wishes();
  has_ended_ = true;  // What an end starts now is refused.
  while (!running_.empty())
    done(*running_.begin()->first, nullptr, fail(Code::cancelled, "the call was cancelled"));
  close();
  ended_.set_value();
}

void UpstreamLoop::leave(const void* key) {
  const auto go = [loop = shared_from_this(), key] {
    loop->end();
    loop->reactor_->dismiss(key);
  };
  if (reactor_->is_here()) return go();
  reactor_->post(go);  // Or the reactor is ending it just now.
  ended_.get_future().wait();
}

void UpstreamLoop::grant_wishes() {
  for (auto& [call, wish] : std::exchange(wishes_, {})) {
    if (wish == Wish::start)
      begin(std::move(call));
    else if (wish == Wish::resume)
      call->go_on();
    else
      done(*call, nullptr, fail(Code::cancelled, "the call was cancelled"));
  }
}

void UpstreamLoop::begin(std::shared_ptr<Call> call) {
  Origin& origin = origins_[call->target().origin];
  if (origin.name.empty()) origin.name = call->target().origin;
  call->origin = &origin;
  running_.emplace(call.get(), call);
  call->begin(*this);
  const std::size_t most = shared_->options.connections_per_host_max;
  if (origin.idle.empty() && most > 0 && origin.wires >= most)
    origin.waiting.push_back(std::move(call));
  else
    place(call);
}

/// Gives it a connection that stands, or makes one.
void UpstreamLoop::place(const std::shared_ptr<Call>& call) {
  Origin& origin = *call->origin;
  if (!origin.idle.empty()) {
    --idle_;
    Origin::Idle last = std::move(origin.idle.back());
    origin.idle.pop_back();
    if (std::chrono::steady_clock::now() - last.since < idle_longest)
      return call->speak(std::move(last.wire), true);
    origin.wires -= origin.idle.size() + 1;  // The others are older still.
    idle_ -= origin.idle.size();
    origin.idle.clear();
  }
  ++origin.wires;
  connect(*call);
}

void UpstreamLoop::connect(Call& call) {
  Easy easy(curl_easy_init());
  SLIPWAY_ASSERT(easy != nullptr);
  CURL* const raw = easy.get();
  call.set_up(raw);
  set_option(raw, CURLOPT_PRIVATE, &call);
  set_option(raw, CURLOPT_CLOSESOCKETFUNCTION, &UpstreamLoop::on_close);
  set_option(raw, CURLOPT_CLOSESOCKETDATA, this);
  connecting_.emplace(&call, std::move(easy));
  SLIPWAY_ASSERT(curl_multi_add_handle(multi_, raw) == CURLM_OK);
}

void UpstreamLoop::take_connections() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* raw = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &raw);
    const auto call = reinterpret_cast<Call*>(raw)->shared_from_this();
    CURL* const easy = message->easy_handle;
    const CURLcode code = message->data.result;  // The message dies with the handle.
    auto wire = code == CURLE_OK ? take_over(*call, easy) : call->connect_error(code);
    drop_connecting(*call);
    if (wire)
      call->speak(std::move(*wire), false);
    else
      done(*call, nullptr, wire.error());
  }
}

/// The socket becomes ours; curl's handle may go.
Result<std::unique_ptr<Wire>> UpstreamLoop::take_over(Call& call, CURL* easy) {
  curl_tlssessioninfo* tls = nullptr;
  if (curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls != nullptr &&
      tls->internals != nullptr)
    return fail(Code::unavailable, "{}: proxies that are spoken to over TLS are not supported",
                redact_url(call.url()));
  const SslContext context = call.target().is_secure ? TRY(shared_->tls()) : nullptr;
  curl_socket_t fd = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
  if (fd == CURL_SOCKET_BAD)
    return fail(Code::unavailable, "{}: the connection was closed", redact_url(call.url()));
  taken_ = fd;
  return std::make_unique<Wire>(*reactor_, fd, context, call.target().host);
}

void UpstreamLoop::drop_connecting(Call& call) {
  const auto found = connecting_.find(&call);
  if (found == connecting_.end()) return;
  curl_multi_remove_handle(multi_,
                           found->second.get());  // Closes its connection, unless it is taken over.
  connecting_.erase(found);
  taken_ = -1;
}

void UpstreamLoop::done(Call& call, std::unique_ptr<Wire> wire, Result<void> result) {
  const auto found = running_.find(&call);
  if (found == running_.end()) return;
  const std::shared_ptr<Call> kept = std::move(found->second);
  running_.erase(found);
  deadlines_.drop(call);
  --shared_->calls;
  Origin& origin = *std::exchange(call.origin, nullptr);
  const auto waits = std::find(origin.waiting.begin(), origin.waiting.end(), kept);
  if (waits != origin.waiting.end()) {
    origin.waiting.erase(waits);
  } else {
    drop_connecting(call);
    const std::unique_ptr<Wire> broken = call.take_wire();
    if (wire)
      keep(origin, std::move(wire));
    else
      lose_wire(origin);
  }
  kept->finish(std::move(result));
}

/// Keeps it for the next call, or gives it to one that waits.
void UpstreamLoop::keep(Origin& origin, std::unique_ptr<Wire> wire) {
  if (!origin.waiting.empty()) {
    const auto next = std::move(origin.waiting.front());
    origin.waiting.pop_front();
    return next->speak(std::move(wire), true);
  }
  if (idle_ >= shared_->options.idle_connections_max) {
    if (origin.idle.empty()) return lose_wire(origin);
    origin.idle.pop_front();
    --origin.wires;
    --idle_;
  }
  wire->listen(this);
  origin.idle.push_back({std::move(wire), std::chrono::steady_clock::now()});
  ++idle_;
}

void UpstreamLoop::lose_wire(Origin& origin) {
  --origin.wires;
  if (!origin.waiting.empty()) {
    const auto next = std::move(origin.waiting.front());
    origin.waiting.pop_front();
    place(next);
  } else if (origin.wires == 0) {
    origins_.erase(std::string(origin.name));
  }
}

void UpstreamLoop::on_wire(Wire& wire) {
  for (auto& [name, origin] : origins_) {
    const auto found = std::find_if(origin.idle.begin(), origin.idle.end(),
                                    [&](const auto& idle) { return idle.wire.get() == &wire; });
    if (found == origin.idle.end()) continue;
    --idle_;
    const std::unique_ptr<Wire> gone = std::move(found->wire);
    origin.idle.erase(found);
    return lose_wire(origin);
  }
}

void UpstreamLoop::look_at_time(TimePoint now) {
  int running = 0;
  // A few rounds: what curl does at once sets its timer to now again.
  for (int round = 0; round < 8 && curl_at_ <= now; ++round) {
    curl_at_ = TimePoint::max();
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  if (deadlines_.next() > now) return;
  for (Timed* timed : deadlines_.take_due(now)) {
    const auto call = static_cast<Call*>(timed)->shared_from_this();
    call->on_deadline(now);
  }
}

void UpstreamLoop::on_ready(int fd, std::uint32_t events) {
  int what = 0;
  if (events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) what |= CURL_CSELECT_OUT;
  if (events & EPOLLERR) what |= CURL_CSELECT_ERR;
  int running = 0;
  curl_multi_socket_action(multi_, fd, what, &running);
}

int UpstreamLoop::on_timer(CURLM*, long timeout_ms, void* self) {
  UpstreamLoop& loop = *static_cast<UpstreamLoop*>(self);
  loop.curl_at_ = timeout_ms < 0
                      ? TimePoint::max()
                      : std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  return 0;
}

int UpstreamLoop::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  UpstreamLoop& loop = *static_cast<UpstreamLoop*>(self);
  std::uint32_t events = 0;
  if (what & CURL_POLL_IN) events |= EPOLLIN;
  if (what & CURL_POLL_OUT) events |= EPOLLOUT;
  if (what == CURL_POLL_REMOVE || events == 0)
    loop.reactor_->forget(fd);
  else
    loop.reactor_->watch(fd, events, loop);
  return 0;
}

int UpstreamLoop::on_close(void* self, curl_socket_t fd) {
  UpstreamLoop& loop = *static_cast<UpstreamLoop*>(self);
  if (fd == std::exchange(loop.taken_, -1)) return 0;
  loop.reactor_->forget(fd);
  return ::close(fd);
}

}  // namespace slipway::http::detail
