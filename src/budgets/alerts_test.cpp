#include "budgets/alerts.hpp"

#include <doctest/doctest.h>

#include <future>
#include <thread>

#include "http/loopback_server.hpp"
#include "trace/origin.hpp"

namespace slipway::budgets {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

struct House {
  FakeClock clock{must(parse_time("2026-11-25T09:30:00Z"))};
  std::unique_ptr<Ledger> ledger = must(Ledger::open({.path = ":memory:", .clock = clock}));
  std::unique_ptr<trace::TraceStore> store = must(trace::TraceStore::open(
      {.path = ":memory:", .clock = clock, .prices = [] {
         trace::PriceRow row;
         row.model = "m";
         row.keys.emplace("input_cost_per_token", must(trace::parse_price("1")));
         return std::make_shared<const trace::PriceBook>(std::vector<trace::PriceRow>{row},
                                                         std::vector<trace::PriceRow>());
       }}));
  Guarded<std::vector<json::Value>> heard;
  std::atomic<int> status{200};
  http::LoopbackServer server{[this](const http::LoopbackServer::Request& request,
                                     http::LoopbackServer::Connection& connection) {
    heard.with([&](auto& list) { list.push_back(must(json::parse(request.body))); });
    connection.reply(status, "");
  }};
  std::optional<Alerts> alerts;

  House() {
    alerts.emplace(Alerts::Options{.ledger = *ledger,
                                   .store = store.get(),
                                   .clock = clock,
                                   .rules_pause = std::chrono::milliseconds(0)});
  }
  std::vector<json::Value> wait_for(std::size_t count) {
    for (int i = 0; i < 2'000; ++i) {
      auto list = heard.with([](const auto& all) { return all; });
      if (list.size() >= count) return list;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL("nothing was delivered");
    return {};
  }
  /// A trace of so many seconds, `ago` before now.
  void put(int index, std::chrono::minutes ago, double seconds, bool has_failed, double usd = 0) {
    trace::RunPatch run;
    run.id = run.trace_id = fmt::format("{:032x}", index + 1);
    run.kind = trace::Kind::llm;
    run.start = trace::nanoseconds(clock.now() - ago);
    run.end = *run.start + static_cast<trace::Nanoseconds>(seconds * 1e9);
    run.status = has_failed ? trace::Status::error : trace::Status::ok;
    if (usd > 0) {
      run.model = "m";
      run.usage.input = static_cast<std::int64_t>(usd);
      run.usage.output = 0;
    }
    must(store->ingest({}, {run}));
  }
  AlertRules rule(AlertRule one) {
    AlertTarget target;
    target.webhook = server.url() + "/hook";
    AlertTarget slack;
    slack.slack = server.url() + "/slack";
    one.send = {target, slack};
    must(one.validate());
    return {{"watch", one}};
  }
};

}  // namespace

TEST_CASE("an alert of a budget is delivered at once, and again until it is taken") {
  House house;
  house.status = 500;
  BudgetConfig config;
  config.limit_tokens = 10;
  config.alerts = {{0.5, house.server.url() + "/hook"}};
  must(house.ledger->create({}, "team", config));
  Wish wish;
  wish.input_tokens = 6;
  std::promise<HoldPtr> held;
  house.ledger->reserve(wish, [&](const Decision& decision) { held.set_value(decision.hold); });
  house.ledger->settle(held.get_future().get(), {{}, 6});
  CHECK(house.wait_for(1)[0].at("event") == "budget.alert");
  house.status = 200;
  for (int i = 0; i < 200 && house.heard.with([](const auto& all) { return all.size(); }) < 2;
       ++i) {
    house.clock.advance(std::chrono::seconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const auto heard = house.wait_for(2);
  CHECK(heard[1].at("budget").at("name") == "team");
  CHECK(heard[1].at("spent_tokens") == 6);
  for (int i = 0; i < 1'000; ++i) {
    house.clock.advance(std::chrono::minutes(1));
    if (must(house.ledger->due_notices()).empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  house.clock.advance(std::chrono::minutes(5));
  CHECK(must(house.ledger->due_notices()).empty());
}

TEST_CASE("errors are told when they are many in a short and in a long time, and once") {
  House house;
  house.alerts->set_rules(house.rule({.on = AlertKind::error_rate, .rate = 0.5, .traces_min = 4}));
  for (int i = 0; i < 4; ++i) house.put(i, std::chrono::minutes(1), 1, true);
  for (int i = 4; i < 20; ++i) house.put(i, std::chrono::minutes(30), 1, false);
  must(house.alerts->evaluate());
  CHECK(must(house.ledger->due_notices()).empty());  // A short one alone.
  for (int i = 20; i < 40; ++i) house.put(i, std::chrono::minutes(2), 1, true);
  must(house.alerts->evaluate());
  must(house.alerts->evaluate());
  const auto heard = house.wait_for(2);
  CHECK(heard.size() == 2);  // A webhook and Slack.
  for (const auto& one : heard) {
    const std::string text(one.at("text").as_string());
    CHECK(text.find("alert 'watch': 100.0 % of the traces of the last 5m failed") == 0);
  }
}

TEST_CASE("an hour that costs several times the mean is told") {
  House house;
  house.alerts->set_rules(house.rule({.on = AlertKind::cost_anomaly}));
  house.put(1, std::chrono::minutes(60 * 5), 1, false, 48);
  house.put(2, std::chrono::minutes(10), 1, false, 5);
  must(house.alerts->evaluate());
  CHECK(must(house.ledger->due_notices()).empty());
  house.put(3, std::chrono::minutes(10), 1, false, 5);
  must(house.alerts->evaluate());
  for (const auto& one : house.wait_for(2))
    CHECK(std::string(one.at("text").as_string()).find("has cost $10.00, and $2.00") !=
          std::string::npos);
}

TEST_CASE("slow answers are told") {
  House house;
  house.alerts->set_rules(
      house.rule({.on = AlertKind::latency_p95, .above_ms = 2'000, .traces_min = 3}));
  for (int i = 0; i < 4; ++i) house.put(i, std::chrono::minutes(1), 3, false);
  must(house.alerts->evaluate());
  CHECK(house.wait_for(2).size() == 2);
}

TEST_CASE("a rule that cannot be is refused by name") {
  const auto message = [](const char* text) {
    const auto rule = json::from<AlertRule>(must(json::parse(text)));
    return rule ? std::string() : rule.error().message();
  };
  CHECK(message(R"({"on":"error_rate","send":[{"webhook":"http://a/"}]})").empty());
  CHECK(message(R"({"on":"error_rate","send":[{}]})").find("names 0 targets") != std::string::npos);
  CHECK(message(R"({"on":"error_rate","send":[{"smtp":"smtp://a","from":"x@y"}]})")
            .find("to: names nobody") != std::string::npos);
  CHECK(message(R"({"on":"error_rate","window":"1s","send":[{"slack":"http://a/"}]})")
            .find("too short") != std::string::npos);
  CHECK(message(R"({"on":"error_rate","send":[{"slack":"env:SLACK_URL"}]})").empty());
  const std::string secret =
      message(R"({"on":"error_rate","send":[{"smtp":"smtp://a","from":"x@y","to":["a@b"],)"
              R"("password":"hunter2"}]})");
  CHECK(secret.find("env:NAME") != std::string::npos);
  CHECK(secret.find("hunter2") == std::string::npos);
  CHECK(!message(R"({"on":"cost_anomaly","factor":1,"send":[{"slack":"http://a/"}]})").empty());
}

}  // namespace slipway::budgets
