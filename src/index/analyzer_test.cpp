#include <doctest/doctest.h>

#include "index/detail/analyzer.hpp"
#include "index/index.hpp"

using namespace slipway;
using namespace slipway::index;
using Words = std::vector<std::string>;

TEST_CASE("English text becomes folded stems without stop words") {
  CHECK(analyze("The quick Foxes are jumping over lazy dogs") ==
        Words{"quick", "fox", "jump", "over", "lazi", "dog"});
  CHECK(analyze("") == Words{});
  CHECK(analyze(" \n\t—!?…") == Words{});
  CHECK(analyze("to be or not to be").empty());
}

TEST_CASE("language none keeps every word as it is written, folded") {
  CHECK(analyze("The Foxes are", "none") == Words{"the", "foxes", "are"});
}

TEST_CASE("accents, ligatures, full width and case are folded") {
  CHECK(analyze("ÉLAN élan \xEF\xAC\x81nal \xEF\xBC\xA1\xEF\xBC\xA2\xEF\xBC\xA3") ==
        Words{"elan", "elan", "final", "abc"});
  CHECK(analyze("e\xCC\x81lan") == Words{"elan"});
}

TEST_CASE("an apostrophe inside a word does not cut it, whichever sign is used") {
  CHECK(analyze("don't don\xE2\x80\x99t dont") == Words{"dont", "dont", "dont"});
  CHECK(analyze("the dog's bone, 'quoted'") == Words{"dog", "bone", "quot"});
  CHECK(analyze("O'Neill") == Words{"oneil"});
}

TEST_CASE("numbers, versions and addresses stay whole and thousands lose their commas") {
  CHECK(analyze("3.14 1,000,000 10.0.0.1 v1.2.3 3,14 1,2,3 12,34,567 1,0000") ==
        Words{"3.14", "1000000", "10.0.0.1", "v1.2.3", "3,14", "1,2,3", "12,34,567", "1,0000"});
  CHECK(analyze("costs $8. Then 30%") == Words{"cost", "8", "30"});
}

TEST_CASE("a name is found whole and by its parts, and counts only its parts as length") {
  CHECK(analyze("max_connections") == Words{"max", "connect", "max_connections"});
  CHECK(analyze("node.js") == Words{"node", "js", "node.js"});
  CHECK(analyze("__init__ _x") == Words{"init", "x"});
  CHECK(analyze("end.Next sentence") == Words{"end", "next", "end.next", "sentenc"});
  int length = 0;
  for (const Token& token : tokenize("set max_connections now", "english"))
    length += !token.is_extra;
  CHECK(length == 4);
}

TEST_CASE("scripts without spaces become pairs of characters") {
  CHECK(analyze("東京都に") == Words{"東京", "京都", "都に"});
  CHECK(analyze("x猫y") == Words{"x", "猫", "y"});
  CHECK(analyze("한국어") == Words{"한국", "국어"});
  CHECK(analyze("ภาษา") == Words{"ภา", "าษ", "ษา"});
}

TEST_CASE("vowel signs of Indic scripts are part of the word") {
  CHECK(analyze("किताब", "none") == Words{"किताब"});
  CHECK(analyze("किताब") != analyze("कतब"));
}

TEST_CASE("invisible characters inside a word do not hide it") {
  CHECK(analyze("re\xC2\xADtention zero\xE2\x80\x8Bwidth") == Words{"retent", "zerowidth"});
}

TEST_CASE("other languages are stemmed before their accents go") {
  CHECK(analyze("continuellement", "french") == Words{"continuel"});
  CHECK(analyze("Häuser", "german") == Words{"haus"});
}

TEST_CASE("any bytes are cut into words of bounded length without harm") {
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * 7919 >> 3);
  for (const auto& word : analyze(bytes)) CHECK(word.size() <= 128);
  const auto words = analyze(std::string(100'000, 'x'));
  CHECK(words == Words{std::string(128, 'x')});
  CHECK(analyze("ab\xC3") == Words{"ab"});
}

TEST_CASE("an unknown language is refused with those that there are") {
  CHECK(check_language("english"));
  CHECK(check_language("none"));
  const auto unknown = check_language("klingon");
  CHECK(unknown.error().code() == Code::invalid_argument);
  CHECK(unknown.error().message().find("german") != std::string::npos);
}
