#include "connectors/detail/confluence_source.hpp"

#include <doctest/doctest.h>

using namespace slipway;
using namespace slipway::connectors::detail;

namespace {

std::string message_of(const std::string& text) {
  const auto source = parse_confluence_source(text);
  return source ? "accepted as " + source->text() : source.error().message();
}

bool refuses(const std::string& text, std::string_view why) {
  const std::string message = message_of(text);
  const bool is_so = !message.starts_with("accepted") && message.find(why) != std::string::npos;
  if (!is_so) MESSAGE(text, ": ", message);
  return is_so;
}

}  // namespace

TEST_CASE("a source of Confluence names a server and what of it") {
  const auto space = parse_confluence_source("confluence:https://Acme.atlassian.net?space=DOC");
  REQUIRE(space.ok());
  CHECK(space->is_cloud);
  CHECK(space->text() == "confluence:https://acme.atlassian.net/wiki?space=DOC");
  CHECK(space->prefix() == "confluence:https://acme.atlassian.net/wiki/");
  CHECK(space->condition() == "space = \"DOC\" and type in (page, blogpost)");
  CHECK(space->has_attachments);
  const auto page =
      parse_confluence_source("confluence:http://wiki.local:8090/x/?page=123&attachments=no");
  REQUIRE(page.ok());
  CHECK_FALSE(page->is_cloud);
  CHECK_FALSE(page->has_attachments);
  CHECK(page->text() == "confluence:http://wiki.local:8090/x?page=123");
  const auto personal = parse_confluence_source("confluence:https://h?space=%7Eann%22b");
  CHECK(personal->condition().starts_with("space = \"~ann\\\"b\""));
}

TEST_CASE("a query keeps to its parentheses and loses its order") {
  const auto source = parse_confluence_source(
      "confluence:https://h/wiki?cql=label = \"order by x\" or ancestor = 5 ORDER  BY title desc");
  REQUIRE(source.ok());
  CHECK(source->condition() ==
        "(label = \"order by x\" or ancestor = 5) and type in (page, blogpost)");
  CHECK(parse_confluence_source("confluence:https://h?cql=title ~ 'a%26b%23'")->value ==
        "title ~ 'a&b#'");
  CHECK(parse_confluence_source("confluence:https://h?cql=title ~ 'a%26b%23'")->text() ==
        "confluence:https://h?cql=title ~ 'a%26b%23'");
  CHECK(parse_confluence_source("confluence:https://h?cql=lastmodified > now(\"-1d\")").ok());
}

TEST_CASE("a source's text gives the source again") {
  for (const char* text :
       {"confluence:https://h/wiki?space=A b",
        "confluence:https://h?cql=label = \"%25\" and id = 5",
        "confluence:https://h:8443/c?page=att5", "confluence:https://h?space=Größe"}) {
    const auto once = parse_confluence_source(text);
    INFO(text);
    REQUIRE(once.ok());
    const auto twice = parse_confluence_source(once->text());
    REQUIRE(twice.ok());
    CHECK(twice->text() == once->text());
    CHECK(twice->condition() == once->condition());
  }
}

TEST_CASE("a wrong source is refused with the right form") {
  CHECK(refuses("confluence:https://h/wiki", "?space=KEY"));
  CHECK(refuses("confluence:https://h/wiki?", "?space=KEY"));
  CHECK(refuses("confluence:h?space=A", "write https://HOST"));
  CHECK(refuses("confluence:", "write https://HOST"));
  CHECK(refuses("confluence:https://h?space=", "chooses nothing"));
  CHECK(refuses("confluence:https://h?space=A&cql=b", "one of space, cql and page"));
  CHECK(refuses("confluence:https://h?spaces=A", "'spaces' is not known"));
  CHECK(refuses("confluence:https://h?page=My page", "no page id"));
  CHECK(refuses("confluence:https://h?page=1/2", "no page id"));
  CHECK(refuses("confluence:https://h?space=A&attachments=maybe", "yes or no"));
  CHECK(refuses("confluence:https://h?cql=label=\"x", "quote"));
  CHECK(refuses("confluence:https://h?cql=a) or (b", "parentheses"));
  CHECK(refuses("confluence:https://h?cql=(a", "parentheses"));
  CHECK(refuses("confluence:https://h?space=A%0AB", "control characters"));
  CHECK(refuses("confluence:https://h?space=%FF", "UTF-8"));
  CHECK(refuses("confluence:https://ann:hunter2@h?space=A", "credentials"));
  CHECK(message_of("confluence:https://ann:hunter2@h?space=A").find("hunter2") ==
        std::string::npos);
}

TEST_CASE("the address of a page in a browser is answered with the source to write") {
  CHECK(refuses("confluence:https://a.atlassian.net/wiki/spaces/DOC/pages/1/T?space=X",
                "confluence:https://a.atlassian.net/wiki?space=DOC"));
  CHECK(refuses("confluence:https://h/display/DOC/Title", "confluence:https://h?space=DOC"));
}
