#include "agents/chat_model.hpp"

#include <doctest/doctest.h>

#include "models/scripted.hpp"

using namespace slipway;

TEST_CASE("a model that is in no catalog is told with its name") {
  auto catalog = models::Catalog::open({});
  REQUIRE(catalog.ok());
  const auto model = agents::open_chat_model(
      **catalog, {.name = "m", .provider = "catalog", .model = "no-such-model"});
  REQUIRE(!model.ok());
  CHECK(model.error().message().find("no-such-model") != std::string::npos);
}
