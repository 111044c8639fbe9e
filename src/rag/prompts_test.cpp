// Answers made of prompts with versions.
#include "rag/detail/fixture.hpp"
#include "trace/recorder.hpp"

namespace slipway::rag {

using detail::Fixture;
using detail::must;

namespace {

/// A prompt whose only message is `text` with {question}, {passages} and {refusal} in it.
ChosenPromptPtr prompt_of(const std::string& version, std::string text,
                          json::Object parameters = {}) {
  auto prompt = std::make_shared<ChosenPrompt>();
  prompt->name = "answer";
  prompt->version = version;
  prompt->reference = "answer@" + version;
  prompt->parameters = std::move(parameters);
  prompt->render = [text](const json::Object& variables) {
    std::string filled = text;
    for (const auto& [name, value] : variables)
      if (const std::size_t at = filled.find(fmt::format("{{{}}}", std::string_view(name)));
          at != std::string::npos)
        filled.replace(at, name.size() + 2, std::string(value.as_string()));
    return std::vector<models::Message>{{models::Role::user, filled}};
  };
  return prompt;
}

/// Prompts, a model that always says the same, and a collection with one document.
struct House {
  Fixture fixture;
  std::map<std::string, ChosenPromptPtr> prompts;
  std::vector<std::string> asked;  ///< References and whom they are for.
  std::shared_ptr<models::ScriptedChatModel> chat =
      std::make_shared<models::ScriptedChatModel>([](const models::ChatRequest&) {
        return Result<std::string>("Traces are kept for 30 days by default.");
      });
  std::unique_ptr<trace::TraceStore> store = must(trace::TraceStore::open({.path = ":memory:"}));
  trace::Recorder recorder{{.store = *store, .pause = std::chrono::milliseconds(0)}};
  std::unique_ptr<Library> library;

  explicit House(const std::string& of_collection = "") {
    fixture.catalog.chat = chat;
    fixture.folder.write("handbook.md", "# Traces\n\nTraces are kept for 30 days by default.\n");
    IngestRequest request;
    request.settings.emplace();
    request.settings->evidence_min = 0;
    request.settings->prompt = of_collection;
    fixture.ingest(request);
    library = must(
        Library::open({.database = *fixture.database,
                       .blobs = *fixture.blobs,
                       .catalog = fixture.catalog,
                       .clock = fixture.clock,
                       .recorder = &recorder,
                       .prompts = [this](const Context&, const std::string& reference,
                                         const std::string& sticky) -> Result<ChosenPromptPtr> {
                         asked.push_back(reference + " " + sticky);
                         const auto found = prompts.find(reference);
                         if (found == prompts.end())
                           return fail(Code::not_found, "there is no prompt '{}'", reference);
                         return found->second;
                       }}));
  }
  static AskRequest question(const std::string& prompt = "") {
    AskRequest request{.question = "How long are traces kept?", .mode = AnswerMode::generate};
    request.prompt = prompt;
    request.origin = trace::Origin{.trace_id = make_trace_id(), .user_id = "ann"};
    return request;
  }
  Answer ask(const AskRequest& request) { return must(library->ask(fixture.context, request)); }
  std::string sent() const { return chat->requests().back().messages.back().content; }
};

}  // namespace

TEST_CASE("a collection's prompt makes its answers, and receipt and runs know its version") {
  House house("answer@production");
  house.prompts["answer@production"] =
      prompt_of("3", "From {passages}: {question} Else {refusal}.", {{"max_tokens", 99}});
  house.prompts["answer@3"] = house.prompts["answer@production"];
  const AskRequest asked = House::question();
  const Answer answer = house.ask(asked);
  CHECK_FALSE(answer.refused);
  CHECK(house.asked == std::vector<std::string>{"answer@production ann"});
  CHECK(house.sent().starts_with("From <"));
  CHECK(house.sent().find("[1] Traces\n") != std::string::npos);
  CHECK(house.sent().find("How long are traces kept? Else NOT IN") != std::string::npos);
  CHECK(house.chat->requests().back().max_tokens == 99);
  const auto receipt = must(house.library->receipt(house.fixture.context, answer.receipt_id));
  CHECK(receipt.at("request").at("prompt") == "answer@3");
  house.recorder.flush();
  const trace::Trace trace =
      must(house.store->trace(house.fixture.context, asked.origin->trace_id, true));
  int with_prompt = 0;
  for (const trace::Run& run : trace.runs)
    if (run.kind == trace::Kind::llm || !run.parent_id) {
      CHECK(run.prompt == "answer@3");
      ++with_prompt;
    }
  CHECK(with_prompt == 2);
  // A replay asks for that version, wherever the tag stands by then.
  house.prompts["answer@production"] = prompt_of("4", "{passages} {question} Another.");
  CHECK(must(house.library->replay(house.fixture.context, answer.receipt_id, true)).answer ==
        "identical");
  CHECK(house.asked.back().starts_with("answer@3"));
}

TEST_CASE("a question may name another prompt, or the built in one") {
  House house("answer@production");
  house.prompts["answer@staging"] = prompt_of("4", "Staging: {passages} {question}");
  house.ask(House::question("answer@staging"));
  CHECK(house.sent().starts_with("Staging: "));
  AskRequest built_in = House::question("builtin");
  house.ask(built_in);
  CHECK(house.chat->requests().back().messages.front().role == models::Role::system);
  CHECK(house.asked.size() == 1);
  house.recorder.flush();
  const trace::Trace trace =
      must(house.store->trace(house.fixture.context, built_in.origin->trace_id, false));
  const auto root = std::find_if(trace.runs.begin(), trace.runs.end(),
                                 [](const trace::Run& run) { return !run.parent_id; });
  REQUIRE(root != trace.runs.end());
  CHECK(root->prompt == "builtin@1");
}

TEST_CASE("a prompt that cannot answer is an error, also where documents could be quoted") {
  House house;
  house.prompts["blind@1"] = prompt_of("1", "Just answer: {question}");
  house.prompts["odd@1"] = prompt_of("1", "{passages} {question}", {{"logit_bias", 1}});
  house.prompts["long@1"] = prompt_of("1", "{passages} {question}", {{"max_tokens", 0}});
  const auto refused = [&](const std::string& prompt) {
    AskRequest request = House::question(prompt);
    request.mode = AnswerMode::automatic;
    const auto answer = house.library->ask(house.fixture.context, request);
    REQUIRE_FALSE(answer.ok());
    return answer.error().message();
  };
  CHECK(refused("blind@1").find("does not have the variable passages") != std::string::npos);
  CHECK(refused("odd@1").find("parameters.logit_bias") != std::string::npos);
  CHECK(refused("long@1").find("whole number from 1") != std::string::npos);
  CHECK(refused("none").find("there is no prompt 'none'") != std::string::npos);
  CHECK(house.chat->requests().empty());
}

}  // namespace slipway::rag
