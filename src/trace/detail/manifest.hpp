// Which files are the store: replaced as a whole whenever segments come or go.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/result.hpp"

namespace slipway::trace::detail {

struct Manifest {
  struct Segment {
    std::uint64_t number = 0;
    std::vector<std::uint32_t> dead;  ///< Traces, by their rows.
  };
  std::uint64_t journal = 1;  ///< The first that counts.
  std::uint64_t next_segment = 1;
  std::int64_t next_run = 1, next_trace = 1;
  std::vector<Segment> segments;
};

/// Absent: there is none yet. Fails: invalid_argument (damaged, or of a newer version).
Result<std::optional<Manifest>> read_manifest(const std::filesystem::path& folder);
/// Old or new, also after a power cut. Fails: unavailable.
Result<void> write_manifest(const std::filesystem::path& folder, const Manifest& manifest);

std::filesystem::path segment_path(const std::filesystem::path& folder, std::uint64_t number);
std::filesystem::path journal_path(const std::filesystem::path& folder, std::uint64_t number);
/// The numbers of the journals that are there from `first` on, in order.
std::vector<std::uint64_t> journals_from(const std::filesystem::path& folder, std::uint64_t first);
/// Deletes what a crash has left: files that the manifest does not know, and their sums.
void delete_strays(const std::filesystem::path& folder, const Manifest& manifest);

}  // namespace slipway::trace::detail
