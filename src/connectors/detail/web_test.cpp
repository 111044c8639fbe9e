#include "connectors/detail/web.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <atomic>

#include "core/fault.hpp"
#include "documents/documents.hpp"
#include "http/loopback_server.hpp"

using namespace slipway;
using namespace slipway::connectors;
using namespace std::chrono_literals;

namespace {

using Server = http::LoopbackServer;
using Request = Server::Request;
using Connection = Server::Connection;

Options quick() {
  Options options;
  options.retry_pause = 1ms;
  options.wait_max = 300ms;
  options.timeout = 5000ms;
  return options;
}

Result<Fetched> fetch(const std::string& url, const std::string& known = "",
                      const Options& options = quick(), const Context& context = {}) {
  const auto connector = TRY(connectors::open(url, options));
  const Listing listing = TRY(connector->list(context));
  REQUIRE(listing.items.size() == 1);
  return connector->fetch(context, listing.items[0], known);
}

std::string message_of(const Result<Fetched>& fetched) {
  return fetched ? "" : fetched.error().message();
}

bool says(const Result<Fetched>& fetched, std::string_view text) {
  const bool found = message_of(fetched).find(text) != std::string::npos;
  if (!found) MESSAGE(message_of(fetched));
  return found;
}

std::string header(const Request& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

}  // namespace

TEST_CASE("a page is listed by its normal URL without asking for it") {
  const auto connector =
      connectors::open("HTTP://LocalHost:80/a/../R%C3%A9sum%C3%A9.md?x=1#top", quick());
  REQUIRE(connector.ok());
  const auto listing = (*connector)->list({});
  REQUIRE(listing.ok());
  REQUIRE(listing->items.size() == 1);
  CHECK(listing->items[0].uri == "http://localhost/R%C3%A9sum%C3%A9.md?x=1");
  CHECK(listing->items[0].path == "localhost/Résumé.md");
  CHECK(listing->covers(listing->items[0].uri));
  CHECK_FALSE(listing->covers("http://localhost/other"));
  CHECK((*connector)->source() == listing->items[0].uri);
}

TEST_CASE("a folder's URL covers nothing below it") {
  const auto connector = connectors::open("http://localhost/docs/", quick());
  const auto listing = (*connector)->list({});
  CHECK(listing->covers("http://localhost/docs/"));
  CHECK_FALSE(listing->covers("http://localhost/docs/a.html"));
}

TEST_CASE("a page comes with its bytes, type, date and validator, and then not again") {
  Server server([](const Request& request, Connection& connection) {
    if (header(request, "if-none-match") == "W/\"7\"" &&
        header(request, "if-modified-since") == "Sun, 06 Nov 1994 08:49:37 GMT")
      connection.reply(304, "", "ETag: W/\"7\"\r\n");
    else
      connection.reply(200, "<p>Hello",
                       "Content-Type: text/html; charset=koi8-r\r\nETag: W/\"7\"\r\n"
                       "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
  });
  const auto first = fetch(server.url("/p?id=5"));
  REQUIRE(first.ok());
  CHECK(first->state == FetchState::changed);
  CHECK(first->bytes == "<p>Hello");
  CHECK(first->media_type == "text/html; charset=koi8-r");
  CHECK(format_time(*first->modified_at) == "1994-11-06T08:49:37Z");
  CHECK(first->metadata.at("source") == json::Value(server.url("/p?id=5").c_str()));
  const auto second = fetch(server.url("/p?id=5"), first->validator);
  REQUIRE(second.ok());
  CHECK(second->state == FetchState::unchanged);
  CHECK(second->validator == first->validator);
  // What was remembered of another page, or is damaged, is not sent.
  for (const std::string& known : {std::string("{}"), std::string("no json"), std::string("[1]"),
                                   detail::encode_condition({server.url("/q"), "W/\"7\"", ""}),
                                   std::string(R"({"url":5,"etag":"a\r\nX: y"})")}) {
    const auto other = detail::decode_condition(known);
    CHECK(other.etag.find('\n') == std::string::npos);
    CHECK(fetch(server.url("/p?id=5"), known)->state == FetchState::changed);
  }
}

TEST_CASE("a date alone serves only when it is older than the answer") {
  std::string date = "Sun, 06 Nov 1994 08:49:38 GMT";
  Server server([&](const Request& request, Connection& connection) {
    if (!header(request, "if-modified-since").empty()) return void(connection.reply(304, ""));
    connection.reply(200, "x",
                     "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: " + date + "\r\n");
  });
  CHECK(fetch(server.url())->validator.empty());
  date = "Sun, 06 Nov 1994 09:49:37 GMT";
  const std::string validator = fetch(server.url())->validator;
  CHECK_FALSE(validator.empty());
  CHECK(fetch(server.url(), validator)->state == FetchState::unchanged);
}

TEST_CASE("a 304 that nobody asked for is an error, not an unchanged document") {
  Server server([](const Request&, Connection& connection) { connection.reply(304, ""); });
  const auto fetched = fetch(server.url());
  REQUIRE_FALSE(fetched.ok());
  CHECK(fetched.error().code() == Code::unavailable);
}

TEST_CASE("only 404 and 410 mean that a page is gone") {
  std::atomic<int> status{0};
  Server server([&](const Request&, Connection& connection) {
    connection.reply(status, R"({"message":"said so"})", "Retry-After: 9999\r\n");
  });
  for (const int gone : {404, 410}) {
    status = gone;
    const auto fetched = fetch(server.url());
    REQUIRE(fetched.ok());
    CHECK(fetched->state == FetchState::gone);
  }
  const std::map<int, Code> codes = {
      {400, Code::invalid_argument}, {401, Code::unauthenticated},  {403, Code::forbidden},
      {429, Code::rate_limited},     {451, Code::invalid_argument}, {500, Code::unavailable},
      {501, Code::unsupported},      {503, Code::unavailable},      {300, Code::unavailable},
      {204, Code::unavailable},      {206, Code::unavailable}};
  for (const auto& [answered, code] : codes) {
    status = answered;
    const auto fetched = fetch(server.url("/page?secret=1"));
    INFO(answered);
    REQUIRE_FALSE(fetched.ok());
    CHECK(fetched.error().code() == code);
    CHECK(says(fetched, std::to_string(answered)));
    CHECK(says(fetched, "/page"));
    CHECK_FALSE(message_of(fetched).find("secret") != std::string::npos);
    if (answered >= 300) CHECK(says(fetched, "said so"));
  }
}

TEST_CASE("a busy server is asked again after the time that it names, not for ever") {
  std::atomic<int> asked{0};
  std::string after = "0.05";
  Server server([&](const Request&, Connection& connection) {
    if (++asked < 3)
      return void(connection.reply(asked == 1 ? 503 : 429, "", "Retry-After: " + after + "\r\n"));
    connection.reply(200, "now");
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK(fetch(server.url())->bytes == "now");
  CHECK(asked == 3);
  CHECK(std::chrono::steady_clock::now() - start >= 100ms);
  for (const char* too_long : {"1", "9223372036854775807"}) {
    asked = 0;
    after = too_long;
    const auto fetched = fetch(server.url());
    REQUIRE_FALSE(fetched.ok());
    CHECK(says(fetched, "try again in "));
    CHECK(asked == 1);
  }
}

TEST_CASE("Retry-After may be a date") {
  FakeClock clock(*parse_time("1994-11-06T08:49:37Z"));
  Options options = quick();
  options.clock = &clock;
  std::atomic<int> asked{0};
  Server server([&](const Request&, Connection& connection) {
    if (++asked == 1)
      return void(connection.reply(503, "", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    connection.reply(200, "now");
  });
  CHECK(fetch(server.url(), "", options)->bytes == "now");
  clock.advance(-10s);
  asked = 0;
  CHECK(says(fetch(server.url(), "", options), "try again in 10 s"));
}

TEST_CASE("a server that never comes round is given up after some tries") {
  std::atomic<int> asked{0};
  Server server([&](const Request&, Connection& connection) {
    ++asked;
    connection.reply(503, "");
  });
  CHECK_FALSE(fetch(server.url()).ok());
  CHECK(asked == 1 + quick().retries_max);
}

TEST_CASE("a body that ends too early is fetched again, whole") {
  std::atomic<int> asked{0};
  Server server([&](const Request&, Connection& connection) {
    if (++asked < 3) {
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
      return connection.close();
    }
    connection.reply(200, "0123456789");
  });
  CHECK(fetch(server.url())->bytes == "0123456789");
  asked = -100;
  CHECK(fetch(server.url()).error().code() == Code::unavailable);
}

TEST_CASE("redirects are followed and the document keeps its name") {
  Server server([](const Request& request, Connection& connection) {
    if (request.target == "/a/old")
      return void(connection.reply(301, "", "Location: ../b/new.md?x#y\r\n"));
    if (request.target == "/b/new.md?x")
      return void(connection.reply(200, "# Title", "ETag: \"1\"\r\n"));
    connection.reply(500, request.target);
  });
  const auto fetched = fetch(server.url("/a/old"));
  REQUIRE(fetched.ok());
  CHECK(fetched->bytes == "# Title");
  CHECK(fetched->media_type == "text/markdown");
  CHECK(fetched->metadata.at("source") == json::Value(server.url("/a/old").c_str()));
  CHECK(fetched->metadata.at("redirected_to") == json::Value(server.url("/b/new.md").c_str()));
}

TEST_CASE("a tag is sent only to the address that gave it") {
  std::string target = "/one";
  Server server([&](const Request& request, Connection& connection) {
    if (request.target == "/")
      return void(connection.reply(302, "", "Location: " + target + "\r\n"));
    if (!header(request, "if-none-match").empty()) return void(connection.reply(304, ""));
    connection.reply(200, request.target, "ETag: \"same\"\r\n");
  });
  const auto first = fetch(server.url("/"));
  CHECK(first->bytes == "/one");
  CHECK(fetch(server.url("/"), first->validator)->state == FetchState::unchanged);
  target = "/two";
  CHECK(fetch(server.url("/"), first->validator)->bytes == "/two");
}

TEST_CASE("endless and wrong redirects are errors that say where they lead") {
  std::string location;
  std::atomic<int> count{0};
  Server server([&](const Request&, Connection& connection) {
    ++count;
    connection.reply(302, "", location.empty() ? "" : "Location: " + location + "\r\n");
  });
  location = "/again?secret=1";
  const auto looped = fetch(server.url("/start"));
  CHECK(says(looped, "led on 6 times"));
  CHECK(says(looped, "/again"));
  CHECK_FALSE(message_of(looped).find("secret") != std::string::npos);
  CHECK(count == 6);
  location = "file:///etc/passwd";
  CHECK(says(fetch(server.url()), "is not followed"));
  location = "ftp://h/x";
  CHECK(says(fetch(server.url()), "is not followed"));
  location = "http://user:hunter2@h/";
  CHECK(says(fetch(server.url()), "is not followed"));
  CHECK_FALSE(message_of(fetch(server.url())).find("hunter2") != std::string::npos);
  location = "";
  CHECK(says(fetch(server.url()), "does not say where"));
}

TEST_CASE("credentials go to their server only, in either form") {
  setenv("SLIPWAY_TEST_TOKEN", "hunter2", 1);
  Server other([](const Request& request, Connection& connection) {
    if (request.target == "/back")
      return void(connection.reply(302, "", "Location: " + header(request, "x") + "\r\n"));
    connection.reply(200, "[" + header(request, "authorization") + "]");
  });
  Server server([&](const Request& request, Connection& connection) {
    if (request.target == "/out")
      return void(connection.reply(302, "", "Location: " + other.url("/x") + "\r\n"));
    if (request.target == "/docs/near")
      return void(connection.reply(302, "", "Location: /docs/far\r\n"));
    if (request.target == "/echo")
      return void(connection.reply(401, "bad " + header(request, "authorization")));
    connection.reply(200, "[" + header(request, "authorization") + "]");
  });
  Options options = quick();
  options.credentials = {{server.url("/docs"), "ann", "env:SLIPWAY_TEST_TOKEN"}};
  CHECK(fetch(server.url("/docs/a"), "", options)->bytes == "[Basic YW5uOmh1bnRlcjI=]");
  CHECK(fetch(server.url("/docs"), "", options)->bytes == "[Basic YW5uOmh1bnRlcjI=]");
  CHECK(fetch(server.url("/docs/near"), "", options)->bytes == "[Basic YW5uOmh1bnRlcjI=]");
  CHECK(fetch(server.url("/docs2"), "", options)->bytes == "[]");
  CHECK(fetch(other.url("/docs/a"), "", options)->bytes == "[]");
  options.credentials = {{server.url("/docs"), "ann", "env:SLIPWAY_TEST_TOKEN"},
                         {server.url(), "", "env:SLIPWAY_TEST_TOKEN"}};
  CHECK(fetch(server.url("/x"), "", options)->bytes == "[Bearer hunter2]");
  CHECK(fetch(server.url("/docs/a"), "", options)->bytes == "[Basic YW5uOmh1bnRlcjI=]");
  CHECK(fetch(server.url("/out"), "", options)->bytes == "[]");
  const auto refused = fetch(server.url("/echo"), "", options);
  CHECK(says(refused, "bad Bearer ***"));
  CHECK(says(refused, "check the user and the token"));
  CHECK_FALSE(message_of(refused).find("hunter2") != std::string::npos);
}

TEST_CASE("credentials that cannot be used are refused without being shown") {
  Options options = quick();
  const auto refusal = [&](const Credentials& credentials) {
    options.credentials = {credentials};
    const auto connector = connectors::open("http://localhost/x", options);
    REQUIRE_FALSE(connector.ok());
    CHECK(connector.error().message().find("hunter2") == std::string::npos);
    return connector.error().message();
  };
  CHECK(refusal({"http://localhost", "", "hunter2"}).find("env:NAME") != std::string::npos);
  CHECK(refusal({"http://localhost", "", ""}).find("is missing") != std::string::npos);
  CHECK(refusal({"http://localhost", "a:b", "env:PATH"}).find("user") != std::string::npos);
  CHECK(refusal({"localhost", "", "env:PATH"}).find("credentials") != std::string::npos);
  CHECK(refusal({"http://localhost", "", "env:SLIPWAY_NOT_SET"}).find("is not set") !=
        std::string::npos);
  CHECK(refusal({"http://localhost", "", "file:/does/not/exist"}).find("token") !=
        std::string::npos);
  options.credentials = {
      {"http://elsewhere", "", "hunter2"}};  // Not for this source: not looked at.
  CHECK(connectors::open("http://localhost/x", options).ok());
}

TEST_CASE("a document larger than the limit is one clear error, and is not asked for again") {
  Options options = quick();
  options.bytes_max = 1u << 20;
  std::atomic<int> asked{0};
  Server server([&](const Request&, Connection& connection) {
    ++asked;
    connection.begin_chunked();
    while (connection.chunk(std::string(64 << 10, 'x'))) continue;
  });
  const auto fetched = fetch(server.url(), "", options);
  REQUIRE_FALSE(fetched.ok());
  CHECK(fetched.error().code() == Code::invalid_argument);
  CHECK(says(fetched, "1.0 MiB"));
  CHECK(asked == 1);
}

TEST_CASE("a server that drips ends with the deadline") {
  Server server([](const Request&, Connection& connection) {
    connection.begin_chunked();
    while (connection.chunk("x") && connection.wait(10ms)) continue;
  });
  const auto start = std::chrono::steady_clock::now();
  const auto fetched = fetch(server.url(), "", quick(), Context().with_timeout(200ms));
  REQUIRE_FALSE(fetched.ok());
  CHECK(fetched.error().code() == Code::deadline_exceeded);
  CHECK(std::chrono::steady_clock::now() - start < 2s);
  Options impatient = quick();
  impatient.timeout = 100ms;
  CHECK(fetch(server.url(), "", impatient).error().code() == Code::deadline_exceeded);
}

TEST_CASE("a stop ends a pause between tries at once") {
  Options options = quick();
  options.wait_max = 60s;
  std::stop_source stop;
  Server server([&](const Request&, Connection& connection) {
    connection.reply(503, "", "Retry-After: 50\r\n");
    stop.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  const auto fetched = fetch(server.url(), "", options, Context(stop.get_token()));
  REQUIRE_FALSE(fetched.ok());
  CHECK(fetched.error().code() == Code::cancelled);
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("what the server calls a document is given on, unless it says nothing") {
  const auto type = [](const char* said, const char* path, std::string_view bytes) {
    return detail::media_type_of(said, path, bytes);
  };
  CHECK(type("text/html", "/a.md", "x") == "text/html");
  CHECK(type("text/plain", "/a.md", "# x") == "text/markdown");
  CHECK(type("text/plain; charset=UTF-8", "/a.py", "x") == "text/x-python");
  CHECK(type("text/plain; charset=koi8-r", "/a.md", "x") == "text/plain; charset=koi8-r");
  CHECK(type("application/octet-stream", "/a", "%PDF-1.7") == "application/pdf");
  CHECK(type("", "/a", "<!doctype html>") == "text/html");
  CHECK(type("nonsense", "/a.csv", "a,b") == "text/csv");
  CHECK(type("", "/a.bin", std::string("\0\1\2", 3)) == "");
}

TEST_CASE("a page in a wrong type or compressed unasked is one clear error") {
  Server server([](const Request& request, Connection& connection) {
    if (request.target == "/gzip")
      return void(connection.reply(200, "\x1F\x8B", "Content-Encoding: GZIP\r\n"));
    connection.reply(200, "<html>log in", "Content-Type: application/pdf\r\n");
  });
  CHECK(says(fetch(server.url("/gzip")), "compressed (gzip)"));
  const auto fetched = fetch(server.url("/paper.pdf"));
  REQUIRE(fetched.ok());
  const auto loaded = documents::load({}, {"paper.pdf", fetched->bytes, fetched->media_type});
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code() == Code::invalid_argument);
}

TEST_CASE("each failing call of a fetch is asked again or is an error, never a gone page") {
  Server server([](const Request& request, Connection& connection) {
    if (request.target == "/a") return void(connection.reply(302, "", "Location: /b\r\n"));
    connection.reply(200, "text");
  });
  int failures = 0;
  for (const auto mode : {FaultPlan::Mode::once, FaultPlan::Mode::onwards})
    for (int nth = 1;; ++nth) {
      REQUIRE(nth < 50);
      FaultPlan plan(FaultKind::network, nth, mode);
      const auto fetched = fetch(server.url("/a"));
      if (!plan.fired()) break;
      if (fetched)
        CHECK(fetched->bytes == "text");
      else
        ++failures;
      if (!fetched) CHECK(fetched.error().code() == Code::unavailable);
    }
  CHECK(failures == 2);  // Onwards from the first hop and from the second.
}

TEST_CASE("an item of another source is refused") {
  const auto connector = connectors::open("http://localhost/a", quick());
  RemoteItem item;
  item.uri = "http://localhost/b";
  CHECK((*connector)->fetch({}, item, "").error().code() == Code::invalid_argument);
  CHECK((*connector)->confirm_gone({}, {{"http://localhost/b", ""}})->empty());
}

TEST_CASE("who may reach public addresses only does not reach this machine") {
  std::atomic<int> asked{0};
  Server server([&](const Request&, Connection& connection) {
    ++asked;
    connection.reply(200, "secret");
  });
  Options options = quick();
  options.is_public_only = true;
  for (const std::string& url :
       {server.url("/a.md"), "http://localhost:" + std::to_string(server.port()) + "/a.md"}) {
    const auto fetched = fetch(url, "", options);
    REQUIRE_FALSE(fetched);
    CHECK(fetched.error().code() == Code::forbidden);
  }
  CHECK(asked == 0);
}
