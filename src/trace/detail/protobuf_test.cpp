#include "trace/detail/protobuf.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace slipway::trace::detail {

namespace {

std::string message_of_failure(std::string_view body) {
  WireFault fault(body);
  WireReader reader(body, fault);
  WireField field;
  while (reader.next(field)) {
  }
  return fault.is_set() ? fault.error().message() : "";
}

}  // namespace

TEST_CASE("what is written in the wire format is read again") {
  WireWriter out;
  out.varint(1, 300);
  out.varint(2, 0);
  out.present_varint(3, 0);
  out.present_varint(4, std::numeric_limits<std::uint64_t>::max());
  out.fixed64(5, 7);
  out.fixed32(6, 8);
  out.present_double(7, -0.5);
  out.bytes(8, "text");
  out.bytes(9, "");
  out.present_bytes(536870911, "");

  WireFault fault(out.text());
  WireReader reader(out.text(), fault);
  WireField field;
  REQUIRE(reader.next(field));
  CHECK(field.is_varint(1));
  CHECK(field.value == 300);
  REQUIRE(reader.next(field));
  CHECK(field.is_varint(3));
  REQUIRE(reader.next(field));
  CHECK(field.value == std::numeric_limits<std::uint64_t>::max());
  REQUIRE(reader.next(field));
  CHECK(field.is(5, WireType::fixed64));
  CHECK(field.value == 7);
  REQUIRE(reader.next(field));
  CHECK(field.is(6, WireType::fixed32));
  CHECK(field.value == 8);
  REQUIRE(reader.next(field));
  CHECK(field.as_double() == -0.5);
  REQUIRE(reader.next(field));
  CHECK(field.is_bytes(8));
  CHECK(field.bytes == "text");
  REQUIRE(reader.next(field));
  CHECK(field.is_bytes(536870911));
  CHECK_FALSE(reader.next(field));
  CHECK_FALSE(fault.is_set());
}

TEST_CASE("each way in which a message can be broken is told with its byte") {
  using namespace std::string_view_literals;
  const std::string prefix = "not valid protobuf at byte ";
  CHECK(message_of_failure("\x08"sv) == prefix + "1: a number is cut off");
  CHECK(message_of_failure("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv) ==
        prefix + "1: a number of more than ten bytes");
  CHECK(message_of_failure("\x09\x01"sv) == prefix + "1: a number is cut off");
  CHECK(message_of_failure("\x0a\x05"
                           "abc"sv) == prefix + "1: a field is longer than its message");
  CHECK(message_of_failure("\x08\x01\x00\x01"sv) == prefix + "2: no field number");
  CHECK(message_of_failure("\x0e"sv) == prefix + "1: an unknown wire type");
  CHECK(message_of_failure("\x0c"sv) == prefix + "0: a group ends that has not begun");
}

TEST_CASE("groups of old clients are skipped whole, and only as deep as they may be") {
  using namespace std::string_view_literals;
  CHECK(message_of_failure("\x0b\x10\x01\x1b\x1c\x0c"sv).empty());
  CHECK(message_of_failure("\x0b\x14"sv) ==
        "not valid protobuf at byte 1: a group ends that has not begun");
  CHECK(message_of_failure(std::string(1000, '\x0b')) ==
        "not valid protobuf at byte 100: groups are nested too deeply");
}

}  // namespace slipway::trace::detail
