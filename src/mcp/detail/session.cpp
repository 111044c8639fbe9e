#include "mcp/detail/session.hpp"

#include <algorithm>
#include <charconv>

#include "core/hex.hpp"

namespace slipway::mcp::detail {

void Stream::write_locked(std::uint64_t sequence, const std::string& data) {
  if (!exchange_) return;
  if (exchange_->queued_bytes() > queued_bytes_max ||
      !exchange_->write(
          fmt::format("event: message\nid: {}.{}\ndata: {}\n\n", number_, sequence, data)))
    exchange_.reset();
}

void Stream::attach(http::ExchangePtr exchange, std::uint64_t seen) {
  const http::Exchange* const attached = exchange.get();
  http::ExchangePtr held = exchange;
  {
    const std::lock_guard lock(mutex_);
    attach_locked(std::move(exchange), seen);
  }
  held->when_gone([weak = weak_from_this(), attached] {
    const auto stream = weak.lock();
    if (!stream) return;
    http::ExchangePtr gone;  // Let go of without the lock.
    const std::lock_guard lock(stream->mutex_);
    if (stream->exchange_.get() == attached) gone.swap(stream->exchange_);
  });
}

void Stream::attach_locked(http::ExchangePtr exchange, std::uint64_t seen) {
  if (exchange_) exchange_->end();
  exchange_ = std::move(exchange);
  exchange_->begin(200, stream_headers());
  exchange_->set_heartbeat(heartbeat);
  if (primes_ && seen == 0 && !is_closed_)
    exchange_->write(fmt::format("id: {}.0\ndata: \n\n", number_));
  for (const Kept& event : events_)
    if (event.sequence > seen) write_locked(event.sequence, event.data);
  if (is_closed_ && exchange_) {
    exchange_->end();
    exchange_.reset();
  }
}

bool Stream::send(const json::Object& message) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return false;
  Kept event{.sequence = ++last_, .data = json::dump(message)};
  write_locked(event.sequence, event.data);
  bytes_ += event.data.size();
  events_.push_back(std::move(event));
  while (events_.size() > 1 && (events_.size() > events_max || bytes_ > bytes_max)) {
    bytes_ -= events_.front().data.size();
    events_.pop_front();
  }
  return true;
}

void Stream::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  if (exchange_) exchange_->end();
  exchange_.reset();
}

void Stream::pause(std::chrono::milliseconds retry) {
  const std::lock_guard lock(mutex_);
  if (!exchange_) return;
  exchange_->write(fmt::format("retry: {}\n\n", retry.count()));
  exchange_->end();
  exchange_.reset();
}

bool Stream::is_closed() const {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

void StreamOutlet::finish(int, const json::Object& message) {
  stream_->send(message);
  end_one();
}

void StreamOutlet::drop() { end_one(); }

void StreamOutlet::end_one() {
  {
    const std::lock_guard lock(mutex_);
    if (answers_left_ == 0 || --answers_left_ > 0) return;
  }
  stream_->close();
}

std::shared_ptr<Stream> Session::add_stream() {
  const std::lock_guard lock(mutex);
  for (auto at = streams.begin(); streams.size() >= streams_max && at != streams.end();)
    at = at->second->is_closed() ? streams.erase(at) : std::next(at);
  if (streams.size() >= streams_max || is_ended) return nullptr;
  const std::uint64_t number = ++last_stream;
  // Older clients take the empty event for a message.
  auto stream = std::make_shared<Stream>(number, version >= "2025-11-25");
  streams.emplace(number, stream);
  return stream;
}

std::shared_ptr<Stream> Session::stream_of(std::string_view event_id, std::uint64_t& seen) {
  const auto dot = event_id.find('.');
  std::uint64_t number = 0;
  if (dot == std::string_view::npos) return nullptr;
  const auto read = [](std::string_view digits, std::uint64_t& into) {
    const auto end = std::from_chars(digits.begin(), digits.end(), into);
    return end.ec == std::errc() && end.ptr == digits.end();
  };
  if (!read(event_id.substr(0, dot), number) || !read(event_id.substr(dot + 1), seen))
    return nullptr;
  const std::lock_guard lock(mutex);
  const auto found = streams.find(number);
  return found == streams.end() ? nullptr : found->second;
}

void Session::take_answer(Message answer) {
  std::shared_ptr<Asked> waiting;
  {
    const std::lock_guard lock(mutex);
    if (!answer.id.is_int64()) return;
    const auto found = asked.find(answer.id.get_int64());
    if (found == asked.end()) return;
    waiting = found->second;
    asked.erase(found);
  }
  const std::lock_guard lock(waiting->mutex);
  waiting->answer = std::move(answer);
  waiting->changed.notify_all();
}

void Session::cancel(const std::string& key) {
  std::stop_source stop{std::nostopstate};
  {
    const std::lock_guard lock(mutex);
    if (const auto found = running.find(key); found != running.end()) stop = found->second;
  }
  stop.request_stop();  // Callbacks may want the lock.
}

void Session::end() {
  std::vector<std::stop_source> stops;
  std::map<std::int64_t, std::shared_ptr<Asked>> waiting;
  std::map<std::uint64_t, std::shared_ptr<Stream>> open;
  {
    const std::lock_guard lock(mutex);
    is_ended = true;
    for (const auto& [id, stop] : running) stops.push_back(stop);
    waiting.swap(asked);
    open.swap(streams);
    general.reset();
  }
  for (auto& stop : stops) stop.request_stop();
  for (const auto& [id, one] : waiting) {
    const std::lock_guard lock(one->mutex);
    one->is_over = true;
    one->changed.notify_all();
  }
  for (const auto& [number, stream] : open) stream->close();
}

std::int64_t Sessions::now_ms() const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             options_.clock.now().time_since_epoch())
      .count();
}

void Sessions::make_room() {
  const std::int64_t now = now_ms();
  auto oldest = sessions_.end();
  std::int64_t oldest_ms = now + 1;
  for (auto at = sessions_.begin(); at != sessions_.end();) {
    std::unique_lock lock(at->second->mutex);
    const bool is_idle = at->second->running.empty();
    const std::int64_t used = at->second->used_ms;
    lock.unlock();
    if (is_idle && now - used > options_.idle_max.count()) {
      at->second->end();
      at = sessions_.erase(at);
      continue;
    }
    if (is_idle && used < oldest_ms) {
      oldest = at;
      oldest_ms = used;
    }
    ++at;
  }
  if (sessions_.size() < options_.max || oldest == sessions_.end()) return;
  oldest->second->end();
  sessions_.erase(oldest);
}

SessionPtr Sessions::add(Principal principal) {
  auto session = std::make_shared<Session>();
  session->id = hex::encode(options_.random.next()) + hex::encode(options_.random.next());
  session->principal = std::move(principal);
  session->used_ms = now_ms();
  const std::lock_guard lock(mutex_);
  make_room();
  if (sessions_.size() >= options_.max) return nullptr;
  sessions_.emplace(session->id, session);
  return session;
}

SessionPtr Sessions::find(const std::string& id, const Principal& principal) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->principal.name != principal.name) return nullptr;
  const std::lock_guard inner(found->second->mutex);
  found->second->used_ms = now_ms();
  found->second->principal = principal;
  return found->second;
}

void Sessions::remove(const std::string& id) {
  SessionPtr session;
  {
    const std::lock_guard lock(mutex_);
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    session = found->second;
    sessions_.erase(found);
  }
  session->end();
}

std::vector<SessionPtr> Sessions::all() {
  const std::lock_guard lock(mutex_);
  std::vector<SessionPtr> list;
  for (const auto& [id, session] : sessions_) list.push_back(session);
  return list;
}

}  // namespace slipway::mcp::detail
