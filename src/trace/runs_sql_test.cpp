#include "trace/runs_sql.hpp"

#include <doctest/doctest.h>

#include "core/json_members.hpp"

namespace slipway::trace {

namespace {

std::vector<std::string> cells(std::string row) {
  REQUIRE(row.ends_with('\n'));
  row.pop_back();
  CHECK(row.find('\n') == std::string::npos);
  std::vector<std::string> cells(1);
  for (const char c : row)
    if (c == '\t')
      cells.emplace_back();
    else
      cells.back() += c;
  return cells;
}

}  // namespace

TEST_CASE("a row for COPY has a cell for each column, and what is not there is null") {
  const auto row = cells(
      copy_row(R"({"id":"r","trace_id":"t","parent_id":null,"name":"a\tb\\c\nd\u0000e","usage":)"
               R"({"input_tokens":3},"cost":{"total_usd":0.000001},"inputs":{"q":"a\\nb"},)"
               R"("start_time":"2026-11-23T08:00:00.000000001Z"})"));
  REQUIRE(row.size() == 31);
  CHECK(row[0] == "r");
  CHECK(row[1] == "t");
  CHECK(row[2] == "\\N");
  CHECK(row[4] == "a\\tb\\\\c\\nde");
  CHECK(row[8] == "2026-11-23T08:00:00.000000001Z");
  CHECK(row[16] == "3");
  CHECK(row[23] == "0.000001");
  CHECK(row[25] == R"({"q":"a\\\\nb"})");
  CHECK(row[26] == "\\N");
}

TEST_CASE("a text that looks like the end of the rows is none, and a JSON text keeps its quotes") {
  const auto row = cells(copy_row(R"({"id":"\\.","trace_id":"t","inputs":"\\.","outputs":1.0})"));
  CHECK(row[0] == "\\\\.");
  CHECK(row[25] == R"("\\\\.")");
  CHECK(row[26] == "1.0");
}

TEST_CASE("what PostgreSQL could not look into is replaced, and nothing else of a JSON") {
  const auto row = cells(copy_row(R"({"id":"r","trace_id":"t","inputs":)"
                                  R"("\u0000 \\u0000 \ud83d\ude00 \ud83d \ude00 \u00e4 \n"})"));
  CHECK(row[25] == R"("\\ufffd \\\\u0000 \\ud83d\\ude00 \\ufffd \\ufffd \\u00e4 \\n")");
}

TEST_CASE("a file of SQL that cannot be written is named") {
  const auto made = RunsSql::create("/nowhere/at/all/runs.sql");
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().message().find("/nowhere/at/all/runs.sql") != std::string::npos);
}

}  // namespace slipway::trace
