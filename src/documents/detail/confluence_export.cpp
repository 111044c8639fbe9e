// Space exports of Confluence. The XML one is a dump of database objects: pages, their bodies and
// labels refer to each other by id, old versions stand beside the current ones. The HTML one is a
// web page for every page.
#include <map>

#include "core/unicode.hpp"
#include "documents/detail/confluence_storage.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/html_nesting.hpp"
#include "documents/detail/office_package.hpp"
#include "documents/detail/office_text.hpp"

namespace slipway::documents::detail {

namespace {

/// What an <object> says: its id and properties; references are the id of what they lead to.
struct ExportObject {
  std::string kind;
  std::string id;
  std::map<std::string, std::string> properties;

  std::string get(const std::string& name) const {
    const auto found = properties.find(name);
    return found == properties.end() ? std::string() : found->second;
  }
};

Result<ExportObject> read_object(XmlReader& reader) {
  ExportObject object;
  object.kind = reader.attribute("class");
  const std::size_t outside = reader.depth() - 1;
  while (reader.depth() > outside) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) break;
    if (event != XmlEvent::start) continue;
    const std::string name = reader.attribute("name");
    if (reader.name() == "id" && object.id.empty()) {
      object.id = folded(TRY(reader.inner_text()));
    } else if (reader.name() == "property") {
      const bool is_reference = reader.find_attribute("class").has_value();
      std::string value = TRY(reader.inner_text());
      object.properties[name] = is_reference ? folded(value) : std::move(value);
    } else {
      TRY(reader.skip());
    }
  }
  return object;
}

struct SpaceExport {
  std::vector<ExportObject> pages;             ///< Current pages and blog posts.
  std::map<std::string, ExportObject> bodies;  ///< By the id of their page.
  std::map<std::string, std::string> titles;   ///< By id of the page.
  std::map<std::string, std::string> parents;
  std::map<std::string, std::string> space_keys;
  std::map<std::string, std::string> label_names;
  std::map<std::string, std::vector<std::string>> labels;  ///< Ids, by the id of the page.
};

void take(ExportObject object, SpaceExport& space) {
  if (object.kind == "Page" || object.kind == "BlogPost") {
    const std::string status = object.get("contentStatus");
    const bool is_current =
        object.get("originalVersion").empty() && (status.empty() || status == "current");
    if (!is_current) return;
    space.titles[object.id] = clean_title(object.get("title"));
    space.parents[object.id] = object.get("parent");
    space.pages.push_back(std::move(object));
  } else if (object.kind == "BodyContent") {
    std::string page = object.get("content");
    space.bodies[std::move(page)] = std::move(object);
  } else if (object.kind == "Space") {
    space.space_keys[object.id] = clean_title(object.get("key"));
  } else if (object.kind == "Label") {
    space.label_names[object.id] = clean_title(object.get("name"));
  } else if (object.kind == "Labelling") {
    const std::string page = object.get("content");
    space.labels[page.empty() ? object.get("labelableId") : page].push_back(object.get("label"));
  }
}

void set(json::Object& metadata, std::string_view key, const std::string& value) {
  if (!value.empty()) metadata[key] = value;
}

json::Array ancestors_of(const SpaceExport& space, const std::string& page) {
  constexpr std::size_t ancestors_max = 50;  // A damaged export may go round in a circle.
  std::vector<std::string> titles;
  auto parent = space.parents.find(page);
  while (parent != space.parents.end() && !parent->second.empty() &&
         titles.size() < ancestors_max) {
    const auto title = space.titles.find(parent->second);
    if (title == space.titles.end()) break;
    titles.push_back(title->second);
    parent = space.parents.find(parent->second);
  }
  json::Array array;
  for (auto title = titles.rbegin(); title != titles.rend(); ++title)
    array.push_back(json::Value(boost::json::string(*title)));
  return array;
}

/// The export writes the end of an inner CDATA section with a space.
std::string repaired(std::string body) {
  for (std::size_t at = body.find("]] >"); at != std::string::npos; at = body.find("]] >", at + 3))
    body.erase(at + 2, 1);
  return body;
}

Result<Document> page_of(const SpaceExport& space, const ExportObject& page) {
  Document document;
  const auto body = space.bodies.find(page.id);
  if (body != space.bodies.end()) {
    HtmlPage read = TRY(storage_to_page(repaired(body->second.get("body"))));
    document = std::move(read.document);
    document.map.pieces.clear();  // They lead into the body, not into the ZIP file.
    warn_of_hidden(read.hidden, document);
  }
  document.part = page.id;
  document.title = space.titles.at(page.id);
  document.media_type = "application/vnd.atlassian.confluence+xml";
  json::Object& metadata = document.metadata;
  const auto key = space.space_keys.find(page.get("space"));
  if (key != space.space_keys.end()) set(metadata, "space", key->second);
  set(metadata, "kind", page.kind == "BlogPost" ? "blogpost" : "page");
  set(metadata, "version", clean_title(page.get("version")));
  set(metadata, "created", clean_title(page.get("creationDate")));
  set(metadata, "modified", clean_title(page.get("lastModificationDate")));
  if (json::Array ancestors = ancestors_of(space, page.id); !ancestors.empty())
    metadata["ancestors"] = std::move(ancestors);
  json::Array labels;
  if (const auto given = space.labels.find(page.id); given != space.labels.end())
    for (const std::string& label : given->second)
      if (const auto name = space.label_names.find(label); name != space.label_names.end())
        labels.push_back(json::Value(boost::json::string(name->second)));
  if (!labels.empty()) metadata["labels"] = std::move(labels);
  return document;
}

/// Collects pages; one that is damaged is a warning as long as another can be read.
class PageList {
 public:
  void add(Result<Document> page, const std::string& name) {
    if (page) {
      if (!unicode::trim(page->text).empty()) documents_.push_back(*std::move(page));
      return;
    }
    if (failed_++ == 0) first_ = fmt::format("'{}' {}", clean_title(name), page.error().message());
  }
  Result<Documents> take() {
    if (documents_.empty() && failed_ > 0)
      return fail(Code::invalid_argument, "none of its pages can be read: {}", first_);
    if (documents_.empty()) return fail(Code::invalid_argument, "has no page with text");
    if (failed_ > 0)
      documents_.front().warnings.push_back(
          fmt::format("{} pages of the export left out, the first: {}", failed_, first_));
    return std::move(documents_);
  }

 private:
  Documents documents_;
  std::size_t failed_ = 0;
  std::string first_;
};

constexpr std::string_view content_mark = "id=\"main-content\"";

/// From the page of an HTML export, what was written and not what the export puts around it.
std::string_view content_of(std::string_view html) {
  const std::size_t mark = html.find(content_mark);
  if (mark == std::string_view::npos) return html;
  const std::size_t start = html.rfind('<', mark);
  const std::size_t footer = html.find("id=\"footer\"", mark);
  const std::size_t end = footer == std::string_view::npos ? html.size() : html.rfind('<', footer);
  return start == std::string_view::npos || end < start ? html : html.substr(start, end - start);
}

Result<Document> html_page_of(std::string_view name, const std::string& bytes) {
  DecodedText decoded = TRY(decode_text(bytes, declared_charset(bytes)));
  flatten_deep_nesting(decoded.text);
  const HtmlPage whole = TRY(html_to_page(decoded.text));
  HtmlPage content = TRY(html_to_page(content_of(decoded.text)));
  Document document = std::move(content.document);
  document.map.pieces.clear();
  document.part = name;
  document.media_type = "text/html";
  document.metadata = whole.document.metadata;
  document.title = whole.document.title;
  // "SPACE : Title"
  if (const std::size_t colon = document.title.find(" : "); colon != std::string::npos)
    document.title.erase(0, colon + 3);
  warn_of_hidden(content.hidden, document);
  return document;
}

}  // namespace

Result<Documents> read_confluence_xml_export(const ReadTask& task) {
  ZipArchive zip = TRY(ZipArchive::open(task.bytes, unpacked_bytes_max(task)));
  const std::string xml = TRY(decode_xml(TRY(zip.read("entities.xml"))));
  SpaceExport space;
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        if (reader.name() == "object") take(TRY(read_object(reader)), space);
        return {};
      }).within("entities.xml"));
  if (space.pages.empty())
    return fail(Code::invalid_argument, "has no page; it is no export of a Confluence space");
  if (space.pages.size() > task.parts_max)
    return fail(Code::invalid_argument, "holds {} pages, more than the limit of {}",
                space.pages.size(), task.parts_max);
  PageList pages;
  for (const ExportObject& page : space.pages)
    pages.add(page_of(space, page), space.titles.at(page.id));
  return pages.take();
}

Result<Documents> read_confluence_html_export(const ReadTask& task) {
  ZipArchive zip = TRY(ZipArchive::open(task.bytes, unpacked_bytes_max(task)));
  std::vector<std::string> names;
  for (const ZipArchive::Part& part : zip.parts())
    if (part.name.ends_with(".html")) names.push_back(part.name);
  if (names.size() > task.parts_max)
    return fail(Code::invalid_argument, "holds {} pages, more than the limit of {}", names.size(),
                task.parts_max);
  bool is_export = false;
  PageList pages;
  for (const std::string& name : names) {
    const bool is_list = name == "index.html" || name.ends_with("/index.html");
    const std::string bytes = TRY(zip.read(name));
    is_export = is_export || bytes.find(content_mark) != std::string::npos;
    if (!is_list || names.size() == 1) pages.add(html_page_of(name, bytes), name);
  }
  if (!is_export)
    return fail(Code::unsupported,
                "a ZIP file of web pages that is no Confluence export; unpack it and name the "
                "folder");
  return pages.take();
}

}  // namespace slipway::documents::detail
