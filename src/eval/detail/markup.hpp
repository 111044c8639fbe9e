// Text inside XML and HTML, and how two texts differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::eval::detail {

/// Safe between tags and inside quoted attributes of XML 1.0 and HTML. What XML cannot hold becomes
/// U+FFFD; line breaks stay line breaks between tags and inside attributes.
std::string markup_escaped(std::string_view text);

/// A run of words that only the first, only the second, or both have.
struct DiffPart {
  enum class Side { both, first, second };
  Side side = Side::both;
  std::string text;
};
/// By words, with their white space. Texts of more than 2,000 words are two parts: all of the one,
/// all of the other.
std::vector<DiffPart> word_difference(std::string_view first, std::string_view second);

}  // namespace slipway::eval::detail
