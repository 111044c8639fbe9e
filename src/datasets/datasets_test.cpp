#include "datasets/datasets.hpp"

#include <doctest/doctest.h>

#include "datasets/detail/fixture.hpp"

namespace slipway::datasets::detail {

namespace {

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a dataset is found by id and by name, and its name is its own") {
  Shelf f;
  const std::string id = f.make("goldens");
  CHECK(must(f.datasets.read(f.context, id)).name == "goldens");
  CHECK(must(f.datasets.read_named(f.context, "goldens")).id == id);
  const auto again = f.datasets.create(f.context, {.name = "goldens"});
  REQUIRE_FALSE(again);
  CHECK(again.error().code() == Code::conflict);
  f.make("other");
  CHECK(must(f.datasets.list(f.context, {})).front().name == "other");
  CHECK(must(f.datasets.list(f.context, {.name_part = "GOLD"})).size() == 1);
  CHECK(must(f.datasets.list(f.context, {.limit = 1, .offset = 1})).front().id == id);
  const auto taken = f.datasets.change(f.context, id, {.name = "other"});
  CHECK(taken.error().code() == Code::conflict);
  CHECK(must(f.datasets.change(f.context, id, {.description = "d"})).description == "d");
  must(f.datasets.remove(f.context, id));
  CHECK(f.datasets.read(f.context, id).error().code() == Code::not_found);
  CHECK(f.datasets.create(f.context, {.name = ""}).error().code() == Code::invalid_argument);
}

TEST_CASE("each version reads the same for ever") {
  Shelf f;
  const std::string id = f.make("goldens");
  const Written first = f.add(id, R"({"q":1})");
  const Written second = f.add(id, R"({"q":2})");
  f.tick();
  const Written third = must(f.datasets.change_examples(
      f.context, id, {{.id = first.example_ids[0], .inputs = R"({"q":10})"}}));
  f.tick();
  must(f.datasets.remove_examples(f.context, {second.example_ids[0]}, Removal::from_now_on));

  CHECK(f.inputs(id) == Texts{R"({"q":10})"});
  CHECK(f.inputs(id, {.time = first.version - 1}).empty());
  CHECK(f.inputs(id, {.time = first.version}) == Texts{R"({"q":1})"});
  CHECK(f.inputs(id, {.time = second.version + 5}) == Texts{R"({"q":1})", R"({"q":2})"});
  CHECK(f.inputs(id, {.time = third.version}) == Texts{R"({"q":10})", R"({"q":2})"});
  CHECK(must(f.datasets.read(f.context, id)).example_count == 1);

  const Difference difference =
      must(f.datasets.diff(f.context, id, {.time = first.version}, {.tag = "latest"}));
  CHECK(difference.modified == first.example_ids);
  CHECK(difference.added.empty());
  CHECK(must(f.datasets.diff(f.context, id, {.time = second.version}, {})).removed ==
        second.example_ids);
}

TEST_CASE("versions have names that stay, and one that moves") {
  Shelf f;
  const std::string id = f.make("goldens");
  const auto none = f.datasets.version(f.context, id, {});
  CHECK(none.error().code() == Code::not_found);
  const Written first = f.add(id, R"({"q":1})");
  must(f.datasets.tag(f.context, id, {.tag = "latest"}, "release"));
  const Written second = f.add(id, R"({"q":2})");
  CHECK(f.inputs(id, {.tag = "release"}).size() == 1);
  const auto all = must(f.datasets.versions(f.context, id));
  REQUIRE(all.size() == 2);
  CHECK(all[0].tags == Texts{"latest"});
  CHECK(all[1].tags == Texts{"release"});
  must(f.datasets.tag(f.context, id, {.time = second.version}, "release"));
  CHECK(f.inputs(id, {.tag = "release"}).size() == 2);
  CHECK(must(f.datasets.version(f.context, id, {.time = second.version - 1})).version ==
        first.version);
  for (const char* name : {"latest", "", "2026-11-23T08:00:00Z"})
    CHECK(f.datasets.tag(f.context, id, {}, name).error().code() == Code::invalid_argument);
  CHECK(
      f.datasets.examples(f.context, {.dataset_id = id, .as_of = {.tag = "gone"}}).error().code() ==
      Code::not_found);
}

TEST_CASE("two changes within one microsecond are two versions") {
  Shelf f;
  const std::string id = f.make("goldens");
  const Written first = must(f.datasets.add(f.context, id, {{.inputs = R"({"q":1})"}}));
  const Written second = must(f.datasets.add(f.context, id, {{.inputs = R"({"q":2})"}}));
  CHECK(second.version == first.version + 1);
  CHECK(f.inputs(id, {.time = first.version}).size() == 1);
}

TEST_CASE("equal content has an equal digest, whatever ids and order") {
  Shelf f;
  const std::string a = f.make("a"), b = f.make("b");
  f.add(a, R"({"x":1,"y":2})");
  f.add(a, R"({"x":3})");
  f.add(b, R"({"x":3})");
  const Written second = f.add(b, R"({"y": 2, "x": 1})");
  const std::string digest = must(f.datasets.digest(f.context, a, {}));
  CHECK(digest.starts_with("sha256:"));
  CHECK(must(f.datasets.digest(f.context, b, {})) == digest);
  f.tick();
  must(f.datasets.change_examples(f.context, b,
                                  {{.id = second.example_ids[0], .outputs = R"({"a":2})"}}));
  CHECK(must(f.datasets.digest(f.context, b, {})) != digest);
  CHECK(must(f.datasets.digest(f.context, b, {.time = second.version})) == digest);
}

TEST_CASE("what is deleted for good is in no version, nor are its files") {
  Shelf f;
  const std::string id = f.make("goldens");
  NewExample example{.inputs = R"({"q":1})"};
  example.attachments = {{"note", "text/plain", "secret"}};
  const Written first = must(f.datasets.add(f.context, id, {example}));
  const Written second = f.add(id, R"({"q":2})");
  const std::string before = must(f.datasets.digest(f.context, id, {.time = second.version}));
  CHECK(must(f.files->list()).size() == 1);
  f.tick();
  must(f.datasets.remove_examples(f.context, first.example_ids, Removal::for_good));
  CHECK(f.inputs(id, {.time = second.version}) == Texts{R"({"q":2})"});
  CHECK(must(f.files->list()).empty());
  CHECK(must(f.datasets.digest(f.context, id, {.time = second.version})) != before);
  CHECK(
      f.datasets.remove_examples(f.context, first.example_ids, Removal::for_good).error().code() ==
      Code::not_found);
}

TEST_CASE("attachments are kept, renamed and replaced as the plan says") {
  Shelf f;
  const std::string id = f.make("goldens");
  NewExample example{.inputs = "{}"};
  example.attachments = {{"a", "text/plain", "1"}, {"b", "image/png", "2"}, {"c", "", "3"}};
  const Written made = must(f.datasets.add(f.context, id, {example}));
  const std::string& one = made.example_ids[0];
  const auto names = [&] {
    Texts all;
    for (const Attachment& file : must(f.datasets.example(f.context, one, {})).attachments)
      all.push_back(file.name + "=" + must(f.datasets.bytes_of(file)));
    return all;
  };
  const Attachment old = must(f.datasets.example(f.context, one, {})).attachments[2];
  CHECK(old.media_type == "application/octet-stream");
  CHECK(must(f.datasets.attachment(f.context, old.token)).bytes == "3");
  f.tick();
  ExampleChange change{.id = one};
  change.plan = AttachmentPlan{.renamed = {{"a", "z"}}, .retained = {"b"}};
  must(f.datasets.change_examples(f.context, id, {change}));
  CHECK(names() == Texts{"z=1", "b=2"});
  f.tick();
  must(f.datasets.change_examples(f.context, id, {{.id = one, .metadata = json::Object()}}));
  CHECK(names() == Texts{"z=1", "b=2"});
  f.tick();
  ExampleChange replacement{.id = one};
  replacement.attachments = {{"n", "text/plain", "4"}};
  must(f.datasets.change_examples(f.context, id, {replacement}));
  CHECK(names() == Texts{"n=4"});
  // The first version has them as they were.
  CHECK(must(f.datasets.example(f.context, one, {.time = made.version})).attachments.size() == 3);
  replacement.attachments.resize(4, {"x", "text/plain", "5"});
  for (std::size_t i = 0; i < 4; ++i) replacement.attachments[i].name = std::to_string(i);
  CHECK(f.datasets.change_examples(f.context, id, {replacement}).error().code() ==
        Code::invalid_argument);
  must(f.datasets.remove(f.context, id));
  CHECK(must(f.files->list()).empty());
}

TEST_CASE("an example is in one split at least, and found by it") {
  Shelf f;
  const std::string id = f.make("goldens");
  std::vector<NewExample> three(3);
  three[0].splits = {"train", "test", "train"};
  three[1].metadata = {{"dataset_split", json::Array{"test"}}, {"k", "v"}};
  const Written made = must(f.datasets.add(f.context, id, three));
  const auto count = [&](Texts splits, std::string filter = "", json::Object metadata = {}) {
    return must(f.datasets.examples(f.context, {.dataset_id = id,
                                                .splits = std::move(splits),
                                                .metadata = std::move(metadata),
                                                .filter = std::move(filter)}))
        .size();
  };
  CHECK(must(f.datasets.splits(f.context, id, {})) == Texts{"base", "test", "train"});
  CHECK(count({"test"}) == 2);
  CHECK(count({"train", "base"}) == 2);
  CHECK(count({}, R"(and(exists(metadata, "k"), has("metadata", '{"dataset_split": "test"}')))") ==
        1);
  CHECK(count({}, R"(not(exists(metadata, "k")))") == 2);
  CHECK(count({}, R"(or(eq(metadata.k, "v"), eq(split, "base")))") == 2);
  CHECK(count({}, "", {{"k", "v"}}) == 1);
  CHECK(count({}, "", {{"k", "w"}}) == 0);
  CHECK(f.datasets.examples(f.context, {.dataset_id = id, .filter = "eq(nothing, 1)"})
            .error()
            .code() == Code::invalid_argument);
  f.tick();
  MetadataOperation operation{.kind = MetadataOperation::Kind::array_remove,
                              .key = std::string(split_key),
                              .values = {"test"}};
  const Written changed = must(f.datasets.change_metadata(
      f.context, id, {made.example_ids[1], "7c5e2f3e-0000-4000-8000-000000000000"}, {operation}));
  CHECK(changed.example_ids == Texts{made.example_ids[1]});
  CHECK(must(f.datasets.example(f.context, made.example_ids[1], {})).splits() == Texts{"base"});
}

TEST_CASE("what does not satisfy the schema of its dataset is refused, and nothing of the batch") {
  Shelf f;
  const json::Value schema = must(json::parse(
      R"({"type":"object","properties":{"q":{"$ref":"#/$defs/Q"}},"required":["q"],
          "$defs":{"Q":{"type":"string","minLength":2}}})"));
  const std::string id =
      must(f.datasets.create(f.context, {.name = "s", .inputs_schema = schema.as_object()})).id;
  const auto add = [&](const char* inputs) {
    return f.datasets.add(f.context, id, {{.inputs = R"({"q":"good"})"}, {.inputs = inputs}});
  };
  for (const char* wrong :
       {R"({"q":1})", R"({"q":"x"})", "{}", "[]", "nothing", "{\"q\":\"\xFF\"}"})
    CHECK(add(wrong).error().code() == Code::invalid_argument);
  CHECK(add(R"({"q":1})").error().message().find("inputs: $.q: expected \"string\"") !=
        std::string::npos);
  CHECK(f.inputs(id).empty());
  CHECK(must(f.datasets.versions(f.context, id)).empty());
  must(add(R"({"q":"also good"})"));
  CHECK(f.inputs(id).size() == 2);
}

TEST_CASE("an id is taken once, in whichever dataset, and limits hold") {
  Shelf f;
  const std::string a = f.make("a"), b = f.make("b");
  const Written made = f.add(a, "{}");
  CHECK(f.datasets.add(f.context, b, {{.id = made.example_ids[0]}}).error().code() ==
        Code::conflict);
  CHECK(f.datasets.change_examples(f.context, b, {{.id = made.example_ids[0]}}).error().code() ==
        Code::conflict);
  CHECK(f.datasets.add(f.context, b, std::vector<NewExample>(1001)).error().code() ==
        Code::invalid_argument);
  must(f.datasets.add(f.context, b, std::vector<NewExample>(1000)));
  CHECK(f.datasets.add(f.context, b, {{}}).error().code() == Code::invalid_argument);
  // Removed, its id is free again.
  must(f.datasets.remove_examples(f.context, made.example_ids, Removal::from_now_on));
  must(f.datasets.add(f.context, a, {{.id = made.example_ids[0]}}));
}

TEST_CASE("payloads stay the bytes that came") {
  Shelf f;
  const std::string id = f.make("goldens");
  const std::string inputs = R"({"n": 1.0, "big": 123456789012345678901234567890, "s":"\u00e4"})";
  f.add(id, inputs);
  CHECK(f.inputs(id) == Texts{inputs});
}

}  // namespace slipway::datasets::detail
