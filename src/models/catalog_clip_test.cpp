// Models of texts and images by name: imported, listed, opened.
#include "models/detail/catalog_fixture.hpp"

using namespace slipway;
using namespace slipway::models;
using detail::failure;
using detail::find;
using detail::must;
using detail::Sandbox;
using detail::says;
namespace fs = std::filesystem;

namespace {

const fs::path clip = fs::path(SLIPWAY_TEST_DATA) / "clip";

void put(const fs::path& folder, std::initializer_list<const char*> names) {
  fs::create_directories(folder);
  for (const char* name : names) fs::copy_file(clip / name, folder / name);
}

Vector red(Embedder& embedder) {
  return must(embedder.embed_one({}, "a red picture", TextRole::query));
}

}  // namespace

TEST_CASE("a folder of two towers is imported as an embedder that reads images") {
  const Sandbox sandbox;
  const fs::path source = sandbox.root / "hf";
  put(source, {"config.json", "tokenizer.json", "preprocessor_config.json"});
  put(source / "onnx", {"text_model.onnx", "vision_model.onnx", "model.onnx"});
  const auto catalog = sandbox.open();
  const ModelInfo info = must(catalog->import({}, source, "tiny-clip"));
  CHECK(info.task == ModelTask::embed);
  CHECK(info.provider == Provider::onnx);
  CHECK(info.reads_images);
  CHECK(info.state == "installed");
  CHECK(info.description == "texts and images");
  CHECK(info.size_bytes > fs::file_size(clip / "text_model.onnx"));
  const auto embedder = must(catalog->embedder({}, "tiny-clip"));
  CHECK(must(catalog->embedder({}, "tiny-clip")) == embedder);
  CHECK(embedder->reads_images());
  CHECK(embedder->tokens_max() == 24);
  CHECK(embedder->dimension() == 4);
  CHECK(embedder->identity() == "tiny-clip@" + info.hash.substr(7, 16));
  CHECK(says(failure(catalog->reranker({}, "tiny-clip")), "is for embed"));
  // The same again is no conflict; other content is.
  CHECK(must(catalog->import({}, source, "tiny-clip")).hash == info.hash);
  fs::remove(source / "preprocessor_config.json");
  sandbox.write("hf/preprocessor_config.json", R"({"size":32,"crop_size":32})");
  CHECK(failure(catalog->import({}, source, "tiny-clip")).code() == Code::conflict);
}

TEST_CASE("one file of both towers, and the two files of older tokenizers, are imported too") {
  const Sandbox sandbox;
  put(sandbox.root / "one", {"model.onnx", "vocab.json", "merges.txt", "preprocessor_config.json"});
  put(sandbox.root / "two",
      {"text_model.onnx", "vision_model.onnx", "tokenizer.json", "preprocessor_config.json"});
  const auto catalog = sandbox.open();
  CHECK(must(catalog->import({}, sandbox.root / "one", "one")).reads_images);
  CHECK(must(catalog->import({}, sandbox.root / "one/model.onnx", "file")).reads_images);
  CHECK(must(catalog->import({}, sandbox.root / "two/vision_model.onnx", "two")).reads_images);
  CHECK(fs::exists(sandbox.installed("one") / "vision_model.onnx"));
  CHECK_FALSE(fs::exists(sandbox.installed("one") / "model.onnx"));
  const auto one = must(catalog->embedder({}, "one")), two = must(catalog->embedder({}, "two"));
  CHECK(red(*one) == red(*two));
  CHECK(one->tokens_max() == 77);
}

TEST_CASE("a CLIP can stay where it is, and a change of any part shows as damage") {
  const Sandbox sandbox;
  const fs::path source = sandbox.root / "stays";
  put(source,
      {"text_model.onnx", "vision_model.onnx", "tokenizer.json", "preprocessor_config.json"});
  ModelConfig config;
  config.task = ModelTask::embed;
  config.provider = Provider::onnx;
  config.path = source.string();
  config.query_prefix = "a photo of ";
  const auto catalog = sandbox.open({{"here", config}});
  const auto embedder = must(catalog->embedder({}, "here"));
  CHECK(embedder->reads_images());
  must(catalog->import({}, source, "copied"));
  CHECK(find(*catalog, "copied").state == "installed");
  std::ofstream(sandbox.installed("copied") / "preprocessor_config.json") << "{ }";
  CHECK(find(*catalog, "copied").state == "damaged");
}

TEST_CASE("what is missing or wrong beside the towers is named, and nothing is left behind") {
  const Sandbox sandbox;
  const auto catalog = sandbox.open();
  const auto refusal = [&](const char* name) {
    return failure(catalog->import({}, sandbox.root / name, "broken"));
  };
  put(sandbox.root / "a", {"text_model.onnx", "tokenizer.json", "preprocessor_config.json"});
  CHECK(says(refusal("a"), "vision_model.onnx is missing"));
  put(sandbox.root / "b", {"text_model.onnx", "vision_model.onnx", "tokenizer.json"});
  CHECK(says(refusal("b"), "preprocessor_config.json is missing"));
  put(sandbox.root / "c", {"model.onnx", "vocab.json", "preprocessor_config.json"});
  CHECK(says(refusal("c"), "tokenizer.json (or vocab.json, merges.txt) is missing"));
  put(sandbox.root / "d", {"text_model.onnx", "preprocessor_config.json", "vocab.json"});
  fs::copy_file(clip / "vision_unprojected.onnx", sandbox.root / "d/vision_model.onnx");
  std::ofstream(sandbox.root / "d/tokenizer.json") << R"({"model":{"type":"WordPiece"}})";
  CHECK(says(refusal("d"), "only the tokenizer of CLIP"));
  fs::remove(sandbox.root / "d/tokenizer.json");
  fs::copy_file(clip / "tokenizer.json", sandbox.root / "d/tokenizer.json");
  CHECK(says(refusal("d"), "no output 'image_embeds'"));
  CHECK(sandbox.entries() == 0);
  // Named by its path without being imported, a file of both towers says what to do.
  put(sandbox.root / "e", {"model.onnx", "preprocessor_config.json"});
  fs::copy_file(fs::path(SLIPWAY_TEST_DATA) / "small_tokenizer.json",
                sandbox.root / "e/tokenizer.json");
  ModelConfig config;
  config.task = ModelTask::embed;
  config.provider = Provider::onnx;
  config.path = (sandbox.root / "e").string();
  const auto configured = sandbox.open({{"e", config}});
  CHECK(says(failure(configured->embedder({}, "e")), "slipway models import"));
}
