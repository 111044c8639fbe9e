#include "models/detail/cross_encoder.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/pool.hpp"
#include "models/detail/fair_workers.hpp"
#include "models/detail/onnx_text.hpp"

// One pair a call, several calls at once, longest first: the reasons are those of
// onnx_embedder.cpp. Some models' authors leave the logit as it is, others want a sigmoid; the
// order is the same, and with the sigmoid all have one range.
namespace slipway::models::detail {

namespace {

constexpr std::size_t tokens_max_default = 512;  ///< The positions of BERT.

/// The output with one number per pair; null when there is none.
const OnnxPort* logit_of(const OnnxModel& model) {
  for (const OnnxPort& output : model.outputs()) {
    if (output.type != OnnxType::float32) continue;
    const bool is_column = output.shape.size() == 2 && output.shape[1] == 1;
    if (is_column || output.shape.size() == 1) return &output;
  }
  return nullptr;
}

class CrossEncoder final : public Reranker {
 public:
  CrossEncoder(CrossEncoderOptions options, OnnxText text, std::string output)
      : options_(std::move(options)),
        identity_(onnx_identity(options_.name, text.hash)),
        text_(std::move(text)),
        output_(std::move(output)),
        workers_(options_.threads) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return options_.name; }
  std::size_t tokens_max() const override { return options_.tokens_max; }
  ScoreRange range() const override { return {0, 1}; }

  /// Shows that tokenizer and model belong together, before any order depends on it.
  Result<void> probe() const {
    WordPiece::Pair pair = text_.tokenizer.encode_pair("", "", options_.tokens_max);
    pair.ids.push_back(text_.tokenizer.id_max());
    pair.types.push_back(pair.types.empty() ? 0 : pair.types.back());
    const auto tried = score_of(pair);
    if (tried) return {};
    return fail(Code::invalid_argument, "the model does not take the pairs of its tokenizer: {}",
                tried.error().message());
  }

 private:
  Result<std::vector<float>> score(const Context& context, std::string_view query,
                                   const std::vector<std::string_view>& passages,
                                   Usage* usage) override {
    std::vector<std::size_t> order(passages.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return passages[a].size() > passages[b].size();
    });
    std::vector<float> scores(passages.size());
    std::vector<std::size_t> tokens(passages.size());
    TRY(workers_.run(context, order.size(), [&](std::size_t n) -> Result<void> {
      const std::size_t i = order[n];
      const auto pair = text_.tokenizer.encode_pair(query, passages[i], options_.tokens_max);
      tokens[i] = pair.ids.size();
      scores[i] = TRY(score_of(pair));
      return {};
    }));
    if (usage != nullptr)
      usage->rerank_tokens += std::accumulate(tokens.begin(), tokens.end(), std::int64_t{0});
    return scores;
  }

  Result<float> score_of(const WordPiece::Pair& pair) const {
    float score = 0;
    const auto done =
        text_.run(pair.ids, pair.types, output_, [&](auto values, auto shape) -> Result<void> {
          if (values.size() != 1)
            return fail(Code::internal, "output '{}' has shape [{}], not one score", output_,
                        fmt::join(shape, ", "));
          if (!std::isfinite(values[0])) return fail(Code::internal, "the score is no number");
          score = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(values[0]))));
          return {};
        });
    if (!done)
      return fail(Code::internal, "scoring {} tokens with '{}': {}", pair.ids.size(), options_.name,
                  done.error().message());
    return score;
  }

  const CrossEncoderOptions options_;
  const std::string identity_;
  const OnnxText text_;
  const std::string output_;
  FairWorkers workers_;
};

Result<std::shared_ptr<Reranker>> open(CrossEncoderOptions options) {
  const auto model_path = options.folder / "model.onnx";
  auto text = TRY(open_onnx_text(options.folder));
  const OnnxPort* logit = logit_of(*text.model);
  if (logit == nullptr)
    return fail(Code::invalid_argument,
                "{}: no output is one float per pair ([batch, 1]); the model has {}: use a "
                "cross-encoder with one label",
                model_path.string(), list_outputs(*text.model));
  if (!text.tokenizer.has_pairs())
    return fail(Code::invalid_argument,
                "{}: $.post_processor.pair does not say how a question and a passage go together; "
                "use the cross-encoder's own tokenizer",
                (options.folder / "tokenizer.json").string());
  if (options.tokens_max == 0) options.tokens_max = tokens_max_default;
  if (options.threads == 0) options.threads = core_count();
  constexpr std::size_t tokens_least = 8;  // Three special ones, and something of both texts.
  if (options.tokens_max < tokens_least)
    return fail(Code::invalid_argument,
                "tokens_max: {} leaves no room for two texts; use at least "
                "{}",
                options.tokens_max, tokens_least);
  auto reranker =
      std::make_shared<CrossEncoder>(std::move(options), std::move(text), std::string(logit->name));
  TRY(reranker->probe().within(model_path.string()));
  return std::shared_ptr<Reranker>(std::move(reranker));
}

}  // namespace

Result<std::shared_ptr<Reranker>> open_cross_encoder(CrossEncoderOptions options) {
  const std::string what = fmt::format("opening reranker '{}'", options.name);
  return open(std::move(options)).within(what);
}

bool is_cross_encoder(const OnnxModel& model) {
  const bool has_vectors =
      std::any_of(model.outputs().begin(), model.outputs().end(), [](const OnnxPort& output) {
        return output.type == OnnxType::float32 && output.shape.size() > 1 &&
               output.shape.back() != 1;
      });
  return !has_vectors && logit_of(model) != nullptr;
}

}  // namespace slipway::models::detail
