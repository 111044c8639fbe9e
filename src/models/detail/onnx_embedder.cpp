#include "models/detail/onnx_embedder.hpp"

#include <algorithm>

#include "core/pool.hpp"
#include "models/detail/embedding.hpp"
#include "models/detail/onnx_text.hpp"

// One text a call, several calls at once. The shipped models quantize activations over the whole
// batch, so a text's vector would depend on its neighbours; and a batch pads every text to the
// longest. Alone, a text has the same bits every time, and measures faster on two cores.
namespace slipway::models::detail {

namespace {

constexpr std::size_t tokens_max_default = 512;  ///< The positions of BERT.

/// Where a model's vectors are.
struct Signature {
  std::string output;
  std::size_t dimension = 0;
  bool is_pooled = false;  ///< The output is one vector per text already.
};

Result<Signature> signature_of(const OnnxModel& model) {
  // A vector per token is preferred: then the pooling is the one the configuration names.
  for (const std::size_t rank : {3u, 2u})
    for (const OnnxPort& output : model.outputs()) {
      if (output.type != OnnxType::float32 || output.shape.size() != rank ||
          output.shape.back() <= 0)
        continue;
      return Signature{output.name, static_cast<std::size_t>(output.shape.back()), rank == 2};
    }
  return fail(Code::invalid_argument,
              "no output is a float vector per token ([batch, tokens, size]) or per text ([batch, "
              "size]); the model has {}",
              list_outputs(model));
}

void add_to(Vector& sum, std::span<const float> row) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += row[i];
}

class OnnxEmbedder final : public Embedder, public TokenEmbedder {
 public:
  OnnxEmbedder(OnnxEmbedderOptions options, OnnxText text, Signature signature)
      : options_(std::move(options)),
        identity_(onnx_identity(options_.name, text.hash)),
        text_(std::move(text)),
        tokenizer_(text_.tokenizer),
        signature_(std::move(signature)),
        workers_(options_.threads) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return options_.name; }
  std::size_t dimension() const override { return signature_.dimension; }
  std::size_t tokens_max() const override { return options_.tokens_max; }
  std::size_t count_tokens(std::string_view text) const override { return tokenizer_.count(text); }
  std::optional<std::vector<TokenSpan>> token_spans(std::string_view text) const override {
    return tokenizer_.spans(text);
  }

  Result<std::vector<Vector>> embed(const Context& context,
                                    const std::vector<std::string_view>& texts, TextRole role,
                                    Usage* usage) override {
    const auto embed_text = [&](std::string_view text, std::size_t& tokens) {
      return vector_of(text, role, tokens);
    };
    return embed_distinct(context, texts, workers_, embed_text, usage);
  }

  TokenEmbedder* token_embedder() override { return signature_.is_pooled ? nullptr : this; }

  Result<std::vector<TokenVectors>> embed_tokens(const Context& context,
                                                 const std::vector<std::string_view>& texts,
                                                 TextRole role) override {
    SLIPWAY_ASSERT(!signature_.is_pooled);
    TRY(context.check());
    std::vector<TokenVectors> all(texts.size());
    TRY(workers_.run(context, texts.size(), [&](std::size_t i) -> Result<void> {
      all[i] = TRY(token_vectors_of(texts[i], role));
      return {};
    }));
    return all;
  }

  /// Shows that tokenizer and model belong together, before any text depends on it.
  Result<void> probe() const {
    std::vector<TokenId> ids = tokenizer_.encode("", options_.tokens_max);
    ids.push_back(tokenizer_.id_max());
    const auto vector = pooled(ids);
    if (vector) return {};
    return fail(Code::invalid_argument, "the model does not take the tokens of its tokenizer: {}",
                vector.error().message());
  }

 private:
  Result<Vector> vector_of(std::string_view text, TextRole role, std::size_t& tokens) const {
    const std::vector<TokenId> ids = ids_of(text, role);
    tokens = ids.size();
    return pooled(ids);
  }

  const std::string& prefix_of(TextRole role) const {
    return role == TextRole::query ? options_.query_prefix : options_.document_prefix;
  }

  std::vector<TokenId> ids_of(std::string_view text, TextRole role) const {
    std::string prefixed;
    if (!prefix_of(role).empty()) text = prefixed.append(prefix_of(role)).append(text);
    return tokenizer_.encode(text, options_.tokens_max);
  }

  Result<TokenVectors> token_vectors_of(std::string_view text, TextRole role) const {
    const std::vector<TokenId> ids = ids_of(text, role);
    // What text and bare prefix begin with in common belongs to the prefix, [CLS] included.
    const std::vector<TokenId> before = ids_of("", role);
    const std::size_t after = tokenizer_.tokens_after();
    const auto begin = static_cast<std::size_t>(
        std::mismatch(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(after), before.begin(),
                      before.end() - static_cast<std::ptrdiff_t>(after))
            .first -
        ids.begin());
    TokenVectors vectors;
    vectors.dimension = signature_.dimension;
    vectors.tokens = ids.size();
    TRY(run(ids, [&](auto values, auto shape) -> Result<void> {
      TRY(check_shape(values, shape));
      if (values.size() != ids.size() * vectors.dimension)
        return fail(Code::internal, "output '{}' has not one vector per token", signature_.output);
      const std::size_t end = (ids.size() - after) * vectors.dimension;
      for (std::size_t at = begin * vectors.dimension; at < end; at += vectors.dimension) {
        const auto row = values.subspan(at, vectors.dimension);
        Vector vector(row.begin(), row.end());
        TRY(normalize(vector));
        vectors.values.insert(vectors.values.end(), vector.begin(), vector.end());
      }
      return {};
    }));
    return vectors;
  }

  Result<Vector> pooled(const std::vector<TokenId>& ids) const {
    Vector vector;
    TRY(run(ids, [&](auto values, auto shape) { return pool(values, shape, vector); }));
    return vector;
  }

  Result<void> run(const std::vector<TokenId>& ids, const OnnxModel::Reader& read) const {
    const auto done = text_.run(ids, {}, signature_.output, read);
    if (!done)
      return fail(Code::internal, "embedding {} tokens with '{}': {}", ids.size(), options_.name,
                  done.error().message());
    return {};
  }

  Result<void> check_shape(std::span<const float> values,
                           std::span<const std::int64_t> shape) const {
    const std::size_t size = signature_.dimension;
    const bool has_shape = shape.size() == (signature_.is_pooled ? 2u : 3u) &&
                           shape.back() == static_cast<std::int64_t>(size) && values.size() >= size;
    if (!has_shape)
      return fail(Code::internal, "output '{}' has shape [{}]", signature_.output,
                  fmt::join(shape, ", "));
    return {};
  }

  Result<void> pool(std::span<const float> values, std::span<const std::int64_t> shape,
                    Vector& vector) const {
    TRY(check_shape(values, shape));
    const std::size_t size = signature_.dimension;
    if (signature_.is_pooled || options_.pooling == Pooling::cls) {
      vector.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(size));
    } else {
      // No padding is ever sent, so the mean is over all rows; its length does not matter.
      vector.assign(size, 0.0f);
      for (std::size_t at = 0; at + size <= values.size(); at += size)
        add_to(vector, values.subspan(at, size));
    }
    return normalize(vector);
  }

  const OnnxEmbedderOptions options_;
  const std::string identity_;
  const OnnxText text_;
  const WordPiece& tokenizer_;  ///< Of `text_`.
  const Signature signature_;
  FairWorkers workers_;
};

Result<std::shared_ptr<Embedder>> open(OnnxEmbedderOptions options) {
  const auto model_path = options.folder / "model.onnx";
  auto text = TRY(open_onnx_text(options.folder, options.engine));
  auto signature = TRY(signature_of(*text.model).within(model_path.string()));

  if (options.tokens_max == 0) options.tokens_max = tokens_max_default;
  if (options.threads == 0) options.threads = core_count();
  if (options.tokens_max <= text.tokenizer.special_tokens())
    return fail(Code::invalid_argument, "tokens_max: {} leaves no room for text; use at least {}",
                options.tokens_max, text.tokenizer.special_tokens() + 1);
  auto embedder =
      std::make_shared<OnnxEmbedder>(std::move(options), std::move(text), std::move(signature));
  TRY(embedder->probe().within(model_path.string()));
  return std::shared_ptr<Embedder>(std::move(embedder));
}

}  // namespace

Result<std::shared_ptr<Embedder>> open_onnx_embedder(OnnxEmbedderOptions options) {
  const std::string what = fmt::format("opening embedder '{}'", options.name);
  return open(std::move(options)).within(what);
}

}  // namespace slipway::models::detail
