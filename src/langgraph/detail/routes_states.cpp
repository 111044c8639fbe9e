// The state of a thread, now and at its checkpoints, and changes of it by clients.
#include <algorithm>

#include "langgraph/detail/inner_states.hpp"
#include "langgraph/detail/results.hpp"
#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/runs.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

Result<ThreadView> asked_thread(const Asked& asked) {
  return find_thread(asked.core, asked.context, asked.part("thread"));
}

/// {"checkpoint": {"checkpoint_ns"}}: of a sub-agent; empty: of the agent.
Result<std::string> space_of(const Value& body, std::string_view name) {
  return body.at(name).is_map() ? text_of(body.at(name), "checkpoint_ns") : std::string();
}

Result<void> refuse_space(const std::string& space, std::string_view what) {
  if (space.empty()) return {};
  return fail(Code::invalid_argument,
              "checkpoint_ns: '{}': {}; a sub-agent's state can be read as it stands now", space,
              what);
}

/// "checkpoint_id" or {"checkpoint": {"checkpoint_id"}}.
Result<std::string> checkpoint_of(const Value& body, std::string_view name) {
  if (body.at(name).is_text()) return body.at(name).text();
  return text_of(TRY(map_of(body, name)), "checkpoint_id");
}

/// Members of a state that a client wants; empty: all. "values.topic" is one key of the values.
Result<std::vector<std::string>> selected_of(const Value& asked) {
  static const std::vector<std::string> members = {"values",        "next",
                                                   "tasks",         "metadata",
                                                   "created_at",    "checkpoint",
                                                   "interrupts",    "parent_checkpoint",
                                                   "checkpoint_id", "parent_checkpoint_id"};
  const std::vector<std::string> names = TRY(texts_of(asked, "select"));
  for (const std::string& name : names)
    if (!name.starts_with("values.") &&
        std::find(members.begin(), members.end(), name) == members.end())
      return fail(Code::invalid_argument, "select: '{}' is none of {}, values.KEY", name,
                  fmt::join(members, ", "));
  return names;
}

Value selected(const Value& state, const std::vector<std::string>& names) {
  if (names.empty()) return state;
  constexpr std::string_view key_prefix = "values.";
  Value made = Value::map();
  const bool has_all = std::find(names.begin(), names.end(), "values") != names.end();
  for (const std::string& name : names) {
    if (!name.starts_with(key_prefix)) {
      made.put(name, state.at(name));
      continue;
    }
    if (has_all) continue;
    Value values = made.at("values").is_map() ? made.at("values") : Value::map();
    const std::string key = name.substr(key_prefix.size());
    if (const Value& value = state.at("values").at(key); !value.is_null()) values.put(key, value);
    made.put("values", std::move(values));
  }
  return made;
}

struct StateWish {
  std::string checkpoint, space;
  bool has_subgraphs = false;
  std::vector<std::string> select;
};

Result<http::Response> inner_state(const Asked& asked, const ThreadView& thread,
                                   const Lineage& lineage, const StateWish& wish) {
  const std::string& space = wish.space;
  const agents::AgentPtr agent = TRY(agent_of(asked.core, thread));
  const auto inner = TRY(InnerStates::read(asked.core, thread, lineage, *agent));
  Value state = inner.of_space(space);
  if (!state.is_null()) return json_response(selected(state, wish.select));
  return fail(Code::not_found, "Thread {} has no sub-agent under way at '{}'", thread.id, space);
}

Result<http::Response> state_at(const Asked& asked, const StateWish& wish) {
  const std::string& checkpoint = wish.checkpoint;
  const ThreadView thread = TRY(asked_thread(asked));
  const Lineage lineage = TRY(lineage_of(asked.core, thread));
  if (!wish.space.empty()) return inner_state(asked, thread, lineage, wish);
  const Lineage::Point* point = checkpoint.empty() ? lineage.newest() : lineage.find(checkpoint);
  if (point == nullptr && !checkpoint.empty())
    return fail(Code::not_found, "Thread {} has no checkpoint '{}'", thread.id, checkpoint);
  Value state = TRY(state_json(asked.core, thread, lineage, point));
  const bool is_newest = point != nullptr && point == lineage.newest();
  if (is_newest && wish.has_subgraphs)
    TRY(put_inner_states(asked.core, thread, lineage, state));
  else if (is_newest)
    TRY(put_inner_names(asked.core, thread, state));
  return json_response(selected(state, wish.select));
}

Result<http::Response> get_state(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  std::vector<std::string> select = TRY(selected_of(query));
  return state_at(asked, {.checkpoint = asked.part("checkpoint"),
                          .has_subgraphs = is_yes(query.at("subgraphs")),
                          .select = std::move(select)});
}

Result<http::Response> update(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const ThreadView thread = TRY(asked_thread(asked));
  std::string checkpoint = TRY(checkpoint_of(body, "checkpoint"));
  if (checkpoint.empty()) checkpoint = TRY(text_of(body, "checkpoint_id"));
  TRY(refuse_space(TRY(space_of(body, "checkpoint")), "what a client writes is the agent's own"));
  if (const Value& values = body.at("values"); !values.is_null() && !values.is_map())
    return fail(Code::invalid_argument,
                "values: an object with keys of the state is expected, not {}",
                agents::kind_name(values));
  const std::string node = TRY(text_of(body, "as_node"));
  const std::string made =
      TRY(update_state(asked.core, asked.context, thread,
                       {.values = body.at("values"), .node = node, .checkpoint = checkpoint}));
  const Value named = checkpoint_json(thread.id, made);
  return json_response(
      Value::map({{"checkpoint", named}, {"configurable", named}, {"checkpoint_id", made}}));
}

/// A state's metadata are its thread's, so that is what a client writes there.
Result<http::Response> patch(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const ThreadView thread = TRY(asked_thread(asked));
  TRY(set_metadata(asked.core, asked.context, thread, TRY(map_of(body, "metadata"))));
  const Lineage lineage = TRY(lineage_of(asked.core, thread));
  const std::string newest = lineage.newest() == nullptr ? "" : lineage.newest()->id;
  return json_response(Value::map({{"checkpoint", checkpoint_json(thread.id, newest)}}));
}

struct HistoryWish {
  std::int64_t limit = 10;
  std::string before;
  Value metadata = Value::map();
  std::vector<std::string> select;
};

Result<http::Response> history(const Asked& asked, const HistoryWish& wish) {
  if (wish.limit < 1 || wish.limit > 1000)
    return fail(Code::invalid_argument, "limit: {} is not within 1 and 1000", wish.limit);
  const ThreadView thread = TRY(asked_thread(asked));
  const Lineage lineage = TRY(lineage_of(asked.core, thread));
  Value list = Value::list();
  if (lineage.newest() == nullptr) return json_response(list);
  const agents::AgentPtr agent = TRY(agent_of(asked.core, thread));
  const Results results = TRY(Results::read(asked.core, thread, *agent));
  bool is_past = wish.before.empty();
  for (const Lineage::Point& point : lineage.points()) {
    if (is_past) {
      Value state = TRY(state_json(asked.core, thread, lineage, &point));
      results.put_into(state, point);
      if (contains(state.at("metadata"), wish.metadata)) list.push(selected(state, wish.select));
      if (list.items().size() >= static_cast<std::size_t>(wish.limit)) break;
    }
    is_past = is_past || point.id == wish.before;
  }
  return json_response(list);
}

Result<http::Response> get_history(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  HistoryWish wish;
  wish.limit = TRY(number_of(query, "limit", 10));
  wish.before = TRY(text_of(query, "before"));
  wish.select = TRY(selected_of(query));
  return history(asked, wish);
}

/// "before" is an id, a checkpoint, or a configuration with one.
Result<http::Response> post_history(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  std::string before;
  TRY(refuse_space(TRY(space_of(body, "checkpoint")), "history is the agent's own"));
  const Value& said = body.at("before");
  if (said.is_map() && said.at("configurable").is_map())
    before = TRY(text_of(said.at("configurable"), "checkpoint_id"));
  else
    before = TRY(checkpoint_of(body, "before"));
  HistoryWish wish{.before = before};
  wish.limit = TRY(number_of(body, "limit", 10));
  wish.metadata = TRY(map_of(body, "metadata"));
  wish.select = TRY(selected_of(body));
  return history(asked, wish);
}

}  // namespace

void mount_states(const Routes& routes) {
  routes.serve("GET", "/threads/{thread}/state", "read", get_state);
  routes.serve("GET", "/threads/{thread}/state/{checkpoint}", "read", get_state);
  routes.serve("POST", "/threads/{thread}/state/checkpoint", "read",
               [](const Asked& asked) -> Result<http::Response> {
                 const Value body = TRY(read_body(asked.request()));
                 StateWish wish;
                 wish.checkpoint = TRY(checkpoint_of(body, "checkpoint"));
                 wish.space = TRY(space_of(body, "checkpoint"));
                 wish.has_subgraphs = TRY(flag_of(body, "subgraphs", false));
                 wish.select = TRY(selected_of(body));
                 return state_at(asked, wish);
               });
  routes.serve("POST", "/threads/{thread}/state", "write", update);
  routes.serve("PATCH", "/threads/{thread}/state", "write", patch);
  routes.serve("GET", "/threads/{thread}/history", "read", get_history);
  routes.serve("POST", "/threads/{thread}/history", "read", post_history);
}

}  // namespace slipway::langgraph::detail
