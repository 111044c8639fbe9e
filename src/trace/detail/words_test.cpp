#include "trace/detail/words.hpp"

#include <doctest/doctest.h>

#include "trace/detail/packing.hpp"

namespace slipway::trace::detail {

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  split_words(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::vector<std::string> texts_of(std::string_view json) {
  std::vector<std::string> texts;
  for_each_text(json, false, [&](std::string_view text) { texts.emplace_back(text); });
  return texts;
}

}  // namespace

TEST_CASE("hashes stay what they are in files that were written before") {
  const std::string bytes = "abcdefghijklmnopqrstuvwxyz0123456789\xFF\xFE";
  std::uint64_t all = 0;
  for (std::size_t size = 0; size <= bytes.size(); ++size)
    all = all * 31 + hash64(std::string_view(bytes).substr(0, size), size);
  CHECK(all == 0x7f0b6ec1a502df45u);
  CHECK(hash64("", 0) == 0x88f60bea30a4d095u);
  CHECK(hash64("abc", 3) == 0x56ec16a9960c66a5u);
}

TEST_CASE("a text is split into words of small letters") {
  using Words = std::vector<std::string>;
  CHECK(words_of("").empty());
  CHECK(words_of("  ,.;").empty());
  CHECK(words_of("Error: no route-to HOST42!") == Words{"error", "no", "route", "to", "host42"});
  CHECK(words_of("\xC3\x89"
                 "t\xC3\xA9 x") == Words{"\xC3\xA9t\xC3\xA9", "x"});
  CHECK(words_of("a\xE6\x9D\xB1\xE4\xBA\xAC"
                 "b") == Words{"a", "\xE6\x9D\xB1", "\xE4\xBA\xAC", "b"});
  CHECK(words_of("a\xFF"
                 "b") == Words{"a", "b"});
}

TEST_CASE("a row of letters without end is one word, its beginning") {
  CHECK(words_of(std::string(1'000, 'X') + " y") ==
        std::vector<std::string>{std::string(256, 'x'), "y"});
  std::string accents = std::string(255, 'a');
  for (int i = 0; i < 100; ++i) accents += "\xF0\x90\x90\x80";  // Four bytes, a capital.
  CHECK(words_of(accents) == std::vector<std::string>{std::string(255, 'a') + "\xF0\x90\x90\xA8"});
}

TEST_CASE("texts of JSON are its strings and numbers, not the names of members") {
  using Texts = std::vector<std::string>;
  CHECK(texts_of(R"({"name" : "a \"b\" \\", "n": [1, -2.5e3, true, null], "o": {"k":""}})") ==
        Texts{"a \"b\" \\", "1", "-2.5e3", "true", ""});
  CHECK(texts_of(R"("x")") == Texts{"x"});
  for (const char* broken : {"\"", "\"a", "\"a\\", "{\"a\":\"", "[\"\\\"", "{\"a\"", "-"}) {
    CAPTURE(broken);
    texts_of(broken);
  }
}

}  // namespace slipway::trace::detail
