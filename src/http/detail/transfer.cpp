#include "http/detail/transfer.hpp"

#include <algorithm>
#include <charconv>
#include <climits>
#include <exception>

#include "core/ascii.hpp"
#include "http/detail/blanks.hpp"
#include "http/never_sent.hpp"

namespace slipway::http::detail {

namespace {

constexpr std::size_t header_bytes_max = 1u << 20;
constexpr long receive_buffer_bytes = 128 * 1024;

/// Adds the handle to the multi handle for the scope, whatever happens.
class Attached {
 public:
  explicit Attached(Line& line) : line_(line) {
    SLIPWAY_ASSERT(curl_multi_add_handle(line.multi, line.easy) == CURLM_OK);
  }
  ~Attached() { curl_multi_remove_handle(line_.multi, line_.easy); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

 private:
  Line& line_;
};

}  // namespace

Line::Line() : multi(curl_multi_init()), easy(curl_easy_init()) {
  SLIPWAY_ASSERT(multi != nullptr && easy != nullptr);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 4L);
}

Line::~Line() {
  curl_easy_cleanup(easy);
  curl_multi_cleanup(multi);
}

Transfer::Transfer(Line& line, const ClientRequest& request, const BodySink& sink,
                   const Client::Options& options)
    : line_(line), request_(request), sink_(sink), options_(options) {
  set_up();
}

Transfer::~Transfer() {
  curl_easy_reset(line_.easy);  // Connections stay: they belong to the multi handle.
}

void Transfer::avoid_proxy() { set_option(line_.easy, CURLOPT_PROXY, ""); }

void Transfer::set_up() {
  CURL* easy = line_.easy;
  set_option(easy, CURLOPT_URL, request_.url.c_str());
  set_option(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set_option(easy, CURLOPT_NOSIGNAL,
             1L);  // Timeouts of the resolver must not use signals in threads.
  set_option(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set_option(easy, CURLOPT_ERRORBUFFER, message_.data());
  set_option(easy, CURLOPT_USERAGENT, "slipway");
  set_option(easy, CURLOPT_CONNECTTIMEOUT_MS,
             static_cast<long>(std::min<std::int64_t>(options_.connect_timeout.count(), INT_MAX)));
  set_option(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set_option(easy, CURLOPT_BUFFERSIZE, receive_buffer_bytes);
  set_option(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set_option(easy, CURLOPT_HEADERDATA, this);
  set_option(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set_option(easy, CURLOPT_WRITEDATA, this);
  if (request_.method == "HEAD") set_option(easy, CURLOPT_NOBODY, 1L);
  if (!request_.body.empty() || request_.method == "POST") {
    set_option(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set_option(easy, CURLOPT_POSTFIELDS, request_.body.data());
  }
  set_option(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  headers_ = header_list(request_);
  set_option(easy, CURLOPT_HTTPHEADER, headers_.get());
  if (options_.reach == Reach::public_only) public_only_.guard(easy);
}

std::size_t Transfer::on_header(char* bytes, std::size_t, std::size_t count, void* self) {
  Transfer& transfer = *static_cast<Transfer*>(self);
  transfer.header_bytes_ += count;
  if (transfer.header_bytes_ > header_bytes_max) {
    transfer.stopped_ = Stopped::headers_too_long;
    return 0;
  }
  transfer.take_header({bytes, count});
  return count;
}

void Transfer::take_header(std::string_view line) {
  line = without_blanks(line.substr(0, line.find_first_of("\r\n")));
  if (line.starts_with("HTTP/")) {  // Also once for each 1xx and for a proxy's own answer.
    response_ = {};
    const std::size_t space = line.find(' ');
    if (space != std::string_view::npos)
      std::from_chars(line.data() + space + 1, line.data() + line.size(), response_.status);
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string& value = response_.headers[ascii::lower(without_blanks(line.substr(0, colon)))];
  if (!value.empty()) value += ", ";
  value += without_blanks(line.substr(colon + 1));
}

std::size_t Transfer::on_body(char* bytes, std::size_t, std::size_t count, void* self) {
  // Any other number than `count` ends the transfer.
  return static_cast<Transfer*>(self)->take_body({bytes, count}) ? count : CURL_WRITEFUNC_ERROR;
}

bool Transfer::take_body(std::string_view piece) {
  if (sink_ && response_.status / 100 == 2) {
    try {
      if (!sink_(piece)) stopped_ = Stopped::by_sink;
    } catch (...) {  // It must not unwind through curl's C frames.
      thrown_ = std::current_exception();
      stopped_ = Stopped::by_sink;
    }
  } else if (response_.body.size() + piece.size() > options_.body_bytes_max) {
    stopped_ = Stopped::too_long;
  } else {
    response_.body += piece;
  }
  return stopped_ == Stopped::no;
}

Result<ClientResponse> Transfer::run(const Context& context) {
  const CURLcode code = TRY(wait(context));
  if (thrown_) std::rethrow_exception(thrown_);
  if (code != CURLE_OK) return explain(code);
  return std::move(response_);
}

Result<CURLcode> Transfer::wait(const Context& context) {
  const Context narrowed = context.with_timeout(options_.timeout);
  const Attached attached(line_);
  // Inside `attached`: the callback must be gone before the handle is given away.
  const std::stop_callback wake(context.stop(), [this] { curl_multi_wakeup(line_.multi); });
  for (;;) {
    int running = 0;
    if (const CURLMcode code = curl_multi_perform(line_.multi, &running); code != CURLM_OK)
      return fail(Code::internal, "curl: {}", curl_multi_strerror(code));
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(line_.multi, &left))
      if (message->msg == CURLMSG_DONE) return message->data.result;
    if (!narrowed.check()) {
      if (auto over = context.check(); !over)
        return fail(over.error().code(), "{}: {}{}", redact_url(request_.url),
                    over.error().message(), sent_or_not());
      return fail(Code::deadline_exceeded, "{}: no whole answer within {} ms{}",
                  redact_url(request_.url), options_.timeout.count(), sent_or_not());
    }
    const auto pause = narrowed.remaining(options_.timeout) + std::chrono::milliseconds(1);
    const auto pause_max = std::chrono::milliseconds(60'000);  // Fits the int of poll.
    curl_multi_poll(line_.multi, nullptr, 0, static_cast<int>(std::min(pause, pause_max).count()),
                    nullptr);
  }
}

Error Transfer::explain(CURLcode code) const {
  const std::string url = redact_url(request_.url);
  switch (stopped_) {
    case Stopped::by_sink: return fail(Code::cancelled, "{}: the receiver stopped reading", url);
    case Stopped::too_long:
      return fail(Code::unavailable, "{}: the body is longer than the limit of {} bytes", url,
                  options_.body_bytes_max);
    case Stopped::headers_too_long:
      return fail(Code::unavailable, "{}: the headers are longer than {} bytes", url,
                  header_bytes_max);
    case Stopped::no: break;
  }
  if (!public_only_.refused().empty()) return refused_address(request_.url, public_only_.refused());
  const std::string_view said(message_.data());
  return fail(code == CURLE_URL_MALFORMAT ? Code::invalid_argument : Code::unavailable, "{}: {}{}",
              url, said.empty() ? std::string_view(curl_easy_strerror(code)) : said, sent_or_not());
}

std::string_view Transfer::sent_or_not() const {
  // Zero until the connection stands and the request is about to go.
  curl_off_t until_sending = 0;
  curl_easy_getinfo(line_.easy, CURLINFO_PRETRANSFER_TIME_T, &until_sending);
  return until_sending == 0 ? nothing_was_sent : std::string_view();
}

}  // namespace slipway::http::detail
