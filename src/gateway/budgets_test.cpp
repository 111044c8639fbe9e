// How calls pay: what is reserved, refused, shortened, settled.
#include <future>
#include <set>

#include "core/json_members.hpp"
#include "gateway/detail/demand.hpp"
#include "gateway/detail/gateway_fixture.hpp"
#include "gateway/detail/usage.hpp"

namespace slipway::gateway::detail {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// A house with a ledger. Model "m" costs a dollar for a million tokens that are read, two for as
/// many that are written.
struct Bank : House {
  std::unique_ptr<budgets::Ledger> books =
      must(budgets::Ledger::open({.path = ":memory:", .clock = clock}));
  ~Bank() { gateway.reset(); }
  Bank() {
    ledger = books.get();
    models::ModelConfig& m = remote("m");
    m.price = models::PriceConfig{.input = 1, .output = 2};
    m.retries = 0;
  }

  budgets::Budget make(const std::string& name, budgets::BudgetConfig config) {
    return must(books->create({}, name, config));
  }
  budgets::Budget dollars(double limit, budgets::OnExceed on_exceed = budgets::OnExceed::reject) {
    budgets::BudgetConfig config;
    config.limit_usd = limit;
    config.on_exceed = on_exceed;
    if (on_exceed == budgets::OnExceed::degrade) config.degrade_to = "cheap";
    return make("team", config);
  }
  budgets::Budget state() { return must(books->list({})).front(); }
  std::string kinds() {
    std::string kinds;
    for (const auto& entry : must(books->entries({}, state().id, 1000, "")).items)
      kinds += std::string(json::name(entry.kind)) + " ";
    return kinds;
  }
  http::Response answer(const ExchangePtr& exchange) const {
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  json::Object sent(std::size_t call) const {
    return must(json::parse(upstream.calls().at(call)->request().body)).as_object();
  }
};

constexpr double million = 1e6;

}  // namespace

TEST_CASE("a call reserves the most that it can cost and settles what it did") {
  Bank bank;
  bank.dollars(1);
  bank.upstream.set_script([&](const auto&) {
    const auto budget = bank.state();
    CHECK(budget.reserved_tokens ==
          100 + estimate_tokens(House::question("m", R"(,"max_tokens":100)")));
    CHECK(budget.reserved_usd > 200 / million);
    return House::good();
  });
  bank.open();
  const auto response = bank.answer(bank.ask_model("m", R"(,"max_tokens":100)"));
  CHECK(response.status == 200);
  const auto budget = bank.state();
  CHECK(budget.spent_usd == doctest::Approx(18 / million));  // 10 in, 4 out.
  CHECK(budget.spent_tokens == 14);
  CHECK(budget.reserved_usd == 0);
  CHECK(bank.kinds() == "reserve release settle ");
  const CallRecord record = bank.last_record();
  REQUIRE(record.budget);
  CHECK(record.budget->at("name") == "team");
  CHECK(record.budget->at("estimate_usd").as_double() > 200 / million);
  CHECK(record.budget->at("settled_usd").as_double() == doctest::Approx(18 / million));
}

TEST_CASE("what does not fit is refused in the caller's words, and nobody is asked") {
  Bank bank;
  const auto id = bank.dollars(0.000001).id;
  bank.upstream.set_script([](const auto&) { return House::good(); });
  bank.open();
  const std::string body = bank.question("m", R"(,"max_tokens":100)");
  auto response = bank.answer(bank.ask(body));
  CHECK(response.status == 429);
  CHECK(response.headers.get("x-should-retry") == "false");
  auto error = must(json::parse(response.body)).at("error");
  CHECK(error.at("type") == "insufficient_quota");
  CHECK(error.at("code") == "budget_exceeded");
  CHECK(error.at("param").is_null());
  CHECK(error.at("budget").at("name") == "team");
  CHECK(error.at("budget").at("remaining_usd").as_double() == 0.000001);
  CHECK(error.at("budget").at("resets_at").is_null());
  CHECK(has(std::string(error.at("message").as_string()), "budget 'team' allows $0.000001"));

  response = bank.answer(bank.ask(body, {}, Dialect::anthropic));
  CHECK(response.status == 429);
  CHECK(response.headers.get("x-should-retry") == "false");
  const auto told = must(json::parse(response.body));
  CHECK(told.at("type") == "error");
  CHECK(told.at("error").at("type") == "rate_limit_error");
  CHECK(told.at("error").at("code") == "budget_exceeded");
  CHECK(told.at("error").at("budget").at("name") == "team");

  response = bank.answer(bank.ask(body, {}, Dialect::cohere));
  CHECK(response.status == 429);
  CHECK(must(json::parse(response.body)).at("budget").at("name") == "team");
  CHECK(must(json::parse(response.body)).at("code") == "budget_exceeded");

  CHECK(bank.upstream.calls().empty());
  CHECK(bank.state().refused == 3);
  const CallRecord record = bank.last_record(3);
  CHECK(record.error_code == "budget_exceeded");
  CHECK(record.budget->at("reserved_usd") == 0);
}

TEST_CASE("embeddings pay too, and are refused in their dialect") {
  Bank bank;
  bank.remote("e").task = models::ModelTask::embed;
  bank.settings.models["e"].dimension = 2;
  bank.settings.models["e"].price = models::PriceConfig{.input = 1};
  bank.upstream.set_script([](const auto&) {
    return FakeAnswer{.status = 200,
                      .pieces = {R"({"data":[{"index":0,"embedding":[1,2]}],"model":"x",)"
                                 R"("usage":{"prompt_tokens":3,"total_tokens":3}})"}};
  });
  bank.dollars(0.00001);
  bank.open();
  const auto embed = [&](const std::string& text) {
    dialects::EmbeddingRequest request;
    request.model = "e";
    request.inputs.emplace_back();
    request.inputs.back().parts.push_back({.text = text});
    std::promise<Outcome<dialects::EmbeddingReply>> promise;
    bank.gateway->embed(bank.exchange("{}"), {bank.caller, request},
                        [&](auto outcome) { promise.set_value(std::move(outcome)); });
    return promise.get_future().get();
  };
  CHECK(embed("twelve bytes").reply);
  CHECK(bank.state().spent_usd == doctest::Approx(3 / million));
  const auto refused = embed(std::string(80, ' '));
  CHECK(refused.error.status == 429);
  REQUIRE(refused.budget);
  CHECK(refused.budget->at("name") == "team");
  CHECK(refused.headers.get("x-should-retry") == "false");
}

TEST_CASE("clamp shortens the reply that is asked for, relayed or translated") {
  Bank bank;
  bank.remote("claude", models::Provider::anthropic).price =
      models::PriceConfig{.input = 0, .output = 2};
  bank.settings.models["m"].price->input = 0;
  bank.upstream.set_script([](const auto&) { return House::bad(400); });
  bank.dollars(100 / million, budgets::OnExceed::clamp);
  bank.open();
  auto response = bank.answer(bank.ask_model("m", R"(,"max_tokens":1000)"));
  CHECK(response.headers.get("x-slipway-max-tokens") == "50");
  CHECK(bank.sent(0).at("max_tokens") == 50);
  bank.answer(bank.ask_model("m", R"(,"max_completion_tokens":1000)"));
  CHECK(bank.sent(1).at("max_completion_tokens") == 50);
  CHECK(!bank.sent(1).contains("max_tokens"));
  bank.answer(bank.ask_model("m"));
  CHECK(bank.sent(2).at("max_tokens") == 50);
  bank.answer(bank.ask_model("claude"));
  CHECK(bank.sent(3).at("max_tokens") == 50);
  // Short enough already.
  bank.answer(bank.ask_model("m", R"(,"max_tokens":20)"));
  CHECK(bank.sent(4).at("max_tokens") == 20);
  CHECK(bank.state().spent_usd == 0);
}

TEST_CASE("retries and fallbacks reserve anew, and what failed is given back") {
  Bank bank;
  bank.remote("other").price = models::PriceConfig{.input = 1, .output = 2};
  bank.settings.models["m"].retries = 1;
  bank.settings.models["m"].fallback = {"other"};
  bank.dollars(1);
  bank.upstream.set_script([&](const http::ClientRequest& request) {
    return has(request.url, "other") ? House::good() : House::bad(500);
  });
  bank.open();
  const auto exchange = bank.ask_model("m");
  for (int i = 0; i < 1000 && bank.timers->size() == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  bank.timers->advance(std::chrono::seconds(10));
  CHECK(bank.answer(exchange).status == 200);
  CHECK(bank.kinds() == "reserve release reserve release reserve release settle ");
  CHECK(bank.state().admitted == 1);
  CHECK(bank.state().spent_usd == doctest::Approx(18 / million));
}

TEST_CASE("a stream that breaks is settled by what was received") {
  Bank bank;
  bank.dollars(1);
  bank.upstream.set_script([](const auto&) {
    return FakeAnswer{.status = 200,
                      .pieces = {House::chunk("a"), House::chunk("b"), House::chunk("c")},
                      .error = fail(Code::unavailable, "cut off")};
  });
  bank.open();
  const auto response = bank.answer(bank.ask_model("m", R"(,"stream":true,"max_tokens":100)"));
  CHECK(response.status == 200);
  const auto budget = bank.state();
  CHECK(budget.reserved_usd == 0);
  const auto input =
      guess_tokens(House::question("m", R"(,"stream":true,"max_tokens":100)").size());
  CHECK(budget.spent_tokens == input + 3);
  CHECK(budget.spent_usd == doctest::Approx((static_cast<double>(input) + 6) / million));
}

TEST_CASE("a stream that is longer than what was paid for is stopped") {
  Bank bank;
  bank.dollars(200 / million, budgets::OnExceed::clamp);
  bank.upstream.set_script([](const auto&) {
    FakeAnswer answer{.status = 200};
    for (int i = 0; i < 1'000; ++i) answer.pieces.push_back(House::chunk("x"));
    return answer;
  });
  bank.open();
  const auto response = bank.answer(bank.ask_model("m", R"(,"stream":true)"));
  CHECK(has(response.body, "budget_exceeded"));
  CHECK(bank.upstream.calls().at(0)->wait_cancelled());
  CHECK(bank.state().spent_usd < 300 / million);
  CHECK(bank.state().reserved_usd == 0);
}

TEST_CASE("a stream that a budget stops says what is left of it, relayed and translated") {
  for (const Dialect dialect : {Dialect::openai, Dialect::anthropic, Dialect::cohere}) {
    CAPTURE(json::name(dialect));
    Bank bank;
    bank.dollars(200 / million);
    bank.upstream.set_script([](const auto&) {
      FakeAnswer answer{.status = 200};
      for (int i = 0; i < 1'000; ++i) answer.pieces.push_back(House::chunk("x"));
      return answer;
    });
    bank.open();
    const auto response =
        bank.answer(bank.ask(bank.question("m", R"(,"stream":true,"max_tokens":50)"), {}, dialect));
    CHECK(response.status == 200);
    const std::size_t at = response.body.find(R"("budget":{"name":"team","limit_usd":)");
    REQUIRE(at != std::string::npos);
    // What is left beside what this call itself was given.
    const json::Object told =
        must(json::parse(json::member(
                 "{" + response.body.substr(at, response.body.find('}', at) + 1 - at) + "}",
                 "budget")))
            .as_object();
    CHECK(told.at("remaining_usd").as_double() > 0);
    CHECK(told.at("remaining_usd").as_double() < 100 / million);
    CHECK(bank.state().reserved_usd == 0);
  }
}

TEST_CASE("one run has a limit: the one that is named, else the caller's, else the call itself") {
  Bank bank;
  bank.upstream.set_script([](const auto&) { return House::good(); });
  budgets::BudgetConfig each;
  each.scope = {{"run", "*"}};
  each.limit_tokens = 100;
  bank.make("each run", each);
  bank.open();
  const std::string body = bank.question("m", R"(,"max_tokens":50)");
  const auto status = [&](http::Headers headers) {
    return bank.answer(bank.ask(body, std::move(headers))).status;
  };
  // 14 are taken by each, and about 60 are reserved.
  const http::Headers named = {{"x-slipway-run", "r1"}};
  for (int i = 0; i < 3; ++i) CHECK(status(named) == 200);
  CHECK(status(named) == 429);
  CHECK(status({{"x-slipway-run", "r2"}}) == 200);
  for (int i = 0; i < 5; ++i) CHECK(status({}) == 200);
  const std::string step = "20261123T080000000001Z11111111-1111-4111-8111-111111111111";
  for (int i = 0; i < 3; ++i) CHECK(status({{"langsmith-trace", step}}) == 200);
  CHECK(status({{"langsmith-trace", step}}) == 429);
  std::set<std::string> runs;
  for (const auto& subject : bank.state().subjects) runs.insert(subject.scope.at("run"));
  CHECK(runs.size() == 8);
  CHECK(runs.contains("r1"));
  CHECK(runs.contains("11111111-1111-4111-8111-111111111111"));
}

TEST_CASE("a reply that nobody limited may grow while the budget has more") {
  Bank bank;
  bank.settings.gateway.output_tokens_default = 10;
  const auto id = bank.dollars(1).id;
  bank.open();
  const auto exchange = bank.ask_model("m", R"(,"stream":true)");
  for (int i = 0; i < 1000 && bank.upstream.calls().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto call = bank.upstream.calls().at(0);
  call->head(200);
  call->piece(House::chunk("x"));
  must(bank.books->flush({}));
  for (int i = 0; i < 1'000; ++i) call->piece(House::chunk("x"));
  CHECK(!call->is_cancelled());
  CHECK(must(bank.books->find({}, id)).reserved_tokens > 2'000);
  call->piece(House::last_chunks());
  call->end();
  CHECK(has(bank.answer(exchange).body, "[DONE]"));
  CHECK(bank.state().spent_tokens == 14);
  CHECK(bank.state().reserved_tokens == 0);
}

TEST_CASE("what comes out of a cache costs nothing") {
  Bank bank;
  bank.settings.routes["r"] = {.targets = {{.model = "m"}}, .cache = CacheConfig{.exact = "1h"}};
  bank.dollars(300 / million);
  bank.upstream.set_script([](const auto&) { return House::good(); });
  bank.open();
  for (int i = 0; i < 3; ++i)
    CHECK(bank.answer(bank.ask_model("r", R"(,"max_tokens":100)")).status == 200);
  CHECK(bank.kinds() == "reserve release settle ");
}

TEST_CASE("a cheaper model is asked where a budget says so") {
  Bank bank;
  bank.remote("cheap").price = models::PriceConfig{.input = 0.001, .output = 0.001};
  bank.dollars(100 / million, budgets::OnExceed::degrade);
  bank.upstream.set_script([](const auto&) { return House::good(); });
  bank.open();
  auto response = bank.answer(bank.ask_model("m", R"(,"max_tokens":1000)"));
  CHECK(response.status == 200);
  CHECK(response.headers.get("x-slipway-degraded") == "cheap");
  CHECK(bank.host(0) == "cheap");
  // Too much for the cheap one as well.
  response = bank.answer(bank.ask_model("m", R"(,"max_tokens":1000000)"));
  CHECK(response.status == 429);
  CHECK(bank.state().refused == 1);
  CHECK(bank.upstream.calls().size() == 1);
}

TEST_CASE("an approval is asked for, and lets the next call through") {
  Bank bank;
  const auto id = bank.dollars(1 / million, budgets::OnExceed::ask).id;
  bank.upstream.set_script([](const auto&) { return House::good(); });
  bank.open();
  auto response = bank.answer(bank.ask_model("m", R"(,"max_tokens":10)"));
  CHECK(response.status == 402);
  CHECK(has(response.body, "budget_approval_required"));
  CHECK(has(response.body, "/api/budgets/" + id + "/approvals"));
  must(bank.books->approve({}, id, {.usd = 1}));
  CHECK(bank.answer(bank.ask_model("m", R"(,"max_tokens":10)")).status == 200);
}

TEST_CASE("dollars cannot be kept of a model without a price") {
  Bank bank;
  bank.remote("mystery");
  bank.dollars(1'000);
  bank.open();
  const auto response = bank.answer(bank.ask_model("mystery"));
  CHECK(response.status == 400);
  CHECK(has(response.body, "price_unknown"));
  CHECK(has(response.body, "mystery"));
}

TEST_CASE("budgets of others are none of a call's business") {
  Bank bank;
  budgets::BudgetConfig config;
  config.limit_usd = 0;
  config.scope = {{"user", "bob"}, {"project", "shop"}};
  bank.make("bob", config);
  bank.upstream.set_script([](const auto&) { return House::good(); });
  bank.open();
  CHECK(bank.answer(bank.ask_model("m", R"(,"user":"bob")")).status == 200);
  CHECK(
      bank.answer(bank.ask(bank.question("m", R"(,"user":"bob")"), {{"x-slipway-project", "shop"}}))
          .status == 429);
  CHECK(bank.answer(bank.ask(bank.question("m"),
                             {{"x-slipway-project", "shop"}, {"x-slipway-user", "ann"}}))
            .status == 200);
}

TEST_CASE("who leaves pays for what was asked") {
  Bank bank;
  bank.dollars(1);
  bank.upstream.set_script([](const auto&) { return FakeAnswer{.status = 0, .stays_open = true}; });
  bank.open();
  const auto exchange = bank.ask_model("m");
  for (int i = 0; i < 1000 && bank.upstream.calls().empty(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  exchange->leave();
  CHECK(bank.last_record().status == 499);
  CHECK(bank.state().reserved_usd == 0);
  CHECK(bank.state().spent_usd > 0);
  CHECK(bank.state().spent_usd < 100 / million);
}

TEST_CASE("what a frame says is counted in every dialect") {
  CHECK(said_bytes(R"({"id":"c1","choices":[{"index":0,"delta":{"content":"four"}}]})") == 4);
  CHECK(said_bytes(R"({"choices":[{"delta":{"tool_calls":[{"function":{"name":"f",)"
                   R"("arguments":"{}"}}]}}]})") == 2);
  CHECK(said_bytes(R"({"choices":[{"text":"four"}]})") == 4);
  CHECK(said_bytes(
            R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"abc"}})") == 3);
  CHECK(said_bytes(R"({"type":"response.output_text.delta","delta":"abc"})") == 3);
  CHECK(said_bytes(R"({"type":"content-delta","delta":{"message":{"content":{"text":"abc"}}}})") ==
        3);
  CHECK(said_bytes("[[[[[[[[[[[[[[[[[[[") == 0);
  CHECK(said_bytes("no JSON") == 0);
}

TEST_CASE("tokens are guessed rather too many, and pictures not by their bytes") {
  CHECK(estimate_tokens("") == 0);
  CHECK(estimate_tokens("Hello, world") == 3);
  CHECK(estimate_tokens("日本語") == 3);
  CHECK(estimate_tokens("\"" + std::string(1'000'000, 'A') + "\"") < 2'000);
  CHECK(with_output_limit("{}", Dialect::openai, "max_tokens", 5) == R"({"max_tokens":5})");
  CHECK(with_output_limit(R"({"a":1})", Dialect::openai, "max_tokens", 5) ==
        R"({"max_tokens":5,"a":1})");
  CHECK(with_output_limit(R"({"max_tokens":null,"max_completion_tokens" : 9})", Dialect::openai,
                          "max_tokens", 5) == R"({"max_tokens":5,"max_completion_tokens" : 5})");
  CHECK(with_output_limit(R"({"max_output_tokens":9})", Dialect::openai_responses,
                          "max_output_tokens", 5) == R"({"max_output_tokens":5})");
}

namespace {

/// Has no money for any question.
class PoorPipeline final : public models::ChatModel {
 public:
  explicit PoorPipeline(PipelineCall call) : call_(std::move(call)) {}
  const std::string& identity() const override { return name_; }
  const std::string& name() const override { return name_; }
  std::size_t context_tokens_max() const override { return 8192; }
  Result<std::size_t> count_tokens(std::string_view text) const override { return text.size(); }
  Result<std::string> render(const models::ChatRequest&) const override { return std::string(); }
  Result<models::ChatReply> chat(const Context&, const models::ChatRequest&,
                                 const models::TokenSink&) override {
    budgets::Refusal refusal;
    refusal.name = "team";
    refusal.on_exceed = asks_ ? budgets::OnExceed::ask : budgets::OnExceed::reject;
    refusal.message = "budget 'team' allows $1.00";
    refusal.budget = {{"name", "team"}, {"limit_usd", 1}};
    call_.refused(refusal);
    return fail(Code::rate_limited, "{}", refusal.message);
  }
  bool asks_ = false;

 private:
  const PipelineCall call_;
  const std::string name_ = "rag/poor";
};

}  // namespace

TEST_CASE("a pipeline without money is told as every other call, budget and all") {
  House house;
  bool asks = false;
  house.pipelines.names = [] { return std::vector<std::string>{"rag/poor"}; };
  house.pipelines.find = [&asks](const std::string&, PipelineCall call) {
    auto model = std::make_shared<PoorPipeline>(std::move(call));
    model->asks_ = asks;
    return Result<std::shared_ptr<models::ChatModel>>(std::move(model));
  };
  house.open();
  for (const bool is_stream : {false, true}) {
    const auto refused =
        house.ask(House::question("rag/poor", is_stream ? R"(,"stream":true)" : ""));
    REQUIRE(refused->wait_ended());
    CHECK(refused->response().status == 429);
    CHECK(refused->response().headers.get("x-should-retry") == "false");
    CHECK(refused->response().headers.find("Retry-After") == nullptr);
    const json::Value error = json::parse(refused->response().body)->at("error");
    CHECK(error.at("code") == "budget_exceeded");
    CHECK(error.at("type") == "insufficient_quota");
    CHECK(error.at("message") == "budget 'team' allows $1.00");
    CHECK(error.at("budget").at("name") == "team");
  }
  asks = true;
  const auto asked = house.ask_model("rag/poor");
  REQUIRE(asked->wait_ended());
  CHECK(asked->response().status == 402);
  CHECK(has(asked->response().body, "budget_approval_required"));
}

}  // namespace slipway::gateway::detail
