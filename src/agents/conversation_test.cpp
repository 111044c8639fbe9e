#include "agents/detail/conversation.hpp"

#include <set>

#include "agents/builder.hpp"
#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

ChatMessage say(const std::string& role, const std::string& content) {
  return {.role = role, .content = content, .id = content};
}

ChatMessage call_of(const std::string& content) {
  ChatMessage message = say("assistant", content);
  message.tool_calls = {{.id = content, .name = "t", .args = Value::map()}};
  return message;
}

std::string words(const std::vector<ChatMessage>& messages) {
  std::string all;
  for (const ChatMessage& message : messages)
    all += (all.empty() ? "" : " ") +
           (message.content.starts_with("Summary of")
                ? "[" + message.content.substr(message.content.find('\n') + 1) + "]"
                : message.content);
  return all;
}

/// One token a message.
Outcome<std::int64_t> one_each(const std::vector<ChatMessage>& messages) {
  return static_cast<std::int64_t>(messages.size());
}

std::string trimmed_words(const std::vector<ChatMessage>& messages, const Trim& trim) {
  const auto left = trimmed(messages, trim, one_each);
  return left ? words(*left) : left.failure().kind;
}

/// "system, q1 a1 q2 call2 result2 a2 q3"
std::vector<ChatMessage> talk() {
  return {say("system", "sys"), say("user", "q1"), say("assistant", "a1"), say("user", "q2"),
          call_of("c2"),        say("tool", "r2"), say("assistant", "a2"), say("user", "q3")};
}

const std::string chat = R"y(name: chat
models: {m: {provider: scripted, replies: r.jsonl}}
input: [question]
state: {question: string, answer: string, log: {type: list, reduce: messages}}
nodes:
  reply:
    agent:
      model: m
      system: "Be brief."
      prompt: "{{question}}"
      into: answer
      messages: log
      max_tokens: 20
      context: CONTEXT
edges: [START -> reply, reply -> END]
)y";
const std::string replies =
    R"({"node": "reply/summary", "contains": "summed up before", "text": "old and newer"}
{"node": "reply/summary", "text": "they said hello", "usage": {"input": 40, "output": 4}}
{"contains": "q1", "text": "a1", "usage": {"input": 5, "output": 1}}
{"contains": "q2", "text": "a2", "usage": {"input": 5, "output": 1}}
{"contains": "q3", "text": "a3", "usage": {"input": 5, "output": 1}}
{"contains": "q4", "text": "a4", "usage": {"input": 5, "output": 1}}
)";

std::string question(int n) { return R"({"question": "q)" + std::to_string(n) + "\"}"; }

}  // namespace

TEST_CASE("trimming takes the oldest, whole turns, and never a call without its result") {
  const auto messages = talk();
  CHECK(trimmed_words(messages, {.messages = 7}) == "sys q1 a1 q2 c2 r2 a2 q3");
  CHECK(trimmed_words(messages, {.messages = 6}) == "sys q2 c2 r2 a2 q3");
  CHECK(trimmed_words(messages, {.messages = 5}) == "sys q2 c2 r2 a2 q3");
  CHECK(trimmed_words(messages, {.messages = 4}) == "sys q3");
  CHECK(trimmed_words(messages, {.messages = 1}) == "sys q3");
  CHECK(trimmed_words(messages, {.tokens = 6}) == "sys q2 c2 r2 a2 q3");
  CHECK(trimmed_words(messages, {.tokens = 2}) == "sys q3");
  CHECK(trimmed_words(messages, {.tokens = 1}) == "context");
}

TEST_CASE("pinned messages stay, and so does the call of a pinned result") {
  auto messages = talk();
  messages[1].is_pinned = true;
  CHECK(trimmed_words(messages, {.messages = 2}) == "sys q1 q3");
  messages[5].is_pinned = true;
  CHECK(trimmed_words(messages, {.messages = 4}) == "sys q1 c2 r2 q3");
  CHECK(trimmed_words(messages, {.messages = 3}) == "context");
}

TEST_CASE("turns of tools after the question are trimmed too, but not the last") {
  std::vector<ChatMessage> messages = {say("user", "q"), call_of("c1"), say("tool", "r1"),
                                       call_of("c2"), say("tool", "r2")};
  CHECK(trimmed_words(messages, {.messages = 3}) == "q c2 r2");
  CHECK(trimmed_words(messages, {.messages = 2}) == "context");
}

TEST_CASE("trimming keeps its promises whatever the conversation") {
  SeededRandom random(7);
  const auto draw = [&](std::uint64_t below) { return random.next() % below; };
  for (int round = 0; round < 2000; ++round) {
    std::vector<ChatMessage> messages;
    const std::size_t count = 1 + draw(14);
    for (std::size_t i = 0; i < count; ++i) {
      const char* const roles[] = {"system", "user", "assistant", "assistant", "tool"};
      ChatMessage message = say(roles[draw(5)], "m" + std::to_string(i));
      if (message.role == "assistant" && draw(2) == 0)
        message.tool_calls = {{.id = message.content, .name = "t", .args = Value::map()}};
      message.is_pinned = draw(6) == 0;
      messages.push_back(std::move(message));
    }
    const auto most = static_cast<std::int64_t>(1 + draw(count));
    const auto left = trimmed(messages, {.tokens = most}, one_each);
    if (!left) continue;
    REQUIRE(static_cast<std::int64_t>(left->size()) <= most);
    std::set<std::string> there;
    for (const ChatMessage& message : *left) there.insert(message.content);
    std::size_t newest = count;
    for (std::size_t i = 0; i < count; ++i) {
      if (messages[i].role == "user") newest = i;
      if (messages[i].is_pinned || messages[i].role == "system")
        REQUIRE(there.contains(messages[i].content));
      const bool is_after_call = messages[i].role == "tool" && i > 0;
      if (is_after_call)
        REQUIRE(there.contains(messages[i].content) == there.contains(messages[i - 1].content));
    }
    if (newest < count) REQUIRE(there.contains(messages[newest].content));
    REQUIRE(there.contains(messages.back().content));
  }
}

TEST_CASE("a summary stands behind the system's words; pinned messages it covers stay") {
  Talk said{.messages = talk()};
  said.messages[1].is_pinned = true;
  CHECK(summary_end(said, 1) == 7);
  CHECK(summary_end(said, 2) == 6);
  CHECK(summary_end(said, 3) == 4);  // The call goes with its result.
  CHECK(summary_end(said, 6) == 0);  // Before it all is pinned.
  CHECK(transcript(said, 6).content ==
        "assistant: a1\n\nuser: q2\n\nassistant: c2\n[calls t with {}]\n\ntool: r2");
  said.summary = Summary{.text = "short", .upto = 4};
  CHECK(words(shown(said)) == "sys [short] q1 c2 r2 a2 q3");
  CHECK(transcript(said, 7).content.starts_with("What was summed up before:\nshort"));
}

TEST_CASE("a summary of tainted messages is marked as data, in the summary and in what it is of") {
  Talk said{.messages = {say("user", "q1"), call_of("c1"), say("tool", "r1"), say("user", "q2")}};
  said.messages[2].tainted = {{.end = 2, .taint = 1}};
  const ChatMessage whole = transcript(said, 3);
  REQUIRE(whole.tainted.size() == 1);
  CHECK(whole.content.substr(whole.tainted[0].begin,
                             whole.tainted[0].end - whole.tainted[0].begin) == "r1");
  said.summary = Summary{.text = "obey", .taint = 1, .upto = 3};
  const auto seen = shown(said);
  REQUIRE(seen[0].tainted.size() == 1);
  CHECK(seen[0].content.substr(seen[0].tainted[0].begin) == "obey");
}

TEST_CASE("a conversation that grows is summed up once, paid, kept, and gone on from") {
  World world;
  const AgentPtr agent =
      world.load(with(chat, "CONTEXT", "{summarize: {messages: 4, keep: 2}}"), replies);
  for (int i = 1; i <= 2; ++i) CHECK(world.run(agent, question(i)).calls == 1);
  RunResult result = world.run(agent, question(3));
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(result.calls == 2);
  CHECK(result.tokens == 50);
  const auto& log = result.state.at("log").items();
  REQUIRE(log.size() == 7);
  CHECK(log[6].at("summary_of") == log[2].at("id"));
  CHECK(log[6].at("content") == Value("they said hello"));
  CHECK(world.runtime->replay({}, result.run)->at("ok") == Value(true));
  world.reopen();
  result = world.run(agent, question(4));
  REQUIRE(result.status == Status::done);
  // a2 q3 a3 q4 and the summary are five.
  CHECK(result.calls == 2);
  CHECK(result.state.at("log").items().back().at("content") == Value("old and newer"));
  const auto report = world.runtime->replay({}, result.run);
  REQUIRE(report.ok());
  CHECK_MESSAGE(report->at("ok") == Value(true), dump(*report));
}

TEST_CASE("a summary that was paid is not paid again after a crash behind it") {
  World world;
  std::string yaml = with(chat, "CONTEXT", "{summarize: {messages: 2, keep: 1}}");
  yaml =
      with(yaml, "input: [question]", "budget: {calls: 1, on_exceed: approve}\ninput: [question]");
  const AgentPtr agent = world.load(yaml, replies);
  CHECK(world.run(agent, question(1)).calls == 1);
  RunResult result = world.run(agent, question(2));
  REQUIRE(result.status == Status::interrupted);  // After the summary, before the reply.
  CHECK(result.calls == 1);
  CHECK(result.tokens == 44);
  world.reopen();
  result = world.answer(R"({"add": {"calls": 1}})");
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(result.calls == 2);
  CHECK(result.tokens == 50);
  CHECK(world.runtime->replay({}, result.run)->at("ok") == Value(true));
}

TEST_CASE("an llm node sums up the list of messages that it reads, and keeps that there") {
  World world;
  const AgentPtr agent = world.load(R"y(name: v
models: {m: {provider: scripted, replies: r.jsonl}}
state: {log: {type: list, reduce: messages}, answer: string}
nodes:
  reply:
    llm:
      model: m
      messages: log
      into: answer
      context: {summarize: {tokens: 24, keep: 1}, trim: {tokens: 40}}
edges: [START -> reply, reply -> END]
)y",
                                    R"({"node": "reply/summary", "text": "short"})"
                                    "\n"
                                    R"({"node": "reply", "text": "fine"})");
  RunResult result = world.run(agent, R"({"log": [
      {"role": "user", "content": "a quite long one, of more than a hundred bytes to be sure, "},
      {"role": "user", "content": "so that there is something to be summed up, and paid, at all"},
      {"role": "assistant", "content": "keep this", "pinned": true},
      {"role": "user", "content": "q"}]})");
  REQUIRE_MESSAGE(result.status == Status::done, dump(result.json()));
  CHECK(result.calls == 2);
  REQUIRE(result.state.at("log").items().size() == 5);
  CHECK(result.state.at("log").items()[4].at("content") == Value("short"));
  result = world.run(agent, R"({"log": [{"role": "user", "content": "r"}]})");
  CHECK(result.calls == 1);  // It is short now.
  CHECK(result.state.at("log").items().size() == 6);
}

TEST_CASE("what cannot be trimmed enough fails with how much must stay") {
  World world;
  const AgentPtr agent = world.load(with(chat, "CONTEXT", "{trim: {tokens: 2}}"), replies);
  const RunResult result = world.run(agent, question(1));
  REQUIRE(result.status == Status::failed);
  CHECK(result.error->kind == "context");
  CHECK(result.calls == 0);
}

TEST_CASE("context is read strictly") {
  const auto problems = [](const std::string& context) {
    std::string all;
    for (const Problem& problem : load_agent("v.yaml", with(chat, "CONTEXT", context)).problems)
      all += problem.message + "\n";
    return all;
  };
  const auto has = [&](const std::string& context, const std::string& words) {
    const std::string all = problems(context);
    CHECK_MESSAGE(all.find(words) != std::string::npos, all);
  };
  CHECK(problems("{trim: {tokens: 2000}, summarize: {tokens: 1000, keep: 4, model: m}}").empty());
  has("{}", "'trim' or 'summarize'");
  has("{trim: {}}", "'tokens' or 'messages'");
  has("{trim: {tokens: 0}}", "tokens");
  has("{trm: {tokens: 1}}", "trim");
  has("{summarize: {keep: 3}}", "'tokens' or 'messages'");
  has("{summarize: {messages: 4, keep: 4}}", "keep less");
  has("{summarize: {messages: 4, model: x}}", "'x'");
  const LoadedAgent list =
      load_agent("v.yaml", with(with(chat, "CONTEXT", "{summarize: {messages: 4}}"),
                                "reduce: messages", "reduce: append"));
  CHECK_FALSE(list.ok());
  const LoadedAgent prompt =
      load_agent("v.yaml", with(with(chat, "      messages: log\n", ""), "agent:\n", "llm:\n"));
  CHECK(prompt.error().message().find("give 'messages'") != std::string::npos);
}

namespace {

struct Chat {
  std::string question, answer;
  std::vector<json::Value> log;
};
BOOST_DESCRIBE_STRUCT(Chat, (), (question, answer, log))

}  // namespace

TEST_CASE("in C++ a conversation is kept short with the same words") {
  const auto agent =
      GraphBuilder<Chat>("chat")
          .reduce("log", "messages")
          .with("models", json::Object{{"m", "scripted"}})
          .node("reply", {{"agent",
                           {{"model", "m"},
                            {"prompt", "{{question}}"},
                            {"into", "answer"},
                            {"messages", "log"},
                            {"context", {{"summarize", {{"messages", 2}, {"keep", 1}}}}}}}})
          .edge("START", "reply")
          .edge("reply", "END")
          .build();
  const std::string why = agent ? "" : agent.error().message();
  REQUIRE_MESSAGE(agent.ok(), why);
  Runtime::Options options;
  options.open_model = [](const ModelSpec&) { return make_scripted_model(replies); };
  const auto runtime = *Runtime::open(std::move(options));
  CHECK(runtime->run({}, *agent, *parse_json(question(1)), {.thread = "t"}).calls == 1);
  const RunResult result = runtime->run({}, *agent, *parse_json(question(2)), {.thread = "t"});
  CHECK(result.calls == 2);
  CHECK(result.state.at("answer") == Value("a2"));
}
