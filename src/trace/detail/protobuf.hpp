// The wire format of Protocol Buffers, read and written without generated code: a message is a
// sequence of fields, and what is unknown is skipped. Source:
// protobuf.dev/programming-guides/encoding.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::trace::detail {

enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::varint;
  std::uint64_t value = 0;  ///< varint, fixed64, fixed32
  std::string_view bytes;   ///< Of the body that is read.

  bool is(std::uint32_t wanted, WireType wanted_type) const {
    return number == wanted && type == wanted_type;
  }
  /// A string or a message within.
  bool is_bytes(std::uint32_t wanted) const { return is(wanted, WireType::bytes); }
  bool is_varint(std::uint32_t wanted) const { return is(wanted, WireType::varint); }
  double as_double() const;
};

/// The first thing that was wrong in a body; shared by the readers of all messages within it.
class WireFault {
 public:
  explicit WireFault(std::string_view body) : begin_(body.data()) {}
  bool is_set() const { return what_ != nullptr; }
  /// Later ones are forgotten.
  void set(const char* at, const char* what);
  Error error() const;  ///< invalid_argument with the byte. Only when set.

 private:
  const char* begin_;
  const char* at_ = nullptr;
  const char* what_ = nullptr;
};

/// The fields of one message, in their order. Groups, which nobody writes any more, are skipped.
class WireReader {
 public:
  /// `message` lies in the body of `fault`; both outlive the reader.
  WireReader(std::string_view message, WireFault& fault)
      : at_(message.data()), end_(message.data() + message.size()), fault_(fault) {}
  /// False: the end, or a fault.
  bool next(WireField& field);

 private:
  bool read_varint(std::uint64_t& value);
  bool read_fixed(std::size_t bytes, std::uint64_t& value);
  bool read_value(std::uint32_t wire_type, WireField& field);
  bool skip_group(std::uint64_t tag);
  bool fail(const char* at, const char* what);

  const char* at_;
  const char* end_;
  WireFault& fault_;
};

/// Appends fields; those that hold their default are left out, as proto3 does.
class WireWriter {
 public:
  void varint(std::uint32_t number, std::uint64_t value);
  void fixed64(std::uint32_t number, std::uint64_t value);
  void fixed32(std::uint32_t number, std::uint32_t value);
  void bytes(std::uint32_t number, std::string_view value);
  /// Also what holds its default: the members of a oneof.
  void present_varint(std::uint32_t number, std::uint64_t value);
  void present_double(std::uint32_t number, double value);
  void present_bytes(std::uint32_t number, std::string_view value);
  const std::string& text() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  void raw_varint(std::uint64_t value);
  void tag(std::uint32_t number, WireType type);

  std::string out_;
};

}  // namespace slipway::trace::detail
