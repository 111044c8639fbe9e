#include "models/detail/reply_text.hpp"

#include <doctest/doctest.h>

#include <random>

#include "core/unicode.hpp"

using namespace slipway;
using slipway::models::detail::ReplyText;

namespace {

struct Outcome {
  std::string text;
  std::string streamed;
  bool is_stopped = false;
};

Outcome run(std::string_view bytes, std::size_t piece, const std::vector<std::string>& stops) {
  Outcome outcome;
  const models::TokenSink sink = [&](std::string_view text) {
    REQUIRE(unicode::is_valid_utf8(text));
    outcome.streamed += text;
    return true;
  };
  ReplyText reply(stops, sink);
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    if (!reply.add(bytes.substr(at, piece))) break;
  reply.finish();
  outcome.text = reply.text();
  outcome.is_stopped = reply.is_stopped();
  return outcome;
}

}  // namespace

TEST_CASE("a code point cut between tokens is shown whole") {
  const std::string text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\xA2z";
  for (std::size_t piece = 1; piece < text.size(); ++piece) {
    const Outcome outcome = run(text, piece, {});
    CHECK(outcome.text == text);
    CHECK(outcome.streamed == text);
  }
  CHECK(run("a\xF0\x9F\x9A", 1, {}).text == "a");  // Cut by max_tokens: half a sign is no sign.
}

TEST_CASE("bytes that are not UTF-8 become replacement characters") {
  CHECK(run("a\xFF\xC3(b", 1, {}).text == "a\xEF\xBF\xBD\xEF\xBF\xBD(b");
}

TEST_CASE("nothing of a stop string is shown, however it comes") {
  for (std::size_t piece = 1; piece < 12; ++piece) {
    const Outcome outcome = run("one ST STO STOP two", piece, {"STOP", "never"});
    CHECK(outcome.text == "one ST STO ");
    CHECK(outcome.streamed == outcome.text);
    CHECK(outcome.is_stopped);
  }
  CHECK(run("one STO", 1, {"STOP"}).text == "one STO");
  CHECK(run("aab", 1, {"ab"}).text == "a");
  CHECK(run("x\n\nUser: y", 3, {"\nUser", "\n\n"}).text == "x");
}

TEST_CASE("random bytes and stops give the same text however they are cut") {
  std::mt19937 random(7);
  const std::string_view alphabet("ab\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\xA2", 11);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (std::size_t i = random() % 40; i > 0; --i) bytes += alphabet[random() % alphabet.size()];
    const std::vector<std::string> stops = {std::string(1 + random() % 3, 'a') + "b", "b\xC3\xA9",
                                            "\xF0\x9F\x9A\xA2"};
    const Outcome whole = run(bytes, bytes.size() + 1, stops);
    const Outcome single = run(bytes, 1, stops);
    CAPTURE(round);
    REQUIRE(single.text == whole.text);
    REQUIRE(single.streamed == single.text);
    REQUIRE(single.is_stopped == whole.is_stopped);
    for (const std::string& stop : stops) REQUIRE(whole.text.find(stop) == std::string::npos);
  }
}
