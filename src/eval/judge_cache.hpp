// Replies of judges, kept on disk: the same question to the same model costs once.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/context.hpp"
#include "store/database.hpp"

namespace slipway::eval {

/// Safe to use from many threads and processes. May be deleted while nobody has it open.
class JudgeCache {
 public:
  /// Makes the file and its folder. Fails: as opening a database.
  static Result<std::unique_ptr<JudgeCache>> open(const std::filesystem::path& path);

  /// `key` is a SHA-256; nothing: it is not there. Fails: as a read.
  Result<std::optional<std::string>> find(const Context& context, const std::string& key);
  /// Beyond 200,000 replies the oldest tenth goes; a reply of more than 1 MB is not kept. Fails: as
  /// a write.
  Result<void> keep(const Context& context, const std::string& key, const std::string& reply);

 private:
  explicit JudgeCache(std::unique_ptr<store::Database> database) : database_(std::move(database)) {}
  std::unique_ptr<store::Database> database_;
};

}  // namespace slipway::eval
