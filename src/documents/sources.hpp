// What a person names on the command line (files, folders, globs) becomes a list of files to
// ingest.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "core/result.hpp"

namespace slipway::documents {

struct SourceOptions {
  /// .gitignore-style patterns; empty means everything whose ending has a loader, and whatever file
  /// is named itself.
  std::vector<std::string> include;
  /// Wins over include. Hidden files and folders are always left out of folders.
  std::vector<std::string> exclude;
  bool images = false;  ///< Take pictures (PNG, JPEG, WebP, GIF) of folders too.
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
  /// A source that is not there, a folder loop, a folder that may not be read, a named pipe. The
  /// uri ends with '/' where a whole folder could not be seen: its documents are unknown, not gone.
  struct Failure {
    std::string uri;  ///< As far as it is known; else what was given.
    Error error;
  };
  std::vector<Failure> failures;
  /// What the sources cover, for `--sync`: a uri that ends with '/' covers all below it, any other
  /// only itself. A source that failed covers nothing, so an unmounted disk deletes no documents.
  std::vector<std::string> roots;
  /// Whether a document of this uri would be listed if it were still there: a root covers it and
  /// nothing failed on the way to it. One that is covered and not in `files` is gone.
  bool covers(std::string_view uri) const;

  std::size_t skipped = 0;  ///< Files of folders left out because no loader knows their ending.
};

/// "file://" + the path with everything but unreserved characters and '/' percent-encoded.
/// `path` is absolute.
std::string file_uri(const std::filesystem::path& path);
/// The path of a "file://" uri of this machine; nothing for any other.
std::optional<std::filesystem::path> file_of_uri(std::string_view uri);

/// Walks the sources: a file, a folder (recursive; symbolic links are followed), a glob
/// ("docs/**/*.md", quoted so that the shell leaves it), or a file:// URI. A directory loop or an
/// unreadable folder is one failure and never stops the rest. Include and exclude patterns see the
/// path relative to the folder that was named. Fails: cancelled, deadline_exceeded;
/// invalid_argument (a bad pattern, more than files_max files).
Result<SourceList> find_sources(const Context& context, const std::vector<std::string>& sources,
                                const SourceOptions& options);

/// Whether the ending of a file's name (or the whole name: "README") is one that some loader takes.
bool has_loader(std::string_view name);

/// Whether `path` (with '/' separators, relative) matches a .gitignore-style pattern: `*`, `**`,
/// `?`, `[a-z]`, `[!a-z]`, `\\` takes the next character as it is; a leading '/' or one in the
/// middle anchors; a trailing '/' means folders; no '/' matches at any depth. A pattern that
/// matches a folder matches all below it. `path` is of a file, or of a folder when it ends with
/// '/'.
bool matches_pattern(std::string_view pattern, std::string_view path);

}  // namespace slipway::documents
