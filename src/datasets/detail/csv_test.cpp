#include "datasets/detail/csv.hpp"

#include <doctest/doctest.h>

namespace slipway::datasets::detail {

using Cells = std::vector<std::string>;

TEST_CASE("a table is read with its quotes, lines within cells and any line ends") {
  const auto table = read_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n\n1,\n");
  REQUIRE(table);
  CHECK(table->columns == Cells{"a", "b"});
  REQUIRE(table->rows.size() == 2);
  CHECK(table->rows[0] == Cells{"x, \"y\"", "two\nlines"});
  CHECK(table->rows[1] == Cells{"1", ""});
}

TEST_CASE("semicolons and tabs divide where the first line has more of them") {
  CHECK(read_csv("a;b;c,d\n1;2;3\n")->rows[0] == Cells{"1", "2", "3"});
  CHECK(read_csv("a\tb\n1\t2")->rows[0] == Cells{"1", "2"});
}

TEST_CASE("a broken table is refused with its line") {
  const auto width = read_csv("a,b\n1,2\n3\n");
  REQUIRE_FALSE(width);
  CHECK(width.error().message() == "line 3: 1 cells, but the first line names 2 columns");
  const auto open = read_csv("a\n\"x");
  REQUIRE_FALSE(open);
  CHECK(open.error().message().starts_with("line 2: a quote is opened"));
  CHECK(read_csv("")->rows.empty());
}

}  // namespace slipway::datasets::detail
