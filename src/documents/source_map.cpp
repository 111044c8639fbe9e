// Stored form of a map: a version byte, then pieces, lines and headings as differences to the one
// before, so that a plain text costs a handful of bytes and an HTML page about five a piece. Boxes
// are whole hundredths of a point where that is exact (our PDF loader rounds to that), else
// doubles. Rows and sheets follow in version 2, blocks in version 3; a map without them is still
// written as version 1, so that the stored bytes of such documents do not change.
#include <algorithm>
#include <cmath>

#include "documents/detail/bytes.hpp"
#include "documents/documents.hpp"

namespace slipway::documents {

namespace {

constexpr std::uint64_t format_version = 1;
constexpr std::uint64_t format_version_with_rows = 2;
constexpr std::uint64_t format_version_with_blocks = 3;
constexpr std::int64_t offset_max = std::int64_t{1} << 48;
constexpr double box_units = 100;

bool is_verbatim(const SourceMap::Piece& piece) {
  return piece.length == piece.byte_end - piece.byte_start;
}

/// The first of `items` whose end is after `at`, given that they are sorted and do not overlap.
template <typename Items, typename End>
auto first_ending_after(const Items& items, std::size_t at, End end_of) {
  return std::partition_point(items.begin(), items.end(),
                              [&](const auto& item) { return end_of(item) <= at; });
}

void place_bytes(const std::vector<SourceMap::Piece>& pieces, Span span, Place& place) {
  if (pieces.empty()) return;
  const auto end_of = [](const SourceMap::Piece& piece) { return piece.text_start + piece.length; };
  auto piece = first_ending_after(pieces, span.start, end_of);
  std::size_t start = SIZE_MAX;
  std::size_t end = 0;
  // Foster-parented HTML stands elsewhere in the source than in the text: take the least and the
  // greatest, not the first and the last.
  for (; piece != pieces.end() && piece->text_start < span.end; ++piece) {
    std::size_t from = piece->byte_start;
    std::size_t to = piece->byte_end;
    if (is_verbatim(*piece)) {
      if (span.start > piece->text_start) from += span.start - piece->text_start;
      if (span.end < end_of(*piece)) to -= end_of(*piece) - span.end;
    }
    start = std::min(start, from);
    end = std::max(end, to);
  }
  if (start == SIZE_MAX) {  // Nothing of the source, like the line break between two blocks.
    piece = first_ending_after(pieces, span.start, end_of);
    const bool is_inside = piece != pieces.end() && piece->text_start <= span.start;
    if (is_inside)
      start = piece->byte_start + (is_verbatim(*piece) ? span.start - piece->text_start : 0);
    else
      start = piece == pieces.begin() ? piece->byte_start : std::prev(piece)->byte_end;
    end = start;
  }
  place.byte_start = start;
  place.byte_end = end;
}

void place_lines(const std::vector<SourceMap::Line>& lines, Span span, Place& place) {
  if (lines.empty()) return;
  auto line = first_ending_after(lines, span.start,
                                 [](const SourceMap::Line& line) { return line.text_end; });
  if (line == lines.end() || (line->text_start >= std::max(span.end, span.start + 1) &&
                              line != lines.begin()))  // Between two lines.
    --line;
  place.page = line->page;
  int last_page = line->page;
  for (; line != lines.end() && line->text_start < span.end; ++line) {
    if (line->page == *place.page && line->text_end > span.start && line->box != Box{})
      place.boxes.push_back(line->box);
    last_page = line->page;
  }
  if (last_page != *place.page) place.page_end = last_page;
}

void place_headings(const std::vector<SourceMap::Heading>& headings, Span span, Place& place) {
  auto heading = std::upper_bound(
      headings.begin(), headings.end(), span.start,
      [](std::size_t at, const SourceMap::Heading& h) { return at < h.text_start; });
  int level = 7;
  while (heading != headings.begin() && level > 1) {
    --heading;
    if (heading->level >= level) continue;
    level = heading->level;
    place.heading_path.push_back(heading->title);
  }
  std::reverse(place.heading_path.begin(), place.heading_path.end());
}

void place_rows(const SourceMap& map, Span span, Place& place) {
  auto row = first_ending_after(map.rows, span.start,
                                [](const SourceMap::Row& row) { return row.text_end; });
  if (row == map.rows.end()) return;
  if (row->text_start >= std::max(span.end, span.start + 1)) return;  // A title between tables.
  const SourceMap::Row& first = *row;
  if (first.sheet >= 0 && static_cast<std::size_t>(first.sheet) < map.sheets.size())
    place.sheet = map.sheets[static_cast<std::size_t>(first.sheet)];
  place.row = first.row;
  std::int64_t last = first.row;
  for (; row != map.rows.end() && row->text_start < span.end && row->sheet == first.sheet; ++row)
    last = row->row;
  if (last != first.row) place.row_end = last;
}

void write_box(detail::ByteWriter& out, const Box& box) {
  const bool is_exact = std::all_of(box.begin(), box.end(), [](double side) {
    return std::abs(side) < 1e9 && std::round(side * box_units) / box_units == side &&
           !(side == 0 && std::signbit(side));
  });
  out.number(is_exact);
  for (const double side : box) {
    if (is_exact)
      out.signed_number(std::llround(side * box_units));
    else
      out.real(side);
  }
}

Box read_box(detail::ByteReader& in) {
  Box box;
  const bool is_exact = in.number() != 0;
  for (double& side : box)
    side = is_exact ? static_cast<double>(in.signed_number()) / box_units : in.real();
  return box;
}

/// An offset told as the difference to `before`.
void write_offset(detail::ByteWriter& out, std::size_t before, std::size_t value) {
  out.signed_number(static_cast<std::int64_t>(value) - static_cast<std::int64_t>(before));
}

/// False when it would be before zero or absurd.
bool read_offset(detail::ByteReader& in, std::size_t before, std::size_t& value) {
  const std::int64_t difference = in.signed_number();
  if (!in.ok() || difference > offset_max || difference < -offset_max) return false;
  const std::int64_t sum = static_cast<std::int64_t>(before) + difference;
  value = static_cast<std::size_t>(sum);
  return sum >= 0 && sum <= offset_max;
}

bool read_pieces(detail::ByteReader& in, std::vector<SourceMap::Piece>& pieces) {
  SourceMap::Piece last;
  pieces.resize(in.count(4));
  for (SourceMap::Piece& piece : pieces) {
    const std::size_t text_end = last.text_start + last.length;
    if (!read_offset(in, text_end, piece.text_start) || piece.text_start < text_end) return false;
    if (!read_offset(in, 0, piece.length)) return false;
    if (!read_offset(in, last.byte_end, piece.byte_start)) return false;
    if (!read_offset(in, piece.byte_start + piece.length, piece.byte_end)) return false;
    if (piece.byte_end < piece.byte_start) return false;
    last = piece;
  }
  return in.ok();
}

bool read_lines(detail::ByteReader& in, std::vector<SourceMap::Line>& lines) {
  SourceMap::Line last;
  lines.resize(in.count(8));
  for (SourceMap::Line& line : lines) {
    std::size_t page = 0;
    if (!read_offset(in, last.text_end, line.text_start) || line.text_start < last.text_end)
      return false;
    if (!read_offset(in, line.text_start, line.text_end) || line.text_end < line.text_start)
      return false;
    if (!read_offset(in, static_cast<std::size_t>(last.page), page) || page < 1 || page > INT32_MAX)
      return false;
    line.page = static_cast<int>(page);
    line.box = read_box(in);
    last = line;
  }
  return in.ok();
}

bool read_headings(detail::ByteReader& in, std::vector<SourceMap::Heading>& headings) {
  std::size_t last = 0;
  headings.resize(in.count(3));
  for (SourceMap::Heading& heading : headings) {
    if (!read_offset(in, last, heading.text_start) || heading.text_start < last) return false;
    const std::uint64_t level = in.number();
    if (level < 1 || level > 6) return false;
    heading.level = static_cast<int>(level);
    heading.title = in.string();
    last = heading.text_start;
  }
  return in.ok();
}

void write_rows(detail::ByteWriter& out, const SourceMap& map) {
  out.number(map.sheets.size());
  for (const std::string& sheet : map.sheets) out.string(sheet);
  out.number(map.rows.size());
  SourceMap::Row last;
  for (const SourceMap::Row& row : map.rows) {
    write_offset(out, last.text_end, row.text_start);
    write_offset(out, row.text_start, row.text_end);
    out.signed_number(row.sheet);
    out.signed_number(row.row - last.row);
    last = row;
  }
}

bool read_rows(detail::ByteReader& in, SourceMap& map) {
  map.sheets.resize(in.count(1));
  for (std::string& sheet : map.sheets) sheet = in.string();
  map.rows.resize(in.count(4));
  SourceMap::Row last;
  for (SourceMap::Row& row : map.rows) {
    if (!read_offset(in, last.text_end, row.text_start) || row.text_start < last.text_end)
      return false;
    if (!read_offset(in, row.text_start, row.text_end) || row.text_end < row.text_start)
      return false;
    const std::int64_t sheet = in.signed_number();
    if (sheet < -1 || sheet >= static_cast<std::int64_t>(map.sheets.size())) return false;
    row.sheet = static_cast<int>(sheet);
    const std::int64_t difference = in.signed_number();
    if (difference > offset_max || difference < -offset_max) return false;
    row.row = last.row + difference;
    if (row.row < 1 || row.row > offset_max) return false;
    last = row;
  }
  return in.ok();
}

void write_blocks(detail::ByteWriter& out, const std::vector<SourceMap::Block>& blocks) {
  out.number(blocks.size());
  std::size_t last = 0;
  for (const SourceMap::Block& block : blocks) {
    write_offset(out, last, block.text_start);
    write_offset(out, block.text_start, block.text_end);
    out.number(static_cast<std::uint64_t>(block.kind));
    last = block.text_start;
  }
}

bool read_blocks(detail::ByteReader& in, std::vector<SourceMap::Block>& blocks) {
  std::size_t last = 0;
  blocks.resize(in.count(3));
  for (SourceMap::Block& block : blocks) {
    if (!read_offset(in, last, block.text_start) || block.text_start < last) return false;
    if (!read_offset(in, block.text_start, block.text_end) || block.text_end < block.text_start)
      return false;
    const std::uint64_t kind = in.number();
    if (kind > static_cast<std::uint64_t>(SourceMap::BlockKind::code)) return false;
    block.kind = static_cast<SourceMap::BlockKind>(kind);
    last = block.text_start;
  }
  return in.ok();
}

}  // namespace

SourceMap SourceMap::identity(std::size_t size) {
  SourceMap map;
  if (size > 0) map.pieces.push_back({0, size, 0, size});
  return map;
}

Place SourceMap::place(Span span) const {
  Place place;
  place_bytes(pieces, span, place);
  place_lines(lines, span, place);
  place_headings(headings, span, place);
  place_rows(*this, span, place);
  return place;
}

std::string SourceMap::encode() const {
  const bool has_rows = !rows.empty() || !sheets.empty();
  detail::ByteWriter out;
  const std::uint64_t version = !blocks.empty() ? format_version_with_blocks
                                : has_rows      ? format_version_with_rows
                                                : format_version;
  out.number(version);
  out.number(pieces.size());
  Piece last_piece;
  for (const Piece& piece : pieces) {
    write_offset(out, last_piece.text_start + last_piece.length, piece.text_start);
    write_offset(out, 0, piece.length);
    write_offset(out, last_piece.byte_end, piece.byte_start);
    write_offset(out, piece.byte_start + piece.length, piece.byte_end);
    last_piece = piece;
  }
  out.number(lines.size());
  Line last_line;
  for (const Line& line : lines) {
    write_offset(out, last_line.text_end, line.text_start);
    write_offset(out, line.text_start, line.text_end);
    write_offset(out, static_cast<std::size_t>(last_line.page),
                 static_cast<std::size_t>(line.page));
    write_box(out, line.box);
    last_line = line;
  }
  out.number(headings.size());
  std::size_t last_heading = 0;
  for (const Heading& heading : headings) {
    write_offset(out, last_heading, heading.text_start);
    out.number(static_cast<std::uint64_t>(heading.level));
    out.string(heading.title);
    last_heading = heading.text_start;
  }
  if (version >= format_version_with_rows) write_rows(out, *this);
  if (version >= format_version_with_blocks) write_blocks(out, blocks);
  return out.take();
}

Result<SourceMap> SourceMap::decode(std::string_view bytes) {
  detail::ByteReader in(bytes);
  SourceMap map;
  const std::uint64_t version = in.number();
  const bool is_known = version >= format_version && version <= format_version_with_blocks;
  const bool is_whole = is_known && read_pieces(in, map.pieces) && read_lines(in, map.lines) &&
                        read_headings(in, map.headings) &&
                        (version < format_version_with_rows || read_rows(in, map)) &&
                        (version < format_version_with_blocks || read_blocks(in, map.blocks)) &&
                        in.left() == 0;
  if (!is_whole)
    return fail(Code::invalid_argument, "the source map of {} bytes is damaged", bytes.size());
  return map;
}

}  // namespace slipway::documents
