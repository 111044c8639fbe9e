// What deepeval 4.3.1, ragas 0.4.3, ranx, rouge-score and SQuAD's script say of the cases of
// tests/data/eval, and what the contract says where there is no package.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "core/files.hpp"
#include "eval/detail/score_text.hpp"
#include "eval/metric.hpp"
#include "eval/scripted_judge.hpp"

namespace slipway::eval {

namespace {

/// What a vector expects: score, precision and recall within its tolerance, pass exactly.
void check_case(const json::Object& vector, double tolerance) {
  const std::string id(vector.at("id").as_string());
  CAPTURE(id);
  const json::Value* replies = vector.if_contains("replies");
  const auto judge = replies ? scripted_judge(replies->as_object()) : nullptr;
  auto spec = parse_metric_spec(vector.at("metric"));
  REQUIRE_MESSAGE(spec.ok(), (spec.ok() ? "" : spec.error().message()));
  auto metric = make_metric(*spec, {.judge = judge.get(), .local = nullptr});
  REQUIRE_MESSAGE(metric.ok(), (metric.ok() ? "" : metric.error().message()));
  auto golden = parse_golden(vector.at("case"));
  REQUIRE_MESSAGE(golden.ok(), (golden.ok() ? "" : golden.error().message()));
  golden->id = id;
  const auto score = (*metric)->score(Context(), *golden);
  REQUIRE_MESSAGE(score.ok(), (score.ok() ? "" : score.error().message()));
  const json::Object given = to_json(**metric, *golden, *score);
  std::string line;
  append_score(line, **metric, *score, id);
  CHECK(line == json::dump(given));
  for (const auto& [key, wanted] : vector.at("expect").as_object()) {
    const std::string member(key);
    CAPTURE(member);
    REQUIRE(given.contains(key));
    const json::Value& got = given.at(key);
    if (wanted.is_number()) {
      REQUIRE(got.is_number());
      CHECK(std::fabs(got.to_number<double>() - wanted.to_number<double>()) <= tolerance);
    } else {
      CHECK(got == wanted);
    }
  }
}

}  // namespace

TEST_CASE("a text in quotes is the same, written at once or by values") {
  for (int c = 0; c < 0x80; ++c) {
    const std::string text = fmt::format("a{}é{}", static_cast<char>(c), static_cast<char>(c));
    std::string line;
    append_quoted(line, text);
    CHECK(line == json::dump(json::Value(boost::json::string(text))));
  }
}

TEST_CASE("every vector of every metric holds") {
  std::size_t files = 0, cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SLIPWAY_TEST_DATA)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".json") || name.starts_with("stat_")) continue;
    const auto file = json::parse(*read_file(entry.path()));
    REQUIRE(file.ok());
    const json::Object& vectors = file->as_object();
    if (!vectors.contains("format") || vectors.at("format") != "slipway-eval-vectors/1") continue;
    ++files;
    for (const json::Value& each : vectors.at("cases").as_array()) {
      ++cases;
      check_case(each.as_object(), vectors.at("tolerance").to_number<double>());
    }
  }
  CHECK(files == 36);
  CHECK(cases == 648);
}

}  // namespace slipway::eval
