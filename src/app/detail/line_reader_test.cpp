#include "app/detail/line_reader.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace slipway::app::detail {

namespace {

std::vector<std::string> lines_of(const std::string& text) {
  const auto file = std::filesystem::temp_directory_path() / "slipway_line_reader_test";
  std::ofstream(file, std::ios::binary) << text;
  auto reader = LineReader::open(file.string());
  REQUIRE(reader);
  std::vector<std::string> lines;
  for (;;) {
    const auto line = reader->next();
    REQUIRE(line);
    if (!*line) break;
    lines.emplace_back(**line);
    CHECK(reader->line() == lines.size());
  }
  std::filesystem::remove(file);
  return lines;
}

}  // namespace

TEST_CASE("lines come without their breaks, the last one also without a break") {
  CHECK(lines_of("").empty());
  CHECK(lines_of("a\n\nb\r\nc") == std::vector<std::string>{"a", "", "b", "c"});
  CHECK(lines_of("a\n") == std::vector<std::string>{"a"});
}

TEST_CASE("a line may be longer than what is read at once") {
  const std::string line(700'000, 'x');
  CHECK(lines_of(line + "\n" + line + "y\n") == std::vector<std::string>{line, line + "y"});
}

TEST_CASE("a missing file and a folder are refused by name") {
  CHECK(LineReader::open("/nonexistent").error().code() == Code::not_found);
  CHECK(LineReader::open("/").error().message() == "/: is a folder; name a file");
}

}  // namespace slipway::app::detail
