// What judges reply, what files of goldens and suites hold and what requests for scores say is
// broken in a thousand ways: it is read or refused, never more. SLIPWAY_FUZZ_ROUNDS makes it many.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>

#include "core/json_members.hpp"
#include "core/unicode.hpp"
#include "eval/golden_files.hpp"
#include "eval/metric.hpp"
#include "eval/score_request.hpp"
#include "eval/suite.hpp"

namespace slipway::eval {

namespace {

int rounds() {
  constexpr int usual = 400;
  const char* const asked = std::getenv("SLIPWAY_FUZZ_ROUNDS");
  return asked != nullptr ? std::atoi(asked) : usual;
}

/// Seeded; the same texts on every machine.
class Breaker {
 public:
  std::string broken(std::string text) {
    const std::size_t changes = 1 + draw(4);
    for (std::size_t i = 0; i < changes; ++i) change(text);
    return text;
  }
  std::size_t draw(std::size_t below) { return static_cast<std::size_t>(random_() % below); }

 private:
  void change(std::string& text) {
    static constexpr std::string_view pieces[] = {"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  "\"",
                                                  "\\",
                                                  ",",
                                                  ":",
                                                  "null",
                                                  "true",
                                                  "-1",
                                                  "1e999",
                                                  "NaN",
                                                  "\\ud800",
                                                  "\xff\xfe",
                                                  "\xc3",
                                                  "```",
                                                  "\n- ",
                                                  "&a *a",
                                                  "!!x",
                                                  "|",
                                                  ";",
                                                  "\r\n",

                                                  "9223372036854775808",
                                                  "0.1e-400",
                                                  "{\"verdict\": 7}",
                                                  "<<: *b",
                                                  "\t"};
    const std::size_t at = draw(text.size() + 1);
    switch (draw(5)) {
      case 0: text.insert(at, pieces[draw(std::size(pieces))]); break;
      case 1: text.erase(at, draw(20)); break;
      case 2: text.insert(at, text.substr(draw(text.size() + 1), draw(60))); break;
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(draw(256));
        break;
      default: text.resize(at);
    }
  }
  std::mt19937_64 random_{20261129};
};

struct Asked {
  std::string_view metric, replies;
};
constexpr Asked judged[] = {
    {R"({"name":"faithfulness","mode":"native"})", R"("claims":[%A],"verdicts":[%B])"},
    {R"({"name":"faithfulness","mode":"deepeval"})",
     R"("truths":[%A],"claims":[%A],"verdicts":[%B])"},
    {R"({"name":"groundedness","mode":"native"})", R"("sentences":[%B])"},
    {R"({"name":"g_eval","mode":"native","criteria":"c","evaluation_steps":["s"]})",
     R"("score":[%A],"logprobs":[[{"token":"8","top_logprobs":[{"token":"8","logprob":-0.1}]}]])"},
    {R"({"name":"answer_correctness","mode":"ragas"})",
     R"("statements":[%A,%A],"classification":[%B],"embeddings":{"o":[1,2],"e":[1,2]})"},
    {R"({"name":"task_completion","mode":"native"})", R"("task":[%A],"verdict":[%B])"},
    {R"({"name":"noise_sensitivity","mode":"ragas"})",
     R"("statements":[%A,%A],"verdicts":[%B,%B,%B,%B])"}};

std::string replaced(std::string_view text, std::string_view what, const std::string& by) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find(what, at)) != std::string::npos; at += by.size())
    out.replace(at, what.size(), by);
  return out;
}

std::string valid(std::string text) {
  if (unicode::is_valid_utf8(text)) return text;
  std::erase_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0x80u) != 0; });
  return text;
}

/// Two of each, so that one that cannot be read is asked for again.
std::string reply_list(Breaker& breaker, std::string_view reply) {
  std::string list;
  for (int i = 0; i < 2; ++i) {
    const std::string text = valid(breaker.broken(std::string(reply)));
    list += (i > 0 ? "," : "") + json::dump(json::Value(boost::json::string(text)));
  }
  return list;
}

}  // namespace

TEST_CASE("whatever a judge replies, a score is a number, nothing or an error") {
  Breaker breaker;
  ScoreDesk desk({});
  int scored = 0;
  for (int i = 0; i < rounds(); ++i) {
    const Asked& asked = judged[breaker.draw(std::size(judged))];
    std::string replies = replaced(
        asked.replies, "%A",
        reply_list(breaker, R"({"claims":["o"],"statements":["o"],"score":8,"reason":"r"})"));
    replies = replaced(
        replies, "%B",
        reply_list(breaker,
                   R"({"verdicts":[{"verdict":"yes","claim":0,"score":3,"quote":"p"}],)"
                   R"("sentences":[{"sentence":0,"score":3,"quotes":["p"]}],"TP":["o"]})"));
    const std::string line = fmt::format(
        R"({{"id":"{}","metric":{},"case":{{"input":"q","actual_output":"o","expected_output":"e",)"
        R"("retrieval_context":["p"],"context":["p"]}},"replies":{{{}}}}})",
        i, asked.metric, replies);
    CAPTURE(line);
    std::string answer;
    if (!desk.answer(Context(), line, answer)) continue;
    const auto given = json::parse(answer);
    REQUIRE(given.ok());
    const json::Value& score = given->at("score");
    REQUIRE((score.is_null() || std::isfinite(score.to_number<double>())));
    ++scored;
  }
  CHECK(scored > 0);
}

TEST_CASE("broken requests for scores are answered or refused") {
  Breaker breaker;
  ScoreDesk desk({});
  const std::string whole =
      R"({"id":"a","metric":{"name":"tool_correctness","options":{"threshold":0.5}},"case":)"
      R"({"input":"q","actual_output":"o","expected_output":"e","retrieved_ids":["a"],"relevance":)"
      R"({"a":1},"tools_called":[{"name":"t","input_parameters":{"a":1}}],"expected_tools":)"
      R"([{"name":"t"}],"metadata":{"document":"d"}}})";
  for (int i = 0; i < rounds(); ++i) {
    std::string answer;
    const auto done = desk.answer(Context(), breaker.broken(whole), answer);
    if (done) CHECK(json::is_valid(answer));
  }
}

TEST_CASE("broken files of goldens are read or refused, and what is read can be written") {
  Breaker breaker;
  const std::pair<std::string_view, std::string_view> files[] = {
      {"g.jsonl",
       "{\"input\":\"q\",\"expected_output\":\"e\",\"tools_called\":[{\"name\":\"t\"}]}\n"
       "{\"input\":\"r\",\"relevance\":{\"a\":1}}\n"},
      {"g.csv",
       "input,expected_output,context,tools_called\r\n\"a \"\"b\"\"\",c,x|y,t;u\r\nd,e,,\r\n"},
      {"g.json", R"([{"input":"q","actual_output":"a","additional_metadata":{"k":1}}])"},
      {"g.jsonl",
       R"({"user_input":"q","response":"a","retrieved_contexts":["c"],"reference":"r"})"},
      {"g.jsonl",
       R"({"inputs":{"question":"q"},"outputs":{"answer":"a"},"metadata":{},"split":"s"})"},
      {"g.json", R"({"data":[{"title":"t","paragraphs":[{"context":"c","qas":[{"question":"q",)"
                 R"("id":"1","answers":[{"text":"c","answer_start":0}]}]}]}]})"},
      {"p.yaml", "tests:\n- vars: {question: q}\n  assert:\n  - {type: equals, value: v}\n"}};
  for (int i = 0; i < rounds(); ++i) {
    const auto& [name, text] = files[breaker.draw(std::size(files))];
    const std::string broken = breaker.broken(std::string(text));
    CAPTURE(broken);
    const auto read = read_goldens(broken, name);
    if (!read) continue;
    const auto written = write_goldens(read->goldens, GoldenFormat::native, GoldenLayout::jsonl);
    REQUIRE(written.ok());
    if (read->goldens.empty()) continue;
    const auto again = read_goldens(*written, "g.jsonl", GoldenFormat::native);
    REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.error().message()));
    CHECK(version_of(again->goldens) == version_of(read->goldens));
  }
}

TEST_CASE("broken suites are read or refused") {
  Breaker breaker;
  const std::string whole =
      "name: s\ndataset: g.jsonl\ncluster: document\ntarget: {rag: c, limit: 3}\n"
      "judge: {model: m, budget: {calls: 3}}\nrepeats: 2\nmetrics:\n"
      "  - {name: faithfulness, mode: local, threshold: 0.7, margin: 0.03}\n"
      "  - {name: hit_at_k, as: h, k: 3, min_pass_rate: 0.8}\n"
      "robustness: [typos]\nsweep: {chunk_size: [100, 200], search: [hybrid]}\n";
  for (int i = 0; i < rounds(); ++i) {
    const auto suite = parse_suite(breaker.broken(whole));
    if (!suite) {
      CHECK(!suite.error().message().empty());
      continue;
    }
    for (const SuiteMetric& metric : suite->metrics) (void)make_metric(metric.spec, {});
  }
}

}  // namespace slipway::eval
