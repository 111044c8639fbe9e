#include "store/blobs.hpp"

#include <algorithm>
#include <map>
#include <system_error>

#include "core/fault.hpp"
#include "core/files.hpp"
#include "core/guarded.hpp"
#include "core/hex.hpp"

namespace slipway::store {

namespace {

constexpr std::string_view prefix = "sha256:";
constexpr std::size_t digits = 64;

/// A hash becomes a path, so nothing but a hash may pass.
Result<std::string_view> hex_of(std::string_view hash) {
  if (!hash.starts_with(prefix) || hash.size() != prefix.size() + digits ||
      !hex::is_small(hash.substr(prefix.size())))
    return fail(Code::invalid_argument, "'{}' is not a blob hash; write sha256: and 64 hex digits",
                hash.substr(0, 100));
  return hash.substr(prefix.size());
}

class FileBlobs final : public BlobStore {
 public:
  explicit FileBlobs(std::filesystem::path folder) : folder_(std::move(folder)) {}

  Result<std::string> put(std::string_view bytes) override {
    std::string hash = sha256(bytes);
    const auto path = path_of(TRY(hex_of(hash)));
    std::error_code absent;
    // A file of another length is damaged: writing it again heals it.
    if (std::filesystem::file_size(path, absent) != bytes.size() || absent)
      TRY(write_file_atomically(path, bytes));
    return hash;
  }

  Result<std::string> get(std::string_view hash) const override {
    const auto path = path_of(TRY(hex_of(hash)));
    Result<std::string> bytes = read_file(path);
    if (!bytes && bytes.error().code() == Code::not_found)
      return fail(Code::not_found, "there is no blob {}", hash);
    if (bytes && sha256(*bytes) != hash)
      return fail(
          Code::unavailable,
          "blob {} is damaged; remove it and ingest its document again, or restore a backup",
          path.string());
    return bytes;
  }

  Result<bool> contains(std::string_view hash) const override {
    const auto path = path_of(TRY(hex_of(hash)));
    TRY(fault_point(FaultKind::file, "stat"));
    std::error_code failed;
    return std::filesystem::is_regular_file(path, failed);
  }

  Result<void> remove(std::string_view hash) override {
    const auto path = path_of(TRY(hex_of(hash)));
    TRY(fault_point(FaultKind::file, "unlink"));
    std::error_code failed;
    std::filesystem::remove(path, failed);
    if (failed)
      return fail(Code::unavailable, "cannot remove {}: {}", path.string(), failed.message());
    return {};
  }

  Result<std::vector<std::string>> list() const override {
    TRY(fault_point(FaultKind::file, "list"));
    std::vector<std::string> hashes;
    std::error_code failed;
    std::filesystem::directory_iterator folders(folder_, failed);
    for (; !failed && folders != std::filesystem::directory_iterator(); folders.increment(failed))
      list_folder(folders->path(), hashes);
    if (failed)
      return fail(Code::unavailable, "cannot list {}: {}", folder_.string(), failed.message());
    std::sort(hashes.begin(), hashes.end());
    return hashes;
  }

 private:
  std::filesystem::path path_of(std::string_view hex) const {
    return folder_ / hex.substr(0, 2) / hex.substr(2);
  }

  /// Anything that is not named like a blob (a temporary file of a crash) is passed over.
  static void list_folder(const std::filesystem::path& folder, std::vector<std::string>& hashes) {
    const std::string head = folder.filename().string();
    if (head.size() != 2 || !hex::is_small(head)) return;
    std::error_code failed;
    std::filesystem::directory_iterator files(folder, failed);
    for (; !failed && files != std::filesystem::directory_iterator(); files.increment(failed)) {
      const std::string rest = files->path().filename().string();
      if (rest.size() == digits - 2 && hex::is_small(rest))
        hashes.push_back(fmt::format("{}{}{}", prefix, head, rest));
    }
  }

  const std::filesystem::path folder_;
};

class MemoryBlobs final : public BlobStore {
 public:
  Result<std::string> put(std::string_view bytes) override {
    std::string hash = sha256(bytes);
    blobs_.with([&](auto& blobs) { blobs.emplace(hash, bytes); });
    return hash;
  }
  Result<std::string> get(std::string_view hash) const override {
    TRY(hex_of(hash));
    return blobs_.with([&](const auto& blobs) -> Result<std::string> {
      const auto found = blobs.find(hash);
      if (found == blobs.end()) return fail(Code::not_found, "there is no blob {}", hash);
      return found->second;
    });
  }
  Result<bool> contains(std::string_view hash) const override {
    TRY(hex_of(hash));
    return blobs_.with([&](const auto& blobs) { return blobs.contains(hash); });
  }
  Result<void> remove(std::string_view hash) override {
    TRY(hex_of(hash));
    blobs_.with([&](auto& blobs) {
      if (const auto found = blobs.find(hash); found != blobs.end()) blobs.erase(found);
    });
    return {};
  }
  Result<std::vector<std::string>> list() const override {
    return blobs_.with([](const auto& blobs) {
      std::vector<std::string> hashes;
      for (const auto& [hash, bytes] : blobs) hashes.push_back(hash);
      return hashes;
    });
  }

 private:
  Guarded<std::map<std::string, std::string, std::less<>>> blobs_;
};

}  // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(std::filesystem::path folder) {
  TRY(make_directories(folder));
  return std::unique_ptr<BlobStore>(std::make_unique<FileBlobs>(std::move(folder)));
}

std::unique_ptr<BlobStore> BlobStore::in_memory() { return std::make_unique<MemoryBlobs>(); }

}  // namespace slipway::store
