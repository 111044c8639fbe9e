// Threads: made, found, copied, pruned.
#include <algorithm>
#include <cmath>

#include "langgraph/detail/ids.hpp"
#include "langgraph/detail/routes.hpp"
#include "langgraph/detail/runs.hpp"

namespace slipway::langgraph::detail {

namespace {

constexpr std::size_t ids_max = 1000, supersteps_max = 1000, extracts_max = 10;
constexpr double ttl_minutes_max = 5.3e7;  // A century.

Result<ThreadView> asked_thread(const Asked& asked) {
  return find_thread(asked.core, asked.context, asked.part("thread"));
}

/// Minutes, or {"ttl": minutes, "strategy": "delete"}.
Result<std::optional<std::int64_t>> ttl_of(const Value& body) {
  const Value& asked = body.at("ttl");
  if (asked.is_null()) return std::optional<std::int64_t>();
  if (asked.is_map() && TRY(choice_of(asked, "strategy", {"delete", "keep_latest"})) != "delete")
    return fail(Code::invalid_argument,
                "ttl.strategy: 'delete' is served; the latest state alone is kept by prune");
  const Value& minutes = asked.is_map() ? asked.at("ttl") : asked;
  if (!minutes.is_number() || !(minutes.number() > 0) || minutes.number() > ttl_minutes_max)
    return fail(Code::invalid_argument, "ttl: minutes above 0 are expected");
  return std::optional<std::int64_t>(std::llround(minutes.number() * 60'000));
}

/// Writes what a thread is to begin with: as a client would, update by update.
Result<void> write_supersteps(const Asked& asked, const std::string& id, const Value& supersteps) {
  if (supersteps.is_null()) return {};
  if (!supersteps.is_list() || supersteps.items().size() > supersteps_max)
    return fail(Code::invalid_argument, "supersteps: a list of at most {} is expected",
                supersteps_max);
  for (const Value& step : supersteps.items()) {
    if (!step.at("updates").is_list() || step.at("updates").items().size() != 1)
      return fail(Code::invalid_argument,
                  "supersteps: each has 'updates', a list of one update of one node");
    const Value& update = step.at("updates").items().front();
    if (!update.at("command").is_null())
      return fail(Code::invalid_argument, "supersteps: an update has 'values' and 'as_node'");
    const ThreadView thread = TRY(find_thread(asked.core, asked.context, id));
    const Value values = TRY(map_of(update, "values"));
    const std::string node = TRY(text_of(update, "as_node"));
    TRY(update_state(asked.core, asked.context, thread, {.values = values, .node = node}));
  }
  return {};
}

Result<http::Response> create(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const std::string id = TRY(text_of(body, "thread_id", make_uuid(asked.core.random())));
  if (!is_uuid(id)) return fail(Code::invalid_argument, "Invalid thread ID: must be a UUID");
  const std::string if_exists = TRY(choice_of(body, "if_exists", {"raise", "do_nothing"}));
  ThreadNote note{.id = id};
  note.metadata = TRY(map_of(body, "metadata"));
  note.created_ms = note.updated_ms = now_ms(asked.core.clock());
  note.ttl_ms = TRY(ttl_of(body));
  if (note.ttl_ms) note.expires_ms = note.created_ms + *note.ttl_ms;
  if (auto there = find_thread(asked.core, asked.context, id)) {
    if (if_exists == "do_nothing") return json_response(TRY(thread_json(asked.core, *there)));
    return fail(Code::conflict, "Thread with ID {} already exists", id);
  }
  TRY(asked.core.notes().add_thread(asked.context, note));
  if (auto written = write_supersteps(asked, id, body.at("supersteps")); !written) {
    (void)remove_thread(asked.core, asked.context, id);
    return written.error();
  }
  const ThreadView made = TRY(find_thread(asked.core, asked.context, id));
  return json_response(TRY(thread_json(asked.core, made)));
}

Result<http::Response> change(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const ThreadView thread = TRY(asked_thread(asked));
  const std::optional<std::int64_t> ttl = TRY(ttl_of(body));
  const Value metadata = TRY(map_of(body, "metadata"));
  if (ttl) {
    ThreadNote note{.id = thread.id, .metadata = thread.metadata, .created_ms = thread.created_ms};
    if (auto there = TRY(asked.core.notes().thread(asked.context, thread.id)))
      note = *std::move(there);
    note.updated_ms = now_ms(asked.core.clock());
    note.ttl_ms = ttl;
    note.expires_ms = note.updated_ms + *ttl;
    TRY(asked.core.notes().put_thread(asked.context, note));
  }
  const ThreadView changed = TRY(set_metadata(asked.core, asked.context, thread, metadata));
  if (asked.request().headers.get("prefer") == "return=minimal") return empty_response();
  return json_response(TRY(thread_json(asked.core, changed)));
}

bool is_before(const ThreadView& a, const ThreadView& b, const std::string& by) {
  if (by == "thread_id") return a.id < b.id;
  if (by == "status") return a.status < b.status;
  if (by == "created_at") return a.created_ms < b.created_ms;
  return a.updated_ms < b.updated_ms;
}

/// Those that fit the body's ids, metadata, status and values, in the order that it asks for.
Result<std::vector<ThreadView>> find_all(const Asked& asked, const Value& body) {
  const Value metadata = TRY(map_of(body, "metadata")), values = TRY(map_of(body, "values"));
  const std::vector<std::string> ids = TRY(texts_of(body, "ids"));
  const std::string status =
      TRY(choice_of(body, "status", {"", "idle", "busy", "interrupted", "error"}));
  const std::string by = TRY(choice_of(
      body, "sort_by", {"updated_at", "created_at", "state_updated_at", "thread_id", "status"}));
  const std::string order = TRY(choice_of(body, "sort_order", {"desc", "asc"}));
  std::vector<ThreadView> found = TRY(list_threads(asked.core, asked.context));
  std::erase_if(found, [&](const ThreadView& one) {
    if ((!status.empty() && one.status != status) || !contains(one.metadata, metadata)) return true;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), one.id) == ids.end()) return true;
    if (values.entries().items.empty()) return false;
    const auto state = thread_json(asked.core, one, {"values"});
    return !state || !contains(state->at("values"), values);
  });
  std::stable_sort(found.begin(), found.end(), [&](const ThreadView& a, const ThreadView& b) {
    return order == "asc" ? is_before(a, b, by) : is_before(b, a, by);
  });
  return found;
}

/// "values.messages[-1]": a member of a member.
Value extracted(const Value& thread, std::string_view path) {
  Value at = thread;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find_first_of(".["), path.size());
    if (end > 0) at = Value(at.at(path.substr(0, end)));
    path.remove_prefix(end);
    if (path.starts_with('.')) path.remove_prefix(1);
    if (!path.starts_with('[')) continue;
    const std::size_t close = std::min(path.find(']'), path.size());
    const auto index = number_of(Value::map({{"i", path.substr(1, close - 1)}}), "i", 0);
    path.remove_prefix(std::min(close + 1, path.size()));
    const auto size = at.is_list() ? static_cast<std::int64_t>(at.items().size()) : 0;
    const std::int64_t place = !index ? size : *index < 0 ? size + *index : *index;
    if (place < 0 || place >= size) return {};
    at = Value(at.items()[static_cast<std::size_t>(place)]);
  }
  return at;
}

Result<http::Response> search(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const PageWish page = TRY(page_of(body));
  const std::vector<std::string> select = TRY(texts_of(body, "select"));
  const Value extract = TRY(map_of(body, "extract"));
  if (extract.entries().items.size() > extracts_max)
    return fail(Code::invalid_argument, "extract: more than {} paths", extracts_max);
  const auto found = TRY(find_all(asked, body));
  Value list = Value::list();
  for (std::size_t i = page.offset; i < std::min(found.size(), page.offset + page.limit); ++i) {
    Value made = TRY(thread_json(asked.core, found[i], select));
    if (!extract.entries().items.empty()) {
      const Value whole = TRY(thread_json(asked.core, found[i]));
      Value values = Value::map();
      for (const auto& [name, path] : extract.entries().items)
        values.put(name, path.is_text() ? extracted(whole, path.text()) : Value());
      made.put("extracted", values);
    }
    list.push(std::move(made));
  }
  http::Response response = json_response(list);
  response.headers.set("X-Pagination-Total", std::to_string(found.size()));
  return response;
}

Result<http::Response> copy(const Asked& asked) {
  const ThreadView thread = TRY(asked_thread(asked));
  const std::int64_t now = now_ms(asked.core.clock());
  if (thread.agent.empty()) {
    const ThreadNote note{.id = make_uuid(asked.core.random()),
                          .metadata = thread.metadata,
                          .created_ms = now,
                          .updated_ms = now};
    TRY(asked.core.notes().add_thread(asked.context, note));
    return json_response(
        TRY(thread_json(asked.core, TRY(find_thread(asked.core, asked.context, note.id)))));
  }
  const agents::ThreadInfo made = TRY(asked.core.host().copy_thread(thread.id));
  return json_response(
      TRY(thread_json(asked.core, TRY(find_thread(asked.core, asked.context, made.id)))));
}

Result<http::Response> prune(const Asked& asked) {
  const Value body = TRY(read_body(asked.request()));
  const std::vector<std::string> ids = TRY(texts_of(body, "thread_ids"));
  if (ids.size() > ids_max)
    return fail(Code::invalid_argument, "thread_ids: more than {}", ids_max);
  if (TRY(choice_of(body, "strategy", {"delete", "keep_latest"})) != "delete")
    return fail(Code::unsupported,
                "strategy: 'delete' is served; checkpoints are small here (each holds what it "
                "changed) and all are kept");
  std::int64_t count = 0;
  for (const std::string& id : ids) {
    auto removed = remove_thread(asked.core, asked.context, id);
    if (removed)
      ++count;
    else if (removed.error().code() != Code::not_found)
      return removed.error();
  }
  return json_response(Value::map({{"pruned_count", count}}));
}

}  // namespace

void mount_threads(const Routes& routes) {
  routes.serve("POST", "/threads", "write", create);
  routes.serve("POST", "/threads/search", "read", search);
  routes.serve("POST", "/threads/count", "read", [](const Asked& asked) -> Result<http::Response> {
    const auto found = TRY(find_all(asked, TRY(read_body(asked.request()))));
    return json_response(Value(static_cast<std::int64_t>(found.size())));
  });
  routes.serve("POST", "/threads/prune", "write", prune);
  routes.serve("GET", "/threads/{thread}", "read",
               [](const Asked& asked) -> Result<http::Response> {
                 return json_response(TRY(thread_json(asked.core, TRY(asked_thread(asked)))));
               });
  routes.serve("PATCH", "/threads/{thread}", "write", change);
  routes.serve("DELETE", "/threads/{thread}", "write",
               [](const Asked& asked) -> Result<http::Response> {
                 TRY(remove_thread(asked.core, asked.context, asked.part("thread")));
                 return empty_response();
               });
  routes.serve("POST", "/threads/{thread}/copy", "write", copy);
}

}  // namespace slipway::langgraph::detail
