// A slide is a page: its title, then the texts of its shapes in their order, tables as rows, and
// the speaker's notes. Hidden slides and shapes are left out, reported and counted.
#include "documents/detail/docx_styles.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/office_package.hpp"
#include "documents/detail/office_text.hpp"

namespace slipway::documents::detail {

namespace {

using Gap = OfficeText::Gap;

struct SlideParagraph {
  std::string text;
  int level = 0;
  enum class Mark { unknown, none, bullet, number } mark = Mark::unknown;
};

/// A shape with text, or a table.
struct Shape {
  std::string placeholder;  ///< "title", "body" ...; "obj" when it says no type; empty for none.
  bool is_placeholder = false;
  bool is_hidden = false;
  std::vector<SlideParagraph> paragraphs;
  std::vector<std::vector<std::string>> rows;

  bool is_title() const { return placeholder == "title" || placeholder == "ctrTitle"; }
  /// Text of the layout itself: numbers, dates, footers.
  bool is_furniture() const {
    return placeholder == "sldNum" || placeholder == "dt" || placeholder == "ftr" ||
           placeholder == "hdr" || placeholder == "sldImg";
  }
};

class SlideReader {
 public:
  Result<std::vector<Shape>> read(std::string_view xml) {
    XmlReader reader(xml);
    while (true) {
      const XmlEvent event = TRY(reader.next());
      if (event == XmlEvent::done) break;
      if (event == XmlEvent::start) TRY(enter(reader));
      if (event == XmlEvent::end) leave(reader.name());
    }
    return std::move(shapes_);
  }
  bool is_hidden() const { return is_hidden_; }

 private:
  Result<void> enter(XmlReader& reader) {
    const std::string_view name = reader.name();
    if (name == "sld") is_hidden_ = !is_on(reader.attribute("show"), true);
    if (name == "sp" || name == "graphicFrame" || name == "cxnSp") shapes_.emplace_back();
    if (name == "Fallback") return reader.skip();
    if (shapes_.empty()) return {};
    Shape& shape = shapes_.back();
    if (name == "cNvPr") shape.is_hidden = is_on(reader.attribute("hidden"), false);
    if (name == "ph") {
      shape.is_placeholder = true;
      shape.placeholder = reader.attribute("type");
      if (shape.placeholder.empty()) shape.placeholder = "obj";
    }
    if (name == "tr") shape.rows.emplace_back();
    if (name == "tc" && !shape.rows.empty()) shape.rows.back().emplace_back();
    if (name == "p") paragraph_ = SlideParagraph();
    if (name == "pPr") paragraph_.level = std::atoi(reader.attribute("lvl").c_str());
    if (name == "buNone") paragraph_.mark = SlideParagraph::Mark::none;
    if (name == "buChar" || name == "buBlip") paragraph_.mark = SlideParagraph::Mark::bullet;
    if (name == "buAutoNum") paragraph_.mark = SlideParagraph::Mark::number;
    if (name == "t") paragraph_.text += TRY(reader.inner_text());
    if (name == "br") paragraph_.text += '\n';
    if (name == "tab") paragraph_.text += '\t';
    return {};
  }

  void leave(std::string_view name) {
    if (name != "p" || shapes_.empty()) return;
    Shape& shape = shapes_.back();
    if (!shape.rows.empty() && !shape.rows.back().empty()) {
      std::string& cell = shape.rows.back().back();
      cell += cell.empty() ? paragraph_.text : "\n" + paragraph_.text;
    } else if (!folded(paragraph_.text).empty()) {
      shape.paragraphs.push_back(paragraph_);
    }
    paragraph_ = SlideParagraph();
  }

  std::vector<Shape> shapes_;
  SlideParagraph paragraph_;
  bool is_hidden_ = false;
};

std::string joined(const Shape& shape) {
  std::string text;
  for (const SlideParagraph& paragraph : shape.paragraphs)
    text += (text.empty() ? "" : " ") + paragraph.text;
  return text;
}

void add_paragraphs(const Shape& shape, OfficeText& out) {
  using Mark = SlideParagraph::Mark;
  // The layout puts bullets before the lines of a body; a single line is rather a subtitle.
  const bool is_list =
      (shape.placeholder == "body" || shape.placeholder == "obj") && shape.paragraphs.size() > 1;
  int number = 0;
  for (const SlideParagraph& paragraph : shape.paragraphs) {
    Mark mark = paragraph.mark;
    if (mark == Mark::unknown) mark = is_list ? Mark::bullet : Mark::none;
    number = mark == Mark::number ? number + 1 : 0;
    if (mark == Mark::none)
      out.add(paragraph.text, Gap::blank);
    else
      out.add_item((mark == Mark::bullet ? "- " : fmt::format("{}. ", number)) + paragraph.text,
                   paragraph.level);
  }
}

void add_shape(const Shape& shape, OfficeText& out) {
  add_paragraphs(shape, out);
  Gap gap = Gap::blank;
  for (const std::vector<std::string>& row : shape.rows) {
    out.add_row(row, gap);
    gap = Gap::line;
  }
}

void hide(const Shape& shape, OfficeText& out) {
  out.hide(joined(shape));
  for (const auto& row : shape.rows)
    for (const std::string& cell : row) out.hide(cell);
}

void add_slide(const std::vector<Shape>& shapes, OfficeText& out) {
  for (const Shape& shape : shapes)
    if (shape.is_title() && !shape.is_hidden) out.add_heading(joined(shape), 1);
  for (const Shape& shape : shapes) {
    if (shape.is_hidden)
      hide(shape, out);
    else if (!shape.is_title() && !shape.is_furniture())
      add_shape(shape, out);
  }
}

class Presentation {
 public:
  Presentation(OfficePackage& package, Document& document)
      : package_(package), document_(document) {}

  Result<void> read_slide(const std::string& part, int page) {
    const std::string xml = TRY(package_.read(part));
    SlideReader reader;
    const std::vector<Shape> shapes = TRY(reader.read(xml).within(part));
    if (reader.is_hidden()) {
      ++hidden_slides_;
      for (const Shape& shape : shapes) hide(shape, text_);
      return {};
    }
    const std::size_t before = text_.text().size();
    add_slide(shapes, text_);
    TRY(add_notes(part));
    const std::size_t start = before == 0 ? 0 : before + 2;  // Behind the blank line.
    if (text_.text().size() > start)
      document_.map.lines.push_back({start, text_.text().size(), page, {}});
    return {};
  }

  void finish() {
    if (hidden_slides_ > 0)
      document_.warnings.push_back(fmt::format("hidden slides left out: {}", hidden_slides_));
    text_.move_to(document_);
  }

 private:
  Result<void> add_notes(const std::string& slide) {
    const Relationships relationships = TRY(package_.relationships(slide));
    const std::string part = OfficePackage::target_of(relationships, "notesSlide");
    if (part.empty() || !package_.has(part)) return {};
    const std::string xml = TRY(package_.read(part));
    SlideReader reader;
    const std::vector<Shape> shapes = TRY(reader.read(xml).within(part));
    for (const Shape& shape : shapes) {
      if (shape.placeholder != "body") continue;
      const std::string notes = joined(shape);
      if (!folded(notes).empty()) text_.add("Notes: " + notes, Gap::blank);
    }
    return {};
  }

  OfficePackage& package_;
  Document& document_;
  OfficeText text_;
  std::size_t hidden_slides_ = 0;
};

}  // namespace

Result<Documents> read_pptx(const ReadTask& task) {
  OfficePackage package = TRY(OfficePackage::open(task));
  const Relationships relationships = TRY(package.relationships(package.main_part()));
  const std::string xml = TRY(package.read(package.main_part()));
  std::vector<std::string> slides;
  TRY(for_each_start(xml, [&](XmlReader& reader) -> Result<void> {
        if (reader.name() != "sldId") return {};
        const auto found = relationships.find(reader.prefixed_attribute("id"));
        if (found == relationships.end())
          return fail(Code::invalid_argument, "slide {} has no part; it is damaged",
                      slides.size() + 1);
        slides.push_back(found->second.target);
        return {};
      }).within(package.main_part()));
  if (slides.size() > static_cast<std::size_t>(task.pages_max))
    return fail(Code::invalid_argument, "has {} slides, more than the limit of {}", slides.size(),
                task.pages_max);
  Document document;
  TRY(package.read_properties(document));
  Presentation presentation(package, document);
  for (std::size_t i = 0; i < slides.size(); ++i)
    TRY(presentation.read_slide(slides[i], static_cast<int>(i + 1)));
  presentation.finish();
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
