// What scikit-learn and fairlearn say of the rows of tests/data/eval/classic_vectors.json.
#include <doctest/doctest.h>

#include <cmath>

#include "core/files.hpp"
#include "eval/classic.hpp"

namespace slipway::eval {

namespace {

const ClassicValue& value_of(const std::vector<ClassicValue>& values, std::string_view name) {
  for (const ClassicValue& value : values)
    if (value.name == name) return value;
  FAIL("no value " << name);
  return values.front();
}

std::vector<std::string> texts_of(const json::Object& object, std::string_view key) {
  std::vector<std::string> texts;
  if (const json::Value* list = object.if_contains(key))
    for (const json::Value& item : list->as_array())
      texts.push_back(item.is_string() ? std::string(item.get_string()) : json::dump(item));
  return texts;
}

}  // namespace

TEST_CASE("metrics and fairness are those of scikit-learn and fairlearn") {
  const auto file = json::parse(*read_file(SLIPWAY_TEST_DATA "/classic_vectors.json"));
  REQUIRE(file.ok());
  ClassicOptions quick;
  quick.resampling.resamples = 20;
  std::size_t checked = 0;
  for (const json::Value& each : file->at("cases").as_array()) {
    const json::Object& vector = each.as_object();
    const std::string id(vector.at("id").as_string());
    CAPTURE(id);
    ClassicRows rows{.labels = texts_of(vector, "labels"),
                     .predictions = texts_of(vector, "predictions"),
                     .scores = {},
                     .groups = texts_of(vector, "groups"),
                     .clusters = {}};
    if (const json::Value* scores = vector.if_contains("scores"))
      rows.scores = *json::from<std::vector<double>>(*scores);
    const ClassicReport report = *classic_report(Context(), rows, quick);
    for (const std::string_view part : {"metrics", "fairness"}) {
      const json::Value* wanted = vector.if_contains(part);
      if (!wanted) continue;
      for (const auto& [name, number] : wanted->as_object()) {
        const std::string metric(name);
        CAPTURE(metric);
        const ClassicValue& value =
            value_of(part == "metrics" ? report.metrics : report.fairness, metric);
        REQUIRE(value.value.has_value());
        CHECK(std::fabs(*value.value - number.to_number<double>()) < 1e-9);
        ++checked;
      }
    }
    if (const json::Value* groups = vector.if_contains("by_group"))
      for (const GroupReport& group : report.groups)
        for (const auto& [name, number] : groups->at(group.name).as_object()) {
          CHECK(std::fabs(*value_of(group.values, name).value - number.to_number<double>()) < 1e-9);
          ++checked;
        }
  }
  CHECK(checked > 100);
}

}  // namespace slipway::eval
