// A book is its chapters in reading order; each is a web page and is read by the rules of HTML.
#include <map>

#include "documents/detail/block_list.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/html_nesting.hpp"
#include "documents/detail/html_text.hpp"
#include "documents/detail/office_package.hpp"
#include "documents/detail/percent.hpp"

namespace slipway::documents::detail {

namespace {

struct Book {
  std::map<std::string, std::string> chapters_by_id;  ///< Parts that are pages.
  std::vector<std::string> order;                     ///< Ids of the manifest.
};

Result<std::string> find_package_part(ZipArchive& zip) {
  const std::string_view container = "META-INF/container.xml";
  const std::string xml = TRY(decode_xml(TRY(zip.read(container))));
  std::string part;
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        if (reader.name() == "rootfile" && part.empty()) part = reader.attribute("full-path");
        return {};
      }).within(container));
  if (part.empty())
    return fail(Code::invalid_argument, "its container.xml names no book; it is damaged");
  return part;
}

Result<Book> read_package(std::string_view xml, const std::string& part, Document& document) {
  Book book;
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        if (reader.name() == "item") {
          const std::string type = reader.attribute("media-type");
          if (type == "application/xhtml+xml" || type == "text/html")
            book.chapters_by_id[reader.attribute("id")] =
                resolve_part(part, reader.attribute("href"));
        }
        if (reader.name() == "itemref") book.order.push_back(reader.attribute("idref"));
        if (reader.full_name().starts_with("dc:")) {
          const std::string name(reader.name());
          note_property(name, TRY(reader.inner_text()), document);
        }
        return {};
      }).within(part));
  return book;
}

/// Whether the text itself is locked; a list of scrambled fonts is harmless.
Result<bool> is_protected(ZipArchive& zip, const Book& book) {
  const std::string_view part = "META-INF/encryption.xml";
  if (!zip.has(part)) return false;
  const std::string xml = TRY(decode_xml(TRY(zip.read(part))));
  bool is_locked = false;
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        if (reader.name() != "CipherReference") return {};
        const std::string locked = percent_decoded(reader.attribute("URI"));
        for (const auto& [id, chapter] : book.chapters_by_id)
          is_locked = is_locked || percent_decoded(chapter) == locked;
        return {};
      }).within(part));
  return is_locked;
}

Result<void> add_chapter(const std::string& bytes, Document& book, std::size_t& hidden) {
  std::string charset = declared_xml_encoding(bytes);
  DecodedText decoded =
      TRY(decode_text(bytes, charset.empty() ? declared_charset(bytes) : charset));
  // HTML would read the declaration of XML as a comment, which is counted as hidden.
  if (const std::size_t end = decoded.text.find("?>");
      decoded.text.starts_with("<?xml") && end != std::string::npos)
    decoded.text.erase(0, end + 2);
  flatten_deep_nesting(decoded.text);
  const HtmlPage page = TRY(html_to_page(decoded.text));
  hidden += page.hidden;
  const Document& chapter = page.document;
  if (chapter.text.empty()) return {};
  if (!book.text.empty()) book.text += "\n\n";
  for (SourceMap::Heading heading : chapter.map.headings) {
    heading.text_start += book.text.size();
    book.map.headings.push_back(std::move(heading));
  }
  const std::size_t start = book.text.size();
  book.text += chapter.text;
  append_blocks(book.map.blocks, chapter.map.blocks, {start, book.text.size()});
  return {};
}

}  // namespace

Result<Documents> read_epub(const ReadTask& task) {
  ZipArchive zip = TRY(ZipArchive::open(task.bytes, unpacked_bytes_max(task)));
  const std::string part = TRY(find_package_part(zip));
  const std::string xml = TRY(decode_xml(TRY(zip.read(part))));
  Document document;
  const Book book = TRY(read_package(xml, part, document));
  if (TRY(is_protected(zip, book)))
    return fail(Code::invalid_argument, "is protected by DRM; get the book without it");
  std::size_t hidden = 0;
  for (const std::string& id : book.order) {
    const auto found = book.chapters_by_id.find(id);
    if (found == book.chapters_by_id.end()) continue;  // A picture as a page.
    const std::string& name = found->second;
    const std::string bytes = TRY(zip.read(zip.has(name) ? name : percent_decoded(name)));
    TRY(add_chapter(bytes, document, hidden).within(name));
    if (document.text.size() > task.text_bytes_max)
      return fail(Code::invalid_argument, "its text is larger than the limit of {} MiB; split it",
                  task.text_bytes_max >> 20);
  }
  warn_of_hidden(hidden, document);
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
