#include <doctest/doctest.h>

#include <random>

#include "http/detail/reply_reader.hpp"

using namespace slipway::http;
using namespace slipway::http::detail;

namespace {

struct Read {
  int status = 0;
  Headers headers;
  std::string body, why, left;
  int heads = 0;
  bool is_whole = false, keeps_alive = false;
};

/// Reads `bytes` in pieces of `step`; then the peer closes, if it `closes`.
Read read(std::string_view bytes, std::size_t step, bool closes = false, bool is_head = false) {
  using Event = ReplyReader::Event;
  ReplyReader reader(is_head);
  Read read;
  const auto take = [&](Event event) {
    if (event == Event::head) {
      ++read.heads;
      read.status = reader.status();
      read.headers = reader.headers();
    }
    if (event == Event::piece) read.body += reader.piece();
    if (event == Event::end) read.is_whole = true;
    if (event == Event::broken) read.why = reader.why();
    return event == Event::head || event == Event::piece;
  };
  while (!bytes.empty() && !read.is_whole && read.why.empty()) {
    std::string_view piece = bytes.substr(0, step);
    bytes.remove_prefix(piece.size());
    while (take(reader.next(piece))) {
    }
    if (read.is_whole) read.left = std::string(piece) + std::string(bytes);
  }
  if (closes && !read.is_whole && read.why.empty()) take(reader.close());
  read.keeps_alive = reader.keeps_alive();
  return read;
}

Read read_whole(std::string_view bytes, bool closes = false, bool is_head = false) {
  const Read whole = read(bytes, bytes.size(), closes, is_head);
  for (const std::size_t step : {1, 2, 3, 7}) {
    const Read pieces = read(bytes, step, closes, is_head);
    CHECK(pieces.status == whole.status);
    CHECK(pieces.body == whole.body);
    CHECK(pieces.why == whole.why);
    CHECK(pieces.left == whole.left);
    CHECK(pieces.is_whole == whole.is_whole);
    CHECK(pieces.keeps_alive == whole.keeps_alive);
    CHECK(pieces.headers.items() == whole.headers.items());
  }
  return whole;
}

}  // namespace

TEST_CASE("a reply with a length ends there, and the connection may be used again") {
  const Read reply =
      read_whole("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(reply.is_whole);
  CHECK(reply.keeps_alive);
  CHECK(reply.status == 200);
  CHECK(reply.heads == 1);
  CHECK(reply.body == "hello");
  CHECK(reply.headers.get("content-type") == "text/plain");
}

TEST_CASE("what follows a reply is left, so that nobody takes it for the next one") {
  const Read reply = read_whole("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n");
  CHECK(reply.is_whole);
  CHECK(reply.left == "HTTP/1.1 200 OK\r\n");
}

TEST_CASE("a reply in chunks is put together, and its trailers are passed over") {
  const Read reply = read_whole(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nX-Sum: 1\r\n\r\n");
  CHECK(reply.is_whole);
  CHECK(reply.body == "abc0123456789abcdef");
  CHECK(reply.keeps_alive);
}

TEST_CASE("a reply without a length ends with its connection") {
  const Read reply = read_whole("HTTP/1.1 200 OK\r\n\r\nall of it", true);
  CHECK(reply.is_whole);
  CHECK(reply.body == "all of it");
  CHECK_FALSE(reply.keeps_alive);
}

TEST_CASE("interim replies, and bodies that are none, are passed over") {
  const Read interim = read_whole(
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(interim.is_whole);
  CHECK(interim.heads == 1);
  CHECK(interim.body == "ok");
  CHECK(interim.headers.find("link") == nullptr);
  for (const char* status : {"204 No Content", "304 Not Modified"}) {
    const Read none = read_whole(fmt::format("HTTP/1.1 {}\r\nContent-Length: 9\r\n\r\n", status));
    CHECK(none.is_whole);
    CHECK(none.body.empty());
  }
  CHECK(read_whole("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", false, true).is_whole);
}

TEST_CASE("old and careless servers are understood") {
  const Read bare = read_whole("HTTP/1.0 200 OK\nContent-Length: 2\nX-A: 1\n\t2\n\nok");
  CHECK(bare.is_whole);
  CHECK(bare.body == "ok");
  CHECK(bare.headers.get("x-a") == "1 2");
  CHECK_FALSE(bare.keeps_alive);
  CHECK(read_whole("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n")
            .keeps_alive);
  CHECK_FALSE(
      read_whole("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").keeps_alive);
  CHECK(read_whole("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").is_whole);
}

TEST_CASE("what can be read in two ways, or is no HTTP, is refused") {
  for (const char* bytes : {
           "SSH-2.0-OpenSSH_9.2\r\n\r\n",
           "HTTP/2 200\r\n\r\n",
           "HTTP/1.1 2x0 OK\r\n\r\n",
           "HTTP/1.1 099 OK\r\n\r\n",
           "HTTP/1.1 101 Switching Protocols\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
           "HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n",
           "HTTP/1.1 200 OK\r\nBad Name: 1\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
       }) {
    CAPTURE(bytes);
    const Read reply = read_whole(bytes);
    CHECK_FALSE(reply.is_whole);
    CHECK_FALSE(reply.why.empty());
  }
  // Chunks win over a length, and the connection is not trusted any further.
  const Read both = read_whole(
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  CHECK(both.is_whole);
  CHECK_FALSE(both.keeps_alive);
}

TEST_CASE("a reply that is cut off is told from a whole one") {
  const std::string whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const Read reply = read(whole.substr(0, size), 4, true);
    CHECK_FALSE(reply.is_whole);
    CHECK_FALSE(reply.why.empty());
  }
}

TEST_CASE("a head without end is refused at its limit") {
  const std::string bytes = "HTTP/1.1 200 OK\r\n" + std::string(ReplyReader::head_bytes_max, 'a');
  CHECK(read(bytes, 65536).why.find("longer than") != std::string::npos);
  std::string interim;
  while (interim.size() <= ReplyReader::head_bytes_max) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(read(interim, 65536).why.find("longer than") != std::string::npos);
}

TEST_CASE("no bytes upset the reader, and pieces of any size give the same") {
  std::mt19937 random(7);  // The same bytes on every run.
  const std::string sound =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  for (int round = 0; round < 5000; ++round) {
    std::string bytes = sound;
    for (int change = 0; change < 3; ++change) {
      const std::size_t at = random() % bytes.size();
      if (random() % 2 == 0)
        bytes[at] = "\r\n \t:0a\xff"[random() % 8];
      else
        bytes.erase(at, random() % 4);
    }
    const Read whole = read(bytes, bytes.size(), true);
    const Read pieces = read(bytes, 1 + random() % 9, true);
    CAPTURE(bytes);
    REQUIRE(pieces.is_whole == whole.is_whole);
    REQUIRE(pieces.body == whole.body);
    REQUIRE(pieces.why == whole.why);
    REQUIRE(whole.is_whole == whole.why.empty());
  }
}
