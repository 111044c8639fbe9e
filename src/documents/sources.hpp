// What a person names on the command line (files, folders, globs) becomes a list of files to
// ingest.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway::documents {

struct SourceOptions {
  std::vector<std::string>
      include;  ///< .gitignore-style patterns; empty means everything that has a loader.
  std::vector<std::string>
      exclude;  ///< Wins over include. Hidden files and folders are always left out of folders.
  std::size_t files_max = 1'000'000;
};

struct SourceFile {
  std::filesystem::path file;  ///< Absolute, symbolic links resolved.
  std::string uri;             ///< "file://" + percent-encoded `file`: the document's identity.
  std::string path;  ///< As a person would write it: relative to the folder that was named.
  std::uint64_t size_bytes = 0;
  Clock::Time modified_at{};
};

struct SourceList {
  std::vector<SourceFile> files;  ///< Sorted by uri, each once.
  struct Failure {
    std::string uri;
    Error error;
  };
  std::vector<Failure>
      failures;  ///< A source that is not there, a folder loop, a folder that may not be read.
  std::vector<std::string> roots;  ///< uri prefixes that the sources cover, for `--sync`.
};

/// Walks the sources. A directory loop or an unreadable folder is one failure and never stops the
/// rest. Fails: cancelled; invalid_argument (a bad pattern, more than files_max files).
Result<SourceList> find_sources(const Context& context, const std::vector<std::string>& sources,
                                const SourceOptions& options);

/// Whether `path` (with '/' separators, relative) matches a .gitignore-style pattern: `*`, `**`,
/// `?`, `[a-z]`, a leading
/// '/' anchors, a trailing '/' means folders, no '/' matches at any depth.
bool matches_pattern(std::string_view pattern, std::string_view path);

}  // namespace slipway::documents
