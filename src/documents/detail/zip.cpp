// Our own reader over zlib, because ours are the limits: a library that unpacks to files or streams
// would have to be told all of them, and none counts across parts. The central directory is the
// truth, as office programs have it; local headers only tell where the data starts.
// Format: PKWARE APPNOTE 6.3, sections 4.3 to 4.5.
#include "documents/detail/zip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "core/unicode.hpp"

namespace slipway::documents::detail {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t parts_max = 200'000;
constexpr std::size_t end_record_bytes = 22;
constexpr std::size_t directory_record_bytes = 46;
constexpr std::size_t local_header_bytes = 30;
constexpr int method_stored = 0;
constexpr int method_deflated = 8;

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + i])) << (8 * i);
  return value;
}

Error damaged(std::string_view what) {
  return fail(Code::invalid_argument, "damaged or truncated ZIP container: {}", what);
}

/// For messages: a name may hold anything.
std::string shown(std::string_view name) {
  std::string clean;
  for (const char c : name.substr(0, 80)) clean += c >= 0x20 && c < 0x7F ? c : '?';
  return clean;
}

/// Whether a program that unpacks to disk would write outside its folder.
bool leads_out(std::string_view name) {
  if (name.starts_with('/') || (name.size() > 1 && name[1] == ':')) return true;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('/'), name.size());
    if (name.substr(0, end) == "..") return true;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return false;
}

/// Takes sizes and offset out of the extra field of ZIP64 where the record says "look there".
void read_zip64(std::string_view extra, ZipArchive::Part& part) {
  constexpr std::uint64_t elsewhere = 0xFFFFFFFF;
  while (extra.size() >= 4) {
    const std::uint64_t size = number_at(extra, 2, 2);
    if (number_at(extra, 0, 2) == 1) {
      std::size_t at = 4;
      for (std::uint64_t* value : {&part.bytes, &part.packed_bytes, &part.header_at}) {
        if (*value != elsewhere || at + 8 > 4 + size) continue;
        *value = number_at(extra, at, 8);
        at += 8;
      }
      return;
    }
    extra.remove_prefix(std::min<std::size_t>(4 + size, extra.size()));
  }
}

/// Unpacks at most `bytes_max`; false when the data is damaged or longer.
bool inflate_all(std::string_view packed, std::size_t bytes_max, std::string& out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  std::array<char, 64u << 10> block;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    state = inflate(&stream, Z_NO_FLUSH);
    const std::size_t got = block.size() - stream.avail_out;
    if (out.size() + got > bytes_max) state = Z_DATA_ERROR;
    if (state == Z_OK && got == 0) state = Z_BUF_ERROR;  // The data ended before its end mark.
    if (state == Z_OK || state == Z_STREAM_END) out.append(block.data(), got);
  }
  inflateEnd(&stream);
  return state == Z_STREAM_END;
}

}  // namespace

Result<ZipArchive> ZipArchive::open(std::string_view bytes, std::size_t unpacked_bytes_max) {
  ZipArchive archive;
  archive.bytes_ = bytes;
  archive.budget_ = archive.limit_ = unpacked_bytes_max;
  TRY(archive.read_directory());
  return archive;
}

Result<void> ZipArchive::read_directory() {
  constexpr std::size_t comment_max = 65'535;
  const std::size_t tail = bytes_.size() - std::min(bytes_.size(), comment_max + end_record_bytes);
  const std::size_t end = bytes_.rfind("PK\x05\x06"sv);
  if (end == std::string_view::npos || end < tail || end + end_record_bytes > bytes_.size())
    return damaged("its directory at the end is missing; fetch the file again");
  std::uint64_t count = number_at(bytes_, end + 10, 2);
  std::uint64_t at = number_at(bytes_, end + 16, 4);
  if (end >= 20 && bytes_.substr(end - 20).starts_with("PK\x06\x07"sv)) {
    const std::uint64_t end64 = number_at(bytes_, end - 12, 8);
    if (end64 <= bytes_.size() && bytes_.substr(end64).starts_with("PK\x06\x06"sv)) {
      count = number_at(bytes_, end64 + 32, 8);
      at = number_at(bytes_, end64 + 48, 8);
    }
  }
  if (count > parts_max)
    return fail(Code::invalid_argument, "holds {} parts, more than the limit of {}", count,
                parts_max);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (at > bytes_.size()) return damaged("its directory is cut");
    const std::string_view record = bytes_.substr(at);
    if (record.size() < directory_record_bytes || !record.starts_with("PK\x01\x02"sv))
      return damaged("its directory is cut");
    const std::uint64_t size = directory_record_bytes + number_at(record, 28, 2) +
                               number_at(record, 30, 2) + number_at(record, 32, 2);
    if (size > record.size()) return damaged("its directory is cut");
    TRY(add_part(record.substr(0, size)));
    at += size;
  }
  return {};
}

Result<void> ZipArchive::add_part(std::string_view record) {
  Part part;
  const std::size_t name_bytes = number_at(record, 28, 2);
  part.name = record.substr(directory_record_bytes, name_bytes);
  std::replace(part.name.begin(), part.name.end(), '\\', '/');
  if (leads_out(part.name))
    return fail(Code::invalid_argument,
                "holds a part named '{}', which leads out of the archive; it is not safe",
                shown(part.name));
  part.is_encrypted = (number_at(record, 8, 2) & 1) != 0;
  part.method = static_cast<int>(number_at(record, 10, 2));
  part.checksum = static_cast<std::uint32_t>(number_at(record, 16, 4));
  part.packed_bytes = number_at(record, 20, 4);
  part.bytes = number_at(record, 24, 4);
  part.header_at = number_at(record, 42, 4);
  read_zip64(record.substr(directory_record_bytes + name_bytes, number_at(record, 30, 2)), part);
  // Of two parts with one name the first counts; a folder is no part.
  if (part.name.ends_with('/')) return {};
  if (!by_name_.emplace(unicode::to_lower(part.name), parts_.size()).second) return {};
  parts_.push_back(std::move(part));
  return {};
}

const ZipArchive::Part* ZipArchive::find(std::string_view name) const {
  const auto found = by_name_.find(unicode::to_lower(name));
  return found == by_name_.end() ? nullptr : &parts_[found->second];
}

Result<std::string_view> ZipArchive::packed_data(const Part& part) const {
  if (part.header_at > bytes_.size()) return damaged("a part lies behind its end");
  const std::string_view header = bytes_.substr(part.header_at);
  if (header.size() < local_header_bytes || !header.starts_with("PK\x03\x04"sv))
    return damaged(fmt::format("part '{}' is not where the directory says", shown(part.name)));
  const std::size_t start =
      local_header_bytes + number_at(header, 26, 2) + number_at(header, 28, 2);
  if (start > header.size() || part.packed_bytes > header.size() - start)
    return damaged(fmt::format("part '{}' is cut", shown(part.name)));
  return header.substr(start, part.packed_bytes);
}

Result<std::string> ZipArchive::read(std::string_view name) {
  const Part* part = find(name);
  if (part == nullptr) return fail(Code::invalid_argument, "its part '{}' is missing", shown(name));
  if (part->is_encrypted)
    return fail(Code::invalid_argument, "is encrypted; save it without a password");
  if (part->method != method_stored && part->method != method_deflated)
    return fail(Code::unsupported, "part '{}' is packed by method {}; pack it by deflate",
                shown(name), part->method);
  if (part->bytes > budget_)
    return fail(Code::invalid_argument,
                "unpacks to more than the limit of {} MiB (part '{}' alone to {} MiB)",
                limit_ >> 20, shown(name), part->bytes >> 20);
  const std::string_view packed = TRY(packed_data(*part));
  budget_ -= part->bytes;
  std::string out;
  const bool is_whole = part->method == method_stored
                            ? packed.size() == part->bytes && (out = packed, true)
                            : inflate_all(packed, part->bytes, out);
  if (!is_whole || out.size() != part->bytes)
    return damaged(
        fmt::format("part '{}' cannot be unpacked to the size that it declares", shown(name)));
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(out.data()), out.size());
  if (sum != part->checksum)
    return damaged(fmt::format("the checksum of part '{}' is wrong", shown(name)));
  return out;
}

}  // namespace slipway::documents::detail
