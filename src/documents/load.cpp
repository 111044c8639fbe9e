#include <algorithm>

#include "core/unicode.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/mapped_text.hpp"

namespace slipway::documents {

namespace {

constexpr std::size_t title_bytes_max = 500;

struct MediaType {
  std::string name;     ///< Lower case, without parameters.
  std::string charset;  ///< The parameter of that name, or empty.
};

MediaType parse_media_type(std::string_view text) {
  const std::string lower = unicode::to_lower(text);
  MediaType type;
  const std::size_t name_end = std::min(lower.find(';'), lower.size());
  type.name = unicode::trim(std::string_view(lower).substr(0, name_end));
  if (const std::size_t at = lower.find("charset=", name_end); at != std::string::npos) {
    const std::size_t start = lower.find_first_not_of("\"' ", at + 8);
    if (start != std::string::npos)
      type.charset = lower.substr(start, lower.find_first_of("\"'; ", start) - start);
  }
  return type;
}

using Loader = Result<Document> (*)(const detail::LoadTask&);

/// Of the formats that are always one document; null when there is none.
Loader loader_of(std::string_view media_type) {
  if (media_type == "application/pdf" || media_type == "application/x-pdf") return detail::load_pdf;
  if (media_type == "text/html" || media_type == "application/xhtml+xml") return detail::load_html;
  if (media_type == "text/markdown" || media_type == "text/x-markdown")
    return detail::load_markdown;
  if (media_type.starts_with("text/")) return detail::load_plain;
  for (const std::string_view textual :
       {"application/yaml", "application/x-yaml", "application/xml", "application/javascript",
        "application/toml", "application/sql", "application/x-sh"})
    if (media_type == textual) return detail::load_plain;
  return nullptr;
}

std::string mebibytes(std::size_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string file_name(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  std::string name(path.substr(path.find_last_of('/') + 1));
  return name.empty() ? "untitled" : detail::clean_title(name);
}

Result<Document> check(Document document, const Source& source, const LoadOptions& options) {
  if (document.text.size() > options.text_bytes_max)
    return fail(Code::invalid_argument, "its text of {} is larger than the limit of {}",
                mebibytes(document.text.size()), mebibytes(options.text_bytes_max));
  if (unicode::trim(document.text).empty()) return fail(Code::invalid_argument, "has no text");
  if (document.title.empty()) document.title = file_name(source.path);
  return document;
}

}  // namespace

std::string detail::clean_title(std::string_view title) {
  std::string visible(title);
  SourceMap identity = SourceMap::identity(visible.size());
  remove_spans(visible, identity.pieces, find_invisible(visible).spans);
  std::string clean;
  bool is_space_due = false;
  for (std::size_t at = 0; at < visible.size();) {
    const unicode::Decoded now = unicode::decode(visible, at);
    if (unicode::is_space(now.code_point) || now.code_point < 0x20) {
      is_space_due = !clean.empty();
    } else {
      if (is_space_due) clean += ' ';
      is_space_due = false;
      unicode::append(clean, now.code_point);
    }
    at += now.bytes;
  }
  if (clean.size() > title_bytes_max) clean.resize(unicode::floor_boundary(clean, title_bytes_max));
  return clean;
}

json::Array detail::split_keywords(std::string_view list) {
  json::Array words;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(",;"), list.size());
    const std::string word = clean_title(list.substr(0, end));
    if (!word.empty()) words.push_back(json::Value(boost::json::string(word)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

void detail::warn_of_hidden(std::size_t characters, Document& document) {
  if (characters > 0)
    document.warnings.push_back(fmt::format("hidden text dropped: {} characters", characters));
}

Document detail::visible_document(DecodedText decoded) {
  Document document;
  document.text = std::move(decoded.text);
  document.map = std::move(decoded.map);
  document.warnings = std::move(decoded.warnings);
  const Invisible invisible = find_invisible(document.text);
  remove_spans(document.text, document.map.pieces, invisible.spans);
  warn_of_hidden(invisible.characters, document);
  return document;
}

Result<Document> detail::load_plain(const LoadTask& task) {
  return visible_document(TRY(decode_text(task.source.bytes, task.charset)));
}

namespace {

Result<void> check_size(const Source& source, const LoadOptions& options) {
  if (source.bytes.empty()) return fail(Code::invalid_argument, "is empty");
  if (source.bytes.size() > options.bytes_max)
    return fail(Code::invalid_argument, "is {}, larger than the limit of {}; split it",
                mebibytes(source.bytes.size()), mebibytes(options.bytes_max));
  return {};
}

Result<detail::Documents> read(const detail::LoadTask& task, const MediaType& type) {
  if (detail::find_format(type.name) != nullptr) return detail::read_format(task, type.name);
  const bool has_ocr = !task.options.ocr_command.empty();
  detail::Documents documents;
  if (has_ocr && type.name.starts_with("image/")) {
    documents.push_back(TRY(detail::load_by_ocr(task, 0)));
    return documents;
  }
  const Loader loader = loader_of(type.name);
  if (loader == nullptr)
    return fail(Code::unsupported, "media type '{}' has no loader; {} have", type.name,
                detail::format_list());
  if (loader == detail::load_plain || loader == detail::load_markdown)
    TRY(detect_media_type(task.source.path, task.source.bytes));  // Refuses disguised binary data.
  auto document = loader(task);
  if (!document && has_ocr && loader == detail::load_pdf)
    if (const int pages = detail::scanned_pages(document.error().message()); pages > 0)
      document = detail::load_by_ocr(task, pages);
  documents.push_back(TRY(std::move(document)));
  return documents;
}

}  // namespace

Result<std::vector<Document>> load_all(const Context& context, const Source& source,
                                       const LoadOptions& options) {
  TRY(context.check());
  TRY(check_size(source, options));
  const std::string detected = TRY([&]() -> Result<std::string> {
    if (!source.media_type.empty()) return source.media_type;
    const std::string_view image = detail::image_type(source.bytes);
    if (!image.empty() && !options.ocr_command.empty()) return std::string(image);
    return detect_media_type(source.path, source.bytes);
  }());
  const MediaType type = parse_media_type(detected);
  detail::Documents documents = TRY(read({context, source, options, type.charset}, type));
  std::vector<Document> checked;
  Error last(Code::invalid_argument, "has no text");
  for (Document& document : documents) {
    if (document.media_type.empty()) document.media_type = type.name;
    auto good = check(std::move(document), source, options);
    if (good)
      checked.push_back(*std::move(good));
    else
      last = std::move(good.error());
  }
  if (checked.empty()) return last;
  return checked;
}

Result<Document> load(const Context& context, const Source& source, const LoadOptions& options) {
  auto documents = TRY(load_all(context, source, options));
  if (documents.size() > 1)
    return fail(Code::invalid_argument, "holds {} documents where one was expected",
                documents.size());
  return std::move(documents.front());
}

}  // namespace slipway::documents
