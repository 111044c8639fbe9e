// OpenDocument text: one pass over content.xml. Paragraph and span styles say what is hidden and
// what is code; tracked deletions stand apart from the text and are left out.
#include <cstdlib>
#include <map>
#include <set>

#include "core/unicode.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/office_package.hpp"
#include "documents/detail/office_text.hpp"

namespace slipway::documents::detail {

namespace {

using Gap = OfficeText::Gap;

struct OdtStyles {
  std::set<std::string> hidden;
  std::set<std::string> code;
  std::set<std::string> titles;
  std::map<std::string, bool> numbered_lists;  ///< By name, of the first level.

  Result<void> read(std::string_view xml) {
    std::string style;
    std::string list;
    return for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
      const std::string_view name = reader.name();
      if (name == "style" && reader.full_name() != "number:style") read_style(reader, style);
      if (name == "text-properties" && reader.attribute("display") == "none") hidden.insert(style);
      if (name == "list-style") list = reader.attribute("name");
      const bool is_level = name.starts_with("list-level-style-");
      if (is_level && reader.attribute("level") == "1")
        numbered_lists[list] = name == "list-level-style-number";
      return {};
    });
  }

 private:
  void read_style(const XmlReader& reader, std::string& style) {
    style = reader.attribute("name");
    const std::string parent = reader.attribute("parent-style-name");
    const std::string lower = unicode::to_lower(style);
    const bool is_code = lower.starts_with("preformatted") || lower.starts_with("source_20_") ||
                         lower == "code" || code.contains(parent) ||
                         unicode::to_lower(parent).starts_with("preformatted");
    if (is_code) code.insert(style);
    if (style == "Title" || parent == "Title") titles.insert(style);
    if (hidden.contains(parent)) hidden.insert(style);
  }
};

class OdtBody {
 public:
  OdtBody(const OdtStyles& styles, OfficeText& out) : styles_(styles), out_(out) {}

  Result<void> read(std::string_view xml) {
    XmlReader reader(xml);
    while (true) {
      const XmlEvent event = TRY(reader.next());
      if (event == XmlEvent::done) break;
      if (event == XmlEvent::start) TRY(enter(reader));
      if (event == XmlEvent::text) add_text(folded_inside(reader.text()));
      if (event == XmlEvent::end) leave(reader);
    }
    flush_code();
    return {};
  }

  std::string title;

 private:
  struct Block {
    std::string text;
    std::string style;
    int heading = 0;
  };
  struct List {
    bool is_numbered = false;
    int items = 0;
  };

  Result<void> enter(XmlReader& reader) {
    const std::string_view name = reader.name();
    for (const std::string_view skipped :
         {"tracked-changes", "annotation", "forms", "styles", "automatic-styles", "master-styles",
          "font-face-decls", "sequence-decls", "object", "note-citation", "ruby-text", "script"})
      if (name == skipped) return reader.skip();
    if (hidden_at_ == 0 && is_hidden(reader)) hidden_at_ = reader.depth();
    if (name == "p" || name == "h") open_block(reader);
    if (name == "list") open_list(reader);
    if (name == "list-item") {
      if (!lists_.empty()) ++lists_.back().items;
      item_is_new_ = true;
    }
    if (name == "table" && reader.full_name().starts_with("table:")) {
      flush_code();
      tables_.emplace_back();
    }
    if (name == "table-cell" && !tables_.empty()) tables_.back().cell.clear();
    if (name == "note") add_text(" (");
    if (name == "tab") add_text("\t");
    if (name == "line-break") add_text("\n");
    if (name == "s") {
      const int count = std::clamp(std::atoi(reader.attribute("c").c_str()), 1, 1000);
      add_text(std::string(static_cast<std::size_t>(count), ' '));
    }
    return {};
  }

  bool is_hidden(const XmlReader& reader) const {
    if (reader.name() == "hidden-text" || reader.name() == "hidden-paragraph") return true;
    if (reader.attribute("display") == "none") return true;
    return styles_.hidden.contains(reader.attribute("style-name"));
  }

  void leave(const XmlReader& reader) {
    const std::string_view name = reader.name();
    if (name == "note") add_text(")");
    if ((name == "p" || name == "h") && !blocks_.empty()) close_block();
    if (name == "list" && !lists_.empty()) lists_.pop_back();
    if (!tables_.empty()) leave_table(name);
    if (hidden_at_ > reader.depth()) hidden_at_ = 0;
  }

  void leave_table(std::string_view name) {
    OpenTable& table = tables_.back();
    if (name == "table-cell" || name == "covered-table-cell")
      table.cells.push_back(std::exchange(table.cell, {}));
    if (name == "table-row") {
      if (tables_.size() > 1) {
        for (const std::string& cell : table.cells) append(tables_[tables_.size() - 2].cell, cell);
      } else {
        out_.add_row(table.cells, table.is_first_row ? Gap::blank : Gap::line);
        table.is_first_row = false;
      }
      table.cells.clear();
    }
    if (name == "table") tables_.pop_back();
  }

  void open_block(const XmlReader& reader) {
    Block block;
    block.style = reader.attribute("style-name");
    if (reader.name() == "h")
      block.heading = std::clamp(std::atoi(reader.attribute("outline-level").c_str()), 1, 6);
    blocks_.push_back(std::move(block));
  }

  void open_list(const XmlReader& reader) {
    List list;
    const auto style = styles_.numbered_lists.find(reader.attribute("style-name"));
    if (style != styles_.numbered_lists.end())
      list.is_numbered = style->second;
    else if (!lists_.empty())
      list.is_numbered = lists_.back().is_numbered;
    lists_.push_back(list);
  }

  void close_block() {
    const Block block = std::move(blocks_.back());
    blocks_.pop_back();
    if (!blocks_.empty()) return add_text(block.text);  // A note or a text box inside.
    if (!tables_.empty()) return append(tables_.back().cell, block.text);
    if (styles_.code.contains(block.style) || block.style.starts_with("Preformatted")) {
      code_ += block.text + "\n";
      return;
    }
    flush_code();
    if (title.empty() && (block.style == "Title" || styles_.titles.contains(block.style)))
      title = clean_title(block.text);
    if (block.heading > 0)
      out_.add_heading(block.text, block.heading);
    else if (!lists_.empty() && item_is_new_)
      add_item(block.text);
    else
      out_.add(block.text, lists_.empty() ? Gap::blank : Gap::line);
  }

  void add_item(const std::string& text) {
    if (folded(text).empty()) return;
    item_is_new_ = false;
    const List& list = lists_.back();
    out_.add_item((list.is_numbered ? fmt::format("{}. ", list.items) : "- ") + text,
                  static_cast<int>(lists_.size()) - 1);
  }

  void add_text(std::string_view text) {
    if (blocks_.empty()) return;
    if (hidden_at_ > 0)
      out_.hide(text);
    else
      blocks_.back().text += text;
  }

  /// White space folds, but the space between two spans stays.
  static std::string folded_inside(const std::string& text) {
    std::string out;
    for (const char c : text) {
      const bool is_space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
      if (!is_space)
        out += c;
      else if (out.empty() || out.back() != ' ')
        out += ' ';
    }
    return out;
  }

  static void append(std::string& cell, const std::string& text) {
    if (folded(text).empty()) return;
    cell += cell.empty() ? text : " " + text;
  }

  void flush_code() {
    out_.add_code(code_);
    code_.clear();
  }

  const OdtStyles& styles_;
  OfficeText& out_;
  std::vector<Block> blocks_;
  std::vector<List> lists_;
  std::vector<OpenTable> tables_;
  std::string code_;
  bool item_is_new_ = false;
  std::size_t hidden_at_ = 0;  ///< Depth of the outermost hidden element around; 0 outside.
};

Result<void> read_meta(ZipArchive& zip, Document& document) {
  if (!zip.has("meta.xml")) return {};
  const std::string xml = TRY(decode_xml(TRY(zip.read("meta.xml"))));
  return for_each_start(xml,
                        [&](XmlReader& reader) -> Result<void> {
                          if (reader.depth() != 3) return {};
                          const std::string name(reader.name());
                          note_property(name == "keyword" ? "keywords" : name,
                                        TRY(reader.inner_text()), document);
                          return {};
                        })
      .within("meta.xml");
}

}  // namespace

Result<Documents> read_odt(const ReadTask& task) {
  ZipArchive zip = TRY(ZipArchive::open(task.bytes, unpacked_bytes_max(task)));
  const std::string content = TRY(decode_xml(TRY(zip.read("content.xml"))));
  OdtStyles styles;
  if (zip.has("styles.xml"))
    TRY(styles.read(TRY(decode_xml(TRY(zip.read("styles.xml"))))).within("styles.xml"));
  TRY(styles.read(content).within("content.xml"));
  Document document;
  TRY(read_meta(zip, document));
  OfficeText text;
  OdtBody body(styles, text);
  TRY(body.read(content).within("content.xml"));
  if (document.title.empty()) document.title = body.title;
  text.move_to(document);
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
