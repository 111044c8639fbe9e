// For tests of what runs on ONNX Runtime.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace slipway::models::detail {

/// A folder, and an empty cache in it, for one test.
class Scratch {
 public:
  Scratch() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "slipway-embedder-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
    if (const char* before = std::getenv("XDG_CACHE_HOME")) before_ = before;
    setenv("XDG_CACHE_HOME", (path_ / "cache").c_str(), 1);
  }
  ~Scratch() {
    before_ ? setenv("XDG_CACHE_HOME", before_->c_str(), 1) : unsetenv("XDG_CACHE_HOME");
    std::filesystem::remove_all(path_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path cached_graphs() const { return path_ / "cache" / "slipway" / "onnx"; }

  /// A model folder from a tiny model of tests/data and the small tokenizer.
  std::filesystem::path model_folder(const std::string& model,
                                     const std::string& tokenizer = "small_tokenizer.json") const {
    const std::filesystem::path folder = path_ / "model";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    std::filesystem::copy_file(std::filesystem::path(SLIPWAY_TEST_DATA) / model,
                               folder / "model.onnx");
    std::filesystem::copy_file(std::filesystem::path(SLIPWAY_TEST_DATA) / tokenizer,
                               folder / "tokenizer.json");
    return folder;
  }

 private:
  std::filesystem::path path_;
  std::optional<std::string> before_;
};

}  // namespace slipway::models::detail
