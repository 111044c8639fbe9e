// Why redirects are ours: curl would decide where credentials go by rules of its own, and a
// document must not be led from an encrypted connection to an open one. Why retries are here and
// not in http: only the caller knows that asking twice is harmless, and a GET is.
#include "connectors/detail/session.hpp"

#include <charconv>
#include <condition_variable>
#include <mutex>

#include "core/ascii.hpp"
#include "core/base64.hpp"
#include "core/log.hpp"
#include "core/secret.hpp"
#include "core/unicode.hpp"
#include "http/loopback.hpp"

namespace slipway::connectors::detail {

namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr int redirects_max = 5;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool may_pass(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

/// Whether `site` lies below the URL that credentials are for.
bool is_below(const Url& site, const Url& scope) {
  if (site.origin() != scope.origin()) return false;
  std::string_view folder = scope.path;
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return site.path.starts_with(folder) &&
         (site.path.size() == folder.size() || site.path[folder.size()] == '/');
}

/// Sleeps unless the call ends first.
Result<void> pause(const Context& context, Milliseconds time) {
  if (context.remaining(time) < time)
    return fail(Code::deadline_exceeded, "no time is left to wait {} ms for the server",
                time.count());
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, context.stop(), time, [] { return false; });
  return context.check();
}

std::optional<double> number_in(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !(number >= 0)) return {};
  return std::min(number, 1e9);  // Confluence sends 2^63-1 where it means never.
}

Milliseconds seconds(double count) { return Milliseconds(static_cast<std::int64_t>(count * 1000)); }

Milliseconds until(Clock::Time time, const Clock& clock) {
  const auto left = std::chrono::duration_cast<Milliseconds>(time - clock.now());
  return std::max(left, Milliseconds(0));
}

/// When an account's requests are counted anew; Cloud writes a time, Data Center an interval.
std::optional<Milliseconds> rest_of_limit(const Reply& reply, const Clock& clock) {
  if (const auto interval = number_in(reply.header("x-ratelimit-interval-seconds")))
    return seconds(*interval);
  // "2026-11-24T16:09Z": Cloud leaves out the seconds.
  std::string reset = reply.header("x-ratelimit-reset");
  if (reset.size() == 17 && reset.ends_with('Z')) reset.insert(16, ":00");
  if (const auto time = parse_time(reset)) return until(*time, clock);
  return {};
}

Code code_of(int status) {
  switch (status) {
    case 401:
    case 407: return Code::unauthenticated;
    case 403: return Code::forbidden;
    case 404:
    case 410: return Code::not_found;
    case 408: return Code::unavailable;
    case 429: return Code::rate_limited;
    case 501: return Code::unsupported;
    default: break;
  }
  return status >= 500 || status < 400 ? Code::unavailable : Code::invalid_argument;
}

}  // namespace

std::string Reply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

Result<Session> Session::open(const Url& site, const Options& options) {
  Session session;
  session.site_ = site;
  std::size_t longest = 0;
  for (const Credentials& credentials : options.credentials) {
    const Url scope = TRY(parse_url(credentials.url).within("credentials"));
    if (!is_below(site, scope) || scope.text().size() < longest) continue;
    longest = scope.text().size();
    const std::string setting = fmt::format("credentials of {}: token", scope.origin());
    session.token_ = TRY(resolve_secret(setting, credentials.token));
    if (session.token_.empty())
      return fail(Code::invalid_argument, "{}: is missing; write env:NAME or file:PATH", setting);
    if (credentials.user.find_first_of(std::string_view(":\r\n\0", 4)) != std::string::npos)
      return fail(Code::invalid_argument,
                  "credentials of {}: user: a name with ':' or a line break cannot be sent",
                  scope.origin());
    session.authorization_ = credentials.user.empty()
                                 ? "Bearer " + session.token_
                                 : "Basic " + base64(credentials.user + ":" + session.token_);
  }
  if (session.has_credentials() && site.scheme == "http" && !http::is_loopback(site.host))
    log::warning("the token for {} travels unencrypted; use https", site.origin());
  http::Client::Options client;
  client.timeout = options.timeout;
  client.body_bytes_max = options.bytes_max;
  if (options.is_public_only) client.reach = http::Reach::public_only;
  session.client_ = http::Client::make(client);
  session.options_ = options;
  session.options_.credentials.clear();
  session.resting_until_ = std::make_shared<Guarded<std::chrono::steady_clock::time_point>>();
  return session;
}

Result<Hop> follow_redirect(const Hop& from, const std::string& location) {
  const std::string shown = http::redact_url(from.url.text());
  if (location.empty())
    return fail(Code::unavailable, "{}: leads on and does not say where to go", shown);
  auto next = resolve(from.url, location);
  if (!next)
    return fail(Code::unavailable, "{}: leads to '{}', which is not followed", shown,
                one_line(http::redact_url(location)));
  if (from.url.scheme == "https" && next->scheme == "http")
    return fail(Code::unavailable,
                "{}: leads from https to {}, which is not encrypted; if you trust that, name it as "
                "the source",
                shown, http::redact_url(next->text()));
  const bool is_upgrade = next->host == from.url.host && from.url.scheme == "http" &&
                          next->scheme == "https" && from.url.port == 80 && next->port == 443;
  const bool stays = next->origin() == from.url.origin() || is_upgrade;
  return Hop{*std::move(next), from.is_trusted && stays};
}

Result<Reply> Session::get(const Context& context, const Url& first,
                           const Condition& condition) const {
  Hop hop{first, first.origin() == site_.origin()};
  for (int redirects = 0;; ++redirects) {
    Reply reply = TRY(ask(context, hop, condition));
    if (!is_redirect(reply.status)) return reply;
    const std::string location = reply.header("location");
    if (redirects == redirects_max)
      return fail(Code::unavailable,
                  "{}: led on {} times, the last time to {}; name the page itself",
                  http::redact_url(first.text()), redirects_max + 1, http::redact_url(location));
    hop = TRY(follow_redirect(hop, location));
  }
}

Result<Reply> Session::ask(const Context& context, const Hop& hop,
                           const Condition& condition) const {
  http::ClientRequest request;
  request.url = hop.url.text();
  if (hop.is_trusted && has_credentials()) request.headers["Authorization"] = authorization_;
  if (condition.url == request.url && !condition.etag.empty())
    request.headers["If-None-Match"] = condition.etag;
  if (condition.url == request.url && !condition.last_modified.empty())
    request.headers["If-Modified-Since"] = condition.last_modified;
  Milliseconds own_pause = options_.retry_pause;
  for (int retry = 0;; ++retry) {
    const auto rest = std::chrono::ceil<Milliseconds>(
        resting_until_->with([](auto& time) { return time; }) - std::chrono::steady_clock::now());
    if (rest.count() > 0) TRY(pause(context, rest).within(http::redact_url(request.url)));
    auto reply = ask_once(context, request, hop.url);
    if (retry == options_.retries_max) return reply;
    if (reply ? !may_pass(reply->status) : reply.error().code() != Code::unavailable) return reply;
    // Half to all of it, so that many callers that failed together do not come back together.
    const double share = 0.5 + static_cast<double>(system_random().next() % 1024) / 2048;
    auto wait =
        Milliseconds(static_cast<std::int64_t>(static_cast<double>(own_pause.count()) * share));
    if (reply) wait = wanted_rest(*reply).value_or(wait);
    if (wait > options_.wait_max) return reply;
    log::info("{}: {}; trying again in {} ms", http::redact_url(request.url),
              reply ? fmt::format("answers {}", reply->status) : reply.error().message(),
              wait.count());
    if (const auto rested = pause(context, wait); !rested) {
      if (rested.error().code() == Code::cancelled) return rested.error();
      return reply;  // More telling than that the time was over.
    }
    own_pause *= 2;
  }
}

Result<Reply> Session::ask_once(const Context& context, const http::ClientRequest& request,
                                const Url& url) const {
  Reply reply;
  bool is_too_large = false;
  auto response = client_->send(context, request, [&](std::string_view piece) {
    is_too_large = reply.body.size() + piece.size() > options_.bytes_max;
    if (!is_too_large) reply.body += piece;
    return !is_too_large;
  });
  if (is_too_large)
    return fail(Code::invalid_argument, "{}: is larger than the limit of {:.1f} MiB; raise it",
                http::redact_url(request.url), static_cast<double>(options_.bytes_max) / (1 << 20));
  if (!response) return std::move(response.error());
  reply.status = response->status;
  reply.headers = std::move(response->headers);
  if (reply.status / 100 != 2) reply.body = std::move(response->body);
  reply.url = url;
  note_rest(reply);
  return reply;
}

/// A server that counts says when the last request of an interval was used up; the next one would
/// only be refused. A limit of 0 means that it does not count this account.
void Session::note_rest(const Reply& reply) const {
  if (reply.status / 100 != 2 || reply.header("x-ratelimit-remaining") != "0" ||
      reply.header("x-ratelimit-limit") == "0")
    return;
  const auto rest = rest_of_limit(reply, *options_.clock);
  if (!rest || *rest > options_.wait_max) return;
  resting_until_->with([&](auto& time) { time = std::chrono::steady_clock::now() + *rest; });
}

std::optional<Milliseconds> Session::wanted_rest(const Reply& reply) const {
  const std::string after = reply.header("retry-after");
  if (const auto count = number_in(after)) return seconds(*count);
  if (const auto time = parse_http_date(after)) return until(*time, *options_.clock);
  if (reply.status == 429) return rest_of_limit(reply, *options_.clock);
  return {};
}

Error Session::error(const Reply& reply) const {
  const int status = reply.status;
  const std::string site = reply.url.origin();
  std::string remedy;
  if (status == 401 && !has_credentials())
    remedy = fmt::format("; it wants to know who asks: give credentials for {}", site);
  else if (status == 401)
    remedy =
        fmt::format("; the credentials for {} are refused: check the user and the token", site);
  else if (status == 403)
    remedy = has_credentials() ? "; this account may not read it"
                               : fmt::format("; it may need credentials for {}", site);
  else if (status == 404)
    remedy = has_credentials() ? "; it is not there, or this account may not see it"
                               : "; it is not there, or it may only be seen with credentials";
  if (const auto wait = wanted_rest(reply))
    remedy += fmt::format("; try again in {} s", (wait->count() + 999) / 1000);
  // Secrets go first: a shortened one would not be found any more.
  const std::string said = summary_of(without_secrets(reply.body.substr(0, 64u << 10)));
  return fail(code_of(status), "{}: answers {}{}{}{}", http::redact_url(reply.url.text()), status,
              said.empty() ? "" : ": ", said, remedy);
}

/// Some servers repeat the secret that they refuse.
std::string Session::without_secrets(std::string text) const {
  const std::string encoded = authorization_.substr(authorization_.find(' ') + 1);
  for (const std::string& secret : {token_, encoded}) {
    if (secret.empty()) continue;
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos;)
      text.replace(at, secret.size(), "***");
  }
  return text;
}

std::optional<Clock::Time> parse_http_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::string_view shape = "???, 00 ??? 0000 00:00:00 GMT";
  if (text.size() != shape.size()) return {};
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] != '?' && (shape[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]))
      return {};
  const std::size_t month = months.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return {};
  const std::string iso = fmt::format("{}-{:02}-{}T{}Z", text.substr(12, 4), month / 3 + 1,
                                      text.substr(5, 2), text.substr(17, 8));
  auto time = parse_time(iso);
  return time ? std::optional(*time) : std::nullopt;
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
  std::string line;
  bool is_space_due = false;
  for (std::size_t at = 0; at < text.size() && line.size() < bytes_max;) {
    const auto decoded = unicode::decode(text, at);
    at += decoded.bytes;
    const char32_t c = decoded.code_point;
    if (unicode::is_space(c) || c < 0x20 || c == 0x7F || unicode::is_invisible(c)) {
      is_space_due = !line.empty();
      continue;
    }
    if (is_space_due) line += ' ';
    is_space_due = false;
    unicode::append(line, c);
  }
  if (line.size() >= bytes_max) line += "...";
  return line;
}

bool looks_like_html(std::string_view body) {
  return unicode::trim(body.substr(0, 1024)).starts_with('<');
}

std::string summary_of(std::string_view body) {
  if (looks_like_html(body)) {
    const std::string start = ascii::lower(body.substr(0, 16u << 10));
    const std::size_t title = start.find("<title>");
    if (title == std::string::npos) return "a web page";
    const std::string_view name = body.substr(title + 7, start.find("</title>", title) - title - 7);
    return fmt::format("a web page '{}'", one_line(name.substr(0, 200)));
  }
  const auto parsed = json::parse(body);
  if (parsed && parsed->is_object())
    for (const char* key : {"message", "error", "reason"})
      if (const json::Value* value = parsed->get_object().if_contains(key);
          value != nullptr && value->is_string())
        return one_line(value->get_string());
  return one_line(body.substr(0, 1000));
}

}  // namespace slipway::connectors::detail
