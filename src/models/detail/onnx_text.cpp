#include "models/detail/onnx_text.hpp"

#include "core/files.hpp"
#include "core/log.hpp"
#include "models/detail/bert_engine.hpp"
#include "models/detail/file_hash.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::uint64_t tokenizer_bytes_max = 256u << 20;

bool is_known_input(const std::string& name) {
  return name == "input_ids" || name == "attention_mask" || name == "token_type_ids";
}

Result<std::vector<std::string>> text_inputs(const OnnxModel& model) {
  std::vector<std::string> inputs;
  bool has_ids = false;
  for (const OnnxPort& input : model.inputs()) {
    if (input.name == "pixel_values")
      return fail(Code::invalid_argument,
                  "the model reads images too; put its two towers in place with: slipway models "
                  "import FOLDER --name NAME");
    if (!is_known_input(input.name) || input.type != OnnxType::int64)
      return fail(Code::invalid_argument,
                  "input '{}' is not one of the 64-bit input_ids, attention_mask, token_type_ids "
                  "that models of texts take",
                  input.name);
    has_ids = has_ids || input.name == "input_ids";
    inputs.push_back(input.name);
  }
  if (!has_ids) return fail(Code::invalid_argument, "the model has no input 'input_ids'");
  return inputs;
}

Result<std::unique_ptr<OnnxModel>> open_model(const std::filesystem::path& path,
                                              const std::string& hash, OnnxEngine engine) {
  if (engine == OnnxEngine::fastest && bert_engine_pays()) {
    auto model = open_bert_model(path, hash);
    if (model) return model;
    // Whatever is wrong: ONNX Runtime can more, and its messages are about all models.
    log::debug("ONNX Runtime computes {}: {}", path.string(), model.error().message());
  }
  return OnnxModel::open(path, hash);
}

}  // namespace

Result<void> OnnxText::run(const std::vector<TokenId>& ids, const std::vector<TokenId>& types,
                           const std::string& output, const OnnxModel::Reader& read) const {
  const std::vector<TokenId> ones(ids.size(), 1);
  const std::vector<TokenId> zeros(types.empty() ? ids.size() : 0, 0);
  std::vector<OnnxInput> values;
  for (const std::string& name : inputs)
    values.push_back({name, name == "input_ids"        ? ids
                            : name == "attention_mask" ? ones
                            : types.empty()            ? zeros
                                                       : types});
  return model->run(values, output, read);
}

Result<OnnxText> open_onnx_text(const std::filesystem::path& folder, OnnxEngine engine) {
  const auto model_path = folder / "model.onnx";
  const auto tokenizer_path = folder / "tokenizer.json";
  auto tokenizer = TRY(WordPiece::parse(TRY(read_file(tokenizer_path, tokenizer_bytes_max)))
                           .within(tokenizer_path.string()));
  std::string hash = TRY(remembered_hash(model_path));
  auto model = TRY(open_model(model_path, hash, engine));
  auto inputs = TRY(text_inputs(*model).within(model_path.string()));
  return OnnxText{std::move(tokenizer), std::move(model), std::move(inputs), std::move(hash)};
}

std::string onnx_identity(const std::string& name, const std::string& hash) {
  constexpr std::size_t prefix_bytes = 7, digits = 16;
  return name + "@" + hash.substr(prefix_bytes, digits);
}

std::string list_outputs(const OnnxModel& model) {
  std::string all;
  for (const OnnxPort& output : model.outputs())
    all += fmt::format("{}{}[{}]", all.empty() ? "" : ", ", output.name,
                       fmt::join(output.shape, ", "));
  return all;
}

}  // namespace slipway::models::detail
