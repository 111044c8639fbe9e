#include "core/unicode.hpp"
#include "core/yaml.hpp"
#include "documents/detail/decoding.hpp"
#include "documents/detail/loaders.hpp"
#include "documents/detail/mapped_text.hpp"
#include "documents/detail/markdown_blocks.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t front_matter_bytes_max = 64u << 10;

struct FrontMatter {
  std::string_view yaml;
  std::size_t end = 0;  ///< Where the Markdown starts; zero without front matter.
};

/// YAML between two lines of "---" at the very start.
FrontMatter find_front_matter(std::string_view text) {
  const auto line_break = [&](std::size_t at) -> std::size_t {  // Its length, or zero.
    const std::string_view rest = text.substr(at);
    return rest.starts_with("\r\n") ? 2 : rest.starts_with('\n');
  };
  if (!text.starts_with("---") || line_break(3) == 0) return {};
  const std::size_t start = 3 + line_break(3);
  for (std::size_t at = start; at < std::min(text.size(), front_matter_bytes_max);) {
    const std::string_view rest = text.substr(at);
    const bool is_end = rest.starts_with("---") || rest.starts_with("...");
    if (is_end && (rest.size() == 3 || line_break(at + 3) > 0))
      return {text.substr(start, at - start), at + 3 + line_break(at + 3)};
    const std::size_t feed = rest.find('\n');
    if (feed == std::string_view::npos) break;
    at += feed + 1;
  }
  return {};
}

/// Fills title and metadata. False when the lines between the marks are no front matter but text
/// between two rules.
bool read_front_matter(std::string_view yaml, Document& document) {
  auto parsed = yaml::parse(yaml);
  if (!parsed) {
    document.warnings.push_back(
        fmt::format("front matter kept as text only: {}", parsed.error().message()));
    return true;
  }
  if (!parsed->value.is_object()) return false;
  document.metadata = std::move(parsed->value.get_object());
  const auto title = document.metadata.find("title");
  if (title == document.metadata.end() || title->value().is_null()) return true;
  document.title = clean_title(title->value().is_string() ? std::string(title->value().get_string())
                                                          : json::dump(title->value()));
  return true;
}

}  // namespace

Result<Document> load_markdown(const LoadTask& task) {
  DecodedText decoded = TRY(decode_text(task.source.bytes, task.charset));
  Document document;
  document.text = std::move(decoded.text);
  document.map = std::move(decoded.map);
  document.warnings = std::move(decoded.warnings);

  const MarkdownComments comments =
      find_markdown_comments(document.text, find_front_matter(document.text).end);
  remove_spans(document.text, document.map.pieces, comments.spans);
  const Invisible invisible = find_invisible(document.text);
  remove_spans(document.text, document.map.pieces, invisible.spans);
  warn_of_hidden(comments.characters + invisible.characters, document);

  FrontMatter front_matter = find_front_matter(document.text);
  if (front_matter.end > 0 && !read_front_matter(front_matter.yaml, document)) front_matter.end = 0;
  document.map.headings = find_markdown_headings(document.text, front_matter.end);
  if (document.title.empty() && !document.map.headings.empty())
    document.title = document.map.headings.front().title;
  return document;
}

}  // namespace slipway::documents::detail
