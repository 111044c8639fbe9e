// A name means, in this order: an entry of the configuration, a folder in one of the model folders,
// a known model that can be pulled. Models are opened under the lock of their kind: opening takes
// well under a second, and the second caller wants the same model nearly always.
#include "models/catalog.hpp"

#include <algorithm>
#include <set>

#include "core/ascii.hpp"
#include "core/files.hpp"
#include "core/guarded.hpp"
#include "core/log.hpp"
#include "models/detail/cohere_reranker.hpp"
#include "models/detail/cross_encoder.hpp"
#include "models/detail/file_hash.hpp"
#include "models/detail/gguf_file.hpp"
#include "models/detail/install.hpp"
#include "models/detail/known_models.hpp"
#include "models/detail/late_interaction.hpp"
#include "models/detail/llama_chat.hpp"
#include "models/detail/model_folder.hpp"
#include "models/detail/onnx_embedder.hpp"
#include "models/detail/remote_chat.hpp"
#include "models/detail/remote_embedder.hpp"
#include "models/detail/two_towers.hpp"
#include "models/detail/vetted_models.hpp"
#include "models/remote_api.hpp"
#include "models/scripted.hpp"

namespace slipway::models {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t script_bytes_max = 64u << 20;

/// What a name stands for: settings, and the folder that they are about if there is one.
struct Found {
  ModelConfig config;
  std::optional<detail::ModelFolder> folder;
};

std::string late_model(const ModelConfig& config) {
  return config.model.empty() ? std::string(default_embedder) : config.model;
}

std::string known_names() {
  std::string names;
  for (const detail::KnownModel& model : detail::known_models())
    names += (names.empty() ? "" : ", ") + model.name;
  return names;
}

Error not_found(const std::string& name) {
  if (detail::find_known_model(name) != nullptr)
    return fail(Code::not_found, "model '{}' is not installed; run: slipway models pull {}", name,
                name);
  return fail(Code::not_found,
              "there is no model '{}'; import one with: slipway models import PATH --name {}, "
              "declare it under models: in slipway.yaml, or pull one of: {}",
              name, name, known_names());
}

class FolderCatalog final : public Catalog {
 public:
  explicit FolderCatalog(Options options) : options_(std::move(options)) {}

  Result<std::vector<ModelInfo>> list() const override;
  Result<ModelInfo> pull(const Context& context, const std::string& name) override;
  Result<ModelInfo> import(const Context& context, const fs::path& source,
                           const std::string& name) override;
  Result<std::shared_ptr<Embedder>> embedder(const Context& context,
                                             const std::string& name) override;
  Result<std::shared_ptr<ChatModel>> chat_model(const Context& context,
                                                const std::string& name) override;
  Result<std::shared_ptr<Reranker>> reranker(const Context& context,
                                             const std::string& name) override;
  std::optional<Price> price(const std::string& name) const override;

 private:
  Result<std::optional<detail::ModelFolder>> installed(const std::string& name) const;
  Result<Found> find(const std::string& name, ModelTask task) const;
  Result<void> add_folder(const std::string& name, Found& found) const;
  ModelInfo info_of(const detail::ModelFolder& folder) const;
  void list_folder(const fs::path& folder, std::vector<ModelInfo>& models,
                   std::set<std::string>& names) const;
  Result<ModelInfo> publish(detail::Staging& staging, const std::string& name);
  Result<std::shared_ptr<Embedder>> open_embedder(const std::string& name, const Found& found);
  Result<std::shared_ptr<ChatModel>> open_chat_model(const Context& context,
                                                     const std::string& name, const Found& found);
  Result<std::shared_ptr<ChatModel>> open_llama(const Context& context, const std::string& name,
                                                const Found& found);

  Result<std::shared_ptr<Reranker>> open_reranker(const Context& context, const std::string& name,
                                                  const Found& found);

  const Options options_;
  Guarded<std::map<std::string, std::shared_ptr<Embedder>>> embedders_;
  Guarded<std::map<std::string, std::shared_ptr<Reranker>>> rerankers_;
  Guarded<std::map<std::string, std::shared_ptr<ChatModel>>> chat_models_;
};

// --- Looking
// --------------------------------------------------------------------------------------

ModelInfo FolderCatalog::info_of(const detail::ModelFolder& folder) const {
  ModelInfo info;
  info.name = folder.name;
  info.task = folder.manifest.task;
  info.provider = folder.manifest.provider;
  info.state = "installed";
  info.licence = folder.manifest.licence;
  info.description = folder.manifest.description;
  info.reads_images = folder.manifest.reads_images;
  std::error_code error;
  info.size_bytes = fs::file_size(folder.weights, error);
  for (const fs::path& path : folder.more) info.size_bytes += fs::file_size(path, error);
  const auto hash = detail::hash_of(folder);
  info.hash = hash ? *hash : std::string();
  if (!hash || (!folder.manifest.hash.empty() && folder.manifest.hash != info.hash)) {
    info.state = "damaged";
    info.description = hash ? fmt::format(
                                  "{} has changed since it was installed; delete {} and "
                                  "install it again",
                                  folder.weights.string(), folder.path.string())
                            : hash.error().message();
  }
  return info;
}

void FolderCatalog::list_folder(const fs::path& folder, std::vector<ModelInfo>& models,
                                std::set<std::string>& names) const {
  std::error_code error;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(folder, error)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    const std::string name = path.filename().string();
    if (!detail::check_model_name(name) || names.contains(name)) continue;
    const auto found = detail::read_model_folder(path);
    if (found && !*found) continue;
    names.insert(name);
    if (found) {
      models.push_back(info_of(**found));
    } else {
      ModelInfo damaged;
      damaged.name = name;
      damaged.state = "damaged";
      damaged.description = found.error().message();
      models.push_back(std::move(damaged));
    }
  }
}

Result<std::vector<ModelInfo>> FolderCatalog::list() const {
  std::vector<ModelInfo> models;
  std::set<std::string> names;
  for (const auto& [name, config] : options_.configured) {
    ModelInfo info;
    info.name = name;
    info.task = config.task;
    info.provider = config.provider;
    info.state = "configured";
    const ModelConfig resolved = config.resolved();
    info.description = !resolved.base_url.empty() ? resolved.base_url : resolved.path;
    if (config.provider == Provider::late_interaction)
      info.description = "over " + late_model(config);
    models.push_back(std::move(info));
    names.insert(name);
  }
  for (const fs::path& folder : options_.folders) list_folder(folder, models, names);
  for (const detail::KnownModel& known : detail::known_models()) {
    if (!names.insert(known.name).second) continue;
    models.push_back({known.name, known.config.task, known.config.provider, "available", "",
                      known.size_bytes, known.licence, known.description});
  }
  return models;
}

Result<std::optional<detail::ModelFolder>> FolderCatalog::installed(const std::string& name) const {
  if (!detail::check_model_name(name)) return std::optional<detail::ModelFolder>();
  for (const fs::path& folder : options_.folders) {
    auto found = TRY(detail::read_model_folder(folder / name));
    if (found) return found;
  }
  return std::optional<detail::ModelFolder>();
}

/// A configured onnx or llama model names its files, or means the installed model of its name.
Result<void> FolderCatalog::add_folder(const std::string& name, Found& found) const {
  if (found.config.path.empty()) {
    found.folder = TRY(installed(name));
    if (!found.folder) return not_found(name);
  } else if (auto named = TRY(installed(ascii::lower(found.config.path))); named) {
    found.folder = std::move(named);  // `file: SmolLM2-135M-Instruct`
  } else {
    const fs::path path(found.config.path);
    std::error_code error;
    if (fs::is_directory(path, error)) {
      found.folder = TRY(detail::read_model_folder(path));
    } else if (found.config.provider == Provider::onnx && path.filename() == "model.onnx") {
      found.folder = TRY(detail::read_model_folder(path.parent_path()));
    } else if (found.config.provider == Provider::llama) {
      return {};  // Any GGUF file.
    }
    if (!found.folder)
      return fail(Code::not_found,
                  "model '{}': {} holds no model.onnx or model.gguf; correct its path", name,
                  path.string());
  }
  if (found.folder->manifest.provider != found.config.provider)
    return fail(Code::invalid_argument, "model '{}': {} is an {} model, not {}", name,
                found.folder->path.string(), json::name(found.folder->manifest.provider),
                json::name(found.config.provider));
  detail::fill_settings(found.config, found.folder->manifest);
  return {};
}

Result<Found> FolderCatalog::find(const std::string& name, ModelTask task) const {
  Found found;
  if (const auto entry = options_.configured.find(name); entry != options_.configured.end()) {
    found.config = entry->second;
    TRY(found.config.validate().within(fmt::format("model '{}'", name)));
    found.config = found.config.resolved();
    if (found.config.provider == Provider::onnx || found.config.provider == Provider::llama)
      TRY(add_folder(name, found));
  } else {
    found.folder = TRY(installed(name));
    if (!found.folder) return not_found(name);
    found.config = found.folder->manifest;
  }
  if (found.config.task != task)
    return fail(Code::invalid_argument, "model '{}' is for {}, not for {}", name,
                json::name(found.config.task), json::name(task));
  return found;
}

// --- Installing
// -----------------------------------------------------------------------------------

Result<ModelInfo> FolderCatalog::publish(detail::Staging& staging, const std::string& name) {
  const auto fresh = TRY(detail::read_model_folder(staging.path() / "model"));
  SLIPWAY_ASSERT(fresh.has_value());
  const fs::path place = options_.folders.back() / name;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (const auto existing = TRY(installed(name))) {
      if (TRY(detail::hash_of(*existing)) == fresh->manifest.hash) return info_of(*existing);
      return fail(Code::conflict,
                  "the name '{}' is taken by another model in {}; choose another or delete it",
                  name, existing->path.string());
    }
    auto published = staging.publish(place);
    if (published) break;
    // Somebody else may have installed it just now; then look again, once.
    if (published.error().code() != Code::conflict || attempt > 0) return published.error();
  }
  const auto folder = TRY(detail::read_model_folder(place));
  SLIPWAY_ASSERT(folder.has_value());
  if (folder->manifest.provider == Provider::llama)
    detail::remember_vetted(TRY(detail::remembered_hash(folder->weights)));
  return info_of(*folder);
}

Result<ModelInfo> FolderCatalog::pull(const Context& context, const std::string& name) {
  const detail::KnownModel* known = detail::find_known_model(name);
  if (known == nullptr)
    return fail(Code::not_found, "model '{}' cannot be pulled; known are: {}", name, known_names());
  if (const auto existing = TRY(installed(name)); existing) {
    const std::string hash = TRY(detail::hash_of(*existing));
    if (known->has_hash(hash) ||
        (hash == existing->manifest.hash && known->has_hash(existing->manifest.source_hash)))
      return info_of(*existing);
  }
  detail::Staging staging = TRY(detail::Staging::make(options_.folders.back()));
  TRY(detail::fetch_known_model(context, *known, staging.path())
          .within(fmt::format("model '{}'", name)));
  return publish(staging, name);
}

Result<ModelInfo> FolderCatalog::import(const Context& context, const fs::path& source,
                                        const std::string& name) {
  TRY(detail::check_model_name(name));
  detail::Staging staging = TRY(detail::Staging::make(options_.folders.back()));
  TRY(detail::copy_foreign_model(context, source, staging.path()));
  return publish(staging, name);
}

// --- Opening
// --------------------------------------------------------------------------------------

detail::RemoteEndpoint::Options endpoint_of(const std::string& name, const ModelConfig& config) {
  detail::RemoteEndpoint::Options endpoint;
  endpoint.model_name = name;
  endpoint.provider = config.provider;
  endpoint.base_url = api_url(config);
  endpoint.api_key = config.api_key.first();
  return endpoint;
}

Result<std::shared_ptr<ChatModel>> open_script(const std::string& name, const ModelConfig& config) {
  const std::string text = TRY(read_file(config.path, script_bytes_max));
  const json::Value value = TRY(json::parse(text).within(config.path));
  auto script = TRY(script_of(value).within(fmt::format("model '{}': {}", name, config.path)));
  return std::shared_ptr<ChatModel>(std::make_shared<ScriptedChatModel>(std::move(script)));
}

Result<std::shared_ptr<Embedder>> open_towers(const std::string& name, const ModelConfig& config,
                                              const detail::ModelFolder& folder) {
  detail::TwoTowerOptions options;
  options.name = name;
  options.folder = folder.path;
  options.hash = TRY(detail::hash_of(folder));
  options.query_prefix = config.query_prefix;
  options.document_prefix = config.document_prefix;
  options.tokens_max = config.tokens_max;
  options.threads = config.parallel;
  return detail::open_two_towers(std::move(options));
}

Result<std::shared_ptr<Embedder>> FolderCatalog::open_embedder(const std::string& name,
                                                               const Found& found) {
  const ModelConfig& config = found.config;
  if (config.provider == Provider::scripted)
    return std::shared_ptr<Embedder>(config.dimension > 0
                                         ? std::make_shared<ScriptedEmbedder>(config.dimension)
                                         : std::make_shared<ScriptedEmbedder>());
  if (config.provider == Provider::openai || config.provider == Provider::cohere) {
    detail::RemoteEmbedderOptions options;
    options.endpoint = endpoint_of(name, config);
    options.model = config.model;
    options.dimension = config.dimension;
    options.tokens_max = config.tokens_max;
    options.query_prefix = config.query_prefix;
    options.document_prefix = config.document_prefix;
    return detail::open_remote_embedder(std::move(options));
  }
  SLIPWAY_ASSERT(found.folder.has_value());
  if (found.folder->manifest.reads_images) return open_towers(name, config, *found.folder);
  detail::OnnxEmbedderOptions options;
  options.name = name;
  options.folder = found.folder->path;
  options.pooling = config.pooling.value_or(Pooling::mean);
  options.query_prefix = config.query_prefix;
  options.document_prefix = config.document_prefix;
  options.tokens_max = config.tokens_max;
  options.threads = config.parallel;
  return detail::open_onnx_embedder(std::move(options));
}

Result<std::shared_ptr<ChatModel>> FolderCatalog::open_llama(const Context& context,
                                                             const std::string& name,
                                                             const Found& found) {
  detail::LlamaChatOptions options;
  options.name = name;
  options.path = found.folder ? found.folder->weights : fs::path(found.config.path);
  options.hash = TRY(detail::remembered_hash(options.path));
  options.context_tokens = found.config.context_tokens;
  options.parallel = std::max<std::size_t>(found.config.parallel, 1);
  options.threads = found.config.threads;
  const detail::KnownModel* known = detail::find_known_model(name);
  const bool is_known = known != nullptr && known->has_hash(options.hash);
  if (!is_known && !detail::is_vetted(options.hash)) {
    TRY(detail::vet_gguf(context, options.path).within(fmt::format("model '{}'", name)));
    detail::remember_vetted(options.hash);
  }
  return detail::open_llama_chat(options);
}

Result<std::shared_ptr<ChatModel>> FolderCatalog::open_chat_model(const Context& context,
                                                                  const std::string& name,
                                                                  const Found& found) {
  switch (found.config.provider) {
    case Provider::scripted: return open_script(name, found.config);
    case Provider::llama: return open_llama(context, name, found);
    case Provider::openai:
    case Provider::cohere:
    case Provider::anthropic: {
      detail::RemoteChatOptions options;
      options.endpoint = endpoint_of(name, found.config);
      options.model = found.config.model;
      options.context_tokens = found.config.context_tokens;
      return detail::open_remote_chat(std::move(options));
    }
    case Provider::onnx:
    case Provider::late_interaction: break;
  }
  return fail(Code::unsupported, "model '{}': {} models do not chat", name,
              json::name(found.config.provider));
}

Result<std::shared_ptr<Reranker>> FolderCatalog::open_reranker(const Context& context,
                                                               const std::string& name,
                                                               const Found& found) {
  const ModelConfig& config = found.config;
  switch (config.provider) {
    case Provider::scripted: return std::shared_ptr<Reranker>(std::make_shared<ScriptedReranker>());
    case Provider::late_interaction:
      return detail::open_late_interaction(
          name, TRY(embedder(context, late_model(config)).within(fmt::format("model '{}'", name))));
    case Provider::cohere: {
      detail::CohereRerankerOptions options;
      options.endpoint = endpoint_of(name, config);
      options.model = config.model;
      options.tokens_max = config.tokens_max;
      return detail::open_cohere_reranker(std::move(options));
    }
    case Provider::onnx: {
      SLIPWAY_ASSERT(found.folder.has_value());
      detail::CrossEncoderOptions options;
      options.name = name;
      options.folder = found.folder->path;
      options.tokens_max = config.tokens_max;
      options.threads = config.parallel;
      return detail::open_cross_encoder(std::move(options));
    }
    case Provider::llama:
    case Provider::anthropic:
    case Provider::openai: break;
  }
  return fail(Code::unsupported, "model '{}': {} models do not rerank", name,
              json::name(config.provider));
}

Result<std::shared_ptr<Embedder>> FolderCatalog::embedder(const Context& context,
                                                          const std::string& name) {
  TRY(context.check());
  return embedders_.with([&](auto& open) -> Result<std::shared_ptr<Embedder>> {
    if (const auto found = open.find(name); found != open.end()) return found->second;
    auto model = TRY(open_embedder(name, TRY(find(name, ModelTask::embed))));
    open.emplace(name, model);
    return model;
  });
}

Result<std::shared_ptr<ChatModel>> FolderCatalog::chat_model(const Context& context,
                                                             const std::string& name) {
  TRY(context.check());
  return chat_models_.with([&](auto& open) -> Result<std::shared_ptr<ChatModel>> {
    if (const auto found = open.find(name); found != open.end()) return found->second;
    auto model = TRY(open_chat_model(context, name, TRY(find(name, ModelTask::chat))));
    open.emplace(name, model);
    return model;
  });
}

Result<std::shared_ptr<Reranker>> FolderCatalog::reranker(const Context& context,
                                                          const std::string& name) {
  TRY(context.check());
  return rerankers_.with([&](auto& open) -> Result<std::shared_ptr<Reranker>> {
    if (const auto found = open.find(name); found != open.end()) return found->second;
    auto model = TRY(open_reranker(context, name, TRY(find(name, ModelTask::rerank))));
    open.emplace(name, model);
    return model;
  });
}

std::optional<Price> FolderCatalog::price(const std::string& name) const {
  const auto entry = options_.configured.find(name);
  if (entry == options_.configured.end()) return Price();
  const ModelConfig& config = entry->second;
  if (config.price)
    return Price{.input_usd_per_million = config.price->input,
                 .output_usd_per_million = config.price->output};
  if (config.input_usd_per_million && config.output_usd_per_million)
    return Price{*config.input_usd_per_million, *config.output_usd_per_million};
  if (config.input_usd_per_million || config.usd_per_thousand_searches)
    return Price{.input_usd_per_million = config.input_usd_per_million.value_or(0),
                 .search_usd_per_thousand = config.usd_per_thousand_searches.value_or(0)};
  if (is_remote(config.provider)) return {};
  return Price();
}

}  // namespace

Result<std::unique_ptr<Catalog>> Catalog::open(Options options) {
  if (options.folders.empty()) options.folders = detail::default_model_folders();
  for (const auto& [name, config] : options.configured)
    TRY(config.validate().within(fmt::format("models.{}", name)));
  return std::unique_ptr<Catalog>(std::make_unique<FolderCatalog>(std::move(options)));
}

}  // namespace slipway::models
