// Our reader of heads beside Boost.Beast's: what we accept, Beast reads as we do.
#include <doctest/doctest.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <random>

#include "http/detail/head.hpp"

using namespace slipway;
using namespace slipway::http;

namespace {

namespace beast = boost::beast::http;

const std::string_view seeds[] = {
    "GET /a/b?c=d HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nUser-Agent: x/1 (y; z)\r\n\r\n",
    "POST /x%20y HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\nX-A:\r\nX-A:  two \t\r\n\r\n",
    "PUT / HTTP/1.1\r\nHost: [::1]:8700\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n",
    "DELETE /x HTTP/1.0\r\nConnection: keep-alive, TE\r\nCookie: a=b; c=\"d\"\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
};

const std::string_view pieces[] = {"\r\n",    ":",  " ",    "\t", "0", "9",        ",",
                                   ";",       "\"", "%2e",  "/",  "?", "A: b\r\n", "HTTP/1.1",
                                   "chunked", "a",  "\x80", "-",  "_", "{"};

std::string mutate(std::string bytes, std::mt19937_64& random) {
  for (std::size_t i = 0, count = 1 + random() % 3; i < count; ++i) {
    const std::size_t at = random() % (bytes.size() - 4);
    switch (random() % 4) {
      case 0: bytes.insert(at, pieces[random() % std::size(pieces)]); break;
      case 1: bytes.erase(at, 1 + random() % 3); break;
      case 2: bytes[at] = static_cast<char>(random()); break;
      default: bytes[at] = static_cast<char>(' ' + random() % 95); break;
    }
    if (!bytes.ends_with("\r\n\r\n")) bytes += "\r\n\r\n";
  }
  return bytes;
}

}  // namespace

TEST_CASE("what our reader of heads accepts, Beast reads in the same way") {
  std::mt19937_64 random(42);
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string bytes(seeds[random() % std::size(seeds)]);
    if (i >= 5) bytes = mutate(std::move(bytes), random);
    const detail::HeadLimits limits;
    detail::HeadScanner scanner;
    const auto found = scanner.scan(bytes, limits);
    Request request;
    detail::Framing framing;
    if (!found || found->refusal ||
        detail::parse_head(std::string_view(bytes).substr(0, found->size), limits, request,
                           framing)) {
      ++refused;
      continue;
    }
    ++accepted;
    std::string_view head = std::string_view(bytes).substr(0, found->size);
    while (head.starts_with("\r\n")) head.remove_prefix(2);
    beast::request_parser<beast::string_body> parser;
    boost::system::error_code error;
    parser.header_limit(64 << 10);
    parser.body_limit(boost::none);
    parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error == beast::error::need_more) error = {};
    // It wants the tokens of a Connection header in order, which decide nothing for us.
    if (error == beast::error::bad_value) continue;
    REQUIRE_MESSAGE(!error, error.message(), ": ", bytes);
    REQUIRE_MESSAGE(parser.is_header_done(), bytes);
    const auto& theirs = parser.get();
    CHECK(std::string_view(theirs.method_string()) == request.method);
    CHECK(std::string_view(theirs.target()) == request.target);
    CHECK(theirs.version() == 10u + static_cast<unsigned>(framing.minor_version));
    CHECK_MESSAGE(parser.chunked() == framing.is_chunked, bytes);
    CHECK_MESSAGE(parser.content_length().value_or(0) == framing.length, bytes);
    std::vector<std::pair<std::string, std::string>> fields;
    for (const auto& field : theirs)
      fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
    // Beast keeps fields of one name together.
    auto ours = request.headers.items();
    std::sort(fields.begin(), fields.end());
    std::sort(ours.begin(), ours.end());
    CHECK_MESSAGE(fields == ours, bytes);
  }
  CHECK(accepted > 5'000);
  CHECK(refused > 5'000);
}
