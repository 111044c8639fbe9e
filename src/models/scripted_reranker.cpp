#include <set>

#include "models/detail/scripted_words.hpp"
#include "models/scripted.hpp"

namespace slipway::models {

namespace {

std::set<std::string> words_of(std::string_view text, std::int64_t& count) {
  std::set<std::string> words;
  detail::each_word(text, [&](const std::string& word) {
    words.insert(word);
    ++count;
  });
  return words;
}

}  // namespace

const std::string& ScriptedReranker::identity() const {
  static const std::string identity = "scripted-reranker@1";
  return identity;
}

const std::string& ScriptedReranker::name() const {
  static const std::string name = "scripted-reranker";
  return name;
}

Result<std::vector<float>> ScriptedReranker::score(const Context& context, std::string_view query,
                                                   const std::vector<std::string_view>& passages,
                                                   Usage* usage) {
  std::int64_t tokens = 0;
  const auto wanted = words_of(query, tokens);
  std::vector<float> scores;
  for (const std::string_view passage : passages) {
    TRY(context.check());
    const auto words = words_of(passage, tokens);
    std::size_t found = 0;
    for (const std::string& word : wanted) found += words.count(word);
    scores.push_back(
        wanted.empty() ? 0 : static_cast<float>(found) / static_cast<float>(wanted.size()));
    ++scored_;
  }
  if (usage != nullptr) usage->rerank_tokens += tokens;
  return scores;
}

}  // namespace slipway::models
