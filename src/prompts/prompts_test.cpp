#include "prompts/prompts.hpp"

#include <doctest/doctest.h>

#include <set>

#include "prompts/declared.hpp"

namespace slipway::prompts {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

struct Fixture {
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, migrations()));
  FakeClock clock;
  SeededRandom random{5};
  Prompts prompts{*database, clock, random};
  Context context;

  Commit commit(const std::string& name, const std::string& text, const std::string& parent = "") {
    clock.advance(std::chrono::seconds(1));
    return must(prompts.commit(context, name,
                               {.form = Form::native,
                                .body = json::Object{{"text", text}},
                                .description = "",
                                .parent_hash = parent}));
  }
  void make(const std::string& name) {
    Prompt prompt;
    prompt.name = name;
    must(prompts.create(context, std::move(prompt)));
  }
  int version(const std::string& reference, const std::string& sticky = "") {
    return must(prompts.render(context, reference, {}, sticky)).version;
  }
};

std::string message_of(const auto& result) { return result ? "" : result.error().message(); }

}  // namespace

TEST_CASE("commits follow each other, and are found by version, hash, tag and as the latest") {
  Fixture f;
  f.make("greeting");
  const Commit first = f.commit("greeting", "one"), second = f.commit("greeting", "two");
  CHECK(first.version == 1);
  CHECK(second.parent_hash == first.hash);
  CHECK(f.version("greeting@1") == 1);
  CHECK(f.version("greeting@latest") == 2);
  CHECK(f.version("greeting@" + first.hash.substr(0, 8)) == 1);
  CHECK(f.version("greeting@" + second.hash) == 2);
  must(f.prompts.tag(f.context, "greeting", "production", "1"));
  CHECK(f.version("greeting@production") == 1);
  CHECK(f.version("greeting") == 1);  // Production goes before the latest.
  must(f.prompts.tag(f.context, "greeting", "production", "latest"));
  CHECK(f.version("greeting") == 2);
  CHECK(must(f.prompts.tags(f.context, "greeting")).at("production") == 2);
  must(f.prompts.untag(f.context, "greeting", "production"));
  CHECK(message_of(f.prompts.find(f.context, "greeting", "production")) ==
        "Prompt 'greeting' has no commit 'production'");
}

TEST_CASE("a commit that changes nothing or stands on an old one is refused") {
  Fixture f;
  f.make("p");
  const Commit first = f.commit("p", "one");
  const auto again = f.prompts.commit(
      f.context, "p", {.form = Form::native, .body = json::Object{{"text", "one"}}});
  REQUIRE(!again);
  CHECK(again.error().code() == Code::conflict);
  CHECK(again.error().message().find("Nothing to commit") != std::string::npos);
  f.commit("p", "two", first.hash);
  const auto late = f.prompts.commit(f.context, "p",
                                     {.form = Form::native,
                                      .body = json::Object{{"text", "three"}},
                                      .description = "",
                                      .parent_hash = first.hash});
  REQUIRE(!late);
  CHECK(late.error().code() == Code::conflict);
  CHECK(f.commit("p", "one").version == 3);  // What was once may be again.
}

TEST_CASE("names and tags are checked") {
  Fixture f;
  for (const char* name : {"", "a b", "-x", "a/b", "a@b"}) {
    Prompt prompt;
    prompt.name = name;
    CHECK(message_of(f.prompts.create(f.context, prompt)).find("is no name of a prompt") !=
          std::string::npos);
  }
  f.make("p");
  f.commit("p", "one");
  for (const char* tag : {"", "latest", "12", "a b"})
    CHECK(message_of(f.prompts.tag(f.context, "p", tag, "1")).find("is no name of a tag") !=
          std::string::npos);
  Prompt twice;
  twice.name = "p";
  CHECK(message_of(f.prompts.create(f.context, twice)) == "Prompt 'p' already exists.");
}

TEST_CASE("traffic is shared as told, and each user keeps a version") {
  Fixture f;
  f.make("p");
  f.commit("p", "one");
  f.commit("p", "two");
  must(f.prompts.tag(f.context, "p", "staging", "2"));
  must(f.prompts.share_traffic(f.context, "p", {{"1", 3}, {"staging", 1}}));
  int second = 0;
  constexpr int users = 2000;
  for (int i = 0; i < users; ++i) {
    const std::string user = fmt::format("user {}", i);
    const int version = f.version("p", user);
    CHECK(version == f.version("p", user));
    if (version == 2) ++second;
  }
  CHECK(second > users / 5);
  CHECK(second < users * 3 / 10);
  std::set<int> by_chance;
  for (int i = 0; i < 100; ++i) by_chance.insert(f.version("p"));
  CHECK(by_chance.size() == 2);
  CHECK(f.version("p@1", "user 1") == 1);  // Who names a version gets it.
  CHECK(message_of(f.prompts.share_traffic(f.context, "p", {{"9", 1}})).find("no commit '9'") !=
        std::string::npos);
  CHECK(message_of(f.prompts.share_traffic(f.context, "p", {{"1", 0}})).find("not above 0") !=
        std::string::npos);
  must(f.prompts.share_traffic(f.context, "p", {}));
  CHECK(f.version("p", "user 1") == 2);
}

TEST_CASE("lists find by words, leave out what was put away, and are in order") {
  Fixture f;
  for (const char* name : {"alpha", "beta", "gamma"}) {
    f.make(name);
    f.commit(name, name);
  }
  const auto names = [&](const PromptQuery& query) {
    std::string out;
    for (const Prompt& one : must(f.prompts.list(f.context, query)).items)
      out += (out.empty() ? "" : " ") + one.name;
    return out;
  };
  CHECK(names({}) == "gamma beta alpha");
  CHECK(names({.text = "ET"}) == "beta");
  CHECK(names({.sort = "name", .is_descending = false, .limit = 2}) == "alpha beta");
  must(f.prompts.change(f.context, "beta", {.is_archived = true}));
  CHECK(names({.is_archived = false}) == "gamma alpha");
  CHECK(must(f.prompts.like(f.context, "alpha", true)) == 1);
  CHECK(must(f.prompts.like(f.context, "alpha", true)) == 1);
  must(f.prompts.remove(f.context, "alpha"));
  CHECK(message_of(f.prompts.get(f.context, "alpha")) == "Prompt 'alpha' not found");
  CHECK(message_of(f.prompts.remove(f.context, "alpha")) == "Prompt 'alpha' not found");
}

TEST_CASE("declared prompts become versions when they change, and their tags follow") {
  Fixture f;
  const auto declare = [&](const std::string& text) {
    return apply_declared(f.context, f.prompts, {{"hello", must(json::parse(text))}});
  };
  must(declare(R"({"text": "Hi {name}", "tags": ["production"]})"));
  must(declare(R"({"text": "Hi {name}", "tags": ["production"]})"));
  CHECK(must(f.prompts.get(f.context, "hello")).commits == 1);
  must(declare(R"({"text": "Hello {name}", "tags": ["production"]})"));
  CHECK(must(f.prompts.tags(f.context, "hello")).at("production") == 2);
  CHECK(message_of(declare(R"({"text": "Hi {name"})")).find("prompts: hello: messages[0]") == 0);
  CHECK(message_of(declare(R"({"txt": "Hi"})")).find("txt") != std::string::npos);
  CHECK(message_of(check_declared({{"x", json::Value(1)}})).find("prompts: x") == 0);
}

}  // namespace slipway::prompts
