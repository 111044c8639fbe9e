// Files that a browser or a program sends: multipart/form-data (RFC 7578), read strictly and
// within limits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace slipway::http {

/// A file that came with a request. Large ones lie in a temporary file that goes with this object.
class UploadedFile {
 public:
  UploadedFile() = default;
  UploadedFile(UploadedFile&& other) noexcept;
  UploadedFile& operator=(UploadedFile&& other) noexcept;
  ~UploadedFile();

  std::string field;  ///< Name of the part.
  /// A relative path as the sender named it, with '/' between its parts; never empty, no part is
  /// "." or "..", nothing in it is a control character. To be shown and stored, not to be opened.
  std::string name;
  std::string media_type;  ///< As the sender said; may be empty.
  std::uint64_t size_bytes = 0;

  /// Fails: as read_file.
  Result<std::string> read() const;
  /// Where a large one lies; else empty.
  const std::filesystem::path& spilled() const { return spilled_; }

 private:
  friend class FormReader;
  std::string bytes_;
  std::filesystem::path spilled_;
};

struct UploadLimits {
  std::size_t files_max = 256;
  std::size_t fields_max = 64;
  std::size_t field_bytes_max = 1u << 20;  ///< Of all fields together.
  std::size_t part_header_bytes_max = 8u << 10;
  std::size_t file_bytes_in_memory = 256u << 10;  ///< A larger file goes to a temporary one.
  std::filesystem::path folder;                   ///< For those; empty: the system's.
};

struct FormData {
  std::vector<UploadedFile> files;
  std::vector<std::pair<std::string, std::string>> fields;  ///< In their order.
};

/// Fails: invalid_argument (what is wrong with the body, or a limit), unavailable (the disk).
Result<FormData> read_form(std::string_view content_type, std::string_view body,
                           const UploadLimits& limits);

/// "C:\\fake/../a.md" -> "fake/a.md"; empty when nothing is left.
std::string safe_file_name(std::string_view name);

}  // namespace slipway::http
