// What a collection's questions use where they say nothing.
#include "rag/detail/defaults.hpp"

#include "rag/detail/fixture.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

using index::SearchMode;

QuestionDefaults by_words() {
  QuestionDefaults defaults;
  defaults.search = SearchMode::lexical;
  return defaults;
}

/// A collection with two documents; by words only one of them is found.
struct Shop : Fixture {
  Shop() {
    folder.write("a.txt", "Traces are kept for 30 days by default.");
    folder.write("b.txt", "Dogs bark at night.");
    IngestRequest request;
    request.settings.emplace();
    request.settings->evidence_min = 0;
    ingest(request);
  }
  SearchReply asks(const SearchRequest& request) { return must(library->search(context, request)); }
  MigrationReport migrate(const QuestionDefaults& defaults) {
    MigrateRequest request;
    request.defaults = defaults;
    return must(library->migrate(context, request));
  }
};

}  // namespace

TEST_CASE("a question counts first, then slipway.yaml, then what the collection was migrated to") {
  Shop shop;
  CHECK(shop.asks({.query = "traces"}).mode == SearchMode::hybrid);
  CHECK_FALSE(must(shop.library->collection(shop.context, "default")).defaults);
  shop.migrate(by_words());
  CHECK(shop.asks({.query = "traces"}).mode == SearchMode::lexical);
  CHECK(shop.asks({.query = "traces"}).items.size() == 1);
  CHECK(shop.asks({.query = "traces", .mode = SearchMode::dense}).mode == SearchMode::dense);
  CHECK(must(shop.library->collection(shop.context, "default")).defaults == by_words());
  // Who tells how to fuse or to vary by meaning wants both lists.
  SearchRequest fused{.query = "traces"};
  fused.dense_weight = 0.3;
  CHECK(shop.asks(fused).mode == SearchMode::hybrid);
  SearchRequest varied{.query = "traces"};
  varied.mmr = 0.5;
  CHECK(shop.asks(varied).mode == SearchMode::hybrid);
  CollectionSettings declared;
  declared.defaults.search = SearchMode::dense;
  shop.library = shop.open({{"default", declared}});
  CHECK(shop.asks({.query = "traces"}).mode == SearchMode::dense);
  // What the file does not say is as it was.
  shop.library = shop.open({{"default", {}}});
  CHECK(shop.asks({.query = "traces"}).mode == SearchMode::lexical);
}

TEST_CASE("other defaults are another version: nothing is embedded again, and it can be undone") {
  Shop shop;
  const std::int64_t before = must(shop.library->collection(shop.context, "default")).index_version;
  const std::size_t embedded = shop.catalog.embedder_model->embedded();
  const MigrationReport report = shop.migrate(by_words());
  CHECK(report.switched);
  CHECK(report.index_version > before);
  CHECK(report.documents == 2);
  CHECK(shop.catalog.embedder_model->embedded() == embedded);
  MigrateRequest again;
  again.defaults = by_words();
  const MigrationReport same = must(shop.library->migrate(shop.context, again));
  CHECK_FALSE(same.switched);
  CHECK(same.index_version == report.index_version);
  // The old version is asked as it was then.
  CHECK(shop.asks({.query = "traces", .version = before}).mode == SearchMode::hybrid);
  CHECK(shop.asks({.query = "dogs", .limit = 1, .mode = SearchMode::dense}).items[0].path ==
        "b.txt");
  must(shop.library->roll_back(shop.context, "default"));
  CHECK(shop.asks({.query = "traces"}).mode == SearchMode::hybrid);
  CHECK(must(shop.library->check(shop.context, false)).empty());
}

TEST_CASE("an answer from passages found by words is weighed by meaning and repeated as it was") {
  Shop shop;
  AskRequest question{.question = "How long are traces kept?", .mode = AnswerMode::extract};
  const Answer before = must(shop.library->ask(shop.context, question));
  REQUIRE_FALSE(before.refused);
  QuestionDefaults defaults = by_words();
  defaults.answer = "extract";
  shop.migrate(defaults);
  question.mode = AnswerMode::automatic;
  const Answer now = must(shop.library->ask(shop.context, question));
  CHECK(now.mode == AnswerMode::extract);
  REQUIRE_FALSE(now.refused);
  REQUIRE(now.citations.size() == 1);  // The other document has none of the words.
  CHECK(now.citations[0].path == "a.txt");
  const json::Value receipt = must(shop.library->receipt(shop.context, now.receipt_id));
  CHECK(receipt.at("request").at("search") == "lexical");
  const Replay replay = must(shop.library->replay(shop.context, now.receipt_id, true));
  CHECK(replay.retrieval == "identical");
  CHECK(replay.answer == "identical");
  question.search = SearchMode::hybrid;
  const Answer both = must(shop.library->ask(shop.context, question));
  CHECK(must(shop.library->receipt(shop.context, both.receipt_id)).at("request").at("search") ==
        "hybrid");
}

TEST_CASE("a reranker of the defaults is used, and one that slipway.yaml names counts first") {
  Shop shop;
  QuestionDefaults defaults;
  defaults.reranker = "cross";
  shop.migrate(defaults);
  CHECK(must(shop.library->collection(shop.context, "default")).reranker == "cross");
  CHECK(shop.asks({.query = "traces"}).items[0].scores.rerank);
  CollectionSettings declared;
  declared.reranker = "other-cross";
  shop.library = shop.open({{"default", declared}});
  const CollectionInfo info = must(shop.library->collection(shop.context, "default"));
  CHECK(info.reranker == "other-cross");
  REQUIRE(info.defaults);
  CHECK(info.defaults->reranker == "other-cross");
}

TEST_CASE("defaults that cannot be are refused by name") {
  QuestionDefaults defaults;
  defaults.dense_weight = 1.5;
  CHECK(defaults.validate().error().message() == "dense_weight: 1.5 is out of range 0..1");
  defaults.dense_weight = 0.5;
  defaults.search = SearchMode::lexical;
  CHECK(defaults.validate().error().message().find("is for search hybrid") != std::string::npos);
  CHECK(json::from<CollectionSettings>(*json::parse(R"({"defaults":{"answer":"guess"}})"))
            .error()
            .message()
            .starts_with("$.defaults: answer: "));
  CHECK(json::from<QuestionDefaults>(*json::parse(R"({"search":"lexical"})"))->search ==
        SearchMode::lexical);
  // How to fuse is forgotten with the fused search.
  QuestionDefaults fused;
  fused.fusion = index::Fusion::rrf;
  CHECK_FALSE(detail::merged(by_words(), fused).fusion);
}

}  // namespace slipway::rag
