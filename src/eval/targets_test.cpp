#include "eval/targets.hpp"

#include <doctest/doctest.h>

#include "eval/span_id.hpp"
#include "http/loopback_server.hpp"

namespace slipway::eval {

namespace {

rag::SearchItem item(const std::string& path, std::int64_t start, std::int64_t end) {
  rag::SearchItem one;
  one.chunk_id = path + "/" + std::to_string(start);
  one.document_id = "id of " + path;
  one.path = path;
  one.text_start = start;
  one.text_end = end;
  return one;
}

Golden golden_with(std::map<std::string, double> relevance) {
  Golden golden;
  golden.input = "why?";
  golden.actual_output = "of old";
  golden.relevance = std::move(relevance);
  return golden;
}

Golden must(Result<Golden> result) {
  if (!result) FAIL(result.error().message());
  return *std::move(result);
}

std::unique_ptr<Target> target(const std::string& spec, TargetParts parts = {}) {
  auto made = make_target({}, *json::from<TargetSpec>(*json::parse(spec)), parts);
  if (!made) FAIL(made.error().message());
  return *std::move(made);
}

std::string refusal(const std::string& spec, TargetParts parts = {}) {
  const auto made = make_target({}, *json::from<TargetSpec>(*json::parse(spec)), parts);
  return made ? "none" : made.error().message();
}

}  // namespace

TEST_CASE("passages are named as the golden's relevance names them") {
  const std::vector<rag::SearchItem> passages{item("docs/a.md", 0, 100), item("docs/b.md", 0, 50),
                                              item("docs/a.md", 90, 200)};
  using Ids = std::vector<std::string>;
  CHECK(passage_ids(passages, golden_with({})) == Ids{"docs/a.md", "docs/b.md"});
  CHECK(passage_ids(passages, golden_with({{"b.md", 1}})) == Ids{"docs/a.md", "b.md"});
  CHECK(passage_ids(passages, golden_with({{"id of docs/a.md", 1}})) ==
        Ids{"id of docs/a.md", "docs/b.md"});
  CHECK(passage_ids(passages, golden_with({{"docs/b.md/0", 1}})) ==
        Ids{"docs/a.md#0-100", "docs/b.md/0", "docs/a.md#90-200"});
  // A span is found where a passage holds all of it, and once.
  CHECK(passage_ids(passages, golden_with({{"docs/a.md#92-99", 1}})) ==
        Ids{"docs/a.md#92-99", "docs/b.md#0-50", "docs/a.md#90-200"});
  CHECK(passage_ids(passages, golden_with({{"docs/a.md#80-110", 1}})) ==
        Ids{"docs/a.md#0-100", "docs/b.md#0-50", "docs/a.md#90-200"});
}

TEST_CASE("a command answers goldens: with members, with a text, with an error") {
  Golden old = golden_with({});
  old.retrieval_context = {"of old"};
  const Golden members = must(
      target(R"({"command":["sh","-c","echo '{\"actual_output\":\"new\",\"cost_usd\":0.5}'"]})")
          ->answer({}, old, 0));
  CHECK(members.actual_output == "new");
  CHECK(members.cost_usd == 0.5);
  CHECK(members.latency_ms);
  CHECK_FALSE(members.retrieval_context);
  const Golden text = must(target(R"({"command":["echo","plain words"]})")->answer({}, old, 0));
  CHECK(text.actual_output == "plain words");
  const auto failed =
      target(R"({"command":["sh","-c","echo broken >&2; exit 2"]})")->answer({}, old, 0);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message() == "sh ended with exit code 2: broken");
  CHECK(refusal(R"({"command":["cat"]})", {.allows_commands = false}).find("not run") !=
        std::string::npos);
}

TEST_CASE("a URL answers goldens: members, a chat completion, what pointers take") {
  std::string asked;
  http::LoopbackServer server{[&](const http::LoopbackServer::Request& request,
                                  http::LoopbackServer::Connection& connection) {
    asked = request.body;
    if (request.target == "/down") return (void)connection.reply(503, "later");
    if (request.target == "/v1/chat/completions")
      return (void)connection.reply(200, R"({"choices":[{"message":{"content":"chat"}}]})");
    connection.reply(200, R"({"answer":"direct","deep":[{"ids":["a"]}]})");
  }};
  const auto spec = [&](const std::string& path, const std::string& more = "") {
    return R"({"url":")" + server.url(path) + "\"" + more + "}";
  };
  const Golden golden = golden_with({});
  CHECK(must(target(spec("/ask"))->answer({}, golden, 0)).actual_output == "direct");
  CHECK(asked == R"({"input":"why?","relevance":{}})");
  CHECK(must(target(spec("/v1/chat/completions", R"(,"answer_model":"m","system":"be short")"))
                 ->answer({}, golden, 0))
            .actual_output == "chat");
  CHECK(asked.find(R"("content":"be short")") != std::string::npos);
  const Golden taken = must(
      target(spec("/ask", R"(,"body":{"q":"Q: {{input}}","n":1,"all":"{{relevance}}"},)"
                          R"("take":{"actual_output":"/answer","retrieved_ids":"/deep/0/ids"})"))
          ->answer({}, golden, 0));
  CHECK(asked == R"({"q":"Q: why?","n":1,"all":{}})");
  CHECK(taken.retrieved_ids == std::vector<std::string>{"a"});
  const auto down = target(spec("/down"))->answer({}, golden, 0);
  REQUIRE_FALSE(down);
  CHECK(down.error().message().find("status 503: later") != std::string::npos);
  // Who may not reach this machine does not.
  const auto hidden =
      target(spec("/ask"), {.reach = http::Reach::public_only})->answer({}, golden, 0);
  REQUIRE_FALSE(hidden);
  CHECK(hidden.error().code() == Code::forbidden);
}

TEST_CASE("a target that cannot be asked is refused with its reason") {
  CHECK(refusal(R"({"rag":"x"})").find("no collections") != std::string::npos);
  CHECK(refusal(R"({"model":"x"})").find("no models") != std::string::npos);
  CHECK(refusal(R"({"agent":"x"})").find("agent") != std::string::npos);
  CHECK(refusal(R"({"url":"ftp://x"})").find("http://") != std::string::npos);
  CHECK(refusal(R"({"url":"http://x","take":{"input":"/a"}})").find("'input' is none of") !=
        std::string::npos);
  CHECK(refusal(R"({"url":"http://x","headers":{"a":"env:HOME"}})",
                {.reach = http::Reach::public_only})
            .find("not sent") != std::string::npos);
}

}  // namespace slipway::eval
