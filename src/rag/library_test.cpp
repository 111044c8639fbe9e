#include "rag/library.hpp"

#include <atomic>
#include <thread>

#include "core/fault.hpp"
#include "rag/detail/fixture.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

constexpr std::string_view handbook =
    "# Handbook\n\n## Traces\n\nTraces are kept for 30 days by default. The retention period is a "
    "setting.\n\n"
    "## Budgets\n\nA budget is reserved before a call and settled after it.\n";

AskRequest extract(std::string question) {
  return {.question = std::move(question), .mode = AnswerMode::extract};
}

/// Answers whatever the evidence is: thresholds are calibrated for real embedders, not for the
/// scripted one.
void accept_all_evidence(IngestRequest& request) {
  request.settings.emplace();
  request.settings->evidence_min = 0;
}

void check_citations(Fixture& fixture, const Answer& answer) {
  for (const Citation& citation : answer.citations) {
    const std::string text =
        must(fixture.library->document_text(fixture.context, citation.document_id));
    const auto size = static_cast<std::size_t>(citation.text_end - citation.text_start);
    CHECK(text.substr(static_cast<std::size_t>(citation.text_start), size) == citation.quote);
  }
}

}  // namespace

TEST_CASE("a document is found by its words and its place is told") {
  Fixture fixture;
  fixture.folder.write("handbook.md", handbook);
  const IngestReport report = fixture.ingest();
  CHECK(report.added == 1);
  CHECK(report.failed.empty());
  const SearchReply reply = fixture.search("retention of traces");
  REQUIRE(reply.items.size() == 1);
  CHECK(reply.items[0].title == "Handbook");
  CHECK(reply.items[0].path == "handbook.md");
  CHECK(reply.items[0].text == handbook.substr(0, handbook.size() - 1));
  CHECK(reply.items[0].byte_start == 0);
  CHECK(reply.matches == 1);
}

TEST_CASE("a second ingest of the same files changes and embeds nothing") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  fixture.folder.write("b.txt", "Another text about something else entirely.");
  const IngestReport first = fixture.ingest();
  const std::size_t embedded = fixture.catalog.embedder_model->embedded();
  const IngestReport second = fixture.ingest();
  CHECK(second.unchanged == 2);
  CHECK(second.added == 0);
  CHECK(second.index_version == first.index_version);
  CHECK(fixture.catalog.embedder_model->embedded() == embedded);
}

TEST_CASE("only the changed chunk of a changed document is embedded") {
  Fixture fixture;
  std::string text;
  for (int i = 0; i < 5; ++i)
    text += fmt::format("Paragraph {} ", i) + std::string(600, 'x') + "\n\n";
  fixture.folder.write("long.md", text);
  fixture.ingest();
  fixture.folder.write("long.md", text + "One more paragraph at the end, " + std::string(600, 'y'));
  const IngestReport report = fixture.ingest();
  CHECK(report.updated == 1);
  CHECK(report.chunks.added == 1);
  CHECK(report.chunks.reused == 5);
}

TEST_CASE("equal texts in two documents are embedded once") {
  Fixture fixture;
  fixture.folder.write("a.txt", "The same words stand here.");
  fixture.folder.write("b.txt", "The same words stand here.");
  const IngestReport report = fixture.ingest();
  CHECK(report.added == 2);
  CHECK(report.chunks.added == 1);
  CHECK(report.chunks.reused == 1);
}

TEST_CASE("new metadata reaches filters and embeds nothing") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  fixture.ingest();
  const std::size_t embedded = fixture.catalog.embedder_model->embedded();
  IngestRequest request;
  request.metadata["team"] = "core";
  CHECK(fixture.ingest(request).updated == 1);
  CHECK(fixture.catalog.embedder_model->embedded() == embedded);
  const auto found = must(fixture.library->search(
      fixture.context, {.query = "traces", .filter = json::Value(json::Object{{"team", "core"}})}));
  CHECK(found.items.size() == 1);
  const auto other = must(fixture.library->search(
      fixture.context, {.query = "traces", .filter = json::Value(json::Object{{"team", "web"}})}));
  CHECK(other.items.empty());
}

TEST_CASE("a changed document replaces its old version and its old text leaves the store") {
  Fixture fixture;
  fixture.forget_old_versions();
  fixture.folder.write("a.txt", "Cats sleep all day long.");
  fixture.ingest();
  fixture.folder.write("a.txt", "Dogs bark at night time.");
  CHECK(fixture.ingest().updated == 1);
  CHECK(fixture.search("cats sleep", index::SearchMode::lexical).items.empty());
  CHECK(fixture.search("dogs bark", index::SearchMode::lexical).items.size() == 1);
  CHECK(must(fixture.blobs->list()).size() == 1);
  CHECK(must(fixture.library->check(fixture.context, false)).empty());
}

TEST_CASE("sync deletes what is gone, and only then") {
  Fixture fixture;
  fixture.forget_old_versions();
  fixture.folder.write("a.txt", "Cats sleep all day long.");
  fixture.folder.write("b.txt", "Dogs bark at night time.");
  fixture.ingest();
  std::filesystem::remove(fixture.folder.path() / "a.txt");
  CHECK(fixture.ingest().deleted == 0);
  IngestRequest request;
  request.sync = true;
  CHECK(fixture.ingest(request).deleted == 1);
  CHECK(must(fixture.library->collection(fixture.context, "default")).documents == 1);
  CHECK(must(fixture.blobs->list()).size() == 1);
}

TEST_CASE("a bad document is one failure and the others are in") {
  Fixture fixture;
  fixture.folder.write("empty.md", "");
  fixture.folder.write("binary.md", std::string("\x00\x01\x02\xff\xfe", 5));
  fixture.folder.write("good.md", handbook);
  const IngestReport report = fixture.ingest();
  CHECK(report.added == 1);
  CHECK(report.failed.size() == 2);
}

TEST_CASE("an ingest that takes nothing in leaves no collection that it made") {
  Fixture fixture;
  fixture.folder.write("binary.md", std::string("\x00\x01\x02\xff\xfe", 5));
  CHECK(fixture.ingest().failed.size() == 1);
  CHECK(must(fixture.library->collections(fixture.context)).empty());
  // One that somebody made stays.
  must(fixture.library->make_collection(fixture.context, "default", {}));
  CHECK(fixture.ingest().failed.size() == 1);
  CHECK(must(fixture.library->collections(fixture.context)).size() == 1);
  // What goes is only what holds nothing.
  must(fixture.library->remove_collection(fixture.context, "default"));
  fixture.folder.write("good.md", handbook);
  CHECK(fixture.ingest().added == 1);
  CHECK(must(fixture.library->collections(fixture.context)).size() == 1);
}

TEST_CASE("a dry run writes nothing and estimates") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  IngestRequest request;
  request.dry_run = true;
  const IngestReport report = fixture.ingest(request);
  REQUIRE(report.estimate.has_value());
  CHECK(report.estimate->documents == 1);
  CHECK(report.estimate->chunks == 1);
  CHECK(must(fixture.library->collections(fixture.context)).empty());
  CHECK(must(fixture.blobs->list()).empty());
  CHECK(report.estimate->cost_usd == 0);
  // What a paid model would cost is told without asking it.
  const std::size_t embedded = fixture.catalog.embedder_model->embedded();
  fixture.catalog.embedder_price = models::Price{100, 0, 0};
  const IngestReport paid = fixture.ingest(request);
  CHECK(paid.estimate->cost_usd == doctest::Approx(1e-4 * paid.estimate->tokens));
  CHECK(fixture.catalog.embedder_model->embedded() == embedded);
  CHECK(fixture.ingest().cost_usd > 0);
}

TEST_CASE("several ingests at once bring in everything once") {
  Fixture fixture;
  for (int i = 0; i < 120; ++i)
    fixture.folder.write(fmt::format("{}/d{}.txt", i % 3, i),
                         fmt::format("Document number{} and some words.", i));
  std::vector<std::unique_ptr<Library>> libraries;
  for (int i = 0; i < 4; ++i) libraries.push_back(fixture.open());
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      IngestRequest request;  // Three parts, and all of it.
      request.sources = {
          (i < 3 ? fixture.folder.path() / std::to_string(i) : fixture.folder.path()).string()};
      const auto report = libraries[static_cast<std::size_t>(i)]->ingest({}, request);
      failures += !report || !report->failed.empty();
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  const CollectionInfo info = must(fixture.library->collection(fixture.context, "default"));
  CHECK(info.documents == 120);
  CHECK(info.chunks == 120);
  CHECK(must(fixture.library->search(fixture.context, {.query = "document words", .limit = 1000}))
            .items.size() == 120);
  CHECK(fixture.ingest().unchanged == 120);
  CHECK(must(fixture.library->check(fixture.context, false)).empty());
}

TEST_CASE("other settings than the collection's are refused") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  fixture.ingest();
  IngestRequest request;
  request.sources = {fixture.folder.path().string()};
  request.settings.emplace();
  request.settings->splitter.chunk_size = 100;
  const auto report = fixture.library->ingest(fixture.context, request);
  REQUIRE(!report.ok());
  CHECK(report.error().code() == Code::conflict);
}

TEST_CASE("an unknown collection is an error that names the known ones") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  fixture.ingest();
  const auto reply =
      fixture.library->search(fixture.context, {.collection = "defualt", .query = "x"});
  REQUIRE(!reply.ok());
  CHECK(reply.error().code() == Code::not_found);
  CHECK(reply.error().message().find("there are: default") != std::string::npos);
}

TEST_CASE("a blank query and a limit out of range are refused") {
  Fixture fixture;
  CHECK(fixture.library->search(fixture.context, {.query = " \n"}).error().code() ==
        Code::invalid_argument);
  CHECK(fixture.library->search(fixture.context, {.query = "x", .limit = 0}).error().code() ==
        Code::invalid_argument);
}

TEST_CASE("an extract answer quotes the text byte for byte") {
  Fixture fixture;
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  const Answer answer =
      must(fixture.library->ask(fixture.context, extract("How long are traces kept by default?")));
  REQUIRE(!answer.refused);
  CHECK(answer.mode == AnswerMode::extract);
  REQUIRE(!answer.citations.empty());
  CHECK(answer.citations[0].quote == "Traces are kept for 30 days by default.");
  CHECK(answer.citations[0].heading_path == std::vector<std::string>{"Handbook", "Traces"});
  CHECK(answer.answer.find("Traces are kept for 30 days by default [1].") == 0);
  check_citations(fixture, answer);
}

TEST_CASE("weak evidence is a refusal that shows where one might look") {
  Fixture fixture;
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  request.settings->evidence_min = 1;
  fixture.ingest(request);
  const Answer answer =
      must(fixture.library->ask(fixture.context, extract("Who won the cup in 1966?")));
  CHECK(answer.refused);
  CHECK(answer.reason == RefusalReason::weak_evidence);
  CHECK(answer.citations.empty());
  CHECK(answer.nearest.size() == 1);
}

TEST_CASE("an empty collection refuses with no_documents") {
  Fixture fixture;
  fixture.folder.write("a.txt", "Something to make the collection.");
  fixture.ingest();
  std::filesystem::remove(fixture.folder.path() / "a.txt");
  IngestRequest request;
  request.sync = true;
  fixture.ingest(request);
  const Answer answer = must(fixture.library->ask(fixture.context, extract("Anything?")));
  CHECK(answer.refused);
  CHECK(answer.reason == RefusalReason::no_documents);
}

TEST_CASE("a generated sentence stands only when its numbers stand in the evidence") {
  Fixture fixture;
  fixture.catalog.chat = std::make_shared<models::ScriptedChatModel>(std::vector<std::string>{
      "Traces are kept for 30 days by default [1]. Traces are kept for 45 days by default [1]."});
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  const Answer answer = must(fixture.library->ask(
      fixture.context,
      {.question = "How long are traces kept by default?", .mode = AnswerMode::generate}));
  REQUIRE(!answer.refused);
  CHECK(answer.mode == AnswerMode::generate);
  CHECK(answer.answer == "Traces are kept for 30 days by default [1].");
  REQUIRE(answer.dropped.size() == 1);
  CHECK(answer.dropped[0].why == "number 45 is not in the evidence");
  check_citations(fixture, answer);
}

TEST_CASE("when nothing that the model wrote survives, auto falls back to quotes") {
  Fixture fixture;
  fixture.catalog.chat = std::make_shared<models::ScriptedChatModel>(
      std::vector<std::string>{"The moon is made of green cheese."});
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  const Answer answer = must(
      fixture.library->ask(fixture.context, {.question = "How long are traces kept by default?"}));
  CHECK(answer.mode == AnswerMode::extract);
  CHECK(!answer.refused);
  CHECK(answer.dropped.size() == 1);
}

TEST_CASE("a demanded generation that does not survive is a refusal") {
  Fixture fixture;
  fixture.catalog.chat = std::make_shared<models::ScriptedChatModel>(
      std::vector<std::string>{"The moon is made of green cheese."});
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  const Answer answer = must(fixture.library->ask(
      fixture.context,
      {.question = "How long are traces kept by default?", .mode = AnswerMode::generate}));
  CHECK(answer.refused);
  CHECK(answer.reason == RefusalReason::nothing_supported);
}

TEST_CASE("no call is made that could cost more than the budget") {
  Fixture fixture;
  const auto chat = std::make_shared<models::ScriptedChatModel>(
      std::vector<std::string>{"Traces are kept for 30 days by default."});
  fixture.catalog.chat = chat;
  fixture.catalog.chat_price = models::Price{1000, 1000};
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  AskRequest ask{.question = "How long are traces kept?", .mode = AnswerMode::generate};
  ask.budget_usd = 0.01;
  const Answer refused = must(fixture.library->ask(fixture.context, ask));
  CHECK(refused.refused);
  CHECK(refused.reason == RefusalReason::budget);
  CHECK(chat->requests().empty());

  ask.budget_usd = 10;
  const Answer paid = must(fixture.library->ask(fixture.context, ask));
  CHECK(!paid.refused);
  CHECK(paid.cost_usd > 0);
  CHECK(paid.cost_usd <= 10);
}

TEST_CASE("a budget for a model without a price is an error, not a guess") {
  Fixture fixture;
  fixture.catalog.chat =
      std::make_shared<models::ScriptedChatModel>(std::vector<std::string>{"Never."});
  fixture.catalog.chat_price.reset();
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  AskRequest ask{.question = "How long are traces kept?", .mode = AnswerMode::generate};
  ask.budget_usd = 1;
  CHECK(fixture.library->ask(fixture.context, ask).error().code() == Code::invalid_argument);
}

TEST_CASE("listeners hear the passages first and then only checked sentences") {
  Fixture fixture;
  fixture.catalog.chat = std::make_shared<models::ScriptedChatModel>(std::vector<std::string>{
      "Traces are kept for 30 days by default. The moon is made of green cheese."});
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  std::vector<std::string> heard;
  AskEvents events;
  events.on_passages = [&](const std::vector<SearchItem>& items) {
    heard.push_back(fmt::format("{} passages", items.size()));
  };
  events.on_sentence = [&](const Sentence& sentence, const std::vector<Citation>& added) {
    heard.push_back(fmt::format("{} +{}", sentence.text, added.size()));
  };
  must(fixture.library->ask(
      fixture.context,
      {.question = "How long are traces kept by default?", .mode = AnswerMode::generate}, events));
  CHECK(heard ==
        std::vector<std::string>{"1 passages", "Traces are kept for 30 days by default. +1"});
}

TEST_CASE("a receipt repeats its retrieval and knows when a source has changed or gone") {
  Fixture fixture;
  fixture.folder.write("handbook.md", handbook);
  IngestRequest request;
  accept_all_evidence(request);
  fixture.ingest(request);
  const Answer answer =
      must(fixture.library->ask(fixture.context, extract("How long are traces kept by default?")));
  const Replay same = must(fixture.library->replay(fixture.context, answer.receipt_id, true));
  CHECK(same.retrieval == "identical");
  CHECK(same.answer == "identical");
  REQUIRE(!same.citations.empty());
  CHECK(same.citations[0].state == "valid");

  fixture.folder.write("handbook.md", "# Handbook\n\nTraces are kept for 60 days by default.\n");
  fixture.ingest();
  const Replay changed = must(fixture.library->replay(fixture.context, answer.receipt_id, false));
  // What the answer was made from is still there, and the source is known to be another now.
  CHECK(changed.retrieval == "identical");
  CHECK(changed.is_recorded_version);
  CHECK(changed.index_version == answer.index_version);
  CHECK(changed.citations[0].state == "stale");
  CHECK(changed.answer == "not_rerun");

  std::filesystem::remove(fixture.folder.path() / "handbook.md");
  IngestRequest sync;
  sync.sync = true;
  fixture.ingest(sync);
  CHECK(
      must(fixture.library->replay(fixture.context, answer.receipt_id, false)).citations[0].state ==
      "gone");
  fixture.forget_old_versions();
  must(fixture.library->optimize(fixture.context, "default"));
  const Replay late = must(fixture.library->replay(fixture.context, answer.receipt_id, false));
  CHECK_FALSE(late.is_recorded_version);
  CHECK(late.retrieval == "differs");
}

TEST_CASE("an unknown receipt is not found") {
  Fixture fixture;
  CHECK(fixture.library->receipt(fixture.context, "rcp_none").error().code() == Code::not_found);
}

TEST_CASE("removing a collection leaves nothing behind") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  fixture.ingest();
  must(fixture.library->remove_collection(fixture.context, "default"));
  CHECK(must(fixture.library->collections(fixture.context)).empty());
  CHECK(must(fixture.blobs->list()).empty());
  CHECK(fixture.ingest().added == 1);  // The name is free again.
}

TEST_CASE("a cancelled ingest keeps whole documents only and says so") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  std::stop_source stop;
  stop.request_stop();
  const auto report = fixture.library->ingest(Context(stop.get_token()),
                                              {.sources = {fixture.folder.path().string()}});
  REQUIRE(!report.ok());
  CHECK(report.error().code() == Code::cancelled);
  CHECK(must(fixture.library->collections(fixture.context)).empty());
}

TEST_CASE("whatever database call fails, a document is there whole or not at all") {
  for (int nth = 1;; ++nth) {
    CAPTURE(nth);
    Fixture fixture;
    fixture.folder.write("a.md", handbook);
    bool fired = false;
    {
      const FaultPlan plan(FaultKind::database, nth);
      IngestRequest request;
      request.sources = {fixture.folder.path().string()};
      (void)fixture.library->ingest(fixture.context, request);
      fired = plan.fired();
    }
    CHECK(must(fixture.library->check(fixture.context, true)).size() <=
          1);  // At most an orphaned text.
    CHECK(must(fixture.library->check(fixture.context, false)).empty());
    const IngestReport again = fixture.ingest();
    CHECK(again.failed.empty());
    CHECK(again.added + again.unchanged == 1);
    CHECK(fixture.search("traces").items.size() == 1);
    if (!fired) break;
  }
}

}  // namespace slipway::rag
