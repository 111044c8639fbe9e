#include "rag/pipeline.hpp"

#include <doctest/doctest.h>

#include "rag/detail/fixture.hpp"

namespace slipway::rag {

namespace {

using detail::Fixture;
using detail::must;
using dialects::ChatEvent;
using dialects::EventKind;

dialects::ChatRequest question(const std::string& text) {
  dialects::ChatRequest request;
  request.messages = {{.role = dialects::Role::system, .parts = {{.text = "Be brief."}}},
                      {.role = dialects::Role::user, .parts = {{.text = text}}}};
  return request;
}

struct Asked : Fixture {
  Asked() {
    folder.write("guide.md", "# Guide\n\nTraces are kept for 30 days. Budgets limit spending.\n");
    IngestRequest request;
    request.settings.emplace().evidence_min = 0;
    ingest(request);
  }
  std::shared_ptr<models::ChatModel> model = make_pipeline(*library, "default");
};

}  // namespace

TEST_CASE("a collection answers as a chat model, with its citations as annotations") {
  Asked f;
  CHECK(f.model->name() == "rag/default");
  const auto reply = must(f.model->converse(f.context, question("How long are traces kept?")));
  REQUIRE(reply.choices.size() == 1);
  const auto& choice = reply.choices[0];
  const std::string text = choice.parts.at(0).text;
  CHECK(text.find("Traces are kept for 30 days [1].") != std::string::npos);
  REQUIRE_FALSE(choice.annotations.empty());
  const auto& annotation = choice.annotations[0];
  CHECK(annotation.quote.find("Traces are kept for 30 days") != std::string::npos);
  CHECK(annotation.url.starts_with("file://"));
  CHECK(annotation.start == 0);
  CHECK(annotation.end <= text.size());
  CHECK(annotation.source.at("number") == 1);
}

TEST_CASE("what is streamed is the whole reply, begun once and ended once") {
  Asked f;
  std::string streamed;
  std::vector<EventKind> kinds;
  const auto reply = must(f.model->converse(f.context, question("How long are traces kept?"),
                                            [&](const ChatEvent& event) {
                                              kinds.push_back(event.kind);
                                              streamed += event.text;
                                              return true;
                                            }));
  CHECK(streamed == reply.choices.at(0).parts.at(0).text);
  REQUIRE(kinds.size() >= 5);
  CHECK(kinds.front() == EventKind::start);
  CHECK(kinds.back() == EventKind::end);
  CHECK(std::count(kinds.begin(), kinds.end(), EventKind::start) == 1);
  CHECK(std::count(kinds.begin(), kinds.end(), EventKind::annotation) ==
        static_cast<long>(reply.choices[0].annotations.size()));
}

TEST_CASE("a refusal is a reply without annotations") {
  Asked f;
  f.folder.write("strict/guide.md", "Traces are kept for 30 days.\n");
  IngestRequest request{.collection = "strict"};
  request.settings.emplace().evidence_min = 1;
  f.ingest(request);
  f.model = make_pipeline(*f.library, "strict");
  const auto reply = must(f.model->converse(f.context, question("Who won the regatta of 1851?")));
  CHECK_FALSE(reply.choices.at(0).parts.at(0).text.empty());
  CHECK(reply.choices[0].annotations.empty());
}

TEST_CASE("a question that nobody pays for is an error, and nothing of an answer was said before") {
  class Nobody final : public QuestionPayment {
   public:
    std::optional<double> limit_usd() const override { return 0; }
    Result<void> settle(const Answer&) override {
      return fail(Code::rate_limited, "budget 'team' has no room");
    }
  };
  Asked f;
  f.folder.write("strict/guide.md", "Traces are kept for 30 days.\n");
  IngestRequest request{.collection = "strict"};
  request.settings.emplace().evidence_min = 1;
  f.ingest(request);
  const auto model =
      make_pipeline(*f.library, "strict", {}, [](const Context&, Library&, const AskRequest&) {
        return Result<std::unique_ptr<QuestionPayment>>(std::make_unique<Nobody>());
      });
  bool has_spoken = false;
  const auto reply = model->converse(f.context, question("Who won the regatta of 1851?"),
                                     [&](const ChatEvent&) { return has_spoken = true; });
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code() == Code::rate_limited);
  CHECK_FALSE(has_spoken);
}

TEST_CASE("what documents cannot do is refused by name, before anything is said") {
  Asked f;
  auto request = question("How long are traces kept?");
  request.tools.push_back({.name = "f"});
  bool said = false;
  const auto refused = f.model->converse(f.context, request, [&](const ChatEvent&) {
    said = true;
    return true;
  });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::unsupported);
  CHECK(refused.error().message().starts_with("tools"));
  CHECK_FALSE(said);

  const auto gone = make_pipeline(*f.library, "nowhere")->converse(f.context, question("What?"));
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code() == Code::not_found);
  dialects::ChatRequest empty;
  CHECK(f.model->converse(f.context, empty).error().code() == Code::invalid_argument);
}

TEST_CASE("a listener that has heard enough ends the answer") {
  Asked f;
  int heard = 0;
  const auto reply =
      must(f.model->converse(f.context, question("How long are traces kept?"), [&](const auto& e) {
        if (e.kind == EventKind::text) ++heard;
        return e.kind != EventKind::text;
      }));
  CHECK(heard == 1);
}

}  // namespace slipway::rag
