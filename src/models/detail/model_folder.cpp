#include "models/detail/model_folder.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/files.hpp"
#include "models/detail/file_hash.hpp"
#include "models/detail/known_models.hpp"
#include "models/detail/two_towers.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::uint64_t manifest_bytes_max = 1u << 20;
constexpr std::size_t name_characters_max = 64;

bool is_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

template <typename T>
void fill(T& value, const T& fallback) {
  if (value == T()) value = fallback;
}

}  // namespace

Result<std::optional<ModelFolder>> read_model_folder(const std::filesystem::path& path) {
  ModelFolder folder;
  folder.path = path;
  folder.name = path.filename().string();
  const bool has_towers = is_file(path / text_tower_file) && is_file(path / vision_tower_file);
  const bool is_onnx = has_towers || is_file(path / "model.onnx");
  if (!is_onnx && !is_file(path / "model.gguf")) return std::optional<ModelFolder>();
  folder.weights = path / (has_towers ? text_tower_file : is_onnx ? "model.onnx" : "model.gguf");
  if (has_towers) folder.more = {path / vision_tower_file, path / preprocessor_file};
  if (is_file(path / "manifest.json")) {
    const std::filesystem::path file = path / "manifest.json";
    const std::string text = TRY(read_file(file, manifest_bytes_max));
    const json::Value value = TRY(json::parse(text).within(file.string()));
    folder.manifest = TRY(json::from<Manifest>(value).within(file.string()));
  }
  folder.manifest.provider = is_onnx ? Provider::onnx : Provider::llama;
  folder.manifest.reads_images = has_towers;
  // An ONNX model embeds unless its manifest says that it reranks.
  if (!is_onnx)
    folder.manifest.task = ModelTask::chat;
  else if (folder.manifest.task != ModelTask::rerank || has_towers)
    folder.manifest.task = ModelTask::embed;
  folder.manifest.path.clear();
  if (const KnownModel* known = find_known_model(folder.name);
      known != nullptr && known->config.provider == folder.manifest.provider) {
    fill_settings(folder.manifest, known->config);
    fill(folder.manifest.licence, known->licence);
    fill(folder.manifest.description, known->description);
    fill(folder.manifest.source, known->source);
  }
  return std::optional<ModelFolder>(std::move(folder));
}

Result<std::string> hash_of(const ModelFolder& folder) {
  const std::string first = TRY(remembered_hash(folder.weights));
  if (folder.more.empty()) return first;
  std::string all = first;
  for (const auto& path : folder.more) all += "\n" + TRY(remembered_hash(path));
  return sha256(all);
}

void fill_settings(ModelConfig& config, const ModelConfig& defaults) {
  fill(config.tokens_max, defaults.tokens_max);
  fill(config.dimension, defaults.dimension);
  fill(config.pooling, defaults.pooling);
  fill(config.query_prefix, defaults.query_prefix);
  fill(config.document_prefix, defaults.document_prefix);
  fill(config.context_tokens, defaults.context_tokens);
  fill(config.parallel, defaults.parallel);
  fill(config.threads, defaults.threads);
}

Result<void> check_model_name(std::string_view name) {
  const bool is_good =
      !name.empty() && name.size() <= name_characters_max && name.front() != '.' &&
      std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
      });
  if (is_good) return {};
  return fail(Code::invalid_argument,
              "'{}' is no model name; use 1 to {} of a-z, 0-9, '.', '_' and '-', not '.' first",
              name.substr(0, 100), name_characters_max);
}

Result<void> write_manifest(const std::filesystem::path& folder, const Manifest& manifest) {
  json::Value value = json::to(manifest);
  // What is not set is not written: the file is read by people.
  json::Object kept;
  const json::Value unset = json::to(Manifest());
  for (const auto& [key, field] : value.get_object())
    if (key == "task" || key == "provider" || field != unset.get_object().at(key))
      kept[key] = field;
  return write_file_atomically(folder / "manifest.json", json::dump_pretty(kept));
}

std::vector<std::filesystem::path> default_model_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* variable = std::getenv("SLIPWAY_MODELS"); variable != nullptr) {
    std::string_view rest(variable);
    while (!rest.empty()) {
      const std::string_view one = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      if (!one.empty()) folders.emplace_back(one);
    }
  }
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error)
    folders.push_back(
        (program.parent_path() / ".." / "share" / "slipway" / "models").lexically_normal());
  folders.push_back(cache_directory() / "models");
  return folders;
}

}  // namespace slipway::models::detail
