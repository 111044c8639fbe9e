// Rerankers by name: declared, imported, opened.
#include "models/detail/catalog_fixture.hpp"

using namespace slipway;
using namespace slipway::models;
using detail::failure;
using detail::find;
using detail::models_folder;
using detail::must;
using detail::Sandbox;
using detail::says;
namespace fs = std::filesystem;

TEST_CASE("a cross-encoder is recognised, imported as a reranker and opened as nothing else") {
  const Sandbox sandbox;
  const fs::path data = SLIPWAY_TEST_DATA;
  fs::create_directories(sandbox.root / "hf");
  fs::copy_file(data / "cross_encoder.onnx", sandbox.root / "hf/model.onnx");
  fs::copy_file(data / "pair_tokenizer.json", sandbox.root / "hf/tokenizer.json");
  const auto catalog = sandbox.open();
  CHECK(must(catalog->import({}, sandbox.root / "hf", "plain")).task == ModelTask::rerank);
  CHECK(must(catalog->reranker({}, "plain"))->tokens_max() == 512);

  sandbox.write("hf/config.json", R"({"architectures":["BertForSequenceClassification"],
                                      "max_position_embeddings":128,"hidden_size":384})");
  sandbox.write("hf/tokenizer_config.json",
                R"({"model_max_length":1000000000000000019884624838656})");
  const ModelInfo info = must(catalog->import({}, sandbox.root / "hf", "cross"));
  CHECK(info.task == ModelTask::rerank);
  CHECK(info.provider == Provider::onnx);
  CHECK(find(*catalog, "cross").task == ModelTask::rerank);
  const auto reranker = must(catalog->reranker({}, "cross"));
  CHECK(must(catalog->reranker({}, "cross")) == reranker);
  CHECK(reranker->tokens_max() == 128);
  CHECK(must(reranker->rerank({}, "the", {"fox", "a"}))[0] > 0.5f);
  CHECK(catalog->price("cross")->of({.rerank_tokens = 1000}) == 0);
  CHECK(says(failure(catalog->embedder({}, "cross")), "is for rerank, not for embed"));

  // A classifier of several labels is no reranker, whatever it is called.
  fs::remove(sandbox.root / "hf/model.onnx");
  fs::copy_file(data / "three_labels.onnx", sandbox.root / "hf/model.onnx");
  const Error error = failure(catalog->import({}, sandbox.root / "hf", "labels"));
  CHECK(error.code() == Code::invalid_argument);
  CHECK(says(error, "logits[-1, 3]"));
  CHECK(sandbox.entries() == 2);
}

TEST_CASE("rerankers are declared with their provider, and what does not fit is named") {
  const Sandbox sandbox;
  ModelConfig late;
  late.task = ModelTask::rerank;
  late.provider = Provider::late_interaction;
  late.model = "all-minilm-l6-v2-q";
  ModelConfig remote;
  remote.task = ModelTask::rerank;
  remote.provider = Provider::cohere;
  remote.base_url = "http://127.0.0.1:9/v2";
  ModelConfig paid = remote;
  paid.usd_per_thousand_searches = 2;
  ModelConfig words = late;
  words.provider = Provider::scripted;
  words.model.clear();
  const auto catalog = sandbox.open(
      {{"late", late}, {"remote", remote}, {"paid", paid}, {"words", words}}, {models_folder});
  CHECK(must(catalog->reranker({}, "late"))->identity().starts_with("maxsim:all-minilm-l6-v2-q@"));
  CHECK(must(catalog->reranker({}, "remote"))->identity() == "remote@http://127.0.0.1:9/v2");
  CHECK(must(catalog->reranker({}, "words"))->name() == "scripted-reranker");
  CHECK_FALSE(catalog->price("remote").has_value());
  CHECK(catalog->price("paid")->of({.search_units = 3}) == doctest::Approx(0.006));
  CHECK(find(*catalog, "late").description == "over all-minilm-l6-v2-q");
  CHECK(says(failure(catalog->reranker({}, "bge-small-en-v1.5-q")), "is for embed"));
  CHECK(failure(catalog->reranker({}, "none")).code() == Code::not_found);

  const auto refusal = [&](ModelConfig config, const auto& change) {
    change(config);
    return failure(Catalog::open({.folders = {sandbox.root}, .configured = {{"m", config}}}));
  };
  CHECK(says(refusal(remote, [](auto& c) { c.base_url = "cohere.com"; }), "models.m: base_url"));
  CHECK(says(refusal(late, [](auto& c) { c.task = ModelTask::chat; }), "write task: rerank"));
  CHECK(says(refusal(remote, [](auto& c) { c.output_usd_per_million = 1; }), "writes nothing"));
  CHECK(says(refusal(paid, [](auto& c) { c.usd_per_thousand_searches = -1; }), "from 0"));
  CHECK(says(refusal(paid, [](auto& c) { c.provider = Provider::openai; }), "provider: cohere"));
  CHECK(says(refusal(late, [](auto& c) { c.path = "x"; }), "model: instead"));
  CHECK(says(refusal(late, [](auto& c) { c.pooling = Pooling::cls; }), "pooling"));
}
