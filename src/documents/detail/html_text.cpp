// One walk over the tree with a stack of our own, because pages may nest a hundred thousand deep.
// Every newline in the text is the end of a block or a <br>: white space of the source folds to one
// space. Text that is dropped is counted as a reader would count it, white space folded.
#include "documents/detail/html_text.hpp"

#include <gumbo.h>

#include <algorithm>
#include <cstddef>
#include <memory_resource>

#include "core/unicode.hpp"
#include "documents/detail/block_list.hpp"
#include "documents/detail/html_lines.hpp"
#include "documents/detail/html_visibility.hpp"
#include "documents/detail/loaders.hpp"

namespace slipway::documents::detail {

namespace {

bool is_one_of(GumboTag tag, std::initializer_list<GumboTag> tags) {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

/// Never shown as text by a browser, and nothing that the author hid from the reader.
bool is_skipped(const GumboElement& element) {
  if (element.tag_namespace == GUMBO_NAMESPACE_SVG)
    return is_one_of(element.tag,
                     {GUMBO_TAG_TITLE, GUMBO_TAG_DESC, GUMBO_TAG_STYLE, GUMBO_TAG_SCRIPT});
  return is_one_of(element.tag, {GUMBO_TAG_HEAD, GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE,
                                 GUMBO_TAG_TEMPLATE, GUMBO_TAG_NOSCRIPT, GUMBO_TAG_IFRAME,
                                 GUMBO_TAG_NOFRAMES, GUMBO_TAG_NOEMBED, GUMBO_TAG_TITLE});
}

bool is_preformatted(GumboTag tag) {
  return is_one_of(tag, {GUMBO_TAG_PRE, GUMBO_TAG_TEXTAREA, GUMBO_TAG_LISTING, GUMBO_TAG_XMP,
                         GUMBO_TAG_PLAINTEXT});
}

bool is_list(GumboTag tag) {
  return is_one_of(tag, {GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_DL, GUMBO_TAG_MENU, GUMBO_TAG_DIR});
}

std::optional<SourceMap::BlockKind> block_kind(GumboTag tag) {
  if (tag == GUMBO_TAG_TABLE) return SourceMap::BlockKind::table;
  if (tag == GUMBO_TAG_TR) return SourceMap::BlockKind::row;
  if (is_list(tag)) return SourceMap::BlockKind::list;
  if (is_one_of(tag, {GUMBO_TAG_LI, GUMBO_TAG_DT})) return SourceMap::BlockKind::item;
  if (is_preformatted(tag)) return SourceMap::BlockKind::code;
  return std::nullopt;
}

/// How many line breaks stand around an element: 2 a blank line, 0 none because it is inline.
int breaks_around(GumboTag tag) {
  if (is_one_of(tag, {GUMBO_TAG_LI, GUMBO_TAG_TR, GUMBO_TAG_DT, GUMBO_TAG_DD, GUMBO_TAG_OPTION,
                      GUMBO_TAG_CAPTION, GUMBO_TAG_THEAD, GUMBO_TAG_TBODY, GUMBO_TAG_TFOOT,
                      GUMBO_TAG_SUMMARY, GUMBO_TAG_LEGEND, GUMBO_TAG_OPTGROUP}))
    return 1;
  const bool is_block =
      is_list(tag) || (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6) || is_preformatted(tag) ||
      is_one_of(tag,
                {GUMBO_TAG_P,      GUMBO_TAG_DIV,        GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_TABLE,
                 GUMBO_TAG_HR,     GUMBO_TAG_SECTION,    GUMBO_TAG_ARTICLE,    GUMBO_TAG_HEADER,
                 GUMBO_TAG_FOOTER, GUMBO_TAG_NAV,        GUMBO_TAG_ASIDE,      GUMBO_TAG_MAIN,
                 GUMBO_TAG_FIGURE, GUMBO_TAG_FIGCAPTION, GUMBO_TAG_ADDRESS,    GUMBO_TAG_FIELDSET,
                 GUMBO_TAG_FORM,   GUMBO_TAG_DETAILS,    GUMBO_TAG_CENTER,     GUMBO_TAG_BODY,
                 GUMBO_TAG_SVG,    GUMBO_TAG_HGROUP});
  return is_block ? 2 : 0;
}

const char* attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&element.attributes, name);
  return found == nullptr ? nullptr : found->value;
}

std::string_view attribute_text(const GumboElement& element, const char* name) {
  const char* value = attribute(element, name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

/// In lower case, also of elements that Gumbo does not know.
std::string tag_name(const GumboElement& element) {
  if (element.tag != GUMBO_TAG_UNKNOWN) return gumbo_normalized_tagname(element.tag);
  GumboStringPiece name = element.original_tag;
  gumbo_tag_from_original_text(&name);
  return name.data == nullptr ? std::string() : unicode::to_lower({name.data, name.length});
}

const GumboVector& children_of(const GumboNode& node) {
  return node.type == GUMBO_NODE_DOCUMENT ? node.v.document.children : node.v.element.children;
}

const GumboNode& child_of(const GumboNode& node, unsigned index) {
  return *static_cast<const GumboNode*>(children_of(node).data[index]);
}

bool has_children(const GumboNode& node) {
  return node.type == GUMBO_NODE_DOCUMENT || node.type == GUMBO_NODE_ELEMENT ||
         node.type == GUMBO_NODE_TEMPLATE;
}

/// Calls `visit` for every element, parents first; without recursion.
template <typename Visit>
void for_each_element(const GumboNode& root, const Visit& visit) {
  std::vector<const GumboNode*> waiting{&root};
  while (!waiting.empty()) {
    const GumboNode& node = *waiting.back();
    waiting.pop_back();
    if (!has_children(node)) continue;
    if (node.type == GUMBO_NODE_ELEMENT) visit(node.v.element);
    for (unsigned i = children_of(node).length; i > 0; --i)
      waiting.push_back(&child_of(node, i - 1));
  }
}

std::string text_inside(const GumboElement& element) {
  std::string text;
  for (unsigned i = 0; i < element.children.length; ++i) {
    const auto* child = static_cast<const GumboNode*>(element.children.data[i]);
    if (!has_children(*child)) text += child->v.text.text;
  }
  return text;
}

std::size_t folded_length(std::string_view text) {
  std::size_t length = 0;
  bool is_space_due = false;
  for (std::size_t at = 0; at < text.size();) {
    const unicode::Decoded now = unicode::decode(text, at);
    const bool is_space = unicode::is_space(now.code_point);
    if (!is_space) length += 1 + (is_space_due && length > 0);
    is_space_due = is_space;
    at += now.bytes;
  }
  return length;
}

/// What an element hands down to what it contains.
struct Inherited {
  bool is_gone = false;      ///< display: none and its kin: nothing inside can undo it.
  bool is_hidden = false;    ///< visibility: hidden
  bool has_no_size = false;  ///< font-size: 0
  bool is_preformatted = false;
  bool is_in_list = false;
  bool is_in_cell = false;  ///< A table cell that is one line of text: breaks become spaces.
  HtmlContent content = HtmlContent::text;

  bool is_seen() const { return !is_gone && !is_hidden && !has_no_size; }
};

/// What the head of a page says about it.
class PageHead {
 public:
  explicit PageHead(const GumboNode& root) {
    for_each_element(root, [&](const GumboElement& element) {
      if (element.tag_namespace != GUMBO_NAMESPACE_HTML) return;
      if (element.tag == GUMBO_TAG_STYLE) style.add(text_inside(element));
      if (element.tag == GUMBO_TAG_TITLE && title.empty())
        title = clean_title(text_inside(element));
      if (element.tag == GUMBO_TAG_META) read_meta(element);
      if (element.tag == GUMBO_TAG_HTML)
        note("language", attribute_text(element, attribute(element, "lang") ? "lang" : "xml:lang"));
    });
  }

  StyleSheet style;
  std::string title;
  json::Object metadata;

 private:
  void note(std::string_view key, std::string_view value) {
    const std::string clean = clean_title(value);
    if (!clean.empty() && !metadata.contains(key)) metadata[key] = clean;
  }

  void read_meta(const GumboElement& element) {
    const char* name = attribute(element, "name");
    const std::string key = unicode::to_lower(name ? name : attribute_text(element, "property"));
    const std::string_view content = attribute_text(element, "content");
    if (key == "description" || key == "author") note(key, content);
    if (key == "og:description") note("description", content);
    if (key == "date" || key == "dc.date" || key == "dcterms.date" || key == "dcterms.created" ||
        key == "article:published_time")
      note("date", content);
    if (key == "article:modified_time" || key == "dcterms.modified") note("modified", content);
    if (key == "keywords" && !metadata.contains(key))
      if (json::Array words = split_keywords(content); !words.empty())
        metadata[key] = std::move(words);
  }
};

class Walker {
 public:
  Walker(std::string_view source, const StyleSheet& style) : source_(source), style_(style) {}

  void walk(const GumboNode& root) {
    std::vector<Frame> stack{{&root, 0, {}, 0}};
    while (!stack.empty()) {
      Frame& frame = stack.back();
      if (frame.next == children_of(*frame.node).length) {
        leave(frame);
        stack.pop_back();
        continue;
      }
      const GumboNode& child = child_of(*frame.node, frame.next++);
      Frame inner{&child, 0, frame.state, 0};
      if (!has_children(child))
        visit_text(child, frame.state);
      else if (enter(child.v.element, inner))
        stack.push_back(inner);
    }
  }

  HtmlLines& lines() { return lines_; }
  std::size_t hidden() const { return hidden_ + lines_.invisible(); }
  std::vector<SourceMap::Block> take_blocks() { return blocks_.take(); }
  std::vector<SourceMap::Heading> take_headings() {
    std::stable_sort(headings_.begin(), headings_.end(),
                     [](const auto& a, const auto& b) { return a.text_start < b.text_start; });
    return std::move(headings_);
  }

 private:
  struct Frame {
    const GumboNode* node;
    unsigned next;      ///< The child to visit next.
    Inherited state;    ///< For what is inside.
    std::size_t start;  ///< Length of the text when it began.
  };

  /// False when nothing inside is looked at.
  bool enter(const GumboElement& element, Frame& frame) {
    if (is_skipped(element)) return false;
    Inherited& state = frame.state;
    hide(element, state);
    frame.start = lines_.text().size();
    if (element.tag == GUMBO_TAG_BR) {
      if (state.is_seen()) state.is_in_cell ? lines_.separate_words() : lines_.add_break();
      return false;
    }
    if (!state.is_gone) open_block(element, state);
    if (is_preformatted(element.tag)) state.is_preformatted = true;
    if (is_list(element.tag)) state.is_in_list = true;
    if (element.tag == GUMBO_TAG_TEXTAREA) state.content = HtmlContent::title;
    if (element.tag_namespace != GUMBO_NAMESPACE_HTML) state.content = HtmlContent::foreign;
    if (is_one_of(element.tag, {GUMBO_TAG_XMP, GUMBO_TAG_PLAINTEXT}))
      state.content = HtmlContent::raw;
    return true;
  }

  void open_block(const GumboElement& element, Inherited& state) {
    if (is_one_of(element.tag, {GUMBO_TAG_TD, GUMBO_TAG_TH})) {
      lines_.separate_cells();
      state.is_in_list = false;
      state.is_in_cell = is_one_line(element);
    } else {
      break_around(element.tag, state);
    }
  }

  void break_around(GumboTag tag, const Inherited& state) {
    int breaks = breaks_around(tag);
    if (breaks == 0) return;
    if (state.is_in_cell) return lines_.separate_words();
    if (is_list(tag) && state.is_in_list) breaks = 1;  // A list inside an item.
    lines_.break_lines(breaks);
  }

  void leave(const Frame& frame) {
    if (frame.node->type != GUMBO_NODE_ELEMENT) return;
    const GumboElement& element = frame.node->v.element;
    if (frame.state.is_gone) return;
    if (element.tag >= GUMBO_TAG_H1 && element.tag <= GUMBO_TAG_H6) add_heading(element.tag, frame);
    if (const auto kind = block_kind(element.tag)) blocks_.add(*kind, frame.start, lines_.text());
    if (is_one_of(element.tag, {GUMBO_TAG_TD, GUMBO_TAG_TH})) return;
    Inherited outside = frame.state;
    outside.is_in_list = is_list(element.tag) && is_inside_list(*frame.node);
    break_around(element.tag, outside);
  }

  static bool is_inside_list(const GumboNode& node) {
    return node.parent != nullptr && node.parent->type == GUMBO_NODE_ELEMENT &&
           is_one_of(node.parent->v.element.tag, {GUMBO_TAG_LI, GUMBO_TAG_DD});
  }

  void add_heading(GumboTag tag, const Frame& frame) {
    const std::string& text = lines_.text();
    const std::size_t start = std::min(text.find_first_not_of("\n\t ", frame.start), text.size());
    std::string title = clean_title(std::string_view(text).substr(start));
    for (const std::string_view mark : {"¶", "#", "§"})  // The "link to here" of manuals.
      if (title.ends_with(mark)) title.resize(title.size() - mark.size());
    title = unicode::trim(title);
    const int level = static_cast<int>(tag) - static_cast<int>(GUMBO_TAG_H1) + 1;
    if (!title.empty()) headings_.push_back({start, level, std::move(title)});
  }

  /// A cell without blocks, or with a single paragraph, is one line.
  static bool is_one_line(const GumboElement& cell) {
    int blocks = 0;
    for (unsigned i = 0; i < cell.children.length; ++i) {
      const auto& child = *static_cast<const GumboNode*>(cell.children.data[i]);
      if (child.type != GUMBO_NODE_ELEMENT || breaks_around(child.v.element.tag) == 0) continue;
      if (++blocks > 1 || is_list(child.v.element.tag) || child.v.element.tag == GUMBO_TAG_TABLE ||
          is_preformatted(child.v.element.tag))
        return false;
      for (unsigned k = 0; k < child.v.element.children.length; ++k) {
        const auto& inner = *static_cast<const GumboNode*>(child.v.element.children.data[k]);
        if (inner.type == GUMBO_NODE_ELEMENT && breaks_around(inner.v.element.tag) > 0)
          return false;
      }
    }
    return true;
  }

  void hide(const GumboElement& element, Inherited& state) const {
    // Scripts show a page that starts invisible, so for these two it means nothing.
    if (is_one_of(element.tag, {GUMBO_TAG_HTML, GUMBO_TAG_BODY})) return;
    const std::string tag = tag_name(element);
    Visibility visibility =
        style_.of({tag, attribute_text(element, "id"), attribute_text(element, "class")});
    if (const char* own = attribute(element, "style")) visibility.merge(visibility_of(own));
    const bool is_closed = tag == "dialog" && attribute(element, "open") == nullptr;
    if (visibility.is_removed.value_or(false) || visibility.is_transparent.value_or(false) ||
        is_closed || attribute(element, "hidden") != nullptr ||
        attribute_text(element, "aria-hidden") == "true")
      state.is_gone = true;
    if (visibility.is_hidden) state.is_hidden = *visibility.is_hidden;
    if (visibility.has_no_size) state.has_no_size = *visibility.has_no_size;
  }

  void visit_text(const GumboNode& node, const Inherited& state) {
    const std::string_view text = node.v.text.text;
    if (node.type == GUMBO_NODE_COMMENT || !state.is_seen()) {
      hidden_ += folded_length(text);
      return;
    }
    const GumboStringPiece& original = node.v.text.original_text;
    // Text that stands nowhere in the source would have no place; Gumbo makes none up.
    const bool is_inside =
        original.data >= source_.data() && original.data <= source_.data() + source_.size();
    const std::size_t start =
        is_inside ? static_cast<std::size_t>(original.data - source_.data()) : source_.size();
    const std::size_t length = std::min<std::size_t>(original.length, source_.size() - start);
    align_html_text({source_, start, start + length, text, state.content},
                    [&](const AlignedText& part) { lines_.add(part, state.is_preformatted); });
  }

  std::string_view source_;
  const StyleSheet& style_;
  HtmlLines lines_;
  std::vector<SourceMap::Heading> headings_;
  BlockList blocks_;
  std::size_t hidden_ = 0;
};

/// Gives back all memory of a tree at once, because Gumbo's own destruction recurses as deep as the
/// page nests. Where there is none left the sandboxed child ends with a clear word, which matters
/// because Gumbo does not look at what it got.
class ParserMemory {
 public:
  static void* allocate(void* self, std::size_t size) {
    auto* const block = static_cast<std::size_t*>(
        static_cast<ParserMemory*>(self)->pool_.allocate(size + header_bytes));
    *block = size + header_bytes;
    return reinterpret_cast<char*>(block) + header_bytes;
  }
  static void release(void* self, void* memory) {
    if (memory == nullptr) return;
    auto* const block = reinterpret_cast<std::size_t*>(static_cast<char*>(memory) - header_bytes);
    static_cast<ParserMemory*>(self)->pool_.deallocate(block, *block);
  }

 private:
  static constexpr std::size_t header_bytes = alignof(std::max_align_t);
  std::pmr::unsynchronized_pool_resource pool_;
};

}  // namespace

Result<Document> html_to_document(std::string_view utf8) {
  HtmlPage page = TRY(html_to_page(utf8));
  warn_of_hidden(page.hidden, page.document);
  return std::move(page.document);
}

Result<HtmlPage> html_to_page(std::string_view utf8) {
  ParserMemory memory;
  GumboOptions options = kGumboDefaultOptions;
  options.userdata = &memory;
  options.allocator = &ParserMemory::allocate;
  options.deallocator = &ParserMemory::release;
  options.max_errors = 0;
  const GumboOutput* parsed = gumbo_parse_with_options(&options, utf8.data(), utf8.size());
  if (parsed == nullptr || parsed->document == nullptr)
    return fail(Code::invalid_argument, "cannot be parsed as HTML");
  PageHead head(*parsed->document);
  Walker walker(utf8, head.style);
  walker.walk(*parsed->document);

  Document document;
  MappedText mapped = walker.lines().take();
  document.text = mapped.take_text();
  document.map.pieces = mapped.take_pieces();
  document.map.headings = walker.take_headings();
  document.map.blocks = walker.take_blocks();
  document.title = std::move(head.title);
  document.metadata = std::move(head.metadata);
  for (const SourceMap::Heading& heading : document.map.headings)
    if (document.title.empty() && heading.level == 1) document.title = heading.title;
  return HtmlPage{std::move(document), walker.hidden()};
}

}  // namespace slipway::documents::detail
