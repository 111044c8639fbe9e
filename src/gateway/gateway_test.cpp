// Relaying, and what happens when it does not go well.
#include "gateway/gateway.hpp"

#include "gateway/detail/gateway_fixture.hpp"

namespace slipway::gateway::detail {

using namespace std::chrono_literals;

TEST_CASE("a call in the deployment's dialect is relayed byte for byte but for the model's name") {
  House house;
  house.remote("fast").price = models::PriceConfig{1, 2, {}};
  house.open();
  house.upstream.set_script([](const auto&) { return House::good(); });
  const std::string body =
      R"({ "messages" : [{"role":"user","content":"\u00e9 \"model\":\"x\""}], )"
      R"("model":"fast", "odd":1e5})";
  const auto exchange = house.ask(body);
  REQUIRE(exchange->has_ended());
  const auto sent = house.upstream.calls().at(0)->request();
  CHECK(sent.url == "http://fast.test/v1/chat/completions");
  CHECK(sent.headers.at("Authorization") == "Bearer sk-test-aaaaaaaa");
  CHECK(sent.body == R"({ "messages" : [{"role":"user","content":"\u00e9 \"model\":\"x\""}], )"
                     R"("model":"real-fast", "odd":1e5})");
  CHECK(sent.headers.at("traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
  const auto response = exchange->response();
  CHECK(response.status == 200);
  CHECK(has(response.body, R"("model":"fast","choices")"));
  CHECK(response.headers.get("x-slipway-model") == "fast");
  CHECK(response.headers.get("x-slipway-attempts") == "1");
  CHECK(response.headers.get("x-slipway-trace-id") == "0af7651916cd43dd8448eb211c80319c");
  CHECK(response.headers.get("x-slipway-cost-usd") == "0.000018000");
  const CallRecord record = house.last_record();
  CHECK(record.usage.input_tokens == 10);
  CHECK(record.status == 200);
  CHECK(record.deployment == "fast");
  CHECK(has(house.metrics.text(),
            "slipway_gateway_requests_total{task=\"chat\",model=\"fast\","
            "deployment=\"fast\",status=\"200\"} 1"));
}

TEST_CASE("a stream is relayed as it comes, and its usage is read without showing it") {
  House house;
  house.remote("fast").price = models::PriceConfig{1, 2, {}};
  house.open();
  house.upstream.set_script(
      [](const auto&) { return FakeAnswer{.pieces = {House::chunk("Hel")}, .stays_open = true}; });
  const auto exchange = house.ask_model("fast", R"(,"stream":true)");
  const auto call = house.upstream.calls().at(0);
  CHECK(call->request().body.starts_with(R"({"stream_options":{"include_usage":true},"model")"));
  CHECK(exchange->response().headers.get("Content-Type") == "text/event-stream; charset=utf-8");
  CHECK(has(exchange->response().body, "Hel"));
  CHECK(exchange->heartbeat() > 0ms);
  call->piece(House::chunk("lo"));
  call->piece(House::last_chunks());
  call->end();
  REQUIRE(exchange->has_ended());
  const std::string body = exchange->response().body;
  CHECK(has(body, R"("model":"fast")"));
  CHECK_FALSE(has(body, "usage"));
  CHECK(body.ends_with("data: [DONE]\n\n"));
  CHECK(exchange->trailers().get("x-slipway-cost-usd") == "0.000018000");
  CHECK(house.last_record().usage.output_tokens == 4);
}

TEST_CASE(
    "a stream without its last frame ends with the dialect's error, never like a normal end") {
  House house;
  house.remote("fast");
  house.remote("steady");
  house.settings.models["fast"].fallback = {"steady"};
  house.open();
  SUBCASE("the last frame is missing") {
    house.upstream.set_script(
        [](const auto&) { return FakeAnswer{.pieces = {House::chunk("Hel")}}; });
  }
  SUBCASE("the connection breaks") {
    house.upstream.set_script([](const auto&) {
      return FakeAnswer{.pieces = {House::chunk("Hel")},
                        .error = fail(Code::unavailable, "connection reset")};
    });
  }
  SUBCASE("an error stands in the stream") {
    house.upstream.set_script([](const auto&) {
      return FakeAnswer{
          .pieces = {House::chunk("Hel"),
                     "data: {\"error\":{\"message\":\"sk-test-aaaaaaaa is out\"}}\n\n"}};
    });
  }
  const auto exchange = house.ask_model("fast", R"(,"stream":true)");
  REQUIRE(exchange->has_ended());
  const std::string body = exchange->response().body;
  CHECK(exchange->response().status == 200);
  CHECK(has(body, R"(data: {"error":)"));
  CHECK(has(body, "deployment 'fast'"));
  CHECK_FALSE(has(body, "[DONE]"));
  CHECK_FALSE(has(body, "sk-test"));
  CHECK(house.upstream.calls().size() == 1);  // Never another after the first byte.
  CHECK(house.last_record().status == 502);
  CHECK(house.last_record().usage_estimated);
}

TEST_CASE("a failure is retried with jitter, then the next deployment is asked") {
  House house;
  house.remote("fast").retries = 2;
  house.remote("steady");
  house.settings.models["fast"].fallback = {"steady"};
  house.open();
  house.upstream.set_script([](const http::ClientRequest& request) {
    return has(request.url, "steady") ? House::good() : House::bad(500, "oh");
  });
  const auto exchange = house.ask_model("fast");
  CHECK(house.upstream.calls().size() == 1);
  CHECK(house.timers->next() <= 200ms);
  house.timers->advance(200ms);
  CHECK(house.upstream.calls().size() == 2);
  CHECK(house.timers->next() <= 400ms);
  house.timers->advance(400ms);
  REQUIRE(exchange->has_ended());
  CHECK(exchange->response().status == 200);
  CHECK(exchange->response().headers.get("x-slipway-model") == "steady");
  CHECK(exchange->response().headers.get("x-slipway-attempts") == "4");
  CHECK(has(exchange->response().body, R"("model":"fast")"));
  const CallRecord record = house.last_record();
  REQUIRE(record.attempts.size() == 4);
  CHECK(record.attempts[0].status == 500);
  CHECK(has(record.attempts[0].error, "deployment 'fast': oh"));
}

TEST_CASE("when all tries are spent the client is told not to multiply them") {
  House house;
  house.remote("fast").retries = 1;
  house.open();
  house.upstream.set_script([](const auto&) { return House::bad(503, "busy"); });
  const auto exchange = house.ask_model("fast");
  house.timers->advance(1s);
  REQUIRE(exchange->has_ended());
  const auto response = exchange->response();
  CHECK(response.status == 502);
  CHECK(response.headers.get("x-should-retry") == "false");
  CHECK(has(response.body, "deployment 'fast': busy"));
  CHECK(house.upstream.calls().size() == 2);
}

TEST_CASE("Retry-After is obeyed when it is short and passed on when it is long") {
  House house;
  house.remote("fast").retries = 1;
  house.open();
  SUBCASE("short") {
    house.upstream.set_script([](const auto&) {
      return House::bad(429, "slow", {{"Retry-After", "3"}});
    });
    const auto exchange = house.ask_model("fast");
    house.timers->advance(2'900ms);
    CHECK(house.upstream.calls().size() == 1);
    house.timers->advance(300ms);
    CHECK(house.upstream.calls().size() == 2);
    CHECK(exchange->response().status == 429);
  }
  SUBCASE("long") {
    house.upstream.set_script([](const auto&) {
      return House::bad(429, "slow", {{"Retry-After", "60"}});
    });
    const auto exchange = house.ask_model("fast");
    REQUIRE(exchange->has_ended());
    CHECK(house.upstream.calls().size() == 1);
    CHECK(exchange->response().status == 429);
    CHECK(exchange->response().headers.get("Retry-After") == "60");
  }
  SUBCASE("the upstream says that it is of no use") {
    house.upstream.set_script([](const auto&) {
      return House::bad(500, "no", {{"x-should-retry", "false"}});
    });
    CHECK(house.ask_model("fast")->has_ended());
    CHECK(house.upstream.calls().size() == 1);
  }
}

TEST_CASE("what is wrong with the request is told at once, with the upstream's status") {
  House house;
  house.remote("fast").fallback = {"steady"};
  house.remote("steady");
  house.open();
  for (const int status : {400, 404, 413, 422}) {
    house.upstream.set_script([&](const auto&) { return House::bad(status, "bad tools"); });
    const std::size_t before = house.upstream.calls().size();
    const auto exchange = house.ask_model("fast");
    REQUIRE(exchange->has_ended());
    CHECK(exchange->response().status == status);
    CHECK(has(exchange->response().body, "bad tools"));
    CHECK(exchange->response().headers.find("x-should-retry") == nullptr);
    CHECK(house.upstream.calls().size() == before + 1);
  }
}

TEST_CASE("a refused key of the deployment is told as such, without the key, after the others") {
  House house;
  house.remote("fast").api_key =
      models::ApiKeys({{"env:SLIPWAY_TEST_KEY_A", 1000}, {"env:SLIPWAY_TEST_KEY_B", 0.001}});
  house.open();
  house.upstream.set_script([](const http::ClientRequest& request) {
    return House::bad(401, "Incorrect key: " + request.headers.at("Authorization"));
  });
  const auto exchange = house.ask_model("fast");
  house.timers->advance(0ms);
  REQUIRE(exchange->has_ended());
  const auto response = exchange->response();
  CHECK(response.status == 401);
  CHECK(has(response.body, "upstream_auth"));
  CHECK(has(response.body, "its own key was refused, not yours"));
  CHECK_FALSE(has(response.body, "sk-test"));
  REQUIRE(house.upstream.calls().size() == 2);
  CHECK(has(house.upstream.calls()[0]->request().headers.at("Authorization"), "aaaa"));
  CHECK(has(house.upstream.calls()[1]->request().headers.at("Authorization"), "bbbb"));
  CHECK(house.gateway->shown().deployments.at(0).keys_resting == 2);
}

TEST_CASE("broken connections are 502, spent time is 504") {
  House house;
  house.remote("fast").retries = 0;
  house.open();
  const auto status_of = [&](Code code) {
    house.upstream.set_script(
        [=](const auto&) { return FakeAnswer{.status = 0, .error = fail(code, "it")}; });
    return house.ask_model("fast")->response().status;
  };
  CHECK(status_of(Code::unavailable) == 502);
  CHECK(status_of(Code::deadline_exceeded) == 504);
  const auto call = house.upstream.calls().back();
  CHECK(call->timeouts().connect == 2s);
  CHECK(call->timeouts().first_byte == 30s);
  CHECK(call->timeouts().total == 600s);
}

TEST_CASE("answers that are no JSON or too long are told as the deployment's fault") {
  House house;
  house.remote("fast").retries = 0;
  house.settings.gateway.reply_bytes_max = 1000;
  house.open();
  house.upstream.set_script([](const auto&) { return FakeAnswer{.pieces = {"<html>"}}; });
  CHECK(house.ask_model("fast")->response().status == 502);
  house.upstream.set_script(
      [](const auto&) { return FakeAnswer{.pieces = {std::string(2000, '{')}}; });
  const auto exchange = house.ask_model("fast");
  CHECK(exchange->response().status == 502);
  CHECK(has(exchange->response().body, "longer than 1000 bytes"));
}

TEST_CASE("a deployment that fails in a row is left alone and probed later") {
  House house;
  house.remote("fast").retries = 0;
  house.settings.models["fast"].breaker.failures = 3;
  house.open();
  house.upstream.set_script([](const auto&) { return House::bad(500); });
  for (int i = 0; i < 3; ++i) house.ask_model("fast");
  CHECK(house.gateway->shown().deployments.at(0).circuit == "open");
  const auto refused = house.ask_model("fast");
  CHECK(house.upstream.calls().size() == 3);
  CHECK(refused->response().status == 503);
  CHECK(refused->response().headers.get("Retry-After") == "15");
  CHECK(has(house.metrics.text(), "slipway_gateway_circuit_state{deployment=\"fast\"} 2"));
  house.clock.advance(15s);
  house.upstream.set_script([](const auto&) { return House::good(); });
  CHECK(house.ask_model("fast")->response().status == 200);
  CHECK(house.gateway->shown().deployments.at(0).circuit == "closed");
}

TEST_CASE("an outage is not answered with retries without end") {
  House house;
  house.remote("fast").retries = 5;
  house.settings.models["fast"].breaker.failures = 0;
  house.settings.gateway.retry_budget = 0.1;
  house.open();
  house.upstream.set_script([](const auto&) { return House::bad(500); });
  for (int i = 0; i < 100; ++i) {
    const auto exchange = house.ask_model("fast");
    house.timers->advance(60s);
    REQUIRE(exchange->has_ended());
  }
  // The stock of 10, and one for each ten first tries.
  CHECK(house.upstream.calls().size() <= 100 + 10 + 10 + 1);
}

TEST_CASE("a client that leaves cancels the upstream, and what was used is recorded") {
  House house;
  house.remote("fast");
  house.open();
  SUBCASE("before the first byte") {
    house.upstream.set_script(
        [](const auto&) { return FakeAnswer{.status = 0, .stays_open = true}; });
    const auto exchange = house.ask_model("fast");
    exchange->leave();
    CHECK_FALSE(exchange->has_begun());
  }
  SUBCASE("in the middle of a stream") {
    house.upstream.set_script([](const auto&) {
      return FakeAnswer{.pieces = {House::chunk("a"), House::chunk("b")}, .stays_open = true};
    });
    const auto exchange = house.ask_model("fast", R"(,"stream":true)");
    exchange->leave();
    CHECK(house.last_record().usage.output_tokens == 2);
  }
  CHECK(house.upstream.calls().at(0)->is_cancelled());
  const CallRecord record = house.last_record();
  CHECK(record.status == 499);
  CHECK(record.usage.input_tokens > 0);
  CHECK(record.usage_estimated);
  CHECK(house.gateway->shown().calls_running == 0);
}

TEST_CASE("a client that leaves while a retry waits ends the call") {
  House house;
  house.remote("fast");
  house.open();
  house.upstream.set_script([](const auto&) { return House::bad(500); });
  const auto exchange = house.ask_model("fast");
  REQUIRE(house.timers->size() == 1);
  exchange->leave();
  CHECK(house.last_record().status == 499);
  CHECK(house.timers->size() == 0);
}

TEST_CASE("a slow client holds the upstream back until it has taken what waits") {
  House house;
  house.remote("fast");
  house.open();
  house.upstream.set_script(
      [](const auto&) { return FakeAnswer{.pieces = {House::chunk("a")}, .stays_open = true}; });
  const auto exchange = house.ask_model("fast", R"(,"stream":true)");
  const auto call = house.upstream.calls().at(0);
  exchange->hold();
  call->piece(House::chunk(std::string(2u << 20, 'x')));
  CHECK(call->is_paused());
  exchange->drain();
  CHECK_FALSE(call->is_paused());
  call->piece(House::last_chunks());
  call->end();
  CHECK(exchange->has_ended());
}

TEST_CASE("bodies that are not what they should be are refused in the caller's dialect") {
  House house;
  house.remote("fast");
  house.open();
  const auto refused = [&](const std::string& body, const char* part,
                           Dialect dialect = Dialect::openai) {
    const auto exchange = house.ask(body, {}, dialect);
    CAPTURE(exchange->response().body);
    CHECK(exchange->response().status == 400);
    CHECK(has(exchange->response().body, part));
  };
  refused("", "error");
  refused("{\"model\":\"fast\",", "error");
  refused("[]", "error");
  refused(R"({"messages":[]})", "model: is required");
  refused(R"({"model":"fast","model":"other"})", "model");
  refused("nonsense", R"("type":"error")", Dialect::anthropic);
  CHECK(house.upstream.calls().empty());
}

TEST_CASE("an unknown model is told with its neighbours, and so is one that is not allowed") {
  House house;
  house.remote("fast");
  house.remote("secret");
  house.open();
  house.caller.models = {"fast"};
  const auto unknown = house.ask_model("fats");
  CHECK(unknown->response().status == 404);
  CHECK(has(unknown->response().body, "there is no model 'fats'; did you mean 'fast'?"));
  const auto forbidden = house.ask_model("secret");
  CHECK(forbidden->response().status == 404);
  CHECK(has(forbidden->response().body, "there is no model 'secret'"));
  CHECK(has(forbidden->response().body, "model_not_found"));
  CHECK(house.gateway->models(house.caller).size() == 1);
  CHECK(house.gateway->models({}).size() == 2);
  CHECK_FALSE(house.gateway->model(house.caller, "secret").has_value());
}

TEST_CASE("settings that cannot work are refused, and a reload that fails changes nothing") {
  House house;
  house.remote("fast");
  house.open();
  Settings wrong = house.settings;
  wrong.models["fast"].fallback = {"stedy"};
  wrong.models["steady"] = wrong.models["fast"];
  wrong.models["steady"].fallback.clear();
  const auto refusal = house.gateway->reload(wrong, house.catalog);
  REQUIRE_FALSE(refusal.ok());
  CHECK(refusal.error().message() ==
        "models.fast.fallback: there is no model 'stedy'; did you mean 'steady'?");
  wrong.models["fast"].fallback = {"steady"};
  wrong.models["fast"].api_key = "env:SLIPWAY_TEST_NO_SUCH_KEY";
  CHECK_FALSE(house.gateway->reload(wrong, house.catalog).ok());
  CHECK(house.gateway->models({}).size() == 1);
  wrong.models["fast"].api_key = {};
  CHECK(house.gateway->reload(wrong, house.catalog).ok());
  CHECK(house.gateway->models({}).size() == 2);
}

}  // namespace slipway::gateway::detail
