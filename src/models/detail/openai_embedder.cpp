#include "models/detail/openai_embedder.hpp"

#include <algorithm>
#include <cmath>

#include "core/unicode.hpp"
#include "models/detail/openai_chat.hpp"

namespace slipway::models::detail {

struct WireEmbedding {
  std::size_t index = 0;
  std::vector<float> embedding;
};
BOOST_DESCRIBE_STRUCT(WireEmbedding, (), (index, embedding))
struct WireEmbeddingUsage {
  std::optional<std::int64_t> prompt_tokens;
};
BOOST_DESCRIBE_STRUCT(WireEmbeddingUsage, (), (prompt_tokens))
struct WireEmbeddings {
  std::vector<WireEmbedding> data;
  std::optional<WireEmbeddingUsage> usage;
  static constexpr std::string_view required[] = {"data"};
};
BOOST_DESCRIBE_STRUCT(WireEmbeddings, (), (data, usage))

namespace {

constexpr std::size_t batch_texts_max = 64;
constexpr std::size_t assumed_tokens_max = 8192;
constexpr std::size_t characters_per_token = 4;

/// The first `characters` code points.
std::string_view cut(std::string_view text, std::size_t characters) {
  if (text.size() <= characters) return text;
  std::size_t at = 0;
  for (; at < text.size() && characters > 0; --characters) at += unicode::decode(text, at).bytes;
  return text.substr(0, at);
}

class OpenAiEmbedder final : public Embedder {
 public:
  OpenAiEmbedder(OpenAiEmbedderOptions options, OpenAiEndpoint endpoint)
      : options_(std::move(options)),
        endpoint_(std::move(endpoint)),
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
      auto part = TRY(embed_batch(context, inputs(batch, role), usage));
      std::move(part.begin(), part.end(), std::back_inserter(vectors));
    }
    return vectors;
  }

 private:
  std::vector<std::string> inputs(const std::vector<std::string_view>& texts, TextRole role) const {
    const std::string& prefix =
        role == TextRole::query ? options_.query_prefix : options_.document_prefix;
    std::vector<std::string> inputs;
    for (const std::string_view text : texts)
      inputs.emplace_back(
          cut(prefix + std::string(text), options_.tokens_max * characters_per_token));
    return inputs;
  }

  Result<std::vector<Vector>> embed_batch(const Context& context,
                                          const std::vector<std::string>& inputs, Usage* usage) {
    const json::Value body = json::Object{
        {"model", options_.model}, {"input", json::to(inputs)}, {"encoding_format", "float"}};
    const auto response = TRY(endpoint_.post(context, "/embeddings", body));
    const auto value = json::parse(response.body);
    if (!value) return broken(fmt::format("is not JSON ({})", value.error().message()));
    auto answer = json::from<WireEmbeddings>(*value, json::Policy::ignore_unknown);
    if (!answer) return broken(answer.error().message());
    if (answer->data.size() != inputs.size())
      return broken(fmt::format("has {} vectors for {} texts", answer->data.size(), inputs.size()));
    std::vector<Vector> vectors(inputs.size());
    for (WireEmbedding& item : answer->data) {
      if (item.index >= vectors.size() || !vectors[item.index].empty())
        return broken(fmt::format("has the index {} twice or beyond the end", item.index));
      vectors[item.index] = TRY(unit_length(std::move(item.embedding)));
    }
    if (usage != nullptr) *usage += usage_of(*answer, inputs);
    return vectors;
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

  static Usage usage_of(const WireEmbeddings& answer, const std::vector<std::string>& inputs) {
    Usage usage;
    if (answer.usage && answer.usage->prompt_tokens) {
      usage.embedding_tokens = *answer.usage->prompt_tokens;
      return usage;
    }
    usage.estimated = true;
    for (const std::string& input : inputs)
      usage.embedding_tokens += static_cast<std::int64_t>(estimate_tokens(input));
    return usage;
  }

  Error broken(std::string_view how) const {
    return endpoint_.error(Code::unavailable, fmt::format("its answer {}", how));
  }

  OpenAiEmbedderOptions options_;
  OpenAiEndpoint endpoint_;
  std::string identity_;
};

}  // namespace

Result<std::shared_ptr<Embedder>> open_openai_embedder(OpenAiEmbedderOptions options) {
  if (options.dimension == 0)
    return fail(Code::invalid_argument,
                "model '{}': dimension is missing; a remote embedder needs it",
                options.endpoint.model_name);
  if (options.tokens_max == 0) options.tokens_max = assumed_tokens_max;
  if (options.model.empty()) options.model = options.endpoint.model_name;
  auto endpoint = TRY(OpenAiEndpoint::open(options.endpoint));
  return std::shared_ptr<Embedder>(
      std::make_shared<OpenAiEmbedder>(std::move(options), std::move(endpoint)));
}

}  // namespace slipway::models::detail
