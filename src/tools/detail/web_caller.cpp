#include "tools/detail/web_caller.hpp"

#include <algorithm>

#include "core/ascii.hpp"
#include "core/masking.hpp"
#include "core/secret.hpp"
#include "core/unicode.hpp"
#include "http/never_sent.hpp"

namespace slipway::tools::detail {

namespace {

using agents::Failure;

constexpr std::chrono::milliseconds connect_timeout{10'000}, call_timeout{60'000};

/// Where the reference begins: 0, or behind a first word ("Bearer env:NAME"); npos: none.
std::size_t secret_begin(std::string_view value) {
  for (const std::size_t at : {std::size_t{0}, value.find(' ') + 1}) {
    const std::string_view rest = value.substr(std::min(at, value.size()));
    if (rest.starts_with("env:") || rest.starts_with("file:")) return at;
  }
  return std::string_view::npos;
}

bool matches(const std::string& host, const std::string& allowed) {
  const std::string wanted = ascii::lower(allowed);
  if (wanted.starts_with("*.")) return host.ends_with(wanted.substr(1));
  return host == wanted;
}

Failure failure_of_status(const Target& target, int status, const std::string& body) {
  constexpr std::size_t shown_bytes_max = 300;
  std::string shown =
      unicode::is_valid_utf8(body)
          ? body.substr(0, unicode::floor_boundary(body, std::min(body.size(), shown_bytes_max)))
          : "";
  for (char& c : shown)
    if (c == '\n' || c == '\r') c = ' ';
  std::string message = fmt::format("{} answers with status {}{}{}", target.host_port(), status,
                                    shown.empty() ? "" : ": ", shown);
  if (status == 429) return {"rate_limit", std::move(message)};
  if (status == 408 || status == 504) return {"timeout", std::move(message)};
  if (status >= 500 && status != 501 && status != 505) return {"network", std::move(message)};
  return {"tool", std::move(message)};
}

/// Statuses that say that nothing was done.
bool says_not_done(int status) {
  return status < 500 || status == 501 || status == 503 || status == 505;
}

ToolResult failed_call(const Error& error) {
  Failure failure = agents::failure_of(error);
  if (failure.kind == "failed" || failure.kind == "internal") failure.kind = "tool";
  return http::was_never_sent(error) ? ToolResult::failed(std::move(failure))
                                     : ToolResult::unknown(std::move(failure));
}

/// JSON where it says so or looks like it; else text, which must be UTF-8.
ToolResult reply_of(const http::ClientResponse& response, const std::vector<std::string>& secrets) {
  const auto type = response.headers.find("content-type");
  const std::string media = type == response.headers.end() ? "" : ascii::lower(type->second);
  const std::string body = mask_secrets(response.body, secrets);
  if (body.empty()) return ToolResult::done(Value());
  if (media.find("json") != std::string::npos) {
    auto value = agents::parse_json(body);
    if (value) return ToolResult::done(*std::move(value));
    return ToolResult::unknown(
        {"tool", "the reply says that it is JSON and is not: " + value.error().message()});
  }
  if (unicode::is_valid_utf8(body)) return ToolResult::done(body);
  if (media.find("8859-1") != std::string::npos || media.find("1252") != std::string::npos) {
    std::string text;
    for (const char c : body) unicode::append(text, static_cast<unsigned char>(c));
    return ToolResult::done(std::move(text));
  }
  return ToolResult::unknown(
      {"tool", fmt::format("the reply ({}, {} bytes) is no text in UTF-8",
                           media.empty() ? "of no named type" : media, body.size())});
}

}  // namespace

bool names_secret(std::string_view value) { return secret_begin(value) != std::string_view::npos; }

Result<WebRules> read_web_rules(const ConfigMap& map) {
  WebRules rules;
  rules.allow = TRY(map.texts("allow"));
  rules.allow_private = TRY(map.texts("allow_private"));
  for (std::string& place : rules.allow_private) {
    place = ascii::lower(place);
    if (!parse_target("http://" + place) || place.find(':') == std::string::npos)
      return fail(Code::invalid_argument, "allow_private: '{}' is not host:port", place);
  }
  constexpr std::int64_t bytes_max = 256ll << 20, fallback = 1ll << 20;
  rules.bytes_max = static_cast<std::size_t>(TRY(map.bytes("max_bytes", {1, bytes_max, fallback})));
  rules.redirects_max = static_cast<int>(TRY(map.integer("redirects", {0, 10, 3})));
  return rules;
}

WebCaller::WebCaller(WebRules rules)
    : rules_(std::move(rules)),
      public_client_(http::Client::make({.connect_timeout = connect_timeout,
                                         .timeout = call_timeout,
                                         .body_bytes_max = rules_.bytes_max,
                                         .reach = http::Reach::public_only})),
      private_client_(http::Client::make({.connect_timeout = connect_timeout,
                                          .timeout = call_timeout,
                                          .body_bytes_max = rules_.bytes_max})) {}

bool WebCaller::is_private_allowed(const Target& target) const {
  return std::find(rules_.allow_private.begin(), rules_.allow_private.end(), target.host_port()) !=
         rules_.allow_private.end();
}

Result<void> WebCaller::check(const Target& target) const {
  if (rules_.allow.empty() || is_private_allowed(target)) return {};
  for (const std::string& allowed : rules_.allow)
    if (matches(target.host, allowed)) return {};
  return fail(Code::forbidden, "the host '{}' is not allowed; allow: {}", target.host,
              fmt::join(rules_.allow, ", "));
}

Result<WebCaller::Sent> WebCaller::send(const Context& context, const Target& target,
                                        const http::ClientRequest& request) const {
  const http::Client& client = is_private_allowed(target) ? *private_client_ : *public_client_;
  Sent sent;
  std::string body;
  auto response =
      const_cast<http::Client&>(client).send(context, request, [&](std::string_view piece) {
        sent.is_cut = body.size() + piece.size() > rules_.bytes_max;
        if (!sent.is_cut) body += piece;
        return !sent.is_cut;
      });
  if (sent.is_cut) return sent;
  sent.response = TRY(std::move(response));
  if (sent.response.body.empty()) sent.response.body = std::move(body);
  return sent;
}

ToolResult WebCaller::call(const Context& context, const WebRequest& wanted) const {
  const auto refused = [](const Error& error) {
    return ToolResult::failed({"refused", error.message()});
  };
  auto parsed = parse_target(wanted.url);
  if (!parsed) return refused(parsed.error());
  Target target = *std::move(parsed);
  http::ClientRequest request{
      .method = wanted.method, .headers = wanted.headers, .body = wanted.body};
  std::vector<std::string> secrets;
  for (const auto& [name, value] : wanted.secret_headers) {
    const std::size_t begin = secret_begin(value);
    auto secret = resolve_secret("headers." + name, value.substr(begin));
    if (!secret) return ToolResult::failed({"tool", secret.error().message()});
    secrets.push_back(*secret);
    request.headers[name] = value.substr(0, begin) + *secret;
  }
  const std::string first_origin = target.origin();
  for (int redirects = 0;; ++redirects) {
    if (auto allowed = check(target); !allowed) return refused(allowed.error());
    request.url = target.url();
    auto sent = send(context, target, request);
    if (!sent) return failed_call(sent.error());
    if (sent->is_cut)
      return ToolResult::unknown({"tool", fmt::format("the reply is longer than {} bytes "
                                                      "(max_bytes)",
                                                      rules_.bytes_max)});
    const http::ClientResponse& response = sent->response;
    if (response.status / 100 == 2) return reply_of(response, secrets);
    const auto location = response.headers.find("location");
    const bool is_redirect = response.status >= 301 && response.status <= 308 &&
                             response.status != 304 && location != response.headers.end();
    if (!is_redirect) {
      Failure failure =
          failure_of_status(target, response.status, mask_secrets(response.body, secrets));
      return says_not_done(response.status) ? ToolResult::failed(std::move(failure))
                                            : ToolResult::unknown(std::move(failure));
    }
    if (redirects == rules_.redirects_max)
      return ToolResult::failed(
          {"refused", fmt::format("more than {} redirects", rules_.redirects_max)});
    auto next = follow(target, location->second);
    if (!next) return refused(std::move(next.error()).within("a redirect"));
    target = *std::move(next);
    if (response.status <= 303 && request.method != "HEAD" && request.method != "GET") {
      request.method = "GET";
      request.body.clear();
    }
    if (target.origin() != first_origin)
      for (const auto& [name, value] : wanted.secret_headers) request.headers.erase(name);
  }
}

}  // namespace slipway::tools::detail
