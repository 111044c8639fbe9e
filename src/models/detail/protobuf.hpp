// Reads https://protobuf.dev/programming-guides/encoding/, the encoding of ONNX files. The bytes
// are foreign: nothing in them can make the reader look outside of them.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/result.hpp"

namespace slipway::models::detail {

enum class Wire { number = 0, eight_bytes = 1, bytes = 2, four_bytes = 5 };

struct ProtobufField {
  std::uint32_t id = 0;
  Wire wire = Wire::number;
  std::uint64_t number = 0;  ///< Of all but `bytes`.
  std::string_view bytes;
  std::string_view raw;  ///< The whole field as it stands, key included.
};

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : rest_(bytes) {}
  bool is_done() const { return rest_.empty(); }

  Result<ProtobufField> next() {
    const std::string_view before = rest_;
    ProtobufField field = TRY(read());
    field.raw = before.substr(0, before.size() - rest_.size());
    return field;
  }

  Result<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return cut();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return fail(Code::invalid_argument, "it is no ONNX model: a number has more than 10 bytes");
  }

 private:
  Result<ProtobufField> read() {
    const std::uint64_t key = TRY(varint());
    ProtobufField field;
    if (key >> 3 == 0 || key >> 3 > 0x1fffffff)
      return fail(Code::invalid_argument, "it is no ONNX model: a field has the number {}",
                  key >> 3);
    field.id = static_cast<std::uint32_t>(key >> 3);
    field.wire = static_cast<Wire>(key & 7);
    switch (field.wire) {
      case Wire::number: field.number = TRY(varint()); return field;
      case Wire::bytes: field.bytes = TRY(take(TRY(varint()))); return field;
      case Wire::eight_bytes: field.number = TRY(fixed<std::uint64_t>()); return field;
      case Wire::four_bytes: field.number = TRY(fixed<std::uint32_t>()); return field;
    }
    return fail(Code::invalid_argument, "it is no ONNX model: a field has the wire type {}",
                key & 7);
  }

  template <typename T>
  Result<T> fixed() {
    static_assert(std::endian::native == std::endian::little);
    T value;
    std::memcpy(&value, TRY(take(sizeof value)).data(), sizeof value);
    return value;
  }

  static Error cut() { return fail(Code::invalid_argument, "it ends in the middle: it is cut"); }

  Result<std::string_view> take(std::uint64_t bytes) {
    if (bytes > rest_.size()) return cut();
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

  std::string_view rest_;
};

/// `visit` sees each field.
template <typename Visit>
Result<void> for_fields(std::string_view bytes, const Visit& visit) {
  ProtobufReader message(bytes);
  while (!message.is_done()) {
    const ProtobufField field = TRY(message.next());
    TRY(visit(field));
  }
  return {};
}

}  // namespace slipway::models::detail
