// Assistants, and what their graphs look like.
#include <algorithm>

#include "langgraph/detail/drawing.hpp"
#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/threads.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr int drawing_depth_max = 16;

Result<Assistant> asked_assistant(const Asked& asked) {
  return asked.core.assistants().find(asked.context, asked.part("id"));
}

Result<agents::AgentPtr> asked_agent(const Asked& asked) {
  return asked.core.host().loaded_agent(TRY(asked_assistant(asked)).graph);
}

Result<http::Response> create(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  return json_response(TRY(asked.core.assistants().create(asked.context, body)).json());
}

Result<http::Response> search(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const PageWish page = TRY(page_of(body));
  const std::vector<std::string> select = TRY(texts_of(body, "select"));
  const auto found = TRY(asked.core.assistants().search(asked.context, body));
  http::Response response =
      json_response(listed(found, page, select, [](const Assistant& one) { return one.json(); }));
  response.headers.set("X-Pagination-Total", std::to_string(found.size()));
  if (page.offset + page.limit < found.size())
    response.headers.set("X-Pagination-Next", std::to_string(page.offset + page.limit));
  return response;
}

Result<http::Response> remove(const Asked& asked) {
  const Assistant there = TRY(asked_assistant(asked));
  TRY(asked.core.assistants().remove(asked.context, there.id));
  TRY(asked.core.crons().remove_of_assistant(asked.context, there.id));
  const Value query = TRY(read_query(asked.request()));
  if (is_yes(query.at("delete_threads")))
    for (const ThreadView& thread : TRY(list_threads(asked.core, asked.context)))
      if (thread.metadata.at("assistant_id") == Value(there.id))
        TRY(remove_thread(asked.core, asked.context, thread.id));
  return empty_response();
}

Result<http::Response> graph(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  const Value& xray = query.at("xray");
  int depth = is_yes(xray) ? drawing_depth_max : 0;
  if (const auto levels = number_of(query, "xray", 0); levels && *levels > 0)
    depth = static_cast<int>(std::min<std::int64_t>(*levels, drawing_depth_max));
  return json_response(graph_json(*TRY(asked_agent(asked)), depth));
}

Result<http::Response> subgraphs(const Asked& asked) {
  const Value query = TRY(read_query(asked.request()));
  return json_response(subgraphs_json(*TRY(asked_agent(asked)), asked.part("namespace"),
                                      is_yes(query.at("recurse"))));
}

Result<http::Response> versions(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const PageWish page = TRY(page_of(body));
  const Value metadata = TRY(map_of(body, "metadata"));
  Value list = Value::list();
  std::size_t at = 0;
  for (const Assistant& one :
       TRY(asked.core.assistants().versions(asked.context, TRY(asked_assistant(asked)).id)))
    if (contains(one.metadata, metadata) && at++ >= page.offset && list.items().size() < page.limit)
      list.push(one.version_json());
  return json_response(list);
}

}  // namespace

void mount_assistants(const Routes& routes) {
  routes.serve("POST", "/assistants", "write", create);
  routes.serve("POST", "/assistants/search", "read", search);
  routes.serve("POST", "/assistants/count", "read",
               [](const Asked& asked) -> Result<http::Response> {
                 const Value body = TRY(read_body(asked.request()));
                 const auto found = TRY(asked.core.assistants().search(asked.context, body));
                 return json_response(Value(static_cast<std::int64_t>(found.size())));
               });
  routes.serve("GET", "/assistants/{id}", "read", [](const Asked& asked) -> Result<http::Response> {
    return json_response(TRY(asked_assistant(asked)).json());
  });
  routes.serve(
      "PATCH", "/assistants/{id}", "write", [](const Asked& asked) -> Result<http::Response> {
        const Value body = TRY(read_body(asked.request()));
        return json_response(
            TRY(asked.core.assistants().update(asked.context, TRY(asked_assistant(asked)).id, body))
                .json());
      });
  routes.serve("DELETE", "/assistants/{id}", "write", remove);
  routes.serve("GET", "/assistants/{id}/graph", "read", graph);
  routes.serve("GET", "/assistants/{id}/schemas", "read",
               [](const Asked& asked) -> Result<http::Response> {
                 return json_response(schemas_json(*TRY(asked_agent(asked))));
               });
  routes.serve("GET", "/assistants/{id}/subgraphs", "read", subgraphs);
  routes.serve("GET", "/assistants/{id}/subgraphs/{namespace}", "read", subgraphs);
  routes.serve("POST", "/assistants/{id}/versions", "read", versions);
  routes.serve(
      "POST", "/assistants/{id}/latest", "write", [](const Asked& asked) -> Result<http::Response> {
        const Value body = TRY(read_body(asked.request()));
        const std::int64_t version = TRY(number_of(body, "version", 0));
        return json_response(
            TRY(asked.core.assistants().set_latest(asked.context, TRY(asked_assistant(asked)).id,
                                                   static_cast<int>(version)))
                .json());
      });
}

}  // namespace slipway::langgraph::detail
