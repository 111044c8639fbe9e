// The whole face over a host for tests, and a client of it.
#pragma once

#include <doctest/doctest.h>

#include "core/files.hpp"
#include "core/guarded.hpp"
#include "http/fake_exchange.hpp"
#include "langgraph/detail/core.hpp"
#include "langgraph/detail/fake_host.hpp"

namespace slipway::langgraph::detail {

/// Remembers what it was asked to send.
class FakeClient final : public http::Client {
 public:
  Guarded<std::vector<http::ClientRequest>> sent;
  int status = 200;
  Result<http::ClientResponse> send(const Context&, const http::ClientRequest& request,
                                    const http::BodySink&) override {
    sent.with([&](auto& all) { all.push_back(request); });
    return http::ClientResponse{.status = status};
  }
};

template <typename T>
T must(Result<T> result) {
  const std::string why = result.ok() ? "" : result.error().message();
  REQUIRE_MESSAGE(result.ok(), why);
  return *std::move(result);
}

inline constexpr const char* desk_yaml = R"(
name: desk
models: {m: {provider: scripted, replies: desk.jsonl}}
state:
  topic: string
  notes: {type: list, reduce: append}
  answer: string
  verdict: string
  messages: {type: list, reduce: messages}
nodes:
  plan: {set: {notes: '["plan " + topic]'}}
  talk: {llm: {model: m, prompt: "{{topic}}", into: answer}}
  ask: {human: {ask: "Is '{{answer}}' right?", into: verdict}}
  finish: {set: {notes: '["done"]'}}
edges:
  - START -> plan
  - plan -> talk
  - talk -> ask
  - ask -> finish
  - finish -> END
)";
inline constexpr const char* outer_yaml = R"(
name: outer
state: {topic: string, notes: {type: list, reduce: append}}
nodes:
  before: {set: {notes: '["before"]'}}
  sub: {graph: {agent: inner.yaml, input: {topic: topic}, output: {notes: result.notes}}}
edges:
  - START -> before
  - before -> sub
  - sub -> END
)";
inline constexpr const char* inner_yaml = R"(
name: inner
state: {topic: string, notes: {type: list, reduce: append}}
nodes:
  first: {set: {notes: '["first " + topic]'}}
  second: {set: {notes: '["second"]'}}
edges:
  - START -> first
  - first -> second
  - second -> END
)";
inline constexpr const char* fails_yaml = R"(
name: fails
state: {topic: string, notes: {type: list, reduce: append}}
nodes:
  before: {set: {notes: '["before"]'}}
  boom: {set: {notes: 'fail("bad topic")'}}
edges:
  - START -> before
  - before -> boom
  - boom -> END
)";

/// Writes to the custom stream, and calls another tool.
inline constexpr const char* tells_yaml = R"(
name: tells
state: {topic: string, total: number}
tools: {tell: {builtin: emit}, sum: {builtin: calculator}}
nodes:
  say: {tool: {use: tell, args: {name: progress, done: 1, topic: "{{topic}}"}}}
  add: {tool: {use: sum, args: {expression: "1 + 2"}, into: total}}
edges: [START -> say, say -> add, add -> END]
)";
/// Asks within a sub-agent.
inline constexpr const char* deep_yaml = R"(
name: deep
state: {topic: string, notes: {type: list, reduce: append}}
nodes:
  before: {set: {notes: '["before"]'}}
  sub: {graph: {agent: asks.yaml, input: {topic: topic}, output: {notes: result.notes}}}
edges: [START -> before, before -> sub, sub -> END]
)";
inline constexpr const char* asks_yaml = R"(
name: asks
state: {topic: string, said: string, notes: {type: list, reduce: append}}
nodes:
  first: {set: {notes: '["first " + topic]'}}
  ask: {human: {ask: "Inner?", into: said}}
edges: [START -> first, first -> ask, ask -> END]
)";
/// Asks two things at once.
inline constexpr const char* two_yaml = R"(
name: two
state: {topic: string, a: string, b: string}
nodes:
  first: {human: {ask: "A?", into: a}}
  second: {human: {ask: "B?", into: b}}
edges: [START -> first, START -> second, first -> END, second -> END]
)";

struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;
  Value json() const { return must(agents::parse_json(body)); }
};

struct StreamPart {
  std::string event, id;
  Value data;
};

struct World {
  std::filesystem::path folder;
  FakeClock clock;
  SeededRandom random{7};
  FakeClient client;
  std::unique_ptr<agents::Runtime> runtime = must(agents::Runtime::open({.clock = clock}));
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, migrations()));
  FakeHost host{*runtime, clock};
  Pool workers{{.threads = 2}};
  http::Router router{workers};
  std::shared_ptr<Keeper> keeper;

  World() {
    folder = std::filesystem::temp_directory_path() / ("langgraph-" + make_uuid(system_random()));
    std::filesystem::create_directories(folder);
    write("desk.jsonl", R"({"text": "Hello there friend"})");
    write("inner.yaml", inner_yaml);
    write("asks.yaml", asks_yaml);
    for (const char* yaml : {desk_yaml, outer_yaml, fails_yaml, tells_yaml, deep_yaml, two_yaml})
      add(yaml);
    keeper = must(Keeper::open({.host = host,
                                .runtime = *runtime,
                                .database = *database,
                                .client = client,
                                .version = "1.2.3",
                                .followers = 4,
                                .clock = clock,
                                .random = random}));
    mount(router, keeper, [this](const http::Request&, std::string_view role) -> Result<void> {
      if (role == refused_role) return fail(Code::forbidden, "not you");
      return {};
    });
  }
  ~World() { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& text) {
    REQUIRE(write_file_atomically(folder / name, text).ok());
  }
  void add(const std::string& yaml) {
    write("agent.yaml", yaml);
    const agents::LoadedAgent loaded = agents::load_agent_file((folder / "agent.yaml").string());
    const std::string why = loaded.ok() ? "" : loaded.error().message();
    REQUIRE_MESSAGE(loaded.ok(), why);
    host.add(loaded.agent);
  }
  Core& core() { return static_cast<Core&>(*keeper); }

  Answer ask(const std::string& method, const std::string& target, const std::string& body = "",
             http::Headers headers = {}) {
    auto exchange =
        std::make_shared<http::FakeExchange>(http::Request{.method = method,
                                                           .target = "/langgraph" + target,
                                                           .headers = std::move(headers),
                                                           .body = body});
    router.dispatch(exchange);
    REQUIRE(exchange->wait_ended());
    const http::Response response = exchange->response();
    return {response.status, response.headers, response.body};
  }
  /// Of a reply that must be 200.
  Value get(const std::string& method, const std::string& target, const std::string& body = "") {
    const Answer answer = ask(method, target, body);
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    return answer.json();
  }
  std::vector<StreamPart> stream(const std::string& target, const std::string& body) {
    return parts(ask("POST", target, body).body);
  }
  /// Of a stream that does not end by itself: what it has told when `enough` has been seen.
  std::vector<StreamPart> listen(const std::string& method, const std::string& target,
                                 const std::string& body, const std::string& enough,
                                 http::Headers headers = {}) {
    auto exchange =
        std::make_shared<http::FakeExchange>(http::Request{.method = method,
                                                           .target = "/langgraph" + target,
                                                           .headers = std::move(headers),
                                                           .body = body});
    router.dispatch(exchange);
    REQUIRE_MESSAGE(exchange->wait_for(enough), exchange->response().body);
    exchange->leave();
    REQUIRE(exchange->wait_ended());
    return parts(exchange->response().body);
  }
  static std::vector<StreamPart> parts(const std::string& body) {
    std::vector<StreamPart> parts;
    http::SseParser parser;
    parser.feed(body, [&](const http::SseParser::Event& event) {
      parts.push_back({event.event, event.id, must(agents::parse_json(event.data))});
      return true;
    });
    return parts;
  }
  std::string refused_role;
};

inline std::vector<std::string> names_of(const std::vector<StreamPart>& parts) {
  std::vector<std::string> names;
  for (const StreamPart& part : parts) names.push_back(part.event);
  return names;
}
inline Value value_of(const char* json) { return must(agents::parse_json(json)); }

}  // namespace slipway::langgraph::detail
