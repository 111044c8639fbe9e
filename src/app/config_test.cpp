#include "app/config.hpp"

#include <doctest/doctest.h>

#include "core/clock.hpp"
#include "core/files.hpp"

namespace slipway::app {

namespace {

/// A folder of its own with a slipway.yaml.
struct Folder {
  std::filesystem::path path;
  explicit Folder(std::string_view yaml) {
    path = std::filesystem::temp_directory_path() / make_id("slipway-config-test");
    REQUIRE(write_file_atomically(path / "slipway.yaml", yaml));
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Result<LoadedConfig> load(std::vector<std::string> environment = {}) const {
    return load_config({.folder = path, .environment = std::move(environment)});
  }
  std::string error(std::vector<std::string> environment = {}) const {
    const auto loaded = load(std::move(environment));
    if (loaded) return "";
    std::string message = loaded.error().message();
    const std::string prefix = path.string() + "/";
    for (std::size_t at; (at = message.find(prefix)) != std::string::npos;)
      message.erase(at, prefix.size());
    return message;
  }
};

}  // namespace

TEST_CASE("no file is needed: the defaults hold") {
  const auto loaded = load_config({.folder = "/nonexistent"});
  REQUIRE(loaded);
  CHECK(loaded->file.empty());
  CHECK(loaded->config.data == ".slipway");
  CHECK(loaded->config.defaults.embedder == models::default_embedder);
  CHECK(loaded->origin("$.log.level") == "default");
}

TEST_CASE("a named file that is not there is an error") {
  const auto loaded = load_config({.file = "/nonexistent/x.yaml"});
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code() == Code::not_found);
  CHECK(loaded.error().message() ==
        "configuration file /nonexistent/x.yaml does not exist (--config)");
}

TEST_CASE("an unknown key names file, line and the nearest known key") {
  CHECK(Folder("log:\n  level: debug\nmodles: {}\n").error() ==
        "slipway.yaml: line 3: $.modles: unknown key; did you mean 'models'?");
  CHECK(Folder("log:\n  levle: debug\n").error() ==
        "slipway.yaml: line 2: $.log.levle: unknown key; did you mean 'level'?");
}

TEST_CASE("a value of the wrong kind names its line") {
  CHECK(Folder("log:\n  level: loud\n").error() ==
        "slipway.yaml: line 2: $.log.level: expected one of: debug, info, warning, error, off, "
        "got \"loud\"");
}

TEST_CASE("a file that is not YAML names line and column") {
  CHECK(Folder("log: [\n").error().starts_with("slipway.yaml: not valid YAML at line 2"));
}

TEST_CASE("a key that was pasted into the file does not come out in the error") {
  const std::string error =
      Folder("models:\n  gpt:\n    provider: openai\n    api_key: 12345678\n").error();
  CHECK(error.find("api_key") != std::string::npos);
  CHECK(error.find("12345678") == std::string::npos);
}

TEST_CASE("the environment wins over the file, typed by the field") {
  const Folder folder(
      "log:\n  level: info\nmodels:\n  my-gpt.4:\n    base_url: http://127.0.0.1:1/v1\n");
  const auto loaded = folder.load({"SLIPWAY__LOG__LEVEL=debug", "SLIPWAY__LOG__JSON=true",
                                   "SLIPWAY__DEFAULTS__COLLECTION=123",
                                   "SLIPWAY__MODELS__MY_GPT_4__MODEL=7", "PATH=/bin"});
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message()));
  CHECK(loaded->config.log.level == log::Level::debug);
  CHECK(loaded->config.log.json);
  CHECK(loaded->config.defaults.collection == "123");
  CHECK(loaded->config.models.at("my-gpt.4").model == "7");
  CHECK(loaded->origin("$.log.level") == "SLIPWAY__LOG__LEVEL");
  CHECK(loaded->origin("$.models.my-gpt.4.base_url") == folder.path.string() + "/slipway.yaml:5");
}

TEST_CASE("a wrong variable names itself") {
  const Folder folder("");
  CHECK(folder.error({"SLIPWAY__LOG__LEVLE=debug"}) ==
        "SLIPWAY__LOG__LEVLE: unknown setting 'levle'; did you mean 'level'?");
  CHECK(folder.error({"SLIPWAY__LOG__JSON=perhaps"}) ==
        "SLIPWAY__LOG__JSON: $.log.json: expected true or false, got \"perhaps\"");
  CHECK(folder.error({"SLIPWAY__DATA__X=1"}) ==
        "SLIPWAY__DATA__X: there is nothing below this setting");
}

TEST_CASE("options of the command line win over everything") {
  const Folder folder("data: here\n");
  const auto loaded = load_config({.folder = folder.path,
                                   .environment = {"SLIPWAY__DATA=there"},
                                   .options = {{"$.data", {"--data", "elsewhere"}}}});
  REQUIRE(loaded);
  CHECK(loaded->config.data == "elsewhere");
  CHECK(loaded->origin("$.data") == "--data");
}

TEST_CASE("paths of the file are relative to the file") {
  const Folder folder("data: state\nmodels:\n  a:\n    provider: llama\n    path: m/a.gguf\n");
  const auto loaded = folder.load();
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message()));
  CHECK(loaded->config.data == (folder.path / "state").string());
  CHECK(loaded->config.models.at("a").path == (folder.path / "m/a.gguf").string());
  CHECK(loaded->shown.at("data") == "state");
}

TEST_CASE("what is shown is YAML that loads again, with the origin of each value and no secret") {
  const Folder folder(
      "models:\n  gpt:\n    provider: openai\n    base_url: http://joe:hunter2@127.0.0.1/v1\n"
      "    api_key: env:GPT_KEY\n");
  const auto loaded = folder.load({"SLIPWAY__LOG__LEVEL=error"});
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message()));
  const std::string shown = config_as_yaml(*loaded);
  CHECK(shown.find("hunter2") == std::string::npos);
  CHECK(shown.find("\"http://***@127.0.0.1/v1\"") != std::string::npos);
  CHECK(shown.find("# SLIPWAY__LOG__LEVEL") != std::string::npos);
  CHECK(shown.find("slipway.yaml:5") != std::string::npos);
  const auto again = Folder(shown).load();
  REQUIRE_MESSAGE(again, (again ? "" : again.error().message()));
  CHECK(json::dump(again->shown) == json::dump(loaded->shown));
}

TEST_CASE("models and routes keep the order in which the file names them") {
  const Folder folder(
      "models:\n  zeta: {provider: openai}\n  alpha: {provider: openai}\nroutes:\n"
      "  beta: {targets: [{model: zeta}]}\n  aaa: {targets: [{model: alpha}]}\n");
  const auto loaded = folder.load();
  REQUIRE_MESSAGE(loaded, (loaded ? "" : loaded.error().message()));
  CHECK(loaded->model_order == std::vector<std::string>{"zeta", "alpha", "beta", "aaa"});
}

TEST_CASE("the schema knows every section") {
  const json::Value schema = config_schema();
  for (const char* section : {"data", "defaults", "models", "collections", "log"})
    CHECK(schema.at("properties").as_object().contains(section));
  CHECK(
      schema.at("properties").at("log").at("properties").at("level").at("enum").as_array().size() ==
      5);
}

}  // namespace slipway::app
