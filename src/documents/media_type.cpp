// Content decides before the ending, because people rename files; the ending decides between the
// formats that are all plain text.
#include <algorithm>
#include <array>

#include "core/unicode.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

using namespace std::string_view_literals;

struct Magic {
  std::size_t offset;
  std::string_view bytes;
  std::string_view name;
};

/// Formats that people put beside their documents, to be named in the refusal.
constexpr Magic magics[] = {
    {0, "\x89PNG\r\n"sv, "image/png"},
    {0, "\xFF\xD8\xFF"sv, "image/jpeg"},
    {0, "GIF8"sv, "image/gif"},
    {8, "WEBPVP8"sv, "image/webp"},
    {0, "II*\0"sv, "image/tiff"},
    {0, "MM\0*"sv, "image/tiff"},
    {0, "\x1F\x8B"sv, "application/gzip"},
    {0, "BZh"sv, "application/x-bzip2"},
    {0,
     "\xFD"
     "7zXZ\0"sv,
     "application/x-xz"},
    {0, "\x28\xB5\x2F\xFD"sv, "application/zstd"},
    {0, "7z\xBC\xAF\x27\x1C"sv, "application/x-7z-compressed"},
    {0, "Rar!\x1A\x07"sv, "application/vnd.rar"},
    {257, "ustar"sv, "application/x-tar"},
    {0,
     "\x7F"
     "ELF"sv,
     "an ELF program"},
    {0, "MZ\x90"sv, "a Windows program"},
    {0, "\xCF\xFA\xED\xFE"sv, "a Mach-O program"},
    {0, "\xCA\xFE\xBA\xBE"sv, "a Java class or Mach-O program"},
    {0, "\0asm"sv, "application/wasm"},
    {0, "SQLite format 3\0"sv, "application/vnd.sqlite3"},
    {0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "an old Microsoft Office document"},
    {0, "{\\rtf"sv, "application/rtf"},
    {0, "%!PS"sv, "application/postscript"},
    {0, "PAR1"sv, "application/vnd.apache.parquet"},
    {0, "GGUF"sv, "a GGUF model"},
    {0, "\x93NUMPY"sv, "a NumPy array"},
    {0, "OggS"sv, "audio/ogg"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "fLaC"sv, "audio/flac"},
    {8, "WAVEfmt"sv, "audio/wav"},
    {4, "ftyp"sv, "video/mp4"},
    {0, "wOF2"sv, "font/woff2"},
    {0, "wOFF"sv, "font/woff"},
    {0, "\0\1\0\0\0"sv, "font/ttf"},
};

/// A ZIP file is named by what it holds: its first member says.
std::string_view zip_kind(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, 4096);
  constexpr std::array<std::array<std::string_view, 2>, 6> kinds = {{
      {"word/", "a Word document (DOCX)"},
      {"xl/", "an Excel workbook (XLSX)"},
      {"ppt/", "a PowerPoint presentation (PPTX)"},
      {"application/epub+zip", "application/epub+zip"},
      {"application/vnd.oasis.opendocument", "an OpenDocument file"},
      {"[Content_Types].xml", "a Microsoft Office document"},
  }};
  for (const auto& [sign, name] : kinds)
    if (start.find(sign) != std::string_view::npos) return name;
  return "application/zip";
}

std::string_view binary_kind(std::string_view bytes) {
  if (bytes.starts_with("PK\x03\x04"sv) || bytes.starts_with("PK\x05\x06"sv))
    return zip_kind(bytes);
  for (const Magic& magic : magics)
    if (bytes.size() >= magic.offset && bytes.substr(magic.offset).starts_with(magic.bytes))
      return magic.name;
  return {};
}

/// The ending of a path with its dot, in lower case: ".md".
std::string ending_of(std::string_view path) {
  const std::string_view name = path.substr(path.find_last_of('/') + 1);
  const std::size_t dot = name.find_last_of('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  return unicode::to_lower(name.substr(dot));
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool has_utf16_mark(std::string_view bytes) {
  return bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
}

bool looks_like_text(std::string_view bytes) {
  if (has_utf16_mark(bytes)) return true;
  if (bytes.find('\0') != std::string_view::npos) return false;
  const std::string_view start = bytes.substr(0, 64u << 10);
  const auto controls = std::count_if(start.begin(), start.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    // Logs hold escape sequences; the other controls are rare in any text.
    return (byte < 0x20 && !(byte >= 0x07 && byte <= 0x0D) && byte != 0x1B) || byte == 0x7F;
  });
  return static_cast<std::size_t>(controls) * 20 <= start.size();
}

/// The start of a text as ASCII in lower case, without byte order mark and the zeros of UTF-16.
std::string sniffable(std::string_view bytes) {
  std::string start = unicode::to_lower(bytes.substr(0, 4096));
  std::erase(start, '\0');
  return start;
}

/// Whether the text begins as an HTML document does, after white space, comments and a declaration.
bool starts_like_html(std::string_view bytes) {
  const std::string start = sniffable(bytes);
  std::string_view rest = start;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  if (rest.starts_with("\xFF\xFE") || rest.starts_with("\xFE\xFF")) rest.remove_prefix(2);
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t\r\n\f"), rest.size()));
    const std::string_view closing = rest.starts_with("<!--")    ? "-->"
                                     : rest.starts_with("<?xml") ? "?>"
                                                                 : "";
    if (closing.empty()) break;
    const std::size_t end = rest.find(closing);
    if (end == std::string_view::npos) return false;
    rest.remove_prefix(end + closing.size());
  }
  if (rest.starts_with("<!doctype html")) return true;
  return rest.starts_with("<html") && rest.size() > 5 && " \t\r\n>"sv.find(rest[5]) != rest.npos;
}

bool has_pdf_mark(std::string_view bytes, std::string_view ending) {
  const std::size_t at = bytes.substr(0, 1024).find("%PDF-");
  if (at == std::string_view::npos) return false;
  // A text may speak of "%PDF-1.7" in its first lines.
  return at == 0 || ending == ".pdf" || !looks_like_text(bytes);
}

}  // namespace

Result<std::string> detect_media_type(std::string_view path, std::string_view bytes) {
  const std::string ending = ending_of(path);
  if (has_pdf_mark(bytes, ending)) return std::string("application/pdf");
  if (const std::string_view kind = binary_kind(bytes); !kind.empty())
    return fail(Code::unsupported, "{} is not a format that can be read", kind);
  if (ending == ".pdf" && !bytes.empty())
    return fail(Code::unsupported, "named .pdf but has no PDF header; it is damaged or no PDF");
  const bool is_html = starts_like_html(bytes) || is_one_of(ending, {".html", ".htm", ".xhtml"});
  if (!looks_like_text(bytes) && !(is_html && starts_like_html(bytes))) {
    if (ending.empty()) return fail(Code::unsupported, "binary data in a file without an ending");
    return fail(Code::unsupported, "binary data named {}", ending);
  }
  if (is_html) return std::string("text/html");
  if (is_one_of(ending, {".md", ".markdown", ".mdown", ".mkd"}))
    return std::string("text/markdown");
  if (ending == ".pdf") return std::string("application/pdf");
  return std::string("text/plain");
}

}  // namespace slipway::documents
