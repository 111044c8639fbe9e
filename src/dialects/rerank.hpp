// Reranking in no vendor's words, and the wire formats of Cohere's /v2/rerank and /v1/rerank both
// ways. What other servers call /rerank is one of the two.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "dialects/codec.hpp"

namespace slipway::dialects {

enum class RerankDialect { cohere_v2, cohere_v1 };
BOOST_DESCRIBE_ENUM(RerankDialect, cohere_v2, cohere_v1)

struct RerankRequest {
  std::string model;
  std::string query;
  std::vector<std::string> documents;  ///< What is read of each.
  std::vector<json::Value> originals;  ///< v1: as they were given; empty when all are texts.
  std::optional<std::int64_t> top_n;   ///< 1..; nothing: all.
  bool return_documents = false;       ///< v1
  std::optional<std::int64_t> max_tokens_per_document;
  json::Object extra;  ///< As of a `ChatRequest`.
  std::optional<RerankDialect> from;
};

struct RerankHit {
  std::size_t index = 0;  ///< Of the document in the request.
  double score = 0;
};

struct RerankReply {
  std::string id;
  std::vector<RerankHit> hits;  ///< Best first.
  std::int64_t search_units = 0;
  std::int64_t input_tokens = 0;
};

/// Fails: invalid_argument with the path.
Result<RerankRequest> decode_rerank_request(RerankDialect dialect, const json::Value& body);
/// At most `top_n` hits go out.
json::Value encode_rerank_reply(RerankDialect dialect, const RerankRequest& request,
                                const RerankReply& reply);
/// What cannot be said is added to `unsupported` and left out.
json::Value encode_rerank_request(RerankDialect dialect, const RerankRequest& request,
                                  std::vector<Unsupported>& unsupported);
/// Fails: unavailable (not this dialect, or an index that `documents` does not have).
Result<RerankReply> decode_rerank_reply(const json::Value& body, std::size_t documents);

}  // namespace slipway::dialects
