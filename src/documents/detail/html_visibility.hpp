// Which elements of a page a reader does not see: inline styles, attributes and the simple rules of
// the page's own style sheets.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace slipway::documents::detail {

/// What a list of CSS declarations says about being seen; unset where it says nothing.
struct Visibility {
  std::optional<bool> is_removed;      ///< display: none
  std::optional<bool> is_hidden;       ///< visibility: hidden or collapse; children may undo it.
  std::optional<bool> has_no_size;     ///< font-size: 0; children may undo it.
  std::optional<bool> is_transparent;  ///< opacity: 0

  /// `stronger` wins where it says something.
  void merge(const Visibility& stronger);
  bool says_nothing() const;
};

/// Of the text of a style attribute.
Visibility visibility_of(std::string_view declarations);

/// An element as selectors see it.
struct StyledElement {
  std::string_view tag;
  std::string_view id;
  std::string_view classes;  ///< Separated by white space.
};

/// The rules of all <style> elements of a page that hide or show by a simple selector (`tag`,
/// `.class`, `#id`, `tag.class`, `tag#id`). Rules inside @media and the like are left out: they
/// speak of printers and narrow screens.
class StyleSheet {
 public:
  void add(std::string_view css);
  Visibility of(const StyledElement& element) const;

 private:
  void add_rule(std::string_view selectors, std::string_view declarations);

  std::unordered_map<std::string, Visibility> rules_;
};

}  // namespace slipway::documents::detail
