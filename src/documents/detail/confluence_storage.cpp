#include "documents/detail/confluence_storage.hpp"

#include <algorithm>
#include <set>

#include "core/unicode.hpp"
#include "documents/detail/block_list.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/formats.hpp"
#include "documents/detail/html_lines.hpp"
#include "documents/detail/html_visibility.hpp"
#include "documents/detail/office_text.hpp"
#include "documents/detail/xml_reader.hpp"

namespace slipway::documents::detail {

namespace {

/// A value with the bytes that it stands in.
struct Placed {
  std::string text;
  std::size_t start = 0;
  std::size_t end = 0;
};

struct Macro {
  std::string name;
  Placed title;  ///< Also the text of a status, the key of a ticket.
  std::string language;
  bool has_body = false;
};

struct Element {
  std::string_view name;  ///< Without prefix; of the source.
  bool is_ordered = false;
  int items = 0;
  std::size_t start = 0;  ///< Length of the text when it began.
  bool is_hidden = false;
  bool is_preformatted = false;
};

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

int heading_level(std::string_view name) {
  return name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6' ? name[1] - '0' : 0;
}

std::optional<SourceMap::BlockKind> block_kind(std::string_view name) {
  if (name == "table") return SourceMap::BlockKind::table;
  if (name == "tr") return SourceMap::BlockKind::row;
  if (is_one_of(name, {"ul", "ol", "task-list"})) return SourceMap::BlockKind::list;
  if (is_one_of(name, {"li", "task"})) return SourceMap::BlockKind::item;
  if (name == "pre") return SourceMap::BlockKind::code;
  return std::nullopt;
}

/// Line breaks around an element: 2 a blank line, 0 none.
int breaks_around(std::string_view name) {
  if (is_one_of(name, {"li", "tr", "task", "caption"})) return 1;
  return heading_level(name) > 0 ||
                 is_one_of(name,
                           {"p", "div", "ul", "ol", "table", "blockquote", "pre", "hr", "task-list",
                            "layout-cell", "layout-section", "rich-text-body", "adf-content"})
             ? 2
             : 0;
}

class StorageWalker {
 public:
  explicit StorageWalker(std::string_view source) : reader_(source, XmlEntities::html) {}

  Result<void> walk() {
    while (true) {
      const XmlEvent event = TRY(reader_.next());
      if (event == XmlEvent::done) return {};
      if (event == XmlEvent::text) add_text();
      if (event == XmlEvent::end) leave();
      if (event == XmlEvent::start) TRY(enter());
    }
  }

  HtmlPage take() {
    HtmlPage page;
    page.hidden = hidden_ + lines_.invisible();
    MappedText mapped = lines_.take();
    page.document.text = mapped.take_text();
    page.document.map.pieces = mapped.take_pieces();
    page.document.map.headings = std::move(headings_);
    page.document.map.blocks = blocks_.take();
    if (!left_out_.empty())
      page.document.warnings.push_back(
          fmt::format("computed content left out: {}", fmt::join(left_out_, ", ")));
    return page;
  }

 private:
  Result<void> enter() {
    const std::string_view name = reader_.name();
    if (is_one_of(name, {"task-id", "task-uuid", "adf-attribute", "adf-fallback", "adf-mark",
                         "style", "script"}))
      return reader_.skip();
    if (name == "placeholder") {
      hidden_ += unicode::length(folded(TRY(reader_.inner_text())));
      return {};
    }
    if (name == "parameter") return read_parameter();
    if (name == "plain-text-body") return add_plain_body();
    if (name == "task-status") {
      task_is_done_ = folded(TRY(reader_.inner_text())) == "complete";
      return {};
    }
    Element element{name, name == "ol", 0, lines_.text().size(), is_hidden(), is_preformatted()};
    const Visibility style = visibility_of(reader_.attribute("style"));
    element.is_hidden = element.is_hidden || style.is_removed.value_or(false) ||
                        style.is_hidden.value_or(false) || style.has_no_size.value_or(false) ||
                        style.is_transparent.value_or(false);
    if (name == "pre") element.is_preformatted = true;
    if (!element.is_hidden) open_element(name);
    elements_.push_back(element);
    return {};
  }

  void open_element(std::string_view name) {
    if (is_one_of(name, {"structured-macro", "macro"}))
      macros_.push_back({reader_.attribute("name"), {}, "", false});
    if (name == "rich-text-body") open_rich_body();
    if (name == "br") in_cell() ? lines_.separate_words() : lines_.add_break();
    if (is_one_of(name, {"td", "th"})) {
      lines_.separate_cells();
      ++cell_depth_;
      return;
    }
    if (name == "tr" && cell_depth_ > 0) return lines_.separate_words();
    break_around(name);
    if (is_one_of(name, {"ul", "ol", "task-list"})) {
      ++list_depth_;
      if (lines_.text().ends_with(':')) lines_.limit_breaks(1);
    }
    if (name == "li") set_item_mark();
    if (name == "task-body") pending_mark_ = indent() + (task_is_done_ ? "- [x] " : "- [ ] ");
    if (name == "link") links_.push_back({});
    if (!links_.empty()) open_link_part(name);
    if (name == "time")
      add({reader_.attribute("datetime"), reader_.event_start(), reader_.offset()});
  }

  void open_link_part(std::string_view name) {
    if (is_one_of(name, {"page", "blog-post"}))
      links_.back() = {reader_.attribute("content-title"), reader_.event_start(), reader_.offset()};
    if (name == "attachment")
      links_.back() = {reader_.attribute("filename"), reader_.event_start(), reader_.offset()};
    if (name == "link-body" || name == "plain-text-link-body") links_.back().text.clear();
  }

  void leave() {
    // What enter() reads to its end never comes here.
    if (elements_.empty()) return;
    const Element element = elements_.back();
    elements_.pop_back();
    if (element.is_hidden) return;
    const std::string_view name = element.name;
    if (const auto kind = block_kind(name)) blocks_.add(*kind, element.start, lines_.text());
    if (is_one_of(name, {"structured-macro", "macro"})) close_macro();
    if (name == "link" && !links_.empty()) {
      const Placed title = std::move(links_.back());
      links_.pop_back();
      add(title);  // Empty when the link has a text of its own.
    }
    if (is_one_of(name, {"td", "th"})) {
      cell_depth_ -= cell_depth_ > 0;
      pending_mark_.clear();
      return;
    }
    if (const int level = heading_level(name); level > 0) add_heading(level, element);
    if (is_one_of(name, {"ul", "ol", "task-list"})) list_depth_ -= list_depth_ > 0;
    if (is_one_of(name, {"li", "task-body"})) pending_mark_.clear();
    break_around(name);
  }

  void break_around(std::string_view name) {
    const int breaks = breaks_around(name);
    if (breaks == 0 || !pending_mark_.empty()) return;
    if (in_cell()) return lines_.separate_words();
    lines_.break_lines(list_depth_ > 0 ? 1 : breaks);
  }

  void set_item_mark() {
    for (auto element = elements_.rbegin(); element != elements_.rend(); ++element) {
      if (!is_one_of(element->name, {"ul", "ol"})) continue;
      ++element->items;
      pending_mark_ = indent() + (element->is_ordered ? fmt::format("{}. ", element->items) : "- ");
      return;
    }
  }

  std::string indent() const {
    if (in_cell()) return {};
    return std::string(static_cast<std::size_t>(2 * std::clamp(list_depth_ - 1, 0, 8)), ' ');
  }

  void open_rich_body() {
    if (macros_.empty()) return;
    Macro& macro = macros_.back();
    macro.has_body = true;
    if (macro.title.text.empty()) return;
    lines_.break_lines(2);
    add(macro.title);
    lines_.break_lines(2);
  }

  /// Macros without a body: some say something themselves, the others compute it.
  void close_macro() {
    if (macros_.empty()) return;
    const Macro macro = std::move(macros_.back());
    macros_.pop_back();
    if (macro.has_body || is_one_of(macro.name, {"anchor", "tasks-report-macro-anchor"})) return;
    if (is_one_of(macro.name, {"status", "jira"}))
      add(macro.title);
    else if (left_out_.size() < 20 && !macro.name.empty())
      left_out_.insert(clean_title(macro.name));
  }

  Result<void> read_parameter() {
    const std::string name = reader_.attribute("name");
    Placed value;
    const std::size_t outside = reader_.depth() - 1;
    while (reader_.depth() > outside) {
      const XmlEvent event = TRY(reader_.next());
      if (event == XmlEvent::done) break;
      if (event != XmlEvent::text) continue;
      if (value.text.empty()) value.start = reader_.text_start();
      value.text += reader_.text();
      value.end = reader_.offset();
    }
    if (macros_.empty() || is_hidden()) return {};
    Macro& macro = macros_.back();
    if (name == "title" || (name == "key" && macro.name == "jira")) macro.title = std::move(value);
    if (name == "language") macro.language = folded(value.text);
    return {};
  }

  Result<void> add_plain_body() {
    const bool is_code = !macros_.empty() && is_one_of(macros_.back().name, {"code", "noformat"});
    if (!macros_.empty()) macros_.back().has_body = true;
    const bool is_fenced = is_code && !in_cell() && !is_hidden();
    bool is_open = false;
    std::size_t start = 0;  // Of the fence.
    const std::size_t outside = reader_.depth() - 1;
    while (reader_.depth() > outside) {
      const XmlEvent event = TRY(reader_.next());
      if (event == XmlEvent::done) break;
      if (event != XmlEvent::text) continue;
      const bool is_blank = unicode::trim(reader_.text()).empty();
      if (is_blank && !is_open) continue;
      if (is_hidden()) {
        hidden_ += unicode::length(folded(reader_.text()));
        continue;
      }
      if (is_fenced && !is_open) open_fence();
      if (!is_open) start = lines_.text().rfind("```");
      is_open = true;
      flush_mark();
      const bool keeps_lines = !in_cell();
      reader_.for_each_part([&](const AlignedText& part) { lines_.add(part, keeps_lines); });
    }
    if (is_fenced && is_open) {
      lines_.break_lines(1);
      lines_.add_mark("```");
      blocks_.add(SourceMap::BlockKind::code, start, lines_.text());
      lines_.break_lines(2);
    }
    return {};
  }

  void open_fence() {
    const Macro& macro = macros_.back();
    lines_.break_lines(2);
    if (!macro.title.text.empty()) {
      add(macro.title);
      lines_.break_lines(2);
    }
    lines_.add_mark("```" + macro.language + "\n");
  }

  void add_heading(int level, const Element& element) {
    const std::string& text = lines_.text();
    const std::size_t start = std::min(text.find_first_not_of("\n\t ", element.start), text.size());
    std::string title = clean_title(std::string_view(text).substr(start));
    if (!title.empty()) headings_.push_back({start, level, std::move(title)});
  }

  void add_text() {
    const std::string text = reader_.text();
    const bool is_blank = unicode::trim(text).empty();
    if (is_hidden()) {
      hidden_ += unicode::length(folded(text));
      return;
    }
    if (!is_blank) flush_mark();
    if (is_blank && !pending_mark_.empty()) return;
    const bool keeps_lines = is_preformatted() && !in_cell();
    reader_.for_each_part([&](const AlignedText& part) { lines_.add(part, keeps_lines); });
  }

  void add(const Placed& placed) {
    if (folded(placed.text).empty()) return;
    flush_mark();
    lines_.add({placed.text, placed.start, placed.end}, false);
  }

  void flush_mark() {
    if (pending_mark_.empty()) return;
    lines_.add_mark(pending_mark_);
    pending_mark_.clear();
  }

  bool is_hidden() const { return !elements_.empty() && elements_.back().is_hidden; }
  bool is_preformatted() const { return !elements_.empty() && elements_.back().is_preformatted; }
  bool in_cell() const { return cell_depth_ > 0; }

  XmlReader reader_;
  HtmlLines lines_;
  std::vector<Element> elements_;
  std::vector<Macro> macros_;
  std::vector<Placed> links_;  ///< What each open link shows when it has no text.
  std::vector<SourceMap::Heading> headings_;
  BlockList blocks_;
  std::set<std::string> left_out_;
  std::string pending_mark_;
  int list_depth_ = 0;
  int cell_depth_ = 0;
  bool task_is_done_ = false;
  std::size_t hidden_ = 0;
};

}  // namespace

Result<HtmlPage> storage_to_page(std::string_view utf8) {
  StorageWalker walker(utf8);
  TRY(walker.walk());
  return walker.take();
}

Result<Documents> read_confluence_page(const ReadTask& task) {
  DecodedText decoded = TRY(decode_text(task.bytes, task.charset));
  HtmlPage page = TRY(storage_to_page(decoded.text));
  Document document = std::move(page.document);
  document.map.pieces = compose(document.map.pieces, decoded.map);
  document.warnings.insert(document.warnings.begin(), decoded.warnings.begin(),
                           decoded.warnings.end());
  warn_of_hidden(page.hidden, document);
  Documents documents;
  documents.push_back(std::move(document));
  return documents;
}

}  // namespace slipway::documents::detail
