// Seeded damage to `context` of nodes and to the conversations that it is of.
#include "agents/detail/strange.hpp"
#include "agents/load.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

const Value chatting = Value::map(
    {{"name", "v"},
     {"input", Value::list({"q", "log"})},
     {"tools", Value::map({{"calc", Value::map({{"command", Value::list({"strange"})}})}})},
     {"state", Value::map({{"q", "string"},
                           {"text", "any"},
                           {"log", Value::map({{"type", "list"}, {"reduce", "messages"}})}})},
     {"budget", Value::map({{"tokens", 5000}})},
     {"nodes",
      Value::map({{"talk", Value::map({{"agent", Value::map({{"model", "m"},
                                                             {"prompt", "{{q}}"},
                                                             {"tools", Value::list({"calc"})},
                                                             {"max_turns", 3},
                                                             {"messages", "log"},
                                                             {"into", "text"},
                                                             {"max_tokens", 20},
                                                             {"context", Value()}})}})},
                  {"reply", Value::map({{"llm", Value::map({{"model", "m"},
                                                            {"messages", "log"},
                                                            {"into", "text"},
                                                            {"max_tokens", 20},
                                                            {"context", Value()}})}})}})},
     {"edges", Value::list({"START -> talk", "talk -> reply", "reply -> END"})}});

const Value rule = Value::map({{"summarize", Value::map({{"tokens", 20},
                                                         {"messages", 5},
                                                         {"keep", 2},
                                                         {"model", "m"},
                                                         {"max_tokens", 16},
                                                         {"prompt", "Short."}})},
                               {"trim", Value::map({{"tokens", 60}, {"messages", 4}})}});

/// A message of a conversation, sound or not.
Value strange_message(Random& random) {
  constexpr const char* roles[] = {"system", "user", "assistant", "tool", "human", "ai", "nobody"};
  Value message = Value::map({{"role", roles[below(random, std::size(roles))]},
                              {"content", std::string(below(random, 90), 'w')}});
  if (below(random, 2) == 0) message.put("id", fmt::format("m{}", below(random, 6)));
  if (below(random, 4) == 0) message.put("pinned", below(random, 3) > 0);
  if (below(random, 6) == 0) message.put("summary_of", fmt::format("m{}", below(random, 6)));
  if (below(random, 5) == 0)
    message.put("tool_calls", Value::list({Value::map({{"id", fmt::format("c{}", below(random, 3))},
                                                       {"name", "calc"},
                                                       {"args", strange(random)}})}));
  if (below(random, 5) == 0) message.put("tool_call_id", fmt::format("c{}", below(random, 3)));
  return below(random, 6) == 0 ? damaged(message, random) : message;
}

Value with_rules(Random& random) {
  Value document = chatting;
  Value nodes = document.at("nodes");
  for (const auto& [node, kind] : {std::pair("talk", "agent"), std::pair("reply", "llm")}) {
    Value body = nodes.at(node).at(kind);
    body.put("context", below(random, 2) == 0 ? rule : damaged(rule, random));
    nodes.put(node, Value::map({{kind, body}}));
  }
  document.put("nodes", nodes);
  return document;
}

}  // namespace

TEST_CASE(
    "whatever a context rule says and a conversation holds, it is refused or comes to an end") {
  SeededRandom random(20'269);
  int loaded_ones = 0, runs = 0;
  std::int64_t replies = 0;
  for (int round = 0; round < rounds(250); ++round) {
    const LoadedAgent loaded = load_agent(to_json(with_rules(random)), {.models = {"m"}});
    if (!loaded.ok()) {
      CHECK(!loaded.error().message().empty());
      continue;
    }
    ++loaded_ones;
    auto runtime = *Runtime::open(strange_options(random));
    for (int i = 0; i < 3; ++i) {
      std::vector<Value> messages;
      for (std::size_t n = below(random, 9); n > 0; --n)
        messages.push_back(strange_message(random));
      const RunResult result =
          run(*runtime, loaded.agent,
              Value::map({{"q", strange_text(random)}, {"log", Value::list(std::move(messages))}}));
      ++runs;
      replies += result.calls;
      if (result.status == Status::interrupted) break;  // A call whose end nobody knows.
    }
    (void)runtime->ledger("t");
  }
  CHECK(loaded_ones > 20);
  CHECK(runs > 40);
  CHECK(replies > 40);
}
