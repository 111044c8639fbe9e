// Runs as a file for PostgreSQL's psql, for those who keep them there.
//
//   psql -f runs.sql postgresql://...
//
// One transaction: the table `slipway_runs` and its indexes where they are not there yet, then rows
// by COPY. A run that is there already becomes what the file says, so that files may overlap and be
// loaded again.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::trace {

namespace detail {
class NewFile;
}

class RunsSql {
 public:
  /// The file takes its name when it is finished; what was not finished is deleted. Fails:
  /// unavailable, naming the path.
  static Result<std::unique_ptr<RunsSql>> create(const std::filesystem::path& path);
  ~RunsSql();

  /// `run`: the JSON of one, as our API writes it. JSON stays the text it was (type json), but for
  /// what PostgreSQL cannot read: the character 0 and halves of surrogate pairs become U+FFFD.
  /// Texts lose the character 0. Fails: unavailable (the disk).
  Result<void> add(std::string_view run);
  Result<void> finish();

 private:
  explicit RunsSql(std::unique_ptr<detail::NewFile> file);

  const std::unique_ptr<detail::NewFile> file_;
};

/// The row of a run as COPY reads it, with the end of its line.
std::string copy_row(std::string_view run);

}  // namespace slipway::trace
