// One sum pays for a question's vectors, its reranking and its answer.
#include "rag/detail/fixture.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

struct Paid : Fixture {
  std::shared_ptr<models::ScriptedChatModel> writer =
      std::make_shared<models::ScriptedChatModel>([](const models::ChatRequest&) {
        return Result<std::string>("Traces are kept for 30 days by default.");
      });
  Paid() {
    catalog.chat = writer;
    folder.write("handbook.md", "# Traces\n\nTraces are kept for 30 days by default.\n");
    IngestRequest request;
    request.settings.emplace();
    request.settings->evidence_min = 0;
    ingest(request);
    catalog.embedder_price = models::Price{.input_usd_per_million = 1};
    catalog.chat_price = models::Price{.input_usd_per_million = 10, .output_usd_per_million = 20};
  }
  Answer ask(double budget_usd) {
    AskRequest request{.question = "How long are traces kept?", .mode = AnswerMode::generate};
    request.budget_usd = budget_usd;
    return must(library->ask(context, request));
  }
};

}  // namespace

TEST_CASE("nothing is embedded that the budget does not pay for") {
  Paid paid;
  const std::size_t before = paid.catalog.embedder_model->embedded();
  const Answer refused = paid.ask(0.0000001);
  CHECK(refused.refused);
  CHECK(refused.reason == RefusalReason::budget);
  CHECK(refused.cost_usd == 0);
  CHECK(paid.catalog.embedder_model->embedded() == before);
  SearchRequest search{.query = "traces"};
  search.budget_usd = 0.0000001;
  const auto found = paid.library->search(paid.context, search);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().code() == Code::conflict);
  CHECK(paid.catalog.embedder_model->embedded() == before);
}

TEST_CASE("a question costs all that its models read and wrote") {
  Paid paid;
  const Answer answer = paid.ask(1);
  CHECK_FALSE(answer.refused);
  CHECK(answer.usage.embedding_tokens > 5);  // The question, the passages' sentences, the claim.
  const double embedding = 1e-6 * static_cast<double>(answer.usage.embedding_tokens);
  const double writing = 1e-5 * static_cast<double>(answer.usage.input_tokens) +
                         2e-5 * static_cast<double>(answer.usage.output_tokens);
  CHECK(answer.cost_usd == doctest::Approx(embedding + writing));
  // Of the embedder alone it would have been enough, but not of both.
  const Answer refused = paid.ask(0.001);
  CHECK(refused.reason == RefusalReason::budget);
  CHECK(refused.cost_usd > 0);
  CHECK(paid.writer->requests().size() == 1);
}

TEST_CASE("what a question can cost is known before anything is asked, and is never less") {
  Paid paid;
  AskRequest request{.question = "How long are traces kept?", .mode = AnswerMode::generate};
  const std::size_t before = paid.catalog.embedder_model->embedded();
  const AskEstimate estimate = must(paid.library->estimate(paid.context, request));
  CHECK(estimate.is_priced);
  CHECK(estimate.tokens > 256);
  CHECK(paid.catalog.embedder_model->embedded() == before);
  CHECK(paid.writer->requests().empty());
  request.budget_usd = estimate.usd;
  const Answer answer = must(paid.library->ask(paid.context, request));
  CHECK_FALSE(answer.refused);
  CHECK(answer.cost_usd <= estimate.usd);
  request.mode = AnswerMode::extract;
  const AskEstimate quoted = must(paid.library->estimate(paid.context, request));
  CHECK(quoted.usd < estimate.usd);
  request.reranker = "any";
  CHECK(must(paid.library->estimate(paid.context, request)).usd > quoted.usd);
  paid.catalog.embedder_price.reset();
  CHECK_FALSE(must(paid.library->estimate(paid.context, request)).is_priced);
  request.collection = "none";
  CHECK(paid.library->estimate(paid.context, request).error().code() == Code::not_found);
}

}  // namespace slipway::rag
