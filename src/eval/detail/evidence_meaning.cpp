#include "eval/detail/evidence_meaning.hpp"

#include <algorithm>
#include <cmath>

namespace slipway::eval::detail {

namespace {

/// Passages of no more sentences are read as a whole.
constexpr std::size_t sentences_max = 6;
constexpr std::size_t windows_per_claim = 3;

/// Sentences by number, with what the model makes of them.
struct Read {
  std::vector<std::uint32_t> sentences;  ///< Rising.
  std::vector<SharedVector> vectors;
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

/// With the best sentence that was read, or two neighbours.
double best_cosine(const models::Vector& claim, const Read& read, const Source& source) {
  double best = 0;
  for (std::size_t i = 0; i < read.vectors.size(); ++i) {
    best = std::max(best, cosine(claim, *read.vectors[i]));
    if (i + 1 == read.vectors.size() || read.sentences[i] + 1 != read.sentences[i + 1] ||
        source.sentences()[read.sentences[i]].passage !=
            source.sentences()[read.sentences[i + 1]].passage)
      continue;
    best = std::max(best, cosine(claim, sum_of(*read.vectors[i], *read.vectors[i + 1])));
  }
  return best;
}

}  // namespace

double cosine(const models::Vector& a, const models::Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

Result<void> add_meaning(const Context& context, EmbeddedTexts& embedded,
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
  const auto vectors = TRY(embedded.embed(context, texts));
  const std::size_t first = read.sentences.size();
  read.vectors.assign(vectors.begin(), vectors.begin() + static_cast<std::ptrdiff_t>(first));
  for (std::size_t i = 0; i < claims.size(); ++i) {
    claims[i].compared->signals.cosine = best_cosine(*vectors[first + i], read, source);
  }
  return {};
}

}  // namespace slipway::eval::detail
