// What is in annotation queues, runs and threads, as the newer clients want it; and the JSON of
// queues.
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/queue_wire.hpp"
#include "trace/detail/routes_feedback.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int page_default = 100, page_max = 1000;

http::Response json_reply(const json::Value& value) {
  return json_response(200, json::dump(value));
}

json::Value text_or_null(const std::optional<std::string>& text) {
  return text ? json::Value(boost::json::string(*text)) : json::Value();
}

json::Value time_or_null(const std::optional<Nanoseconds>& time) {
  return time ? json::Value(langsmith_time(*time)) : json::Value();
}

struct ItemsBody {
  json::Array items;
  std::vector<std::string> item_ids;
};

Result<ItemsBody> body_of(const http::ExchangePtr& exchange) {
  const auto body =
      TRY(json::from<json::Object>(TRY(json::parse(exchange->request().body).within("the body"))));
  ItemsBody read;
  if (const json::Value* items = body.if_contains("items"); items != nullptr && items->is_array())
    read.items = items->get_array();
  if (const json::Value* ids = body.if_contains("item_ids"))
    read.item_ids = TRY(json::from<std::vector<std::string>>(*ids).within("item_ids"));
  return read;
}

Result<http::Response> create(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  const Context& context = exchange->context();
  std::vector<QueueItem> items;
  for (const json::Value& one : TRY(body_of(exchange)).items) {
    QueueItem item = TRY(read_queue_item(one));
    if (!item.run_id.empty())
      item.run_id = TRY(detail::find_langsmith_run(context, services.store, item.run_id)).id;
    else if (item.thread_id.empty())
      return fail(Code::invalid_argument, "items: one has neither run_id nor thread_id");
    items.push_back(std::move(item));
  }
  json::Array added;
  for (const QueueItem& item :
       TRY(services.queues.add(context, path_value(path, "queue_id"), std::move(items))))
    added.emplace_back(queue_item_json(item));
  return json_reply(json::Object{{"items", std::move(added)}});
}

Result<http::Response> list(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  const http::Request& request = exchange->request();
  QueueItemQuery query = TRY(item_query(request));
  query.limit = static_cast<int>(
      std::clamp<std::size_t>(TRY(query_number(request, "page_size", page_default)), 1, page_max));
  if (query_value(request, "cursor"))
    query.offset = static_cast<int>(TRY(query_number(request, "cursor", 0)));
  const int wanted = query.limit;
  ++query.limit;  // One more tells whether there are more.
  auto items = TRY(services.queues.items(exchange->context(), path_value(path, "queue_id"), query));
  json::Value next;
  if (static_cast<int>(items.size()) > wanted) {
    items.resize(static_cast<std::size_t>(wanted));
    next = json::Value(fmt::format("{}", query.offset + wanted));
  }
  json::Array all;
  for (const QueueItem& item : items) all.emplace_back(queue_item_json(item));
  return json_reply(json::Object{{"items", std::move(all)}, {"next_cursor", next}});
}

Result<http::Response> remove(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  TRY(services.queues.remove_items(exchange->context(), path_value(path, "queue_id"),
                                   TRY(body_of(exchange)).item_ids));
  return json_reply(json::Object{{"message", "removed"}});
}

Result<http::Response> count(const Services& services, const http::ExchangePtr& exchange,
                             const http::PathParameters& path) {
  const QueueItemQuery query = TRY(item_query(exchange->request()));
  const auto items =
      TRY(services.queues.count(exchange->context(), path_value(path, "queue_id"), query));
  return json_reply(json::Object{{"count", items}});
}

struct ItemBody {
  std::optional<std::string> added_at, last_reviewed_time;
};
BOOST_DESCRIBE_STRUCT(ItemBody, (), (added_at, last_reviewed_time))

Result<http::Response> change(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  const auto body = TRY(json::from<ItemBody>(
      TRY(json::parse(exchange->request().body).within("the body")), json::Policy::ignore_unknown));
  QueueItem item = TRY(services.queues.item(exchange->context(), path_value(path, "item_id")));
  if (body.added_at) item.added = TRY(read_langsmith_time(*body.added_at).within("added_at"));
  if (body.last_reviewed_time)
    item.reviewed = TRY(read_langsmith_time(*body.last_reviewed_time).within("last_reviewed_time"));
  TRY(services.queues.put_back(exchange->context(), item));
  return json_reply(queue_item_json(item));
}

/// Where in its queue an item stands.
Result<http::Response> placement(const Services& services, const http::ExchangePtr& exchange,
                                 const http::PathParameters& path) {
  const Context& context = exchange->context();
  const QueueItem item = TRY(services.queues.item(context, path_value(path, "item_id")));
  QueueItemQuery query{.is_completed = item.is_completed};
  query.to = item.added;
  const std::int64_t position = TRY(services.queues.count(context, item.queue_id, query));
  return json_reply(json::Object{{"position", position},
                                 {"cursor", fmt::format("{}", position)},
                                 {"item_type", item.run_id.empty() ? "THREAD" : "RUN"},
                                 {"section", item.is_completed ? "archived" : "needs_my_review"}});
}

struct ItemWire {
  std::optional<std::string> run_id, session_id, project_id, thread_id, start_time,
      source_proposed_example_id;
};
BOOST_DESCRIBE_STRUCT(ItemWire, (),
                      (run_id, session_id, project_id, thread_id, start_time,
                       source_proposed_example_id))

}  // namespace

json::Object queue_json(const AnnotationQueue& queue) {
  json::Object out{{"id", queue.id},
                   {"name", queue.name},
                   {"description", text_or_null(queue.description)},
                   {"rubric_instructions", text_or_null(queue.rubric_instructions)},
                   {"rubric_items", json::Array()},
                   {"created_at", langsmith_time(queue.created)},
                   {"updated_at", langsmith_time(queue.updated)},
                   {"tenant_id", trace::tenant_id()},
                   {"queue_type", "single"},
                   {"num_reviewers_per_item", 1},
                   {"enable_reservations", false},
                   {"reviewer_access_mode", "any"}};
  for (const auto& [key, value] : queue.rest) out[key] = value;
  return out;
}

json::Object queue_item_json(const QueueItem& item) {
  const bool is_thread = item.run_id.empty();
  const json::Value project =
      item.session_id.empty() ? json::Value() : json::Value(item.session_id);
  return {{"id", item.id},
          {"queue_id", item.queue_id},
          {"item_type", is_thread ? "THREAD" : "RUN"},
          {"run_id", is_thread ? json::Value() : json::Value(as_uuid(item.run_id))},
          {"thread_id", item.thread_id.empty() ? json::Value() : json::Value(item.thread_id)},
          {"project_id", project},
          {"start_time", time_or_null(item.start_time)},
          {"source_proposed_example_id", text_or_null(item.source_proposed_example_id)},
          {"added_at", langsmith_time(item.added)},
          {"effective_added_at", langsmith_time(item.added)},
          {"last_reviewed_time", time_or_null(item.reviewed)},
          {"completed_by", json::Array()},
          {"reserved_by", json::Array()},
          {"assigned_to", json::Array()}};
}

Result<QueueItem> read_queue_item(const json::Value& value) {
  QueueItem item;
  if (value.is_string()) {
    item.run_id = std::string(value.get_string());
    return item;
  }
  const auto wire = TRY(json::from<ItemWire>(value, json::Policy::ignore_unknown));
  item.run_id = wire.run_id.value_or("");
  item.thread_id = wire.thread_id.value_or("");
  item.session_id = wire.project_id.value_or(wire.session_id.value_or(""));
  if (wire.start_time)
    item.start_time = TRY(read_langsmith_time(*wire.start_time).within("start_time"));
  item.source_proposed_example_id = wire.source_proposed_example_id;
  return item;
}

Result<QueueItemQuery> item_query(const http::Request& request) {
  QueueItemQuery query;
  if (const auto status = query_value(request, "status")) {
    if (*status != "needs_my_review" && *status != "needs_others_review" &&
        *status != "completed" && *status != "archived")
      return fail(Code::invalid_argument,
                  "status: '{}' is none of: needs_my_review, needs_others_review, completed, "
                  "archived",
                  status->substr(0, 60));
    query.is_completed = *status == "completed" || *status == "archived";
    // There are no others: one person's review is enough.
    if (*status == "needs_others_review") query.to = 0;
  }
  if (query_value(request, "archived")) query.is_completed = is_asked(request, "archived");
  if (const auto type = query_value(request, "item_type")) query.is_thread = *type == "THREAD";
  const auto time = [&](const char* name) -> Result<std::optional<Nanoseconds>> {
    const auto text = query_value(request, name);
    if (!text) return std::optional<Nanoseconds>();
    return std::optional(TRY(read_langsmith_time(*text).within(name)));
  };
  if (const auto from = TRY(time("start_time"))) query.from = from;
  if (const auto to = TRY(time("end_time"))) query.to = to;
  return query;
}

Result<int> limit_of(const http::Request& request) {
  return static_cast<int>(
      std::clamp<std::size_t>(TRY(query_number(request, "limit", page_default)), 1, page_max));
}

Result<int> offset_of(const http::Request& request) {
  return static_cast<int>(std::min<std::size_t>(TRY(query_number(request, "offset", 0)), 1u << 30));
}

void mount_queue_items(http::Router& router, const LangSmithFace& face, const Services& services) {
  const std::string items = "/platform/annotation-queues/{queue_id}/items";
  const FaceRoutes add(router, face, services);
  add("POST", items, "write", create);
  add("GET", items, "read", list);
  add("POST", items + "/delete", "write", remove);
  add("GET", items + "/count", "read", count);
  add("PATCH", items + "/{item_id}", "write", change);
  add("GET", items + "/{item_id}/placement", "read", placement);
}

}  // namespace slipway::trace::detail
