#include <cmath>

#include "core/unicode.hpp"
#include "models/scripted.hpp"

namespace slipway::models {

namespace {

/// Letters, digits and their marks that stand together, lowered; `use` gets each.
template <typename Use>
void each_word(std::string_view text, const Use& use) {
  std::string word;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded decoded = unicode::decode(text, at);
    at += decoded.bytes;
    const char32_t c = decoded.code_point;
    if (unicode::is_letter(c) || unicode::is_number(c) || unicode::is_mark(c)) {
      unicode::append(word, unicode::to_lower(c));
      continue;
    }
    if (!word.empty()) use(word);
    word.clear();
  }
  if (!word.empty()) use(word);
}

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
  each_word(text, [&](const std::string&) { ++count; });
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
    each_word(text, [&](const std::string& word) {
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
