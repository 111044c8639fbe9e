// The separators of programming and markup languages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::documents::detail {

struct LanguageSeparators {
  std::vector<std::string> separators;
  bool are_regex = true;
};

/// `language` is one of `splitter_languages()`; `text` matters only to "jsx", whose list begins
/// with the components that occur in it.
LanguageSeparators separators_of(std::string_view language, std::string_view text);

bool is_splitter_language(std::string_view language);

}  // namespace slipway::documents::detail
