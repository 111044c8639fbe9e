#include <algorithm>
#include <cmath>

#include "langgraph/detail/runs.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::int64_t after_seconds_max = 366ll * 24 * 3600;

/// Modes that only LangChain's own runtime has something to tell of.
bool is_foreign_mode(const std::string& mode) { return mode == "tools" || mode == "lifecycle"; }

/// Names of nodes; "*" is all of them.
Result<std::vector<std::string>> nodes_of(const agents::Agent& agent, const Value& body,
                                          std::string_view name) {
  std::vector<std::string> nodes = TRY(texts_of(body, name));
  if (nodes == std::vector<std::string>{"*"}) {
    nodes.clear();
    for (const agents::Node& node : agent.nodes) nodes.push_back(node.name);
  }
  for (const std::string& node : nodes)
    if (!agent.node(node))
      return fail(Code::invalid_argument, "{}: the graph '{}' has no node '{}'", name, agent.name,
                  node);
  return nodes;
}

Result<void> read_command(const Value& body, RunWish& wish) {
  Value command = TRY(map_of(body, "command"));
  bool says_something = false;
  for (const auto& [name, value] : command.entries().items) {
    if (name != "resume" && name != "update" && name != "goto" && name != "graph")
      return fail(Code::invalid_argument, "command: '{}' is none of resume, update, goto", name);
    says_something = says_something || !value.is_null();
  }
  if (!command.at("graph").is_null())
    return fail(Code::invalid_argument, "command.graph: only a node can say that");
  if (!says_something) return {};
  const Value& update = command.at("update");
  if (update.is_list()) {
    // The same as a map, in pairs.
    Value writes = Value::map();
    for (const Value& pair : update.items()) {
      if (!pair.is_list() || pair.items().size() != 2 || !pair.items()[0].is_text())
        return fail(Code::invalid_argument,
                    "command.update: an object, or a list of pairs [key, value] is expected");
      writes.put(pair.items()[0].text(), pair.items()[1]);
    }
    command.put("update", std::move(writes));
  }
  if (!wish.input.is_null())
    return fail(Code::invalid_argument, "input and command: one of them, not both");
  wish.command = command;
  return {};
}

Result<void> read_checkpoint(const Value& body, RunWish& wish) {
  const Value checkpoint = TRY(map_of(body, "checkpoint"));
  wish.checkpoint = TRY(text_of(checkpoint, "checkpoint_id", TRY(text_of(body, "checkpoint_id"))));
  const std::string space = TRY(text_of(checkpoint, "checkpoint_ns"));
  if (!space.empty())
    return fail(Code::invalid_argument,
                "checkpoint.checkpoint_ns: '{}': runs go on from checkpoints of the graph itself",
                space);
  return {};
}

Result<void> read_config(const Value& body, RunWish& wish) {
  const Value config = TRY(map_of(body, "config"));
  TRY(map_of(body, "context"));
  if (const std::int64_t limit = TRY(number_of(config, "recursion_limit", 0)); limit != 0) {
    if (limit < 1)
      return fail(Code::invalid_argument, "config.recursion_limit: {} is below 1", limit);
    wish.steps = static_cast<int>(std::min<std::int64_t>(limit, 1'000'000));
  }
  const Value configurable = TRY(map_of(config, "configurable"));
  if (wish.checkpoint.empty()) wish.checkpoint = TRY(text_of(configurable, "checkpoint_id"));
  return {};
}

Result<void> read_webhook(const Value& body, RunWish& wish) {
  wish.webhook = TRY(text_of(body, "webhook"));
  if (wish.webhook.empty() || wish.webhook.starts_with("https://") ||
      wish.webhook.starts_with("http://"))
    return {};
  return fail(Code::invalid_argument, "webhook: a URL of http or https is expected");
}

Result<void> read_choices(const Value& body, RunWish& wish) {
  const std::string multitask =
      TRY(choice_of(body, "multitask_strategy", {"enqueue", "reject", "interrupt", "rollback"}));
  wish.multitask = TRY(json::from<agents::Multitask>(json::Value(boost::json::string(multitask))));
  wish.cancels_on_disconnect =
      TRY(choice_of(body, "on_disconnect", {"continue", "cancel"})) == "cancel";
  wish.creates_thread = TRY(choice_of(body, "if_not_exists", {"reject", "create"})) == "create";
  wish.is_kept = TRY(choice_of(body, "on_completion", {"delete", "keep"})) == "keep";
  wish.has_subgraphs = TRY(flag_of(body, "stream_subgraphs", false));
  TRY(flag_of(body, "stream_resumable", false));
  TRY(flag_of(body, "strict_resume", true));  // It always is: before anything is written.
  for (const char* name : {"feedback_keys", "langsmith_tracer"})
    if (!body.at(name).is_null())
      return fail(Code::invalid_argument,
                  "{}: is not served; runs are traced here, and feedback is given under "
                  "/api/v1/feedback",
                  name);
  // What is written before the next superstep is what both sync and async promise, and more.
  if (TRY(choice_of(body, "durability", {"async", "sync", "exit"})) == "exit")
    wish.durability = agents::Durability::exit;
  if (const Value& after = body.at("after_seconds"); !after.is_null()) {
    if (!after.is_number() || after.number() < 0 || after.number() > after_seconds_max)
      return fail(Code::invalid_argument, "after_seconds: 0 to {} are expected", after_seconds_max);
    wish.after_ms = std::llround(after.number() * 1000);
  }
  return {};
}

}  // namespace

Result<std::set<std::string>> read_modes(const Value& modes) {
  const auto names = TRY(texts_of(Value::map({{"stream_mode", modes}}), "stream_mode"));
  std::set<std::string> found;
  for (const std::string& name : names) {
    const auto& known = stream_modes();
    if (std::find(known.begin(), known.end(), name) == known.end())
      return fail(Code::invalid_argument, "stream_mode: '{}' is {}; served are {}", name,
                  is_foreign_mode(name) ? "not told here" : "unknown", fmt::join(known, ", "));
    found.insert(name);
  }
  if (found.empty()) found.insert("values");
  return found;
}

Result<RunWish> read_wish(Core& core, const Context& context, const Value& body) {
  const std::string assistant = TRY(text_of(body, "assistant_id"));
  if (assistant.empty())
    return fail(Code::invalid_argument,
                "assistant_id: is required; the id of an assistant or the name of a graph");
  RunWish wish{.assistant = TRY(core.assistants().find(context, assistant)), .body = body};
  wish.caller = context.caller();
  const agents::AgentPtr agent = TRY(core.host().loaded_agent(wish.assistant.graph));
  wish.input = body.at("input");
  if (!wish.input.is_null()) {
    if (!wish.input.is_map())
      return fail(Code::invalid_argument,
                  "input: an object with keys of the state is expected, not {}",
                  agents::kind_name(wish.input));
    wish.input = state_in(*agent, wish.input);
  }
  TRY(read_command(body, wish));
  TRY(read_checkpoint(body, wish));
  TRY(read_config(body, wish));
  TRY(read_webhook(body, wish));
  TRY(read_choices(body, wish));
  wish.modes = TRY(read_modes(body.at("stream_mode")));
  wish.pause_before = TRY(nodes_of(*agent, body, "interrupt_before"));
  wish.pause_after = TRY(nodes_of(*agent, body, "interrupt_after"));
  wish.metadata = TRY(map_of(body, "metadata"));
  if (wish.assistant.config.at("recursion_limit").is_integer() && !wish.steps)
    wish.steps = static_cast<int>(std::clamp<std::int64_t>(
        wish.assistant.config.at("recursion_limit").integer(), 1, 1'000'000));
  return wish;
}

Result<RunWish> read_wish(Core& core, const Context& context, const Value& body,
                          const http::Request& request) {
  RunWish wish = TRY(read_wish(core, context, body));
  wish.origin = agents::run_origin(request);
  return wish;
}

}  // namespace slipway::langgraph::detail
