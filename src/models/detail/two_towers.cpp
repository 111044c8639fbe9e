#include "models/detail/two_towers.hpp"

#include <algorithm>
#include <array>

#include "core/files.hpp"
#include "core/pool.hpp"
#include "models/detail/clip_pixels.hpp"
#include "models/detail/clip_tokenizer.hpp"
#include "models/detail/embedding.hpp"
#include "models/detail/file_hash.hpp"
#include "models/detail/onnx_runtime.hpp"
#include "models/detail/onnx_text.hpp"

// One text or image a call, several calls at once, as in onnx_embedder.cpp and for its reasons. A
// text is not padded unless the model has a fixed length: CLIP looks only backwards, so what would
// stand behind the end token changes nothing.
namespace slipway::models::detail {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t tokens_max_default = 77;
constexpr std::uint64_t tokenizer_bytes_max = 256u << 20;
constexpr std::uint64_t config_bytes_max = 1u << 20;

/// One of the two models, and where its vector comes out.
struct Tower {
  std::unique_ptr<OnnxModel> model;
  std::string output;
};

Result<Tower> open_tower(const fs::path& path, std::array<std::string_view, 2> outputs,
                         std::string_view class_name) {
  Tower tower;
  tower.model = TRY(OnnxModel::open(path, TRY(remembered_hash(path))));
  for (const std::string_view name : outputs)
    for (const OnnxPort& port : tower.model->outputs())
      if (port.name == name && tower.output.empty()) tower.output = name;
  if (!tower.output.empty()) return tower;
  return fail(Code::invalid_argument,
              "{}: the model has no output '{}', but {}; export it with its projection, as "
              "transformers' {}",
              path.string(), outputs[0], list_outputs(*tower.model), class_name);
}

/// What the text tower wants.
struct TextPorts {
  std::vector<std::string> inputs;
  std::size_t length = 0;  ///< Of a text in tokens, where the model fixes it; else 0.
};

Result<TextPorts> text_ports(const OnnxModel& model) {
  TextPorts ports;
  for (const OnnxPort& input : model.inputs()) {
    const bool is_known =
        input.name == "input_ids" || input.name == "attention_mask" || input.name == "position_ids";
    if (!is_known || input.type != OnnxType::int64 || input.shape.size() != 2)
      return fail(Code::invalid_argument,
                  "input '{}' is not one of the 64-bit input_ids, attention_mask and position_ids "
                  "that text towers take",
                  input.name);
    if (input.shape[1] > 0) ports.length = static_cast<std::size_t>(input.shape[1]);
    ports.inputs.push_back(input.name);
  }
  if (std::find(ports.inputs.begin(), ports.inputs.end(), "input_ids") == ports.inputs.end())
    return fail(Code::invalid_argument, "the model has no input 'input_ids'");
  return ports;
}

Result<std::string> vision_port(const OnnxModel& model) {
  const auto& inputs = model.inputs();
  if (inputs.size() == 1 && inputs[0].type == OnnxType::float32 && inputs[0].shape.size() == 4)
    return inputs[0].name;
  std::string names;
  for (const OnnxPort& input : inputs) names += (names.empty() ? "" : ", ") + input.name;
  return fail(Code::invalid_argument,
              "expected one input of floats, pixel_values [batch, 3, height, width]; the model has "
              "{}",
              names);
}

Result<ClipTokenizer> open_tokenizer(const fs::path& folder) {
  std::error_code error;
  const fs::path path = folder / "tokenizer.json";
  if (fs::exists(path, error) || !fs::exists(folder / "vocab.json", error))
    return ClipTokenizer::parse(TRY(read_file(path, tokenizer_bytes_max))).within(path.string());
  const std::string vocab = TRY(read_file(folder / "vocab.json", tokenizer_bytes_max));
  const std::string merges = TRY(read_file(folder / "merges.txt", tokenizer_bytes_max));
  return ClipTokenizer::parse(vocab, merges).within(folder.string());
}

/// Takes the only row of an output.
OnnxModel::Reader take_row(Vector& vector) {
  return [&vector](std::span<const float> values,
                   std::span<const std::int64_t> shape) -> Result<void> {
    if (shape.size() != 2 || shape[0] != 1 || values.empty())
      return fail(Code::internal, "the model gives [{}] instead of one vector",
                  fmt::join(shape, ", "));
    vector.assign(values.begin(), values.end());
    return normalize(vector);
  };
}

struct Towers {
  ClipTokenizer tokenizer;
  ClipPixels pixels;
  Tower text, vision;
  TextPorts text_ports;
  std::string vision_port;
};

class TwoTowers final : public Embedder, public ImageEmbedder {
 public:
  TwoTowers(TwoTowerOptions options, Towers towers)
      : options_(std::move(options)),
        identity_(onnx_identity(options_.name, options_.hash)),
        towers_(std::move(towers)),
        workers_(options_.threads) {}

  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return options_.name; }
  std::size_t dimension() const override { return dimension_; }
  std::size_t tokens_max() const override { return options_.tokens_max; }
  std::size_t count_tokens(std::string_view text) const override {
    return towers_.tokenizer.count(text);
  }
  ImageEmbedder* image_embedder() override { return this; }

  Result<std::vector<Vector>> embed(const Context& context,
                                    const std::vector<std::string_view>& texts, TextRole role,
                                    Usage* usage) override {
    const std::string& prefix =
        role == TextRole::query ? options_.query_prefix : options_.document_prefix;
    const auto embed_text = [&](std::string_view text, std::size_t& tokens) -> Result<Vector> {
      std::string prefixed = prefix;
      const auto ids = towers_.tokenizer.encode(prefixed.append(text), options_.tokens_max);
      tokens = ids.size();
      return text_vector(ids);
    };
    return embed_distinct(context, texts, workers_, embed_text, usage);
  }

  Result<std::vector<Vector>> embed_images(const Context& context,
                                           std::span<const Image> images) override {
    TRY(context.check());
    std::vector<Vector> vectors(images.size());
    TRY(workers_.run(context, images.size(), [&](std::size_t i) -> Result<void> {
      vectors[i] = TRY(image_vector(images[i]));
      return {};
    }));
    return vectors;
  }

  /// Shows that towers, tokenizer and preprocessing belong together, and finds the dimension.
  Result<void> probe() {
    auto ids = towers_.tokenizer.encode("", options_.tokens_max);
    if (ids.size() < options_.tokens_max) ids.insert(ids.begin() + 1, towers_.tokenizer.id_max());
    const auto text = text_vector(ids);
    if (!text)
      return fail(Code::invalid_argument,
                  "{}: the model does not take the tokens of its tokenizer: {}", text_tower_file,
                  text.error().message());
    const auto image = image_vector({1, 1, std::string(3, '\x7F')});
    if (!image)
      return fail(Code::invalid_argument,
                  "{}: the model does not take what {} makes of an image: {}", vision_tower_file,
                  preprocessor_file, image.error().message());
    if (text->size() != image->size())
      return fail(Code::invalid_argument,
                  "{} has {} numbers a vector, {} {}: they are not of one model", text_tower_file,
                  text->size(), vision_tower_file, image->size());
    dimension_ = text->size();
    return {};
  }

 private:
  Result<Vector> text_vector(std::vector<TokenId> ids) const {
    std::vector<TokenId> mask(ids.size(), 1);
    if (towers_.text_ports.length > 0) {
      ids.resize(towers_.text_ports.length, towers_.tokenizer.padding());
      mask.resize(towers_.text_ports.length, 0);
    }
    std::vector<TokenId> positions(ids.size());
    for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<TokenId>(i);
    std::vector<OnnxInput> inputs;
    for (const std::string& name : towers_.text_ports.inputs)
      inputs.push_back({name, name == "input_ids"        ? ids
                              : name == "attention_mask" ? mask
                                                         : positions});
    Vector vector;
    TRY(towers_.text.model->run(inputs, towers_.text.output, take_row(vector)));
    return vector;
  }

  Result<Vector> image_vector(const Image& image) const {
    const Pixels pixels = TRY(towers_.pixels.of(image));
    const OnnxFloats input{
        towers_.vision_port,
        pixels.values,
        {1, 3, static_cast<std::int64_t>(pixels.height), static_cast<std::int64_t>(pixels.width)}};
    Vector vector;
    TRY(towers_.vision.model->run_floats(input, towers_.vision.output, take_row(vector)));
    return vector;
  }

  const TwoTowerOptions options_;
  const std::string identity_;
  const Towers towers_;
  FairWorkers workers_;
  std::size_t dimension_ = 0;  ///< Set once, before anybody has the embedder.
};

Result<std::shared_ptr<Embedder>> open(TwoTowerOptions options) {
  const fs::path& folder = options.folder;
  auto tokenizer = TRY(open_tokenizer(folder));
  const fs::path config = folder / preprocessor_file;
  auto pixels =
      TRY(ClipPixels::parse(TRY(read_file(config, config_bytes_max))).within(config.string()));
  const fs::path text_path = folder / text_tower_file, vision_path = folder / vision_tower_file;
  Towers towers{std::move(tokenizer), std::move(pixels)};
  towers.text =
      TRY(open_tower(text_path, {"text_embeds", "text_embeddings"}, "CLIPTextModelWithProjection"));
  towers.vision = TRY(open_tower(vision_path, {"image_embeds", "image_embeddings"},
                                 "CLIPVisionModelWithProjection"));
  towers.text_ports = TRY(text_ports(*towers.text.model).within(text_path.string()));
  towers.vision_port = TRY(vision_port(*towers.vision.model).within(vision_path.string()));
  if (options.tokens_max == 0) options.tokens_max = tokens_max_default;
  if (const std::size_t length = towers.text_ports.length; length > 0)
    options.tokens_max = std::min(options.tokens_max, length);
  if (options.threads == 0) options.threads = core_count();
  if (options.tokens_max <= ClipTokenizer::special_tokens())
    return fail(Code::invalid_argument, "tokens_max: {} leaves no room for text; use at least {}",
                options.tokens_max, ClipTokenizer::special_tokens() + 1);
  const std::string where = folder.string();
  auto embedder = std::make_shared<TwoTowers>(std::move(options), std::move(towers));
  TRY(embedder->probe().within(where));
  return std::shared_ptr<Embedder>(std::move(embedder));
}

}  // namespace

Result<std::shared_ptr<Embedder>> open_two_towers(TwoTowerOptions options) {
  const std::string what = fmt::format("opening embedder '{}'", options.name);
  return open(std::move(options)).within(what);
}

}  // namespace slipway::models::detail
