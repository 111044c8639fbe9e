// What a call causes beside its answer: searches that are charged by number, vectors of the
// semantic cache.
#include <future>
#include <thread>

#include "gateway/detail/gateway_fixture.hpp"

namespace slipway::gateway::detail {

using namespace std::chrono_literals;

namespace {

/// A house that keeps runs, where a search costs two dollars a thousand and a million tokens that
/// are embedded one.
struct Shop : House {
  std::unique_ptr<store::Database> database =
      *store::Database::open({.path = ":memory:"}, trace::price_migrations());
  std::unique_ptr<trace::OwnPrices> prices = *trace::OwnPrices::open({.database = *database});
  std::unique_ptr<trace::TraceStore> store =
      *trace::TraceStore::open({.path = ":memory:", .prices = [this] { return prices->book(); }});
  std::unique_ptr<budgets::Ledger> books =
      *budgets::Ledger::open({.path = ":memory:", .clock = clock});
  std::unique_ptr<trace::Recorder> recorder;

  Shop() {
    models::ModelConfig& judge = remote("judge", models::Provider::cohere);
    judge.task = models::ModelTask::rerank;
    judge.usd_per_thousand_searches = 2;
    remote("fast").price = models::PriceConfig{1, 2, {}};
    models::ModelConfig& words = settings.models["words"];
    words.provider = models::Provider::scripted;
    words.task = models::ModelTask::embed;
    words.price = models::PriceConfig{1, 0, {}};
  }
  ~Shop() { gateway.reset(); }

  void start() {
    catalog = *models::Catalog::open({.folders = {root}, .configured = settings.models});
    recorder = std::make_unique<trace::Recorder>(
        trace::Recorder::Options{.store = *store, .pause = std::chrono::milliseconds(0)});
    auto made = std::make_unique<FakeTimers>();
    timers = made.get();
    auto opened = open_gateway({.catalog = catalog,
                                .upstream = &upstream,
                                .settings = settings,
                                .prices = prices.get(),
                                .budgets = books.get(),
                                .recorder = recorder.get(),
                                .clock = clock,
                                .random = random},
                               std::move(made));
    REQUIRE(opened.ok());
    gateway = *std::move(opened);
  }
  /// A call is recorded after its answer has ended: waits for so many.
  std::vector<trace::Run> runs(std::size_t least) {
    trace::Query query;
    query.sort = trace::Sort::start_time;
    std::vector<trace::Run> found;
    constexpr int attempts = 3'000;
    for (int i = 0; i < attempts && found.size() < least; ++i) {
      if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      recorder->flush();
      found = std::move(store->runs({}, query)->items);
    }
    return found;
  }
  Outcome<dialects::RerankReply> rerank(std::size_t documents) {
    dialects::RerankRequest request;
    request.model = "judge";
    request.query = "q";
    request.documents.assign(documents, "a document");
    std::promise<Outcome<dialects::RerankReply>> promise;
    auto future = promise.get_future();
    gateway->rerank(exchange("{}"), {caller, request}, [&](Outcome<dialects::RerankReply> outcome) {
      promise.set_value(std::move(outcome));
    });
    REQUIRE(future.wait_for(10s) == std::future_status::ready);
    return future.get();
  }
  void rank_with(const std::string& meta) {
    upstream.set_script([meta](const auto&) {
      return FakeAnswer{
          .pieces = {R"({"id":"r","results":[{"index":0,"relevance_score":0.9}])" + meta + "}"}};
    });
  }
};

constexpr const char* two_units = R"(,"meta":{"billed_units":{"search_units":2}})";

}  // namespace

TEST_CASE("a reranking is charged by its searches, also where nobody says how many") {
  Shop shop;
  shop.start();
  shop.rank_with(two_units);
  const auto told = shop.rerank(3);
  CHECK(told.headers.get("x-slipway-cost-usd") == "0.004000000");
  shop.rank_with("");
  CHECK(shop.rerank(120).headers.get("x-slipway-cost-usd") == "0.004000000");
  const auto runs = shop.runs(2);
  REQUIRE(runs.size() == 2);
  for (const trace::Run& run : runs) {
    REQUIRE(run.cost.has_value());
    CHECK(run.cost->total.value == 4'000'000'000);
    CHECK(run.cost->lines.back().bucket == "searches");
    CHECK(run.cost->lines.back().tokens == 2);
  }
  CHECK(runs[1].usage->source == trace::UsageSource::estimated);
}

TEST_CASE("a reranking waits for its budget as a conversation does") {
  Shop shop;
  shop.start();
  shop.rank_with(R"(,"meta":{"billed_units":{"search_units":1}})");
  budgets::BudgetConfig config;
  config.limit_usd = 0.005;
  REQUIRE(shop.books->create({}, "team", config).ok());
  REQUIRE(shop.rerank(100).reply);
  REQUIRE(shop.rerank(100).reply);
  CHECK(shop.books->list({})->front().spent_usd == doctest::Approx(0.004));
  CHECK(shop.rerank(100).error.code == "budget_exceeded");
  CHECK(shop.upstream.calls().size() == 2);
}

TEST_CASE("what the semantic cache embeds is a run with a cost, below that of the call") {
  Shop shop;
  SemanticCacheConfig semantic{.threshold = 0.8, .embedder = "words", .check = 0};
  shop.settings.routes["chat"] = {.targets = {{"fast"}},
                                  .cache = CacheConfig{.semantic = semantic}};
  shop.start();
  shop.upstream.set_script([](const auto&) { return House::good("Thirty days"); });
  for (const char* question : {"how long are the old traces kept", "how long are old traces kept"})
    REQUIRE(shop.ask(House::question("chat", "", question))->wait_ended());
  const auto runs = shop.runs(4);
  REQUIRE(runs.size() == 4);
  std::size_t embedded = 0;
  for (const trace::Run& run : runs) {
    if (run.kind != trace::Kind::embedding) continue;
    ++embedded;
    CHECK(run.metadata.at("purpose") == "semantic cache");
    CHECK(run.model == "words");
    REQUIRE(run.cost.has_value());
    CHECK(run.cost->total.value == run.usage->input_tokens * 1'000'000);
    CHECK(run.cost->total.value > 0);
    const auto parent = std::find_if(runs.begin(), runs.end(), [&](const trace::Run& other) {
      return other.id == run.parent_id;
    });
    REQUIRE(parent != runs.end());
    CHECK(parent->kind == trace::Kind::llm);
    CHECK_FALSE(run.inputs.has_value());
  }
  CHECK(embedded == 2);
}

TEST_CASE("what the semantic cache embeds is paid before, by the budgets of the caller") {
  Shop shop;
  SemanticCacheConfig semantic{.threshold = 0.8, .embedder = "words", .check = 0};
  shop.settings.routes["chat"] = {.targets = {{"fast"}},
                                  .cache = CacheConfig{.semantic = semantic}};
  shop.start();
  shop.upstream.set_script([](const auto&) { return House::good("Thirty days"); });
  budgets::BudgetConfig config;
  config.scope = {{"model", "words"}};
  config.limit_usd = 0.000'02;  // Of one question, not of two.
  REQUIRE(shop.books->create({}, "of the cache", config).ok());
  const std::string text = "how long are the old traces kept in this house of ours";
  const auto ask = [&](const std::string& question) {
    const auto asked = shop.ask(House::question("chat", "", question));
    REQUIRE(asked->wait_ended());
    return asked->response();
  };
  const auto budget = [&] { return shop.books->list({})->front(); };
  CHECK(ask(text).headers.get("x-slipway-cache") == "miss");
  REQUIRE(shop.books->flush({}).ok());
  const auto spent = budget().spent_usd;
  CHECK(spent > 0);
  CHECK(spent <= *config.limit_usd);
  CHECK(budget().reserved_usd == 0);
  std::string kinds;
  const auto page = shop.books->entries({}, budget().id, 100, "");
  REQUIRE(page.ok());
  for (const auto& entry : page->items) kinds += std::string(json::name(entry.kind)) + " ";
  CHECK(kinds == "reserve release settle ");
  // Without money the cache is not asked, which is no reason not to answer.
  const auto response = ask(text + " or elsewhere");
  CHECK(response.status == 200);
  CHECK(response.headers.get("x-slipway-cache") == "miss");
  REQUIRE(shop.books->flush({}).ok());
  CHECK(budget().spent_usd == spent);
  std::size_t embedded = 0;
  for (const trace::Run& run : shop.runs(3)) embedded += run.kind == trace::Kind::embedding;
  CHECK(embedded == 1);
}

}  // namespace slipway::gateway::detail
