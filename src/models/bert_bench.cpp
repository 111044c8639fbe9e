// Compares the BERT engine with ONNX Runtime: processor time of both for texts of some lengths, in
// turn, because a busy machine slows both down. One thread.
// Usage: bert_bench FOLDER [TOKENS...]     (FOLDER has model.onnx)
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "core/files.hpp"
#include "models/detail/bert_engine.hpp"

namespace {

using slipway::Result;
using slipway::models::detail::OnnxInput;
using slipway::models::detail::OnnxModel;
using Ids = std::vector<std::int64_t>;

double milliseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

Result<std::vector<float>> vectors_of(const OnnxModel& model, const Ids& ids) {
  const Ids ones(ids.size(), 1), zeros(ids.size(), 0);
  const OnnxInput inputs[] = {
      {"input_ids", ids}, {"attention_mask", ones}, {"token_type_ids", zeros}};
  std::vector<float> vectors;
  TRY(model.run(inputs, model.outputs()[0].name, [&](auto values, auto) -> Result<void> {
    vectors.assign(values.begin(), values.end());
    return {};
  }));
  return vectors;
}

struct Times {
  std::vector<double> all;
  double least() const { return *std::min_element(all.begin(), all.end()); }
  double middle() {
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2),
                     all.end());
    return all[all.size() / 2];
  }
};

Result<void> compare(const OnnxModel& engine, const OnnxModel& runtime, std::size_t tokens) {
  std::mt19937 random(1);
  Ids ids(tokens);
  for (std::int64_t& id : ids) id = static_cast<std::int64_t>(random() % 20'000);
  Times ours, theirs;
  bool is_equal = true;
  const std::size_t rounds = std::clamp<std::size_t>(6000 / tokens, 10, 200);
  for (std::size_t i = 0; i < rounds; ++i) {
    const double start = milliseconds();
    const auto a = TRY(vectors_of(engine, ids));
    const double middle = milliseconds();
    const auto b = TRY(vectors_of(runtime, ids));
    ours.all.push_back(middle - start);
    theirs.all.push_back(milliseconds() - middle);
    is_equal = is_equal && a == b;
  }
  fmt::print(
      "{:4} tokens  engine {:7.2f} (least {:7.2f})  ONNX Runtime {:7.2f} (least {:7.2f}) ms  "
      "{:.2f} times as fast  bits {}\n",
      tokens, ours.middle(), ours.least(), theirs.middle(), theirs.least(),
      theirs.middle() / ours.middle(), is_equal ? "equal" : "differ");
  return {};
}

Result<void> run(int argc, char** argv) {
  const std::filesystem::path path = std::filesystem::path(argv[1]) / "model.onnx";
  const std::string hash = TRY(slipway::sha256_of_file(path));
  // The first opening fills the caches.
  TRY(slipway::models::detail::open_bert_model(path, hash));
  TRY(OnnxModel::open(path, hash));
  const double start = milliseconds();
  const auto engine = TRY(slipway::models::detail::open_bert_model(path, hash));
  const double middle = milliseconds();
  const auto runtime = TRY(OnnxModel::open(path, hash));
  fmt::print("opening      engine {:7.2f}  ONNX Runtime {:7.2f} ms\n", middle - start,
             milliseconds() - middle);
  if (argc == 2)
    for (const std::size_t tokens : {8u, 32u, 100u, 200u, 512u})
      TRY(compare(*engine, *runtime, tokens));
  for (int i = 2; i < argc; ++i)
    TRY(compare(*engine, *runtime, std::max(2ul, std::strtoul(argv[i], nullptr, 10))));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bert_bench FOLDER [TOKENS...]\n");
    return 2;
  }
  if (const auto done = run(argc, argv); !done) {
    fmt::print(stderr, "bert_bench: {}\n", done.error().message());
    return 1;
  }
}
