// What DOCX, PPTX and XLSX have in common: parts, relationships, properties of the document.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "documents/detail/formats.hpp"
#include "documents/detail/xml_reader.hpp"
#include "documents/detail/zip.hpp"

namespace slipway::documents::detail {

struct Relationship {
  std::string type;    ///< The last word of its URI: "image", "worksheet".
  std::string target;  ///< Name of a part; empty when it leads outside.
};
using Relationships = std::map<std::string, Relationship>;

class OfficePackage {
 public:
  /// Fails: as ZipArchive; invalid_argument when it has no main part.
  static Result<OfficePackage> open(const ReadTask& task);

  const std::string& main_part() const { return main_part_; }
  bool has(std::string_view part) const { return zip_.has(part); }
  /// A part as UTF-8. Fails: as ZipArchive::read.
  Result<std::string> read(std::string_view part);
  /// Of a part, by id; none when it has no such file.
  Result<Relationships> relationships(std::string_view part);
  /// The first target of a type, or empty.
  static std::string target_of(const Relationships& relationships, std::string_view type);

  /// Title and metadata that the document says of itself.
  Result<void> read_properties(Document& document);

 private:
  explicit OfficePackage(ZipArchive zip) : zip_(std::move(zip)) {}

  ZipArchive zip_;
  std::string main_part_;
  Relationships root_;
};

/// "../media/a.png" seen from the part "word/document.xml" is "media/a.png".
std::string resolve_part(std::string_view from_part, std::string_view target);

/// Calls `visit(reader)` for every start of an element of the XML. Fails: as XmlReader; what
/// `visit` fails with.
Result<void> for_each_start(std::string_view xml,
                            const std::function<Result<void>(XmlReader&)>& visit);

/// A property of an office document or book becomes title or metadata: "creator" is "author".
void note_property(std::string_view name, std::string_view value, Document& document);

/// Whether a value of XML means true; `missing` when it is empty.
bool is_on(const std::string& value, bool missing = true);

}  // namespace slipway::documents::detail
