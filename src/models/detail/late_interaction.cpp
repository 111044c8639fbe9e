#include "models/detail/late_interaction.hpp"

#include <algorithm>
#include <array>

// Passages are embedded when they are asked for, not when they are ingested: vectors per token need
// two hundred times the room of one vector per chunk. What it is worth, and what it costs, was
// measured: docs/decisions/0012-late-interaction.md.
namespace slipway::models::detail {

namespace {

constexpr std::size_t lanes = 16;  ///< Independent sums, so that the loop becomes SIMD.

float dot(const float* a, const float* b, std::size_t size) {
  std::array<float, lanes> sums{};
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes)
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  float sum = 0;
  for (; i < size; ++i) sum += a[i] * b[i];
  for (const float part : sums) sum += part;
  return sum;
}

/// -1 without tokens on either side.
float max_sim(const TokenVectors& question, const TokenVectors& passage) {
  const std::size_t size = question.dimension;
  double sum = 0;
  std::size_t tokens = 0;
  if (passage.values.empty()) return -1;
  for (std::size_t q = 0; q + size <= question.values.size(); q += size, ++tokens) {
    float best = -1;
    for (std::size_t p = 0; p + size <= passage.values.size(); p += size)
      best = std::max(best, dot(&question.values[q], &passage.values[p], size));
    sum += best;
  }
  // Rounding may carry a sum of unit vectors past one.
  return tokens == 0 ? -1 : static_cast<float>(std::min(1.0, sum / static_cast<double>(tokens)));
}

class LateInteraction final : public Reranker {
 public:
  LateInteraction(std::string name, std::shared_ptr<Embedder> embedder)
      : name_(std::move(name)),
        embedder_(std::move(embedder)),
        identity_("maxsim:" + embedder_->identity()) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return name_; }
  /// Of each side: question and passage are read apart.
  std::size_t tokens_max() const override { return embedder_->tokens_max(); }
  ScoreRange range() const override { return {-1, 1}; }

 private:
  Result<std::vector<float>> score(const Context& context, std::string_view query,
                                   const std::vector<std::string_view>& passages,
                                   Usage* usage) override {
    TokenEmbedder& embedder = *embedder_->token_embedder();
    const auto question = TRY(embedder.embed_tokens(context, {query}, TextRole::query));
    const auto texts = TRY(embedder.embed_tokens(context, passages, TextRole::document));
    std::vector<float> scores;
    std::size_t tokens = question.front().tokens;
    for (const TokenVectors& text : texts) {
      scores.push_back(max_sim(question.front(), text));
      tokens += text.tokens;
    }
    if (usage != nullptr) usage->rerank_tokens += static_cast<std::int64_t>(tokens);
    return scores;
  }

  const std::string name_;
  const std::shared_ptr<Embedder> embedder_;
  const std::string identity_;
};

}  // namespace

Result<std::shared_ptr<Reranker>> open_late_interaction(std::string name,
                                                        std::shared_ptr<Embedder> embedder) {
  if (embedder->token_embedder() == nullptr)
    return fail(Code::unsupported,
                "reranker '{}': embedder '{}' gives no vectors per token; name an onnx embedder "
                "that does",
                name, embedder->name());
  return std::shared_ptr<Reranker>(
      std::make_shared<LateInteraction>(std::move(name), std::move(embedder)));
}

}  // namespace slipway::models::detail
