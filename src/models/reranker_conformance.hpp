// What every Reranker must do, as doctest checks: each provider runs it in a test of its own.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "models/reranker.hpp"

namespace slipway::models {

/// The best answers the question, the worst has nothing to do with it.
struct RerankerTraits {
  std::string query = "How long are traces kept?";
  std::string best = "Traces are kept for thirty days.";
  std::string worst = "The cake needs three eggs and sugar.";
};

namespace conformance {

using Passages = std::vector<std::string_view>;

inline std::vector<float> scores_of(Result<std::vector<float>> result) {
  INFO((result.ok() ? std::string() : result.error().message()));
  REQUIRE(result.ok());
  return *std::move(result);
}

inline Code code_of(const Result<std::vector<float>>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().code();
}

inline void orders_passages(Reranker& reranker, const RerankerTraits& traits) {
  Usage usage;
  const auto scores = scores_of(
      reranker.rerank({}, traits.query, {traits.worst, traits.best, traits.worst}, &usage));
  REQUIRE(scores.size() == 3);
  CHECK(scores[1] > scores[0]);
  CHECK(scores[2] == scores[0]);
  for (const float score : scores) {
    CHECK(score >= reranker.range().low);
    CHECK(score <= reranker.range().high);
  }
  CHECK(usage.rerank_tokens + usage.search_units > 0);
  // The other order, and alone: the same scores.
  const auto turned = scores_of(reranker.rerank({}, traits.query, {traits.best, traits.worst}));
  CHECK(turned == std::vector<float>{scores[1], scores[0]});
  CHECK(scores_of(reranker.rerank({}, traits.query, {traits.best})).front() == scores[1]);
}

inline void takes_odd_passages(Reranker& reranker, const RerankerTraits& traits) {
  Usage usage;
  CHECK(scores_of(reranker.rerank({}, traits.query, {}, &usage)).empty());
  const auto blank = scores_of(reranker.rerank({}, traits.query, {"", " \n\t"}, &usage));
  CHECK(blank == std::vector<float>(2, reranker.range().low));
  CHECK(usage.rerank_tokens + usage.search_units == 0);  // There was nothing to read.
  std::string longest;
  for (int i = 0; i < 3000; ++i) longest += "word ";
  const std::string strange = "\xF0\x9F\x9A\xA2 \xE2\x80\x8B [SEP] [CLS] \x01";
  const auto scores =
      scores_of(reranker.rerank({}, traits.query, {longest, strange, "", traits.best, ".", "x"}));
  REQUIRE(scores.size() == 6);
  CHECK(scores[2] == *std::min_element(scores.begin(), scores.end()));
  CHECK(scores[3] == *std::max_element(scores.begin(), scores.end()));
}

inline void refuses_bad_text(Reranker& reranker, const RerankerTraits& traits) {
  for (const char* query : {"", "  \n", "half a code point \xC3"})
    CHECK(code_of(reranker.rerank({}, query, {traits.best})) == Code::invalid_argument);
  const auto bad = reranker.rerank({}, traits.query, {traits.best, "half \xE2\x82"});
  CHECK(code_of(bad) == Code::invalid_argument);
  CHECK(bad.error().message().find("passage 1") != std::string::npos);
}

inline void ends_on_request(Reranker& reranker, const RerankerTraits& traits) {
  std::stop_source source;
  source.request_stop();
  CHECK(code_of(reranker.rerank(Context(source.get_token()), traits.query, {traits.best})) ==
        Code::cancelled);
  const Context late = Context().with_timeout(std::chrono::milliseconds(0));
  CHECK(code_of(reranker.rerank(late, traits.query, {traits.best})) == Code::deadline_exceeded);
  CHECK(scores_of(reranker.rerank({}, traits.query, {traits.best})).size() == 1);  // Still usable.
}

inline void serves_callers(Reranker& reranker, const RerankerTraits& traits) {
  const Passages passages = {traits.best, traits.worst, "Traces.", "Eggs are kept cool."};
  const auto expected = scores_of(reranker.rerank({}, traits.query, passages));
  std::atomic<int> equal{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      const auto scores = reranker.rerank({}, traits.query, passages);
      if (scores && *scores == expected) ++equal;
    });
  callers.clear();
  CHECK(equal == 4);
}

}  // namespace conformance

inline void check_reranker(Reranker& reranker, const RerankerTraits& traits = {}) {
  CHECK_FALSE(reranker.name().empty());
  CHECK(reranker.identity().find('@') != std::string::npos);
  CHECK(reranker.tokens_max() > 0);
  CHECK(reranker.range().low < reranker.range().high);
  SUBCASE("orders passages") { conformance::orders_passages(reranker, traits); }
  SUBCASE("takes odd passages") { conformance::takes_odd_passages(reranker, traits); }
  SUBCASE("refuses bad text") { conformance::refuses_bad_text(reranker, traits); }
  SUBCASE("ends on request") { conformance::ends_on_request(reranker, traits); }
  SUBCASE("serves many callers") { conformance::serves_callers(reranker, traits); }
}

}  // namespace slipway::models
