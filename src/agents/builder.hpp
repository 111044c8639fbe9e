// Agents in C++: a state that is a struct, nodes that are lambdas, the same runtime.
//
//   struct Draft { std::string topic, text; int rounds = 0; };
//   BOOST_DESCRIBE_STRUCT(Draft, (), (topic, text, rounds))
//
//   auto agent = TRY(GraphBuilder<Draft>("draft")
//                        .node("write", [](Draft& d) { d.text = d.topic + "!"; ++d.rounds; })
//                        .edge("START", "write")
//                        .edge("write", "write", [](const Draft& d) { return d.rounds < 3; })
//                        .otherwise("write", "END")
//                        .build());
//
// What a node changes in its copy of the state are its writes. Nodes of other kinds are given as in
// YAML: `.node("ask", {{"human", {{"ask", "Send {{text}}?"}, {"into", "ok"}}}})`.
#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "agents/load.hpp"

namespace slipway::agents {

namespace detail {

template <typename T>
std::string_view type_word() {
  if constexpr (std::is_same_v<T, bool>)
    return "bool";
  else if constexpr (std::is_integral_v<T>)
    return "int";
  else if constexpr (std::is_floating_point_v<T>)
    return "number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "string";
  else if constexpr (requires(T t) { t.push_back(*t.begin()); })
    return "list";
  else if constexpr (std::is_same_v<T, json::Value>)
    return "any";
  else if constexpr (
      requires { typename T::value_type; } && !requires { typename T::key_type; })
    return "any";  // An optional.
  else
    return "map";
}

/// The state of a task or an edge as JSON; absent keys are left out.
json::Object state_object(const Agent& agent, const Inputs& inputs);
/// What changed between two states becomes writes, as each key's reducer takes them.
Outcome<Value> changes(const Agent& agent, const json::Object& before, const json::Object& after);

template <typename State>
Outcome<State> read_state(const json::Object& object) {
  auto state = json::from<State>(json::Value(object), json::Policy::ignore_unknown);
  if (!state) return Failure{"type", state.error().message()};
  return *std::move(state);
}

}  // namespace detail

template <typename State>
class GraphBuilder {
 public:
  explicit GraphBuilder(const std::string& name) {
    document_["name"] = name;
    json::Object keys;
    boost::mp11::mp_for_each<boost::describe::describe_members<
        State, boost::describe::mod_public | boost::describe::mod_inherited>>([&](auto member) {
      using Field = std::remove_cv_t<
          std::remove_reference_t<decltype(std::declval<State>().*member.pointer)>>;
      keys[member.name] = json::Object{{"type", detail::type_word<Field>()}};
    });
    document_["state"] = std::move(keys);
    document_["nodes"] = json::Object();
    document_["edges"] = json::Array();
  }

  /// How writes of that member meet what is there: "append", "sum" ...
  GraphBuilder& reduce(const std::string& key, const std::string& how) {
    document_["state"].as_object()[key].as_object()["reduce"] = how;
    return *this;
  }

  /// `act(State&)`, void or Result<void>. An error fails the node with the kind of its code.
  template <typename Act>
  requires std::is_invocable_v<Act, State&> GraphBuilder& node(const std::string& name, Act act) {
    return node(name,
                [act = std::move(act)](State& state, const FunctionCall&) { return act(state); });
  }
  /// `act(State&, const FunctionCall&)`: one that may be stopped (`context`), and that tells
  /// followers how it goes (`emit`).
  template <typename Act>
  requires std::is_invocable_v<Act, State&, const FunctionCall&> GraphBuilder& node(
      const std::string& name, Act act) {
    options_.functions[name] = {
        .name = name, .run = [act = std::move(act)](const FunctionCall& call) -> Outcome<Value> {
          State state =
              SLIPWAY_GET(detail::read_state<State>(detail::state_object(call.agent, call.inputs)));
          const json::Object before = json::to(state).as_object();
          if constexpr (std::is_void_v<std::invoke_result_t<Act, State&, const FunctionCall&>>) {
            act(state, call);
          } else {
            if (auto done = act(state, call); !done) return failure_of(done.error());
          }
          return detail::changes(call.agent, before, json::to(state).as_object());
        }};
    document_["nodes"].as_object()[name] = json::Object{{"function", name}};
    return *this;
  }
  /// As in YAML.
  GraphBuilder& node(const std::string& name, json::Object as_in_yaml) {
    document_["nodes"].as_object()[name] = std::move(as_in_yaml);
    return *this;
  }

  /// "START" and "END" as in YAML; also "a & b" and "b, c".
  GraphBuilder& edge(const std::string& from, const std::string& to) {
    document_["edges"].as_array().emplace_back(from + " -> " + to);
    return *this;
  }
  template <typename Test>
  requires std::is_invocable_r_v<bool, Test, const State&> GraphBuilder& edge(
      const std::string& from, const std::string& to, Test test) {
    const std::string name = fmt::format("{} -> {} #{}", from, to, options_.predicates.size());
    options_.predicates[name] = Expression::native(
        name,
        [test = std::move(test), built = agent_](const Inputs& inputs) -> Outcome<Value> {
          const AgentPtr agent = built->lock();
          if (agent == nullptr)
            return Failure{"expression", "the agent was built anew and is gone"};
          const State state =
              SLIPWAY_GET(detail::read_state<State>(detail::state_object(*agent, inputs)));
          return Value(static_cast<bool>(test(state)));
        },
        Type::boolean);
    return edge(from, to, json::Object{{"when", json::Object{{"function", name}}}});
  }
  /// As in YAML: {{"each", "topics"}, {"as", "topic"}}.
  GraphBuilder& edge(const std::string& from, const std::string& to, json::Object as_in_yaml) {
    document_["edges"].as_array().push_back(
        json::Object{{from + " -> " + to, std::move(as_in_yaml)}});
    return *this;
  }
  /// If no test of an edge out of `from` held.
  GraphBuilder& otherwise(const std::string& from, const std::string& to) {
    return edge(from, to, json::Object{{"else", true}});
  }

  /// "models", "tools", "budget", "limits", "input", "output", as in YAML.
  GraphBuilder& with(const std::string& key, json::Value value) {
    document_[key] = std::move(value);
    return *this;
  }

  /// Fails: invalid_argument, with all that is wrong.
  Result<AgentPtr> build() const {
    const LoadedAgent loaded = load_agent(json::Value(document_), options_);
    if (!loaded.ok()) return loaded.error();
    *agent_ = loaded.agent;
    return loaded.agent;
  }

 private:
  json::Object document_;
  LoadOptions options_;
  /// Tests of edges look up keys in the agent that was built, which owns them.
  std::shared_ptr<std::weak_ptr<const Agent>> agent_ =
      std::make_shared<std::weak_ptr<const Agent>>();
};

}  // namespace slipway::agents
