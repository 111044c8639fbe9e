#include "models/reranker.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "models/reranker_conformance.hpp"
#include "models/scripted.hpp"

using namespace slipway;
using namespace slipway::models;

namespace {

/// Says what it is told to.
class Told final : public Reranker {
 public:
  explicit Told(std::function<Result<std::vector<float>>(std::size_t passages)> say)
      : say_(std::move(say)) {}
  const std::string& identity() const override { return name_; }
  const std::string& name() const override { return name_; }
  std::size_t tokens_max() const override { return 1; }
  ScoreRange range() const override { return {0, 1}; }

 private:
  Result<std::vector<float>> score(const Context&, std::string_view,
                                   const std::vector<std::string_view>& passages, Usage*) override {
    return say_(passages.size());
  }
  const std::string name_ = "told@1";
  std::function<Result<std::vector<float>>(std::size_t)> say_;
};

}  // namespace

TEST_CASE("the scripted reranker does what every reranker must") {
  ScriptedReranker reranker;
  check_reranker(reranker);
}

TEST_CASE("the scripted reranker scores by the share of the question's words") {
  ScriptedReranker reranker;
  Usage usage;
  const auto scores = reranker.rerank(
      {}, "How long, how far?", {"how LONG is it", "far away", "", "far away", "other"}, &usage);
  REQUIRE(scores);
  const float third = 1.0f / 3;
  CHECK(*scores == std::vector<float>{2 * third, third, 0, third, 0});
  CHECK(reranker.scored() == 3);  // Neither the blank one nor the second of two equals.
  CHECK(usage.rerank_tokens == 4 + 4 + 2 + 1);
}

TEST_CASE("a wrong number of scores, or one that is no number, is an error and not an order") {
  const auto ask = [](Told told) { return told.rerank({}, "what", {"a", "b"}); };
  const auto few = ask(Told([](std::size_t) { return std::vector<float>{1}; }));
  CHECK(conformance::code_of(few) == Code::internal);
  CHECK(few.error().message() == "reranker 'told@1' gave 1 scores for 2 passages");
  const auto nan = ask(Told([](std::size_t count) {
    return std::vector<float>(count, std::numeric_limits<float>::quiet_NaN());
  }));
  CHECK(conformance::code_of(nan) == Code::internal);
  const auto failed = ask(Told(
      [](std::size_t) -> Result<std::vector<float>> { return fail(Code::rate_limited, "later"); }));
  CHECK(conformance::code_of(failed) == Code::rate_limited);
}

TEST_CASE("a blank passage is last even where a server's scores go below their range") {
  Told told([](std::size_t) { return std::vector<float>{-3, 2}; });
  CHECK(*told.rerank({}, "what", {"a", " ", "b"}) == std::vector<float>{-3, -3, 2});
}
