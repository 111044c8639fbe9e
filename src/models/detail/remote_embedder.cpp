#include "models/detail/remote_embedder.hpp"

#include <algorithm>
#include <cmath>

#include "core/unicode.hpp"
#include "dialects/embeddings.hpp"
#include "models/detail/remote_chat.hpp"

namespace slipway::models::detail {

namespace {

using dialects::EmbeddingDialect;

constexpr std::size_t batch_texts_max = 64;  ///< Cohere takes 96, OpenAI 2048.
constexpr std::size_t assumed_tokens_max = 8192;
constexpr std::size_t characters_per_token = 4;

/// The first `characters` code points.
std::string_view cut(std::string_view text, std::size_t characters) {
  if (text.size() <= characters) return text;
  std::size_t at = 0;
  for (; at < text.size() && characters > 0; --characters) at += unicode::decode(text, at).bytes;
  return text.substr(0, at);
}

class RemoteEmbedder final : public Embedder {
 public:
  RemoteEmbedder(RemoteEmbedderOptions options, RemoteEndpoint endpoint)
      : options_(std::move(options)),
        endpoint_(std::move(endpoint)),
        dialect_(endpoint_.provider() == Provider::cohere ? EmbeddingDialect::cohere
                                                          : EmbeddingDialect::openai),
        identity_(fmt::format("{}@{}", options_.model, endpoint_.shown_url())) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return options_.endpoint.model_name; }
  std::size_t dimension() const override { return options_.dimension; }
  std::size_t tokens_max() const override { return options_.tokens_max; }
  std::size_t count_tokens(std::string_view text) const override { return estimate_tokens(text); }

  Result<std::vector<Vector>> embed(const Context& context,
                                    const std::vector<std::string_view>& texts, TextRole role,
                                    Usage* usage) override {
    TRY(context.check());
    std::vector<Vector> vectors;
    vectors.reserve(texts.size());
    for (std::size_t at = 0; at < texts.size(); at += batch_texts_max) {
      const auto end =
          texts.begin() + static_cast<std::ptrdiff_t>(std::min(at + batch_texts_max, texts.size()));
      const std::vector<std::string_view> batch(texts.begin() + static_cast<std::ptrdiff_t>(at),
                                                end);
      auto part = TRY(embed_batch(context, request(batch, role), usage));
      std::move(part.begin(), part.end(), std::back_inserter(vectors));
    }
    return vectors;
  }

 private:
  dialects::EmbeddingRequest request(const std::vector<std::string_view>& texts,
                                     TextRole role) const {
    const bool is_query = role == TextRole::query;
    const std::string& prefix = is_query ? options_.query_prefix : options_.document_prefix;
    dialects::EmbeddingRequest request;
    request.from = dialect_;
    request.model = options_.model;
    request.purpose = is_query ? "search_query" : "search_document";  // Read by Cohere only.
    for (const std::string_view text : texts) {
      dialects::Part part;
      part.text = cut(prefix + std::string(text), options_.tokens_max * characters_per_token);
      request.inputs.push_back({.parts = {std::move(part)}, .tokens = {}});
    }
    return request;
  }

  Result<std::vector<Vector>> embed_batch(const Context& context,
                                          const dialects::EmbeddingRequest& request, Usage* usage) {
    std::vector<dialects::Unsupported> left_out;  // Texts alone: nothing is.
    const json::Value body = dialects::encode_embedding_request(dialect_, request, left_out);
    const auto response = TRY(endpoint_.post(
        context, dialect_ == EmbeddingDialect::cohere ? "/embed" : "/embeddings", body));
    const auto value = json::parse(response.body);
    if (!value) return broken(fmt::format("is not JSON ({})", value.error().message()));
    auto reply = dialects::decode_embedding_reply(dialect_, *value);
    if (!reply) return broken(fmt::format("cannot be used: {}", reply.error().message()));
    if (reply->vectors.size() != request.inputs.size())
      return broken(
          fmt::format("has {} vectors for {} texts", reply->vectors.size(), request.inputs.size()));
    for (Vector& vector : reply->vectors) vector = TRY(unit_length(std::move(vector)));
    if (usage != nullptr) *usage += usage_of(*reply, request);
    return std::move(reply->vectors);
  }

  Result<Vector> unit_length(Vector vector) const {
    if (vector.size() != options_.dimension)
      return endpoint_.error(
          Code::invalid_argument,
          fmt::format("its vectors have {} numbers, but dimension is {}; correct "
                      "dimension in the configuration",
                      vector.size(), options_.dimension));
    double sum = 0;
    for (const float x : vector) sum += static_cast<double>(x) * static_cast<double>(x);
    if (!(sum > 0) || !std::isfinite(sum)) return broken("has a vector without a direction");
    const double scale = 1 / std::sqrt(sum);
    for (float& x : vector) x = static_cast<float>(static_cast<double>(x) * scale);
    return vector;
  }

  static Usage usage_of(const dialects::EmbeddingReply& reply,
                        const dialects::EmbeddingRequest& request) {
    Usage usage;
    usage.embedding_tokens = reply.input_tokens;
    if (usage.embedding_tokens > 0) return usage;
    usage.estimated = true;
    for (const dialects::EmbeddingInput& input : request.inputs)
      usage.embedding_tokens +=
          static_cast<std::int64_t>(estimate_tokens(input.parts.front().text));
    return usage;
  }

  Error broken(std::string_view how) const {
    return endpoint_.error(Code::unavailable, fmt::format("its answer {}", how));
  }

  RemoteEmbedderOptions options_;
  RemoteEndpoint endpoint_;
  EmbeddingDialect dialect_;
  std::string identity_;
};

}  // namespace

Result<std::shared_ptr<Embedder>> open_remote_embedder(RemoteEmbedderOptions options) {
  if (options.dimension == 0)
    return fail(Code::invalid_argument,
                "model '{}': dimension is missing; a remote embedder needs it",
                options.endpoint.model_name);
  if (options.tokens_max == 0) options.tokens_max = assumed_tokens_max;
  if (options.model.empty()) options.model = options.endpoint.model_name;
  auto endpoint = TRY(RemoteEndpoint::open(options.endpoint));
  return std::shared_ptr<Embedder>(
      std::make_shared<RemoteEmbedder>(std::move(options), std::move(endpoint)));
}

}  // namespace slipway::models::detail
