#include "http/upload.hpp"

#include <algorithm>

#include "core/clock.hpp"
#include "core/files.hpp"
#include "core/unicode.hpp"
#include "http/detail/media_type.hpp"

namespace slipway::http {

namespace {

constexpr std::string_view line_end = "\r\n";

Error broken(std::string_view what) {
  return fail(Code::invalid_argument, "the multipart body is broken: {}", what);
}

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return lower(x) == lower(y);
  });
}

bool is_boundary(std::string_view text) {
  constexpr std::size_t boundary_bytes_max = 70;
  return !text.empty() && text.size() <= boundary_bytes_max && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
         });
}

/// How browsers write a name: '"', CR and LF percent-encoded, nothing else (WHATWG's forms).
std::string decode_name(std::string_view name) {
  std::string decoded;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const std::string_view escape = name.substr(i, 3);
    if (escape == "%22")
      decoded += '"';
    else if (equal_without_case(escape, "%0D"))
      decoded += '\r';
    else if (equal_without_case(escape, "%0A"))
      decoded += '\n';
    else {
      decoded += name[i];
      continue;
    }
    i += 2;
  }
  return decoded;
}

struct PartHeader {
  std::string name, media_type;
  std::optional<std::string> file_name;
};

/// `form-data; name="a"; filename="b\c.md"`. A backslash is only an escape before a quote: old
/// browsers send whole Windows paths.
Result<void> read_disposition(std::string_view value, PartHeader& header) {
  constexpr std::string_view kind = "form-data";
  if (!equal_without_case(value.substr(0, kind.size()), kind))
    return broken("a part's Content-Disposition is not form-data");
  value.remove_prefix(kind.size());
  bool has_name = false;
  while (true) {
    const std::size_t start = value.find_first_not_of(" \t;");
    if (start == std::string_view::npos) break;
    value.remove_prefix(start);
    const std::size_t equals = value.find('=');
    if (equals == std::string_view::npos) return broken("a parameter of a part has no value");
    const std::string_view key = value.substr(0, equals);
    value.remove_prefix(equals + 1);
    std::string text;
    if (value.starts_with('"')) {
      std::size_t at = 1;
      for (; at < value.size() && value[at] != '"'; ++at) {
        if (value[at] == '\\' && at + 1 < value.size() && value[at + 1] == '"') ++at;
        text += value[at];
      }
      if (at >= value.size()) return broken("a quoted parameter of a part does not end");
      value.remove_prefix(at + 1);
    } else {
      const std::size_t end = std::min(value.find_first_of("; \t"), value.size());
      text = value.substr(0, end);
      value.remove_prefix(end);
    }
    if (equal_without_case(key, "name")) {
      header.name = decode_name(text);
      has_name = true;
    } else if (equal_without_case(key, "filename")) {
      header.file_name = decode_name(text);
    }
  }
  if (!has_name) return broken("a part has no name");
  return {};
}

Result<PartHeader> read_header(std::string_view text) {
  PartHeader header;
  bool has_disposition = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(line_end), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + line_end.size(), text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return broken("a header line of a part has no colon");
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    if (equal_without_case(name, "content-disposition")) {
      TRY(read_disposition(value, header));
      has_disposition = true;
    } else if (equal_without_case(name, "content-type")) {
      header.media_type = value;
    } else if (equal_without_case(name, "content-transfer-encoding") &&
               !equal_without_case(value, "binary") && !equal_without_case(value, "8bit") &&
               !equal_without_case(value, "7bit")) {
      return fail(Code::invalid_argument,
                  "a part is encoded as '{}'; send it as it is (RFC 7578 knows no encodings)",
                  value.substr(0, 40));
    }
  }
  if (!has_disposition) return broken("a part has no Content-Disposition");
  if (!unicode::is_valid_utf8(header.name) ||
      (header.file_name && !unicode::is_valid_utf8(*header.file_name)))
    return broken("a name is not UTF-8");
  return header;
}

}  // namespace

/// One body, part by part.
class FormReader {
 public:
  FormReader(std::string_view body, std::string boundary, const UploadLimits& limits)
      : rest_(body), delimiter_("--" + boundary), limits_(limits) {}

  Result<FormData> read() {
    // What stands before the first boundary is no part; RFC 2046 allows it, nobody sends it.
    if (!rest_.starts_with(delimiter_)) return broken("it does not begin with its boundary");
    rest_.remove_prefix(delimiter_.size());
    delimiter_.insert(0, line_end);
    while (true) {
      if (rest_.starts_with("--")) {
        rest_.remove_prefix(2);
        if (!rest_.empty() && rest_ != line_end) return broken("bytes follow its last boundary");
        return std::move(form_);
      }
      if (!rest_.starts_with(line_end)) return broken("a boundary does not end its line");
      rest_.remove_prefix(line_end.size());
      TRY(read_part());
    }
  }

 private:
  Result<void> read_part() {
    constexpr std::string_view header_end = "\r\n\r\n";
    const std::size_t end = rest_.substr(0, limits_.part_header_bytes_max).find(header_end);
    if (end == std::string_view::npos)
      return broken(fmt::format("the header of a part does not end within {} bytes",
                                limits_.part_header_bytes_max));
    const PartHeader header = TRY(read_header(rest_.substr(0, end)));
    rest_.remove_prefix(end + header_end.size());
    const std::size_t size = rest_.find(delimiter_);
    if (size == std::string_view::npos) return broken("its last boundary is missing");
    const std::string_view content = rest_.substr(0, size);
    rest_.remove_prefix(size + delimiter_.size());
    return header.file_name ? add_file(header, content) : add_field(header, content);
  }

  Result<void> add_field(const PartHeader& header, std::string_view content) {
    if (form_.fields.size() >= limits_.fields_max)
      return fail(Code::invalid_argument, "the form has more than {} fields", limits_.fields_max);
    field_bytes_ += content.size();
    if (field_bytes_ > limits_.field_bytes_max)
      return fail(Code::invalid_argument, "the form's fields are larger than {} bytes",
                  limits_.field_bytes_max);
    if (!unicode::is_valid_utf8(content))
      return fail(Code::invalid_argument, "field '{}' is not UTF-8", header.name);
    form_.fields.emplace_back(header.name, content);
    return {};
  }

  Result<void> add_file(const PartHeader& header, std::string_view content) {
    // A browser sends an empty part for a file input where nothing was chosen.
    if (header.file_name->empty() && content.empty()) return {};
    if (form_.files.size() >= limits_.files_max)
      return fail(Code::invalid_argument, "the form has more than {} files; send several requests",
                  limits_.files_max);
    UploadedFile file;
    file.field = header.name;
    file.name = safe_file_name(*header.file_name);
    if (file.name.empty())
      return fail(Code::invalid_argument, "the file name '{}' names no file",
                  header.file_name->substr(0, 100));
    file.media_type = header.media_type;
    file.size_bytes = content.size();
    if (content.size() <= limits_.file_bytes_in_memory) {
      file.bytes_ = content;
    } else {
      const auto folder =
          limits_.folder.empty() ? std::filesystem::temp_directory_path() : limits_.folder;
      file.spilled_ = folder / (make_id("upload") + ".part");
      TRY(write_file_atomically(file.spilled_, content));
    }
    form_.files.push_back(std::move(file));
    return {};
  }

  std::string_view rest_;
  std::string delimiter_;
  const UploadLimits& limits_;
  std::size_t field_bytes_ = 0;
  FormData form_;
};

UploadedFile::UploadedFile(UploadedFile&& other) noexcept { *this = std::move(other); }

UploadedFile& UploadedFile::operator=(UploadedFile&& other) noexcept {
  field = std::move(other.field);
  name = std::move(other.name);
  media_type = std::move(other.media_type);
  size_bytes = other.size_bytes;
  bytes_ = std::move(other.bytes_);
  spilled_.swap(other.spilled_);
  return *this;
}

UploadedFile::~UploadedFile() {
  std::error_code ignored;  // It lies in a temporary folder; whoever cleans that takes it away.
  if (!spilled_.empty()) std::filesystem::remove(spilled_, ignored);
}

Result<std::string> UploadedFile::read() const {
  if (spilled_.empty()) return bytes_;
  return read_file(spilled_);
}

std::string safe_file_name(std::string_view name) {
  constexpr std::size_t name_bytes_max = 1024;
  std::string safe;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of("/\\"), name.size());
    std::string step;
    for (const char c : name.substr(0, end))
      if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) step += c;
    name.remove_prefix(std::min(end + 1, name.size()));
    while (!step.empty() && (step.back() == ' ' || step.back() == '.') &&
           step.find_first_not_of(" .") == std::string::npos)
      step.pop_back();  // "." and "..", also with blanks around.
    const bool is_drive = step.size() == 2 && step[1] == ':';
    if (step.empty() || is_drive) continue;
    safe += (safe.empty() ? "" : "/") + step;
  }
  return safe.size() <= name_bytes_max ? safe : std::string();
}

Result<FormData> read_form(std::string_view content_type, std::string_view body,
                           const UploadLimits& limits) {
  const auto media_type = detail::parse_media_type(content_type);
  if (!media_type || media_type->type != "multipart/form-data")
    return fail(Code::invalid_argument, "the body is no multipart/form-data");
  const auto boundary = media_type->parameters.find("boundary");
  if (boundary == media_type->parameters.end() || !is_boundary(boundary->second))
    return fail(Code::invalid_argument,
                "Content-Type: multipart/form-data needs a boundary of 1 to 70 characters");
  return FormReader(body, boundary->second, limits).read();
}

}  // namespace slipway::http
