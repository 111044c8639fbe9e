#include "models/detail/embedding.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace slipway::models::detail {

Result<void> normalize(Vector& vector) {
  double square = 0;
  for (const float x : vector) square += static_cast<double>(x) * x;
  if (!(square > 0) || !std::isfinite(square))
    return fail(Code::internal, "the model gave a vector without a direction");
  const double scale = 1 / std::sqrt(square);
  for (float& x : vector) x = static_cast<float>(x * scale);
  return {};
}

Result<std::vector<Vector>> embed_distinct(const Context& context,
                                           const std::vector<std::string_view>& texts,
                                           FairWorkers& workers, const EmbedText& embed,
                                           Usage* usage) {
  TRY(context.check());
  std::unordered_map<std::string_view, std::size_t> first_of;
  std::vector<std::size_t> distinct;
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (first_of.emplace(texts[i], i).second) distinct.push_back(i);
  std::stable_sort(distinct.begin(), distinct.end(),
                   [&](std::size_t a, std::size_t b) { return texts[a].size() > texts[b].size(); });
  std::vector<Vector> vectors(texts.size());
  std::vector<std::size_t> tokens(texts.size());
  TRY(workers.run(context, distinct.size(), [&](std::size_t n) -> Result<void> {
    const std::size_t i = distinct[n];
    vectors[i] = TRY(embed(texts[i], tokens[i]));
    return {};
  }));
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (const std::size_t first = first_of.find(texts[i])->second; first != i)
      vectors[i] = vectors[first];
  if (usage)
    usage->embedding_tokens += std::accumulate(tokens.begin(), tokens.end(), std::int64_t{0});
  return vectors;
}

}  // namespace slipway::models::detail
