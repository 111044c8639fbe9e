#include "http/detail/exchange_core.hpp"

#include <charconv>

#include "core/log.hpp"
#include "http/detail/connection.hpp"

namespace slipway::http::detail {

namespace {

constexpr std::size_t packed_bytes_min = 1024;       // Below, a packet is a packet.
constexpr std::size_t copied_bytes_max = 16u << 10;  // Larger bodies are moved, not copied.
constexpr std::size_t notes_max = 64;

bool is_event_stream(const Headers& headers) {
  return headers.get("content-type").starts_with("text/event-stream");
}

/// A handler that throws has a bug, which must not end the process.
void call(const std::function<void()>& callback) {
  try {
    callback();
  } catch (const std::exception& error) {
    log::error("a callback of an exchange threw: {}; please report it", error.what());
  }
}

std::optional<std::uint64_t> length_of(const Headers& headers) {
  const std::string* text = headers.find("content-length");
  std::uint64_t length = 0;
  if (text == nullptr) return {};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  if (error != std::errc() || end != text->data() + text->size()) return {};
  return length;
}

}  // namespace

ExchangeCore::ExchangeCore(std::shared_ptr<Edge> edge, Connection& connection)
    : edge_(std::move(edge)), connection_(&connection) {}

ExchangeCore::~ExchangeCore() { edge_->shared().body_bytes -= charged_; }

void ExchangeCore::make_ready(const Wire& wire) {
  wire_ = wire;
  context_ = Context(stop_.get_token()).with_trace(request_.trace_id);
}

ExchangePtr ExchangeCore::handle() {
  return ExchangePtr(this, [core = shared_from_this()](Exchange*) { core->let_go(); });
}

bool ExchangeCore::charge_body() {
  Shared& shared = edge_->shared();
  const std::size_t grown = request_.body.capacity() - charged_;
  charged_ += grown;
  return (shared.body_bytes += grown) <= shared.options.bodies_bytes_max;
}

void ExchangeCore::set_caller(std::string caller) {
  const std::lock_guard lock(mutex_);
  caller_ = std::move(caller);
}

void ExchangeCore::note(std::string key, std::string value) {
  const std::lock_guard lock(mutex_);
  if (notes_.size() < notes_max) notes_.emplace_back(std::move(key), std::move(value));
}

bool ExchangeCore::has_no_body(int status) const {
  return request_.method == "HEAD" || status == 204 || status == 304 || status < 200;
}

bool ExchangeCore::keeps_alive_after(const Headers& headers) const {
  return wire_.keeps_alive && !edge_->shared().is_draining &&
         !has_token(headers.get("connection"), "close");
}

ResponseHead ExchangeCore::head_of(int status, const Headers& headers) const {
  ResponseHead head{.status = status, .headers = headers};
  head.request_id = request_.id;
  head.minor_version = wire_.minor_version;
  head.keeps_alive = keeps_alive_after(headers);
  return head;
}

Coding ExchangeCore::coding_for(const Headers& headers, int status) const {
  const bool may_be_packed = !headers.find("content-encoding") && status != 206 &&
                             !has_token(headers.get("cache-control"), "no-transform") &&
                             (!is_event_stream(headers) || compresses_events_);
  if (!may_be_packed) return Coding::identity;
  return choose_coding(request_.headers.get("accept-encoding"));
}

std::string ExchangeCore::pack(Response& response) {
  ResponseHead head = head_of(response.status, response.headers);
  const bool has_body = !has_no_body(response.status);
  head.may_vary = response.body.size() >= packed_bytes_min &&
                  is_compressible(response.headers.get("content-type"));
  if (head.may_vary && has_body) {
    const Coding coding = coding_for(response.headers, response.status);
    if (auto packed = compress(coding, response.body)) {
      response.body = std::move(*packed);
      head.coding = name(coding);
    }
  }
  head.form = response.status == 204 || response.status < 200 ? BodyForm::none : BodyForm::length;
  head.length = response.body.size();
  if (!has_body) {
    // What a GET would have said, if the handler knows; a 304 says nothing about it.
    if (response.body.empty()) head.length = length_of(response.headers).value_or(0);
    if (response.status == 304) head.form = BodyForm::none;
    response.body.clear();
  }
  std::string bytes;
  bytes.reserve(512 + (response.body.size() <= copied_bytes_max ? response.body.size() : 0));
  append_head(bytes, head);
  return bytes;
}

void ExchangeCore::reply(Response response) {
  {
    const std::lock_guard lock(producer_mutex_);
    if (phase_ != Phase::waiting) return log::error("an exchange was answered twice");
    phase_ = Phase::replying;
  }
  const bool keeps_alive = keeps_alive_after(response.headers);
  Outbox bytes;
  bytes.add(pack(response));
  if (response.body.size() <= copied_bytes_max)
    bytes.add_copy(response.body);
  else
    bytes.add(std::move(response.body));
  {
    const std::lock_guard lock(mutex_);
    status_ = response.status;
    keeps_alive_ = keeps_alive;
  }
  queue(std::move(bytes), Then::end);
}

void ExchangeCore::begin(int status, Headers headers) {
  const std::lock_guard producing(producer_mutex_);
  if (phase_ != Phase::waiting) return log::error("an exchange was begun twice");
  phase_ = Phase::streaming;
  ResponseHead head = head_of(status, headers);
  is_events_ = is_event_stream(headers);
  head.may_vary = is_compressible(headers.get("content-type")) && !is_events_;
  const auto length = length_of(headers);
  if (has_no_body(status)) {
    head.form = BodyForm::none;
  } else if (length) {
    head.form = BodyForm::length;
    head.length = length_left_ = *length;
    head.may_vary = false;
  } else {
    head.form = wire_.minor_version == 0 ? BodyForm::until_close : BodyForm::chunked;
    if (head.form == BodyForm::until_close) head.keeps_alive = false;
    if (is_compressible(headers.get("content-type"))) {
      const Coding coding = coding_for(headers, status);
      encoder_ = Encoder::make(coding);
      if (encoder_) head.coding = name(coding);
    }
  }
  form_ = head.form;
  std::string bytes;
  append_head(bytes, head);
  {
    const std::lock_guard lock(mutex_);
    status_ = status;
    keeps_alive_ = head.keeps_alive;
  }
  Outbox outbox;
  outbox.add(std::move(bytes));
  queue(std::move(outbox), Then::go_on);
}

void ExchangeCore::append_piece(std::string piece, Outbox& bytes) {
  if (form_ == BodyForm::none) return;
  if (form_ == BodyForm::length) {
    if (piece.size() > length_left_) piece.resize(length_left_);
    length_left_ -= piece.size();
  }
  if (form_ != BodyForm::chunked || piece.empty()) return bytes.add(std::move(piece));
  if (piece.size() <= copied_bytes_max) {
    std::string chunk;
    chunk.reserve(piece.size() + 16);
    append_chunk(chunk, piece);
    return bytes.add(std::move(chunk));
  }
  bytes.add(fmt::format("{:x}\r\n", piece.size()));
  bytes.add(std::move(piece));
  bytes.add_copy("\r\n");
}

bool ExchangeCore::write(std::string piece) {
  const std::lock_guard producing(producer_mutex_);
  if (phase_ != Phase::streaming) return false;
  if (piece.empty()) return true;
  is_between_events_ = piece.ends_with("\n\n");
  if (encoder_) {
    std::string packed;
    encoder_->feed(piece, Encoder::Then::flush, packed);
    piece = std::move(packed);
  }
  Outbox bytes;
  append_piece(std::move(piece), bytes);
  return queue(std::move(bytes), Then::go_on);
}

void ExchangeCore::end(Headers trailers) {
  std::unique_lock producing(producer_mutex_);
  if (phase_ != Phase::streaming) return;
  if (form_ == BodyForm::length && length_left_ > 0) {
    log::error("a body ended {} bytes before its announced length", length_left_);
    producing.unlock();
    return abort();
  }
  phase_ = Phase::ended;
  Outbox bytes;
  if (encoder_) {
    std::string packed;
    encoder_->feed({}, Encoder::Then::end, packed);
    append_piece(std::move(packed), bytes);
    encoder_.reset();
  }
  if (form_ == BodyForm::chunked) {
    std::string last;
    append_trailers(last, wire_.takes_trailers ? trailers : Headers());
    bytes.add(std::move(last));
  }
  queue(std::move(bytes), Then::end);
}

void ExchangeCore::abort() {
  {
    const std::lock_guard lock(producer_mutex_);
    if (phase_ == Phase::ended || phase_ == Phase::replying) return;
    phase_ = Phase::ended;
  }
  std::unique_lock lock(mutex_);
  is_aborted_ = true;
  notify(lock);
}

void ExchangeCore::let_go() {
  Phase phase = Phase::ended;
  {
    const std::lock_guard lock(producer_mutex_);
    phase = phase_;
  }
  if (phase == Phase::streaming) abort();
  if (phase == Phase::waiting)
    reply(problem(500, "the server gave no answer to this request; please report it"));
}

bool ExchangeCore::queue(Outbox bytes, Then then) {
  std::unique_lock lock(mutex_);
  if (then == Then::end) is_ended_ = true;
  if (is_gone_ || is_aborted_) return false;
  if (queued_ + bytes.bytes() > edge_->shared().options.queued_bytes_max && queued_ > 0) {
    is_aborted_ = true;
    notify(lock);
    return false;
  }
  queued_ += bytes.bytes();
  outbox_.take(bytes);
  notify(lock);
  return true;
}

void ExchangeCore::notify(std::unique_lock<std::mutex>& lock) {
  if (is_notified_ || is_detached_) return;
  is_notified_ = true;
  lock.unlock();
  if (edge_->is_here())
    serve();
  else
    edge_->serve(shared_from_this());
}

bool ExchangeCore::is_drained() const {
  return is_gone_ || queued_ <= edge_->shared().options.queued_bytes_low;
}

void ExchangeCore::when_drained(std::function<void()> ready) {
  {
    const std::lock_guard lock(mutex_);
    on_drained_.swap(ready);
  }
  // Never from here: a callback that asks again would grow the stack.
  edge_->serve(shared_from_this());
}

void ExchangeCore::when_gone(std::function<void()> gone) {
  {
    const std::lock_guard lock(mutex_);
    if (is_detached_ && !is_gone_) return;
    on_gone_.swap(gone);
    if (!is_gone_) return;
  }
  edge_->serve(shared_from_this());
}

Result<void> ExchangeCore::wait_drained(const Context& context) {
  constexpr auto look_every = std::chrono::minutes(1);
  std::unique_lock lock(mutex_);
  if (!drained_) drained_ = std::make_unique<std::condition_variable_any>();
  while (!is_drained()) {
    const auto pause = context.remaining(look_every);
    drained_->wait_for(lock, context.stop(), std::min<std::chrono::milliseconds>(pause, look_every),
                       [&] { return is_drained(); });
    if (!is_drained()) TRY(context.check());
  }
  if (is_gone_) return fail(Code::cancelled, "the client has gone");
  return {};
}

void ExchangeCore::set_heartbeat(std::chrono::milliseconds silence) {
  heartbeat_ms_.store(silence.count(), std::memory_order_relaxed);
  std::unique_lock lock(mutex_);
  notify(lock);
}

void ExchangeCore::compress_events() {
  const std::lock_guard lock(producer_mutex_);
  compresses_events_ = true;
}

bool ExchangeCore::beat() {
  // A handler that is in the middle of a call is about to write anyway.
  const std::unique_lock producing(producer_mutex_, std::try_to_lock);
  if (!producing || phase_ != Phase::streaming || !is_events_ || !is_between_events_) return false;
  std::string piece = ":\n\n";
  if (encoder_) {
    std::string packed;
    encoder_->feed(piece, Encoder::Then::flush, packed);
    piece = std::move(packed);
  }
  Outbox bytes;
  append_piece(std::move(piece), bytes);
  return queue(std::move(bytes), Then::go_on);
}

ExchangeCore::Taken ExchangeCore::take(Outbox& out) {
  const std::lock_guard lock(mutex_);
  is_notified_ = false;
  out.take(outbox_);
  return {is_ended_, is_aborted_, keeps_alive_};
}

void ExchangeCore::sent(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  queued_ -= std::min<std::size_t>(bytes, queued_);
  if (drained_ && is_drained()) drained_->notify_all();
}

void ExchangeCore::leave() {
  {
    const std::lock_guard lock(mutex_);
    is_gone_ = true;
    outbox_.clear();
    queued_ = 0;
    if (drained_) drained_->notify_all();
  }
  stop_.request_stop();
  run_callbacks();
}

void ExchangeCore::detach() {
  connection_ = nullptr;
  std::function<void()> drained;
  std::function<void()> gone;
  const std::lock_guard lock(mutex_);
  is_detached_ = true;
  on_drained_.swap(drained);  // They may own this exchange: destroyed after the lock.
  on_gone_.swap(gone);
}

void ExchangeCore::run_callbacks() {
  std::function<void()> drained;
  std::function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    if (is_gone_) gone.swap(on_gone_);
    if (is_drained()) drained.swap(on_drained_);
  }
  if (gone) call(gone);
  if (drained) call(drained);
}

void ExchangeCore::serve() {
  if (connection_ != nullptr) return connection_->serve();
  run_callbacks();
}

bool ExchangeCore::is_begun() const {
  const std::lock_guard lock(mutex_);
  return status_ != 0;
}

AccessRecord ExchangeCore::record() {
  AccessRecord record;
  record.method = request_.method;
  record.path = request_.path;
  record.peer = request_.peer;
  record.request_id = request_.id;
  record.trace_id = request_.trace_id;
  record.user_agent = request_.headers.get("user-agent");
  const std::lock_guard lock(mutex_);
  record.caller = std::move(caller_);
  record.notes = std::move(notes_);
  record.status = status_ == 0 ? 499 : status_;
  return record;
}

}  // namespace slipway::http::detail
