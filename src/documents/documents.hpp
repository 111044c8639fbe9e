// Foreign documents become text that knows, for every character, where it came from.
// Pure functions: nothing here keeps state or touches the network. Formats whose parsers are large
// (PDF, HTML, office documents, e-mail ...) run in a sandboxed child. Contract of places and
// warnings: docs/guides/documents.md.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "core/result.hpp"

namespace slipway::documents {

/// Changes when any loader gives other text for the same bytes, so that ingest knows to load again.
inline constexpr int loader_version = 3;

/// Half-open range of bytes of a text, on code-point boundaries.
struct Span {
  std::size_t start = 0;
  std::size_t end = 0;
  std::size_t size() const { return end - start; }
  bool operator==(const Span&) const = default;
};

/// [x0, y0, x1, y1] in PDF points, origin top left.
using Box = std::array<double, 4>;

/// Where a span of a document's text stands in its source.
struct Place {
  std::optional<std::size_t> byte_start;  ///< Source bytes; only where the source is text.
  std::optional<std::size_t> byte_end;
  std::optional<int> page;                ///< 1-based; the first when the span covers several.
  std::optional<int> page_end;            ///< Only when it differs from `page`.
  std::vector<Box> boxes;                 ///< One per line of a paged format, in reading order.
  std::vector<std::string> heading_path;  ///< ["Guide", "Budgets"], outermost first.
  std::optional<std::string> sheet;       ///< Name of the sheet of a workbook.
  /// 1-based row of a sheet, record of a CSV file (its header is 1) or of a JSON list.
  std::optional<std::int64_t> row;
  std::optional<std::int64_t> row_end;  ///< Only when it differs from `row`.
};

/// The map from text to source. Immutable once built by a loader; a value.
class SourceMap {
 public:
  /// `length` bytes of text from `text_start` come from source bytes [byte_start, byte_end). When
  /// the lengths are equal the piece is verbatim and may be cut anywhere; else it is one character
  /// or unit (an entity, a folded white space) that maps as a whole.
  struct Piece {
    std::size_t text_start = 0;
    std::size_t length = 0;
    std::size_t byte_start = 0;
    std::size_t byte_end = 0;
  };
  struct Line {  ///< A line of a page, or all of a page whose `box` is zero: a slide.
    std::size_t text_start = 0;
    std::size_t text_end = 0;
    int page = 1;
    Box box{};
  };
  struct Heading {  ///< A heading holds until the next one of its level or above.
    std::size_t text_start = 0;
    int level = 1;  ///< 1..6
    std::string title;
  };

  struct Row {  ///< A row of a table that is a document of its own.
    std::size_t text_start = 0;
    std::size_t text_end = 0;
    int sheet = -1;        ///< Index into `sheets`; -1 when there are none.
    std::int64_t row = 1;  ///< 1-based.
  };

  enum class BlockKind { table, row, list, item, code };
  struct Block {  ///< What belongs together in formats whose text alone does not tell it: HTML.
    std::size_t text_start = 0;
    std::size_t text_end = 0;
    BlockKind kind = BlockKind::table;
  };

  /// Text equals source from byte 0 to the end: plain text and Markdown.
  static SourceMap identity(std::size_t size);

  std::vector<Piece> pieces;  ///< Sorted by text_start, not overlapping; empty for paged formats.
  std::vector<Line> lines;    ///< Sorted by text_start.
  std::vector<Heading> headings;    ///< Sorted by text_start.
  std::vector<Row> rows;            ///< Sorted by text_start, not overlapping.
  std::vector<std::string> sheets;  ///< Names, in the order of the workbook.
  /// Sorted by text_start, outer before inner. A row or item belongs to the table or list around.
  std::vector<Block> blocks;

  /// The smallest source range that holds the span's characters. O(log pieces + result).
  Place place(Span span) const;

  /// Compact bytes for storage; `decode(encode(m))` gives an equal map.
  std::string encode() const;
  /// Fails: invalid_argument on any damaged bytes.
  static Result<SourceMap> decode(std::string_view bytes);
};

/// One item to load. `bytes` is the whole source.
struct Source {
  std::string path;  ///< For messages, the file ending and the title of last resort.
  std::string bytes;
  std::string media_type;  ///< Empty: decided by `detect_media_type`.
};

struct Document {
  std::string text;  ///< Valid UTF-8.
  SourceMap map;
  std::string title;  ///< The first heading or <title>, else the file name.
  std::string media_type;
  json::Object
      metadata;  ///< What the source says of itself: author, created, language, description ...
  std::vector<std::string> warnings;  ///< "hidden text dropped: 120 characters"
  /// Which document of its source, where that can hold several (a message of a mailbox, a page of a
  /// space export): an id that stays when others come and go. Else empty. The document's uri is
  /// that of the source, '#', and this (percent-encoded).
  std::string part;
};

/// What of a JSON file is read, or of every line of a JSON lines file. Paths are "$.items[*].body":
/// keys (`.name`, `["a b"]`), `[3]`, `[*]` for every element or member, `..` for any depth. Without
/// `text` the file's bytes are the text.
struct JsonRules {
  std::vector<std::string> text;  ///< Strings, numbers and all within, in the order of the file.
  std::string title;              ///< The first value found.
  std::vector<std::string> metadata;  ///< Under the last key of the path; several make a list.
  bool operator==(const JsonRules&) const = default;
};
BOOST_DESCRIBE_STRUCT(JsonRules, (), (text, title, metadata))

struct LoadOptions {
  std::size_t bytes_max = 512u << 20;  ///< A larger source is refused.
  std::size_t text_bytes_max = 256u << 20;
  int pages_max = 20'000;
  std::chrono::milliseconds timeout{60'000};     ///< Wall time of the sandboxed child.
  std::size_t memory_bytes_max = 2048ull << 20;  ///< Address space of the sandboxed child.
  std::string password;                          ///< For encrypted PDF.
  std::size_t parts_max = 200'000;               ///< Documents of one source.
  JsonRules json;
  /// Program (absolute path) and arguments that read an image or a scanned PDF: its bytes come on
  /// standard input, the text leaves on standard output as UTF-8, a form feed behind each page. It
  /// runs sandboxed: no network, no other processes, nothing written. Empty: such files are
  /// refused.
  std::vector<std::string> ocr_command;
  std::vector<std::string> ocr_readable;  ///< Files and folders it may read beside the system's.
};

/// By content first, then by ending and first line: "text/plain", "text/markdown", "text/html",
/// "application/pdf", "text/csv", "text/x-python" ... The list is in docs/guides/documents.md.
/// Fails: unsupported, naming what was found ("binary data named .md"; "image/png").
Result<std::string> detect_media_type(std::string_view path, std::string_view bytes);

/// Fails: invalid_argument (empty, damaged, encrypted, too large ...), unsupported (format),
/// deadline_exceeded, cancelled. The message says what is wrong with this document and what to do.
/// A source with several documents is invalid_argument: `load_all` reads it.
Result<Document> load(const Context& context, const Source& source,
                      const LoadOptions& options = {});

/// Every document of a source, in its order; one for most formats. Documents without text are left
/// out. Byte places lead into the whole source. Fails as `load`.
Result<std::vector<Document>> load_all(const Context& context, const Source& source,
                                       const LoadOptions& options = {});

}  // namespace slipway::documents
