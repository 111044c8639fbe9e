#include "rag/claims.hpp"

#include <doctest/doctest.h>

namespace slipway::rag {

namespace {
std::string why_not(std::string_view claim, std::string_view evidence,
                    std::string_view known = "") {
  return contradiction(facts_of(claim), facts_of(evidence), facts_of(known)).value_or("");
}
}  // namespace

TEST_CASE("a number must stand in the evidence, however it is written") {
  CHECK(why_not("Kept for 45 days.", "Kept for 30 days.") == "number 45 is not in the evidence");
  CHECK(why_not("Kept for thirty days.", "Kept for 30 days.").empty());
  CHECK(why_not("Up to 1000 files.", "Up to 1,000 files.").empty());
  CHECK(why_not("Version 3.1 is needed.", "Version 3.10 is needed.") ==
        "number 3.1 is not in the evidence");
  CHECK(why_not("It takes 30ms.", "It takes 30 ms.").empty());
}

TEST_CASE("a number that only the title has is no evidence") {
  CHECK(why_not("It took 2024 steps.", "It took many steps.", "Report of 2024") ==
        "number 2024 is not in the evidence");
}

TEST_CASE("a name must stand in the evidence or around it") {
  CHECK(why_not("It runs on Oracle.", "It runs on PostgreSQL.") ==
        "name 'oracle' is not in the evidence");
  CHECK(why_not("It uses SQLite.", "The engine is SQLite's own.").empty());
  CHECK(why_not("So Slipway listens on loopback.", "The server listens on loopback.",
                "Slipway handbook")
            .empty());
  CHECK(why_not("Set max_connections first.", "Set the limit first.") ==
        "name 'max_connections' is not in the evidence");
}

TEST_CASE("the first word of a sentence is no name") {
  CHECK(why_not("Traces stay for long.", "We keep traces for long.").empty());
}

TEST_CASE("a claim may not turn the evidence around") {
  CHECK(!why_not("The server does not need a key.", "The server needs a key.").empty());
  CHECK(!why_not("The server needs a key.", "The server doesn't need a key.").empty());
  CHECK(why_not("It never sleeps.", "It does not sleep.").empty());
}

TEST_CASE("coverage is the share of content words") {
  const Facts evidence = facts_of("Budgets are reserved before each call.");
  CHECK(coverage(facts_of("A budget is reserved."), evidence) == 1);
  CHECK(coverage(facts_of("A budget is invented."), evidence) == doctest::Approx(0.5));
  CHECK(coverage(facts_of("the of and"), evidence) == 1);
}

TEST_CASE("a claim that only repeats the question adds nothing") {
  const Facts question = facts_of("How long may the child process that reads a PDF run?");
  CHECK_FALSE(
      adds_to(facts_of("The document that reads a PDF is one that reads a PDF."), question));
  CHECK(adds_to(facts_of("The child process may run for 60 seconds."), question));
  CHECK(adds_to(facts_of("It is stopped after a minute."), question));
}

TEST_CASE("citation marks are taken out of a sentence") {
  CHECK(without_marks("Kept for 30 days [1].") == "Kept for 30 days.");
  CHECK(without_marks("Kept [1, 2] for 30 days [3][4].") == "Kept for 30 days.");
  CHECK(without_marks("An array a[i] stays.") == "An array a[i] stays.");
}

TEST_CASE("any bytes are facts of nothing or something, never a crash") {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 7919) >> 3);
  CHECK_NOTHROW(facts_of(bytes));
}

}  // namespace slipway::rag
