// Items of the store.
#include "langgraph/detail/routes.hpp"

namespace slipway::langgraph::detail {

void mount_store(const Routes& routes) {
  routes.serve("PUT", "/store/items", "write", [](const Asked& asked) -> Result<http::Response> {
    TRY(asked.core.items().put(asked.context, TRY(read_body(asked.request()))));
    return empty_response();
  });
  routes.serve("GET", "/store/items", "read", [](const Asked& asked) -> Result<http::Response> {
    return json_response(
        TRY(asked.core.items().get(asked.context, TRY(read_query(asked.request())))));
  });
  routes.serve("DELETE", "/store/items", "write", [](const Asked& asked) -> Result<http::Response> {
    const Value body = TRY(read_body(asked.request()));
    TRY(asked.core.items().remove(asked.context, body));
    return empty_response();
  });
  routes.serve("POST", "/store/items/search", "read",
               [](const Asked& asked) -> Result<http::Response> {
                 const Value body = TRY(read_body(asked.request()));
                 return json_response(TRY(asked.core.items().search(asked.context, body)));
               });
  routes.serve("POST", "/store/namespaces", "read",
               [](const Asked& asked) -> Result<http::Response> {
                 const Value body = TRY(read_body(asked.request()));
                 return json_response(TRY(asked.core.items().namespaces(asked.context, body)));
               });
}

}  // namespace slipway::langgraph::detail
