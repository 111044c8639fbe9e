#include "http/detail/upstream_call.hpp"

#include <algorithm>
#include <charconv>
#include <climits>

#include "core/log.hpp"

namespace slipway::http::detail {

namespace {

constexpr std::size_t header_bytes_max = 1u << 20;

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  return text;
}

long milliseconds(std::chrono::milliseconds time) {
  return static_cast<long>(std::clamp<std::int64_t>(time.count(), 1, INT_MAX));
}

TimePoint after(std::chrono::milliseconds time) {
  constexpr std::chrono::hours longest{24 * 365};
  return std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(time, longest);
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

void Call::prepare(CURL* easy) {
  set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(easy, CURLOPT_NOSIGNAL, 1L);
  set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set_option(easy, CURLOPT_USERAGENT, "slipway");
  set_option(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_option(easy, CURLOPT_TCP_NODELAY, 1L);
  set_option(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // One connection per stream: a slow reader must not hold up its neighbours.
  set_option(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set_option(easy, CURLOPT_HEADERFUNCTION, &Call::on_header);
  set_option(easy, CURLOPT_WRITEFUNCTION, &Call::on_body);
  set_option(easy, CURLOPT_PREREQFUNCTION, &Call::on_request);
  set_option(easy, CURLOPT_OPENSOCKETFUNCTION, &Call::on_open);
}

void Call::begin(Easy easy, CallControl& control) {
  easy_ = std::move(easy);
  loop_ = &control;
  CURL* const raw = easy_.get();
  set_option(raw, CURLOPT_PRIVATE, this);
  set_option(raw, CURLOPT_HEADERDATA, this);
  set_option(raw, CURLOPT_WRITEDATA, this);
  set_option(raw, CURLOPT_PREREQDATA, this);
  set_option(raw, CURLOPT_OPENSOCKETDATA, this);
  set_option(raw, CURLOPT_ERRORBUFFER, message_.data());
  set_option(raw, CURLOPT_URL, setting_.request.url.c_str());
  set_option(raw, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(setting_.timeouts.connect));
  // A proxy cannot reach this machine, and would resolve names where nobody checks them.
  const bool goes_directly = setting_.target.is_loopback || setting_.reach == Reach::public_only;
  set_option(raw, CURLOPT_PROXY, goes_directly ? "" : static_cast<char*>(nullptr));
  std::string coding;
  for (const auto& [name, value] : setting_.request.headers)
    if (equals_ignoring_case(name, "accept-encoding")) coding = value;
  decodes_ = !coding.empty();
  set_option(raw, CURLOPT_ACCEPT_ENCODING, decodes_ ? coding.c_str() : static_cast<char*>(nullptr));
  header_list_ = header_list(setting_.request, "accept-encoding");
  set_option(raw, CURLOPT_HTTPHEADER, header_list_.get());
  set_body(raw);
  total_at_ = after(setting_.timeouts.total);
  arm();
}

void Call::set_body(CURL* easy) {
  const ClientRequest& request = setting_.request;
  set_option(easy, CURLOPT_HTTPGET, 1L);  // Forgets what the call before it sent.
  if (request.method == "HEAD") set_option(easy, CURLOPT_NOBODY, 1L);
  if (!request.body.empty() || request.method == "POST") {
    set_option(easy, CURLOPT_POST, 1L);
    set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set_option(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  set_option(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

Easy Call::take_handle() {
  if (!easy_) return nullptr;
  // The handle outlives what it points to.
  set_option(easy_.get(), CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  set_option(easy_.get(), CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  set_option(easy_.get(), CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
  header_list_.reset();
  return std::move(easy_);
}

void Call::arm() { loop_->set_deadline(*this, std::min(first_byte_at_, total_at_)); }

int Call::on_request(void* self, char*, char*, int, int) {
  Call& call = *static_cast<Call*>(self);
  call.first_byte_at_ = after(call.setting_.timeouts.first_byte);
  call.arm();
  return CURL_PREREQFUNC_OK;
}

curl_socket_t Call::on_open(void* self, curlsocktype, curl_sockaddr* address) {
  Call& call = *static_cast<Call*>(self);
  const bool is_checked = call.setting_.reach == Reach::public_only;
  const curl_socket_t fd =
      is_checked ? call.public_only_.open_socket(*address) : open_socket(*address);
  if (fd != CURL_SOCKET_BAD) call.loop_->opened(fd);
  return fd;
}

void Call::on_deadline(TimePoint now) {
  if (now >= total_at_) {
    late_ = Late::total;
  } else if (now >= first_byte_at_) {
    curl_off_t uploaded = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (static_cast<std::size_t>(uploaded) >= setting_.request.body.size()) {
      late_ = Late::first_byte;
      return;
    }
    // It counts from the request's end, which has not come yet.
    first_byte_at_ = after(setting_.timeouts.first_byte);
  }
  arm();
}

bool Call::run(const std::function<void()>& event) {
  try {  // It must not unwind through curl's C frames.
    event();
    return true;
  } catch (const std::exception& error) {
    log::error("an event of a call to {} threw: {}; please report it",
               redact_url(setting_.request.url), error.what());
    return !(is_stopped_ = true);
  }
}

std::size_t Call::on_header(char* bytes, std::size_t, std::size_t count, void* self) {
  Call& call = *static_cast<Call*>(self);
  call.header_bytes_ += count;
  if (call.header_bytes_ > header_bytes_max) return 0;
  call.take_header({bytes, count});
  return call.is_stopped_ ? 0 : count;
}

void Call::take_header(std::string_view line) {
  if (has_head_) return;  // Trailers.
  line = trim(line);
  if (line.starts_with("HTTP/")) {
    headers_ = {};
    status_ = 0;
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos)
      std::from_chars(line.data() + space + 1, line.data() + line.size(), status_);
    return;
  }
  if (line.empty()) {
    if (status_ < 200) return;  // An interim answer; also a proxy's to CONNECT has none of ours.
    has_head_ = true;
    if (decodes_ && headers_.find("content-encoding")) {
      headers_.remove("content-encoding");
      headers_.remove("content-length");
    }
    if (setting_.events.on_head)
      run([&] { setting_.events.on_head(status_, std::move(headers_)); });
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  headers_.add(std::string(line.substr(0, colon)), std::string(trim(line.substr(colon + 1))));
}

std::size_t Call::on_body(char* bytes, std::size_t, std::size_t count, void* self) {
  Call& call = *static_cast<Call*>(self);
  if (call.is_paused_) {
    call.is_held_ = true;
    return CURL_WRITEFUNC_PAUSE;  // The piece comes again.
  }
  if (!std::exchange(call.has_body_, true)) {
    call.first_byte_at_ = TimePoint::max();
    call.arm();
  }
  if (call.setting_.events.on_body) {
    const bool ran = call.run([&] {
      call.is_paused_ = !call.setting_.events.on_body({bytes, count});
    });
    if (!ran) return CURL_WRITEFUNC_ERROR;
  }
  return count;
}

CURLcode Call::go_on() {
  is_paused_ = false;
  if (!easy_ || !std::exchange(is_held_, false)) return CURLE_OK;
  return curl_easy_pause(easy_.get(), CURLPAUSE_CONT);  // May call `on_body` from within.
}

Result<void> Call::judge(CURLcode code) const {
  if (code == CURLE_OK && late_ == Late::no) return {};
  const std::string url = redact_url(setting_.request.url);
  const auto over = [&](std::string_view what, std::chrono::milliseconds time) {
    return fail(Code::deadline_exceeded, "{}: {} within {} ms", url, what, time.count());
  };
  if (late_ == Late::first_byte)
    return over("no byte of the answer came (first byte timeout)", setting_.timeouts.first_byte);
  if (late_ == Late::total) return over("no whole answer (total timeout)", setting_.timeouts.total);
  if (is_stopped_) return fail(Code::internal, "{}: the receiver failed", url);
  if (!public_only_.refused().empty())
    return refused_address(setting_.request.url, public_only_.refused());
  if (code == CURLE_OPERATION_TIMEDOUT)
    return over("no connection (connect timeout)", setting_.timeouts.connect);
  if (header_bytes_ > header_bytes_max)
    return fail(Code::unavailable, "{}: the headers are longer than {} bytes", url,
                header_bytes_max);
  const std::string_view said(message_.data());
  return fail(code == CURLE_URL_MALFORMAT ? Code::invalid_argument : Code::unavailable, "{}: {}",
              url, said.empty() ? std::string_view(curl_easy_strerror(code)) : said);
}

void Call::finish(CURLcode code) {
  if (std::exchange(has_ended_, true)) return;
  auto result = judge(code);
  // Released before: an event may hold what holds this call.
  const UpstreamEvents events = std::exchange(setting_.events, {});
  if (events.on_end) run([&] { events.on_end(std::move(result)); });
}

void Call::finish(Error error) {
  if (std::exchange(has_ended_, true)) return;
  const UpstreamEvents events = std::exchange(setting_.events, {});
  if (events.on_end) run([&] { events.on_end(std::move(error)); });
}

}  // namespace slipway::http::detail
