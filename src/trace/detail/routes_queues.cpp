// Annotation queues at the LangSmith face: the queues themselves and runs in them, v1.
#include <charconv>

#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/queue_wire.hpp"
#include "trace/detail/routes_feedback.hpp"

namespace slipway::trace::detail {

namespace {

http::Response json_reply(const json::Value& value) {
  return json_response(200, json::dump(value));
}

Result<json::Object> body_of(const http::ExchangePtr& exchange) {
  return json::from<json::Object>(TRY(json::parse(exchange->request().body).within("the body")));
}

// --- Queues

Result<std::optional<std::string>> text_member(const json::Object& body, std::string_view name) {
  const json::Value* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return std::optional<std::string>();
  return std::optional(TRY(json::from<std::string>(*value).within(name)));
}

json::Object rest_of(const json::Object& body) {
  json::Object rest;
  for (const char* name :
       {"rubric_items", "default_dataset", "metadata", "num_reviewers_per_item",
        "enable_reservations", "reservation_minutes", "reviewer_access_mode", "session_ids"})
    if (const json::Value* value = body.if_contains(name)) rest[name] = *value;
  return rest;
}

Result<http::Response> create(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters&) {
  const json::Object body = TRY(body_of(exchange));
  AnnotationQueue queue;
  queue.id = TRY(text_member(body, "id")).value_or("");
  queue.name = TRY(text_member(body, "name")).value_or("");
  queue.description = TRY(text_member(body, "description"));
  queue.rubric_instructions = TRY(text_member(body, "rubric_instructions"));
  queue.rest = rest_of(body);
  return json_reply(queue_json(TRY(services.queues.create(exchange->context(), std::move(queue)))));
}

Result<http::Response> list(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters&) {
  const http::Request& request = exchange->request();
  QueueQuery query;
  query.ids = query_values(request, "ids");
  query.name = query_value(request, "name");
  query.name_contains = query_value(request, "name_contains");
  query.limit = TRY(limit_of(request));
  query.offset = TRY(offset_of(request));
  json::Array all;
  for (const AnnotationQueue& queue : TRY(services.queues.list(exchange->context(), query)))
    all.emplace_back(queue_json(queue));
  return json_reply(all);
}

Result<http::Response> queues_of_run(const Services& services, const http::ExchangePtr& exchange,
                                     const http::PathParameters& path) {
  QueueQuery query;
  query.run_id = path_value(path, "queue_id");
  query.limit = 1000;
  json::Array all;
  for (const AnnotationQueue& queue : TRY(services.queues.list(exchange->context(), query)))
    all.emplace_back(queue_json(queue));
  return json_reply(all);
}

Result<http::Response> read(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  return json_reply(
      queue_json(TRY(services.queues.get(exchange->context(), path_value(path, "queue_id")))));
}

Result<http::Response> change(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  const json::Object body = TRY(body_of(exchange));
  QueueChange change;
  change.name = TRY(text_member(body, "name"));
  if (body.contains("description")) change.description = TRY(text_member(body, "description"));
  if (body.contains("rubric_instructions"))
    change.rubric_instructions = TRY(text_member(body, "rubric_instructions"));
  change.rest = rest_of(body);
  return json_reply(queue_json(
      TRY(services.queues.change(exchange->context(), path_value(path, "queue_id"), change))));
}

Result<http::Response> remove(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  TRY(services.queues.remove(exchange->context(), path_value(path, "queue_id")));
  return json_reply(json::Object{{"message", "deleted"}});
}

// --- Runs in them

/// [id, ...] or [{"run_id", "session_id"?, "start_time"?, ...}, ...].
Result<std::vector<QueueItem>> runs_of_body(const http::ExchangePtr& exchange) {
  const json::Value body = TRY(json::parse(exchange->request().body).within("the body"));
  if (!body.is_array()) return fail(Code::invalid_argument, "the body: a list of runs is wanted");
  std::vector<QueueItem> items;
  for (const json::Value& one : body.get_array()) {
    QueueItem item = TRY(read_queue_item(one));
    if (item.run_id.empty()) return fail(Code::invalid_argument, "run_id: is missing");
    items.push_back(std::move(item));
  }
  return items;
}

Result<http::Response> add_runs(const Services& services, const http::ExchangePtr& exchange,
                                const http::PathParameters& path) {
  const Context& context = exchange->context();
  std::vector<QueueItem> items = TRY(runs_of_body(exchange));
  // Only runs that are here can be looked at.
  for (QueueItem& item : items)
    item.run_id = TRY(detail::find_langsmith_run(context, services.store, item.run_id)).id;
  json::Array added;
  for (const QueueItem& item :
       TRY(services.queues.add(context, path_value(path, "queue_id"), std::move(items))))
    added.emplace_back(queue_item_json(item));
  return json_reply(added);
}

/// One run with what its queue knows of it. Nothing when the run was deleted meanwhile.
Result<std::string> run_in_queue(const Context& context, const Services& services,
                                 const QueueItem& item) {
  const auto run = detail::find_langsmith_run(context, services.store, item.run_id);
  if (!run && run.error().code() == Code::not_found) return std::string();
  if (!run) return run.error();
  std::string text = TRY(langsmith_run_texts(context, services, {*run})).front();
  const json::Object more{
      {"queue_run_id", item.id},
      {"added_at", langsmith_time(item.added)},
      {"effective_added_at", langsmith_time(item.added)},
      {"last_reviewed_time",
       item.reviewed ? json::Value(langsmith_time(*item.reviewed)) : json::Value()},
      {"completed_by", json::Array()},
      {"reserved_by", json::Array()}};
  text.pop_back();
  return text + ',' + json::dump(more).substr(1);
}

Result<http::Response> list_runs(const Services& services, const http::ExchangePtr& exchange,
                                 const http::PathParameters& path) {
  const http::Request& request = exchange->request();
  QueueItemQuery query = TRY(item_query(request));
  query.is_thread = false;
  query.limit = TRY(limit_of(request));
  query.offset = TRY(offset_of(request));
  std::string out = "[";
  for (const QueueItem& item :
       TRY(services.queues.items(exchange->context(), path_value(path, "queue_id"), query))) {
    const std::string text = TRY(run_in_queue(exchange->context(), services, item));
    if (!text.empty()) out += (out.size() > 1 ? "," : "") + text;
  }
  return json_response(200, out + "]");
}

Result<http::Response> run_at(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  const std::string index = path_value(path, "index");
  QueueItemQuery query{.is_completed = false, .is_thread = false};
  query.limit = 1;
  const auto [end, error] =
      std::from_chars(index.data(), index.data() + index.size(), query.offset);
  if (error != std::errc() || end != index.data() + index.size() || query.offset < 0)
    return fail(Code::invalid_argument, "index: '{}' is no place in a queue", index.substr(0, 40));
  const auto items =
      TRY(services.queues.items(exchange->context(), path_value(path, "queue_id"), query));
  const std::string text = items.empty()
                               ? std::string()
                               : TRY(run_in_queue(exchange->context(), services, items.front()));
  if (text.empty()) return fail(Code::not_found, "there is no run at place {}", index);
  return json_response(200, text);
}

Result<http::Response> remove_run(const Services& services, const http::ExchangePtr& exchange,
                                  const http::PathParameters& path) {
  TRY(services.queues.remove_items(exchange->context(), path_value(path, "queue_id"),
                                   {path_value(path, "run_id")}));
  return json_reply(json::Object{{"message", "removed"}});
}

Result<http::Response> change_run(const Services& services, const http::ExchangePtr& exchange,
                                  const http::PathParameters& path) {
  const json::Object body = TRY(body_of(exchange));
  QueueItem item = TRY(services.queues.item(exchange->context(), path_value(path, "run_id")));
  if (const auto added = TRY(text_member(body, "added_at")))
    item.added = TRY(read_langsmith_time(*added).within("added_at"));
  if (const auto reviewed = TRY(text_member(body, "last_reviewed_time")))
    item.reviewed = TRY(read_langsmith_time(*reviewed).within("last_reviewed_time"));
  TRY(services.queues.put_back(exchange->context(), item));
  return json_reply(queue_item_json(item));
}

Result<http::Response> remove_runs(const Services& services, const http::ExchangePtr& exchange,
                                   const http::PathParameters& path) {
  const Context& context = exchange->context();
  const json::Object body = TRY(body_of(exchange));
  const auto ids_of = [&](const char* name) -> Result<std::vector<std::string>> {
    const json::Value* value = body.if_contains(name);
    if (value == nullptr || value->is_null()) return std::vector<std::string>();
    return json::from<std::vector<std::string>>(*value).within(name);
  };
  std::vector<std::string> ids = TRY(ids_of("run_ids"));
  const json::Value* is_all = body.if_contains("delete_all");
  if (is_all != nullptr && is_all->is_bool() && is_all->get_bool()) {
    std::set<std::string> kept;
    for (const std::string& id : TRY(ids_of("exclude_run_ids"))) kept.insert(as_uuid(id));
    QueueItemQuery query;
    for (query.limit = 1000;; query.offset += query.limit) {
      const auto items = TRY(services.queues.items(context, path_value(path, "queue_id"), query));
      for (const QueueItem& item : items)
        if (!kept.contains(as_uuid(item.run_id))) ids.push_back(item.id);
      if (static_cast<int>(items.size()) < query.limit) break;
    }
  }
  TRY(services.queues.remove_items(context, path_value(path, "queue_id"), ids));
  return json_reply(json::Object{{"message", "removed"}});
}

Result<http::Response> size(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const bool is_whole = exchange->request().path.ends_with("/total_size");
  const bool is_archived = exchange->request().path.ends_with("/total_archived");
  QueueItemQuery query = TRY(item_query(exchange->request()));
  if (is_archived)
    query.is_completed = true;
  else if (!is_whole && !query.is_completed)
    query.is_completed = false;
  const auto items =
      TRY(services.queues.count(exchange->context(), path_value(path, "queue_id"), query));
  return json_reply(json::Object{{"size", items}});
}

/// A line for each run with its feedback, as a table (CSV would lose what is nested).
Result<http::Response> export_queue(const Services& services, const http::ExchangePtr& exchange,
                                    const http::PathParameters& path) {
  const Context& context = exchange->context();
  QueueItemQuery query = TRY(item_query(exchange->request()));
  std::string lines;
  for (query.limit = 1000;; query.offset += query.limit) {
    TRY(context.check());
    const auto items = TRY(services.queues.items(context, path_value(path, "queue_id"), query));
    for (const QueueItem& item : items) {
      const std::string text = TRY(run_in_queue(context, services, item));
      if (!text.empty()) lines += text + '\n';
    }
    if (static_cast<int>(items.size()) < query.limit) break;
  }
  return http::Response{
      .status = 200,
      .headers = {{"Content-Type", "application/x-ndjson"}, {"Cache-Control", "no-store"}},
      .body = std::move(lines)};
}

Result<http::Response> put_status(const Services& services, const http::ExchangePtr& exchange,
                                  const http::PathParameters& path) {
  const json::Object body = TRY(body_of(exchange));
  QueueItem item = TRY(services.queues.item(exchange->context(), path_value(path, "item_id")));
  const std::string status = TRY(text_member(body, "status")).value_or("viewed");
  if (status != "viewed" && status != "completed")
    return fail(Code::invalid_argument, "status: '{}' is none of: viewed, completed",
                status.substr(0, 60));
  if (const auto added = TRY(text_member(body, "override_added_at")))
    item.added = TRY(read_langsmith_time(*added).within("override_added_at"));
  constexpr Nanoseconds per_microsecond = 1000;
  item.is_completed = status == "completed";
  item.reviewed = system_clock().now().time_since_epoch().count() * per_microsecond;
  TRY(services.queues.put_back(exchange->context(), item));
  return json_reply(json::Object{{"queue_item_id", item.id},
                                 {"status", status},
                                 {"is_archived", item.is_completed},
                                 {"override_added_at", langsmith_time(item.added)}});
}

}  // namespace

void mount_queues(http::Router& router, const LangSmithFace& face, const Services& services) {
  const FaceRoutes add(router, face, services);
  add("POST", "/annotation-queues", "write", create);
  add("GET", "/annotation-queues", "read", list);
  add("GET", "/annotation-queues/{queue_id}", "read", read);
  add("PATCH", "/annotation-queues/{queue_id}", "write", change);
  add("DELETE", "/annotation-queues/{queue_id}", "write", remove);
  add("GET", "/annotation-queues/{queue_id}/queues", "read", queues_of_run);
  add("POST", "/annotation-queues/{queue_id}/runs", "write", add_runs);
  add("POST", "/annotation-queues/{queue_id}/runs/by-key", "write", add_runs);
  add("GET", "/annotation-queues/{queue_id}/runs", "read", list_runs);
  add("POST", "/annotation-queues/{queue_id}/runs/delete", "write", remove_runs);
  add("PATCH", "/annotation-queues/{queue_id}/runs/{run_id}", "write", change_run);
  add("DELETE", "/annotation-queues/{queue_id}/runs/{run_id}", "write", remove_run);
  add("GET", "/annotation-queues/{queue_id}/run/{index}", "read", run_at);
  add("GET", "/annotation-queues/{queue_id}/size", "read", size);
  add("GET", "/annotation-queues/{queue_id}/total_size", "read", size);
  add("GET", "/annotation-queues/{queue_id}/total_archived", "read", size);
  add("POST", "/annotation-queues/{queue_id}/export", "read", export_queue);
  add("POST", "/annotation-queues/status/{item_id}", "write", put_status);
  add("POST", "/platform/annotation-queues/items/{item_id}/status", "write", put_status);
}

}  // namespace slipway::trace::detail
