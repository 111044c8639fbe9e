// Conversations, embeddings, reranking and counting, as the SDKs ask for them.
#include "gateway/detail/face.hpp"

namespace slipway::gateway::detail {

using dialects::Dialect;
using dialects::EmbeddingDialect;
using dialects::RerankDialect;

namespace {

/// Longer ones are taken apart by a worker, so that the edge goes on with others.
constexpr std::size_t edge_body_bytes_max = 64u << 10;

void on_right_thread(const Faces& faces, const http::ExchangePtr& exchange, Dialect dialect,
                     std::function<void()> work) {
  if (exchange->request().body.size() <= edge_body_bytes_max) return work();
  if (const auto queued = faces.workers.try_submit(std::move(work)); !queued)
    exchange->reply(error_response(
        dialect, {.status = 503, .code = "overloaded", .message = queued.error().message()}));
}

/// The decoded body, or nothing: then the exchange has its answer.
template <typename Decode>
auto decoded(const http::ExchangePtr& exchange, Dialect dialect, const Decode& decode)
    -> std::optional<typename decltype(decode(json::Value()))::Value> {
  const auto body = json::parse(exchange->request().body);
  if (!body) {
    dialects::WireError error = wire_error_of(body.error());
    error.message = "the body is not valid JSON: " + error.message;
    error.parameter.clear();
    exchange->reply(error_response(dialect, error));
    return std::nullopt;
  }
  auto request = decode(*body);
  if (!request) {
    exchange->reply(error_response(dialect, wire_error_of(request.error())));
    return std::nullopt;
  }
  return std::move(*request);
}

}  // namespace

void chat(const Faces& faces, const http::ExchangePtr& exchange, Dialect dialect) {
  auto caller = admit(faces, exchange, dialect, access::Role::write);
  if (!caller) return;
  on_right_thread(faces, exchange, dialect,
                  [&gateway = faces.gateway, exchange, dialect, caller = std::move(*caller)] {
                    gateway.chat(exchange, {caller, &dialects::codec(dialect)});
                  });
}

void embed(const Faces& faces, const http::ExchangePtr& exchange, EmbeddingDialect dialect) {
  const Dialect face = dialect == EmbeddingDialect::openai ? Dialect::openai : Dialect::cohere;
  auto caller = admit(faces, exchange, face, access::Role::write);
  if (!caller) return;
  on_right_thread(
      faces, exchange, face,
      [&gateway = faces.gateway, exchange, face, dialect, caller = std::move(*caller)] {
        auto request = decoded(exchange, face, [&](const json::Value& body) {
          return dialects::decode_embedding_request(dialect, body);
        });
        if (!request) return;
        const auto asked = std::make_shared<const dialects::EmbeddingRequest>(*request);
        gateway.embed(exchange, {caller, std::move(*request)},
                      [exchange, face, dialect, asked](Outcome<dialects::EmbeddingReply> outcome) {
                        answer<dialects::EmbeddingReply>(
                            exchange, face, outcome, [&](const dialects::EmbeddingReply& reply) {
                              return dialects::encode_embedding_reply(dialect, *asked, reply);
                            });
                      });
      });
}

void rerank(const Faces& faces, const http::ExchangePtr& exchange, RerankDialect dialect) {
  auto caller = admit(faces, exchange, Dialect::cohere, access::Role::write);
  if (!caller) return;
  on_right_thread(faces, exchange, Dialect::cohere,
                  [&gateway = faces.gateway, exchange, dialect, caller = std::move(*caller)] {
                    auto request = decoded(exchange, Dialect::cohere, [&](const json::Value& body) {
                      return dialects::decode_rerank_request(dialect, body);
                    });
                    if (!request) return;
                    const auto asked = std::make_shared<const dialects::RerankRequest>(*request);
                    gateway.rerank(
                        exchange, {caller, std::move(*request)},
                        [exchange, dialect, asked](Outcome<dialects::RerankReply> outcome) {
                          answer<dialects::RerankReply>(exchange, Dialect::cohere, outcome,
                                                        [&](const dialects::RerankReply& reply) {
                                                          return dialects::encode_rerank_reply(
                                                              dialect, *asked, reply);
                                                        });
                        });
                  });
}

void count_tokens(const Faces& faces, const http::ExchangePtr& exchange) {
  auto caller = admit(faces, exchange, Dialect::anthropic, access::Role::write);
  if (!caller) return;
  on_right_thread(
      faces, exchange, Dialect::anthropic,
      [&gateway = faces.gateway, exchange, caller = std::move(*caller)] {
        auto request = decoded(exchange, Dialect::anthropic, dialects::decode_count_tokens);
        if (!request) return;
        gateway.count_tokens(exchange, {caller, std::move(*request)},
                             [exchange](Outcome<CountReply> outcome) {
                               if (outcome.reply && outcome.reply->estimated)
                                 outcome.headers.set("x-slipway-estimated", "true");
                               answer<CountReply>(exchange, Dialect::anthropic, outcome,
                                                  [](const CountReply& reply) -> json::Value {
                                                    return {{"input_tokens", reply.input_tokens}};
                                                  });
                             });
      });
}

}  // namespace slipway::gateway::detail
