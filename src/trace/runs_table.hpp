// Runs as a Parquet file, a row each.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "trace/parquet.hpp"

namespace slipway::trace {

namespace detail {
class NewFile;
}

class RunsTable {
 public:
  /// The file takes its name when it is finished; what was not finished is deleted. Fails:
  /// unavailable, naming the path.
  static Result<std::unique_ptr<RunsTable>> create(const std::filesystem::path& path);
  ~RunsTable();

  /// `run`: the JSON of one, as our API writes it. Payloads stay the text they were. Fails:
  /// unavailable (the disk).
  Result<void> add(std::string_view run);
  Result<void> finish();

 private:
  explicit RunsTable(std::unique_ptr<detail::NewFile> file);
  Result<void> append(std::string_view bytes);

  const std::unique_ptr<detail::NewFile> file_;
  ParquetWriter writer_;
};

}  // namespace slipway::trace
