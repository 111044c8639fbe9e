#include "rag/detail/select.hpp"

#include "core/files.hpp"
#include "rag/detail/fixture.hpp"

namespace slipway::rag::detail {

namespace {

struct MmrCase {
  models::Vector query;
  std::vector<models::Vector> candidates;
  double lambda = 0.5;
  std::size_t limit = 4;
  std::vector<std::size_t> chosen;
};
BOOST_DESCRIBE_STRUCT(MmrCase, (), (query, candidates, lambda, limit, chosen))

constexpr std::string_view question = "traces retention budget";

/// Chunks of one paragraph each, under two headings.
std::string manual() {
  std::string text = "# Manual\n\n## Traces\n\n";
  for (const char* word : {"retention", "export", "sampling"})
    text += fmt::format("Traces {} {}\n\n", word, std::string(700, word[0]));
  text += "## Budgets\n\n";
  for (const char* word : {"limits", "alerts"})
    text += fmt::format("Budget {} {}\n\n", word, std::string(700, word[0]));
  return text;
}

SearchReply search(Fixture& fixture, SearchRequest request) {
  if (request.query.empty()) request.query = question;
  return must(fixture.library->search(fixture.context, request));
}

Error refusal(Fixture& fixture, SearchRequest request) {
  if (request.query.empty()) request.query = question;
  const auto reply = fixture.library->search(fixture.context, request);
  REQUIRE_FALSE(reply);
  return reply.error();
}

/// Every item is what its place says, and ranks count up.
void check_items(Fixture& fixture, const SearchReply& reply) {
  int rank = 0;
  for (const SearchItem& item : reply.items) {
    const std::string text =
        must(fixture.library->document_text(fixture.context, item.document_id));
    CHECK(item.rank == ++rank);
    CHECK(text.substr(static_cast<std::size_t>(item.text_start), item.text.size()) == item.text);
    CHECK(item.text_end - item.text_start == static_cast<std::int64_t>(item.text.size()));
  }
}

}  // namespace

TEST_CASE("marginal relevance chooses what LangChain chooses") {
  const std::string bytes =
      must(read_file(std::filesystem::path(SLIPWAY_TEST_DATA) / "mmr_cases.json"));
  const auto rows = must(json::from<std::vector<MmrCase>>(must(json::parse(bytes))));
  CHECK(rows.size() > 40);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    const MmrCase& row = rows[i];
    CHECK(marginal_relevance(row.query, row.candidates, row.lambda, row.limit) == row.chosen);
  }
}

TEST_CASE("marginal relevance of nothing, and of vectors without length") {
  CHECK(marginal_relevance({1, 0}, {}, 0.5, 4).empty());
  CHECK(marginal_relevance({0, 0}, {{0, 0}, {1, 0}}, 0.5, 4) == std::vector<std::size_t>{0, 1});
}

TEST_CASE("a text repeats a kept one by its hash or by its vector, not by one that was dropped") {
  Repetitions repetitions;
  CHECK(repetitions.keep({"a", {1, 0}}));
  CHECK_FALSE(repetitions.keep({"a", {0, 1}}));
  CHECK_FALSE(repetitions.keep({"b", {0.99f, 0.141f}}));
  CHECK(repetitions.keep({"b", {0.97f, 0.243f}}));
  CHECK(repetitions.keep({"c", {0, 1}}));
}

TEST_CASE("a widened span stops at what is shown already") {
  const auto fit = [](documents::Span span, std::vector<documents::Span> others) {
    const bool stays = fit_between(span, {40, 60}, others);
    return std::tuple(stays, span.start, span.end);
  };
  CHECK(fit({20, 80}, {}) == std::tuple(true, 20u, 80u));
  CHECK(fit({20, 80}, {{0, 30}, {70, 90}}) == std::tuple(true, 30u, 70u));
  CHECK(fit({20, 80}, {{0, 20}, {80, 90}}) == std::tuple(true, 20u, 80u));
  CHECK(fit({20, 80}, {{0, 50}}) == std::tuple(true, 40u, 80u));  // Chunks may overlap.
  CHECK(fit({20, 80}, {{55, 90}}) == std::tuple(true, 20u, 60u));
  CHECK_FALSE(std::get<0>(fit({20, 80}, {{30, 60}})));
}

TEST_CASE("a reranker orders the candidates, and its scores and time are told") {
  Fixture fixture;
  // Lexically the repeated word wins; the reranker counts how many of the words are there.
  fixture.folder.write("a.txt", "retention retention retention retention");
  fixture.folder.write("b.txt", "Traces have a retention and cost budget of their own, more words");
  fixture.folder.write("c.txt", "Budget, budget, budget.");
  fixture.ingest();
  const SearchReply plain = search(fixture, {.mode = index::SearchMode::lexical});
  CHECK_FALSE(plain.items[0].scores.rerank.has_value());
  CHECK(fixture.catalog.reranker_model->scored() == 0);
  const SearchReply reply =
      search(fixture, {.mode = index::SearchMode::lexical, .reranker = "any"});
  REQUIRE(reply.items.size() == 3);
  CHECK(reply.items[0].path == "b.txt");
  CHECK(reply.items[0].scores.rerank == doctest::Approx(1));
  CHECK(reply.items[1].scores.rerank == doctest::Approx(1.0 / 3));
  CHECK(reply.items[1].score >= reply.items[2].score);  // Equal ones stay as they were.
  CHECK(reply.usage.rerank_tokens > 0);
  CHECK(reply.timing_ms.at("rerank") > 0);
  check_items(fixture, reply);
  // What is beyond the candidates stays behind them, without a score.
  const SearchReply one =
      search(fixture, {.mode = index::SearchMode::lexical, .reranker = "any", .candidates = 1});
  CHECK(one.items[0].path == plain.items[0].path);
  CHECK(one.items[0].scores.rerank.has_value());
  CHECK_FALSE(one.items[1].scores.rerank.has_value());
}

TEST_CASE("the collection's reranker is used unless the request says no") {
  Fixture fixture;
  fixture.folder.write("a.txt", "Traces.");
  IngestRequest request;
  request.settings.emplace();
  request.settings->reranker = "house";
  fixture.ingest(request);
  CHECK(must(fixture.library->collection(fixture.context, "default")).reranker == "house");
  CHECK(search(fixture, {}).items[0].scores.rerank.has_value());
  CHECK(search(fixture, {.rerank = true}).items[0].scores.rerank.has_value());
  CHECK_FALSE(search(fixture, {.rerank = false}).items[0].scores.rerank.has_value());
  CHECK_FALSE(search(fixture, {.mmr = 0.5}).items[0].scores.rerank.has_value());
  CHECK(refusal(fixture, {.reranker = "none"}).code() == Code::not_found);
}

TEST_CASE("what contradicts itself is refused by name") {
  Fixture fixture;
  fixture.folder.write("a.txt", "Traces.");
  fixture.ingest();
  const auto says = [&](SearchRequest request, std::string_view words) {
    const Error error = refusal(fixture, std::move(request));
    CAPTURE(error.message());
    CHECK(error.code() == Code::invalid_argument);
    CHECK(error.message().find(words) != std::string::npos);
  };
  says({.rerank = true}, "collection 'default' has no reranker");
  says({.rerank = false, .reranker = "x"}, "rerank is false");
  says({.candidates = 0}, "candidates: 0 is out of range 1..1000");
  says({.mmr = 1.5}, "mmr: 1.5 is out of range 0..1");
  says({.mode = index::SearchMode::lexical, .mmr = 0.5}, "use mode hybrid or dense");
  says({.reranker = "x", .mmr = 0.5}, "cannot keep a reranker's order");
  says({.budget_usd = -1}, "budget_usd");
}

TEST_CASE("reranking is paid from the budget, asked for before anything is scored") {
  Fixture fixture;
  fixture.folder.write("a.txt", "Traces are kept for thirty days.");
  IngestRequest request;
  request.settings.emplace();
  request.settings->evidence_min = 0;
  fixture.ingest(request);
  fixture.catalog.chat_price = models::Price{.input_usd_per_million = 1000};
  const Error error = refusal(fixture, {.reranker = "any", .budget_usd = 0.001});
  CHECK(error.code() == Code::conflict);
  CHECK(error.message().find("more than the budget of 0.001000 USD") != std::string::npos);
  AskRequest ask{.question = "How long are traces kept?", .mode = AnswerMode::extract};
  ask.reranker = "any";
  ask.budget_usd = 0.001;
  const Answer refused = must(fixture.library->ask(fixture.context, ask));
  CHECK(refused.refused);
  CHECK(refused.reason == RefusalReason::budget);
  CHECK(refused.cost_usd == 0);
  CHECK(fixture.catalog.reranker_model->scored() == 0);
  ask.budget_usd = 1;
  const Answer answer = must(fixture.library->ask(fixture.context, ask));
  CHECK_FALSE(answer.refused);
  CHECK(answer.usage.rerank_tokens == 5 + 6);
  CHECK(answer.cost_usd == doctest::Approx(0.011));
  // The receipt names the reranker, so that a replay gives the same order.
  const auto receipt = must(fixture.library->receipt(fixture.context, answer.receipt_id));
  CHECK(receipt.at("request").at("reranker") == "any");
  CHECK(must(fixture.library->replay(fixture.context, answer.receipt_id, false)).retrieval ==
        "identical");
  fixture.catalog.chat_price.reset();
  CHECK(refusal(fixture, {.reranker = "any", .budget_usd = 1}).message().find("has no price") !=
        std::string::npos);
}

TEST_CASE("collapsed passages are shown once, and others take their place") {
  Fixture fixture;
  for (int i = 0; i < 12; ++i)
    fixture.folder.write(fmt::format("copy{}.txt", i), "Traces, retention and the budget.");
  fixture.folder.write("near.txt", "traces retention and the budget");  // The same words.
  fixture.folder.write("other.txt", "A budget of an entirely different kind");
  fixture.folder.write("last.txt", "Nothing of that");
  fixture.ingest();
  const SearchReply plain = search(fixture, {.limit = 3});
  CHECK(plain.items[2].path != "other.txt");
  // Four candidates are all copies: more are looked at until there are three.
  const SearchReply reply = search(fixture, {.limit = 3, .candidates = 4, .collapse = true});
  REQUIRE(reply.items.size() == 3);
  CHECK(reply.items[1].path == "other.txt");
  CHECK(reply.items[2].path == "last.txt");
  CHECK(reply.matches == 15);
  check_items(fixture, reply);
  CHECK(search(fixture, {.limit = 10, .collapse = true}).items.size() == 3);
}

TEST_CASE("marginal relevance shows different passages before copies") {
  Fixture fixture;
  for (int i = 0; i < 4; ++i)
    fixture.folder.write(fmt::format("copy{}.txt", i), "Traces retention");
  fixture.folder.write("other.txt", "The budget of a ship");
  fixture.ingest();
  const auto second = [&](double lambda) {
    const SearchReply reply = search(fixture, {.limit = 2, .mmr = lambda});
    REQUIRE(reply.items.size() == 2);
    check_items(fixture, reply);
    return reply.items[1].path;
  };
  CHECK(second(1).starts_with("copy"));
  CHECK(second(0.3) == "other.txt");
}

TEST_CASE("a passage is widened to its neighbours or its section, and what overlaps is one") {
  Fixture fixture;
  fixture.folder.write("manual.md", manual());
  fixture.ingest();
  const SearchReply chunks = search(fixture, {.query = "export"});
  REQUIRE(chunks.items.size() == 5);
  REQUIRE(chunks.items[0].text.find("export") != std::string::npos);
  const SearchReply section =
      search(fixture, {.query = "export", .limit = 1, .expand = Expand::section});
  REQUIRE(section.items.size() == 1);
  check_items(fixture, section);
  for (const char* word : {"retention", "export", "sampling"})
    CHECK(section.items[0].text.find(word) != std::string::npos);
  CHECK(section.items[0].text.find("limits") == std::string::npos);
  const SearchReply sections = search(fixture, {.query = "export", .expand = Expand::section});
  check_items(fixture, sections);
  CHECK(sections.items.size() == 2);
  const SearchReply around =
      search(fixture, {.query = "sampling", .limit = 1, .expand = Expand::neighbours});
  check_items(fixture, around);
  for (const char* word : {"export", "sampling", "limits"})
    CHECK(around.items[0].text.find(word) != std::string::npos);
  CHECK(around.items[0].text.find("alerts") == std::string::npos);
  // Together they show each byte once.
  std::size_t shown = 0;
  for (const auto& item : search(fixture, {.query = "export", .expand = Expand::neighbours}).items)
    shown += item.text.size();
  CHECK(shown <= manual().size());
}

}  // namespace slipway::rag::detail
