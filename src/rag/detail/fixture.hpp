// A library in memory over scripted models, for the tests of this module.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "models/scripted.hpp"
#include "rag/library.hpp"

namespace slipway::rag::detail {

/// The scripted models, whatever is asked for; the embedder "other" has other vectors.
class ScriptedCatalog final : public models::Catalog {
 public:
  std::shared_ptr<models::ScriptedEmbedder> embedder_model =
      std::make_shared<models::ScriptedEmbedder>();
  std::shared_ptr<models::ScriptedEmbedder> other_embedder =
      std::make_shared<models::ScriptedEmbedder>(32);
  std::shared_ptr<models::ScriptedTowers> towers = std::make_shared<models::ScriptedTowers>();
  std::shared_ptr<models::ScriptedReranker> reranker_model =
      std::make_shared<models::ScriptedReranker>();
  std::shared_ptr<models::ChatModel> chat;
  std::optional<models::Price> chat_price = models::Price{}, embedder_price = models::Price{};

  Result<std::vector<models::ModelInfo>> list() const override {
    return std::vector<models::ModelInfo>();
  }
  Result<models::ModelInfo> pull(const Context&, const std::string& name) override {
    return fail(Code::not_found, "model '{}' cannot be pulled in a test", name);
  }
  Result<models::ModelInfo> import(const Context&, const std::filesystem::path&,
                                   const std::string& name) override {
    return fail(Code::unsupported, "model '{}' cannot be imported in a test", name);
  }
  Result<std::shared_ptr<models::Embedder>> embedder(const Context&,
                                                     const std::string& name) override {
    if (name == "towers") return std::shared_ptr<models::Embedder>(towers);
    if (name == "other") return std::shared_ptr<models::Embedder>(other_embedder);
    return std::shared_ptr<models::Embedder>(embedder_model);
  }
  Result<std::shared_ptr<models::Reranker>> reranker(const Context&,
                                                     const std::string& name) override {
    if (name == "none") return fail(Code::not_found, "there is no model 'none'");
    return std::shared_ptr<models::Reranker>(reranker_model);
  }
  std::optional<models::Price> price(const std::string& name) const override {
    return name == models::default_embedder ? embedder_price : chat_price;
  }
  Result<std::shared_ptr<models::ChatModel>> chat_model(const Context&,
                                                        const std::string& name) override {
    if (!chat) return fail(Code::not_found, "model '{}' is not installed", name);
    return chat;
  }
};

/// A folder that is gone after the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "slipway-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  std::filesystem::path path_;
};

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Documents in a temporary folder, everything else in memory.
struct Fixture {
  TemporaryFolder folder;
  ScriptedCatalog catalog;
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, migrations()));
  std::unique_ptr<store::BlobStore> blobs = store::BlobStore::in_memory();
  FakeClock clock;
  std::unique_ptr<Library> library = open();
  Context context;

  std::unique_ptr<Library> open(std::map<std::string, CollectionSettings> declared = {}) {
    return must(Library::open({.database = *database,
                               .blobs = *blobs,
                               .catalog = catalog,
                               .segments = folder.path() / ".segments",
                               .clock = clock,
                               .declared = std::move(declared)}));
  }
  /// From now on no old version is kept.
  void forget_old_versions() {
    CollectionSettings settings;
    settings.keep_versions = 0;
    library = open({{"default", settings}});
  }

  IngestReport ingest(IngestRequest request = {}) {
    request.sources = {folder.path().string()};
    return must(library->ingest(context, request));
  }
  SearchReply search(const std::string& query, index::SearchMode mode = index::SearchMode::hybrid) {
    return must(library->search(context, {.query = query, .limit = 5, .mode = mode}));
  }
};

}  // namespace slipway::rag::detail
