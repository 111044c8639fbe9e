// A catalog in a sandbox, for tests.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "models/catalog.hpp"

namespace slipway::models::detail {

namespace fs = std::filesystem;

inline const fs::path models_folder = SLIPWAY_TEST_MODELS;

/// A cache directory and PATH of its own while it lives.
class Sandbox {
 public:
  Sandbox() {
    std::string pattern = (fs::temp_directory_path() / "slipway-catalog-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    root = pattern;
    fs::create_directories(root / "bin");
    remember("PATH");
    remember("XDG_CACHE_HOME");
    remember("SLIPWAY_MODELS");
    setenv("XDG_CACHE_HOME", (root / "cache").c_str(), 1);
    unsetenv("SLIPWAY_MODELS");
    setenv("PATH", ((root / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
  }
  ~Sandbox() {
    for (const auto& [name, value] : saved_)
      if (value)
        setenv(name.c_str(), value->c_str(), 1);
      else
        unsetenv(name.c_str());
    fs::remove_all(root);
  }

  void write(const fs::path& name, std::string_view text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name, std::ios::binary) << text;
  }
  void write_program(const std::string& name, std::string_view script) const {
    write("bin/" + name, fmt::format("#!/bin/sh\n{}\n", script));
    fs::permissions(root / "bin" / name, fs::perms::owner_all);
  }
  fs::path installed(const std::string& name) const { return root / "cache/slipway/models" / name; }
  /// What is in the models folder, hidden names too.
  std::size_t entries() const {
    std::error_code error;
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(root / "cache/slipway/models", error))
      count += entry.exists() ? 1 : 0;
    return count;
  }
  /// The program's own models folder is left out: the build may have one.
  std::unique_ptr<Catalog> open(std::map<std::string, ModelConfig> configured = {},
                                std::vector<fs::path> folders = {}) const {
    folders.push_back(root / "cache/slipway/models");
    auto catalog =
        Catalog::open({.folders = std::move(folders), .configured = std::move(configured)});
    INFO((catalog.ok() ? std::string() : catalog.error().message()));
    REQUIRE(catalog.ok());
    return *std::move(catalog);
  }

  fs::path root;

 private:
  void remember(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    saved_[name] = value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  }
  std::map<std::string, std::optional<std::string>> saved_;
};

inline ModelInfo find(const Catalog& catalog, const std::string& name) {
  const auto models = catalog.list();
  REQUIRE(models.ok());
  for (const ModelInfo& model : *models)
    if (model.name == name) return model;
  FAIL("not listed: " << name);
  return {};
}

template <typename T>
T must(Result<T> result) {
  INFO((result.ok() ? std::string() : result.error().message()));
  REQUIRE(result.ok());
  return *std::move(result);
}

template <typename T>
Error failure(const Result<T>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error();
}

inline bool says(const Error& error, std::string_view words) {
  return error.message().find(words) != std::string::npos;
}

}  // namespace slipway::models::detail
