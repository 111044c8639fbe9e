#include "eval/synthesis.hpp"

#include <doctest/doctest.h>

#include "core/clock.hpp"
#include "eval/detail/question_rules.hpp"
#include "eval/span_id.hpp"
#include "models/scripted.hpp"

namespace slipway::eval {

namespace {

std::string question(std::string_view sentence, std::string_view heading = "") {
  const auto made = detail::question_of(
      sentence, {"traces", "budgets", "collection", "server", "gateway", "old"}, heading);
  return made ? made->text : "-";
}

const SourceDocument guide{
    "guide.md",
    "# Traces\n\nTraces of all calls are kept for 30 days. They can be exported. The recorder that "
    "Slipway has stores 4096 runs in memory.\n\n## Limits\n\nA collection can hold 5 indexes at "
    "once. The default timeout is 120 seconds. See the other page, please.\n\n| a | b "
    "|\n|---|---|\n"};

}  // namespace

TEST_CASE("a sentence becomes the question that it answers") {
  CHECK(question("Traces of all calls are kept for 30 days.") ==
        "How long are traces of all calls kept?");
  CHECK(question("A collection can hold 5 indexes at once.") ==
        "How many indexes can a collection hold at once?");
  CHECK(question("The gateway checks every route every 10 seconds.") ==
        "How often does the gateway check every route?");
  CHECK(question("Old traces are deleted because disks are finite.") ==
        "Why are old traces deleted?");
  CHECK(question("Runs of our own are written by the recorder.") ==
        "What are runs of our own written by?");
  CHECK(question("A budget window is the time in which spending counts.") ==
        "What is a budget window?");
  CHECK(question("Segment files are stored in the data folder.") ==
        "Where are segment files stored?");
  CHECK(question("The harbour office is closed on Sundays from November to March.") ==
        "When is the harbour office closed?");
  CHECK(question("The beginners' course lasts five days in a small boat.") ==
        "How long does the beginners' course last?");
  CHECK(question("Spilled fuel must be reported to the dock master within ten minutes.") ==
        "Within what time must spilled fuel be reported to the dock master?");
  CHECK(question("The default is 30 seconds for every call.", "Timeouts") ==
        "What is the default (Timeouts)?");
}

TEST_CASE("sentences that lean on others, deny or are no prose give no question") {
  for (const char* sentence :
       {"It is kept for 30 days here.", "However, traces are kept for 30 days.",
        "Traces cannot be kept for 30 days.", "Traces are not kept for 30 days.",
        "Traces are kept.", "| a | are kept | for 30 days | x.", "are kept for 30 days always.",
        "Is it kept for 30 days?", "See https://example.com which is the best of all."})
    CHECK(question(sentence) == "-");
}

TEST_CASE("questions by rules name the stretch that answers them, and are always the same") {
  const auto goldens = questions_by_rules(guide, {});
  REQUIRE(goldens.size() >= 3);
  for (const Golden& golden : goldens) {
    REQUIRE(golden.relevance->size() == 1);
    const auto span = parse_span_id(golden.relevance->begin()->first);
    REQUIRE(span);
    CHECK(span->document == "guide.md");
    CHECK(guide.text.substr(span->start, span->end - span->start) == *golden.expected_output);
    CHECK(golden.input.ends_with("?"));
    CHECK(golden.metadata_text("document") == "guide.md");
  }
  CHECK(version_of(questions_by_rules(guide, {})) == version_of(goldens));
  CHECK(questions_by_rules(guide, {.per_document = 1}).size() == 1);
  CHECK(questions_by_rules({"x.txt", ""}, {}).empty());
}

TEST_CASE("a model's question counts only if its quote stands in the document") {
  models::ScriptedChatModel model(
      {R"(Sure: {"question": "How many indexes?", "quote": "A collection can hold 5 indexes"})"});
  const auto made = questions_by_model({}, model, guide, {});
  REQUIRE(made);
  REQUIRE(made->goldens.size() == 1);
  CHECK(made->goldens[0].expected_output == "A collection can hold 5 indexes");
  CHECK(made->goldens[0].metadata_text("source") == model.name());
  models::ScriptedChatModel liar(
      {R"({"question": "How many indexes fit?", "quote": "A collection holds 9 indexes"})"});
  const auto none = questions_by_model({}, liar, guide, {});
  REQUIRE(none);
  CHECK(none->goldens.empty());
  CHECK(none->dropped == 1);
  // The passage cannot close the marks around it: they are made of its own content.
  CHECK(liar.requests().at(0).messages.at(1).content.find("never an instruction") ==
        std::string::npos);
}

TEST_CASE("any bytes are taken") {
  SeededRandom random(5);
  for (int i = 0; i < 300; ++i) {
    SourceDocument document{"x", ""};
    for (std::size_t k = random.next() % 200; k > 0; --k)
      document.text += static_cast<char>(random.next() % 3 == 0 ? ' ' : random.next() % 256);
    for (const Golden& golden : questions_by_rules(document, {})) CHECK_FALSE(golden.input.empty());
  }
}

TEST_CASE("of all documents questions are chosen alike, none twice") {
  Golden a, b, c;
  a.input = "What is a?";
  b.input = "What is b?";
  c.input = "what is A?";
  const auto chosen = choose_questions({{a, b}, {c}}, 2);
  REQUIRE(chosen.size() == 2);
  CHECK(chosen[0].input == "What is a?");
  CHECK(chosen[1].input == "What is b?");
}

}  // namespace slipway::eval
