#include "rag/detail/contextual.hpp"

#include <thread>

#include "rag/detail/fixture.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

constexpr std::string_view handbook =
    "# Handbook\n\n## Traces\n\nThey are kept for 30 days.\n\n## Budgets\n\nOne is reserved before "
    "a call.\n";

/// Says a word for each passage that stands nowhere in the document.
struct ContextFixture : Fixture {
  std::shared_ptr<models::ScriptedChatModel> model =
      std::make_shared<models::ScriptedChatModel>([this](const models::ChatRequest& request) {
        const std::string& prompt = request.messages.back().content;
        const std::string passage = prompt.substr(prompt.find("The passage:"));
        return answer(passage.find("30 days") != std::string::npos ? "About\n  zanzibar storage. "
                                                                   : "About quokka money.");
      });
  std::function<Result<std::string>(std::string)> answer = [](std::string words) {
    return Result<std::string>(std::move(words));
  };
  IngestRequest request;

  ContextFixture() {
    folder.write("handbook.md", handbook);
    catalog.chat = model;
    request.settings.emplace();
    request.settings->splitter.kind = documents::SplitterKind::markdown;
    request.settings->contextual.emplace();
  }
  std::int64_t stored() {
    std::int64_t count = 0;
    must(database->read(context, [&](store::Connection& connection) -> Result<void> {
      auto row = TRY(connection.prepare("SELECT count(*) FROM rag_contexts"));
      TRY(row.step());
      count = row.integer(0);
      return {};
    }));
    return count;
  }
};

}  // namespace

TEST_CASE("contexts are searched and never quoted") {
  ContextFixture fixture;
  const IngestReport report = fixture.ingest(fixture.request);
  REQUIRE(report.failed.empty());
  CHECK(fixture.model->requests().size() == 2);
  for (const auto mode : {index::SearchMode::lexical, index::SearchMode::hybrid}) {
    const SearchReply reply = fixture.search("zanzibar", mode);
    REQUIRE_FALSE(reply.items.empty());
    const SearchItem& item = reply.items[0];
    CHECK(item.text == "# Handbook\n\n## Traces\n\nThey are kept for 30 days.");
    CHECK(item.text ==
          handbook.substr(static_cast<std::size_t>(item.text_start), item.text.size()));
  }
  CHECK(must(fixture.library->check(fixture.context, false)).empty());
}

TEST_CASE("a second ingest writes no context, and a changed document only the new ones it needs") {
  ContextFixture fixture;
  fixture.ingest(fixture.request);
  const std::size_t embedded = fixture.catalog.embedder_model->embedded();
  CHECK(fixture.ingest(fixture.request).unchanged == 1);
  CHECK(fixture.model->requests().size() == 2);

  // The same text under another name: everything is known.
  fixture.folder.write("copy.md", handbook);
  CHECK(fixture.ingest(fixture.request).added == 1);
  CHECK(fixture.model->requests().size() == 2);
  CHECK(fixture.catalog.embedder_model->embedded() == embedded);

  // Another text: the context of each chunk may differ.
  fixture.folder.write("handbook.md", std::string(handbook) + "\n## More\n\nNew words.\n");
  CHECK(fixture.ingest(fixture.request).updated == 1);
  CHECK(fixture.model->requests().size() == 5);
}

TEST_CASE("without the setting no model is asked, and fingerprints stay what they were") {
  ContextFixture fixture;
  fixture.request.settings->contextual.reset();
  fixture.ingest(fixture.request);
  CHECK(fixture.model->requests().empty());
  CHECK(fixture.stored() == 0);
  std::string fingerprint;
  must(fixture.database->read(fixture.context, [&](store::Connection& connection) -> Result<void> {
    auto row = TRY(connection.prepare("SELECT fingerprint FROM rag_documents"));
    TRY(row.step());
    fingerprint = row.text(0);
    return {};
  }));
  CHECK(fingerprint ==
        fmt::format("loader {} splitter ", documents::loader_version) +
            R"({"chunk_overlap":0,"chunk_size":800,"keep_separator":"start","kind":"markdown",)"
            R"("separators":["\n\n","\n"," ",""],"separators_are_regex":false,)"
            R"("strip_whitespace":true})");
}

TEST_CASE("a budget stops before the call that could pass it, and the next ingest goes on") {
  ContextFixture fixture;
  fixture.catalog.chat_price = models::Price{1000, 1000, 0};
  fixture.request.settings->contextual->budget_usd = 0.27;
  const IngestReport first = fixture.ingest(fixture.request);
  REQUIRE(first.failed.size() == 1);
  CHECK(first.failed[0].error.find("could pass the budget of 0.270000") != std::string::npos);
  CHECK(first.cost_usd > 0);
  CHECK(first.cost_usd <= 0.27);
  CHECK(fixture.model->requests().size() == 1);
  CHECK(fixture.stored() == 1);
  const IngestReport second = fixture.ingest(fixture.request);
  CHECK(second.added == 1);
  CHECK(fixture.model->requests().size() == 2);
}

TEST_CASE("a budget needs a price, and a dry run tells the cost without a call") {
  ContextFixture fixture;
  fixture.catalog.chat_price.reset();
  fixture.request.settings->contextual->budget_usd = 1;
  fixture.request.sources = {fixture.folder.path().string()};
  CHECK(fixture.library->ingest(fixture.context, fixture.request)
            .error()
            .message()
            .find("has no price, so a budget cannot be kept") != std::string::npos);
  fixture.catalog.chat_price = models::Price{1000, 1000, 0};
  fixture.request.dry_run = true;
  const IngestReport report = fixture.ingest(fixture.request);
  REQUIRE(report.estimate);
  CHECK(report.estimate->cost_usd > 0.2);
  CHECK(fixture.model->requests().empty());
}

TEST_CASE("contexts leave with the last document that has their text") {
  ContextFixture fixture;
  fixture.folder.write("copy.md", handbook);
  fixture.ingest(fixture.request);
  CHECK(fixture.stored() == 2);
  const DocumentPage page = must(fixture.library->documents(fixture.context, "default", 10, ""));
  must(fixture.library->remove_document(fixture.context, page.items[0].id));
  CHECK(fixture.stored() == 2);
  must(fixture.library->remove_document(fixture.context, page.items[1].id));
  CHECK(fixture.stored() == 0);
}

TEST_CASE("a model that fails or says nothing harms no other document") {
  ContextFixture fixture;
  fixture.answer = [](std::string words) -> Result<std::string> {
    if (words.find("quokka") != std::string::npos) return fail(Code::unavailable, "no server");
    return std::string(" \n ");
  };
  fixture.folder.write("small.md", "Nothing but 30 days.\n");
  const IngestReport report = fixture.ingest(fixture.request);
  CHECK(report.added == 1);
  REQUIRE(report.failed.size() == 1);
  CHECK(report.failed[0].error.find("no server") != std::string::npos);
  CHECK(fixture.search("days", index::SearchMode::lexical).items.size() == 1);
}

TEST_CASE("a splitter whose chunks the embedder cannot read is refused") {
  Fixture fixture;
  fixture.folder.write("a.md", handbook);
  IngestRequest request;
  request.sources = {fixture.folder.path().string()};
  request.settings.emplace();
  request.settings->splitter.kind = documents::SplitterKind::token;
  CHECK(fixture.library->ingest(fixture.context, request)
            .error()
            .message()
            .find("give at most 510 (--chunk-size)") != std::string::npos);
}

TEST_CASE("every kind of splitter works on a collection") {
  for (const auto kind : {documents::SplitterKind::recursive, documents::SplitterKind::character,
                          documents::SplitterKind::language, documents::SplitterKind::token,
                          documents::SplitterKind::markdown, documents::SplitterKind::html,
                          documents::SplitterKind::json, documents::SplitterKind::semantic}) {
    Fixture fixture;
    fixture.folder.write("a.md", handbook);
    fixture.folder.write("b.json", R"({"traces": {"kept": "30 days"}, "budgets": "reserved"})");
    fixture.folder.write("c.html", "<h1>Traces</h1><p>Kept for 30 days.</p><h2>More</h2><p>x</p>");
    fixture.folder.write("d.py", "class A:\n    pass\n\ndef days():\n    return 30\n");
    IngestRequest request;
    request.settings.emplace();
    request.settings->splitter.kind = kind;
    request.settings->splitter.chunk_size = 100;
    CAPTURE(json::name(kind));
    const IngestReport report = fixture.ingest(request);
    CHECK(report.failed.empty());
    CHECK(report.added == 4);
    CHECK(must(fixture.library->check(fixture.context, false)).empty());
    CHECK_FALSE(fixture.search("30 days").items.empty());
    CHECK(fixture.ingest(request).unchanged == 4);
  }
}

}  // namespace slipway::rag
