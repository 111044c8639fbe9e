// Content decides before the ending, because people rename files; the ending decides between the
// formats that are all plain text.
#include <algorithm>
#include <array>

#include "core/unicode.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/text_types.hpp"
#include "documents/detail/zip.hpp"
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
    {0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv,
     "an old or encrypted Microsoft Office document (save it as .docx, .xlsx or .pptx without a "
     "password)"},
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

constexpr std::string_view office_type = "application/vnd.openxmlformats-officedocument.";

bool is_zip(std::string_view bytes) {
  return bytes.starts_with("PK\x03\x04"sv) || bytes.starts_with("PK\x05\x06"sv);
}

std::string_view kind_by_part(std::string_view name) {
  if (name.starts_with("word/")) return "wordprocessingml.document";
  if (name.starts_with("ppt/")) return "presentationml.presentation";
  if (name.starts_with("xl/")) return "spreadsheetml.sheet";
  return {};
}

/// A ZIP file is what it holds. One that is damaged is told by the names near its start, so that
/// the reader of its format can say what is wrong with it.
Result<std::string> zip_type(std::string_view bytes) {
  const std::string_view start = bytes.substr(0, 4096);
  for (const std::string_view type :
       {"application/epub+zip", "application/vnd.oasis.opendocument."})
    if (const std::size_t at = start.find("mimetype" + std::string(type)); at != start.npos) {
      const std::size_t end = start.find_first_not_of("abcdefghijklmnopqrstuvwxyz+-./", at + 8);
      std::string found(start.substr(at + 8, std::min(end, start.size()) - at - 8));
      if (type.ends_with("zip")) return std::string(type);
      if (found.starts_with("application/vnd.oasis.opendocument.text"))
        return std::string("application/vnd.oasis.opendocument.text");
      return fail(Code::unsupported, "an OpenDocument file other than a text ({}); export it",
                  found);
    }
  const auto archive = detail::ZipArchive::open(bytes, 0);
  if (archive) {
    if (archive->has("entities.xml"))
      return std::string("application/vnd.atlassian.confluence+zip");
    bool has_pages = false;
    for (const auto& part : archive->parts()) {
      if (const std::string_view kind = kind_by_part(part.name); !kind.empty())
        return std::string(office_type).append(kind);
      has_pages = has_pages || part.name.ends_with(".html");
    }
    if (has_pages) return std::string("application/vnd.atlassian.confluence.html+zip");
  } else {
    for (const std::string_view folder : {"word/", "ppt/", "xl/"})
      if (start.find(folder) != start.npos)
        return std::string(office_type).append(kind_by_part(folder));
    if (start.find("entities.xml") != start.npos)
      return std::string("application/vnd.atlassian.confluence+zip");
  }
  return fail(Code::unsupported,
              "application/zip is not a format that can be read; unpack it and name the folder");
}

std::string_view binary_kind(std::string_view bytes) {
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

/// "From ann@example.org Mon Jan  5 ..." begins a mailbox, "Header: ..." lines a message.
bool starts_like_mailbox(std::string_view bytes) {
  if (!bytes.starts_with("From ")) return false;
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  return line.size() < 300 && std::count(line.begin(), line.end(), ':') >= 1;
}

std::string in_capitals(std::string_view ending) {
  std::string text(ending);
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
  return text;
}

std::string_view first_line_of(std::string_view bytes) {
  return bytes.substr(0, std::min<std::size_t>(bytes.find('\n'), 200));
}

}  // namespace

std::string_view detail::image_type(std::string_view bytes) {
  const std::string_view kind = binary_kind(bytes);
  return kind.starts_with("image/") ? kind : std::string_view();
}

Result<std::string> detect_media_type(std::string_view path, std::string_view bytes) {
  const std::string ending = ending_of(path);
  const std::string name = unicode::to_lower(path.substr(path.find_last_of('/') + 1));
  if (has_pdf_mark(bytes, ending)) return std::string("application/pdf");
  if (bytes.starts_with("{\\rtf")) return std::string("application/rtf");
  if (is_zip(bytes)) return zip_type(bytes);
  const bool is_mail = ending == ".eml" || ending == ".mbox" || ending == ".mbx";
  if (const std::string_view kind = binary_kind(bytes); !kind.empty() && !is_mail)
    return fail(Code::unsupported, "{} is not a format that can be read", kind);
  for (const std::string_view binary :
       {".pdf", ".docx", ".docm", ".pptx", ".pptm", ".xlsx", ".xlsm", ".epub", ".rtf", ".odt"})
    if (ending == binary && !bytes.empty())
      return fail(Code::unsupported, "named {0} but has no {1} header; it is damaged or no {1}",
                  binary, in_capitals(binary.substr(1)));
  // A message may hold 8-bit and even binary parts; its reader looks at them.
  if (is_mail)
    return std::string(ending == ".eml" && !starts_like_mailbox(bytes) ? "message/rfc822"
                                                                       : "application/mbox");
  const bool is_html = starts_like_html(bytes) || is_one_of(ending, {".html", ".htm", ".xhtml"});
  if (!looks_like_text(bytes) && !(is_html && starts_like_html(bytes))) {
    if (ending.empty()) return fail(Code::unsupported, "binary data in a file without an ending");
    return fail(Code::unsupported, "binary data named {}", ending);
  }
  if (is_html) return std::string("text/html");
  const std::string_view type = detail::text_type(ending, name, first_line_of(bytes));
  if (!type.empty()) return std::string(type);
  if (starts_like_mailbox(bytes) && ending.empty()) return std::string("application/mbox");
  return std::string("text/plain");
}

}  // namespace slipway::documents
