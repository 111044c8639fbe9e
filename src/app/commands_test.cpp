#include "app/commands.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <stop_token>

#include "app/detail/fake_library.hpp"

namespace slipway::app {

using detail::Run;

namespace {

rag::Answer short_answer() {
  rag::Answer answer;
  answer.answer = "Thirty days [1].";
  answer.sentences = {{"Thirty days.", true, 1, {1}}};
  answer.citations.resize(1);
  answer.citations[0].number = 1;
  answer.citations[0].quote = "thirty days";
  answer.timing_ms = {{"total", 3}};
  return answer;
}

}  // namespace

TEST_CASE("search prints exactly the JSON of the reply") {
  Run run({.json = true});
  run.library->search_reply_.query = "x";
  run.library->search_reply_.items.resize(1);
  REQUIRE(search(*run.app, {.query = "x"}));
  CHECK(run.out == json::dump(json::to(run.library->search_reply_)) + "\n");
  CHECK(run.err.empty());
}

TEST_CASE("a wrong filter is wrong use and never reaches the library") {
  Run run;
  CHECK(*search(*run.app, {.query = "x", .filter = "{\"year\":"}) == exit_wrong_use);
  CHECK(run.err.starts_with("slipway test: --filter: not valid JSON at line 1"));
  run.err.clear();
  CHECK(*search(*run.app, {.query = "x", .filter = R"({"year":{"$gtee":1}})"}) == exit_wrong_use);
  CHECK(run.err.find("did you mean '$gte'?") != std::string::npos);
  CHECK(run.library->search_request_.query.empty());
  CHECK(run.out.empty());
}

TEST_CASE("ask streams on a terminal and says the same when piped") {
  Run terminal({}, {.is_terminal = true});
  terminal.library->answer_ = short_answer();
  REQUIRE(ask(*terminal.app, {.question = "How long?"}));
  Run piped;
  piped.library->answer_ = short_answer();
  REQUIRE(ask(*piped.app, {.question = "How long?"}));
  CHECK(terminal.out == piped.out);
  CHECK(piped.out.starts_with("Thirty days [1].\n\nSources\n[1]"));
  CHECK(piped.library->ask_request_.collection == "default");
}

TEST_CASE("a refusal on a terminal shows its text though nothing was streamed") {
  Run run({}, {.is_terminal = true});
  run.library->answer_.answer = "The documents do not answer this question.";
  run.library->answer_.refused = true;
  run.library->answer_.reason = rag::RefusalReason::no_documents;
  CHECK(*ask(*run.app, {.question = "Why?"}) == exit_done);
  CHECK(run.out.starts_with("The documents do not answer this question.\n\nWhy: no document"));
}

TEST_CASE("ask takes a question or a receipt, not both and not neither") {
  Run run;
  CHECK(*ask(*run.app, {}) == exit_wrong_use);
  CHECK(*ask(*run.app, {.question = "a", .replay = "rcp_1"}) == exit_wrong_use);
  CHECK(*ask(*run.app, {.question = "a", .rerun = true}) == exit_wrong_use);
  CHECK(*ask(*run.app, {.replay = "rcp_1"}) == exit_done);
}

TEST_CASE("ask hands over model, budget, seed and what to do without support") {
  Run run;
  REQUIRE(ask(*run.app, {.question = "a",
                         .mode = "generate",
                         .model = "m",
                         .budget_usd = 0.5,
                         .seed = 7,
                         .unsupported = "mark"}));
  const rag::AskRequest& request = run.library->ask_request_;
  CHECK(request.mode == rag::AnswerMode::generate);
  CHECK(request.model == "m");
  CHECK(request.budget_usd == 0.5);
  CHECK(request.seed == 7);
  CHECK(request.mark_unsupported);
}

TEST_CASE("an ingest with failures exits 1 and names each on stderr") {
  Run run;
  run.library->report_.collection = "default";
  run.library->report_.added = 2;
  run.library->report_.failed = {{"file:///d/a.pdf", "encrypted PDF: give the password"},
                                 {"file:///d/b.md", "file:///d/b.md is empty"}};
  run.library->report_.warnings = {"g.html: hidden text dropped: 120 characters"};
  CHECK(*ingest(*run.app, {.sources = {"d"}}) == exit_failed);
  CHECK(run.err ==
        "warning: g.html: hidden text dropped: 120 characters\n"
        "slipway test: file:///d/a.pdf: encrypted PDF: give the password\n"
        "slipway test: file:///d/b.md is empty\n");
  CHECK(run.out.starts_with("default: 2 added, 0 updated, 0 unchanged, 0 deleted, 2 failed\n"));
}

TEST_CASE("settings that are not named agree with an existing collection") {
  Run run;
  rag::CollectionInfo existing;
  existing.name = "default";
  existing.embedder = "e5-small-v2-q";
  existing.splitter.chunk_size = 500;
  existing.splitter.chunk_overlap = 50;
  existing.language = "none";
  run.library->collections_ = {existing};
  REQUIRE(ingest(*run.app, {.sources = {"d"}, .chunk_size = 600}));
  const auto& settings = run.library->ingest_request_.settings;
  REQUIRE(settings);
  CHECK(settings->splitter.chunk_size == 600);
  CHECK(settings->splitter.chunk_overlap == 50);
  CHECK(settings->embedder == "e5-small-v2-q");
  CHECK(settings->language == "none");
  REQUIRE(ingest(*run.app, {.sources = {"d"}, .collection = "new", .splitter = "character"}));
  CHECK(run.library->ingest_request_.settings->splitter.kind == documents::SplitterKind::character);
  CHECK(run.library->ingest_request_.settings->splitter.chunk_size == 800);
}

TEST_CASE("metadata that is no key=value is wrong use") {
  Run run;
  CHECK(*ingest(*run.app, {.sources = {"d"}, .metadata = {"year"}}) == exit_wrong_use);
  CHECK(*ingest(*run.app, {.sources = {"d"}, .metadata = {"=1"}}) == exit_wrong_use);
  CHECK(*ingest(*run.app, {.sources = {"d"}, .metadata = {"a=1", "a=2"}}) == exit_wrong_use);
  CHECK(run.library->ingest_request_.sources.empty());
  CHECK(json::dump(*parse_metadata({"a=", "b=x=y", "c=-3", "d=1e400", "e=0x10"})) ==
        R"({"a":"","b":"x=y","c":-3,"d":"1e400","e":"0x10"})");
}

TEST_CASE("a password can come from the environment") {
  Run run;
  setenv("SLIPWAY_TEST_PASSWORD", "hunter2", 1);
  REQUIRE(ingest(*run.app, {.sources = {"d"}, .password = "env:SLIPWAY_TEST_PASSWORD"}));
  CHECK(run.library->ingest_request_.password == "hunter2");
  unsetenv("SLIPWAY_TEST_PASSWORD");
  CHECK(*ingest(*run.app, {.sources = {"d"}, .password = "env:SLIPWAY_TEST_PASSWORD"}) ==
        exit_wrong_use);
}

TEST_CASE("an ingest that was stopped says that what is in stays") {
  std::stop_source stop;
  stop.request_stop();
  Run run({}, {}, stop.get_token());
  const auto code = ingest(*run.app, {.sources = {"d"}});
  REQUIRE_FALSE(code);
  CHECK(code.error().code() == Code::cancelled);
  CHECK(run.err == "what was taken in stays; run the same command again to go on\n");
}

TEST_CASE("deleting a collection unasked needs --yes") {
  Run run;
  run.library->collections_.resize(1);
  run.library->collections_[0].name = "handbook";
  CHECK(*collections_delete(*run.app, {.name = "handbook", .yes = true}) == exit_done);
  CHECK(run.library->removed_ == std::vector<std::string>{"handbook"});
  CHECK_FALSE(collections_delete(*run.app, {.name = "other", .yes = true}));
}

TEST_CASE("documents are listed over pages until the limit") {
  Run run;
  for (int i = 0; i < 1500; ++i) {
    rag::DocumentInfo info;
    info.id = fmt::format("doc_{}", i);
    run.library->page_.items.push_back(info);
  }
  REQUIRE(documents_list(*run.app, {.limit = 1200}));
  CHECK(std::count(run.out.begin(), run.out.end(), '\n') == 1201);
  CHECK(run.err == "there are more; go on with --cursor '1200'\n");
}

TEST_CASE("index stats shows segments and recall, index optimize what is left") {
  Run run;
  run.library->index_report_.stats.chunks = 12'345;
  run.library->index_report_.stats.segments = {{"c1-1-9.segment", 9, 12'000, 2, 20'000'000, true},
                                               {"", 1, 345, 0, 500'000, false}};
  run.library->index_report_.recall = index::Recall{50, true, 0.998};
  REQUIRE(index_stats(*run.app, {}));
  CHECK(run.out.find("99.8 % of an exact scan's ten best, by 50 recent queries") !=
        std::string::npos);
  CHECK(run.out.find("c1-1-9.segment") != std::string::npos);
  CHECK(run.out.find("(memory)") != std::string::npos);
  Run tidied({.json = true});
  REQUIRE(index_optimize(*tidied.app, {.collection = "handbook"}));
  CHECK(tidied.library->optimized_ == std::vector<std::string>{"handbook"});
  CHECK(json::parse(tidied.out)->at("recall").is_null());
}

TEST_CASE("a document's text is exact when piped and harmless on a terminal") {
  Run piped;
  REQUIRE(documents_text(*piped.app, "doc_1"));
  CHECK(piped.out == "text of doc_1 \x1b[2J");
  Run terminal({}, {.is_terminal = true});
  REQUIRE(documents_text(*terminal.app, "doc_1"));
  CHECK(terminal.out == "text of doc_1 \uFFFD[2J\n");
}

TEST_CASE("versions and migrations pass on what is asked, and a gate that fails is an exit code") {
  const std::string folder =
      (std::filesystem::temp_directory_path() / "slipway-test-XXXXXX").string();
  std::string pattern = folder;
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  const std::filesystem::path path = pattern;
  std::ofstream(path / "gold.jsonl")
      << "{\"input\":\"q\",\"relevance\":{\"a.md\":1},\"expected_output\":\"x\"}\n\n";
  std::ofstream(path / "bad.jsonl") << "{\"input\":\"q\",\"relevance\":{\"a.md\":\"high\"}}\n";
  std::ofstream(path / "queries.txt") << "one\n\n  two words \n";
  detail::Run run;
  run.library->collections_.push_back({.name = "default"});
  CHECK(*collections_migrate(*run.app, {.name = "default",
                                        .embedder = "e5",
                                        .chunk_size = 300,
                                        .gold = (path / "gold.jsonl").string(),
                                        .margin = 0.1}) == exit_failed);
  const rag::MigrateRequest& request = run.library->migrate_request_;
  CHECK(request.embedder == "e5");
  CHECK(request.splitter->chunk_size == 300);
  REQUIRE(request.gold.size() == 1);
  CHECK(request.gold[0].relevance.at("a.md") == 1);
  CHECK(run.out.find("nothing is switched") != std::string::npos);
  run.library->migration_.switched = true;
  CHECK(*collections_rollback(*run.app, "default") == exit_done);
  const auto bad = collections_migrate(
      *run.app, {.name = "default", .embedder = "e5", .gold = (path / "bad.jsonl").string()});
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message().find("question 1") != std::string::npos);
  CHECK(*versions_compare(*run.app, {.collection = "default",
                                     .from = "v1",
                                     .to = "current",
                                     .queries = (path / "queries.txt").string()}) == exit_done);
  CHECK(run.library->queries_ == std::vector<std::string>{"one", "two words"});
  CHECK(versions_compare(*run.app, {.collection = "default", .from = "none", .to = "current"})
            .error()
            .code() == Code::not_found);
  CHECK(*search(*run.app, {.query = "x", .collection = "default", .version = "abc"}) == exit_done);
  CHECK(run.library->search_request_.version == 3);
  CHECK(*versions_drop(*run.app, {.collection = "default", .name = "v1"}) == exit_done);
  CHECK(run.library->removed_ == std::vector<std::string>{"v1"});
  std::filesystem::remove_all(path);
}

}  // namespace slipway::app
