#include "models/detail/cross_encoder.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "core/files.hpp"
#include "models/detail/onnx_fixture.hpp"
#include "models/reranker_conformance.hpp"

namespace slipway::models::detail {

namespace {

namespace fs = std::filesystem;

std::shared_ptr<Reranker> open(CrossEncoderOptions options) {
  auto reranker = open_cross_encoder(std::move(options));
  if (!reranker) FAIL(reranker.error().message());
  return *std::move(reranker);
}

fs::path tiny_folder(const Scratch& scratch) {
  return scratch.model_folder("cross_encoder.onnx", "pair_tokenizer.json");
}

Error error_of(const fs::path& folder, std::size_t tokens_max = 0) {
  const auto reranker =
      open_cross_encoder({.name = "broken", .folder = folder, .tokens_max = tokens_max});
  REQUIRE_FALSE(reranker);
  return reranker.error();
}

void check_says(const std::string& message, std::string_view part) {
  CAPTURE(message);
  CAPTURE(part);
  CHECK(message.find(part) != std::string::npos);
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

TEST_CASE("a cross-encoder does what every reranker must") {
  const Scratch scratch;
  const auto reranker = open({.name = "tiny", .folder = tiny_folder(scratch), .threads = 2});
  check_reranker(*reranker, {.query = "the b", .best = "quick fox fox", .worst = "a the a"});
}

TEST_CASE("the score is the sigmoid of the logit of question and passage, as a hand computes") {
  const Scratch scratch;
  const auto reranker = open({.name = "tiny", .folder = tiny_folder(scratch)});
  // "quick" weighs 1 and "fox" 2: a tenth of it in the question, 1.1 times in the passage; less
  // half.
  Usage usage;
  const auto scores =
      reranker->rerank({}, "quick the", {"the fox", "the", "quick fox fox"}, &usage);
  REQUIRE(scores);
  CHECK((*scores)[0] == doctest::Approx(sigmoid(0.1 + 2.2 - 0.5)));
  CHECK((*scores)[1] == doctest::Approx(sigmoid(0.1 - 0.5)));
  CHECK((*scores)[2] == doctest::Approx(sigmoid(0.1 + 5.5 - 0.5)));
  CHECK(usage.rerank_tokens == (3 + 2 + 2) + (3 + 2 + 1) + (3 + 2 + 3));
  CHECK(reranker->identity() ==
        "tiny@" + sha256_of_file(scratch.path() / "model/model.onnx")->substr(7, 16));
}

TEST_CASE("what is too long loses its end, the longer text first") {
  const Scratch scratch;
  const auto reranker = open({.name = "tiny", .folder = tiny_folder(scratch), .tokens_max = 8});
  const auto score = [&](std::string_view query, std::string_view passage) {
    const auto scores = reranker->rerank({}, query, {passage});
    REQUIRE(scores);
    return (*scores)[0];
  };
  // Room for five tokens.
  CHECK(score("the", "a a a fox quick") == doctest::Approx(sigmoid(2.2 - 0.5)));
  CHECK(score("the a b", "fox a quick") == doctest::Approx(sigmoid(2.2 + 1.1 - 0.5)));
  CHECK(score("a a fox a", "a a a quick") == doctest::Approx(sigmoid(-0.5)));
}

TEST_CASE("what is no cross-encoder is named, with the remedy") {
  const Scratch scratch;
  Error error = error_of(scratch.model_folder("per_token.onnx", "pair_tokenizer.json"));
  CHECK(error.code() == Code::invalid_argument);
  check_says(error.message(), "last_hidden_state[-1, -1, 3]: use a cross-encoder with one label");
  check_says(error_of(scratch.model_folder("three_labels.onnx", "pair_tokenizer.json")).message(),
             "logits[-1, 3]");
  check_says(error_of(tiny_folder(scratch), 7).message(), "tokens_max: 7 leaves no room");
  check_says(error_of(scratch.path() / "none").message(), "opening reranker 'broken'");
  std::string tokenizer = *read_file(fs::path(SLIPWAY_TEST_DATA) / "pair_tokenizer.json");
  const fs::path folder = tiny_folder(scratch);
  std::ofstream(folder / "tokenizer.json")
      << tokenizer.replace(tokenizer.find("\"pair\""), 6, "\"p\"");
  check_says(error_of(folder).message(), "$.post_processor.pair does not say");
}

TEST_CASE("a damaged cross-encoder gives an error or scores, never a crash") {
  const Scratch scratch;
  const fs::path folder = tiny_folder(scratch);
  const std::string whole = *read_file(folder / "model.onnx");
  std::mt19937 random(9);
  for (int round = 0; round < 120; ++round) {
    std::string bytes = whole;
    for (int n = 0; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    std::ofstream(folder / "model.onnx", std::ios::binary | std::ios::trunc) << bytes;
    const auto reranker = open_cross_encoder({.name = "mutant", .folder = folder});
    if (reranker) (void)(*reranker)->rerank({}, "the fox", {"quick", "fox"});
  }
}

}  // namespace slipway::models::detail
