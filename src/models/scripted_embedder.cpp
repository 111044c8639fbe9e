#include <cmath>

#include "models/detail/scripted_words.hpp"
#include "models/scripted.hpp"

namespace slipway::models {

namespace {

/// FNV-1a: `std::hash` may differ between libraries, and tests pin vectors.
std::uint64_t hash_of(std::string_view word) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash ^ (hash >> 29);
}

}  // namespace

ScriptedEmbedder::ScriptedEmbedder(std::size_t dimension)
    : dimension_(dimension), identity_(fmt::format("scripted@{}", dimension)) {
  SLIPWAY_ASSERT(dimension >= 1);
}

const std::string& ScriptedEmbedder::identity() const { return identity_; }

const std::string& ScriptedEmbedder::name() const {
  static const std::string name = "scripted";
  return name;
}

std::size_t ScriptedEmbedder::count_tokens(std::string_view text) const {
  std::size_t count = 0;
  detail::each_word(text, [&](const std::string&) { ++count; });
  return count;
}

Result<std::vector<Vector>> ScriptedEmbedder::embed(const Context& context,
                                                    const std::vector<std::string_view>& texts,
                                                    TextRole, Usage* usage) {
  std::vector<Vector> vectors;
  vectors.reserve(texts.size());
  for (const std::string_view text : texts) {
    TRY(context.check());
    Vector vector(dimension_, 0.0f);
    std::size_t words = 0;
    detail::each_word(text, [&](const std::string& word) {
      if (++words <= tokens_max()) vector[hash_of(word) % dimension_] += 1;
    });
    double square = 0;
    for (const float x : vector) square += static_cast<double>(x) * x;
    // A text without words still has a direction, as with a real model.
    if (words == 0) vector[0] = 1;
    if (words > 0)
      for (float& x : vector) x = static_cast<float>(x / std::sqrt(square));
    vectors.push_back(std::move(vector));
    ++embedded_;
    if (usage) usage->embedding_tokens += static_cast<std::int64_t>(words);
  }
  return vectors;
}

}  // namespace slipway::models
