// Puts a model into the models folder: all of it or nothing.
#pragma once

#include <filesystem>
#include <string>

#include "models/detail/known_models.hpp"
#include "models/detail/model_folder.hpp"

namespace slipway::models::detail {

/// A folder beside the final one, deleted with everything in it unless it was published.
class Staging {
 public:
  static Result<Staging> make(const std::filesystem::path& models_folder);
  Staging(Staging&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Staging& operator=(Staging&&) = delete;
  ~Staging();

  const std::filesystem::path& path() const { return path_; }
  /// Renames `path()` / "model" to its place. Fails: conflict when there is something already.
  Result<void> publish(const std::filesystem::path& place);

 private:
  explicit Staging(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Brings a known model into staging / "model", with its manifest; every file has its hash. Fails:
/// unavailable (no client, no registry, other content than known), cancelled, deadline_exceeded.
Result<void> fetch_known_model(const Context& context, const KnownModel& model,
                               const std::filesystem::path& staging);

/// Checks a file or folder of a user's and copies it into staging / "model", with its manifest.
/// Fails: not_found, invalid_argument, unsupported.
Result<void> copy_foreign_model(const Context& context, const std::filesystem::path& source,
                                const std::filesystem::path& staging);

}  // namespace slipway::models::detail
