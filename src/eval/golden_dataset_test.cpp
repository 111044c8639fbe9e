#include "eval/golden_dataset.hpp"

#include <doctest/doctest.h>

#include "trace/feedback.hpp"
#include "trace/sessions.hpp"

namespace slipway::eval {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Each change is a second later than the one before.
struct Shelf {
  FakeClock clock{Clock::Time(std::chrono::seconds(1'795'420'800))};
  SeededRandom random{7};
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, datasets::migrations()));
  std::unique_ptr<store::BlobStore> files = store::BlobStore::in_memory();
  datasets::Datasets datasets{{.database = *database,
                               .attachments = *files,
                               .clock = clock,
                               .random = random,
                               .limits = {}}};
  Context context;

  AddReport add(const std::vector<Golden>& goldens, Merge merge = Merge::into) {
    clock.advance(std::chrono::seconds(1));
    return must(add_goldens(context, datasets, "qa", goldens, merge));
  }
  std::vector<Golden> read(const std::string& name) {
    return must(goldens_of(context, datasets, must(find_goldens(context, datasets, name))));
  }
};

Golden golden(const std::string& id, const std::string& input, const std::string& expected) {
  Golden one;
  one.id = id;
  one.input = input;
  if (!expected.empty()) one.expected_output = expected;
  return one;
}

Golden full() {
  Golden one = golden("full", "why?", "so");
  one.actual_output = "maybe";
  one.retrieval_context = {"p | q", ""};
  one.retrieved_ids = {"a.md"};
  one.relevance = {{"a.md", 2}};
  one.tools_called = {ToolCall{.name = "f"}};
  one.latency_ms = 107.71428571428571;
  one.trace_id = "0af7651916cd43dd8448eb211c80319c";
  one.metadata = {{"severity", "critical"}, {"dataset_split", json::Array{"test"}}};
  return one;
}

}  // namespace

TEST_CASE("goldens go through a dataset unchanged, and their version is that of their content") {
  Shelf shelf;
  const std::vector<Golden> goldens{full(), golden("b", "how?", "")};
  const AddReport report = shelf.add(goldens);
  CHECK(report.added == 2);
  CHECK(report.version.digest == version_of(goldens));
  const auto back = shelf.read("qa");
  REQUIRE(back.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(back[i].id == goldens[i].id);
    CHECK(canonical(back[i]) == canonical(goldens[i]));
  }
}

TEST_CASE("every version stays and is found by digest, by its first digits, by alias") {
  Shelf shelf;
  const AddReport first = shelf.add({golden("a", "1?", "1"), golden("b", "2?", "2")});
  must(shelf.datasets.tag(shelf.context, shelf.datasets.read_named(shelf.context, "qa")->id, {},
                          "release"));
  const AddReport second = shelf.add({golden("b", "2?", "two"), golden("c", "3?", "3")});
  CHECK(second.added == 1);
  CHECK(second.changed == 1);
  CHECK(second.version.digest != first.version.digest);
  CHECK(shelf.read("qa").size() == 3);
  CHECK(shelf.read("qa@" + first.version.digest).size() == 2);
  CHECK(shelf.read("qa@" + first.version.digest.substr(0, 15)).at(1).expected_output == "2");
  CHECK(shelf.read("qa@release").size() == 2);
  CHECK_FALSE(find_goldens(shelf.context, shelf.datasets, "qa@nothing"));
  CHECK_FALSE(find_goldens(shelf.context, shelf.datasets, "qa@sha256:0123456789"));
  CHECK(find_goldens(shelf.context, shelf.datasets, "other")
            .error()
            .message()
            .find("no dataset 'other'") != std::string::npos);
}

TEST_CASE("the same goldens again are no new version; what comes instead removes the others") {
  Shelf shelf;
  const AddReport first = shelf.add({golden("a", "1?", "1"), golden("b", "2?", "2")});
  const AddReport again = shelf.add({golden("b", "2?", "2"), golden("a", "1?", "1")});
  CHECK(again.unchanged == 2);
  CHECK(again.version.version == first.version.version);
  const AddReport less = shelf.add({golden("b", "2?", "2")}, Merge::instead);
  CHECK(less.removed == 1);
  CHECK(shelf.read("qa").size() == 1);
  const AddReport back = shelf.add({golden("a", "1?", "1")});
  CHECK(back.version.digest == first.version.digest);
}

TEST_CASE("an expected output that is taken away is gone") {
  Shelf shelf;
  shelf.add({golden("a", "1?", "1")});
  shelf.add({golden("a", "1?", "")});
  CHECK_FALSE(shelf.read("qa").at(0).expected_output);
}

TEST_CASE("examples that another client made are goldens with the example's id") {
  Shelf shelf;
  const std::string id = must(shelf.datasets.create(shelf.context, {.name = "qa"})).id;
  const auto written = must(shelf.datasets.add(
      shelf.context, id,
      {{.inputs = R"({"question":"why?","k":1.10})", .outputs = R"({"answer":"so"})"}}));
  const auto goldens = shelf.read("qa");
  REQUIRE(goldens.size() == 1);
  CHECK(goldens[0].id == written.example_ids.at(0));
  CHECK(goldens[0].input == "why?");
  CHECK(goldens[0].expected_output == "so");
  // Giving it back changes nothing.
  CHECK(shelf.add(goldens).unchanged == 1);
}

TEST_CASE("a difference tells members") {
  Golden changed = golden("a", "1?", "one");
  changed.metadata["severity"] = "critical";
  const GoldenDifference difference = difference_of(
      {golden("a", "1?", "1"), golden("b", "2?", "2")}, {changed, golden("c", "3?", "3")});
  REQUIRE(difference.changed.size() == 1);
  CHECK(difference.changed[0].members ==
        std::vector<std::string>{"expected_output", "metadata.severity"});
  CHECK(difference.added.at(0).id == "c");
  CHECK(difference.removed.at(0).id == "b");
}

}  // namespace slipway::eval
