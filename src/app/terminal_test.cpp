#include "app/terminal.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace slipway::app {

TEST_CASE("text wraps at words and folds white space") {
  const auto lines = wrap("  one two\n\nthree   four ", 9);
  CHECK(lines == std::vector<std::string>{"one two", "three", "four"});
  CHECK(wrap(" \n\t ", 10).empty());
  CHECK(wrap("", 10).empty());
}

TEST_CASE("a word longer than the line is cut between characters") {
  CHECK(wrap("abcdefgh ij", 3) == std::vector<std::string>{"abc", "def", "gh", "ij"});
  CHECK(wrap("ééé", 2) == std::vector<std::string>{"éé", "é"});
}

TEST_CASE("wide scripts take two columns and marks none") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\u0301") == 1);
  CHECK(wrap("日本語", 4) == std::vector<std::string>{"日本", "語"});
}

TEST_CASE("foreign text cannot drive the terminal") {
  CHECK(printable("a\x1b[31mb") == "a\uFFFD[31mb");
  CHECK(printable("line\r\nnext\rlast\ttab") == "line\nnext\nlast\ttab");
  CHECK(printable("a\u202Eb\u200Bc") == "abc");
  CHECK(printable("\xff") == "\uFFFD");
  CHECK(printable("\xc2\x9b") == "\uFFFD");
  CHECK(printable("naïve 日本") == "naïve 日本");
}

TEST_CASE("numbers, times and sizes are written for people") {
  CHECK(group_digits(0) == "0");
  CHECK(group_digits(999) == "999");
  CHECK(group_digits(1000) == "1,000");
  CHECK(group_digits(-1234567) == "-1,234,567");
  CHECK(format_seconds(0.0123) == "12 ms");
  CHECK(format_seconds(1.25) == "1.2 s");
  CHECK(format_seconds(125) == "2 min 5 s");
  CHECK(format_seconds(7260) == "2 h 1 min");
  CHECK(format_bytes(999) == "999 B");
  CHECK(format_bytes(12'300'000) == "12.3 MB");
}

TEST_CASE("a text is clipped to the columns that are there") {
  CHECK(clip("abcdef", 6) == "abcdef");
  CHECK(clip("abcdefg", 6) == "abcde…");
  CHECK(clip("日本語", 4) == "日…");
}

TEST_CASE("columns of a table align by what is seen") {
  CHECK(format_table({"NAME", "SIZE"}, {{"日本", "1"}, {"abcdef", "22"}}) ==
        "NAME    SIZE\n日本    1\nabcdef  22\n");
  CHECK(format_table({}, {{"a", ""}}) == "a\n");
}

TEST_CASE("flowing text wraps as if it had come in one piece") {
  FlowingText flowing(10);
  std::string out = flowing.add("One two three");
  out += flowing.add("four [1].");
  out += flowing.finish();
  CHECK(out == "One two\nthree four\n[1].\n");
  CHECK(flowing.finish().empty());
}

TEST_CASE("colours appear only where they are wanted") {
  const Style plain;
  CHECK(plain.bold("a") == "a");
  const Style colourful{.is_terminal = true, .has_colour = true};
  CHECK(colourful.bold("a") == "\x1b[1ma\x1b[0m");
  CHECK(colourful.bold("") == "");
}

namespace {
struct Ticking {
  Progress::Time now{};
  Progress::Now function() {
    return [this] { return now; };
  }
};
}  // namespace

TEST_CASE("progress elsewhere than on a terminal is at most one line a second") {
  std::string text;
  Output output(text);
  Ticking clock;
  Progress progress(output, {.what = "ingest", .unit = "documents", .now = clock.function()});
  progress.show(1, 1100, "3 chunks");
  CHECK(text.empty());
  clock.now += std::chrono::milliseconds(1001);
  progress.show(200, 1100, "1,800 chunks · a.md");
  clock.now += std::chrono::milliseconds(900);
  progress.show(300, 1100, "never shown");
  CHECK(text == "ingest: 200 of 1,100 documents, 1,800 chunks · a.md\n");
}

TEST_CASE("progress on a terminal is one bar that is taken away at the end") {
  std::string text;
  Output output(text);
  Ticking clock;
  {
    Progress progress(output, {.style = {.is_terminal = true, .width = 60},
                               .what = "ingest",
                               .unit = "documents",
                               .now = clock.function()});
    progress.show(1, 2, "5 chunks · a.md");
    CHECK(text == "\r\x1b[2K████████████░░░░░░░░░░░░  50% 1/2 documents · 5 chunks · a…");
    const std::size_t before = text.size();
    progress.show(1, 2, "too soon");
    CHECK(text.size() == before);
    progress.show(2, 2, "the last one always");
    CHECK(text.size() > before);
  }
  CHECK(text.ends_with("\r\x1b[2K"));
}

TEST_CASE("a quiet progress says nothing") {
  std::string text;
  Output output(text);
  {
    Progress progress(output, {.style = {.is_terminal = true}, .is_quiet = true});
    progress.show(1, 2, "x");
  }
  CHECK(text.empty());
}

TEST_CASE("a reader that went away is no error, and a full disk is") {
  signal(SIGPIPE, SIG_IGN);
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  close(ends[0]);
  Output gone(ends[1]);
  gone.write("text");
  CHECK_FALSE(gone.has_reader());
  CHECK(gone.status());
  close(ends[1]);

  const int full = open("/dev/full", O_WRONLY);
  REQUIRE(full >= 0);
  Output stuck(full);
  stuck.write("text");
  CHECK(stuck.has_reader());
  REQUIRE_FALSE(stuck.status());
  CHECK(stuck.status().error().message() == "cannot write to the output: No space left on device");
  close(full);
}

}  // namespace slipway::app
