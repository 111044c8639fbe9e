#include "eval/local_evidence.hpp"

#include <doctest/doctest.h>

#include "core/pool.hpp"
#include "models/scripted.hpp"

namespace slipway::eval {

namespace {

const std::vector<std::string> handbook{
    "Traces are kept for 30 days. After that they are deleted from disk. The server listens on "
    "port 8080 and needs a key for every request.",
    "Anna Keller founded the company in Bern in 1998. Her brother Paul joined the company later "
    "and opened an office in Vienna."};

SentenceEvidence of(const std::string& claim, const std::vector<std::string>& passages = handbook,
                    models::Embedder* embedder = nullptr) {
  const LocalEvidence evidence(embedder);
  return *evidence.support_of(Context(), claim, passages);
}

double support(const std::string& claim) { return of(claim).support; }

}  // namespace

TEST_CASE("what is copied is supported and what is made up is not") {
  CHECK(support("Traces are kept for 30 days.") > 0.8);
  CHECK(support("After that they are deleted from disk.") > 0.8);
  CHECK(support("Penguins hunt squid below the antarctic ice.") < 0.05);
  CHECK(support("Traces are kept for 30 days.") >
        support("Traces are kept for 30 days and penguins hunt squid."));
}

TEST_CASE("an altered number, name or negation weakens support and is told") {
  CHECK(support("Traces are kept for 45 days.") < support("Traces are kept for 30 days."));
  CHECK(of("Traces are kept for 45 days.").why == "number '45' is not in the passages");
  CHECK(of("In Bern the founder was Carla.").why == "name 'Carla' is not in the passages");
  CHECK(support("Traces are not kept for 30 days.") < support("Traces are kept for 30 days."));
  CHECK(of("Traces are not kept for 30 days.").why ==
        "it denies something that the passages do not deny");
  CHECK(of("Traces are kept for thirty days.").why.empty());
}

TEST_CASE("a name of another place does not fit where it stands") {
  CHECK(support("In 1998 Anna Keller founded the company in Vienna.") <
        support("In 1998 Anna Keller founded the company in Bern."));
}

TEST_CASE("contradiction needs passages that say otherwise: silence is none") {
  CHECK(of("Traces are kept for 45 days.").contradiction > 0.5);
  CHECK(of("Traces are not kept for 30 days.").contradiction > 0.5);
  CHECK(of("Traces are kept for 30 days.").contradiction == 0);
  CHECK(of("Penguins hunt 12 squid.").contradiction == 0);
}

TEST_CASE("the window that carries a sentence is where it stands") {
  const SentenceEvidence found = of("The company was founded in Bern.");
  REQUIRE(found.passage == 1);
  CHECK(handbook[1].substr(found.window_start, found.window_end - found.window_start) ==
        "Anna Keller founded the company in Bern in 1998.");
  CHECK_FALSE(of("Penguins hunt squid.").passage.has_value());
}

TEST_CASE(
    "every sentence of an answer has its entry with its bytes; marks of citation say nothing") {
  const std::string answer = "Traces are kept for 30 days [1]. Anna founded the company [2].";
  const LocalEvidence evidence;
  const auto sentences = *evidence.support(Context(), answer, handbook);
  REQUIRE(sentences.size() == 2);
  CHECK(answer.substr(sentences[0].byte_start, sentences[0].byte_end) ==
        "Traces are kept for 30 days [1].");
  CHECK(sentences[0].support == support("Traces are kept for 30 days."));
  CHECK(sentences[0].why.empty());
  CHECK(mean_support(sentences).value() ==
        doctest::Approx((sentences[0].support + sentences[1].support) / 2));
  CHECK(mean_not_contradicted(sentences).value() == 1);
}

TEST_CASE("an answer without sentences has no mean, and without passages there is no support") {
  const LocalEvidence evidence;
  CHECK(evidence.support(Context(), " \n", handbook)->empty());
  CHECK_FALSE(mean_support({}).has_value());
  CHECK_FALSE(mean_not_contradicted({}).has_value());
  CHECK(of("Traces are kept for 30 days.", {}).support < 0.05);
  CHECK(of("Traces are kept for 30 days.", {"", "  "}).support < 0.05);
  CHECK(of("", handbook).support == 0);
}

TEST_CASE("a sentence in the midst of a long document is found as well as in a short one") {
  std::vector<std::string> pages;
  for (int i = 0; i < 300; ++i)
    pages.push_back("Chapter " + std::to_string(i) +
                    " speaks of ships, harbours and the people who load them at night. "
                    "Nobody knows how many crates went over the quay that year.");
  pages[200] += " " + handbook[0];
  CHECK(of("Traces are kept for 30 days.", pages).support > 0.8);
  CHECK(of("Traces are kept for 30 days.", pages).passage == 200);
  CHECK(of("The people of the harbour keep traces of every key.", pages).support < 0.5);
}

TEST_CASE("an embedder adds what words do not show, and the same text has the same bits") {
  models::ScriptedEmbedder embedder;
  const std::string claim = "Traces are kept for 30 days.";
  const LocalEvidence with(&embedder);
  CHECK(with.has_embedder());
  CHECK(with.identity() != LocalEvidence().identity());
  const double first = with.support_of(Context(), claim, handbook)->support;
  CHECK(first > 0.8);
  std::vector<double> supports(64);
  const auto done = parallel_for(Context(), supports.size(), 4, [&](std::size_t i) -> Result<void> {
    supports[i] = TRY(with.support_of(Context(), claim, handbook)).support;
    return {};
  });
  REQUIRE(static_cast<bool>(done));
  for (const double one : supports) CHECK(one == first);
}

TEST_CASE("a text that answers the question is relevant, another is not") {
  const std::string question = "How long are traces kept?";
  models::ScriptedEmbedder embedder;
  for (models::Embedder* model :
       {static_cast<models::Embedder*>(nullptr), static_cast<models::Embedder*>(&embedder)}) {
    const LocalEvidence evidence(model);
    const auto relevance =
        *evidence.relevance(Context(), question, {"Traces are kept for 30 days.", "It rains."});
    CHECK(relevance[0] > 0.5);
    CHECK(relevance[1] < 0.2);
    CHECK(evidence.relevance(Context(), question, {})->empty());
  }
}

TEST_CASE("scripts without spaces are compared by character") {
  const std::vector<std::string> passages{"日志保存三十天。服务器监听端口。"};
  CHECK(of("日志保存三十天。", passages).support > 0.7);
  CHECK(of("企鹅在冰下捕食鱿鱼。", passages).support < 0.3);
}

TEST_CASE("any bytes are evidence of nothing or something, never a crash") {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 7919) >> 3);
  const LocalEvidence evidence;
  CHECK(static_cast<bool>(evidence.support(Context(), bytes, {bytes, handbook[0]})));
  CHECK(static_cast<bool>(evidence.support_of(Context(), std::string(5000, '['), {bytes})));
  CHECK(static_cast<bool>(evidence.relevance(Context(), bytes, {bytes})));
}

TEST_CASE("a very long sentence of many words stays within its limits") {
  std::string words;
  for (int i = 0; i < 20000; ++i) words += "word" + std::to_string(i % 700) + " ";
  CHECK(of(words, {words}).support > 0.5);
  std::string same;
  for (int i = 0; i < 200'000; ++i) same += "x ";
  CHECK(of(same, {same}).support > 0);
  const std::string marks = "[1] " + same + std::string(100'000, '[');
  CHECK(of(marks, {marks}).support > 0);
}

TEST_CASE("what nobody waits for any more is not compared") {
  std::stop_source stop;
  stop.request_stop();
  const LocalEvidence evidence;
  const auto stopped = evidence.support(Context(stop.get_token()), "Kept.", handbook);
  REQUIRE_FALSE(static_cast<bool>(stopped));
  CHECK(stopped.error().code() == Code::cancelled);
}

TEST_CASE("the description tells weights, data and agreement") {
  const std::string text = describe_local_evidence();
  for (const char* part : {"weights version", "unigrams", "meaning", "BEGIN dev", "AUC"})
    CHECK(text.find(part) != std::string::npos);
}

}  // namespace slipway::eval
