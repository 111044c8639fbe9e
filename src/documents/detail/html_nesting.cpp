#include "documents/detail/html_nesting.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

constexpr std::size_t depth_max = 512;
constexpr std::size_t none = std::string_view::npos;

template <std::size_t size>
bool is_one_of(std::string_view name, const std::array<std::string_view, size>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Elements without an end tag, or whose end tag people leave out: they do not nest in themselves.
constexpr std::array<std::string_view, 31> never_deep = {
    "area",  "base",  "br",    "col",      "embed",  "hr",  "img",     "input",
    "link",  "meta",  "param", "source",   "track",  "wbr", "keygen",  "frame",
    "p",     "li",    "dt",    "dd",       "option", "tr",  "td",      "th",
    "tbody", "thead", "tfoot", "optgroup", "rp",     "rt",  "colgroup"};

/// Their content has no tags.
constexpr std::array<std::string_view, 8> raw = {"script", "style",  "textarea", "title",
                                                 "xmp",    "iframe", "noembed",  "noframes"};

class Scanner {
 public:
  explicit Scanner(std::string& html) : html_(html) {}

  void run() {
    std::size_t depth = 0;
    for (std::size_t at = html_.find('<'); at != none; at = html_.find('<', at)) {
      if (html_.compare(at, 4, "<!--") == 0) {
        at = after(html_.find("-->", at + 2), 3);
        continue;
      }
      const bool is_end = at + 1 < html_.size() && html_[at + 1] == '/';
      const std::string name = name_at(at + (is_end ? 2 : 1));
      if (name.empty()) {
        ++at;
        continue;
      }
      const std::size_t end = tag_end(at);
      if (!is_one_of(name, never_deep) && !is_one_of(name, raw)) {
        if (depth > depth_max || (!is_end && depth == depth_max)) blank(at, end);
        if (is_end)
          depth -= depth > 0;
        else
          ++depth;
      }
      at = !is_end && is_one_of(name, raw) ? raw_end(end, name) : end;
    }
  }

 private:
  std::size_t after(std::size_t found, std::size_t length) const {
    return found == none ? html_.size() : found + length;
  }

  std::string name_at(std::size_t at) const {
    constexpr std::size_t name_max = 16;
    std::string name;
    for (; at < html_.size() && name.size() < name_max; ++at) {
      const char c = static_cast<char>(html_[at] | 0x20);
      const bool is_digit = html_[at] >= '0' && html_[at] <= '9' && !name.empty();
      if ((c < 'a' || c > 'z') && !is_digit) break;
      name += is_digit ? html_[at] : c;
    }
    return name;
  }

  std::size_t tag_end(std::size_t at) const {
    while (true) {
      at = html_.find_first_of(">=", at);
      if (at == none) return html_.size();
      if (html_[at++] == '>') return at;
      at = std::min(html_.find_first_not_of(" \t\r\n\f", at), html_.size());
      if (at < html_.size() && (html_[at] == '"' || html_[at] == '\''))
        at = after(html_.find(html_[at], at + 1), 1);
    }
  }

  std::size_t raw_end(std::size_t at, std::string_view name) const {
    while ((at = html_.find("</", at)) != none) {
      if (name_at(at + 2) == name) return at;
      at += 2;
    }
    return html_.size();
  }

  void blank(std::size_t start, std::size_t end) {
    std::fill(html_.begin() + static_cast<std::ptrdiff_t>(start),
              html_.begin() + static_cast<std::ptrdiff_t>(end), ' ');
  }

  std::string& html_;
};

}  // namespace

void flatten_deep_nesting(std::string& html) { Scanner(html).run(); }

}  // namespace slipway::documents::detail
