#include "core/masking.hpp"

#include <doctest/doctest.h>

namespace slipway {

namespace {

std::string found(std::string_view pattern, std::string_view text) {
  const auto compiled = Pattern::compile(pattern);
  if (!compiled) return "error: " + compiled.error().message();
  const auto match = compiled->find(text);
  if (!match) return "none";
  return std::string(text.substr(match->begin, match->end - match->begin));
}

std::string masked(Personal kind, std::string_view text) {
  std::size_t count = 0;
  return mask(detector_of(kind), text, count);
}

}  // namespace

TEST_CASE("patterns find the leftmost longest match") {
  CHECK(found("a|ab|abc", "xxabcd") == "abc");
  CHECK(found("(?:foo|bar)+", "a foobarfoo b") == "foobarfoo");
  CHECK(found("[0-9]{2,3}", "1 12345") == "123");
  CHECK(found("a.c", "a\nc abc") == "abc");
  CHECK(found(R"(\bcat\b)", "concat cat") == "cat");
  CHECK(found(R"(\d+\.\d*)", "v 3.14!") == "3.14");
  CHECK(found("(?i)straSSE", "die Strasse") == "Strasse");
  CHECK(found("[^a-z ]+", "abc DEF ghi") == "DEF");
  CHECK(found("^x+", "axx") == "none");
  CHECK(found("x+$", "xxa xx") == "xx");
  CHECK(found("[]a-]+", "x]a-y") == "]a-");
  CHECK(found("(a*)*b", std::string(5'000, 'a')) == "none");  // In time.
  CHECK(found("x{0}y", "xy") == "y");
}

TEST_CASE("what is no pattern is refused with the place") {
  for (const char* bad : {"", "(", ")", "a)", "[", "[z-a]", "*", "a{3,2}", "a{2000}", "\\", "\\q",
                          "(?=x)", "((((a{99}){99}){99}){99})"}) {
    CAPTURE(bad);
    CHECK_FALSE(Pattern::compile(bad).ok());
  }
}

TEST_CASE("personal data are masked, and what only looks like them is not") {
  CHECK(masked(Personal::email, "Write to jo.e+x@mail.example.org, now") ==
        "Write to [email], now");
  CHECK(masked(Personal::email, "a @ b, x@localhost") == "a @ b, x@localhost");
  CHECK(masked(Personal::card, "pay 4111 1111 1111 1111 today") == "pay [card] today");
  CHECK(masked(Personal::card, "no 4111 1111 1111 1112") == "no 4111 1111 1111 1112");
  CHECK(masked(Personal::phone, "call +49 30 1234567 or (030) 123-4567") ==
        "call [phone] or [phone]");
  CHECK(masked(Personal::phone, "in 2024, 1234567 pieces") == "in 2024, 1234567 pieces");
  CHECK(masked(Personal::iban, "to DE89 3704 0044 0532 0130 00.") == "to [iban].");
  CHECK(masked(Personal::iban, "to DE89 3704 0044 0532 0130 01.") ==
        "to DE89 3704 0044 0532 0130 01.");
  CHECK(masked(Personal::ip, "10.0.0.1 and 10.0.0.256") == "[ip] and 10.0.0.256");
  CHECK(masked(Personal::ssn, "078-05-1120") == "[ssn]");
}

TEST_CASE("a text that comes in pieces is masked as the whole one is") {
  const std::string text =
      "Ask ann@example.com or bob@example.org; cards 4111111111111111, 5500-0000-0000-0004. "
      "Nothing@ here. End with zoe@mail.example.net";
  for (const Personal kind : {Personal::email, Personal::card, Personal::phone}) {
    const std::string whole = masked(kind, text);
    for (std::size_t step = 1; step < 12; ++step) {
      StreamMask stream(detector_of(kind));
      std::string out;
      for (std::size_t at = 0; at < text.size(); at += step)
        out += stream.feed(std::string_view(text).substr(at, step));
      out += stream.finish();
      CHECK(out == whole);
    }
  }
  StreamMask stream(detector_of(Personal::email));
  CHECK(stream.feed("plain words go out ") == "plain words go out ");
  CHECK(stream.feed("ann@exam") == "");
  CHECK(stream.feed("ple.com is ") == "[email] is ");
  // What never ends is not held for ever.
  CHECK(stream.feed(std::string(10'000, 'a')).size() > 5'000);
}

}  // namespace slipway
