#include "eval/detail/embedded_texts.hpp"

namespace slipway::eval::detail {

namespace {

constexpr std::size_t generation_bytes_max = 16u << 20;
constexpr std::size_t text_bytes_max = 8192;  ///< Longer ones are read anew each time.

}  // namespace

SharedVector EmbeddedTexts::Kept::find(const std::string& text) {
  if (const auto found = young.find(text); found != young.end()) return found->second;
  const auto found = old.find(text);
  if (found == old.end()) return nullptr;
  SharedVector vector = std::move(found->second);
  old.erase(found);
  add(text, vector);
  return vector;
}

void EmbeddedTexts::Kept::add(const std::string& text, SharedVector vector) {
  constexpr std::size_t entry_bytes = 128;
  const std::size_t bytes = text.size() + vector->size() * sizeof(float) + entry_bytes;
  if (young_bytes + bytes > generation_bytes_max) {
    old = std::exchange(young, {});
    young_bytes = 0;
  }
  if (young.emplace(text, std::move(vector)).second) young_bytes += bytes;
}

Result<std::vector<SharedVector>> EmbeddedTexts::embed(const Context& context,
                                                       const std::vector<std::string_view>& texts) {
  std::vector<SharedVector> vectors(texts.size());
  std::vector<std::string_view> missing;
  std::vector<std::size_t> places;
  kept_.with([&](Kept& kept) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (texts[i].size() <= text_bytes_max) vectors[i] = kept.find(std::string(texts[i]));
      if (vectors[i] != nullptr) continue;
      missing.push_back(texts[i]);
      places.push_back(i);
    }
  });
  if (missing.empty()) return vectors;
  auto made = TRY(embedder_.embed(context, missing, models::TextRole::document));
  kept_.with([&](Kept& kept) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      vectors[places[i]] = std::make_shared<const models::Vector>(std::move(made[i]));
      if (missing[i].size() <= text_bytes_max)
        kept.add(std::string(missing[i]), vectors[places[i]]);
    }
  });
  return vectors;
}

}  // namespace slipway::eval::detail
