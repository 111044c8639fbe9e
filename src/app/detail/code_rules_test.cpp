#include "app/detail/code_rules.hpp"

#include <doctest/doctest.h>

namespace slipway::app::detail {

namespace {

/// "key=score(comment)" of each, or the error.
std::string read(const std::string& json) {
  const auto all = read_judgements(*agents::parse_json(json));
  if (!all) return all.error().message();
  std::string told;
  for (const trace::Judgement& one : *all) {
    told += told.empty() ? "" : " ";
    told += one.key + "=";
    told += one.value.is_null() ? (one.score ? fmt::format("{}", *one.score) : "none")
                                : json::dump(one.value);
    if (!one.comment.empty()) told += "(" + one.comment + ")";
  }
  return told;
}

}  // namespace

TEST_CASE("what code returns is read as LangSmith reads it") {
  CHECK(read("1") == "=1");
  CHECK(read("true") == "=1");
  CHECK(read("0.25") == "=0.25");
  CHECK(read("null").empty());
  CHECK(read(R"({"score": false, "comment": "rude"})") == "=0(rude)");
  CHECK(read(R"({"key": "polite", "score": 0.5, "reasoning": "so so"})") == "polite=0.5(so so)");
  CHECK(read(R"({"key": "tone", "value": "kind"})") == "tone=\"kind\"");
  CHECK(read(R"({"key": "tone", "score": null, "value": "kind"})") == "tone=\"kind\"");
  CHECK(read(R"({"key": "tone", "score": null})") == "tone=none");
  CHECK(read(R"({"polite": true, "brief": 0.5, "comment": "c"})") == "polite=1(c) brief=0.5(c)");
  CHECK(read(R"({"results": [{"key": "a", "score": 1}, {"b": 0}]})") == "a=1 b=0");
  CHECK(read(R"([{"key": "a", "score": 1}, 0])") == "a=1 =0");
  CHECK(read(R"("good")").find("perform_eval returned \"good\"") == 0);
  CHECK(read(R"({"score": [1]})").find("perform_eval returned [1]") == 0);
}

TEST_CASE("code is given the run, and asked for its function when its rule is made") {
  agents::CodeBody seen;
  agents::Value args;
  agents::Outcome<agents::Value> reply = agents::Value(true);
  const trace::RunScorer scorer = code_rules(
      [&](const Context&, const agents::CodeBody& body, const agents::Value& given) {
        seen = body;
        args = given;
        return reply;
      },
      [](const Context&, const trace::Run& run) -> Result<std::string> {
        return R"({"name": ")" + run.name + "\"}";
      });
  const trace::Evaluator evaluator{.kind = trace::EvaluatorKind::code, .code = "x = 1"};
  CHECK(scorer.check(Context(), evaluator).ok());
  CHECK(seen.source.find("x = 1\n") == 0);
  reply = agents::Value(false);
  CHECK(scorer.check(Context(), evaluator).error().code() == Code::invalid_argument);
  reply = agents::Failure{"refused", "no jail"};
  CHECK(scorer.check(Context(), evaluator).error().code() == Code::unsupported);
  reply = agents::Value(0.5);
  trace::Run run;
  run.name = "asked";
  const auto scored = scorer.score(Context(), evaluator, run);
  REQUIRE(scored.ok());
  CHECK(scored->front().score == 0.5);
  CHECK(args.at("run").at("name") == agents::Value("asked"));
  reply = agents::Failure{"timeout", "too long"};
  CHECK(scorer.score(Context(), evaluator, run).error().code() == Code::deadline_exceeded);
}

}  // namespace slipway::app::detail
