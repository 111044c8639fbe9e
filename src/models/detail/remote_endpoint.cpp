#include "models/detail/remote_endpoint.hpp"

#include <charconv>
#include <condition_variable>

#include "core/clock.hpp"
#include "core/log.hpp"
#include "core/secret.hpp"
#include "core/unicode.hpp"
#include "http/loopback.hpp"

namespace slipway::models::detail {

namespace {

constexpr int retries_max = 2;
constexpr std::chrono::seconds retry_after_max{20};  // Longer pauses are the caller's decision.
constexpr std::size_t message_bytes_max = 400;

std::string_view trim(std::string_view text) { return unicode::trim(text); }

/// What a server says becomes part of a message for people: one line, short, printable.
std::string one_line(std::string_view text) {
  std::string line;
  for (std::size_t at = 0; at < text.size() && line.size() < message_bytes_max;) {
    const auto decoded = unicode::decode(text, at);
    at += decoded.bytes;
    unicode::append(
        line, decoded.code_point < 0x20 || decoded.code_point == 0x7F ? U' ' : decoded.code_point);
  }
  if (line.size() >= message_bytes_max) line += "...";
  return std::string(trim(line));
}

Code code_of(int status) {
  switch (status) {
    case 401: return Code::unauthenticated;
    case 403: return Code::forbidden;
    case 404: return Code::not_found;
    case 408: return Code::unavailable;
    case 409: return Code::conflict;
    case 429: return Code::rate_limited;
    case 501: return Code::unsupported;
    default: break;
  }
  return status >= 500 ? Code::unavailable : Code::invalid_argument;
}

std::string_view remedy_of(int status) {
  if (status == 401) return "; check api_key";
  if (status == 404) return "; check base_url and model";
  if (status >= 300 && status < 400) return "; it answers elsewhere: check base_url";
  return "";
}

std::optional<std::chrono::milliseconds> retry_after(const http::ClientResponse& response) {
  const auto found = response.headers.find("retry-after");
  if (found == response.headers.end()) return {};
  double seconds = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  // The other form, a date, is rare here; then our own pause serves.
  if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0)) return {};
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::min(seconds, 1e6) * 1000));
}

/// Sleeps unless the call ends first.
Result<void> pause(const Context& context, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  if (context.remaining(time) < time)
    return fail(Code::deadline_exceeded, "no time is left for another try");
  never.wait_for(lock, context.stop(), time, [] { return false; });
  return context.check();
}

}  // namespace

Result<std::string> resolve_secret(const std::string& reference) {
  return slipway::resolve_secret("api_key", reference);
}

Result<RemoteEndpoint> RemoteEndpoint::open(Options options) {
  while (options.base_url.ends_with('/')) options.base_url.pop_back();
  const bool is_encrypted = options.base_url.starts_with("https://");
  constexpr std::string_view scheme = "http://";
  if (!is_encrypted && !options.base_url.starts_with(scheme))
    return fail(Code::invalid_argument,
                "model '{}': base_url '{}' is no URL; write http://HOST:PORT/v1",
                options.model_name, http::redact_url(options.base_url));
  RemoteEndpoint endpoint;
  endpoint.secret_ =
      TRY(resolve_secret(options.api_key).within(fmt::format("model '{}'", options.model_name)));
  endpoint.shown_url_ = http::redact_url(options.base_url);
  const std::string_view rest = std::string_view(endpoint.shown_url_).substr(scheme.size());
  const bool is_local =
      http::is_loopback(http::without_port(rest.substr(0, rest.find_first_of("/?#"))));
  if (!is_encrypted && !is_local && !endpoint.secret_.empty())
    log::warning("model '{}': its key travels unencrypted to {}; use https", options.model_name,
                 endpoint.shown_url_);
  endpoint.options_ = std::move(options);
  endpoint.client_ = http::Client::make({});
  return endpoint;
}

struct RemoteEndpoint::Attempt {
  Result<http::ClientResponse> result;
  bool may_repeat = false;
  std::optional<std::chrono::milliseconds> wait;
};

RemoteEndpoint::Attempt RemoteEndpoint::attempt(const Context& context,
                                                const http::ClientRequest& request,
                                                const http::BodySink& sink) const {
  bool has_begun = false;
  http::BodySink watched;
  if (sink)
    watched = [&](std::string_view piece) {
      has_begun = true;
      return sink(piece);
    };
  auto response = client_->send(context, request, watched);
  if (!response) {
    const bool may_repeat = response.error().code() == Code::unavailable && !has_begun;
    Error failed =
        std::move(response.error()).within(fmt::format("model '{}'", options_.model_name));
    return {std::move(failed), may_repeat, {}};
  }
  if (response->status / 100 == 2) return {std::move(response), false, {}};
  Error refused = describe(response->status, response->body);
  const auto wait = retry_after(*response);
  if (wait)
    refused = Error(refused.code(), fmt::format("{} (try again in {} s)", refused.message(),
                                                (wait->count() + 999) / 1000));
  // A quota that is used up is not refilled by waiting.
  const bool may_repeat = is_retryable(refused.code()) &&
                          refused.message().find("quota") == std::string::npos &&
                          wait.value_or(std::chrono::milliseconds(0)) <= retry_after_max;
  return {std::move(refused), may_repeat, wait};
}

Result<http::ClientResponse> RemoteEndpoint::post(const Context& context, std::string_view path,
                                                  const json::Value& body,
                                                  const http::BodySink& sink) const {
  http::ClientRequest request;
  request.method = "POST";
  request.url = options_.base_url + std::string(path);
  request.headers = api_headers(options_.provider, secret_);
  request.body = json::dump(body);
  auto own_pause = options_.retry_pause;
  for (int retry = 0;; ++retry) {
    Attempt done = attempt(context, request, sink);
    if (!done.may_repeat || retry == retries_max) return std::move(done.result);
    // Half to all of it, so that many callers that failed together do not come back together.
    const auto share = 0.5 + static_cast<double>(system_random().next() % 1024) / 2048;
    const auto wait = done.wait.value_or(std::chrono::milliseconds(
        static_cast<std::int64_t>(static_cast<double>(own_pause.count()) * share)));
    log::info("{}; trying again in {} ms", done.result.error().message(), wait.count());
    if (const auto rested = pause(context, wait); !rested) {
      if (rested.error().code() == Code::cancelled) return rested.error();
      return std::move(done.result);  // More telling than that the time was over.
    }
    own_pause *= 2;
  }
}

Error RemoteEndpoint::error(Code code, std::string_view what) const {
  return fail(code, "model '{}' at {}: {}", options_.model_name, shown_url_, what);
}

Error RemoteEndpoint::describe(int status, std::string_view body) const {
  const auto& codec = dialects::codec(chat_dialect(options_.provider));
  const std::string said = quote(codec.decode_error(status, without_secret(body)).message);
  return error(code_of(status), fmt::format("the server answers {}{}{}{}", status,
                                            said.empty() ? "" : ": ", said, remedy_of(status)));
}

std::string RemoteEndpoint::quote(std::string_view text) const {
  return one_line(without_secret(text));  // In this order: a cut key is still a key.
}

/// Some servers repeat the key that they refuse.
std::string RemoteEndpoint::without_secret(std::string_view said) const {
  std::string text(said);
  if (secret_.empty()) return text;
  for (std::size_t at = 0; (at = text.find(secret_, at)) != std::string::npos;)
    text.replace(at, secret_.size(), "***");
  return text;
}

}  // namespace slipway::models::detail
