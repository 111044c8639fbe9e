#include "app/render.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "core/files.hpp"

namespace slipway::app {

namespace {

/// Compares with tests/data/app/NAME; SLIPWAY_UPDATE_GOLDEN=1 writes it instead, for review.
void check_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path file = std::filesystem::path(SLIPWAY_TEST_DATA) / name;
  if (std::getenv("SLIPWAY_UPDATE_GOLDEN") != nullptr) REQUIRE(write_file_atomically(file, text));
  const auto golden = read_file(file);
  REQUIRE_MESSAGE(golden, name);
  CHECK(text == *golden);
}

rag::Citation traces_citation() {
  rag::Citation citation;
  citation.number = 1;
  citation.uri = "file:///srv/docs/traces.md";
  citation.path = "docs/traces.md";
  citation.title = "Guide to traces";
  citation.quote =
      "The retention period for traces is 30 days by default, and a project may shorten or "
      "lengthen it in its settings.";
  citation.byte_start = 210;
  citation.byte_end = 317;
  citation.heading_path = {"Guide to traces", "Retention"};
  citation.score = 0.97;
  return citation;
}

rag::Citation paper_citation() {
  rag::Citation citation;
  citation.number = 2;
  citation.path = "papers/report.pdf";
  citation.title = "Annual report \x1b[31m2026";
  citation.quote = "Older traces are\nremoved every night.";
  citation.page = 3;
  citation.page_end = 4;
  return citation;
}

rag::Answer cited_answer() {
  rag::Answer answer;
  answer.answer = "Traces are kept for 30 days by default [1]. Older ones go every night [2].";
  answer.sentences = {{"Traces are kept for 30 days by default.", true, 0.97, {1}},
                      {"Older ones go every night.", true, 0.8, {2}}};
  answer.citations = {traces_citation(), paper_citation()};
  answer.mode = rag::AnswerMode::generate;
  answer.model = "smollm2-135m-instruct";
  answer.evidence = 0.871;
  answer.timing_ms = {{"total", 1234.5}};
  answer.dropped = {{"They cost 45 dollars.", "number 45 is not in the evidence"}};
  answer.receipt_id = "rcp_01JDEXAMPLE";
  return answer;
}

rag::SearchItem traces_item() {
  rag::SearchItem item;
  item.rank = 1;
  item.path = "docs/traces.md";
  item.title = "Guide to traces";
  item.text =
      "Every request leaves a trace. A trace is a tree of spans, and each span knows its parent, "
      "its start, its end and its cost. Spans are written in batches, so a crash loses at most "
      "the last batch. Spans that were sampled out are counted.\n\nThe retention period for traces "
      "is 30 days by default. Retaining them longer costs disk only: about two kilobytes each.";
  item.byte_start = 0;
  item.byte_end = 390;
  item.heading_path = {"Guide to traces"};
  item.score = 0.8312;
  item.scores = {.dense = 0.71, .lexical = 8.2, .rerank = std::nullopt};
  return item;
}

const Style plain{.width = 72};
const Style colourful{.is_terminal = true, .has_colour = true, .width = 72};

}  // namespace

TEST_CASE("an answer shows its sources like a careful colleague") {
  check_golden("answer.txt", render_answer(cited_answer(), "How long are traces kept?", plain));
  check_golden("answer_colour.txt",
               render_answer(cited_answer(), "How long are traces kept?", colourful));
}

TEST_CASE("a refusal tells why and where to look") {
  rag::Answer answer;
  answer.answer = "The documents do not answer this question.";
  answer.refused = true;
  answer.reason = rag::RefusalReason::weak_evidence;
  answer.nearest = {traces_item()};
  answer.evidence = 0.1;
  answer.timing_ms = {{"total", 8.4}};
  answer.receipt_id = "rcp_01JDEXAMPLE";
  check_golden("refusal.txt", render_answer(answer, "How long are traces retained?", plain));
}

TEST_CASE("a found passage shows the lines that hold the words of the query") {
  rag::SearchReply reply;
  reply.query = "how long are traces retained";
  reply.items = {traces_item()};
  reply.matches = 1;
  check_golden("search.txt", render_search(reply, plain));
  check_golden("search_colour.txt", render_search(reply, colourful));
}

TEST_CASE("nothing found is said, with the remedy where there is one") {
  rag::SearchReply reply;
  CHECK(render_search(reply, plain) == "No passage matches.\n");
  reply.matches = 3;
  CHECK(render_search(reply, plain) == "No passage has a word of the query; try --mode hybrid.\n");
}

TEST_CASE("streamed sentences carry their marks as the whole answer does") {
  const rag::Answer answer = cited_answer();
  std::string joined;
  for (const rag::Sentence& sentence : answer.sentences)
    joined += (joined.empty() ? "" : " ") + render_sentence(sentence);
  CHECK(joined == answer.answer);
  CHECK(render_sentence({"It is green", true, 1, {1, 3}}) == "It is green [1][3].");
  CHECK(render_sentence({"It is green!", false, 0, {}}) == "It is green [unsupported]!");
}

TEST_CASE("a report counts documents and chunks") {
  rag::IngestReport report;
  report.collection = "handbook";
  report.added = 1100;
  report.unchanged = 12;
  report.failed = {{"file:///a.pdf", "encrypted PDF"}};
  report.chunks = {.added = 40, .reused = 13'000};
  report.tokens = 5210;
  report.seconds = 2.1;
  CHECK(render_report(report) ==
        "handbook: 1,100 added, 0 updated, 12 unchanged, 0 deleted, 1 failed\n"
        "chunks: 40 new, 13,000 reused · 5,210 tokens embedded · 2.1 s\n");
  report.estimate = rag::IngestEstimate{.documents = 3, .chunks = 40, .tokens = 800, .seconds = 12};
  CHECK(render_report(report).find("dry run, nothing is written; to embed: 3 documents, 40 "
                                   "chunks, 800 tokens, about 12.0 s\n") != std::string::npos);
}

TEST_CASE("of many warnings ten are shown and the rest is counted") {
  rag::IngestReport report;
  CHECK(render_warnings(report).empty());
  for (int i = 0; i < 13; ++i) report.warnings.push_back(fmt::format("{}.html: hidden", i));
  const std::string text = render_warnings(report);
  CHECK(std::count(text.begin(), text.end(), '\n') == 11);
  CHECK(text.ends_with("warning: 9.html: hidden\nand 3 more; --json shows all\n"));
}

TEST_CASE("a replay tells what still stands") {
  rag::Replay replay{.receipt_id = "rcp_1",
                     .index_version = 7,
                     .retrieval = "identical",
                     .citations = {{1, "valid"}, {2, "stale"}},
                     .answer = "not_rerun"};
  CHECK(render_replay(replay, plain) ==
        "Receipt rcp_1\nversion: 7\nretrieval: identical\nanswer: not rerun\n"
        "citation [1]: valid\ncitation [2]: stale\n");
  replay.is_recorded_version = false;
  CHECK(render_replay(replay, plain).find("version: 7 (the recorded one is not kept any more)") !=
        std::string::npos);
}

TEST_CASE("a deletion tells what went and, loudly, what did not") {
  rag::DeletionReport report;
  report.document = {"doc_1", "file:///a.md", "a.md", "A"};
  report.rows = 2;
  report.receipts = 1;
  report.traces = 2;
  report.snapshots = {"v1"};
  const std::string clean = render_deletion(report);
  CHECK(clean.find("deleted doc_1 (a.md)\n  2 rows") == 0);
  CHECK(clean.find("out of 1 receipt; 2 traces\n") != std::string::npos);
  CHECK(clean.find("in none of them now: v1") != std::string::npos);
  CHECK(clean.find("nothing is left") != std::string::npos);
  report.remaining = {"text sha256:1"};
  const std::string rest = render_deletion(report);
  CHECK(rest.find("STILL IN text sha256:1") != std::string::npos);
  CHECK(rest.find("nothing is left") == std::string::npos);
}

TEST_CASE("sheets and rows of tables are part of a place, and a plan is one line") {
  rag::SearchReply reply;
  rag::SearchItem item;
  item.path = "book.xlsx";
  item.sheet = "Sales\x1b";
  item.row = 3;
  item.row_end = 5;
  CHECK(render_place(item).starts_with("book.xlsx, sheet Sales"));
  CHECK(render_place(item).ends_with(", row 3-5"));
  CHECK(render_place(item).find('\x1b') == std::string::npos);
  reply.items.push_back(item);
  reply.index_version = 4;
  reply.plan.emplace();
  reply.plan->dense = "codes";
  reply.plan->chunks = 5000;
  reply.plan->matches = 1200;
  reply.plan->segments = 1;
  CHECK(
      render_search(reply, plain).find("version 4 · 1,200 of 5,000 chunks match · dense: codes") !=
      std::string::npos);
}

TEST_CASE("a passage of one huge word or of nothing is still shown") {
  rag::SearchReply reply;
  reply.query = "x";
  reply.matches = 1;
  rag::SearchItem item;
  item.text = std::string(5000, 'x');
  reply.items = {item, rag::SearchItem{}};
  CHECK(render_search(reply, plain).find("xxxx") != std::string::npos);
}

}  // namespace slipway::app
