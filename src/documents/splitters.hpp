// Splitters cut a text into chunks and know exactly where each one stands, because they compute
// offsets while they split and never search for them afterwards (docs/guides/documents.md tells
// what LangChain does there).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

enum class SplitterKind { recursive, character };
BOOST_DESCRIBE_ENUM(SplitterKind, recursive, character)
enum class KeepSeparator { none, start, end };
BOOST_DESCRIBE_ENUM(KeepSeparator, none, start, end)

/// As written in slipway.yaml and stored with a collection.
struct SplitterSettings {
  SplitterKind kind = SplitterKind::recursive;
  std::size_t chunk_size = 800;   ///< Code points, 1..1'000'000.
  std::size_t chunk_overlap = 0;  ///< Code points, at most chunk_size.
  std::vector<std::string> separators = {"\n\n", "\n", " ", ""};
  bool separators_are_regex = false;
  KeepSeparator keep_separator = KeepSeparator::start;
  bool strip_whitespace = true;

  Result<void> validate() const;
  bool operator==(const SplitterSettings&) const = default;
};
BOOST_DESCRIBE_STRUCT(SplitterSettings, (),
                      (kind, chunk_size, chunk_overlap, separators, separators_are_regex,
                       keep_separator, strip_whitespace))

/// Chunks in order, each the byte range of `text` that LangChain's RecursiveCharacterTextSplitter
/// (or CharacterTextSplitter, which uses the first separator) of the same settings returns as a
/// string. A chunk that LangChain joins from pieces with a dropped separator between them covers
/// what stood there, so it may be longer than LangChain's; capturing groups in a separator only
/// group. Regular expressions have Python's syntax. Time and memory grow with the text. Fails:
/// invalid_argument (settings, a regular expression that does not compile, or one that is too
/// costly on this text).
Result<std::vector<Span>> split(std::string_view text, const SplitterSettings& settings);

/// Sentences, list items, headings, table rows and lines of code of a text, in order, without the
/// white space around them and without the marks of Markdown before them ("- ", "1. ", "# ", "> ");
/// blank stretches, rulers and fences belong to none. Unicode sentence boundaries (UAX 29) refined
/// for abbreviations, initials and technical names; a line break ends a sentence only where a block
/// ends, which docs/guides/documents.md explains. Any bytes are accepted. Linear.
std::vector<Span> split_sentences(std::string_view text);

/// The longest prefix made of whole words that has at most `bytes_max` bytes; empty when the first
/// word alone is longer. Words are what stands between white space, and single characters in
/// scripts without spaces.
std::string_view clip_words(std::string_view text, std::size_t bytes_max);

}  // namespace slipway::documents
