// One vendor's face: which codec writes its errors, who may come in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "dialects/codec.hpp"
#include "gateway/detail/budget_error.hpp"
#include "gateway/faces.hpp"

namespace slipway::gateway::detail {

/// Whose words a request is in, by its path and, where two vendors share it, by its headers.
/// Nothing for paths of nobody.
std::optional<dialects::Dialect> dialect_of(const http::Request& request);

http::Response json_response(int status, const json::Value& body);
/// With what its status demands: Allow, WWW-Authenticate, Retry-After.
http::Response error_response(dialects::Dialect dialect, const dialects::WireError& error);
/// invalid_argument names the parameter; all else is told as it is.
dialects::WireError wire_error_of(const Error& error);

/// The caller, if he may do that; else the exchange has its answer.
std::optional<access::Caller> admit(const Faces& faces, const http::ExchangePtr& exchange,
                                    dialects::Dialect dialect, access::Role least);

/// Answers with what became of a call.
template <typename Reply>
void answer(const http::ExchangePtr& exchange, dialects::Dialect dialect,
            const Outcome<Reply>& outcome, const std::function<json::Value(const Reply&)>& write) {
  http::Response response = outcome.reply ? json_response(200, write(*outcome.reply))
                                          : error_response(dialect, outcome.error);
  if (!outcome.reply && outcome.budget)
    response.body = json::dump(budget_error_body(dialect, outcome.error, *outcome.budget));
  for (const auto& [name, value] : outcome.headers.items()) response.headers.set(name, value);
  exchange->reply(std::move(response));
}

// What stands behind the paths. Each answers the exchange.
void chat(const Faces& faces, const http::ExchangePtr& exchange, dialects::Dialect dialect);
void embed(const Faces& faces, const http::ExchangePtr& exchange,
           dialects::EmbeddingDialect dialect);
void rerank(const Faces& faces, const http::ExchangePtr& exchange, dialects::RerankDialect dialect);
void count_tokens(const Faces& faces, const http::ExchangePtr& exchange);
void list_models(const Faces& faces, const http::ExchangePtr& exchange, dialects::Dialect dialect);
void show_model(const Faces& faces, const http::ExchangePtr& exchange, dialects::Dialect dialect,
                const std::string& name);

}  // namespace slipway::gateway::detail
