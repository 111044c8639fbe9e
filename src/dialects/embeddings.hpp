// Embeddings in no vendor's words, and the wire formats of OpenAI's /v1/embeddings and Cohere's
// /v2/embed both ways.
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "dialects/codec.hpp"

namespace slipway::dialects {

enum class EmbeddingDialect { openai, cohere };
BOOST_DESCRIBE_ENUM(EmbeddingDialect, openai, cohere)

/// How numbers are written. `base64`: little-endian floats. `int8` and `uint8`: the unit interval
/// in 127 steps each way; `binary` and `ubinary`: signs, eight to a byte.
enum class EmbeddingFormat { floats, base64, int8, uint8, binary, ubinary };
BOOST_DESCRIBE_ENUM(EmbeddingFormat, floats, base64, int8, uint8, binary, ubinary)

/// One thing to embed: text, an image (`Part::data` or `Part::url`), several of them, or tokens.
struct EmbeddingInput {
  std::vector<Part> parts;
  std::vector<std::int64_t> tokens;
};

struct EmbeddingRequest {
  std::string model;
  std::vector<EmbeddingInput> inputs;
  std::optional<std::int64_t> dimensions;
  std::vector<EmbeddingFormat> formats;  ///< Of the reply; at least one.
  std::string purpose;   ///< "search_query", "search_document", "classification", "clustering".
  std::string truncate;  ///< "none", "start", "end"; empty: as the model does.
  std::string user;
  json::Object extra;  ///< As of a `ChatRequest`.
  std::optional<EmbeddingDialect> from;
};

struct EmbeddingReply {
  std::string id, model;
  std::vector<std::vector<float>> vectors;  ///< One for each input, in their order.
  json::Object by_format;  ///< Cohere's `embeddings` as it came: its own quantization.
  std::int64_t input_tokens = 0;
  std::int64_t images = 0;
};

/// Fails: invalid_argument with the path.
Result<EmbeddingRequest> decode_embedding_request(EmbeddingDialect dialect,
                                                  const json::Value& body);
json::Value encode_embedding_reply(EmbeddingDialect dialect, const EmbeddingRequest& request,
                                   const EmbeddingReply& reply);
/// What cannot be said is added to `unsupported` and left out.
json::Value encode_embedding_request(EmbeddingDialect dialect, const EmbeddingRequest& request,
                                     std::vector<Unsupported>& unsupported);
/// Fails: unavailable (not this dialect).
Result<EmbeddingReply> decode_embedding_reply(EmbeddingDialect dialect, const json::Value& body);

}  // namespace slipway::dialects
