// What calls cost, and the runs that they become.
#include "gateway/detail/call_run.hpp"
#include "gateway/detail/gateway_fixture.hpp"
#include "gateway/detail/usage.hpp"
#include "gateway/prices.hpp"

namespace slipway::gateway::detail {

namespace {

trace::PriceRow shipped(const std::string& model, const std::string& keys) {
  auto row = trace::parse_price_row("{" + keys + "}");
  REQUIRE(row.ok());
  row->model = model;
  row->price_id = "shipped-" + model;
  row->source = "table";
  return *std::move(row);
}

/// A house whose runs are kept, with prices as a server has them.
struct RecordingHouse : House {
  ~RecordingHouse() { gateway.reset(); }

  void open() {
    catalog = *models::Catalog::open({.folders = {root}, .configured = settings.models});
    recorder = std::make_unique<trace::Recorder>(
        trace::Recorder::Options{.store = *store,
                                 .sample = sample,
                                 .payloads = payloads,
                                 .pause = std::chrono::milliseconds(0)});
    auto made = std::make_unique<FakeTimers>();
    timers = made.get();
    auto opened = open_gateway({.catalog = catalog,
                                .upstream = &upstream,
                                .settings = settings,
                                .pipelines = pipelines,
                                .prices = prices.get(),
                                .recorder = recorder.get(),
                                .clock = clock,
                                .random = random},
                               std::move(made));
    REQUIRE(opened.ok());
    gateway = *std::move(opened);
  }

  std::vector<trace::Run> runs() {
    recorder->flush();
    auto page = store->runs({}, {});
    REQUIRE(page.ok());
    return std::move(page->items);
  }
  trace::Run only_run() {
    auto all = runs();
    REQUIRE(all.size() == 1);
    return std::move(all.front());
  }

  std::unique_ptr<store::Database> database =
      *store::Database::open({.path = ":memory:"}, trace::price_migrations());
  std::unique_ptr<trace::OwnPrices> prices = *trace::OwnPrices::open(
      {.database = *database, .read_shipped = [] {
         return std::vector{shipped("gpt-4o-mini", R"("input_cost_per_token":1.5e-07,)"
                                                   R"("cache_read_input_token_cost":7.5e-08,)"
                                                   R"("output_cost_per_token":6e-07)")};
       }});
  std::unique_ptr<trace::TraceStore> store =
      *trace::TraceStore::open({.path = ":memory:", .prices = [this] { return prices->book(); }});
  std::unique_ptr<trace::Recorder> recorder;
  double sample = 1;
  bool payloads = true;
};

std::string reply_of(const std::string& model, const std::string& usage) {
  return R"({"id":"c1","object":"chat.completion","created":1,"model":")" + model +
         R"(","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},)"
         R"("finish_reason":"stop"}],"usage":)" +
         usage + "}";
}

}  // namespace

TEST_CASE("a call becomes a run with what was asked and answered, its tokens and its price") {
  RecordingHouse house;
  house.remote("fast").model = "gpt-4o-mini";
  house.open();
  house.upstream.set_script([](const auto&) {
    return FakeAnswer{.pieces = {reply_of("gpt-4o-mini-2024-07-18",
                                          R"({"prompt_tokens":1000,"completion_tokens":100,)"
                                          R"("prompt_tokens_details":{"cached_tokens":400}})")}};
  });
  const auto exchange =
      house.ask(House::question("fast", R"(,"user":"ada","metadata":{"session_id":"s1"})"),
                {{"x-slipway-project", "shop"}});
  REQUIRE(exchange->has_ended());
  CHECK(exchange->response().headers.get("x-slipway-cost-usd") == "0.000180000");
  const trace::Run run = house.only_run();
  CHECK(run.trace_id == "0af7651916cd43dd8448eb211c80319c");
  CHECK(run.id.size() == 16);
  CHECK_FALSE(run.parent_id.has_value());
  CHECK(run.kind == trace::Kind::llm);
  CHECK(run.status == trace::Status::ok);
  CHECK(run.name == "chat fast");
  CHECK(run.project == "shop");
  CHECK(run.user_id == "ada");
  CHECK(run.session_id == "s1");
  CHECK(run.provider == "openai");
  CHECK(run.model == "gpt-4o-mini-2024-07-18");
  CHECK(run.metadata.at("key") == "web");
  CHECK(run.metadata.at("deployment") == "fast");
  REQUIRE(run.usage.has_value());
  CHECK(run.usage->input_tokens == 1000);
  CHECK(run.usage->cache_read_tokens == 400);
  CHECK(run.usage->source == trace::UsageSource::provider);
  REQUIRE(run.cost.has_value());
  // 600 x 0.15 + 400 x 0.075 + 100 x 0.6 dollars for a million.
  CHECK(run.cost->total.value == 180'000'000);
  CHECK(run.cost->price_id == "shipped-gpt-4o-mini");
  REQUIRE(run.inputs.has_value());
  CHECK(has(run.inputs->bytes, R"("messages":[{"role":"user","content":"Hi"}])"));
  REQUIRE(run.outputs.has_value());
  CHECK_FALSE(run.outputs->is_text);
  CHECK(has(run.outputs->bytes, R"("content":"Hello")"));
}

TEST_CASE("a stream's run has the whole reply, put together from its events") {
  RecordingHouse house;
  house.remote("fast").price = models::PriceConfig{1, 2, {}};
  house.open();
  house.upstream.set_script([](const auto&) {
    return FakeAnswer{
        .pieces = {House::chunk("Hel"), House::chunk("lo, world"), House::last_chunks()}};
  });
  const auto exchange = house.ask_model("fast", R"(,"stream":true)");
  REQUIRE(exchange->has_ended());
  const trace::Run run = house.only_run();
  REQUIRE(run.outputs.has_value());
  CHECK(has(run.outputs->bytes, R"("content":"Hello, world")"));
  CHECK(run.metadata.at("stream") == true);
  CHECK(run.first_token.has_value());
  REQUIRE(run.cost.has_value());
  CHECK(run.cost->total.value == 18'000'000);
}

TEST_CASE("below a caller's run stands the call's, for W3C's header and for LangSmith's") {
  RecordingHouse house;
  house.remote("fast");
  house.open();
  house.upstream.set_script([](const auto&) { return House::good(); });
  const std::string order =
      "20261123T080000000001Z11111111-1111-4111-8111-111111111111."
      "20261123T080001000001Z22222222-2222-4222-8222-222222222222";
  const auto exchange =
      house.ask(House::question("fast"),
                {{"langsmith-trace", order}, {"baggage", "a=b,langsmith-project=My%20shop"}});
  REQUIRE(exchange->has_ended());
  CHECK(exchange->response().headers.get("x-slipway-trace-id") ==
        "11111111-1111-4111-8111-111111111111");
  const trace::Run run = house.only_run();
  CHECK(run.trace_id == "11111111-1111-4111-8111-111111111111");
  CHECK(run.parent_id == "22222222-2222-4222-8222-222222222222");
  CHECK(run.project == "My shop");
  CHECK(run.id.size() == 36);
  REQUIRE(run.dotted_order.has_value());
  CHECK(run.dotted_order->starts_with(order + "."));
  CHECK(run.dotted_order->ends_with(run.id));
  const std::string sent = house.upstream.calls().at(0)->request().headers.at("traceparent");
  CHECK(sent.starts_with("00-11111111111141118111111111111111-"));
}

TEST_CASE(
    "who answered after whom failed is in the run, and a failure is an error with its words") {
  RecordingHouse house;
  house.remote("first").retries = 0;
  house.remote("second");
  house.settings.models["first"].fallback = {"second"};
  house.open();
  house.upstream.set_script([](const auto& request) {
    return has(request.url, "first") ? House::bad(500, "broken") : House::good();
  });
  REQUIRE(house.ask_model("first")->has_ended());
  const trace::Run run = house.only_run();
  CHECK(run.status == trace::Status::ok);
  CHECK(run.metadata.at("deployment") == "second");
  CHECK(run.metadata.at("attempts").as_array().size() == 2);
  CHECK(run.metadata.at("attempts").at(0).at("status") == 500);

  house.upstream.set_script([](const auto&) { return House::bad(400, "too odd"); });
  REQUIRE(house.ask_model("first")->has_ended());
  const auto all = house.runs();
  REQUIRE(all.size() == 2);
  const auto failed = std::find_if(all.begin(), all.end(), [](const trace::Run& one) {
    return one.status == trace::Status::error;
  });
  REQUIRE(failed != all.end());
  CHECK(has(failed->error.value_or(""), "too odd"));
  CHECK_FALSE(failed->cost.has_value());
  CHECK(has(failed->inputs->bytes, "Hi"));
}

TEST_CASE("an answer out of the cache is a run that costs nothing") {
  RecordingHouse house;
  house.remote("fast").price = models::PriceConfig{1, 2, {}};
  RouteConfig route;
  route.targets = {{"fast"}};
  route.cache = CacheConfig{.exact = "1h"};
  house.settings.routes["smart"] = route;
  house.open();
  house.upstream.set_script([](const auto&) { return House::good(); });
  REQUIRE(house.ask_model("smart")->has_ended());
  REQUIRE(house.ask_model("smart")->has_ended());
  CHECK(house.upstream.calls().size() == 1);
  std::vector<std::int64_t> costs;
  for (const trace::Run& run : house.runs()) {
    REQUIRE(run.cost.has_value());
    costs.push_back(run.cost->total.value);
    CHECK(has(run.outputs->bytes, "Hello"));
  }
  std::sort(costs.begin(), costs.end());
  CHECK(costs == std::vector<std::int64_t>{0, 18'000'000});
}

TEST_CASE("what a guardrail masked is masked in the run too") {
  RecordingHouse house;
  house.remote("fast");
  house.settings.guardrails["private"] = {.on = {Phase::input}, .mask = {Personal::email}};
  house.open();
  house.upstream.set_script([](const auto&) { return House::good(); });
  REQUIRE(house.ask(House::question("fast", "", "I am ada@example.com"))->has_ended());
  const trace::Run run = house.only_run();
  CHECK_FALSE(has(run.inputs->bytes, "ada@example.com"));
  CHECK(has(run.inputs->bytes, "[email]"));
  CHECK(run.metadata.at("guardrails").at(0).at("verdict") == "mask");
}

TEST_CASE("outside the sample only failures are recorded, and without payloads neither's words") {
  RecordingHouse house;
  house.sample = 0;
  house.payloads = false;
  house.remote("fast");
  house.open();
  house.upstream.set_script([](const auto&) { return House::good(); });
  REQUIRE(house.ask_model("fast")->has_ended());
  REQUIRE(house.ask_model("unheard-of")->has_ended());
  const trace::Run run = house.only_run();
  CHECK(run.name == "chat unheard-of");
  CHECK(has(run.error.value_or(""), "there is no model"));
  CHECK_FALSE(run.inputs.has_value());
}

TEST_CASE("a long request is cut in the run, and the run says so") {
  RecordingHouse house;
  house.remote("fast");
  house.open();
  house.upstream.set_script([](const auto&) { return House::good(); });
  const std::string text(CallPayload::bytes_max * 2, 'x');
  REQUIRE(house.ask(House::question("fast", "", text))->has_ended());
  const trace::Run run = house.only_run();
  CHECK(run.inputs->is_text);
  CHECK(run.inputs->bytes.size() < CallPayload::bytes_max + 100);
  CHECK(run.metadata.at("inputs_bytes").to_number<std::size_t>() > text.size());
}

TEST_CASE("embeddings and rerankings are runs of their kinds") {
  RecordingHouse house;
  models::ModelConfig& vectors = house.remote("vectors");
  vectors.task = models::ModelTask::embed;
  vectors.dimension = 2;
  vectors.price = models::PriceConfig{0.02, 0, {}};
  house.open();
  house.upstream.set_script([](const auto&) {
    return FakeAnswer{
        .pieces = {R"({"object":"list","model":"real-vectors","data":[{"object":"embedding",)"
                   R"("index":0,"embedding":[1,0]}],"usage":{"prompt_tokens":500}})"}};
  });
  const std::string body = R"({"model":"vectors","input":"Hi there"})";
  const auto request =
      dialects::decode_embedding_request(dialects::EmbeddingDialect::openai, *json::parse(body));
  REQUIRE(request.ok());
  bool is_done = false;
  house.gateway->embed(house.exchange(body), {house.caller, *request},
                       [&](const auto& outcome) { is_done = outcome.reply.has_value(); });
  REQUIRE(is_done);
  const trace::Run run = house.only_run();
  CHECK(run.kind == trace::Kind::embedding);
  CHECK(run.name == "embeddings vectors");
  CHECK(has(run.inputs->bytes, "Hi there"));
  CHECK(has(run.outputs->bytes, R"("dimension":2)"));
  CHECK(run.cost->total.value == 10'000'000);
}

TEST_CASE("tokens that nobody told are counted here, and marked as an estimate") {
  RecordingHouse house;
  models::ModelConfig& vectors = house.remote("vectors");
  vectors.task = models::ModelTask::embed;
  vectors.dimension = 2;
  house.open();
  house.upstream.set_script([](const auto&) {
    return FakeAnswer{.pieces = {R"({"data":[{"index":0,"embedding":[1,0]}]})"}};
  });
  const std::string body = R"({"model":"vectors","input":"Hi there, you"})";
  const auto request =
      dialects::decode_embedding_request(dialects::EmbeddingDialect::openai, *json::parse(body));
  house.gateway->embed(house.exchange(body), {house.caller, *request}, [](const auto&) {});
  const trace::Run run = house.only_run();
  REQUIRE(run.usage.has_value());
  CHECK(run.usage->input_tokens == 4);
  CHECK(run.usage->source == trace::UsageSource::estimated);
}

TEST_CASE("prices of the configuration go before the table, those of this machine are nothing") {
  models::ModelConfig contract, local, plain;
  contract.price = models::PriceConfig{0.15, 0.6, 0.075};
  local.provider = models::Provider::llama;
  const auto rows = declared_prices({{"a", contract}, {"b", local}, {"c", plain}},
                                    {{.name = "d",
                                      .task = models::ModelTask::embed,
                                      .provider = models::Provider::onnx,
                                      .state = "installed"}});
  const trace::PriceBook book({shipped("a", R"("input_cost_per_token":9e-07)")}, rows);
  const auto* a = book.find("a", "openai", 0);
  REQUIRE(a != nullptr);
  CHECK(a->keys.at("input_cost_per_token").text() == "1.5e-07");
  CHECK(a->keys.at("cache_read_input_token_cost").text() == "7.5e-08");
  CHECK(a->source == "slipway.yaml");
  REQUIRE(book.find("b", "llama", 0) != nullptr);
  CHECK(book.find("b", "llama", 0)->keys.at("output_cost_per_token").attodollars == 0);
  CHECK(book.find("c", "openai", 0) == nullptr);
  CHECK(book.find("d", "onnx", 0) != nullptr);
}

TEST_CASE("audio and writes to a cache for an hour are read from the vendors' usage") {
  MoreUsage more;
  REQUIRE(parse_usage(Dialect::openai,
                      R"({"prompt_tokens":9,"completion_tokens":5,)"
                      R"("prompt_tokens_details":{"audio_tokens":3},)"
                      R"("completion_tokens_details":{"audio_tokens":2}})",
                      &more)
              .has_value());
  CHECK(more.input_audio_tokens == 3);
  CHECK(more.output_audio_tokens == 2);
  const auto usage = parse_usage(Dialect::anthropic,
                                 R"({"input_tokens":1,"cache_creation_input_tokens":7,)"
                                 R"("cache_creation":{"ephemeral_1h_input_tokens":4}})",
                                 &more);
  REQUIRE(usage.has_value());
  CHECK(usage->input_tokens == 8);
  CHECK(more.cache_write_1h_tokens == 4);
}

}  // namespace slipway::gateway::detail
