// Segments as files: derived, immutable, checksummed. A file that is not exactly what was written
// is never used; everything in it can be made again from the database.
//
//   header: magic, format, dimension, size of the file, CRC of header and table
//   table: offset, bytes and CRC of each section, in the order of SegmentArrays::members
//   sections, each from a multiple of 64; the last are the vectors and before them the CRCs of
//   their blocks of 64 KiB, because only what is read of them is checked
// CRCs are CRC-32C (Castagnoli). Numbers are little-endian, as the machine has them.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "index/detail/segment.hpp"

namespace slipway::index {

/// Durable on return. Gives the checksum of the whole. Fails: as write_file_atomically.
Result<std::uint32_t> write_segment(const std::filesystem::path& path, const Segment& segment);

/// Maps a file. Fails: not_found; invalid_argument when anything is not as `write_segment` left it,
/// the vectors aside, which are checked when they are used (Segment::check_vectors).
Result<std::shared_ptr<const Segment>> open_segment(const std::filesystem::path& path,
                                                    std::size_t dimension, std::uint32_t checksum);

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace slipway::index
