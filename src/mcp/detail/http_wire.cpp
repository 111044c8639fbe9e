// A client's messages over Streamable HTTP, both eras.
#include <atomic>
#include <condition_variable>
#include <thread>

#include "core/guarded.hpp"
#include "core/log.hpp"
#include "mcp/client.hpp"
#include "mcp/detail/event_reader.hpp"

namespace slipway::mcp {

namespace {

constexpr std::chrono::hours call_timeout{1};
constexpr int tries_max = 4;  ///< Of a request whose credentials are refused.
constexpr std::chrono::milliseconds default_retry{1'000};
/// What a server may say in one stream beside the answer: no more than this many times what one
/// message may have, in so many messages.
constexpr std::size_t stream_factor = 4, messages_max = 100'000;

/// Takes the body of an answer, JSON or events, whichever it turns out to be.
class Body {
 public:
  Body(const json::Value& id, std::size_t bytes_max, const Wire::OnMessage& on_message)
      : id_(id), bytes_max_(bytes_max), on_message_(on_message), events_(bytes_max) {}

  /// False: enough.
  bool take(std::string_view piece) {
    if (!is_json_ && !is_stream_) {
      const auto first = piece.find_first_not_of(" \t\r\n");
      if (first == std::string_view::npos) return true;
      is_json_ = piece[first] == '{' || piece[first] == '[';
      is_stream_ = !is_json_;
    }
    if (is_json_) {
      text_ += piece;
      is_broken_ = text_.size() > bytes_max_;
      return !is_broken_;
    }
    bytes_ += piece.size();
    is_broken_ = !events_.feed(piece, [&](const std::string& data) { take_text(data); }) ||
                 messages_ > messages_max || bytes_ > stream_factor * bytes_max_;
    return !is_broken_ && (!answer_ || keeps_reading);
  }
  void end() {
    if (is_json_ && !is_broken_) take_text(text_);
    text_.clear();
  }
  void take_text(std::string_view text) {
    ++messages_;
    for (Decoded& one : decode_text(text).messages) {
      auto* message = std::get_if<Message>(&one);
      if (!message) continue;
      // An error without an id is about the only request that was sent.
      const bool is_ours = message->is_answer() && (message->id.is_null() || message->id == id_);
      if (is_ours && !answer_)
        answer_ = std::move(*message);
      else if (!message->is_answer() && on_message_)
        on_message_(std::move(*message));
    }
  }

  bool keeps_reading = false;
  bool is_broken() const { return is_broken_; }
  bool was_stream() const { return is_stream_; }
  std::optional<Message>& answer() { return answer_; }
  const detail::EventReader& events() const { return events_; }

 private:
  const json::Value& id_;
  const std::size_t bytes_max_;
  const Wire::OnMessage& on_message_;
  detail::EventReader events_;
  std::string text_;
  std::size_t bytes_ = 0, messages_ = 0;
  bool is_json_ = false, is_stream_ = false, is_broken_ = false;
  std::optional<Message> answer_;
};

Result<void> rest(const Context& context, std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, context.stop(), until, [] { return false; });
  return context.check();
}

class HttpWire final : public Wire {
 public:
  explicit HttpWire(HttpWireOptions options)
      : options_(std::move(options)),
        client_(http::Client::make({.timeout = call_timeout, .reach = options_.reach})) {}

  ~HttpWire() override {
    if (listener_.joinable()) {
      listener_.request_stop();
      listener_.join();
    }
    const std::string session = session_.with([](const auto& id) { return id; });
    if (session.empty() || !is_open_) return;
    http::ClientRequest request = head("DELETE", {});
    request.headers["Mcp-Session-Id"] = session;
    (void)client_->send(Context().with_timeout(std::chrono::seconds(2)), request).ok();
  }

  Result<Message> ask(const Context& context, const Outgoing& request,
                      const OnMessage& on_message) override {
    const json::Value id = request.message.at("id");
    Body body(id, options_.message_bytes_max, on_message);
    body.keeps_reading = request.method == "initialize";  // Its session stands in the head.
    auto sent = post(context, request, body);
    if (!sent && !body.answer()) {
      if (context.check()) return std::move(sent.error());
      if (!request.is_modern && request.method != "initialize") tell_cancelled(request, id);
      return std::move(sent.error());
    }
    if (!body.answer() && body.is_broken())
      return fail(Code::unavailable,
                  "the server's answer has more than {} bytes, or too much comes before it",
                  options_.message_bytes_max);
    if (!body.answer()) TRY(come_back(context, request, body));
    return std::move(*body.answer());
  }

  Result<void> tell(const Context& context, const Outgoing& message) override {
    Body body(no_id_, options_.message_bytes_max, nothing_);
    return post(context, message, body);
  }
  void listen(OnMessage on_message) override {
    const std::string version = version_.with([](const auto& text) { return text; });
    listener_ = std::jthread(
        [this, version, on_message = std::move(on_message)](const std::stop_token& stop) {
          hear(Context(stop), version, on_message);
        });
  }
  bool is_process() const override { return false; }
  bool is_open() const override { return is_open_; }

 private:
  http::ClientRequest head(std::string method, const Outgoing& message) const {
    http::ClientRequest request{
        .method = std::move(method), .url = options_.url, .headers = {}, .body = {}};
    request.headers = options_.headers;
    if (!message.version.empty()) request.headers["MCP-Protocol-Version"] = message.version;
    if (options_.authorizer)
      if (std::string header = options_.authorizer->header(); !header.empty())
        request.headers["Authorization"] = std::move(header);
    return request;
  }

  Result<void> post(const Context& context, const Outgoing& message, Body& body) {
    for (int tried = 1;; ++tried) {
      http::ClientRequest request = head("POST", message);
      request.headers["Content-Type"] = "application/json";
      request.headers["Accept"] = "application/json, text/event-stream";
      if (message.is_modern && !message.method.empty())
        request.headers["Mcp-Method"] = message.method;
      for (const auto& [name, value] : message.headers) request.headers[name] = value;
      const std::string session = session_.with([](const auto& id) { return id; });
      if (!session.empty() && !message.is_modern) request.headers["Mcp-Session-Id"] = session;
      request.body = json::dump(message.message);
      auto response = send(context, request, body);
      if (!response) return std::move(response.error());
      if (!*response) return {};  // The answer came before the end.
      const http::ClientResponse& got = **response;
      if (TRY(retries(context, got, tried))) continue;
      return read_head(message, got, body);
    }
  }

  /// Nothing: we stopped reading, having what we wanted.
  Result<std::optional<http::ClientResponse>> send(const Context& context,
                                                   const http::ClientRequest& request, Body& body) {
    auto response =
        client_->send(context, request, [&](std::string_view piece) { return body.take(piece); });
    body.end();
    if (!response && (body.answer() || body.is_broken()))
      return std::optional<http::ClientResponse>();
    if (!response) return std::move(response.error());
    return std::optional(std::move(*response));
  }

  static std::string header_of(const http::ClientResponse& response, const std::string& name) {
    const auto found = response.headers.find(name);
    return found == response.headers.end() ? std::string() : found->second;
  }

  Result<bool> retries(const Context& context, const http::ClientResponse& response, int tried) {
    if (response.status != 401 && response.status != 403) return false;
    const std::string challenge = header_of(response, "www-authenticate");
    if (!options_.authorizer || (response.status == 403 && challenge.empty())) {
      if (response.status == 401)
        return fail(Code::unauthenticated, "the server at {} wants credentials",
                    http::redact_url(options_.url));
      return false;
    }
    if (tried == tries_max)
      return fail(Code::forbidden, "the server at {} refuses the credentials that it asked for",
                  http::redact_url(options_.url));
    return options_.authorizer->challenged(context, response.status, challenge);
  }

  Result<void> read_head(const Outgoing& message, const http::ClientResponse& response,
                         Body& body) {
    if (message.method == "initialize" && response.status < 300)
      session_.with([&](auto& id) { id = header_of(response, "mcp-session-id"); });
    if (message.method == "notifications/initialized")
      version_.with([&](auto& version) { version = message.version; });
    if (response.status < 300) return {};
    if (!message.method.empty()) body.take_text(response.body);
    if (body.answer() && body.answer()->error) return {};
    body.answer().reset();
    const bool had_session = !session_.with([](const auto& id) { return id.empty(); });
    if (response.status == 404 && had_session) {
      is_open_ = false;
      return fail(Code::not_found, "the server at {} has ended the session",
                  http::redact_url(options_.url));
    }
    const bool may_be_older = response.status == 400 || response.status == 404 ||
                              response.status == 405 || response.status == 406;
    return fail(response.status == 403   ? Code::forbidden
                : response.status == 429 ? Code::rate_limited
                : may_be_older           ? Code::unsupported
                                         : Code::unavailable,
                "the server at {} answered with status {}", http::redact_url(options_.url),
                response.status);
  }

  /// What the server says by itself, until it says that there is no such stream.
  void hear(const Context& context, const std::string& version, const OnMessage& on_message) {
    Body body(no_id_, options_.message_bytes_max, on_message);
    for (int failed = 0; failed < options_.reconnects_max && !body.is_broken();) {
      const auto status = get(context, version, body);
      if (!context.check() || (status && *status >= 300)) return;
      failed = status ? 0 : failed + 1;
      if (!rest(context, body.events().retry().value_or(default_retry * (failed + 1)))) return;
    }
  }

  /// 0: we stopped reading.
  Result<int> get(const Context& context, const std::string& version, Body& body) {
    http::ClientRequest request = head("GET", {.version = version});
    request.headers["Accept"] = "text/event-stream";
    if (!body.events().last_id().empty())
      request.headers["Last-Event-ID"] = body.events().last_id();
    if (const std::string session = session_.with([](const auto& id) { return id; });
        !session.empty())
      request.headers["Mcp-Session-Id"] = session;
    const auto response = TRY(send(context, request, body));
    return response ? response->status : 0;
  }

  /// The rest of a legacy stream that ended before the answer.
  Result<void> come_back(const Context& context, const Outgoing& message, Body& body) {
    for (int i = 0; i < options_.reconnects_max; ++i) {
      if (message.is_modern || body.events().last_id().empty()) break;
      TRY(rest(context, body.events().retry().value_or(default_retry)));
      const auto status = get(context, message.version, body);
      if (!status && status.error().code() != Code::unavailable) return status.error();
      if (body.answer()) return {};
      if (status && *status >= 300) break;
    }
    return fail(Code::unavailable, "the server at {} ended its answer before the result",
                http::redact_url(options_.url));
  }

  void tell_cancelled(const Outgoing& request, const json::Value& id) {
    (void)tell(Context().with_timeout(std::chrono::seconds(2)),
               {.message = make_notification("notifications/cancelled",
                                             {{"requestId", id}, {"reason", "cancelled"}}),
                .method = "notifications/cancelled",
                .version = request.version})
        .ok();
  }

  const HttpWireOptions options_;
  const std::unique_ptr<http::Client> client_;
  const json::Value no_id_;
  const OnMessage nothing_;
  Guarded<std::string> session_, version_;
  std::atomic<bool> is_open_ = true;
  std::jthread listener_;
};

}  // namespace

Result<std::unique_ptr<Wire>> open_http_wire(HttpWireOptions options) {
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://"))
    return fail(Code::invalid_argument, "'{}' is no http:// or https:// URL of an MCP server",
                http::redact_url(options.url));
  return std::unique_ptr<Wire>(std::make_unique<HttpWire>(std::move(options)));
}

}  // namespace slipway::mcp
