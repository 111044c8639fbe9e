#include <doctest/doctest.h>

#include <random>

#include "http/client.hpp"

using slipway::http::SseParser;

namespace {

std::vector<SseParser::Event> parse(std::string_view text, std::size_t piece_bytes) {
  SseParser parser;
  std::vector<SseParser::Event> events;
  for (std::size_t at = 0; at < text.size(); at += piece_bytes)
    parser.feed(text.substr(at, piece_bytes), [&](const SseParser::Event& event) {
      events.push_back(event);
      return true;
    });
  return events;
}

std::string show(const std::vector<SseParser::Event>& events) {
  std::string text;
  for (const auto& event : events)
    text += fmt::format("[{}|{}|{}]", event.event, event.data, event.id);
  return text;
}

}  // namespace

TEST_CASE("events are the same however the stream is cut") {
  const std::string stream =
      "\xEF\xBB\xBF: a comment\r\n"
      "data: one\n\n"
      "event: delta\rdata:two\rdata:  lines\r\r"
      "id: 7\r\ndata\r\n\r\n"
      "retry: 5\nunknown: x\n\n"
      "event: only\n\n"
      "data: \xC3\xA9\n\n"
      "data: never ended";
  const std::string expected = "[message|one|][delta|two\n lines|][message||7][message|\xC3\xA9|7]";
  for (std::size_t bytes = 1; bytes <= stream.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK(show(parse(stream, bytes)) == expected);
  }
}

TEST_CASE("a receiver that has enough gets no further event") {
  SseParser parser;
  int seen = 0;
  CHECK_FALSE(parser.feed("data: 1\n\ndata: 2\n\n", [&](const SseParser::Event&) {
    ++seen;
    return false;
  }));
  CHECK(seen == 1);
}

TEST_CASE("a line or an event without end breaks the stream instead of filling the memory") {
  for (const std::string_view unit : {"x", "data: 0123456789\n"}) {
    CAPTURE(unit);
    SseParser parser;
    std::string piece;
    while (piece.size() < 1u << 20) piece += unit;
    const auto ignore = [](const SseParser::Event&) { return true; };
    int fed = 0;
    while (fed < 64 && parser.feed(piece, ignore)) ++fed;
    CHECK(parser.is_broken());
    CHECK(fed <= 30);
    CHECK_FALSE(parser.feed("data: x\n\n", ignore));
  }
}

TEST_CASE("random bytes give the same events in one piece and in many") {
  std::mt19937 random(20261124);
  const std::string_view alphabet("\r\n:data event id \0\xFF\xEF\xBB\xBFx", 24);
  for (int round = 0; round < 3000; ++round) {
    std::string stream;
    const std::size_t length = random() % 120;
    while (stream.size() < length) {
      if (random() % 6 == 0) stream += "data: ";
      stream += alphabet[random() % alphabet.size()];
    }
    CAPTURE(round);
    const std::string whole = show(parse(stream, stream.size() + 1));
    REQUIRE(show(parse(stream, 1)) == whole);
    REQUIRE(show(parse(stream, 1 + random() % 7)) == whole);
  }
}
