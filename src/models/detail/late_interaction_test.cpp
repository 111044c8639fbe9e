#include "models/detail/late_interaction.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "models/detail/onnx_embedder.hpp"
#include "models/detail/onnx_fixture.hpp"
#include "models/reranker_conformance.hpp"
#include "models/scripted.hpp"

namespace slipway::models::detail {

namespace {

std::shared_ptr<Embedder> embedder_of(OnnxEmbedderOptions options) {
  auto embedder = open_onnx_embedder(std::move(options));
  if (!embedder) FAIL(embedder.error().message());
  return *std::move(embedder);
}

std::shared_ptr<Reranker> reranker_of(std::shared_ptr<Embedder> embedder) {
  auto reranker = open_late_interaction("late", std::move(embedder));
  if (!reranker) FAIL(reranker.error().message());
  return *std::move(reranker);
}

/// Of the vectors (a, 1) and (b, 1), as per_token.onnx gives them for tokens a and b.
double cosine(double a, double b) { return (a * b + 1) / std::hypot(a, 1) / std::hypot(b, 1); }

}  // namespace

TEST_CASE("late interaction over bge-small does what every reranker must") {
  const auto reranker = reranker_of(
      embedder_of({.name = "bge",
                   .folder = std::filesystem::path(SLIPWAY_TEST_MODELS) / "bge-small-en-v1.5-q",
                   .pooling = Pooling::cls,
                   .query_prefix = "Represent this sentence for searching relevant passages: ",
                   .threads = 2}));
  check_reranker(*reranker);
}

TEST_CASE("MaxSim is the mean over the question's tokens of the nearest one, as a hand computes") {
  const Scratch scratch;
  // Token i has the vector (i, 1, 0): "the" 3, "quick" 4, "fox" 5.
  const auto embedder = embedder_of({.name = "tiny",
                                     .folder = scratch.model_folder("per_token.onnx"),
                                     .query_prefix = "quick ",
                                     .document_prefix = "a b "});
  const auto reranker = reranker_of(embedder);
  CHECK(reranker->identity() == "maxsim:" + embedder->identity());
  TokenEmbedder* tokens = embedder->token_embedder();
  REQUIRE(tokens != nullptr);
  const auto vectors = tokens->embed_tokens({}, {"the fox", ""}, TextRole::query);
  REQUIRE(vectors);
  // Neither special tokens nor those of the prefix.
  REQUIRE((*vectors)[0].values.size() == 2 * 3);
  CHECK((*vectors)[0].values[0] == doctest::Approx(3 / std::hypot(3, 1)));
  CHECK((*vectors)[0].values[3] == doctest::Approx(5 / std::hypot(5, 1)));
  CHECK((*vectors)[0].tokens == 5);
  CHECK((*vectors)[1].values.empty());

  Usage usage;
  const auto scores = reranker->rerank({}, "the fox", {"quick", "fox fox the"}, &usage);
  REQUIRE(scores);
  CHECK((*scores)[0] == doctest::Approx((cosine(3, 4) + cosine(5, 4)) / 2));
  CHECK((*scores)[1] == doctest::Approx(1));
  CHECK(usage.rerank_tokens == 5 + (2 + 2 + 1) + (2 + 2 + 3));
  CHECK(usage.embedding_tokens == 0);
}

TEST_CASE("a question of zero-width characters only has no tokens and prefers nothing") {
  const Scratch scratch;
  const auto reranker =
      reranker_of(embedder_of({.name = "tiny", .folder = scratch.model_folder("per_token.onnx")}));
  const auto scores = reranker->rerank({}, "\xE2\x80\x8B", {"the", "fox"});
  REQUIRE(scores);
  CHECK(*scores == std::vector<float>{-1, -1});
}

TEST_CASE("an embedder without vectors per token cannot interact late, and the error says so") {
  const Scratch scratch;
  const auto pooled =
      embedder_of({.name = "pooled", .folder = scratch.model_folder("per_text.onnx")});
  CHECK(pooled->token_embedder() == nullptr);
  for (const auto& embedder : {pooled, std::shared_ptr<Embedder>(new ScriptedEmbedder())}) {
    const auto reranker = open_late_interaction("late", embedder);
    REQUIRE_FALSE(reranker);
    CHECK(reranker.error().code() == Code::unsupported);
    CHECK(reranker.error().message().find(embedder->name()) != std::string::npos);
  }
}

}  // namespace slipway::models::detail
