#include "trace/money.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace slipway::trace {

namespace {

std::int64_t attodollars(std::string_view text) {
  const auto price = parse_price(text);
  if (!price) FAIL(price.error().message());
  return price->attodollars;
}

constexpr std::int64_t picos_max = std::numeric_limits<std::int64_t>::max();

}  // namespace

TEST_CASE("a price is the decimal that is written, in all its forms") {
  CHECK(attodollars("2.5e-06") == 2'500'000'000'000);
  CHECK(attodollars("0.0000025") == 2'500'000'000'000);
  CHECK(attodollars("25E-7") == 2'500'000'000'000);
  CHECK(attodollars("0.00025e-2") == 2'500'000'000'000);
  CHECK(attodollars("2.50000000000000000000000000000e-6") == 2'500'000'000'000);
  CHECK(attodollars("3") == 3'000'000'000'000'000'000);
  CHECK(attodollars("9.000") == 9'000'000'000'000'000'000);
  CHECK(attodollars("1e-18") == 1);
  CHECK(attodollars("123.456e-3") == 123'456'000'000'000'000);
  CHECK(attodollars("1e+0") == 1'000'000'000'000'000'000);
  for (const char* zero : {"0", "0.0", "-0.0", "0e5", "0E-400"}) CHECK(attodollars(zero) == 0);
}

TEST_CASE("what is finer than an attodollar is rounded half to even") {
  CHECK(attodollars("2.0000000000000002e-07") == 200'000'000'000);
  CHECK(attodollars("9.499999999999999e-07") == 950'000'000'000);
  CHECK(attodollars("1.5e-18") == 2);
  CHECK(attodollars("2.5e-18") == 2);
  CHECK(attodollars("2.50000000000000000000000000000000001e-18") == 3);
  CHECK(attodollars("0.6e-18") == 1);
}

TEST_CASE("what is no price is refused with what was written") {
  for (const char* text : {"", "-", ".5", "5.", "1e", "1e+", "abc", "0x1", "1 ", " 1", "1,5", "+1",
                           "NaN", "Infinity", "1.2.3", "--1"})
    CHECK_MESSAGE(!parse_price(text), text);
  for (const char* text : {"-1", "-1e-9", "10", "9.000000000000000001", "1e400", "1e99999999999",
                           "1e-19", "0.5e-18", "1e-99999999999", "99999999999999999999"})
    CHECK_MESSAGE(!parse_price(text), text);
  CHECK(parse_price("-2e-06").error().message() ==
        "'-2e-06' is not a price: negative; give dollars as a decimal, like 2.5e-06");
  CHECK(parse_price(std::string(100'000, '7')).error().message().size() < 150);
}

TEST_CASE("the text of a price is read as the same price") {
  for (const char* text : {"2.5e-06", "1e-18", "0.00125", "3", "1.5", "0.1", "9", "1.23456789e-10",
                           "0.0001", "9.9999e-05", "8.999999999999999999", "0"}) {
    CHECK(parse_price(text)->text() == text);
  }
}

TEST_CASE("a product is rounded once, half to even") {
  CHECK(parse_price("2.5e-06")->times(1000).value == 2'500'000'000);
  CHECK(Price{500'000}.times(1).value == 0);
  CHECK(Price{500'000}.times(3).value == 2);
  CHECK(Price{500'001}.times(1).value == 1);
  CHECK(Price{499'999}.times(1).value == 0);
  CHECK(Price{1'500'000}.times(1).value == 2);
  CHECK(Price{9'000'000'000'000'000'000}.times(1'000'000'000'000).value == picos_max);
  CHECK(Price{9'000'000'000'000'000'000}.times(1).dollars() == 9);
}

TEST_CASE("sums saturate instead of changing sign") {
  Picodollars sum{picos_max - 1};
  sum += Picodollars{5};
  CHECK(sum.value == picos_max);
  sum = Picodollars{-picos_max};
  sum += Picodollars{-5};
  CHECK(sum.value == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("dollars become the nearest picodollar, and the nearest double again") {
  CHECK(picodollars(0.1)->value == 100'000'000'000);
  CHECK(picodollars(0.00012345)->value == 123'450'000);
  CHECK(picodollars(1e-13)->value == 0);
  CHECK(picodollars(9e6)->value == 9'000'000'000'000'000'000);
  for (const double amount : {-0.01, 9.1e6, std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()})
    CHECK(!picodollars(amount));
  CHECK(Picodollars{2'500'000}.dollars() == 2.5e-6);
  CHECK(Picodollars{123'450'000}.dollars() == 0.00012345);
  CHECK(Picodollars{3}.dollars() == 3e-12);
  CHECK(parse_price("1.25e-06")->dollars() == 1.25e-6);
}

}  // namespace slipway::trace
