#include "trace/detail/protobuf.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace slipway::trace::detail {

namespace {

constexpr std::uint32_t group_start = 3;
constexpr std::uint32_t group_end = 4;
constexpr std::size_t group_depth_max = 100;  // As the reference implementation has it.
constexpr std::uint64_t field_number_max = (1U << 29) - 1;

}  // namespace

double WireField::as_double() const { return std::bit_cast<double>(value); }

void WireFault::set(const char* at, const char* what) {
  if (what_ != nullptr) return;
  at_ = at;
  what_ = what;
}

Error WireFault::error() const {
  return slipway::fail(Code::invalid_argument, "not valid protobuf at byte {}: {}", at_ - begin_,
                       what_);
}

bool WireReader::fail(const char* at, const char* what) {
  fault_.set(at, what);
  at_ = end_;
  return false;
}

bool WireReader::read_varint(std::uint64_t& value) {
  const char* const start = at_;
  value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == end_) return fail(start, "a number is cut off");
    const auto byte = static_cast<unsigned char>(*at_++);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return fail(start, "a number of more than ten bytes");
}

bool WireReader::read_fixed(std::size_t bytes, std::uint64_t& value) {
  if (static_cast<std::size_t>(end_ - at_) < bytes) return fail(at_, "a number is cut off");
  value = 0;
  std::memcpy(&value, at_, bytes);
  at_ += bytes;
  return true;
}

bool WireReader::read_value(std::uint32_t wire_type, WireField& field) {
  field.type = static_cast<WireType>(wire_type);
  switch (wire_type) {
    case 0: return read_varint(field.value);
    case 1: return read_fixed(8, field.value);
    case 5: return read_fixed(4, field.value);
    case 2: break;
    default: return fail(at_, "an unknown wire type");
  }
  const char* const start = at_;
  if (!read_varint(field.value)) return false;
  if (field.value > static_cast<std::uint64_t>(end_ - at_))
    return fail(start, "a field is longer than its message");
  field.bytes = {at_, static_cast<std::size_t>(field.value)};
  at_ += field.value;
  return true;
}

bool WireReader::skip_group(std::uint64_t tag) {
  std::array<std::uint64_t, group_depth_max> open{};
  std::size_t depth = 0;
  open[depth++] = tag >> 3;
  while (depth > 0) {
    const char* const start = at_;
    if (!read_varint(tag)) return false;
    const auto type = static_cast<std::uint32_t>(tag & 7);
    if (type == group_start) {
      if (depth == group_depth_max) return fail(start, "groups are nested too deeply");
      open[depth++] = tag >> 3;
    } else if (type == group_end) {
      if (open[--depth] != tag >> 3) return fail(start, "a group ends that has not begun");
    } else {
      WireField ignored;
      if (!read_value(type, ignored)) return false;
    }
  }
  return true;
}

bool WireReader::next(WireField& field) {
  while (at_ != end_) {
    const char* const start = at_;
    std::uint64_t tag = 0;
    if (!read_varint(tag)) return false;
    if (tag >> 3 == 0 || tag >> 3 > field_number_max) return fail(start, "no field number");
    const auto type = static_cast<std::uint32_t>(tag & 7);
    if (type == group_end) return fail(start, "a group ends that has not begun");
    if (type == group_start) {
      if (!skip_group(tag)) return false;
      continue;
    }
    field.number = static_cast<std::uint32_t>(tag >> 3);
    return read_value(type, field);
  }
  return false;
}

void WireWriter::raw_varint(std::uint64_t value) {
  while (value >= 0x80) {
    out_ += static_cast<char>((value & 0x7F) | 0x80);
    value >>= 7;
  }
  out_ += static_cast<char>(value);
}

void WireWriter::tag(std::uint32_t number, WireType type) {
  raw_varint(static_cast<std::uint64_t>(number) << 3 | static_cast<std::uint64_t>(type));
}

void WireWriter::present_varint(std::uint32_t number, std::uint64_t value) {
  tag(number, WireType::varint);
  raw_varint(value);
}

void WireWriter::varint(std::uint32_t number, std::uint64_t value) {
  if (value != 0) present_varint(number, value);
}

void WireWriter::fixed64(std::uint32_t number, std::uint64_t value) {
  if (value == 0) return;
  tag(number, WireType::fixed64);
  out_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void WireWriter::fixed32(std::uint32_t number, std::uint32_t value) {
  if (value == 0) return;
  tag(number, WireType::fixed32);
  out_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void WireWriter::present_double(std::uint32_t number, double value) {
  tag(number, WireType::fixed64);
  out_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void WireWriter::present_bytes(std::uint32_t number, std::string_view value) {
  tag(number, WireType::bytes);
  raw_varint(value.size());
  out_ += value;
}

void WireWriter::bytes(std::uint32_t number, std::string_view value) {
  if (!value.empty()) present_bytes(number, value);
}

}  // namespace slipway::trace::detail
