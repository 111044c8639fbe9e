#include "access/gate.hpp"

#include <algorithm>

#include "core/unicode.hpp"
#include "http/loopback.hpp"

namespace slipway::access {

namespace {

/// The key of a request, or empty.
std::string_view secret_of(const http::Request& request) {
  constexpr std::string_view bearer = "bearer ";
  const std::string_view authorization = request.headers.get("authorization");
  if (authorization.size() > bearer.size() &&
      std::equal(bearer.begin(), bearer.end(), authorization.begin(),
                 [](char want, char got) { return want == (got | 0x20); })) {
    const std::string_view rest = authorization.substr(bearer.size());
    return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  return request.headers.get("x-api-key");
}

}  // namespace

bool Gate::is_known_host(std::string_view host) const {
  const std::string_view said = http::without_port(host);
  if (http::is_loopback(said)) return true;  // As most say it: nothing to make of it.
  const std::string name = unicode::to_lower(said);
  return http::is_loopback(name) ||
         std::find(options_.host_names.begin(), options_.host_names.end(), name) !=
             options_.host_names.end();
}

bool Gate::allows_origin(std::string_view origin) const {
  return std::find(options_.origins.begin(), options_.origins.end(), origin) !=
         options_.origins.end();
}

Result<void> Gate::check_page(const http::Request& request) const {
  const std::string_view host = request.headers.get("host");
  const std::string_view origin = request.headers.get("origin");
  if (!origin.empty() && !allows_origin(origin)) {
    const std::size_t scheme = origin.find("://");
    const std::string_view from =
        scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
    if (!http::equals_ignoring_case(from, host))
      return fail(Code::forbidden,
                  "a page of {} may not call this server; list it in server.origins to allow it",
                  origin);
  } else if (origin.empty() && request.headers.get("sec-fetch-site") == "cross-site") {
    return fail(Code::forbidden, "a page of another site may not call this server");
  }
  return {};
}

Result<Caller> Gate::who(const http::Request& request) const {
  const std::string_view secret = secret_of(request);
  if (!secret.empty() && !options_.keys.empty()) {
    // A key in a header is a proof that no foreign page can make a browser send.
    if (auto caller = options_.keys.find(secret)) return *std::move(caller);
    return fail(Code::unauthenticated, "the API key is not known here, was revoked or has expired");
  }
  TRY(check_page(request));
  if (options_.session)
    if (auto caller = options_.session(request)) return *std::move(caller);
  if (options_.demands_keys || !options_.keys.empty())
    return fail(Code::unauthenticated,
                "an API key is needed; send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'");
  // Without keys any program of this machine may call, and sends whatever key its SDK insists on.
  const std::string_view host = request.headers.get("host");
  if (!host.empty() && !is_known_host(host))
    return fail(Code::forbidden,
                "this server does not answer to the name '{}'; use a loopback address, or list the "
                "name in server.names",
                http::without_port(host));
  return Caller{.name = "local"};
}

Result<Caller> Gate::admit(const http::Request& request, Role least) const {
  Caller caller = TRY(who(request));
  if (caller.role < least)
    return fail(Code::forbidden, "key '{}' has the role {}; this needs {}", caller.name,
                json::name(caller.role), json::name(least));
  return caller;
}

}  // namespace slipway::access
