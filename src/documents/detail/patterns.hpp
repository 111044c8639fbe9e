// Patterns in the style of .gitignore, compiled once and matched against many paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::documents::detail {

/// Immutable.
class Pattern {
 public:
  /// Fails: invalid_argument for an empty pattern, an unclosed '[', a final backslash, or a leading
  /// '!' (negation is what include and exclude are for).
  static Result<Pattern> compile(std::string_view text);

  /// As `matches_pattern`.
  bool matches(std::string_view path) const;
  /// Whether a path below `folder` can match: false means that it need not be walked.
  bool may_match_below(std::string_view folder) const;

 private:
  bool matches_segments(const std::vector<std::string_view>& path, std::size_t count) const;

  std::vector<std::string> segments_;  ///< Between slashes; "**" stands for any number of segments.
  bool anchored_ = false;
  bool folders_only_ = false;
};

/// Whether one segment (no '/') matches: `*`, `?`, sets and escapes. Never worse than quadratic.
bool matches_segment(std::string_view pattern, std::string_view segment);

bool has_wildcard(std::string_view text);

}  // namespace slipway::documents::detail
