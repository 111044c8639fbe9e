// The lines that the contract works out, and what happens where there is nothing to score.
#include "eval/metric.hpp"

#include <doctest/doctest.h>

#include "eval/score_request.hpp"

namespace slipway::eval {

namespace {

Result<json::Object> answer(std::string_view request) {
  std::string text;
  TRY(ScoreDesk({}).answer(Context(), request, text));
  const auto value = json::parse(text);
  REQUIRE_MESSAGE(value.ok(), text);
  return value->get_object();
}

json::Object answered(std::string_view request) {
  auto given = answer(request);
  REQUIRE_MESSAGE(given.ok(), (given.ok() ? "" : given.error().message()));
  return *given;
}

double score(std::string_view request) {
  const json::Object given = answered(request);
  REQUIRE_MESSAGE(given.at("score").is_number(), json::dump(given));
  return given.at("score").to_number<double>();
}

std::string refusal(std::string_view request) {
  const auto given = answer(request);
  REQUIRE(!given.ok());
  return given.error().message();
}

/// A request of metric `metric` (JSON), golden members and replies, both without their braces.
std::string asking(std::string_view metric, std::string_view golden, std::string_view replies) {
  return fmt::format(R"({{"id":"w","metric":{},"case":{{"input":"q",{}}},"replies":{{{}}}}})",
                     metric, golden, replies);
}

constexpr std::string_view output_and_context =
    R"("actual_output":"A b c.","retrieval_context":["d"])";

std::string faithfulness(std::string_view options, std::string_view replies) {
  return asking(fmt::format(R"({{"name":"faithfulness",{}}})", options), output_and_context,
                replies);
}

doctest::Approx about(double value) { return doctest::Approx(value).epsilon(1e-4); }

}  // namespace

TEST_CASE("five claims, three supported, one contradicted, one unverifiable") {
  const std::string native =
      R"("claims":["{\"claims\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}"],)"
      R"("verdicts":["{\"verdicts\":[\"supported\",\"supported\",\"supported\",\"contradicted\",)"
      R"(\"unverifiable\"]}"])";
  CHECK(score(faithfulness(R"("mode":"native")", native)) == about(0.6));
  CHECK(score(faithfulness(R"("form":"not_contradicted")", native)) == about(0.8));
  const std::string deepeval =
      R"("claims":["{\"claims\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}"],)"
      R"("verdicts":["{\"verdicts\":[\"yes\",\"yes\",\"yes\",\"no\",\"borderline\"]}"])";
  CHECK(score(faithfulness(R"("mode":"deepeval")", deepeval)) == about(0.8));
  CHECK(score(faithfulness(R"("mode":"deepeval","options":{"penalize_ambiguous_claims":true})",
                           deepeval)) == about(0.6));
  const std::string ragas =
      R"("statements":["{\"statements\":[\"a\",\"b\",\"c\",\"d\",\"e\"]}"],)"
      R"("verdicts":["{\"statements\":[{\"verdict\":1},{\"verdict\":1},{\"verdict\":1},)"
      R"({\"verdict\":0},{\"verdict\":0}]}"])";
  CHECK(score(faithfulness(R"("mode":"ragas")", ragas)) == about(0.6));
}

TEST_CASE("answer relevancy drops verdicts outside the vocabulary and forgives no noncommittal") {
  CHECK(
      score(asking(R"({"name":"answer_relevancy","mode":"deepeval"})", R"("actual_output":"o")",
                   R"("statements":["{\"statements\":[\"a\",\"b\",\"c\",\"d\"]}"],)"
                   R"("verdicts":["{\"verdicts\":[\"yes\",\"no\",\"borderline\",\"maybe\"]}"])")) ==
      about(0.6667));
  const auto ragas = [](int first, int others) {
    std::string questions;
    for (int i = 0; i < 3; ++i)
      questions += fmt::format(R"({}"{{\"question\":\"{}\",\"noncommittal\":{}}}")",
                               i > 0 ? "," : "", i, i == 0 ? first : others);
    return asking(R"({"name":"answer_relevancy","mode":"ragas"})", R"("actual_output":"o")",
                  fmt::format(R"("questions":[{}],"embeddings":{{"q":[1,0],)"
                              R"("0":[0.9,0.43588989],"1":[0.8,0.6],"2":[0.7,0.71414284]}})",
                              questions));
  };
  CHECK(score(ragas(1, 0)) == about(0.8));
  CHECK(score(ragas(1, 1)) == 0);
}

TEST_CASE("contextual metrics of the worked lines") {
  const std::string context =
      R"("expected_output":"One is here. Two is there. Three is gone.",)"
      R"("actual_output":"o","retrieval_context":["a","b","c"],"context":["a","b","c"])";
  const std::string verdicts = R"("verdicts":["{\"verdicts\":[\"yes\",\"no\",\"yes\"]}"])";
  CHECK(score(asking(R"({"name":"contextual_precision"})", context, verdicts)) == about(0.8333));
  CHECK(score(asking(R"({"name":"contextual_recall"})", context, verdicts)) == about(0.6667));
  CHECK(score(asking(R"({"name":"hallucination"})", context, verdicts)) == about(0.6667));
  CHECK(score(asking(R"({"name":"hallucination"})", context,
                     R"("verdicts":["{\"verdict\":\"yes\"}","{\"verdict\":\"no\"}",)"
                     R"("{\"verdict\":\"yes\"}"])")) == about(0.6667));
  CHECK(score(asking(R"({"name":"contextual_relevancy"})", R"("retrieval_context":["a","b"])",
                     R"("verdicts":["{\"verdicts\":[\"yes\",\"yes\",\"no\"]}",)"
                     R"("{\"verdicts\":[\"no\"]}"])")) == about(0.5));
  const std::string ids = R"("retrieved_ids":["a","b","a","c"],"relevance":{"a":1,"d":1})";
  CHECK(score(asking(R"({"name":"contextual_precision","form":"ids"})", ids, "")) ==
        about(1.0 / 3));
  CHECK(score(asking(R"({"name":"contextual_recall","form":"ids","mode":"ragas"})", ids, "")) ==
        about(0.5));
}

TEST_CASE("groundedness counts a grade only with a quote that is found byte by byte") {
  const std::string golden =
      R"("actual_output":"Red boats sail. Blue boats row. Green boats sink.",)"
      R"("retrieval_context":["All red boats sail.","Blue boats are rowed."])";
  CHECK(score(asking(R"({"name":"groundedness"})", golden,
                     R"("sentences":["{\"sentences\":[{\"sentence\":0,\"score\":3,\"quote\":)"
                     R"(\"red boats sail\"},{\"sentence\":1,\"score\":2,\"quote\":\"Blue boats\"},)"
                     R"({\"sentence\":2,\"score\":0}]}"])")) == about(0.5556));
  const json::Object given =
      answered(asking(R"({"name":"groundedness"})", golden,
                      R"("sentences":["{\"sentences\":[{\"sentence\":0,\"score\":3,\"quote\":)"
                      R"(\"Red boats sail\"},{\"sentence\":1,\"kind\":\"abstention\"},)"
                      R"({\"sentence\":2,\"kind\":\"trivial\"}]}"])"));
  CHECK(given.at("score").to_number<double>() == about(0.5));
  CHECK(given.at("items").at(0).at("reason") ==
        "the quoted evidence does not stand in the passages");
  CHECK(given.at("items").at(1).at("span").at(0) == 16);
  CHECK(answered(asking(R"({"name":"groundedness"})", golden,
                        R"("sentences":["{\"sentences\":[{\"trivial\":true}]}"])"))
            .at("score")
            .is_null());
}

TEST_CASE("g_eval weighs the last token of the score") {
  const std::string logprobs =
      R"([{"token":"8","top_logprobs":[{"token":"1","logprob":0}]},{"token":"8","top_logprobs":[)"
      R"({"token":"8","logprob":-0.51082562},{"token":"7","logprob":-1.2039728},)"
      R"({"token":"9","logprob":-2.99573227},{"token":" the","logprob":-3.21887582},)"
      R"({"token":"3","logprob":-5.52146092}]}])";
  CHECK(score(asking(R"({"name":"g_eval","criteria":"c"})", R"("actual_output":"o")",
                     R"("score":["{\"score\":8,\"reason\":\"r\"}"],"logprobs":[)" + logprobs +
                         "]")) == doctest::Approx(0.7736842));
  CHECK(refusal(asking(R"({"name":"g_eval"})", R"("actual_output":"o")", "")) ==
        "$.metric: metric 'g_eval' needs the option criteria, or evaluation_steps");
}

TEST_CASE("correctness of the worked lines") {
  const std::string texts =
      R"("actual_output":"o","expected_output":"e","retrieval_context":["c"])";
  CHECK(score(asking(R"({"name":"answer_correctness"})", texts,
                     R"("statements":["{\"statements\":[\"a\"]}","{\"statements\":[\"b\"]}"],)"
                     R"("classification":["{\"TP\":[\"a\",\"b\"],\"FP\":[\"c\"],\"FN\":[\"d\"]}"],)"
                     R"("embeddings":{"o":[0.8,0.6],"e":[1,0]})")) == about(0.7));
  CHECK(score(asking(
            R"({"name":"factual_correctness"})", texts,
            R"("claims_of_output":["{\"claims\":[\"a\",\"b\",\"c\"]}"],"verdicts_of_output":)"
            R"(["{\"statements\":[{\"verdict\":1},{\"verdict\":1},{\"verdict\":0}]}"],)"
            R"("claims_of_expected":["{\"claims\":[\"a\",\"b\"]}"],"verdicts_of_expected":)"
            R"(["{\"statements\":[{\"verdict\":1},{\"verdict\":0}]}"])")) == about(0.67));
  CHECK(score(asking(R"({"name":"noise_sensitivity"})", texts,
                     R"("statements":["{\"statements\":[\"e\"]}",)"
                     R"("{\"statements\":[\"a\",\"b\",\"c\",\"d\"]}"],"verdicts":[)"
                     R"("{\"statements\":[{\"verdict\":1}]}",)"
                     R"("{\"statements\":[{\"verdict\":1},{\"verdict\":0},{\"verdict\":1},)"
                     R"({\"verdict\":1}]}",)"
                     R"("{\"statements\":[{\"verdict\":0},{\"verdict\":0},{\"verdict\":1},)"
                     R"({\"verdict\":1}]}"])")) == about(0.25));
}

TEST_CASE("citations of the worked line") {
  const std::string golden = R"("actual_output":"A[1][2]. B.","retrieval_context":["x","y"])";
  const std::string replies =
      R"("entailment":[{"sentence":0,"citations":[1,2],"reply":"{\"entailed\":1}"},)"
      R"({"sentence":0,"citations":[1],"reply":"{\"entailed\":1}"},)"
      R"({"sentence":0,"citations":[2],"reply":"{\"entailed\":0}"}])";
  CHECK(score(asking(R"({"name":"citation_recall"})", golden, replies)) == about(0.5));
  CHECK(score(asking(R"({"name":"citation_precision"})", golden, replies)) == about(0.5));
}

TEST_CASE("tools and tasks of the worked lines") {
  CHECK(score(asking(R"({"name":"tool_correctness","evaluation_params":["input_parameters"]})",
                     R"("expected_tools":[{"name":"search","input_parameters":{"q":1,"day":2}}],)"
                     R"("tools_called":[{"name":"search","input_parameters":{"q":1.0,"day":3}}])",
                     "")) == about(0.5));
  CHECK(score(asking(R"({"name":"task_completion"})", R"("actual_output":"o")",
                     R"("verdict":["{\"verdicts\":[\"yes\",\"yes\",\"no\",\"yes\"]}"])")) ==
        about(0.75));
  CHECK(score(asking(R"({"name":"task_completion","criteria":["a","b","c","d"]})",
                     R"("actual_output":"o")",
                     R"("verdict":["{\"verdict\":\"yes\"}","{\"verdict\":\"no\"}",)"
                     R"("{\"verdict\":\"yes\"}","{\"verdict\":\"yes\"}"])")) == about(0.75));
}

TEST_CASE("retrieval and texts of the worked lines") {
  const std::string ranking = R"("retrieved_ids":["a","b","c"],"relevance":{"a":1,"c":2,"d":1})";
  const auto at = [&](std::string_view name) {
    return score(asking(fmt::format(R"({{"name":"{}","k":3}})", name), ranking, ""));
  };
  CHECK(at("precision_at_k") == about(2.0 / 3));
  CHECK(at("recall_at_k") == about(2.0 / 3));
  CHECK(at("hit_at_k") == 1);
  CHECK(at("mrr") == 1);
  CHECK(at("average_precision") == about(0.5556));
  CHECK(at("ndcg_at_k") == about(0.6388));
  const auto text = [](std::string_view name, std::string_view given, std::string_view wanted) {
    return score(
        asking(fmt::format(R"({{"name":"{}"}})", name),
               fmt::format(R"("actual_output":"{}","expected_output":"{}")", given, wanted), ""));
  };
  CHECK(text("exact_match", "The red boat!", "red boats") == 0);
  CHECK(text("token_f1", "The red boat!", "red boats") == about(0.5));
  CHECK(text("rouge_l", "a b c d", "a c e") == about(0.5714));
  CHECK(text("exact_match", "The", "an") == 1);
  CHECK(text("token_f1", "The", "an") == 0);
}

TEST_CASE("what cannot be scored is null and says why") {
  for (const auto& [request, reason] : std::vector<std::pair<std::string, std::string>>{
           {asking(R"("faithfulness")", R"("actual_output":"o")", ""),
            "needs retrieval_context or context"},
           {asking(R"("exact_match")", R"("actual_output":"o")", ""), "needs expected_output"},
           {asking(R"("latency")", R"("cost_usd":1)", ""), "needs latency_ms"},
           {asking(R"("recall_at_k")", R"("retrieved_ids":["a"],"relevance":{"b":0})", ""),
            "no document is relevant"},
           {asking(R"("citation_precision")", R"("actual_output":"No citation here.")", ""),
            "the output cites nothing"},
           {faithfulness(R"("mode":"ragas")", R"("statements":["{\"statements\":[]}"])"),
            "the output has no statement"}}) {
    const json::Object given = answered(request);
    CHECK(given.at("score").is_null());
    CHECK(given.at("pass").is_null());
    CHECK(std::string(given.at("reason").as_string()) == reason);
  }
}

TEST_CASE("a reply that cannot be read is asked for once more, then the case is an error") {
  const std::string verdicts = R"("verdicts":["{\"verdicts\":[\"supported\"]}"])";
  CHECK(score(faithfulness(R"("mode":"native")",
                           R"("claims":["nothing","{\"claims\":[\"a\"]}"],)" + verdicts)) == 1);
  CHECK(refusal(
            faithfulness(R"("mode":"native")", R"("claims":["nothing","nothing"],)" + verdicts)) ==
        "case 'w', faithfulness, step 'claims': the reply holds no JSON object: 'nothing'");
  CHECK(refusal(faithfulness(R"("mode":"native")", R"("claims":["nothing"],)" + verdicts)) ==
        "case 'w', faithfulness, step 'claims': the reply holds no JSON object: 'nothing'");
  CHECK(refusal(faithfulness(R"("mode":"native","as":"mine")", verdicts)) ==
        "case 'w', mine: there is no scripted reply 0 to step 'claims'");
  CHECK(refusal(faithfulness(R"("mode":"native")",
                             R"("claims":["{\"claims\":[\"a\",\"b\"]}"],)" + verdicts))
            .find("claim 1 of 2 has no verdict") != std::string::npos);
}

TEST_CASE("thresholds, strict mode and lower is better") {
  const auto passes = [](std::string_view metric, std::string_view golden) {
    return answered(asking(metric, golden, "")).at("pass");
  };
  const std::string half = R"("retrieved_ids":["a","b"],"relevance":{"a":1})";
  CHECK(passes(R"({"name":"precision_at_k","k":2})", half) == true);
  CHECK(passes(R"({"name":"precision_at_k","k":2,"threshold":0.6})", half) == false);
  const json::Object strict =
      answered(asking(R"({"name":"precision_at_k","k":2,"strict_mode":true})", half, ""));
  CHECK(strict.at("score") == 0.0);
  CHECK(strict.at("pass") == false);
  CHECK(passes(R"("latency")", R"("latency_ms":120)").is_null());
  CHECK(passes(R"({"name":"latency","threshold":100})", R"("latency_ms":120)") == false);
  CHECK(passes(R"({"name":"latency","threshold":120})", R"("latency_ms":120)") == true);
}

TEST_CASE("a wrong request is refused by its path, with the nearest word") {
  CHECK(refusal(R"([])") == "$: expected an object, got []");
  CHECK(refusal(R"({"metric":"mrr"})") == "$.case: is required");
  CHECK(refusal(R"({"metric":"mrr","case":{}})") == "$.case.input: is required");
  CHECK(refusal(R"({"metric":"mrr","case":{"input":"a"},"repplies":1})") ==
        "$.repplies: unknown key; did you mean 'replies'?");
  CHECK(refusal(R"({"metric":"faithfulnes","case":{"input":"a"}})") ==
        "$.metric: there is no metric 'faithfulnes'; did you mean 'faithfulness'?");
  CHECK(refusal(R"({"metric":{"name":"mrr","kk":3},"case":{"input":"a"}})") ==
        "$.metric: metric 'mrr' has no option 'kk'; did you mean 'k'?");
  CHECK(refusal(R"({"metric":{"name":"mrr","k":0},"case":{"input":"a"}})") ==
        "$.metric: metric 'mrr', option 'k': expected a whole number in 1..1000000, got 0");
  CHECK(refusal(R"({"metric":{"name":"mrr","mode":"deepeval"},"case":{"input":"a"}})") ==
        "$.metric: metric 'mrr' has no mode 'deepeval'; it has: native, local");
  CHECK(refusal(R"({"metric":{"name":"faithfulness","mode":"native"},"case":{"input":"a"}})") ==
        "$.metric: metric 'faithfulness' in mode native asks a judge and there is none; give a "
        "judge, or use mode local");
  CHECK(refusal(R"({"metric":{"name":"g_eval","criteria":"c","score_range":[4,4]},)"
                R"("case":{"input":"a"},"replies":{}})") ==
        "$.metric: metric 'g_eval', option 'score_range': expected [low, high] with low below "
        "high, got [4,4]");
}

TEST_CASE("every metric says what it is") {
  for (const MetricInfo& info : all_metrics()) {
    CAPTURE(info.name);
    CHECK(!info.summary.empty());
    CHECK(!info.source.empty());
    CHECK(info.find(Mode::local) != nullptr);
    for (const ModeInfo& mode : info.modes) CHECK(!mode.formula.empty());
    CHECK(find_metric(info.name) == &info);
  }
  CHECK(find_metric("none") == nullptr);
}

TEST_CASE("a golden that follows itself is the same golden, under its own name each time") {
  ScoreDesk desk({});
  const auto ask = [&](std::string_view request) {
    std::string text;
    const auto given = desk.answer(Context(), request, text);
    return given ? text : given.error().message();
  };
  const std::string golden = R"({"input":"q","actual_output":"a b","expected_output":"a"})";
  const std::string other = R"({"input":"q","actual_output":"a","expected_output":"a"})";
  const auto of = [](std::string_view id, std::string_view text) {
    return fmt::format(R"({{"id":"{}","metric":"rouge_1","case":{}}})", id, text);
  };
  for (const std::string& line :
       {of("1", golden), of("2", golden), of("3", other), of("4", golden)}) {
    CAPTURE(line);
    CHECK(ask(line) == json::dump(answered(line)));
  }
  SUBCASE("what is no JSON stays none") {
    CHECK(ask(of("5", golden) + "}").find("JSON") != std::string::npos);
    CHECK(ask(R"({"id":"6","metric":"rouge_1","case":)" + golden + R"(,"x":"y)") ==
          refusal(R"({"id":"6","metric":"rouge_1","case":)" + golden + R"(,"x":"y)"));
  }
  SUBCASE("the last of two goldens counts") {
    for (const std::string& line :
         {R"({"metric":"rouge_1","case":)" + golden + R"(,"case":null})",
          R"({"metric":"rouge_1","case":)" + golden + R"(,"c\u0061se":)" + other + "}"}) {
      const auto alone = answer(line);
      CHECK(ask(line) == (alone ? json::dump(*alone) : alone.error().message()));
      CHECK(ask(of("5", golden)) == json::dump(answered(of("5", golden))));
      CHECK(ask(of("6", other)) == json::dump(answered(of("6", other))));
    }
  }
  SUBCASE("a request that names none is named after its golden") {
    const std::string nameless = R"({"metric":"rouge_1","case":)" + golden + "}";
    CHECK(ask(nameless) == json::dump(answered(nameless)));
    CHECK(ask(of("7", golden)) == json::dump(answered(of("7", golden))));
  }
}

}  // namespace slipway::eval
