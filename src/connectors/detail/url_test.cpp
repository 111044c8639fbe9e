#include <doctest/doctest.h>

#include "connectors/detail/session.hpp"
#include "connectors/detail/url.hpp"

using namespace slipway;
using namespace slipway::connectors::detail;

namespace {

std::string normal(std::string_view text) {
  const auto url = parse_url(text);
  return url ? url->text() : "error: " + url.error().message();
}

std::string resolved(std::string_view base, std::string_view reference) {
  const auto url = resolve(*parse_url(base), reference);
  return url ? url->text() : "error: " + url.error().message();
}

}  // namespace

TEST_CASE("spellings of one URL become one text") {
  for (const char* text : {"https://example.org/a/b?x=1", "HTTPS://EXAMPLE.org:443/a/b?x=1#part",
                           "https://example.org/a/./c/../b?x=1", "https://example.org/%61/b?x=1",
                           "https://example.org/a/%2e/b?x=1"})
    CHECK(normal(text) == "https://example.org/a/b?x=1");
  CHECK(normal("http://example.org") == "http://example.org/");
  CHECK(normal("http://example.org?q") == "http://example.org/?q");
  CHECK(normal("http://example.org:8080/") == "http://example.org:8080/");
  CHECK(normal("http://example.org:/x") == "http://example.org/x");
  CHECK(normal("http://[::1]:80/x") == "http://[::1]/x");
  CHECK(normal("http://[::1]:81/x") == "http://[::1]:81/x");
  CHECK(normal("http://h/a%2fb%3F") == "http://h/a%2Fb%3F");
  CHECK(normal("http://h/100%") == "http://h/100%25");
  CHECK(normal("http://h/a b?c d") == "http://h/a%20b?c%20d");
  CHECK(normal("http://h/Größe") == "http://h/Gr%C3%B6%C3%9Fe");
  CHECK(normal("http://h/..") == "http://h/");
  CHECK(normal("http://h/a/..") == "http://h/");
  CHECK(normal("http://h/a//b/") == "http://h/a//b/");
  CHECK(normal("http://h/%") == "http://h/%25");
  CHECK(normal("http://h/%-1") == "http://h/%25-1");
}

TEST_CASE("a normal URL stays as it is") {
  SeededRandom random(7);
  const std::string_view alphabet = "ab/.%?#&=:@[]\\é 0A~-_";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = "http://h";
    for (std::uint64_t left = random.next() % 20; left > 0; --left)
      text += alphabet[random.next() % alphabet.size()];
    const auto once = parse_url(text);
    if (!once) continue;
    const auto twice = parse_url(once->text());
    INFO(text);
    REQUIRE(twice.ok());
    CHECK(twice->text() == once->text());
  }
}

TEST_CASE("what is no URL of the web is refused with a reason") {
  for (const char* text :
       {"ftp://h/", "file:///etc/passwd", "http", "http:", "http:/h", "://h", "", "http://",
        "http:///x", "http://h:0/", "http://h:65536/", "http://h:x/", "http://a b/", "http://[::1/",
        "http://[::1]x/", "http://h\n/", "javascript:alert(1)", "http://h:80:80/", "http://."}) {
    const auto url = parse_url(text);
    INFO(text);
    REQUIRE_FALSE(url.ok());
    CHECK(url.error().code() == Code::invalid_argument);
  }
  CHECK_FALSE(parse_url("http://h/" + std::string(10'000, 'a')).ok());
}

TEST_CASE("a password in a URL is refused and not shown") {
  const auto url = parse_url("https://ann:hunter2@example.org/?token=hunter3");
  REQUIRE_FALSE(url.ok());
  CHECK(url.error().message().find("hunter") == std::string::npos);
  CHECK(url.error().message().find("credentials") != std::string::npos);
}

TEST_CASE("links are resolved as browsers do") {
  const std::string_view base = "https://h/a/b?q=1";
  CHECK(resolved(base, "c") == "https://h/a/c");
  CHECK(resolved(base, "/c?d") == "https://h/c?d");
  CHECK(resolved(base, "../c") == "https://h/c");
  CHECK(resolved(base, "../../../c") == "https://h/c");
  CHECK(resolved(base, "?r") == "https://h/a/b?r");
  CHECK(resolved(base, "#x") == "https://h/a/b?q=1");
  CHECK(resolved(base, "") == "https://h/a/b?q=1");
  CHECK(resolved(base, "//other/x") == "https://other/x");
  CHECK(resolved(base, "http://other/x") == "http://other/x");
  CHECK(resolved(base, "c:d/e").starts_with("error:"));
  CHECK(resolved(base, "./c:d") == "https://h/a/c:d");
  CHECK(resolved(base, "file:///etc/passwd").starts_with("error:"));
  CHECK(resolved(base, "/a\r\nX: y").starts_with("error:"));
}

TEST_CASE("credentials stay with their server, and nothing leads from https to http") {
  const auto hop = [](const char* from, const char* location) {
    const auto next = follow_redirect({*parse_url(from), true}, location);
    if (!next) return "error: " + next.error().message();
    return next->url.text() + (next->is_trusted ? " with" : " without");
  };
  CHECK(hop("https://h/a", "b") == "https://h/b with");
  CHECK(hop("http://h/a", "https://h/b") == "https://h/b with");
  CHECK(hop("http://h/a", "https://h:8443/b") == "https://h:8443/b without");
  CHECK(hop("http://h:8080/a", "https://h/b") == "https://h/b without");
  CHECK(hop("https://h/a", "https://h:444/b") == "https://h:444/b without");
  CHECK(hop("https://h/a", "https://sub.h/b") == "https://sub.h/b without");
  CHECK(hop("https://h/a", "//other/b") == "https://other/b without");
  CHECK(hop("https://h/a", "http://h/b").find("not encrypted") != std::string::npos);
  CHECK(hop("https://h/a", "http://other/b?secret").find("secret") == std::string::npos);
  CHECK(hop("https://h/a", "file:///x").find("not followed") != std::string::npos);
  CHECK(hop("https://h/a", "").find("does not say") != std::string::npos);
  // Back at home after another host has led us: not as the user's wish.
  const auto away = follow_redirect({*parse_url("https://h/a"), true}, "https://other/");
  CHECK_FALSE(follow_redirect(*away, "https://h/delete")->is_trusted);
}

TEST_CASE("dates of HTTP are read, other texts are not") {
  CHECK(format_time(*parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT")) == "1994-11-06T08:49:37Z");
  for (const char* text : {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 ovD 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT",
                           "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 0x Nov 1994 08:49:37 GMT"})
    CHECK_FALSE(parse_http_date(text).has_value());
}

TEST_CASE("foreign text in a message is one short line") {
  CHECK(one_line("  a\n\tb\x01\xE2\x80\x8B c ") == "a b c");
  CHECK(one_line(std::string(5000, 'x')).size() < 400);
  CHECK(summary_of("<!DOCTYPE html><html><TITLE>Log in\n now</TITLE>") ==
        "a web page 'Log in now'");
  CHECK(summary_of("<html>") == "a web page");
  CHECK(summary_of("<title>never ends") == "a web page 'never ends'");
  CHECK(summary_of(R"({"statusCode":404,"message":"No space"})") == "No space");
  CHECK(summary_of("") == "");
  CHECK(summary_of("\xFF\xFE plain") == "\xEF\xBF\xBD\xEF\xBF\xBD plain");
}
