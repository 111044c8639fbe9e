#include "models/detail/bert_engine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <random>
#include <thread>

#include "core/files.hpp"
#include "models/detail/bert_kernels.hpp"
#include "models/detail/onnx_fixture.hpp"

namespace slipway::models::detail {

namespace {

namespace fs = std::filesystem;
using Ids = std::vector<std::int64_t>;
using Opened = Result<std::unique_ptr<OnnxModel>>;

const fs::path tiny = fs::path(SLIPWAY_TEST_DATA) / "tiny_bert.onnx";

std::string hash_of(const fs::path& path) { return *sha256_of_file(path); }

std::unique_ptr<OnnxModel> opened(Opened model) {
  if (!model) FAIL(model.error().message());
  return *std::move(model);
}

std::unique_ptr<OnnxModel> open(const fs::path& path) {
  return opened(open_bert_model(path, hash_of(path)));
}

std::unique_ptr<OnnxModel> open_reference(const fs::path& path) {
  return opened(OnnxModel::open(path, hash_of(path)));
}

Result<std::vector<float>> run(const OnnxModel& model, const Ids& ids, const Ids& mask,
                               const Ids& types) {
  const OnnxInput inputs[] = {
      {"input_ids", ids}, {"attention_mask", mask}, {"token_type_ids", types}};
  std::vector<float> vectors;
  TRY(model.run(inputs, model.outputs().at(0).name, [&](auto values, auto) -> Result<void> {
    vectors.assign(values.begin(), values.end());
    return {};
  }));
  return vectors;
}

std::vector<float> vectors_of(const OnnxModel& model, const Ids& ids) {
  auto vectors = run(model, ids, Ids(ids.size(), 1), Ids(ids.size(), 0));
  if (!vectors) FAIL(vectors.error().message());
  return *std::move(vectors);
}

Ids random_ids(std::size_t count, std::int64_t words, unsigned seed) {
  std::mt19937 random(seed);
  Ids ids(count);
  for (std::int64_t& id : ids) id = static_cast<std::int64_t>(random()) % words;
  return ids;
}

/// On other processors ONNX Runtime rounds otherwise, and the engine is not used.
bool is_comparable() {
  if (bert_engine_pays()) return true;
  MESSAGE("not compared with ONNX Runtime on this processor");
  return false;
}

void write(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace

TEST_CASE("a tiny encoder has the bits of ONNX Runtime for all lengths and token types") {
  if (!is_comparable()) return;
  const Scratch scratch;
  const auto model = open(tiny);
  const auto reference = open_reference(tiny);
  REQUIRE(model->outputs().size() == 1);
  CHECK(model->outputs()[0].shape == std::vector<std::int64_t>{-1, -1, 32});
  CHECK(model->inputs().size() == 3);
  for (std::size_t tokens = 1; tokens <= 24; ++tokens) {
    const Ids ids = random_ids(tokens, 40, static_cast<unsigned>(tokens));
    CHECK(vectors_of(*model, ids) == vectors_of(*reference, ids));
    const Ids ones(tokens, 1);
    CHECK(*run(*model, ids, ones, ones) == *run(*reference, ids, ones, ones));
  }
}

TEST_CASE("the shipped embedders have the bits of ONNX Runtime") {
  if (!is_comparable()) return;
  const Scratch scratch;
  for (const char* name : {"bge-small-en-v1.5-q", "all-minilm-l6-v2-q", "e5-small-v2-q"}) {
    CAPTURE(name);
    const fs::path path = fs::path(SLIPWAY_TEST_MODELS) / name / "model.onnx";
    const auto model = open(path);
    const auto reference = open_reference(path);
    for (const std::size_t tokens : {2u, 3u, 7u, 16u, 33u, 130u, 512u}) {
      CAPTURE(tokens);
      const Ids ids = random_ids(tokens, 30522, static_cast<unsigned>(tokens));
      CHECK(vectors_of(*model, ids) == vectors_of(*reference, ids));
    }
  }
}

TEST_CASE("texts computed at once have the bits that they have alone") {
  const Scratch scratch;
  const auto model = open(tiny);
  std::vector<std::vector<float>> alone;
  for (unsigned i = 0; i < 8; ++i)
    alone.push_back(vectors_of(*model, random_ids(3 * i + 1, 40, i)));
  std::vector<std::jthread> threads;
  std::atomic<int> wrong{0};
  for (unsigned thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (unsigned n = 0; n < 200; ++n) {
        const unsigned i = (n * 3 + thread) % 8;
        const Ids ids = random_ids(3 * i + 1, 40, i);
        const auto vectors = run(*model, ids, Ids(ids.size(), 1), Ids(ids.size(), 0));
        wrong += !vectors || *vectors != alone[i];
      }
    });
  threads.clear();
  CHECK(wrong == 0);
}

TEST_CASE("inputs that the model cannot take are refused") {
  const Scratch scratch;
  const auto model = open(tiny);
  const auto message = [&](const Ids& ids, const Ids& mask, const Ids& types) {
    const auto vectors = run(*model, ids, mask, types);
    REQUIRE_FALSE(vectors);
    return vectors.error().message();
  };
  CHECK(message({}, {}, {}) == "the inputs have 0, 0 and 0 numbers");
  CHECK(message({1, 2}, {1}, {0, 0}) == "the inputs have 2, 1 and 2 numbers");
  CHECK(message({1, 40}, {1, 1}, {0, 0}) == "token 40 is not among the model's 40");
  CHECK(message({1, -1}, {1, 1}, {0, 0}) == "token -1 is not among the model's 40");
  CHECK(message({1, 2}, {1, 1}, {0, 2}) == "token type 2 is not among the model's 2");
  CHECK(message({1, 2}, {1, 0}, {0, 0}) == "the text has padding");
  CHECK(message(Ids(25, 1), Ids(25, 1), Ids(25, 0)) == "the model takes at most 24 tokens");
}

TEST_CASE("packed weights are kept, and made again when they are damaged") {
  const Scratch scratch;
  const Ids ids = random_ids(9, 40, 1);
  // A file where the cache should be: nothing can be kept.
  write(scratch.path() / "cache", "in the way");
  const std::vector<float> vectors = vectors_of(*open(tiny), ids);
  fs::remove(scratch.path() / "cache");
  CHECK(vectors_of(*open(tiny), ids) == vectors);
  const fs::path folder = scratch.path() / "cache" / "slipway" / "bert";
  std::vector<fs::path> kept(fs::directory_iterator(folder), {});
  REQUIRE(kept.size() == 1);
  const std::string good = *read_file(kept[0]);
  const auto check_mended = [&](const std::string& damaged) {
    write(kept[0], damaged);
    CHECK(vectors_of(*open(tiny), ids) == vectors);
    CHECK(*read_file(kept[0]) == good);
  };
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, good.size() - 1})
    check_mended(good.substr(0, size));
  check_mended(good + "x");
  for (std::size_t at = 0; at < good.size(); at += 997) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    check_mended(damaged);
  }
  CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
}

TEST_CASE("damaged model files give an error or a model, and never a crash") {
  const Scratch scratch;
  const std::string good = *read_file(tiny);
  const fs::path path = scratch.path() / "damaged.onnx";
  const Ids ids = random_ids(5, 40, 1);
  int refused = 0;
  for (unsigned i = 0; i < 300; ++i) {
    std::mt19937 random(i);
    std::string damaged = good;
    for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
    write(path, damaged);
    const auto model = open_bert_model(path, sha256(damaged));
    refused += !model;
    if (model) {
      const auto vectors = run(**model, ids, Ids(5, 1), Ids(5, 0));
      CHECK(vectors);
    }
  }
  CHECK(refused > 0);
  CHECK(refused < 300);
}

TEST_CASE("other models are left to ONNX Runtime") {
  const Scratch scratch;
  const fs::path path = fs::path(SLIPWAY_TEST_DATA) / "per_token.onnx";
  const auto model = open_bert_model(path, hash_of(path));
  REQUIRE_FALSE(model);
  CHECK(model.error().code() == Code::unsupported);
  CHECK(open_bert_model(scratch.path() / "none", "sha256:0").error().code() == Code::not_found);
}

TEST_CASE("attention is that of a plain computation, for long sums too") {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (const auto& [tokens, size] : {std::pair{1u, 16u}, {7u, 32u}, {300u, 64u}}) {
    const AttentionShape shape{tokens, 2, size, 4.0f};
    std::vector<float> input(tokens * 3 * shape.hidden()), output(tokens * shape.hidden());
    for (float& x : input) x = normal(random);
    AttentionScratch scratch;
    attend(shape, input, output, scratch);
    const auto at = [&](std::size_t token, std::size_t part, std::size_t i) -> double {
      return input[(token * 3 + part) * shape.hidden() + i];
    };
    double worst = 0;
    for (std::size_t token = 0; token < tokens; token += 37)
      for (std::size_t head = 0; head < 2; ++head) {
        std::vector<double> mixed(size);
        double all = 0;
        for (std::size_t other = 0; other < tokens; ++other) {
          double score = 0;
          for (std::size_t i = head * size; i < (head + 1) * size; ++i)
            score += at(token, 0, i) * at(other, 1, i);
          const double weight = std::exp(score / 4);
          all += weight;
          for (std::size_t i = 0; i < size; ++i) mixed[i] += weight * at(other, 2, head * size + i);
        }
        for (std::size_t i = 0; i < size; ++i)
          worst = std::max(
              worst, std::abs(output[token * shape.hidden() + head * size + i] - mixed[i] / all));
      }
    CHECK(worst < 1e-5);
  }
}

}  // namespace slipway::models::detail
