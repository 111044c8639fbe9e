#include "core/result.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace slipway;

namespace {

struct NoDefault {
  explicit NoDefault(int v) : value(v) {}
  int value;
};

Result<NoDefault> make(int value) {
  if (value < 0) return fail(Code::invalid_argument, "{} is negative; give 0 or more", value);
  return NoDefault(value);
}
Result<std::unique_ptr<int>> make_pointer(int value) {
  return std::make_unique<int>(TRY(make(value)).value);
}
Result<void> check(int value) {
  TRY(make(value));
  return {};
}

}  // namespace

TEST_CASE("TRY hands over the value or returns the error early") {
  auto made = make_pointer(7);
  REQUIRE(made.ok());
  CHECK(**made == 7);
  const auto failed = make_pointer(-1);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code() == Code::invalid_argument);
  CHECK(failed.error().message() == "-1 is negative; give 0 or more");
  CHECK(check(1).ok());
  CHECK_FALSE(check(-1).ok());
}

TEST_CASE("context stands in front of a message, outermost first, and only of errors") {
  const auto failed = make(-1).within("reading 'a'").within("loading");
  CHECK(failed.error().message() == "loading: reading 'a': -1 is negative; give 0 or more");
  CHECK(failed.error().code() == Code::invalid_argument);
  CHECK(make(3).within("loading")->value == 3);
  CHECK(check(-1).within("checking").error().message().starts_with("checking: "));
  CHECK(check(1).within("checking").ok());
}

TEST_CASE("a result is moved, so that it may hold what cannot be copied") {
  auto made = make_pointer(5);
  const std::unique_ptr<int> taken = *std::move(made);
  CHECK(*taken == 5);
}

TEST_CASE("every code has a wire name and an HTTP status, and three are worth a retry") {
  struct Row {
    Code code;
    std::string_view name;
    int status;
    bool is_retryable;
  };
  const Row rows[] = {
      {Code::invalid_argument, "invalid_argument", 400, false},
      {Code::not_found, "not_found", 404, false},
      {Code::conflict, "conflict", 409, false},
      {Code::unauthenticated, "unauthenticated", 401, false},
      {Code::forbidden, "forbidden", 403, false},
      {Code::rate_limited, "rate_limited", 429, true},
      {Code::unavailable, "unavailable", 503, true},
      {Code::deadline_exceeded, "deadline_exceeded", 504, true},
      {Code::cancelled, "cancelled", 499, false},
      {Code::unsupported, "unsupported", 501, false},
      {Code::internal, "internal", 500, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(name(row.code) == row.name);
    CHECK(http_status(row.code) == row.status);
    CHECK(is_retryable(row.code) == row.is_retryable);
  }
}
