#include "eval/detail/csv.hpp"

#include <doctest/doctest.h>

namespace slipway::eval::detail {

namespace {

std::string error_of(std::string_view text) {
  const auto table = read_table(text);
  return table ? "none" : table.error().message();
}

}  // namespace

TEST_CASE("cells with commas, quotes and line breaks come back as they were written") {
  const std::vector<std::vector<std::string>> rows{
      {"input", "note"}, {"a,b", "say \"x\""}, {"two\r\nlines", "lone\rreturn"}, {"", " spaces "}};
  std::string text;
  for (const auto& row : rows) append_row(text, row);
  const auto table = read_table(text);
  REQUIRE(table);
  CHECK(table->columns == rows[0]);
  REQUIRE(table->rows.size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < 2; ++k) CHECK(table->rows[i][k].text == rows[i + 1][k]);
}

TEST_CASE("a table of one column keeps its empty cells") {
  std::string text;
  append_row(text, {"input"});
  append_row(text, {""});
  CHECK(text == "input\r\n\"\"\r\n");
}

TEST_CASE("byte order mark, blank lines and both line ends are read") {
  const auto table = read_table("\xEF\xBB\xBFinput,id\n\nwhat?,1\r\nwhy?,2");
  REQUIRE(table);
  CHECK(table->columns == std::vector<std::string>{"input", "id"});
  REQUIRE(table->rows.size() == 2);
  CHECK(table->rows[0][0].line == 3);
  CHECK(table->rows[1][1].text == "2");
}

TEST_CASE("what is wrong in a table is told with line and column") {
  CHECK(error_of("input\n\"open") == "line 2, column 1: a quote is opened and never closed");
  CHECK(error_of("a,b\nx,y,z").starts_with("line 2, column 5: 3 cells"));
  CHECK(error_of("a,b\n\xC3\xA4\"x,y").starts_with("line 2, column 2: a quote stands"));
  CHECK(error_of("a,b\n\"x\"y,z").starts_with("line 2, column 4: text follows"));
  CHECK(error_of("a,a\n").starts_with("line 1, column 3: a second column 'a'"));
  CHECK(error_of("a,,b\n").starts_with("line 1, column 3: the column has no name"));
  CHECK(error_of("").starts_with("line 1, column 1: no line names"));
}

}  // namespace slipway::eval::detail
