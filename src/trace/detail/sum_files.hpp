// What a file of traces came to, in a file beside it, so that nobody walks it after a start.
//
// NNNNNNNN.sums is a journal (`journal.hpp`): first the version and the hash of the file of traces
// that it is of, then sums by their names, each written once. It is derived: what is damaged, of
// another version or of another file is deleted, and made again. Nothing of it is synced.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "trace/detail/part.hpp"

namespace slipway::trace::detail {

std::filesystem::path sums_path(const std::filesystem::path& traces_path);

/// Absent: they are not there, or not whole.
std::optional<std::string> read_sums(const PartFile& file, std::string_view name);
std::set<std::string, std::less<>> names_of_sums(const PartFile& file);
/// Nothing happens where they are there already, or where the file of traces is gone. One at a
/// time for each file. Fails: unavailable, forbidden.
Result<void> add_sums(const PartFile& file, std::string_view name, std::string_view sums);

}  // namespace slipway::trace::detail
