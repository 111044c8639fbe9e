#include <doctest/doctest.h>

#include "http/detail/coding.hpp"
#include "http/detail/serve_for_tests.hpp"

using namespace slipway;
using namespace slipway::http;
using detail::Coding;
using detail::Decoder;
using detail::Encoder;

namespace {

constexpr Coding codings[] = {Coding::gzip, Coding::deflate, Coding::zstd};

std::string sample() {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += fmt::format("line {} of the sample\n", i * 7919 % 10'007);
  return text;
}

std::string unpack(Coding coding, std::string_view bytes) {
  std::string out;
  const auto decoder = Decoder::make(coding);
  const auto fed = decoder->feed(bytes, out, 64u << 20);
  CHECK_MESSAGE(fed, fed.error().message());
  return out;
}

}  // namespace

TEST_CASE("what is packed whole or in pieces is unpacked in any pieces") {
  const std::string text = sample();
  for (const Coding coding : codings) {
    const auto whole = detail::compress(coding, text);
    REQUIRE(whole);
    CHECK(whole->size() < text.size() / 2);
    std::string streamed;
    const auto encoder = Encoder::make(coding);
    for (std::size_t at = 0; at < text.size(); at += 10'000) {
      encoder->feed(std::string_view(text).substr(at, 10'000), Encoder::Then::flush, streamed);
      // All that went in can be read already.
      CHECK(unpack(coding, streamed) == text.substr(0, at + 10'000));
    }
    encoder->feed({}, Encoder::Then::end, streamed);
    for (const std::string& packed : {*whole, streamed})
      for (const std::size_t step : {std::size_t{1}, std::size_t{777}, packed.size()}) {
        std::string out;
        const auto decoder = Decoder::make(coding);
        for (std::size_t at = 0; at < packed.size(); at += step)
          REQUIRE(decoder->feed(std::string_view(packed).substr(at, step), out, 1u << 20));
        CHECK(decoder->end());
        CHECK(out == text);
      }
  }
}

TEST_CASE("bombs, broken and cut data are refused without filling the memory") {
  for (const Coding coding : codings) {
    const auto bomb = detail::compress(coding, std::string(30u << 20, '\0'));
    REQUIRE(bomb);
    CHECK(bomb->size() < 1u << 20);
    std::string out;
    const auto decoder = Decoder::make(coding);
    const auto fed = decoder->feed(*bomb, out, 1u << 20);
    REQUIRE(!fed);
    CHECK(fed.error().code() == Code::rate_limited);
    CHECK(out.capacity() <= 4u << 20);

    const std::string packed = *detail::compress(coding, sample());
    const auto cut = Decoder::make(coding);
    out.clear();
    REQUIRE(cut->feed(std::string_view(packed).substr(0, packed.size() - 5), out, 1u << 20));
    CHECK(!cut->end());
    for (std::size_t at = 0; at < packed.size(); at += packed.size() / 50) {
      std::string broken = packed;
      broken[at] = static_cast<char>(broken[at] ^ 0x55);
      out.clear();
      const auto reader = Decoder::make(coding);
      if (reader->feed(broken, out, 1u << 20)) [[maybe_unused]]
        const auto ended = reader->end();
      CHECK(out.size() <= 1u << 20);
    }
    // Exactly the limit is within it.
    const std::string text(1u << 16, 'x');
    out.clear();
    const auto exact = Decoder::make(coding);
    CHECK(exact->feed(*detail::compress(coding, text), out, text.size()));
    CHECK(exact->end());
    CHECK(out == text);
  }
}

TEST_CASE("the best coding that a client takes is chosen") {
  using detail::choose_coding;
  CHECK(choose_coding("") == Coding::identity);
  CHECK(choose_coding("gzip") == Coding::gzip);
  CHECK(choose_coding("gzip, deflate, br, zstd") == Coding::zstd);
  CHECK(choose_coding("zstd;q=0.5, GZIP;q=0.8") == Coding::gzip);
  CHECK(choose_coding("gzip;q=0, deflate") == Coding::deflate);
  CHECK(choose_coding("br") == Coding::identity);
  CHECK(choose_coding("*") == Coding::zstd);
  CHECK(choose_coding("*;q=0.5, zstd;q=0") == Coding::gzip);
  CHECK(choose_coding("identity, gzip;q=0.5") == Coding::identity);
  CHECK(choose_coding("gzip;q=2") == Coding::identity);
  CHECK(choose_coding("gzip;q=x, , ;;") == Coding::identity);
}

TEST_CASE("answers are packed for those who take it, if it is worth it") {
  const std::string text = sample();
  const auto server = serve([&](const ExchangePtr& exchange) {
    const std::string& path = exchange->request().path;
    if (path == "/small") return exchange->reply({200, {{"content-type", "text/plain"}}, "small"});
    if (path == "/png") return exchange->reply({200, {{"content-type", "image/png"}}, text});
    if (path == "/done")
      return exchange->reply(
          {200, {{"content-type", "text/plain"}, {"content-encoding", "x"}}, text});
    exchange->reply({200, {{"content-type", "application/json"}, {"ETag", "\"t\""}}, text});
  });
  RawClient client(server->port());
  for (const Coding coding : codings) {
    const auto answer =
        client.ask("GET", "/", fmt::format("Accept-Encoding: {}\r\n", detail::name(coding)));
    REQUIRE(answer);
    CHECK(answer->headers.at("content-encoding") == detail::name(coding));
    CHECK(answer->headers.at("vary") == "accept-encoding");
    CHECK(answer->headers.at("etag") == "W/\"t\"");
    CHECK(unpack(coding, answer->body) == text);
  }
  const auto plain = client.ask("GET", "/");
  REQUIRE(plain);
  CHECK(plain->headers.count("content-encoding") == 0);
  CHECK(plain->headers.at("vary") == "accept-encoding");
  CHECK(plain->body == text);
  for (const char* path : {"/small", "/png", "/done"}) {
    auto answer = client.ask("GET", path, "Accept-Encoding: gzip\r\n");
    REQUIRE(answer);
    CHECK(answer->headers["content-encoding"] != "gzip");
  }
}

TEST_CASE("streams are packed piece by piece, event streams only when asked") {
  const auto server = serve([](const ExchangePtr& exchange) {
    const std::string& path = exchange->request().path;
    if (path == "/asked") exchange->compress_events();
    exchange->begin(200, {{"content-type", path == "/text" ? "text/plain" : "text/event-stream"}});
    for (int i = 0; i < 50; ++i) exchange->write(fmt::format("data: {}\n\n", i));
    exchange->end();
  });
  std::string expected;
  for (int i = 0; i < 50; ++i) expected += fmt::format("data: {}\n\n", i);
  RawClient client(server->port());
  for (const Coding coding : codings) {
    const std::string takes = fmt::format("Accept-Encoding: {}\r\n", detail::name(coding));
    for (const char* path : {"/text", "/asked"}) {
      const auto answer = client.ask("GET", path, takes);
      REQUIRE(answer);
      CHECK(answer->headers.at("content-encoding") == detail::name(coding));
      CHECK(unpack(coding, answer->body) == expected);
    }
    const auto events = client.ask("GET", "/events", takes);
    REQUIRE(events);
    CHECK(events->headers.count("content-encoding") == 0);
    CHECK(events->body == expected);
  }
}

TEST_CASE("packed request bodies arrive unpacked, bombs are refused with 413") {
  Server::Options options;
  options.body_bytes_max = 1u << 20;
  const auto server = serve(
      [](const ExchangePtr& exchange) { exchange->reply({.body = exchange->request().body}); },
      options);
  const std::string text = sample();
  for (const Coding coding : codings) {
    RawClient client(server->port());
    const std::string lines = fmt::format("Content-Encoding: {}\r\n", detail::name(coding));
    const auto answer = client.ask("POST", "/", lines, *detail::compress(coding, text));
    REQUIRE(answer);
    CHECK(answer->body == text);
    const auto bomb = detail::compress(coding, std::string(20u << 20, 'x'));
    CHECK(client.ask("POST", "/", lines, *bomb)->status == 413);
    RawClient cut(server->port());
    const std::string packed = *detail::compress(coding, text);
    CHECK(cut.ask("POST", "/", lines, packed.substr(0, packed.size() / 2))->status == 400);
  }
}

TEST_CASE("a body that is too long is refused in the words that the server is given for it") {
  const auto server =
      serve([](const ExchangePtr& exchange) { exchange->reply({}); },
            {.body_bytes_max = 10,
             .tell_refusal = [](const Request& head, int status, const std::string& why) {
               std::optional<Response> told;
               if (head.path == "/v1") told = Response{.status = status, .body = "sorry: " + why};
               return told;
             }});
  RawClient client(server->port());
  const auto told = client.ask("POST", "/v1", "", std::string(11, 'x'));
  REQUIRE(told);
  CHECK(told->status == 413);
  CHECK(told->body == "sorry: the body of 11 bytes is longer than the limit of 10");
  RawClient other(server->port());
  const auto problem = other.ask("POST", "/v2", "", std::string(11, 'x'));
  REQUIRE(problem);
  CHECK(problem->status == 413);
  CHECK(problem->headers.at("content-type") == "application/problem+json");
}
