#include "agents/pipeline.hpp"

#include <thread>

#include "agents/detail/pipeline_shape.hpp"
#include "agents/detail/test_world.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const std::string writing = R"(name: v
input: [question]
output: [answer, notes]
models: {m: {provider: scripted, replies: r.jsonl, output_usd_per_million: 1000}}
state: {question: string, notes: string, answer: string}
nodes:
  think: {llm: {model: m, prompt: "About {{question}}", into: notes}}
  write: {llm: {model: m, prompt: "From {{notes}}", into: answer}}
edges: [START -> think, think -> write, write -> END]
)";
const std::string talking = R"(name: v
input: [history]
output: [history]
models: {m: {provider: scripted, replies: r.jsonl}}
state: {history: {type: list, reduce: messages}, said: string}
nodes:
  talk: {llm: {model: m, messages: history, into: said}}
  keep: {set: {history: "[{'role': 'assistant', 'content': said}]"}}
edges: [START -> talk, talk -> keep, keep -> END]
)";
const std::string asking = R"y(name: v
input: [question]
output: [post]
tools: {calc: {builtin: calculator, approve: {ask: "Compute {{args.expression}}?"}}}
state: {question: string, name: string, sum: any, post: string}
nodes:
  ask: {human: {ask: "Your name?", into: name}}
  go: {tool: {use: calc, args: {expression: "{{question}}"}, into: sum}}
  end: {set: {post: "name + ': ' + string(sum)"
}
}
edges: [START -> ask, ask -> go, go -> end, end -> END]
)y";
const std::string sleeping = R"(name: v
state: {question: string, x: string}
nodes: {doze: {wait: {for: 1h}}, wake: {set: {x: "'up'"}}}
edges: [START -> doze, doze -> wake, wake -> END]
)";

struct House {
  World world;
  std::unique_ptr<Host> host;

  explicit House(const std::string& yaml, const std::string& replies = "") : world(false) {
    REQUIRE(write_file_atomically(world.scratch.path() / "r.jsonl", replies).ok());
    auto opened = Host::open({.runtime = *world.runtime, .workers = 4, .clock = world.clock});
    REQUIRE(opened.ok());
    host = *std::move(opened);
    const auto declared = host->declare_agents(
        {{.name = "v", .file = (world.scratch.path() / "v.yaml").string(), .text = yaml}});
    const std::string why = declared ? "" : declared.error().message();
    REQUIRE_MESSAGE(declared.ok(), why);
  }
  ~House() { host.reset(); }
  struct Wish {
    std::vector<std::string> words;  ///< Of user and assistant in turns.
    std::string thread;
    std::optional<std::string> answers;
  };
  Result<dialects::ChatReply> ask(const Wish& wish, const models::EventSink& sink = {},
                                  const Context& context = {}) {
    world.clock.advance(std::chrono::milliseconds(1));  // Each resume has a name of its own.
    dialects::ChatRequest request;
    for (std::size_t i = 0; i < wish.words.size(); ++i)
      request.messages.push_back(
          {.role = i % 2 == 0 ? dialects::Role::user : dialects::Role::assistant,
           .parts = {{.text = wish.words[i]}}});
    return make_pipeline({.host = *host,
                          .runtime = *world.runtime,
                          .agent = "v",
                          .caller = "web",
                          .thread = wish.thread,
                          .answers = wish.answers})
        ->converse(context.with_timeout(std::chrono::seconds(60)), request, sink);
  }
  static std::string text(const dialects::ChatReply& reply) {
    return reply.choices.front().parts.front().text;
  }
  static std::string told(const dialects::ChatReply& reply, const std::string& key) {
    return std::string(reply.extra.at("slipway").as_object().at(key).as_string());
  }
  std::string waiting(const std::string& thread) {
    return host->state(thread)->at("interrupts").items().front().at("id").text();
  }
};

}  // namespace

TEST_CASE("an agent answers as a chat model, with its usage and what it cost") {
  House house(writing, R"({"node": "think", "text": "notes", "usage": {"input": 3, "output": 4}}
{"node": "write", "contains": "notes", "text": "the answer", "usage": {"input": 5, "output": 6}}
)");
  const auto reply = house.ask({{"ships"}});
  REQUIRE_MESSAGE(reply.ok(), reply.error().message());
  CHECK(House::text(*reply) == "the answer");
  CHECK(reply->choices.front().finish_reason == dialects::FinishReason::stop);
  CHECK(reply->usage.input_tokens == 8);
  CHECK(reply->usage.output_tokens == 10);
  CHECK(reply->model == "agent/v");
  CHECK(reply->id == House::told(*reply, "run"));
  CHECK(House::told(*reply, "status") == "done");
  CHECK(reply->extra.at("slipway").at("cost_usd").to_number<double>() ==
        doctest::Approx(10 * 0.001));
}

TEST_CASE("of a streamed reply only tokens of its last node are told as they come") {
  House house(writing, R"({"node": "think", "text": "secret notes"}
{"node": "write", "text": "the whole answer"}
)");
  std::vector<dialects::ChatEvent> events;
  const auto reply = house.ask({{"ships"}}, [&](const dialects::ChatEvent& event) {
    events.push_back(event);
    return true;
  });
  REQUIRE(reply.ok());
  std::string text;
  for (const auto& event : events) text += event.text;
  CHECK(text == "the whole answer");
  CHECK(events.front().kind == dialects::EventKind::start);
  CHECK(json::parse(events.front().data)->at("run") == boost::json::string(reply->id));
  CHECK(events.back().kind == dialects::EventKind::end);
}

TEST_CASE("a conversation goes to the key of messages, of a known thread only what is new") {
  House house(talking, R"({"contains": "again", "text": "you said it"}
{"text": "hello"}
)");
  const auto first = house.ask({{"hi"}, "t"});
  REQUIRE_MESSAGE(first.ok(), first.error().message());
  CHECK(House::text(*first) == "hello");
  const auto second = house.ask({{"hi", "hello", "again"}, "t"});
  REQUIRE_MESSAGE(second.ok(), second.error().message());
  CHECK(House::text(*second) == "you said it");
  const auto state = house.host->state("t");
  REQUIRE(state.ok());
  CHECK(state->at("state").at("history").items().size() == 4);
  const auto fresh = house.ask({{"hi", "hello", "again"}});
  REQUIRE(fresh.ok());
  CHECK(
      house.host->state(House::told(*fresh, "thread"))->at("state").at("history").items().size() ==
      4);
}

TEST_CASE("a run that waits says for what; a message answers a question, never an approval") {
  House house(asking);
  const auto first = house.ask({{"6 * 7"}, "t"});
  REQUIRE_MESSAGE(first.ok(), first.error().message());
  CHECK(first->choices.front().finish_reason == dialects::FinishReason::content_filter);
  CHECK(House::text(*first).starts_with("Your name?\n(human i_"));
  CHECK(House::told(*first, "status") == "interrupted");
  const auto second = house.ask({{"6 * 7", House::text(*first), "Ada"}, "t"});
  REQUIRE_MESSAGE(second.ok(), second.error().message());
  CHECK(House::text(*second).starts_with("Compute 6 * 7?\n(approval i_"));
  CHECK(House::text(*second).find("/api/threads/t/resume") != std::string::npos);
  const auto words = house.ask({{"approve"}, "t"});
  REQUIRE(words.ok());
  CHECK(House::text(*words) == House::text(*second));
  CHECK(house.ask({{"x"}, "t", R"({"i_none": "approve"})"}).error().code() ==
        Code::invalid_argument);
  CHECK(house.ask({{"x"}, "t", "approve"}).error().code() == Code::invalid_argument);
  const auto last = house.ask({{}, "t", fmt::format(R"({{"{}": "approve"}})", house.waiting("t"))});
  REQUIRE_MESSAGE(last.ok(), last.error().message());
  CHECK(House::text(*last) == "Ada: 42");
  const auto again = house.ask({{}, "t", "{}"});
  REQUIRE(again.ok());
  CHECK(House::text(*again) == "Ada: 42");
  CHECK(again->usage.input_tokens == 0);
}

TEST_CASE("what an agent cannot be asked is refused, what fails in it is told") {
  House house(writing, R"({"node": "think", "error": "network"}
)");
  const auto failed = house.ask({{"ships"}});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code() == Code::unavailable);
  CHECK(failed.error().message().find("agent 'v' failed at think: network") != std::string::npos);
  CHECK(house.ask({{}}).error().code() == Code::invalid_argument);
  CHECK(house.ask({{"x"}, "gone", "{}"}).error().code() == Code::not_found);
  dialects::ChatRequest tools;
  tools.messages = {{.parts = {{.text = "x"}}}};
  tools.tools.emplace_back();
  const auto model = make_pipeline({.host = *house.host,
                                    .runtime = *house.world.runtime,
                                    .agent = "v",
                                    .caller = {},
                                    .thread = {},
                                    .answers = {}});
  CHECK(model->converse({}, tools).error().code() == Code::unsupported);
  Agent deaf;
  deaf.name = "deaf";
  CHECK(PipelineShape(deaf).input_of({}, Conversation::whole).error().code() ==
        Code::invalid_argument);
}

TEST_CASE("who leaves cancels the run") {
  House house(sleeping);
  std::stop_source stop;
  std::thread leaves([&] {
    for (;;) {
      const auto threads = house.host->threads({});
      if (threads && !threads->empty() && threads->front().status == ThreadStatus::busy) break;
      std::this_thread::yield();
    }
    stop.request_stop();
  });
  const auto reply = house.ask({{"x"}}, {}, Context(stop.get_token()));
  leaves.join();
  REQUIRE_FALSE(reply.ok());
  CHECK(reply.error().code() == Code::cancelled);
  const auto threads = house.host->threads({});
  REQUIRE(threads->size() == 1);
  CHECK(house.host->run(threads->front().run)->status == RunStatus::cancelled);
}
