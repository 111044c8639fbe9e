#include "http/detail/connection.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/log.hpp"
#include "http/detail/exchange_core.hpp"

namespace slipway::http::detail {

namespace {

using State = Progress::State;

constexpr std::size_t waiting_bytes_max = 64u << 10;  // Pipelined requests, unparsed.
constexpr std::size_t lingered_bytes_max = 4u << 20;
constexpr std::chrono::seconds linger_time{2};

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

Connection::Connection(Edge& edge, int fd, const SslContext& tls, std::string peer)
    : edge_(edge), transport_(fd, tls), peer_(std::move(peer)) {}

Connection::~Connection() {
  if (phase_ != Phase::closed) ::close(transport_.descriptor());
}

void Connection::start() {
  const auto& options = edge_.shared().options;
  if (transport_.is_secure()) {
    phase_ = Phase::handshake;
    read_deadline_ = now() + options.header_timeout;
    return shake_hands();
  }
  read_deadline_ = now() + options.idle_timeout;
  settle();
}

void Connection::run(void (Connection::*event)()) {
  try {
    (this->*event)();
  } catch (const std::exception& error) {
    log::error("a connection from {} failed: {}; please report it", peer_, error.what());
    is_busy_ = false;
    close(false);
  }
}

void Connection::listen() {
  if (phase_ == Phase::closed) return;
  const std::uint32_t events = (is_reading_ ? EPOLLIN : 0u) | (is_writing_ ? EPOLLOUT : 0u);
  if (events == listens_) return;
  if (!edge_.reactor().watch(transport_.descriptor(), events, *this)) return close(false);
  listens_ = events;
}

void Connection::wait_writable() {
  is_writing_ = true;
  listen();
}

void Connection::on_ready(int, std::uint32_t events) {
  const auto self = shared_from_this();
  const bool is_broken = (events & (EPOLLERR | EPOLLHUP)) != 0;  // Reading tells how.
  if ((events & EPOLLOUT) != 0 && std::exchange(is_writing_, false)) run(&Connection::on_writable);
  if ((events & EPOLLIN) != 0 || is_broken) run(&Connection::on_readable);
  listen();
}

void Connection::on_writable() {
  if (phase_ == Phase::handshake) return shake_hands();
  drive();
}

void Connection::on_readable() {
  if (phase_ == Phase::closed) return;
  if (phase_ == Phase::handshake) return shake_hands();
  if (std::exchange(write_wants_read_, false)) drive();
  // The TLS layer may hold more than one read gives, and no poll tells.
  do read_some();
  while (phase_ != Phase::closed && in_.size() < waiting_bytes_max && transport_.has_pending());
}

void Connection::shake_hands() {
  const Progress progress = transport_.handshake();
  switch (progress.state) {
    case State::some:
      client_name_ = transport_.peer_name();
      phase_ = Phase::head;
      read_deadline_ = now() + edge_.shared().options.idle_timeout;
      return on_readable();
    case State::wants_read:
    case State::wants_write:
      is_reading_ = progress.state == State::wants_read;
      is_writing_ = !is_reading_;
      break;
    case State::ended:
    case State::failed: return close(false);
  }
  listen();
  edge_.set_deadline(*this, read_deadline_);
}

void Connection::read_some() {
  const std::span<char> buffer = edge_.buffer();
  const Progress progress = transport_.read(buffer);
  switch (progress.state) {
    case State::some: return take({buffer.data(), progress.bytes});
    case State::wants_read: return settle();
    case State::wants_write: is_reading_ = false; return wait_writable();
    case State::ended: return peer_ended();
    case State::failed: return close(false);
  }
}

void Connection::take(std::string_view data) {
  if (phase_ == Phase::ending) return settle();
  if (phase_ == Phase::lingering) {
    lingered_bytes_ += data.size();
    if (lingered_bytes_ > lingered_bytes_max) return close(true);
    return settle();
  }
  if (in_.empty() && may_parse() && !is_busy_) {
    // Straight from the buffer of the edge; only what is left over is copied.
    is_busy_ = true;
    advance(data);
    is_busy_ = false;
    if (phase_ == Phase::closed) return;
  }
  in_ += data;
  drive();
}

void Connection::serve() {
  const auto self = shared_from_this();
  if (is_busy_)
    must_look_again_ = true;
  else
    drive();
}

void Connection::drive() {
  if (is_busy_ || phase_ == Phase::closed) return;
  is_busy_ = true;
  do {
    must_look_again_ = false;
    if (phase_ == Phase::answering) pump();
    if (!in_.empty() && may_parse()) {
      std::string_view data = in_;
      advance(data);
      const std::size_t taken = in_.size() - data.size();
      in_.erase(0, taken);
      must_look_again_ |= taken > 0;
    }
    if (must_look_again_) continue;
    const bool was_full = !may_parse();
    flush();
    if (exchange_) exchange_->run_callbacks();
    must_look_again_ |= was_full && may_parse() && !in_.empty();
  } while (must_look_again_ && phase_ != Phase::closed);
  is_busy_ = false;
  settle();
}

void Connection::settle() {
  if (phase_ == Phase::closed) return;
  if (in_.empty() && in_.capacity() > 1024) std::string().swap(in_);
  TimePoint first = std::min(read_deadline_, write_deadline_);
  if (phase_ == Phase::answering && exchange_ && out_.empty()) {
    const auto heartbeat = exchange_->heartbeat();
    if (heartbeat.count() > 0 && exchange_->is_begun())
      first = std::min(first, wrote_at_ + heartbeat);
  }
  edge_.set_deadline(*this, first);
  is_reading_ = in_.size() < waiting_bytes_max && (phase_ != Phase::ending || write_wants_read_);
  listen();
}

void Connection::flush() {
  std::array<iovec, Outbox::slices_max> slices;
  while (!out_.empty() && phase_ != Phase::closed) {
    const std::size_t count = out_.slices(slices);
    const Progress progress = transport_.write({slices.data(), count});
    if (progress.state == State::some) {
      account(progress.bytes);
      wrote_at_ = now();
      write_deadline_ = TimePoint::max();
      continue;
    }
    if (progress.state == State::ended || progress.state == State::failed) return close(false);
    if (write_deadline_ == TimePoint::max()) {
      write_deadline_ = now() + edge_.shared().options.write_timeout;
      unacknowledged_ = unacknowledged();
    }
    if (progress.state == State::wants_write)
      wait_writable();
    else
      write_wants_read_ = true;
    return;
  }
  for (const Finished& finished : std::exchange(finished_, {})) record(finished, true);
  if (phase_ == Phase::ending) linger_or_close();
}

void Connection::account(std::size_t bytes) {
  out_.drop(bytes);
  const std::size_t foreign = std::min(bytes, foreign_bytes_);
  foreign_bytes_ -= foreign;
  if (exchange_ && bytes > foreign) exchange_->sent(bytes - foreign);
}

int Connection::unacknowledged() const {
  int bytes = 0;
  ioctl(transport_.descriptor(), SIOCOUTQ, &bytes);
  return bytes;
}

void Connection::peer_ended() {
  // A client that has only ended its side looks like one that has left; as long as somebody works
  // for it, that is the more likely and the dearer case.
  if (out_.empty() || phase_ == Phase::answering || phase_ == Phase::body) return close(false);
  phase_ = Phase::ending;
  in_.clear();
  settle();
}

void Connection::linger_or_close() {
  int unread = 0;
  ioctl(transport_.descriptor(), FIONREAD, &unread);
  // Closing with unread bytes sends a reset, and the client may lose the answer.
  if (!must_linger_ && unread == 0) return close(true);
  transport_.end_writing();
  phase_ = Phase::lingering;
  in_.clear();
  read_deadline_ = now() + linger_time;
}

void Connection::close(bool is_complete) {
  if (phase_ == Phase::closed) return;
  phase_ = Phase::closed;
  const auto self = shared_from_this();
  for (const Finished& finished : std::exchange(finished_, {}))
    record(finished, is_complete && out_.empty());
  if (const auto exchange = std::exchange(exchange_, nullptr)) {
    record({exchange, started_at_, bytes_in_, bytes_out_ - std::min(bytes_out_, out_.bytes())},
           false);
    exchange->leave();
    exchange->detach();
    --edge_.shared().exchanges;
  }
  if (is_complete && transport_.is_secure()) transport_.end_writing();
  out_.clear();
  in_.clear();
  edge_.reactor().forget(transport_.descriptor());
  ::close(transport_.descriptor());
  edge_.forget(*this);
}

void Connection::record(const Finished& finished, bool is_complete) {
  const auto& on_access = edge_.shared().options.on_access;
  if (!on_access) return;
  AccessRecord record = finished.exchange->record();
  record.bytes_in = finished.bytes_in;
  record.bytes_out = finished.bytes_out;
  record.seconds = std::chrono::duration<double>(now() - finished.started_at).count();
  record.complete = is_complete;
  on_access(record);
}

void Connection::on_deadline(TimePoint time) {
  if (time >= write_deadline_) {
    // Room for more is told late, when much of the kernel's buffer is free: a slow client may have
    // taken bytes all the while.
    const int left = unacknowledged();
    if (left >= std::exchange(unacknowledged_, left)) return close(false);
    write_deadline_ = time + edge_.shared().options.write_timeout;
    return settle();
  }
  if (time >= read_deadline_) {
    read_deadline_ = TimePoint::max();
    const bool is_in_request = phase_ == Phase::body || (phase_ == Phase::head && has_begun_);
    if (phase_ == Phase::head && !has_begun_ && !out_.empty()) {
      // Not idle: the last answer is still on its way to a slow reader.
      read_deadline_ = time + edge_.shared().options.idle_timeout;
      return settle();
    }
    if (!is_in_request) return close(true);
    refuse({408, phase_ == Phase::body ? "the body of the request does not come"
                                       : "the headers of the request do not come"});
    return drive();
  }
  if (phase_ == Phase::answering && exchange_ && !exchange_->beat())
    wrote_at_ = time;  // Looked after; again after another silence.
  drive();
}

void Connection::close_if_idle() {
  const bool is_idle = phase_ == Phase::head && !has_begun_ && out_.empty();
  if (is_idle || phase_ == Phase::handshake || phase_ == Phase::lingering) close(true);
}

void Connection::abort() { close(false); }

}  // namespace slipway::http::detail
