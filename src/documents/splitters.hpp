// Splitters cut a text into chunks and know exactly where each one stands, because they compute
// offsets while they split and never search for them afterwards (docs/guides/documents.md tells
// what LangChain does there).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

enum class SplitterKind {
  recursive,  ///< Tries separators in order: LangChain's RecursiveCharacterTextSplitter.
  character,  ///< Cuts at one separator and never further: CharacterTextSplitter.
  language,   ///< `recursive` with the separators of a language: from_language.
  token,      ///< Windows of tokens: TokenTextSplitter.
  markdown,   ///< By headings, then by blocks that stay whole: MarkdownHeaderTextSplitter.
  html,       ///< The same by the headings that the loader found: HTMLHeaderTextSplitter.
  json,       ///< By the nesting of JSON: RecursiveJsonSplitter.
  semantic,   ///< Where neighbouring sentences mean something else: SemanticChunker.
  /// By headings, then at words, around elements that stay whole: HTMLSemanticPreservingSplitter.
  html_semantic,
};
BOOST_DESCRIBE_ENUM(SplitterKind, recursive, character, language, token, markdown, html, json,
                    semantic, html_semantic)
/// What kind `html_semantic` never cuts, whatever its size.
enum class Preserved { table, list, code };
BOOST_DESCRIBE_ENUM(Preserved, table, list, code)
enum class KeepSeparator { none, start, end };
BOOST_DESCRIBE_ENUM(KeepSeparator, none, start, end)
enum class LengthUnit { characters, tokens };
BOOST_DESCRIBE_ENUM(LengthUnit, characters, tokens)
/// What makes the distance of two neighbouring sentences a breakpoint; docs/guides/documents.md.
enum class Breakpoint { percentile, standard_deviation, interquartile, gradient };
BOOST_DESCRIBE_ENUM(Breakpoint, percentile, standard_deviation, interquartile, gradient)

/// As written in slipway.yaml and stored with a collection. A field that `kind` does not use must
/// keep its default, so that nobody believes in a setting without effect.
struct SplitterSettings {
  SplitterKind kind = SplitterKind::recursive;
  std::size_t chunk_size = 800;   ///< In `unit`, 1..1'000'000. Kind `semantic`: longer is cut.
  std::size_t chunk_overlap = 0;  ///< In `unit`, at most chunk_size; kind `token`: less.
  std::vector<std::string> separators = {"\n\n", "\n", " ", ""};
  bool separators_are_regex = false;
  KeepSeparator keep_separator = KeepSeparator::start;
  bool strip_whitespace = true;

  LengthUnit unit = LengthUnit::characters;  ///< Code points. Kind `token` always counts tokens.
  std::string language = "auto";             ///< One of `splitter_languages()`, or "auto".
  int heading_level_max = 6;                 ///< Sections begin at headings of level 1 to this.
  std::map<std::string, int> heading_marks;  ///< {"**": 2}: a line "**Title**" is of level 2.
  bool strip_headings = false;               ///< Leave the lines of headings out of chunks.
  /// Kind `json`: a chunk of this size is closed where a value does not fit; 0: chunk_size - 200,
  /// at least 50. Kind `semantic`: no shorter chunk is closed; 0 means no limit.
  std::size_t chunk_size_min = 0;
  bool split_lists = true;  ///< Kind `json`: cut inside lists too.
  Breakpoint breakpoint = Breakpoint::percentile;
  /// Default 95 (percentile, gradient: 0..100), 3 deviations, 1.5 ranges.
  std::optional<double> breakpoint_amount;
  std::size_t buffer_size = 1;             ///< Sentences on each side that are embedded with one.
  std::optional<std::size_t> chunk_count;  ///< Instead of `breakpoint`: about so many chunks.
  std::string sentence_regex;              ///< Where sentences are cut; empty: `split_sentences`.
  std::vector<Preserved> preserve{Preserved::table, Preserved::list, Preserved::code};

  /// Fails: invalid_argument with the key, the value and the remedy.
  Result<void> validate() const;
  /// Canonical JSON of what decides the chunks. Settings that were added later appear only where
  /// they are not at their default, so the identity of older settings never changes.
  std::string identity() const;
  bool operator==(const SplitterSettings&) const = default;
};
BOOST_DESCRIBE_STRUCT(SplitterSettings, (),
                      (kind, chunk_size, chunk_overlap, separators, separators_are_regex,
                       keep_separator, strip_whitespace, unit, language, heading_level_max,
                       heading_marks, strip_headings, chunk_size_min, split_lists, breakpoint,
                       breakpoint_amount, buffer_size, chunk_count, sentence_regex, preserve))

/// What may be known beside the text. All of it may be missing, but a kind that cannot work without
/// says so.
struct SplitInput {
  std::string_view path;        ///< For `language: auto`.
  std::string_view media_type;  ///< The same, where the ending says nothing.
  /// Headings of kinds `html` and `html_semantic`; without a map there are none. Its blocks tell
  /// what is a table, a list or code; without them the lines of the text do.
  const SourceMap* map = nullptr;
  /// Tokens of a piece: `unit: tokens`.
  std::function<std::size_t(std::string_view)> count_tokens;
  /// The bytes of every token of a text, in order, for kind `token`; `token_spans` makes it from
  /// `count_tokens` where it is missing. Tokens with the same span are one unit, which is cut only
  /// when it alone is longer than a chunk. What does not end on a code point is moved outwards.
  std::function<Result<std::vector<Span>>(std::string_view)> tokenize;
  /// One vector per text, all of one length: kind `semantic`.
  std::function<Result<std::vector<std::vector<float>>>(const std::vector<std::string_view>&)>
      embed;
};

/// Chunks in order, each a byte range of `text` on code-point boundaries. The kinds cut where
/// LangChain's splitter of that name cuts; docs/guides/documents.md lists what is different on
/// purpose. Regular expressions have Python's syntax. Time and memory grow with the text. Fails:
/// invalid_argument (settings, a missing part of `input`, a regular expression that does not
/// compile, or one that is too costly on this text), and what `embed` and `tokenize` fail with.
Result<std::vector<Span>> split(std::string_view text, const SplitterSettings& settings,
                                const SplitInput& input);
Result<std::vector<Span>> split(std::string_view text, const SplitterSettings& settings);

/// "c", "cobol" ...: the languages with separators of their own, sorted.
std::vector<std::string_view> splitter_languages();
/// By the ending of `path`, else by the media type; empty when neither tells a programming or
/// markup language.
std::string_view detect_language(std::string_view path, std::string_view media_type);

/// Words, marks of punctuation and single characters of scripts without spaces, each with as many
/// tokens as `count` says it has: token spans for a model that can only count.
std::vector<Span> token_spans(std::string_view text,
                              const std::function<std::size_t(std::string_view)>& count);

/// A stretch of a text under one heading.
struct Section {
  Span span;     ///< With the heading; up to the next section, so sections cover the text.
  Span heading;  ///< The line (or lines) of the heading; empty at `span.start` when there is none.
  std::vector<std::pair<int, std::string>> path;  ///< Level and title, outermost first.
  bool operator==(const Section&) const = default;
};
/// Headings as LangChain's MarkdownHeaderTextSplitter sees them: "#" lines outside fences, and the
/// patterns of `heading_marks`. Uses heading_level_max and heading_marks. Linear.
std::vector<Section> split_markdown_sections(std::string_view text,
                                             const SplitterSettings& settings);
/// By headings that a loader has found, up to level `level_max`.
std::vector<Section> split_sections(std::string_view text,
                                    const std::vector<SourceMap::Heading>& headings, int level_max);

/// Sentences, list items, headings, table rows and lines of code of a text, in order, without the
/// white space around them and without the marks of Markdown before them ("- ", "1. ", "# ", "> ");
/// blank stretches, rulers and fences belong to none. Unicode sentence boundaries (UAX 29) refined
/// for abbreviations, initials and technical names; a line break ends a sentence only where a block
/// ends, which docs/guides/documents.md explains. Any bytes are accepted. Linear.
std::vector<Span> split_sentences(std::string_view text);

/// How many of the first sentences of a text that is still being written (UTF-8, cut anywhere
/// between code points) stay as they are, whatever follows: those before the last blank line and
/// before a code fence that is still open. Linear.
std::size_t final_sentences(std::string_view text);

/// The longest prefix made of whole words that has at most `bytes_max` bytes; empty when the first
/// word alone is longer. Words are what stands between white space, and single characters in
/// scripts without spaces.
std::string_view clip_words(std::string_view text, std::size_t bytes_max);

}  // namespace slipway::documents
