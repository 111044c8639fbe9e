#include "http/detail/upstream_call.hpp"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "core/log.hpp"

namespace slipway::http::detail {

namespace {

/// What one piece may become: a bomb ends its call, not the program.
constexpr std::size_t decoded_bytes_max = 16u << 20;
/// How often one call reads before others have their turn.
constexpr int reads_max = 16;

TimePoint after(std::chrono::milliseconds time) {
  constexpr std::chrono::hours longest{24 * 365};
  return std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(time, longest);
}

/// The framing of a request is ours.
bool is_ours(std::string_view name) {
  return equals_ignoring_case(name, "content-length") ||
         equals_ignoring_case(name, "transfer-encoding") ||
         equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "expect");
}

void add_line(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

/// curl knows it by itself for http, since it connects for us and does not see https.
const char* secure_proxy() {
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return nullptr;
}

}  // namespace

void Call::cancel() {
  if (const auto control = control_.lock())
    control->tell(shared_from_this(), CallControl::Wish::cancel);
}

void Call::resume() {
  if (const auto control = control_.lock())
    control->tell(shared_from_this(), CallControl::Wish::resume);
}

void Call::begin(CallControl& loop) {
  loop_ = &loop;
  write_head();
  total_at_ = after(setting_.timeouts.total);
  arm();
}

void Call::write_head() {
  const ClientRequest& request = setting_.request;
  const Target& target = *setting_.target;
  bool has_host = false, has_agent = false, has_accept = false, has_authorization = false;
  std::string fields;
  fields.reserve(512);
  for (const auto& [name, value] : request.headers) {
    if (is_ours(name)) continue;
    has_host |= equals_ignoring_case(name, "host");
    has_agent |= equals_ignoring_case(name, "user-agent");
    has_accept |= equals_ignoring_case(name, "accept");
    has_authorization |= equals_ignoring_case(name, "authorization");
    decodes_ |= equals_ignoring_case(name, "accept-encoding") && !value.empty();
    add_line(fields, name, value);
  }
  head_.reserve(fields.size() + target.path.size() + 256);
  head_.append(request.method).append(" ").append(target.path).append(" HTTP/1.1\r\n");
  if (!has_host) add_line(head_, "host", target.authority);
  if (!has_agent) add_line(head_, "user-agent", "slipway");
  if (!has_accept) add_line(head_, "accept", "*/*");
  if (!has_authorization && !target.authorization.empty())
    add_line(head_, "authorization", target.authorization);
  head_ += fields;
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    add_line(head_, "content-length", std::to_string(request.body.size()));
  head_ += "\r\n";
}

void Call::set_up(CURL* easy) {
  connect_at_ = after(setting_.timeouts.connect);
  arm();
  // A name and a port are all that curl has to know; it speaks no HTTP but with a proxy.
  const std::string url = "http" + target().origin.substr(target().is_secure ? 5 : 4);
  set_option(easy, CURLOPT_URL, url.c_str());
  set_option(easy, CURLOPT_CONNECT_ONLY, 1L);
  set_option(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_USERAGENT, "slipway");
  set_option(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_option(easy, CURLOPT_TCP_NODELAY, 1L);
  set_option(easy, CURLOPT_ERRORBUFFER, message_.data());
  set_option(easy, CURLOPT_OPENSOCKETFUNCTION, &Call::on_open);
  set_option(easy, CURLOPT_OPENSOCKETDATA, this);
  const auto patience = std::clamp<std::int64_t>(setting_.timeouts.connect.count(), 1, INT_MAX);
  set_option(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(patience));
  // A proxy cannot reach this machine, and would resolve names where nobody checks them.
  const bool goes_directly = target().is_loopback || setting_.reach == Reach::public_only;
  const char* const proxy = goes_directly ? "" : (target().is_secure ? secure_proxy() : nullptr);
  if (proxy != nullptr) set_option(easy, CURLOPT_PROXY, proxy);
  if (target().is_secure && proxy == nullptr) set_option(easy, CURLOPT_PROXY, "");
}

curl_socket_t Call::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  Call& call = *static_cast<Call*>(self);
  return call.setting_.reach == Reach::public_only ? call.public_only_.open_socket(*address)
                                                   : open_socket(*address);
}

Error Call::connect_error(CURLcode code) const {
  if (!public_only_.refused().empty()) return refused_address(url(), public_only_.refused());
  if (code == CURLE_OPERATION_TIMEDOUT)
    return late("no connection (connect timeout)", setting_.timeouts.connect);
  const std::string_view said(message_.data());
  return fail(Code::unavailable, "{}: {}", redact_url(url()),
              said.empty() ? std::string_view(curl_easy_strerror(code)) : said);
}

Error Call::late(std::string_view what, std::chrono::milliseconds time) const {
  return fail(Code::deadline_exceeded, "{}: {} within {} ms", redact_url(url()), what,
              time.count());
}

void Call::arm() { loop_->set_deadline(*this, std::min({connect_at_, first_byte_at_, total_at_})); }

void Call::on_deadline(TimePoint now) {
  if (now >= total_at_)
    return end(late("no whole answer (total timeout)", setting_.timeouts.total));
  if (now >= connect_at_)
    return end(late("no connection (connect timeout)", setting_.timeouts.connect));
  if (now >= first_byte_at_)
    return end(
        late("no byte of the answer came (first byte timeout)", setting_.timeouts.first_byte));
  arm();
}

void Call::speak(std::unique_ptr<Wire> wire, bool is_used) {
  wire_ = std::move(wire);
  wire_->listen(this);
  is_used_ = is_used;
  sent_ = 0;
  reader_ = ReplyReader(setting_.request.method == "HEAD");
  is_shaking_ = !is_used;
  if (is_shaking_) return shake_hands();
  connect_at_ = TimePoint::max();
  send();
}

void Call::shake_hands() {
  const Progress progress = wire_->handshake();
  using State = Progress::State;
  if (progress.state == State::wants_read || progress.state == State::wants_write) {
    const bool must_write = progress.state == State::wants_write;
    wire_->want(must_write ? Wire::Want::both : Wire::Want::input);
    return;
  }
  if (progress.state != State::some) return break_off(wire_->handshake_error());
  is_shaking_ = false;
  connect_at_ = TimePoint::max();
  send();
}

void Call::on_wire(Wire&) {
  const auto kept = shared_from_this();
  if (is_shaking_) return shake_hands();
  if (!is_sent_ && !cannot_send_) send();
  if (wire_ && !is_paused_) receive();
}

void Call::send() {
  const std::string& body = setting_.request.body;
  while (sent_ < head_.size() + body.size()) {
    const std::size_t of_body = sent_ > head_.size() ? sent_ - head_.size() : 0;
    const Progress progress =
        wire_->send({std::string_view(head_).substr(std::min(sent_, head_.size())),
                     std::string_view(body).substr(of_body)});
    if (progress.state == Progress::State::some) {
      sent_ += progress.bytes;
      continue;
    }
    const bool must_wait = progress.state == Progress::State::wants_write ||
                           progress.state == Progress::State::wants_read;
    // A server that has refused already reads no further: its answer may be there.
    cannot_send_ = !must_wait;
    wire_->want(must_wait ? Wire::Want::both : Wire::Want::input);
    if (cannot_send_) receive();
    return;
  }
  is_sent_ = true;
  first_byte_at_ = after(setting_.timeouts.first_byte);
  arm();
  wire_->want(Wire::Want::input);
}

void Call::receive() {
  using State = Progress::State;
  for (int reads = 0; reads < reads_max; ++reads) {
    const std::span<char> buffer = loop_->buffer();
    const Progress progress = wire_->receive(buffer);
    if (progress.state == State::wants_read || progress.state == State::wants_write) {
      // With nothing to read and nothing to send this connection is done for.
      if (cannot_send_) lost(true);
      return;
    }
    if (progress.state != State::some) return lost(progress.state == State::failed);
    if (!take({buffer.data(), progress.bytes})) return;
    if (wire_->tells_all() && progress.bytes < buffer.size()) return;
  }
  if (!wire_->tells_all()) loop_->tell(shared_from_this(), CallControl::Wish::resume);
}

/// Whether there may be more to read.
bool Call::take(std::string_view data) {
  for (;;) {
    if (has_ended_ || !wire_) return false;
    if (is_paused_) {
      held_ = data;
      wire_->want(Wire::Want::nothing);
      return false;
    }
    switch (reader_.next(data)) {
      case ReplyReader::Event::more: return true;
      case ReplyReader::Event::head: tell_head(); break;
      case ReplyReader::Event::piece: tell_piece(reader_.piece()); break;
      case ReplyReader::Event::end: conclude(data.empty()); return false;
      case ReplyReader::Event::broken: break_off(reader_.why()); return false;
    }
  }
}

void Call::go_on() {
  if (!wire_ || is_shaking_ || has_ended_) return;
  const auto kept = shared_from_this();
  is_paused_ = false;
  wire_->want(is_sent_ || cannot_send_ ? Wire::Want::input : Wire::Want::both);
  if (take(std::exchange(held_, {}))) receive();
}

/// The peer has ended the connection.
void Call::lost(bool is_broken) {
  if (is_used_ && !reader_.has_begun()) {
    // It was closed while nobody used it; nothing of this request was looked at.
    wire_.reset();
    is_sent_ = cannot_send_ = false;
    first_byte_at_ = TimePoint::max();
    return loop_->connect_again(*this);
  }
  if (!is_broken && reader_.close() == ReplyReader::Event::end) return conclude(false);
  break_off(is_broken ? "the connection broke before the answer was whole" : reader_.why());
}

void Call::conclude(bool is_clean) {
  if (decoder_ && has_body_) {
    if (const auto whole = decoder_->end(); !whole) return break_off(whole.error().message());
  }
  const bool is_sound = is_clean && is_sent_ && reader_.keeps_alive();
  loop_->done(*this, is_sound ? std::move(wire_) : nullptr, {});
}

void Call::break_off(std::string_view why) {
  end(fail(Code::unavailable, "{}: {}", redact_url(url()), why));
}

void Call::end(Result<void> result) { loop_->done(*this, nullptr, std::move(result)); }

/// One that throws has a bug and ends the call.
template <typename Event>
void Call::run(const Event& event) {
  try {
    event();
  } catch (const std::exception& error) {
    log::error("an event of a call to {} threw: {}; please report it", redact_url(url()),
               error.what());
    end(fail(Code::internal, "{}: the receiver failed", redact_url(url())));
  }
}

Result<void> Call::choose_decoder(Headers& headers) {
  const std::string* const coded = decodes_ ? headers.find("content-encoding") : nullptr;
  if (coded == nullptr) return {};
  const auto coding = parse_coding(*coded);
  if (!coding)
    return fail(Code::unavailable, "the answer has the content coding '{}', which is not spoken",
                *coded);
  if (*coding != Coding::identity) decoder_ = Decoder::make(*coding);
  headers.remove("content-encoding");
  headers.remove("content-length");
  return {};
}

void Call::tell_head() {
  Headers headers = std::move(reader_.headers());
  if (const auto chosen = choose_decoder(headers); !chosen)
    return break_off(chosen.error().message());
  if (setting_.events.on_head)
    run([&] { setting_.events.on_head(reader_.status(), std::move(headers)); });
}

void Call::tell_piece(std::string_view piece) {
  if (!std::exchange(has_body_, true)) {
    first_byte_at_ = TimePoint::max();
    arm();
  }
  if (decoder_) {
    decoded_.clear();
    if (const auto fed = decoder_->feed(piece, decoded_, decoded_bytes_max); !fed)
      return break_off(fed.error().message());
    piece = decoded_;
  }
  if (piece.empty() || !setting_.events.on_body) return;
  run([&] { is_paused_ = !setting_.events.on_body(piece); });
}

void Call::finish(Result<void> result) {
  if (std::exchange(has_ended_, true)) return;
  // Released before: an event may hold what holds this call.
  const UpstreamEvents events = std::exchange(setting_.events, {});
  if (!events.on_end) return;
  try {
    events.on_end(std::move(result));
  } catch (const std::exception& error) {
    log::error("the end of a call to {} threw: {}; please report it", redact_url(url()),
               error.what());
  }
}

}  // namespace slipway::http::detail
