#include "gateway/detail/face.hpp"

#include <array>

#include "gateway/detail/failure.hpp"

namespace slipway::gateway::detail {

using dialects::Dialect;

namespace {

struct Prefix {
  std::string_view path;
  Dialect dialect;
};

/// The first that fits counts.
constexpr std::array<Prefix, 14> prefixes = {{
    {"/openai/v1/responses", Dialect::openai_responses},
    {"/openai/v1/completions", Dialect::openai_completions},
    {"/openai/", Dialect::openai},
    {"/anthropic/", Dialect::anthropic},
    {"/cohere/", Dialect::cohere},
    {"/v1/responses", Dialect::openai_responses},
    {"/v1/completions", Dialect::openai_completions},
    {"/v1/chat/", Dialect::openai},
    {"/v1/embeddings", Dialect::openai},
    {"/v1/messages", Dialect::anthropic},
    {"/v1/rerank", Dialect::cohere},
    {"/v2/chat", Dialect::cohere},
    {"/v2/embed", Dialect::cohere},
    {"/v2/rerank", Dialect::cohere},
}};

/// After which a client that was refused for want of room may come again.
constexpr std::string_view busy_seconds = "1";

}  // namespace

std::optional<Dialect> dialect_of(const http::Request& request) {
  for (const Prefix& prefix : prefixes)
    if (request.path.starts_with(prefix.path)) return prefix.dialect;
  if (request.path != "/v1" && !request.path.starts_with("/v1/")) return std::nullopt;
  return request.headers.find("anthropic-version") ? Dialect::anthropic : Dialect::openai;
}

http::Response json_response(int status, const json::Value& body) {
  http::Response response{.status = status};
  response.headers.set("Content-Type", "application/json");
  response.body = json::dump(body);
  return response;
}

http::Response error_response(Dialect dialect, const dialects::WireError& error) {
  http::Response response =
      json_response(error.status, dialects::codec(dialect).encode_error(error));
  if (error.status == 401) response.headers.set("WWW-Authenticate", "Bearer");
  if (error.status == 503) response.headers.set("Retry-After", std::string(busy_seconds));
  return response;
}

dialects::WireError wire_error_of(const Error& error) {
  dialects::WireError wire = wire_error(error);
  if (error.code() == Code::unauthenticated) wire.code = "invalid_api_key";
  return wire;
}

std::optional<access::Caller> admit(const Faces& faces, const http::ExchangePtr& exchange,
                                    Dialect dialect, access::Role least) {
  auto caller = faces.gate.admit(exchange->request(), least);
  if (!caller) {
    exchange->reply(error_response(dialect, wire_error_of(caller.error())));
    return std::nullopt;
  }
  exchange->set_caller(caller->name);
  return std::move(*caller);
}

}  // namespace slipway::gateway::detail

namespace slipway::gateway {

std::optional<http::Response> dialect_refusal(const http::Request& request, int status,
                                              const std::string& message) {
  const auto dialect = detail::dialect_of(request);
  if (!dialect) return std::nullopt;
  dialects::WireError error{.status = status, .message = message};
  if (status == 401) error.code = "invalid_api_key";
  return detail::error_response(*dialect, error);
}

}  // namespace slipway::gateway
