#include "models/detail/vetted_models.hpp"

#include <algorithm>
#include <vector>

#include "core/files.hpp"
#include "core/json.hpp"
#include "core/log.hpp"

namespace slipway::models::detail {

namespace {

constexpr std::size_t hashes_max = 1000;
constexpr std::uint64_t file_bytes_max = 1u << 20;

std::filesystem::path file() { return cache_directory() / "vetted-models.json"; }

std::vector<std::string> load() {
  const auto text = read_file(file(), file_bytes_max);
  if (!text) return {};
  const auto value = json::parse(*text);
  if (!value) return {};
  auto hashes = json::from<std::vector<std::string>>(*value);
  return hashes ? *std::move(hashes) : std::vector<std::string>();
}

}  // namespace

bool is_vetted(const std::string& hash) {
  const auto hashes = load();
  return std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
}

void remember_vetted(const std::string& hash) {
  auto hashes = load();
  if (hashes.size() >= hashes_max) hashes.clear();
  hashes.push_back(hash);
  const auto written = write_file_atomically(file(), json::dump_pretty(json::to(hashes)));
  if (!written) log::debug("{} is not kept: {}", file().string(), written.error().message());
}

}  // namespace slipway::models::detail
