// Models of texts and images as optimum and transformers.js export them: text_model.onnx and
// vision_model.onnx, in the folder or in onnx/ below it, or both in one model.onnx.
#include "core/mapped_file.hpp"
#include "models/detail/import_steps.hpp"
#include "models/detail/onnx_split.hpp"
#include "models/detail/two_towers.hpp"

namespace slipway::models::detail {

// Parts of config.json and tokenizer_config.json that we read.
struct TextConfigFile {
  std::optional<double> max_position_embeddings;
};
BOOST_DESCRIBE_STRUCT(TextConfigFile, (), (max_position_embeddings))
struct TowersConfigFile {
  TextConfigFile text_config;
};
BOOST_DESCRIBE_STRUCT(TowersConfigFile, (), (text_config))
struct TextLengthFile {
  std::optional<double> model_max_length;
};
BOOST_DESCRIBE_STRUCT(TextLengthFile, (), (model_max_length))

namespace {

namespace fs = std::filesystem;

struct TowerFiles {
  fs::path text, vision;
  fs::path both;  ///< Instead of the two.
  const fs::path& any() const { return both.empty() ? text : both; }
};

/// "text_model_quantized.onnx" -> "_quantized"; nothing when it is neither tower.
std::optional<std::string> variant_of(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const std::string_view stem : {"text_model", "vision_model"})
    if (name.starts_with(stem) && name.ends_with(".onnx"))
      return name.substr(stem.size(), name.size() - stem.size() - 5);
  return std::nullopt;
}

Result<std::optional<TowerFiles>> towers_in(const fs::path& folder, const std::string& variant) {
  TowerFiles files;
  files.text = folder / ("text_model" + variant + ".onnx");
  files.vision = folder / ("vision_model" + variant + ".onnx");
  const bool has_text = is_file(files.text), has_vision = is_file(files.vision);
  if (has_text && has_vision) return std::optional(files);
  if (!has_text && !has_vision) return std::optional<TowerFiles>();
  return fail(Code::invalid_argument, "{}: {} is missing beside it; a model of images needs both",
              (has_text ? files.text : files.vision).string(),
              (has_text ? files.vision : files.text).filename().string());
}

bool reads_both(const fs::path& path) {
  if (!is_file(path)) return false;
  const auto file = MappedFile::open(path);
  if (!file) return false;
  // What is wrong with a file is told by those who read it for what it is.
  const auto names = onnx_names(file->bytes());
  if (!names) return false;
  const auto has = [&](std::string_view name) {
    return std::find(names->inputs.begin(), names->inputs.end(), name) != names->inputs.end();
  };
  return has("pixel_values") && has("input_ids");
}

Result<std::optional<TowerFiles>> find_towers(const fs::path& source) {
  std::error_code error;
  if (!fs::is_directory(source, error)) {
    const fs::path folder = source.has_parent_path() ? source.parent_path() : fs::path(".");
    if (const auto variant = variant_of(source)) return towers_in(folder, *variant);
    if (!reads_both(source)) return std::optional<TowerFiles>();
    return std::optional(TowerFiles{{}, {}, source});
  }
  for (const fs::path& folder : {source, source / "onnx"})
    for (const char* variant : {"", "_quantized"})
      if (auto files = TRY(towers_in(folder, variant))) return files;
  for (const char* name : {"model.onnx", "onnx/model.onnx", "onnx/model_quantized.onnx"})
    if (reads_both(source / name)) return std::optional(TowerFiles{{}, {}, source / name});
  return std::optional<TowerFiles>();
}

/// Beside the model, or above it where exports stand in onnx/. Empty: in neither.
fs::path side_file(const fs::path& model, const char* name) {
  const fs::path folder = model.has_parent_path() ? model.parent_path() : fs::path(".");
  for (const fs::path& path : {folder / name, folder / ".." / name})
    if (is_file(path)) return path;
  return {};
}

Result<void> copy_side_files(const Context& context, const fs::path& model,
                             const fs::path& target) {
  const auto missing = [&](std::string_view name) {
    return fail(Code::invalid_argument, "{}: {} is missing beside it; copy it there",
                model.string(), name);
  };
  const fs::path preprocessor = side_file(model, preprocessor_file);
  if (preprocessor.empty()) return missing(preprocessor_file);
  TRY(copy_file(context, preprocessor, target / preprocessor_file));
  if (const fs::path tokenizer = side_file(model, "tokenizer.json"); !tokenizer.empty())
    return copy_file(context, tokenizer, target / "tokenizer.json");
  const fs::path vocab = side_file(model, "vocab.json"), merges = side_file(model, "merges.txt");
  if (vocab.empty() || merges.empty()) return missing("tokenizer.json (or vocab.json, merges.txt)");
  TRY(copy_file(context, vocab, target / "vocab.json"));
  return copy_file(context, merges, target / "merges.txt");
}

Result<void> copy_towers(const Context& context, const TowerFiles& files, const fs::path& target) {
  if (files.both.empty()) {
    TRY(copy_file(context, files.text, target / text_tower_file));
    return copy_file(context, files.vision, target / vision_tower_file);
  }
  const auto file = TRY(MappedFile::open(files.both));
  const std::string where = files.both.string();
  for (const auto& [name, output] :
       {std::pair(text_tower_file, "text_embeds"), std::pair(vision_tower_file, "image_embeds")}) {
    TRY(context.check());
    const std::string part = TRY(split_onnx(file.bytes(), output).within(where));
    TRY(write_file_atomically(target / name, part));
  }
  return {};
}

/// The least of what the files say; 0 when they say nothing.
Result<std::size_t> tokens_max_beside(const fs::path& model) {
  constexpr double none = 1e6;
  double least = none;
  if (const fs::path path = side_file(model, "config.json"); !path.empty())
    least = TRY(read_side_file<TowersConfigFile>(path))
                .text_config.max_position_embeddings.value_or(none);
  if (const fs::path path = side_file(model, "tokenizer_config.json"); !path.empty())
    least =
        std::min(least, TRY(read_side_file<TextLengthFile>(path)).model_max_length.value_or(none));
  return least >= 1 && least < none ? static_cast<std::size_t>(least) : 0;
}

}  // namespace

Result<bool> import_towers(const Context& context, const fs::path& source, const fs::path& target) {
  const auto files = TRY(find_towers(source));
  if (!files) return false;
  TRY(copy_towers(context, *files, target));
  TRY(copy_side_files(context, files->any(), target));
  Manifest manifest;
  manifest.task = ModelTask::embed;
  manifest.provider = Provider::onnx;
  manifest.reads_images = true;
  manifest.description = "texts and images";
  manifest.source = source.string();
  manifest.tokens_max = TRY(tokens_max_beside(files->any()));
  const auto folder = TRY(read_model_folder(target));
  SLIPWAY_ASSERT(folder.has_value());
  manifest.hash = TRY(hash_of(*folder));
  const auto embedder = TRY(open_two_towers({.name = "imported",
                                             .folder = target,
                                             .hash = manifest.hash,
                                             .tokens_max = manifest.tokens_max,
                                             .threads = 1}));
  manifest.dimension = embedder->dimension();
  TRY(write_manifest(target, manifest));
  return true;
}

}  // namespace slipway::models::detail
