// One pass over word/document.xml. What a reader of the printed page would not see is dropped and
// counted: hidden runs and text that tracked changes have deleted. Headers and footers repeat on
// every page and are left out; comments are counted in a warning.
#include "documents/detail/docx_styles.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/office_package.hpp"
#include "documents/detail/office_text.hpp"

namespace slipway::documents::detail {

namespace {

using Gap = OfficeText::Gap;

struct Parts {
  DocxStyles styles;
  DocxNumbering numbering;
};

class DocxBody {
 public:
  DocxBody(Parts& parts, OfficeText& out) : parts_(parts), out_(out) {}

  Result<void> read(std::string_view xml) {
    XmlReader reader(xml);
    while (true) {
      const XmlEvent event = TRY(reader.next());
      if (event == XmlEvent::done) break;
      if (event == XmlEvent::start) TRY(enter(reader));
      if (event == XmlEvent::end) leave(reader);
    }
    flush_code();
    return {};
  }

  /// Ids of the notes that the text refers to, in its order: "footnote 2".
  const std::vector<std::string>& notes() const { return notes_; }
  std::string title;  ///< Of the first paragraph in the style "Title".

 private:
  struct Paragraph {
    std::string text;
    DocxFormat format;
    bool run_is_hidden = false;
  };

  Result<void> enter(XmlReader& reader) {
    const std::string_view name = reader.name();
    if (deleted_at_ == 0 && (name == "del" || name == "moveFrom")) deleted_at_ = reader.depth();
    if (name == "p") paragraphs_.emplace_back();
    if (name == "tbl") open_table();
    if (name == "tc" && !tables_.empty()) tables_.back().cell.clear();
    if (name == "r" && !paragraphs_.empty())
      paragraphs_.back().run_is_hidden = paragraphs_.back().format.is_hidden.value_or(false);
    if (name == "pPr") return read_paragraph_format(reader);
    if (name == "rPr") return read_run_format(reader);
    if (name == "t" || name == "delText") return add_text(TRY(reader.inner_text()));
    // Fallback repeats what stands beside it for old programs; rt is the reading of a character.
    for (const std::string_view skipped : {"Fallback", "sdtPr", "tblPr", "trPr", "tcPr", "sectPr",
                                           "instrText", "delInstrText", "rt", "tblGrid"})
      if (name == skipped) return reader.skip();
    return add_sign(reader);
  }

  void leave(const XmlReader& reader) {
    if (deleted_at_ > reader.depth()) deleted_at_ = 0;
    const std::string_view name = reader.name();
    if (name == "p" && !paragraphs_.empty()) {
      const Paragraph paragraph = std::move(paragraphs_.back());
      paragraphs_.pop_back();
      end_paragraph(paragraph);
    }
    if (tables_.empty()) return;
    if (name == "tc") tables_.back().cells.push_back(std::move(tables_.back().cell));
    if (name == "tr") end_row();
    if (name == "tbl") close_table();
  }

  Result<void> read_paragraph_format(XmlReader& reader) {
    std::string style;
    DocxFormat own = TRY(read_docx_format(reader, style));
    if (paragraphs_.empty()) return {};
    DocxFormat format = parts_.styles.of(style);
    if (own.heading) format.heading = own.heading;
    if (own.list) format.list = own.list;
    if (own.list_level) format.list_level = own.list_level;
    paragraphs_.back().format = std::move(format);
    return {};
  }

  Result<void> read_run_format(XmlReader& reader) {
    std::string style;
    const DocxFormat own = TRY(read_docx_format(reader, style));
    if (paragraphs_.empty()) return {};
    bool& is_hidden = paragraphs_.back().run_is_hidden;
    is_hidden = own.is_hidden.value_or(parts_.styles.of(style).is_hidden.value_or(is_hidden));
    return {};
  }

  Result<void> add_text(std::string_view text) {
    if (paragraphs_.empty()) return {};
    if (deleted_at_ > 0 || paragraphs_.back().run_is_hidden)
      out_.hide(text);
    else
      paragraphs_.back().text += text;
    return {};
  }

  Result<void> add_sign(const XmlReader& reader) {
    const std::string_view name = reader.name();
    if (name == "tab" || name == "ptab") return add_text("\t");
    if (name == "br" || name == "cr") return add_text("\n");
    if (name == "noBreakHyphen") return add_text("-");
    if (name != "footnoteReference" && name != "endnoteReference") return {};
    if (deleted_at_ > 0) return {};
    notes_.push_back(fmt::format("{} {}", name.substr(0, name.size() - 9), reader.attribute("id")));
    return add_text(fmt::format("[^{}]", notes_.size()));
  }

  void end_paragraph(const Paragraph& paragraph) {
    const DocxFormat& format = paragraph.format;
    const std::string mark = next_mark(paragraph);
    if (!tables_.empty()) {
      std::string& cell = tables_.back().cell;
      if (!cell.empty() && !paragraph.text.empty()) cell += '\n';
      cell += paragraph.text.empty() ? "" : mark + paragraph.text;
      return;
    }
    if (format.is_code) {
      code_ += paragraph.text + "\n";
      return;
    }
    flush_code();
    if (format.is_title && title.empty()) title = clean_title(paragraph.text);
    if (format.heading)
      out_.add_heading(mark + paragraph.text, *format.heading);
    else if (!mark.empty())
      out_.add_item(mark + paragraph.text, format.list_level.value_or(0));
    else
      out_.add(paragraph.text, Gap::blank);
  }

  std::string next_mark(const Paragraph& paragraph) {
    const DocxFormat& format = paragraph.format;
    if (!format.list || *format.list == "0" || folded(paragraph.text).empty()) return {};
    return parts_.numbering.next_mark(*format.list, format.list_level.value_or(0));
  }

  void flush_code() {
    out_.add_code(code_);
    code_.clear();
  }

  void open_table() {
    flush_code();
    tables_.emplace_back();
  }

  void end_row() {
    OpenTable& table = tables_.back();
    if (tables_.size() > 1) {  // A table inside a cell is a line of that cell.
      std::string& outer = tables_[tables_.size() - 2].cell;
      for (const std::string& cell : table.cells)
        if (const std::string text = folded(cell); !text.empty())
          outer += outer.empty() ? text : " " + text;
    } else {
      out_.add_row(table.cells, table.is_first_row ? Gap::blank : Gap::line);
      table.is_first_row = false;
    }
    table.cells.clear();
  }

  void close_table() { tables_.pop_back(); }

  Parts& parts_;
  OfficeText& out_;
  std::vector<Paragraph> paragraphs_;  ///< More than one where a text box stands in a paragraph.
  std::vector<OpenTable> tables_;
  std::string code_;
  std::size_t deleted_at_ = 0;  ///< Depth of the outermost w:del around; 0 outside.
  std::vector<std::string> notes_;
};

/// Text of every w:footnote or w:endnote by "footnote 2".
Result<std::map<std::string, std::string>> read_notes(std::string_view xml, std::string_view kind,
                                                      Parts& parts, OfficeText& hidden) {
  std::map<std::string, std::string> notes;
  XmlReader reader(xml);
  while (true) {
    const XmlEvent event = TRY(reader.next());
    if (event == XmlEvent::done) return notes;
    if (event != XmlEvent::start || reader.name() != kind) continue;
    const std::string id = fmt::format("{} {}", kind, reader.attribute("id"));
    const std::size_t start = reader.offset();
    TRY(reader.skip());
    OfficeText text;
    DocxBody body(parts, text);
    TRY(body.read(xml.substr(start, reader.event_start() - start)));
    notes[id] = folded(text.text());
    hidden.hide_more(text.hidden());
  }
}

Result<void> append_notes(OfficePackage& package, const Relationships& relationships,
                          const DocxBody& body, Parts& parts, OfficeText& out) {
  if (body.notes().empty()) return {};
  std::map<std::string, std::string> all;
  for (const std::string_view kind : {"footnote", "endnote"}) {
    const std::string part = OfficePackage::target_of(relationships, std::string(kind) + "s");
    if (part.empty() || !package.has(part)) continue;
    const std::string xml = TRY(package.read(part));
    all.merge(TRY(read_notes(xml, kind, parts, out).within(part)));
  }
  Gap gap = Gap::blank;
  for (std::size_t i = 0; i < body.notes().size(); ++i) {
    const auto found = all.find(body.notes()[i]);
    if (found == all.end() || found->second.empty()) continue;
    out.add(fmt::format("[^{}]: {}", i + 1, found->second), gap);
    gap = Gap::line;
  }
  return {};
}

Result<void> warn_of_comments(OfficePackage& package, const Relationships& relationships,
                              Document& document) {
  const std::string part = OfficePackage::target_of(relationships, "comments");
  if (part.empty() || !package.has(part)) return {};
  std::size_t count = 0;
  const std::string xml = TRY(package.read(part));
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        count += reader.name() == "comment";
        return {};
      }).within(part));
  if (count > 0) document.warnings.push_back(fmt::format("{} comments left out", count));
  return {};
}

}  // namespace

Result<Documents> read_docx(const ReadTask& task) {
  OfficePackage package = TRY(OfficePackage::open(task));
  const Relationships relationships = TRY(package.relationships(package.main_part()));
  Parts parts;
  const std::string styles = OfficePackage::target_of(relationships, "styles");
  if (package.has(styles)) TRY(parts.styles.read(TRY(package.read(styles))).within(styles));
  const std::string numbering = OfficePackage::target_of(relationships, "numbering");
  if (package.has(numbering))
    TRY(parts.numbering.read(TRY(package.read(numbering))).within(numbering));

  const std::string xml = TRY(package.read(package.main_part()));
  OfficeText text;
  DocxBody body(parts, text);
  TRY(body.read(xml).within(package.main_part()));
  TRY(append_notes(package, relationships, body, parts, text));
  Document document;
  TRY(package.read_properties(document));
  if (document.title.empty()) document.title = body.title;
  text.move_to(document);
  TRY(warn_of_comments(package, relationships, document));
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
