#include "models/reranker.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/unicode.hpp"

namespace slipway::models {

namespace {

Result<void> check_texts(std::string_view query, const std::vector<std::string_view>& passages) {
  if (unicode::trim(query).empty())
    return fail(Code::invalid_argument, "the query is empty; write what to look for");
  if (!unicode::is_valid_utf8(query))
    return fail(Code::invalid_argument, "the query is not valid UTF-8");
  for (std::size_t i = 0; i < passages.size(); ++i)
    if (!unicode::is_valid_utf8(passages[i]))
      return fail(Code::invalid_argument, "passage {} is not valid UTF-8", i);
  return {};
}

}  // namespace

Result<std::vector<float>> Reranker::rerank(const Context& context, std::string_view query,
                                            const std::vector<std::string_view>& passages,
                                            Usage* usage) {
  TRY(context.check());
  TRY(check_texts(query, passages).within(fmt::format("reranker '{}'", name())));
  // Equal passages have equal scores: each is scored, and paid for, once.
  std::unordered_map<std::string_view, std::size_t> place_of;
  std::vector<std::string_view> distinct;
  for (const std::string_view passage : passages)
    if (!unicode::trim(passage).empty() && place_of.emplace(passage, distinct.size()).second)
      distinct.push_back(passage);
  std::vector<float> scores;
  if (!distinct.empty()) scores = TRY(score(context, query, distinct, usage));
  if (scores.size() != distinct.size())
    return fail(Code::internal, "reranker '{}' gave {} scores for {} passages", name(),
                scores.size(), distinct.size());
  float least = range().low;
  for (const float score : scores) {
    if (!std::isfinite(score))
      return fail(Code::internal, "reranker '{}' gave a score that is no number", name());
    least = std::min(least, score);
  }
  std::vector<float> all;
  all.reserve(passages.size());
  for (const std::string_view passage : passages) {
    const auto place = place_of.find(passage);
    all.push_back(place == place_of.end() ? least : scores[place->second]);
  }
  return all;
}

}  // namespace slipway::models
