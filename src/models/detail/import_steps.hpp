// Steps that importing any kind of model takes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/context.hpp"
#include "core/files.hpp"
#include "core/json.hpp"
#include "models/detail/model_folder.hpp"

namespace slipway::models::detail {

inline constexpr std::uint64_t side_file_bytes_max = 1u << 20;

bool is_file(const std::filesystem::path& path);

/// In pieces, so that a stop request is seen; durable at the end.
Result<void> copy_file(const Context& context, const std::filesystem::path& from,
                       const std::filesystem::path& to);

/// The struct of a JSON file; its defaults when the file is not there.
template <typename T>
Result<T> read_side_file(const std::filesystem::path& path) {
  if (!is_file(path)) return T();
  const std::string text = TRY(read_file(path, side_file_bytes_max));
  const json::Value value = TRY(json::parse(text).within(path.string()));
  return json::from<T>(value, json::Policy::ignore_unknown).within(path.string());
}

/// Whether the source is, or lies among, the two towers of a CLIP model; if so it is copied, tried
/// and described in `target`. A model of both in one file is cut in two. Fails: invalid_argument,
/// unsupported, not_found.
Result<bool> import_towers(const Context& context, const std::filesystem::path& source,
                           const std::filesystem::path& target);

}  // namespace slipway::models::detail
