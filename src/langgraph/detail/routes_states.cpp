// The state of a thread, now and at its checkpoints, and changes of it by clients.
#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/runs.hpp"
#include "langgraph/detail/translator.hpp"

namespace slipway::langgraph::detail {

namespace {

Result<ThreadView> asked_thread(const Asked& asked) {
  return find_thread(asked.core, asked.context, asked.part("thread"));
}

/// "checkpoint_id" or {"checkpoint": {"checkpoint_id"}}.
Result<std::string> checkpoint_of(const Value& body, std::string_view name) {
  if (body.at(name).is_text()) return body.at(name).text();
  return text_of(TRY(map_of(body, name)), "checkpoint_id");
}

Result<http::Response> state_at(const Asked& asked, const std::string& checkpoint) {
  const ThreadView thread = TRY(asked_thread(asked));
  const Lineage lineage = TRY(lineage_of(asked.core, thread));
  const Lineage::Point* point = checkpoint.empty() ? lineage.newest() : lineage.find(checkpoint);
  if (point == nullptr && !checkpoint.empty())
    return fail(Code::not_found, "Thread {} has no checkpoint '{}'", thread.id, checkpoint);
  return json_response(TRY(state_json(asked.core, thread, lineage, point)));
}

Result<http::Response> update(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const ThreadView thread = TRY(asked_thread(asked));
  std::string checkpoint = TRY(checkpoint_of(body, "checkpoint"));
  if (checkpoint.empty()) checkpoint = TRY(text_of(body, "checkpoint_id"));
  if (const Value& values = body.at("values"); !values.is_null() && !values.is_map())
    return fail(Code::invalid_argument,
                "values: an object with keys of the state is expected, not {}",
                agents::kind_name(values));
  const std::string made = TRY(update_state(asked.core, asked.context, thread,
                                            {.values = body.at("values"),
                                             .node = TRY(text_of(body, "as_node")),
                                             .checkpoint = checkpoint}));
  const Value named = checkpoint_json(thread.id, made);
  return json_response(
      Value::map({{"checkpoint", named}, {"configurable", named}, {"checkpoint_id", made}}));
}

struct HistoryWish {
  std::int64_t limit = 10;
  std::string before;
  Value metadata = Value::map();
};

Result<http::Response> history(const Asked& asked, const HistoryWish& wish) {
  if (wish.limit < 1 || wish.limit > 1000)
    return fail(Code::invalid_argument, "limit: {} is not within 1 and 1000", wish.limit);
  const ThreadView thread = TRY(asked_thread(asked));
  const Lineage lineage = TRY(lineage_of(asked.core, thread));
  Value list = Value::list();
  bool is_past = wish.before.empty();
  for (const Lineage::Point& point : lineage.points()) {
    if (is_past) {
      Value state = TRY(state_json(asked.core, thread, lineage, &point));
      if (contains(state.at("metadata"), wish.metadata)) list.push(std::move(state));
      if (list.items().size() >= static_cast<std::size_t>(wish.limit)) break;
    }
    is_past = is_past || point.id == wish.before;
  }
  return json_response(list);
}

Result<http::Response> get_history(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  return history(asked, {.limit = TRY(number_of(query, "limit", 10)),
                         .before = TRY(text_of(query, "before"))});
}

/// "before" is an id, a checkpoint, or a configuration with one.
Result<http::Response> post_history(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  std::string before;
  const Value& said = body.at("before");
  if (said.is_map() && said.at("configurable").is_map())
    before = TRY(text_of(said.at("configurable"), "checkpoint_id"));
  else
    before = TRY(checkpoint_of(body, "before"));
  return history(asked, {.limit = TRY(number_of(body, "limit", 10)),
                         .before = before,
                         .metadata = TRY(map_of(body, "metadata"))});
}

}  // namespace

void mount_states(const Routes& routes) {
  routes.serve("GET", "/threads/{thread}/state", "read",
               [](const Asked& asked) { return state_at(asked, ""); });
  routes.serve("GET", "/threads/{thread}/state/{checkpoint}", "read",
               [](const Asked& asked) { return state_at(asked, asked.part("checkpoint")); });
  routes.serve("POST", "/threads/{thread}/state/checkpoint", "read",
               [](const Asked& asked) -> Result<http::Response> {
                 const Value body = TRY(read_body(asked.request()));
                 return state_at(asked, TRY(checkpoint_of(body, "checkpoint")));
               });
  routes.serve("POST", "/threads/{thread}/state", "write", update);
  routes.serve("GET", "/threads/{thread}/history", "read", get_history);
  routes.serve("POST", "/threads/{thread}/history", "read", post_history);
}

}  // namespace slipway::langgraph::detail
