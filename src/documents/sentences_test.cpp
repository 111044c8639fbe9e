#include <doctest/doctest.h>

#include <ctime>
#include <random>

#include "core/unicode.hpp"
#include "documents/splitters.hpp"

using namespace slipway;
using namespace slipway::documents;

namespace {

using Units = std::vector<std::string>;

Units units(std::string_view text) {
  Units found;
  for (const Span span : split_sentences(text))
    found.emplace_back(text.substr(span.start, span.size()));
  return found;
}

/// One unit a line, so that a failed comparison can be read.
std::string shown(const Units& units) { return fmt::format("\n{}\n", fmt::join(units, "\n~\n")); }

#define CHECK_UNITS(text, ...) CHECK(shown(units(text)) == shown(Units{__VA_ARGS__}))

/// In order, not overlapping, not blank, trimmed, on boundaries.
bool spans_are_sound(std::string_view text) {
  std::size_t last = 0;
  for (const Span span : split_sentences(text)) {
    if (span.start < last || span.end <= span.start || span.end > text.size()) return false;
    if (!unicode::is_boundary(text, span.start) || !unicode::is_boundary(text, span.end))
      return false;
    const std::string_view unit = text.substr(span.start, span.size());
    if (unicode::trim(unit).size() != unit.size()) return false;
    last = span.end;
  }
  return true;
}

}  // namespace

TEST_CASE("sentences end at full stops, question and exclamation marks") {
  CHECK_UNITS("One thing. Another thing! A third? Yes.", "One thing.", "Another thing!", "A third?",
              "Yes.");
  CHECK_UNITS("What?! No way... Really.", "What?!", "No way...", "Really.");
  CHECK_UNITS("Wait … what? So … Then it ended.", "Wait … what?", "So …", "Then it ended.");
  CHECK_UNITS("  Spaces around.   Twice.  ", "Spaces around.", "Twice.");
  CHECK_UNITS("No terminator at all", "No terminator at all");
  CHECK_UNITS("");
  CHECK_UNITS(" \n\t\n ");
}

TEST_CASE("abbreviations and initials end no sentence") {
  CHECK_UNITS("Mr. Smith met Dr. Jones vs. Prof. Lee. They spoke.",
              "Mr. Smith met Dr. Jones vs. Prof. Lee.", "They spoke.");
  CHECK_UNITS("Use a cache, e.g. Redis, i.e. Something fast. Done.",
              "Use a cache, e.g. Redis, i.e. Something fast.", "Done.");
  CHECK_UNITS("See Fig. 3 and No. 5 on p. 7. It is clear.", "See Fig. 3 and No. 5 on p. 7.",
              "It is clear.");
  CHECK_UNITS("Is it there? No. It is not.", "Is it there?", "No.", "It is not.");
  CHECK_UNITS("J. R. R. Tolkien wrote. George W. Bush did not.", "J. R. R. Tolkien wrote.",
              "George W. Bush did not.");
  CHECK_UNITS("He lived in the U.S. Government jobs were rare. In the U.S. The law differs.",
              "He lived in the U.S. Government jobs were rare.", "In the U.S.", "The law differs.");
  CHECK_UNITS("Acme Inc. Europe pays. Pens, paper etc. The rest is free.", "Acme Inc. Europe pays.",
              "Pens, paper etc.", "The rest is free.");
  CHECK_UNITS("It opens at 9 a.m. on Jan. 5. Come.", "It opens at 9 a.m. on Jan. 5.", "Come.");
  CHECK_UNITS("Müller et al. Found it. Das ist z.B. Gut, bzw. Besser.", "Müller et al. Found it.",
              "Das ist z.B. Gut, bzw. Besser.");
  CHECK_UNITS("We chose plan B. The rest followed.", "We chose plan B.", "The rest followed.");
}

TEST_CASE("numbers, versions, addresses and file names are not cut") {
  CHECK_UNITS("Pi is 3.14 today. Version 1.2.3 is out.", "Pi is 3.14 today.",
              "Version 1.2.3 is out.");
  CHECK_UNITS("Edit slipway.yaml first. See https://example.org/a.b?c=d&e!f. Then start.",
              "Edit slipway.yaml first.", "See https://example.org/a.b?c=d&e!f.", "Then start.");
  CHECK_UNITS("The limit is 30. 5 are kept.", "The limit is 30.", "5 are kept.");
  CHECK_UNITS("Use .NET or node.js. Or neither.", "Use .NET or node.js.", "Or neither.");
}

TEST_CASE("quotation marks, brackets and references stay with their sentence") {
  CHECK_UNITS("He said “Stop.” Then he left.", "He said “Stop.”", "Then he left.");
  CHECK_UNITS("(See below.) It works. \"Good!\" she cried. \"Why?\" Nobody knew.", "(See below.)",
              "It works.", "\"Good!\" she cried.", "\"Why?\"", "Nobody knew.");
  CHECK_UNITS("It is **fast.** And _small._ Yes.", "It is **fast.**", "And _small._", "Yes.");
  CHECK_UNITS("As shown.[3] Others agree.[^note] Fine.", "As shown.[3]", "Others agree.[^note]",
              "Fine.");
  CHECK_UNITS("«Assez !» Il part. „Gut.“ Er geht.", "«Assez !»", "Il part.", "„Gut.“", "Er geht.");
}

TEST_CASE("a small letter goes on, but a technical name begins") {
  CHECK_UNITS("It stops. pg_dump writes a file. But approx. ten remain. slipway.yaml is read.",
              "It stops.", "pg_dump writes a file.", "But approx. ten remain.",
              "slipway.yaml is read.");
  CHECK_UNITS("Run it. `make` builds all. then unknown abbr. goes on.", "Run it.",
              "`make` builds all. then unknown abbr. goes on.");
}

TEST_CASE("scripts without spaces and other terminators are cut") {
  CHECK_UNITS("これは文です。次の文！「終わり。」はい？", "これは文です。", "次の文！",
              "「終わり。」", "はい？");
  CHECK_UNITS("यह एक वाक्य है। दूसरा वाक्य।", "यह एक वाक्य है।", "दूसरा वाक्य।");
  CHECK_UNITS("هل هذا سؤال؟ نعم. انتهى۔", "هل هذا سؤال؟", "نعم.", "انتهى۔");
  CHECK_UNITS("Это первое. Это второе, т.е. другое.", "Это первое.", "Это второе, т.е. другое.");
}

TEST_CASE("Markdown blocks are units without their marks") {
  CHECK_UNITS(
      "# Budgets and limits\n\nA budget holds. It is\nchecked often.\n\n"
      "- first item\n- second item. With two.\n  And a third\n* [x] done\n+ plus\n\n"
      "1. Log in.\n2. Open the door\n10) Close it\n\n"
      "> Quoted text that\n> goes on here. Next.\n\n## End ##\n---\n",
      "Budgets and limits", "A budget holds.", "It is\nchecked often.", "first item",
      "second item.", "With two.", "And a third", "done", "plus", "Log in.", "Open the door",
      "Close it", "Quoted text that\n> goes on here.", "Next.", "End");
}

TEST_CASE("a title with an underline is a unit and the underline is none") {
  CHECK_UNITS("Harbour guide\n=============\nTie up.\n\nFees\n~~~~\nPay first.\n", "Harbour guide",
              "Tie up.", "Fees", "Pay first.");
  CHECK_UNITS(" = = Gameplay = = \n The player acts . He wins . ", "Gameplay", "The player acts .",
              "He wins .");
}

TEST_CASE("table rows are units and delimiters are none") {
  CHECK_UNITS("| name | value |\n|------|-------|\n| a. B | 1 |\n\nwide | narrow\n--|--\nx | y\n",
              "| name | value |", "| a. B | 1 |", "wide | narrow", "x | y");
  CHECK_UNITS("Name\tType\tMeaning\nport\tint\tThe port. Default 5432\n", "Name\tType\tMeaning",
              "port\tint\tThe port. Default 5432");
}

TEST_CASE("rows of cells are units without a delimiter too") {
  CHECK_UNITS(
      "| 2018 | 2017\nfinished products | 988.1. Net | 1211.4\ntotal | 1\n\nYes | no. Or so.",
      "| 2018 | 2017", "finished products | 988.1. Net | 1211.4", "total | 1", "Yes | no.",
      "Or so.");
}

TEST_CASE("a text without capitals is cut all the same") {
  CHECK_UNITS("the price was $56.73 per share. as of may it is, e.g. at noon, higher. see note 2.",
              "the price was $56.73 per share.", "as of may it is, e.g. at noon, higher.",
              "see note 2.");
}

TEST_CASE("each line of code is a unit and fences are none") {
  CHECK_UNITS(
      "Run this. Now:\n\n```bash\nmake deps\n\n  make test. Now\n```\nDone.\n\n"
      "~~~\na = 1\n~~~\n",
      "Run this.", "Now:", "make deps", "make test. Now", "Done.", "a = 1");
  CHECK_UNITS("````\n```\ncode\n```\n````\nText.", "```", "code", "```", "Text.");
  CHECK_UNITS("Text:\n\n    int x = f(1);\n    return x;\n\nMore text.", "Text:", "int x = f(1);",
              "return x;", "More text.");
}

TEST_CASE("a fence that is never closed does not swallow the rest") {
  CHECK_UNITS("end of code\n```\nProse begins. And goes on.", "end of code", "Prose begins.",
              "And goes on.");
}

TEST_CASE("a wrapped paragraph is read across its line breaks") {
  CHECK_UNITS(
      "The server keeps every trace for thirty days unless the\n"
      "PostgreSQL database says otherwise. A shorter time can be\n"
      "set with retention_days, which Mr.\n"
      "Smith chose. The rest\nstays.",
      "The server keeps every trace for thirty days unless the\n"
      "PostgreSQL database says otherwise.",
      "A shorter time can be\nset with retention_days, which Mr.\nSmith chose.",
      "The rest\nstays.");
  CHECK_UNITS("Line with carriage return\r\nthat goes on here.\r\n\r\nNext.\r\n",
              "Line with carriage return\r\nthat goes on here.", "Next.");
}

TEST_CASE("a narrow column is read across its line breaks") {
  CHECK_UNITS(
      "Retrieval over many documents needs\n"
      "an index that fits in memory while\n"
      "Chroma and others keep it on disk,\n"
      "which costs time. We measure both\n"
      "and report the median here.",
      "Retrieval over many documents needs\nan index that fits in memory while\n"
      "Chroma and others keep it on disk,\nwhich costs time.",
      "We measure both\nand report the median here.");
}

TEST_CASE("an indented line goes on in its list item") {
  CHECK_UNITS(
      "- The two that hurt (one:\n  9160 lines, the other:\n  A class). Both\n  are gone.\n"
      "- Next\n",
      "The two that hurt (one:\n  9160 lines, the other:\n  A class).", "Both\n  are gone.",
      "Next");
}

TEST_CASE("lines laid out in columns stand alone") {
  CHECK_UNITS("host    all     10.0.0.1/32    md5\nlocal   all     @admins        peer",
              "host    all     10.0.0.1/32    md5", "local   all     @admins        peer");
}

TEST_CASE("a bracket behind a full stop opens a sentence, three stops in a path end none") {
  CHECK_UNITS("It is a role. (samerole is old.) See include/core/... src/core and so on.",
              "It is a role.", "(samerole is old.)", "See include/core/... src/core and so on.");
}

TEST_CASE("lines of menus, lists and titles do not run together") {
  CHECK_UNITS(
      "Chapter 20. Client Authentication\nTable of Contents\nThe pg_hba.conf File\n"
      "Password Authentication\nGSSAPI Authentication\n",
      "Chapter 20. Client Authentication", "Table of Contents", "The pg_hba.conf File",
      "Password Authentication", "GSSAPI Authentication");
  CHECK_UNITS("Prev\nUp\nHome\nNext\n", "Prev", "Up", "Home", "Next");
  CHECK_UNITS("apples\nbananas\ncherries", "apples", "bananas", "cherries");
  CHECK_UNITS("title: A guide\nauthor: someone\ndate: today", "title: A guide", "author: someone",
              "date: today");
  CHECK_UNITS(
      "Installing the server from its source code on Linux\n"
      "Upgrading a running cluster without losing connections\n"
      "Removing the old cluster when nothing uses it any more\n",
      "Installing the server from its source code on Linux",
      "Upgrading a running cluster without losing connections",
      "Removing the old cluster when nothing uses it any more");
}

TEST_CASE("paragraphs that stand on one line each stay apart") {
  CHECK_UNITS(
      "When a client application connects to the database server, it specifies which user name it "
      "wants to connect as. Within the environment, active database roles are meant\n"
      "The server can be configured in many ways\n"
      "max_connections (integer)\n"
      "Determines the maximum number of concurrent connections. The default is typically 100 "
      "connections, but might be less.",
      "When a client application connects to the database server, it specifies which user name it "
      "wants to connect as.",
      "Within the environment, active database roles are meant",
      "The server can be configured in many ways", "max_connections (integer)",
      "Determines the maximum number of concurrent connections.",
      "The default is typically 100 connections, but might be less.");
}

TEST_CASE("a short line that ends a sentence ends its unit, whatever comes next") {
  CHECK_UNITS("It is done.\nand so on", "It is done.", "and so on");
}

TEST_CASE("a page break and a blank line end a unit") {
  CHECK_UNITS("the end of one page\fthe start of another\u2029and one more", "the end of one page",
              "the start of another", "and one more");
}

TEST_CASE("a number wrapped to the start of a line begins no list") {
  CHECK_UNITS(
      "The first version was shipped to all customers in the year\n2003. The next came "
      "later.",
      "The first version was shipped to all customers in the year\n2003.", "The next came later.");
  CHECK_UNITS("1. Install\n2. Start\n3. Stop", "Install", "Start", "Stop");
}

TEST_CASE("a cut sentence grows by nothing when more text follows its successor") {
  // Streaming relies on it: what was complete stays complete.
  const std::string text =
      "Traces are kept for 30 days [1]. The limit is 5 MB, e.g. For logs. It can be raised.\n\n"
      "- Set it. Restart.\n- Check\n\nDone. Really done.";
  Units before;
  for (std::size_t size = 0; size <= text.size(); ++size) {
    Units now = units(std::string_view(text).substr(0, size));
    for (std::size_t i = 0; i + 1 < before.size(); ++i) {
      REQUIRE(i < now.size());
      CHECK(now[i] == before[i]);
    }
    before = std::move(now);
  }
}

TEST_CASE("sentences of random bytes are trimmed, in order and on boundaries") {
  std::mt19937 random(11);
  const std::vector<std::string> pieces = {
      "Word",   "word ",  ". ", "\n",  "\n\n",   "- ",    "1. ",    "# ",   "```\n",
      "~~~\n",  "| a |",  "> ", "\t",  "é",      "。",    "😀",      "\x80", "\xff",
      "\xe2",   "\r\n",   "\r", "\f",  "    x",  "===\n", "Mr.",    "\"",   "”",
      "\u2028", "\u0085", " ",  "a.b", "[1]",    ":",     "\u3000", "!",    "?",
      "...",    "(",      ")",  "*",   "--|--\n"};
  for (int round = 0; round < 8'000; ++round) {
    std::string text;
    for (auto left = random() % 40; left > 0; --left) {
      if (random() % 5 == 0)
        text += static_cast<char>(random());
      else
        text += pieces[random() % pieces.size()];
    }
    CAPTURE(round);
    REQUIRE(spans_are_sound(text));
  }
}

TEST_CASE("no letter of running text is lost between sentences") {
  std::mt19937 random(13);
  const std::vector<std::string> pieces = {"Word ", "word ", "word. ", "U.S. ", "No! ", "\n",
                                           "\n\n",  "(x) ",  "“Q.” ",  "文。",  "é, ",  "3.5 "};
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (auto left = random() % 60; left > 0; --left) text += pieces[random() % pieces.size()];
    std::string all, kept;
    for (const char c : text)
      if (c != ' ' && c != '\n') all += c;
    for (const Span span : split_sentences(text))
      for (const char c : std::string_view(text).substr(span.start, span.size()))
        if (c != ' ' && c != '\n') kept += c;
    // "(x) " at the start of a line is the mark of an item.
    if (text.find("(x)") == std::string::npos) REQUIRE(all == kept);
  }
}

TEST_CASE("texts made to be slow are cut in linear time") {
  const std::clock_t begin = std::clock();  // CPU time: the machine may be busy.
  const auto repeat = [](std::string_view piece) {
    std::string text;
    while (text.size() < 300'000) text += piece;
    return text;
  };
  for (const std::string_view piece :
       {"```a\n", "~~~a\nx\n\n", "a",   ".", ". ", "A. ", "\n", " ",      "\x80",
        "- \n",   "| ",          "a\t", "(", "\"", "[",   "1.", "1. x\n", "word word word\n",
        "[1",     "x.\n> ",      "`",   ">"}) {
    CAPTURE(piece);
    const auto text = repeat(piece);
    REQUIRE(spans_are_sound(text));
  }
  CHECK(std::clock() - begin < 60 * CLOCKS_PER_SEC);
}

TEST_CASE("a clipped text ends behind a whole word") {
  CHECK(clip_words("one two three", 100) == "one two three");
  CHECK(clip_words("one two three", 13) == "one two three");
  CHECK(clip_words("one two three", 12) == "one two");
  CHECK(clip_words("one two three", 8) == "one two");
  CHECK(clip_words("one two three", 7) == "one two");
  CHECK(clip_words("one two three", 6) == "one");
  CHECK(clip_words("one two", 2) == "");
  CHECK(clip_words("", 0) == "");
  CHECK(clip_words("a", 0) == "");
  CHECK(clip_words("costs 3.14 dollars", 8) == "costs");
  CHECK(clip_words("one  \n two", 6) == "one");
  CHECK(clip_words("日本語の文。", 7) == "日本");
  CHECK(clip_words("日本語。", 9) == "日本");
  CHECK(clip_words("naïve café", 9) == "naïve");
}

TEST_CASE("a clipped text is a prefix on a boundary for any bytes") {
  std::mt19937 random(17);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto left = random() % 60; left > 0; --left)
      text += random() % 3 == 0 ? ' ' : static_cast<char>(random());
    const std::size_t limit = random() % 70;
    const std::string_view clipped = clip_words(text, limit);
    REQUIRE(clipped.size() <= limit);
    REQUIRE(clipped.data() == text.data());
    REQUIRE(unicode::is_boundary(text, clipped.size()));
  }
}
