#include <doctest/doctest.h>

#include "connectors/connector.hpp"
#include "connectors/detail/confluence_source.hpp"
#include "connectors/detail/session.hpp"

using namespace slipway;
using namespace slipway::connectors;

TEST_CASE("sources on the network are told from paths") {
  CHECK(is_remote("https://example.org"));
  CHECK(is_remote("HTTP://example.org"));
  CHECK(is_remote("Confluence:https://example.org?space=A"));
  CHECK_FALSE(is_remote("docs/https://x"));
  CHECK_FALSE(is_remote("file:///srv/docs"));
  CHECK_FALSE(is_remote(""));
  CHECK_FALSE(is_remote("http:/x"));
}
