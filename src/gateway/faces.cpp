#include "gateway/faces.hpp"

#include <array>

#include "gateway/detail/face.hpp"

namespace slipway::gateway {

using detail::dialect_of;
using dialects::Dialect;
using dialects::EmbeddingDialect;
using dialects::RerankDialect;

namespace {

constexpr const char* openai_prefix = "/openai";
constexpr const char* anthropic_prefix = "/anthropic";
constexpr const char* cohere_prefix = "/cohere";

/// Routes that are known by a prefix and at the root.
class Mount {
 public:
  Mount(http::Router& router, const Faces& faces) : router_(router), faces_(faces) {}

  void chat(const std::string& prefix, const std::string& path, Dialect dialect) {
    both(prefix, path, [faces = faces_, dialect](const http::ExchangePtr& exchange, const auto&) {
      detail::chat(faces, exchange, dialect);
    });
  }
  void embed(const std::string& prefix, const std::string& path, EmbeddingDialect dialect) {
    both(prefix, path, [faces = faces_, dialect](const http::ExchangePtr& exchange, const auto&) {
      detail::embed(faces, exchange, dialect);
    });
  }
  void rerank(const std::string& path, RerankDialect dialect) {
    both(cohere_prefix, path,
         [faces = faces_, dialect](const http::ExchangePtr& exchange, const auto&) {
           detail::rerank(faces, exchange, dialect);
         });
  }
  void count_tokens() {
    both(anthropic_prefix, "/v1/messages/count_tokens",
         [faces = faces_](const http::ExchangePtr& exchange, const auto&) {
           detail::count_tokens(faces, exchange);
         });
  }
  /// `prefix` empty: whose list it is the request's headers say.
  void models(const std::string& prefix) {
    router_.add("GET", prefix + "/v1/models", http::RunOn::workers,
                [faces = faces_](const http::ExchangePtr& exchange, const auto&) {
                  detail::list_models(faces, exchange, dialect(exchange));
                });
    router_.add("GET", prefix + "/v1/models/{name...}", http::RunOn::workers,
                [faces = faces_](const http::ExchangePtr& exchange,
                                 const http::PathParameters& parameters) {
                  const auto name = parameters.find("name");
                  if (name == parameters.end() || name->second.empty())
                    detail::list_models(faces, exchange, dialect(exchange));
                  else
                    detail::show_model(faces, exchange, dialect(exchange), name->second);
                });
  }
  void refuse(const std::string& prefix) {
    router_.refuse_with(prefix, [](const http::Request& request, int status,
                                   const std::string& allow) {
      std::string message = fmt::format("there is nothing at {}", request.path);
      if (status == 405)
        message = fmt::format("{} takes {}, not {}", request.path, allow, request.method);
      if (status == 503) message = "too many requests wait already; try again later";
      auto response = dialect_refusal(request, status, message);
      if (!response)
        response = detail::error_response(Dialect::openai, {.status = status, .message = message});
      if (!allow.empty()) response->headers.set("Allow", allow);
      return *response;
    });
  }

 private:
  static Dialect dialect(const http::ExchangePtr& exchange) {
    return dialect_of(exchange->request()).value_or(Dialect::openai);
  }

  void both(const std::string& prefix, const std::string& path, http::RouteHandler handler) {
    router_.add("POST", prefix + path, http::RunOn::edge, handler);
    router_.add("POST", path, http::RunOn::edge, std::move(handler));
  }

  http::Router& router_;
  Faces faces_;
};

}  // namespace

void mount_faces(http::Router& router, const Faces& faces) {
  Mount mount(router, faces);
  mount.chat(openai_prefix, "/v1/chat/completions", Dialect::openai);
  mount.chat(openai_prefix, "/v1/responses", Dialect::openai_responses);
  mount.chat(openai_prefix, "/v1/completions", Dialect::openai_completions);
  mount.embed(openai_prefix, "/v1/embeddings", EmbeddingDialect::openai);
  mount.chat(anthropic_prefix, "/v1/messages", Dialect::anthropic);
  mount.count_tokens();
  mount.chat(cohere_prefix, "/v2/chat", Dialect::cohere);
  mount.embed(cohere_prefix, "/v2/embed", EmbeddingDialect::cohere);
  mount.rerank("/v2/rerank", RerankDialect::cohere_v2);
  mount.rerank("/v1/rerank", RerankDialect::cohere_v1);
  for (const char* prefix : {"", openai_prefix, anthropic_prefix, cohere_prefix})
    mount.models(prefix);
  for (const char* prefix :
       {"/v1/", "/openai/", "/anthropic/", "/cohere/", "/v2/chat", "/v2/embed", "/v2/rerank"})
    mount.refuse(prefix);
}

}  // namespace slipway::gateway
