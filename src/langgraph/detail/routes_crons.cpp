// Crons: made, changed, found.
#include <algorithm>

#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/runs.hpp"

namespace slipway::langgraph::detail {

namespace {

/// Its runs could begin as they are asked for, and when it comes next.
Result<void> check(const Asked& asked, Cron& cron) {
  cron.next_ms = TRY(next_time(cron, now_ms(asked.core.clock())));
  const RunWish wish = TRY(read_wish(asked.core, asked.context, cron.payload));
  if (wish.after_ms > 0)
    return fail(Code::invalid_argument, "after_seconds: the schedule says when runs begin");
  if (cron.thread.empty() && wish.input.is_null())
    return fail(Code::invalid_argument, "input: is required; each run is the first of its thread");
  if (!wish.command.is_null() || !wish.checkpoint.empty())
    return fail(Code::invalid_argument,
                "command, checkpoint: a run of a cron begins with an input");
  cron.assistant = wish.assistant.id;
  cron.payload.put("assistant_id", wish.assistant.id);
  return {};
}

Result<http::Response> create(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  Cron cron{.id = make_uuid(asked.core.random()),
            .thread = asked.part("thread"),
            .caller = asked.context.caller(),
            .created_ms = now_ms(asked.core.clock())};
  cron.updated_ms = cron.created_ms;
  if (!cron.thread.empty()) TRY(find_thread(asked.core, asked.context, cron.thread));
  TRY(read_cron(body, cron));
  TRY(check(asked, cron));
  TRY(asked.core.crons().add(asked.context, cron));
  TRY(asked.core.crons_changed(asked.context));
  return json_response(cron.json());
}

Result<http::Response> change(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  Cron cron = TRY(asked.core.crons().find(asked.context, asked.part("cron")));
  TRY(read_cron(body, cron));
  TRY(check(asked, cron));
  cron.updated_ms = now_ms(asked.core.clock());
  TRY(asked.core.crons().put(asked.context, cron));
  TRY(asked.core.crons_changed(asked.context));
  return json_response(cron.json());
}

Result<http::Response> get(const Asked& asked) {
  return json_response(TRY(asked.core.crons().find(asked.context, asked.part("cron"))).json());
}

Result<http::Response> remove(const Asked& asked) {
  const Cron cron = TRY(asked.core.crons().find(asked.context, asked.part("cron")));
  TRY(asked.core.crons().remove(asked.context, cron.id));
  TRY(asked.core.crons_changed(asked.context));
  return empty_response();
}

Result<http::Response> search(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const PageWish page = TRY(page_of(body));
  const std::vector<std::string> select = TRY(texts_of(body, "select"));
  const auto found = TRY(asked.core.crons().search(asked.context, body));
  http::Response response =
      json_response(listed(found, page, select, [](const Cron& one) { return one.json(); }));
  response.headers.set("X-Pagination-Total", std::to_string(found.size()));
  return response;
}

Result<http::Response> count(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const auto found = TRY(asked.core.crons().search(asked.context, body));
  return json_response(Value(static_cast<std::int64_t>(found.size())));
}

}  // namespace

void mount_crons(const Routes& routes) {
  routes.serve("POST", "/runs/crons", "write", create);
  routes.serve("POST", "/threads/{thread}/runs/crons", "write", create);
  routes.serve("POST", "/runs/crons/search", "read", search);
  routes.serve("POST", "/runs/crons/count", "read", count);
  routes.serve("GET", "/runs/crons/{cron}", "read", get);
  routes.serve("PATCH", "/runs/crons/{cron}", "write", change);
  routes.serve("DELETE", "/runs/crons/{cron}", "write", remove);
}

}  // namespace slipway::langgraph::detail
