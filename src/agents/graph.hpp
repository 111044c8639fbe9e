// An agent as it is run: keys of its state, nodes, edges, all names resolved, all expressions
// compiled. Made by `load_agent` from YAML and by `GraphBuilder` from C++; never changed after.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agents/expression.hpp"
#include "agents/value.hpp"
#include "core/context.hpp"
#include "core/schema_check.hpp"

namespace slipway::agents {

using Milliseconds = std::chrono::milliseconds;

/// How a write changes what is there.
enum class Reduce : std::uint8_t { last, any, append, unite, sum, min, max, merge, messages };

struct Key {
  std::string name;
  Type type = Type::any;
  Reduce reduce = Reduce::last;
  std::optional<Value> fallback;  ///< `default`
  bool is_untrusted = false;      ///< Whatever is written to it is tainted: `Source::input`.
  int line = 0;
  /// What it is before anything was written; nothing: absent.
  std::optional<Value> start() const;
};

/// Places in `Inputs::locals`, the same in all expressions of an agent. Variables of `each` and
/// `map` follow.
enum Local : std::uint8_t {
  local_step,
  local_attempt,
  local_node,
  local_index,
  local_tool,
  local_args,
  local_risk,
  local_spent,
  local_result,
  local_tainted,
  local_count
};

/// What a model's reply or a person's answer must look like.
struct Schema {
  struct Property {
    std::string name;
    Type type = Type::any;
  };
  std::vector<Property> properties;
  Value json;  ///< The same as JSON Schema.
  /// Of one that says more than names and types; may be null.
  std::shared_ptr<const json::SchemaCheck> whole;
  /// Fails: kind "schema", with the first fault.
  Outcome<bool> check(const Value& value) const;
  /// What is wrong with it, at most eight things: "$.score: expected number, got text".
  std::vector<std::string> faults(const Value& value) const;
};

struct Retry {
  int max = 1;  ///< Attempts.
  Milliseconds first{500};
  double factor = 2;
  Milliseconds max_wait{60'000};
  std::vector<std::string> on{"network", "timeout", "rate_limit"};
  bool covers(const std::string& kind) const;
  /// Before attempt `attempt` + 1 of this start.
  Milliseconds pause_after(int attempt) const;
};

struct Approve {
  Expression when;  ///< Empty: always.
  std::optional<Template> ask;
  Milliseconds timeout{24 * 3'600'000};
};

enum class OnExceed : std::uint8_t { finish, approve, fail };

struct Budget {
  std::optional<std::int64_t> tokens, calls;
  std::optional<double> usd;
  std::optional<Milliseconds> wall;  ///< Time that is worked, over all resumes.
  OnExceed on_exceed = OnExceed::fail;
  std::string finish;  ///< A node, or empty.
  bool has_limits() const { return tokens || calls || usd || wall; }
};

struct Limits {  // Of a run, or since somebody went on with it; timers and restarts count on.
  int steps = 100;
  Milliseconds wall{3'600'000};  ///< Time that is worked: standing at a question or timer is none.
  int parallel = 16;
};

/// A value whose texts are templates: what a tool is called with.
struct Form {
  Value constant;
  std::optional<Template> text;
  std::vector<Form> items;                            ///< A list, if `is_list`.
  std::vector<std::pair<std::string, Form>> entries;  ///< A map, if `is_map`.
  bool is_list = false, is_map = false;
  Outcome<Value> evaluate(const Inputs& inputs) const;
};

/// What a model's tokens cost.
struct ModelPrice {
  double input_usd_per_million = 0, output_usd_per_million = 0;
  bool is_known = true;
  double of(std::int64_t input, std::int64_t output) const {
    return (static_cast<double>(input) * input_usd_per_million +
            static_cast<double>(output) * output_usd_per_million) /
           1e6;
  }
};

struct ModelSpec {
  std::string name;
  std::string provider;  ///< "scripted", "catalog" (an installed or configured model), or others.
  std::string replies;   ///< scripted: the file, absolute.
  std::string model;     ///< catalog: its name there.
  std::int64_t context = 8192;
  double input_usd_per_million = 0, output_usd_per_million = 0;
  bool is_priced = true;  ///< Whether the prices above are known.
  json::Value config;     ///< Others: as an entry of `models:` in slipway.yaml.
};

enum class Effect : std::uint8_t { pure, idempotent, at_most_once };

struct Agent;
using AgentPtr = std::shared_ptr<const Agent>;

struct ToolSpec {
  std::string name, description;
  std::string kind;  ///< http, sql, mcp, command, agent, builtin; "function" of C++.
  Value config;      ///< What stands below the kind.
  Effect effect = Effect::at_most_once;
  bool is_high_risk = false;
  bool is_trusted = false;  ///< What it returns is not tainted by itself.
  bool is_exposed = false;
  std::string probe;  ///< A tool, or empty.
  std::optional<Approve> approve;
  std::optional<Milliseconds> timeout;
  double usd_per_call = 0;       ///< `price`: beside what models within it say that they cost.
  std::optional<Schema> schema;  ///< Of its arguments.
  std::string folder;            ///< Relative paths of its config start here.
  AgentPtr agent;                ///< Of kind `agent`.
  int line = 0;
  /// Its arguments are for who follows the run: the custom stream.
  bool is_emit() const { return kind == "builtin" && config == Value("emit"); }
};

struct Node;

/// A write of a node: to a key, or of a name where the value is not the state's (`map`).
struct Assignment {
  std::string name;
  std::size_t key = 0;
  Expression value;
};

struct SetBody {
  std::vector<Assignment> values;
};

/// At most so much of a conversation is shown to the model; the oldest of it goes first. What is
/// pinned, the system's words and the newest question always stay, and a call of a tool goes with
/// its result.
struct Trim {
  std::optional<std::int64_t> tokens;    ///< Of the whole prompt.
  std::optional<std::int64_t> messages;  ///< Beside the system's.
};
/// A conversation that has more than either is summed up by a model, all but its end; what is
/// pinned stays as it is.
struct Summarize {
  std::optional<std::int64_t> tokens, messages;
  std::int64_t keep = 10;            ///< So many of the newest messages stay.
  std::optional<std::size_t> model;  ///< Nothing: the node's.
  std::int64_t max_tokens = 512;
  std::string prompt;              ///< Instead of our own words.
  std::optional<std::size_t> key;  ///< The list of messages that keeps summaries, if any does.
};
/// `context` of a node: what a model sees of a conversation.
struct ContextRule {
  std::optional<Trim> trim;
  std::optional<Summarize> summarize;  ///< Before it is trimmed.
};

struct LlmBody {
  std::size_t model = 0;
  std::optional<Template> system, prompt;
  Expression messages;
  std::optional<Schema> schema;
  std::optional<std::size_t> into;
  std::int64_t max_tokens = 1024;
  std::optional<double> temperature;
  std::optional<std::int64_t> seed;
  std::optional<ContextRule> context;
};
struct ReactBody {  ///< `agent`
  LlmBody llm;      ///< Its `schema` is `output`.
  std::vector<std::size_t> tools;
  int max_turns = 8;
  std::optional<std::size_t> messages_key;
};
struct ToolBody {
  std::size_t tool = 0;
  std::vector<std::pair<std::string, Form>> args;
  std::optional<std::size_t> into;
};
struct RagBody {
  Template collection, question;
  bool is_ask = false;
  int limit = 8;
  std::optional<Form> filter;
  std::optional<std::size_t> into;
};
struct GraphBody {
  AgentPtr agent;
  std::vector<Assignment> input;   ///< `key` is one of the sub-agent's.
  std::vector<Assignment> output;  ///< See `result`.
};
struct MapBody {
  Expression each;
  std::size_t as = 0;  ///< Local.
  std::shared_ptr<const Node> body;
  std::size_t into = 0;
  int parallel = 0;  ///< 0: as the agent's limit.
  bool null_on_error = false;
};
struct CodeBody {
  std::string lang, source;
  std::vector<Assignment> args;
  std::optional<std::size_t> into;
  Milliseconds cpu{5'000}, wall{10'000};
  std::int64_t memory = 256ll << 20, output = 1ll << 20;
  int processes = 16;
};
struct HumanBody {
  Template ask;
  std::optional<Schema> schema;
  std::optional<std::size_t> into;
  std::optional<Milliseconds> timeout;
  std::optional<Value> on_timeout;  ///< Absent: fails.
};
struct WaitBody {
  std::optional<Milliseconds> span;
  Expression until;
};
/// C++: sees the state, gives its writes, a map.
struct FunctionCall {
  const Context& context;
  const Agent& agent;
  const Inputs& inputs;
  /// Tells those who follow the run at once: event "custom". Not kept; nobody may be listening.
  std::function<void(const Value&)> emit = [](const Value&) {};
};
struct FunctionBody {
  std::string name;
  std::function<Outcome<Value>(const FunctionCall&)> run;
};

using Body = std::variant<SetBody, LlmBody, ReactBody, ToolBody, RagBody, GraphBody, MapBody,
                          CodeBody, HumanBody, WaitBody, FunctionBody>;
std::string_view kind_of(const Body& body);
/// Whether approvals of such a node are (also) asked for each of its calls: `tool` and `agent`.
bool calls_tools(const Body& body);

struct Node {
  std::string name;
  Value label;  ///< The name.
  Body body;
  Retry retry;
  std::optional<Milliseconds> timeout;
  std::optional<Approve> approve;
  bool pause_before = false, pause_after = false;
  bool is_deferred = false;
  std::optional<Milliseconds> cache_ttl;
  std::optional<Template> cache_key;
  std::optional<Budget> budget;
  int line = 0;
  /// Whether it can be run at once, with nothing that waits.
  bool is_quick() const { return std::holds_alternative<SetBody>(body) && !approve; }
};

inline constexpr std::uint32_t to_end = 0xFFFFFFFF;

struct Edge {
  std::uint32_t target = to_end;
  Expression when;
  bool is_else = false;
  Expression each;
  std::size_t as = 0;  ///< Local, of `each`.
  std::optional<std::uint32_t> empty;
  std::vector<std::string> on;  ///< Kinds of failures; empty: an ordinary edge.
  std::optional<std::size_t> into;
  int line = 0;
  bool is_plain() const { return !when && !is_else && !each && on.empty(); }
};

struct Join {
  std::vector<std::uint32_t> sources;  ///< Sorted.
  std::uint32_t target = to_end;
  int line = 0;
};

struct Agent {
  std::string name, description;
  std::string file;    ///< Absolute, or empty.
  std::string hash;    ///< Of the text and those of its sub-agents.
  std::string source;  ///< JSON {"file": path, "files": {path: text}} of all it was made of.
  std::vector<Key> keys;
  std::vector<std::size_t> input, output;
  std::vector<ModelSpec> models;
  std::vector<ToolSpec> tools;
  std::vector<Node> nodes;  ///< By the bytes of their names.
  /// Edges out of each node in the order of the file; the last entry is START's.
  std::vector<std::vector<Edge>> edges;
  std::vector<Join> joins;
  std::vector<std::vector<std::uint32_t>> joins_of;  ///< Of each node.
  Budget budget;
  Limits limits;
  bool is_exposed = false;
  std::size_t locals = local_count;
  std::vector<std::string> variables;  ///< Of `each` and `map`: locals from `local_count` on.

  std::optional<std::size_t> key(std::string_view name) const;
  std::optional<std::uint32_t> node(std::string_view name) const;
  const std::vector<Edge>& start_edges() const { return edges.back(); }
};

}  // namespace slipway::agents
