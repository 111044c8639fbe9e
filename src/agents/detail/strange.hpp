// What no good program would say: values, texts, tools and models for tests that damage things.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "agents/runtime.hpp"
#include "core/clock.hpp"

namespace slipway::agents::detail {

/// SLIPWAY_FUZZ=100 does a hundred times as much.
inline int rounds(int few) {
  const char* more = std::getenv("SLIPWAY_FUZZ");
  return few * (more == nullptr ? 1 : std::max(1, std::atoi(more)));
}

inline std::size_t below(Random& random, std::size_t limit) { return random.next() % limit; }

inline Value strange(Random& random) {
  switch (below(random, 12)) {
    case 0: return {};
    case 1: return true;
    case 2: return static_cast<std::int64_t>(random.next());
    case 3: return -1;
    case 4: return 1e300;
    case 5: return "";
    case 6: return "{{1 / 0}}";
    case 7: return Value::list({1, "a", Value(), Value::map()});
    case 8:
      return Value::map({{"done", true}, {"retry", 5}, {"add", Value::map({{"tokens", -9}})}});
    case 9: return 2'000'000'000;
    case 10: return "/1:0[999999999]/2:7";
    default: return Value::list();
  }
}

/// A part of it, somewhere, is another one.
inline Value damaged(const Value& value, Random& random) {
  if (below(random, 6) == 0) return strange(random);
  if (value.is_list() && !value.items().empty()) {
    std::vector<Value> items = value.items();
    const std::size_t at = below(random, items.size());
    if (below(random, 5) == 0)
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(at));
    else
      items[at] = damaged(items[at], random);
    return Value::list(std::move(items));
  }
  if (value.is_map() && !value.entries().items.empty()) {
    auto entries = value.entries().items;
    const std::size_t at = below(random, entries.size());
    if (below(random, 5) == 0)
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
    else
      entries[at].second = damaged(entries[at].second, random);
    return Value::map(std::move(entries));
  }
  return strange(random);
}

inline std::string damaged(std::string bytes, Random& random, std::size_t most = 4) {
  for (std::size_t i = 0, n = 1 + below(random, most); i < n && !bytes.empty(); ++i) {
    const std::size_t at = below(random, bytes.size());
    switch (below(random, 5)) {
      case 0: bytes[at] = static_cast<char>(random.next()); break;
      case 1: bytes.erase(at, 1 + below(random, 30)); break;
      case 2: bytes.insert(at, bytes.substr(below(random, bytes.size()), 60)); break;
      case 3: bytes[at] = "{}[]():,-&*!?|>'\"%@`#\n \t"[below(random, 24)]; break;
      default: bytes.resize(at); break;
    }
  }
  return bytes;
}

inline std::string strange_text(Random& random) {
  const std::string text =
      R"({"text": "a", "score": [1, {"b": null}]} {{n}} <data>\xFF\0\xED\xA0\x80)";
  return damaged(text, random);
}

class StrangeTool final : public Tool {
 public:
  explicit StrangeTool(std::uint64_t from) : random_(from) {}
  ToolResult call(const Context&, const ToolCall&) override {
    switch (below(random_, 5)) {
      case 0: return ToolResult::failed({.kind = strange_text(random_), .message = ""});
      case 1: return ToolResult::unknown({.kind = "network", .message = strange_text(random_)});
      case 2: return ToolResult::done(Value(strange_text(random_)));
      default: return ToolResult::done(strange(random_));
    }
  }
  Value parameters() const override { return Value::list({1, "a"}); }

 private:
  SeededRandom random_;
};

class StrangeModel final : public Model {
 public:
  explicit StrangeModel(std::uint64_t from) : random_(from) {}
  Outcome<ModelReply> reply(const Context&, const ModelCall& call) override {
    if (below(random_, 8) == 0) return Failure{.kind = "network", .message = strange_text(random_)};
    ModelReply made{.text = strange_text(random_),
                    .input_tokens = static_cast<std::int64_t>(below(random_, 20)),
                    .output_tokens = static_cast<std::int64_t>(below(random_, 40)) - 2};
    for (std::size_t i = below(random_, 4); i > 0; --i)
      made.tool_calls.push_back(
          {.id = below(random_, 3) == 0 ? "" : "c",
           .name = below(random_, 3) == 0 || call.tools.empty() ? strange_text(random_) : "calc",
           .args = below(random_, 2) == 0 ? strange(random_)
                                          : Value::map({{"expression", strange(random_)}})});
    return made;
  }
  Outcome<std::int64_t> count_tokens(const ModelCall&) override { return 3; }

 private:
  SeededRandom random_;
};

/// All commands and models are strange ones. `random` outlives the runtime.
inline Runtime::Options strange_options(Random& random) {
  Runtime::Options options;
  options.tools.add("command", [&random](const ToolSpec&) -> Result<std::shared_ptr<Tool>> {
    return std::shared_ptr<Tool>(std::make_shared<StrangeTool>(random.next()));
  });
  options.open_model = [&random](const ModelSpec&) -> Result<std::shared_ptr<Model>> {
    return std::shared_ptr<Model>(std::make_shared<StrangeModel>(random.next()));
  };
  return options;
}

/// Until it stops, at most so long.
inline RunResult run(Runtime& runtime, const AgentPtr& agent, const Value& input) {
  constexpr std::chrono::seconds longest(2);
  const RunResult result = runtime.run(Context().with_timeout(longest), agent, input,
                                       {.thread = "t", .steps = 10, .trace = true});
  CHECK((result.status != Status::failed || !result.error->message.empty()));
  return result;
}

}  // namespace slipway::agents::detail
