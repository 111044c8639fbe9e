// The readers of formats that become text inside the sandbox: one pure function each, from the
// bytes of a source to its documents. Tests call them without the sandbox too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "documents/detail/loaders.hpp"
#include "documents/documents.hpp"

namespace slipway::documents::detail {

using Documents = std::vector<Document>;

struct ReadTask {
  std::string_view bytes;
  std::string path;
  std::string media_type;  ///< Lower case, without parameters.
  std::string charset;     ///< As the media type's parameter says; may be empty.
  std::size_t text_bytes_max = 256u << 20;
  std::size_t parts_max = 200'000;
  int pages_max = 20'000;
  JsonRules json;
};

/// What all that is unpacked from one ZIP file may take: pictures are never unpacked, and XML is
/// several times its text.
inline std::size_t unpacked_bytes_max(const ReadTask& task) { return task.text_bytes_max * 4; }

/// Fails: invalid_argument, naming what is wrong; unsupported.
using Reader = Result<Documents> (*)(const ReadTask&);

struct Format {
  std::string_view name;  ///< As a person says it: "Word document".
  std::string_view media_type;
  Reader reader;
  bool is_sandboxed = true;
};

/// All of them; a format with two media types stands there twice.
const std::vector<Format>& formats();
/// Null when there is none of this media type.
const Format* find_format(std::string_view media_type);

/// The names of all formats that can be read, for messages.
std::string format_list();

/// Runs the reader, in a sandboxed child where the format wants it.
Result<Documents> read_format(const LoadTask& task, std::string_view media_type);

Result<Documents> read_docx(const ReadTask& task);
Result<Documents> read_pptx(const ReadTask& task);
Result<Documents> read_xlsx(const ReadTask& task);
Result<Documents> read_json(const ReadTask& task);
Result<Documents> read_epub(const ReadTask& task);
Result<Documents> read_mail(const ReadTask& task);
Result<Documents> read_mailbox(const ReadTask& task);
Result<Documents> read_rtf(const ReadTask& task);
Result<Documents> read_confluence_page(const ReadTask& task);
Result<Documents> read_confluence_xml_export(const ReadTask& task);
Result<Documents> read_confluence_html_export(const ReadTask& task);
Result<Documents> read_odt(const ReadTask& task);
Result<Documents> read_csv(const ReadTask& task);

}  // namespace slipway::documents::detail
