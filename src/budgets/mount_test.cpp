#include "budgets/mount.hpp"

#include <doctest/doctest.h>

#include <future>

#include "core/pool.hpp"
#include "http/fake_exchange.hpp"

namespace slipway::budgets {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

struct House {
  FakeClock clock;
  std::unique_ptr<Ledger> ledger = must(Ledger::open({.path = ":memory:", .clock = clock}));
  Pool pool{{.threads = 2}};
  http::Router router{pool};
  http::Api api{router, {.title = "Test", .checks_replies = true}};
  House() {
    mount(api, *ledger);
    api.publish();
  }

  http::Response send(const std::string& method, const std::string& target,
                      const std::string& body = "") {
    http::Request request{.method = method, .target = target};
    if (!body.empty()) {
      request.headers.add("Content-Type", "application/json");
      request.body = body;
    }
    auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    router.dispatch(exchange);
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  json::Object ask(const std::string& method, const std::string& target,
                   const std::string& body = "", int status = 200) {
    const http::Response response = send(method, target, body);
    if (response.status != status) FAIL(response.status << " " << response.body);
    return must(json::parse(response.body)).as_object();
  }
};

}  // namespace

TEST_CASE("budgets are made, read, changed, approved and deleted over HTTP") {
  House house;
  const auto made = house.ask("POST", "/api/budgets",
                              R"({"name": "team", "scope": {"user": "*"}, "limit_usd": 2.5,
                                  "period": "day", "on_exceed": "clamp",
                                  "alerts": [{"at": 0.8, "webhook": "http://127.0.0.1:1/"}]})",
                              201);
  const std::string path = "/api/budgets/" + std::string(made.at("id").as_string());
  CHECK(made.at("remaining_usd").as_double() == 2.5);
  CHECK(made.at("alerts").at(0).at("fired_at").is_null());
  CHECK(house.ask("GET", path) == made);
  CHECK(house.ask("GET", "/api/budgets").at("items").as_array().size() == 1);
  CHECK(house.ask("PATCH", path, R"({"limit_usd": 5, "on_exceed": "reject"})")
            .at("remaining_usd")
            .as_double() == 5);
  const auto approved =
      house.ask("POST", path + "/approvals", R"({"usd": 1, "scope": {"user": "ann"}})");
  CHECK(approved.at("approved_usd").as_double() == 1);
  std::promise<void> done;
  Wish wish;
  wish.payer.user = "ann";
  wish.input_usd = {1'000'000'000'000};
  house.ledger->reserve(wish, [&](const Decision&) { done.set_value(); });
  done.get_future().wait();
  const auto page = house.ask("GET", path + "/ledger?limit=1");
  CHECK(page.at("items").at(0).at("kind") == "reserve");
  CHECK(page.at("items").at(0).at("scope").at("user") == "ann");
  CHECK(page.at("next_cursor").is_null());
  CHECK(house.ask("GET", path).at("subjects").at(0).at("remaining_usd").as_double() == 5);
  CHECK(house.send("DELETE", path).status == 204);
  CHECK(house.send("GET", path).status == 404);
  CHECK(house.send("GET", path + "/ledger").status == 404);
}

TEST_CASE("what is wrong with a budget is told by its place") {
  House house;
  CHECK(house.send("POST", "/api/budgets", R"({"limit_usd": 1})").status == 400);
  CHECK(house.send("POST", "/api/budgets", R"({"name": "a"})").status == 400);
  CHECK(house.send("POST", "/api/budgets", R"({"name": "a", "limit_usd": -1})").status == 400);
  CHECK(house.send("POST", "/api/budgets", R"({"name": "a", "limit_usd": 1, "x": 1})").status ==
        400);
  CHECK(house.send("POST", "/api/budgets", R"({"name": "a", "limit_usd": 1, "period": "week"})")
            .status == 400);
  const auto response = house.send("POST", "/api/budgets",
                                   R"({"name": "a", "limit_usd": 1, "scope": {"team": "x"}})");
  CHECK(response.status == 400);
  CHECK(response.body.find("those are: project, user") != std::string::npos);
  house.ask("POST", "/api/budgets", R"({"name": "a", "limit_usd": 1})", 201);
  CHECK(house.send("POST", "/api/budgets", R"({"name": "a", "limit_usd": 1})").status == 409);
  CHECK(house.send("POST", "/api/budgets/none/approvals", R"({"usd": 1})").status == 404);
}

}  // namespace slipway::budgets
