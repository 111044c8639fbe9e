#include "eval/detail/evidence_meaning.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::eval::detail {

namespace {

/// Passages of no more sentences are read as a whole.
constexpr std::size_t sentences_max = 16;
constexpr std::size_t windows_per_claim = 4;

/// Sentences by number, with what the model makes of them.
struct Read {
  std::vector<std::uint32_t> sentences;  ///< Rising.
  std::vector<models::Vector> vectors;
  std::vector<models::TokenVectors> tokens;  ///< Empty: the model gives none.
};

std::vector<std::uint32_t> sentences_to_read(const Source& source,
                                             const std::vector<EmbeddedClaim>& claims) {
  std::vector<std::uint32_t> chosen;
  const auto count = static_cast<std::uint32_t>(source.sentences().size());
  if (count <= sentences_max) {
    for (std::uint32_t i = 0; i < count; ++i) chosen.push_back(i);
    return chosen;
  }
  const auto add_all = [&](const std::vector<Window>& windows, std::size_t count_max) {
    for (std::size_t i = 0; i < std::min(windows.size(), count_max); ++i)
      chosen.insert(chosen.end(), {windows[i].first, windows[i].last});
  };
  for (const EmbeddedClaim& claim : claims) {
    add_all(claim.compared->windows, windows_per_claim);
    add_all(claim.compared->best, 2);
  }
  if (chosen.empty()) chosen.push_back(0);
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

models::Vector unit(models::Vector vector) {
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * x;
  const double length = std::sqrt(sum);
  if (length > 0)
    for (float& x : vector) x = static_cast<float>(x / length);
  return vector;
}

models::Vector sum_of(const models::Vector& a, const models::Vector& b) {
  models::Vector sum(a);
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum[i] += b[i];
  return unit(std::move(sum));
}

/// With the claim's best sentence or two neighbours that were read.
double best_cosine(const models::Vector& claim, const Read& read, const Source& source) {
  double best = 0;
  for (std::size_t i = 0; i < read.vectors.size(); ++i) {
    best = std::max(best, cosine(claim, read.vectors[i]));
    if (i + 1 == read.vectors.size() || read.sentences[i] + 1 != read.sentences[i + 1] ||
        source.sentences()[read.sentences[i]].passage !=
            source.sentences()[read.sentences[i + 1]].passage)
      continue;
    best = std::max(best, cosine(claim, sum_of(read.vectors[i], read.vectors[i + 1])));
  }
  return best;
}

double best_tokens(const models::TokenVectors& claim, const Read& read) {
  if (claim.dimension == 0) return 0;
  const std::size_t rows = claim.values.size() / claim.dimension;
  double sum = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const float* const a = claim.values.data() + i * claim.dimension;
    float best = 0;
    for (const models::TokenVectors& other : read.tokens)
      for (std::size_t at = 0; at + claim.dimension <= other.values.size(); at += claim.dimension) {
        float product = 0;
        for (std::size_t k = 0; k < claim.dimension; ++k) product += a[k] * other.values[at + k];
        best = std::max(best, product);
      }
    sum += best;
  }
  return rows == 0 ? 0 : sum / static_cast<double>(rows);
}

}  // namespace

double cosine(const models::Vector& a, const models::Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

Result<void> add_meaning(const Context& context, models::Embedder& embedder,
                         const std::vector<std::string>& passages, const Source& source,
                         std::vector<EmbeddedClaim> claims) {
  if (claims.empty() || source.sentences().empty()) return {};
  Read read{.sentences = sentences_to_read(source, claims)};
  std::vector<std::string_view> texts;
  for (const std::uint32_t number : read.sentences) {
    const SourceSentence& sentence = source.sentences()[number];
    texts.push_back(std::string_view(passages[sentence.passage])
                        .substr(sentence.span.start, sentence.span.size()));
  }
  for (const EmbeddedClaim& claim : claims) texts.push_back(claim.text);
  auto vectors = TRY(embedder.embed(context, texts, models::TextRole::document));
  std::vector<models::TokenVectors> tokens;
  if (models::TokenEmbedder* const model = embedder.token_embedder())
    tokens = TRY(model->embed_tokens(context, texts, models::TextRole::document));
  const std::size_t first = read.sentences.size();
  read.vectors.assign(vectors.begin(), vectors.begin() + static_cast<std::ptrdiff_t>(first));
  if (!tokens.empty())
    read.tokens.assign(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(first));
  for (std::size_t i = 0; i < claims.size(); ++i) {
    Signals& signals = claims[i].compared->signals;
    signals.cosine = best_cosine(vectors[first + i], read, source);
    if (!tokens.empty()) signals.tokens = best_tokens(tokens[first + i], read);
  }
  return {};
}

}  // namespace slipway::eval::detail
