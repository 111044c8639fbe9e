// The native API over a library in memory and scripted models, for the tests of this module.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "api/mount.hpp"
#include "http/fake_exchange.hpp"
#include "models/scripted.hpp"
#include "rag/library.hpp"

namespace slipway::api::detail {

/// The scripted models, whatever is asked for, but "none".
class ScriptedCatalog final : public models::Catalog {
 public:
  std::shared_ptr<models::ScriptedEmbedder> embedder_model =
      std::make_shared<models::ScriptedEmbedder>();

  Result<std::vector<models::ModelInfo>> list() const override {
    models::ModelInfo info;
    info.name = std::string(models::default_embedder);
    info.task = models::ModelTask::embed;
    info.state = "installed";
    return std::vector{info};
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
    if (name == "none") return fail(Code::not_found, "model 'none' is not installed");
    return std::shared_ptr<models::Embedder>(embedder_model);
  }
  Result<std::shared_ptr<models::Reranker>> reranker(const Context&,
                                                     const std::string& name) override {
    return fail(Code::not_found, "model '{}' is not installed", name);
  }
  std::optional<models::Price> price(const std::string&) const override { return models::Price{}; }
  Result<std::shared_ptr<models::ChatModel>> chat_model(const Context&,
                                                        const std::string& name) override {
    return fail(Code::not_found, "model '{}' is not installed", name);
  }
};

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline std::vector<store::Migration> all_migrations() {
  auto all = rag::migrations();
  for (const store::Migration& step : migrations()) all.push_back(step);
  return all;
}

/// A folder that is gone after the test.
struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "slipway-test-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  void write(const std::string& name, std::string_view text) const {
    std::ofstream(path / name, std::ios::binary) << text;
  }
  std::filesystem::path path;
};

struct Fixture {
  TemporaryFolder folder;
  FakeClock clock;
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, all_migrations()));
  std::unique_ptr<store::BlobStore> blobs = store::BlobStore::in_memory();
  std::shared_ptr<ScriptedCatalog> catalog = std::make_shared<ScriptedCatalog>();
  std::shared_ptr<rag::Library> library = must(rag::Library::open(
      {.database = *database, .blobs = *blobs, .catalog = *catalog, .clock = clock}));
  std::unique_ptr<Jobs> jobs = must(Jobs::open({.database = *database, .clock = clock}));
  Pool pool{{.threads = 4}};
  http::Router router{pool};
  http::Api api{router, {.title = "Slipway", .checks_replies = true}};

  Fixture() {
    Services services;
    services.catalog = catalog;
    services.library = library;
    services.jobs = jobs.get();
    services.version = "7";
    services.settings = [] { return json::Value(json::Object{{"data", ".slipway"}}); };
    services.allowed_folders = {folder.path};
    mount(api, services);
    api.publish();
  }

  std::shared_ptr<http::FakeExchange> start(http::Request request) {
    auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    router.dispatch(exchange);
    return exchange;
  }
  http::Response send(http::Request request) {
    const auto exchange = start(std::move(request));
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  http::Response get(const std::string& target) {
    return send({.method = "GET", .target = target});
  }
  http::Response remove(const std::string& target) {
    return send({.method = "DELETE", .target = target});
  }
  http::Response post(const std::string& target, const json::Value& body, std::string accept = "") {
    http::Headers headers{{"Content-Type", "application/json"}};
    if (!accept.empty()) headers.add("Accept", std::move(accept));
    return send({.method = "POST",
                 .target = target,
                 .headers = std::move(headers),
                 .body = json::dump(body)});
  }
  http::Response upload(const std::string& target, const std::string& parts) {
    return send({.method = "POST",
                 .target = target,
                 .headers = {{"Content-Type", "multipart/form-data; boundary=X"}},
                 .body = parts + "--X--\r\n"});
  }
  static std::string part(std::string_view header, std::string_view content) {
    return fmt::format("--X\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n", header, content);
  }

  /// The JSON of an answer with this status.
  static json::Value body_of(const http::Response& response, int status = 200) {
    if (response.status != status) FAIL(response.status << " " << response.body);
    return must(json::parse(response.body));
  }
  /// Brings a text in and gives its document.
  json::Value bring(const std::string& uri, const std::string& text) {
    body_of(post("/api/collections/default/documents?wait=true",
                 json::Object{{"uri", uri}, {"text", text}}));
    const json::Value list = body_of(get("/api/collections/default/documents"));
    for (const json::Value& item : list.at("items").as_array())
      if (std::string(item.at("uri").as_string()) == uri) return item;
    FAIL("the document is not there");
    return nullptr;
  }
};

}  // namespace slipway::api::detail
