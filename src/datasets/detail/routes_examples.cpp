// Examples of LangSmith's clients, read and removed.
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

bool selects_attachments(const http::Request& request) {
  for (const std::string& one : trace::query_values(request, "select"))
    if (one == "attachment_urls") return true;
  return false;
}

Reply list(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  const http::Request& request = exchange->request();
  const ExampleQuery query = TRY(example_query_of(request));
  return trace::json_response(
      200, examples_text(TRY(services.datasets.examples(exchange->context(), query)),
                         {.origin = trace::server_url(request),
                          .has_attachments = selects_attachments(request)}));
}

Reply count(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  ExampleQuery query = TRY(example_query_of(exchange->request()));
  query.limit = 1000;
  query.offset = 0;
  std::size_t count = 0;
  for (;;) {
    const auto page = TRY(services.datasets.examples(exchange->context(), query));
    count += page.size();
    if (static_cast<int>(page.size()) < query.limit) break;
    query.after = page.back().place;
  }
  return json_reply(json::Value(count));
}

Reply read(const Services& services, const ExchangePtr& exchange,
           const http::PathParameters& path) {
  const http::Request& request = exchange->request();
  const Example example = TRY(services.datasets.example(
      exchange->context(), trace::path_value(path, "id"), TRY(as_of_of(request))));
  return trace::json_response(
      200, example_text(example, {.origin = trace::server_url(request), .has_attachments = true}));
}

Reply remove(const Services& services, const ExchangePtr& exchange,
             const http::PathParameters& path) {
  TRY(services.datasets.remove_examples(exchange->context(), {trace::path_value(path, "id")},
                                        Removal::from_now_on));
  return json_reply(json::Object{{"message", "deleted"}});
}

/// Of a dataset that is named, too; one that is gone already is success.
Reply remove_of_dataset(const Services& services, const ExchangePtr& exchange,
                        const http::PathParameters& path) {
  const Context& context = exchange->context();
  TRY(services.datasets.read(context, trace::path_value(path, "id")));
  const std::string id = trace::path_value(path, "example_id");
  const auto known = TRY(services.datasets.last_known(context, {id}));
  if (known.empty() || known.front().dataset_id != trace::as_uuid(trace::path_value(path, "id")))
    return fail(Code::not_found, "Example {} not found in this dataset", id.substr(0, 100));
  const auto removed = services.datasets.remove_examples(context, {id}, Removal::from_now_on);
  if (!removed && removed.error().code() != Code::not_found) return removed.error();
  return http::Response{.status = 204};
}

Reply remove_many(const Services& services, const ExchangePtr& exchange,
                  const http::PathParameters&) {
  const auto ids = trace::query_values(exchange->request(), "example_ids");
  if (ids.empty()) return fail(Code::invalid_argument, "example_ids: one at least is wanted");
  TRY(services.datasets.remove_examples(exchange->context(), ids, Removal::from_now_on));
  return json_reply(json::Object{{"message", "deleted"}, {"count", ids.size()}});
}

struct RemovalBody {
  std::vector<std::string> example_ids;
  bool hard_delete = false;
  static constexpr std::string_view required[] = {"example_ids"};
};
BOOST_DESCRIBE_STRUCT(RemovalBody, (), (example_ids, hard_delete))

Reply remove_for_good(const Services& services, const ExchangePtr& exchange,
                      const http::PathParameters&) {
  const auto body = TRY(read_body<RemovalBody>(exchange));
  TRY(services.datasets.remove_examples(
      exchange->context(), body.example_ids,
      body.hard_delete ? Removal::for_good : Removal::from_now_on));
  return json_reply(json::Object{{"message", "deleted"}, {"count", body.example_ids.size()}});
}

}  // namespace

Result<ExampleQuery> example_query_of(const http::Request& request) {
  const Paging paging = TRY(paging_of(request));
  AsOf as_of = TRY(as_of_of(request));
  ExampleQuery query{.dataset_id = trace::query_value(request, "dataset"),
                     .ids = trace::query_values(request, "id"),
                     .as_of = std::move(as_of),
                     .splits = trace::query_values(request, "splits"),
                     .filter = trace::query_value(request, "filter").value_or(""),
                     .limit = paging.limit,
                     .offset = paging.offset};
  if (const auto text = trace::query_value(request, "metadata"))
    query.metadata = TRY(
        json::from<json::Object>(TRY(json::parse(*text).within("metadata"))).within("metadata"));
  return query;
}

void mount_examples(const Routes& routes) {
  routes.add("GET", "/examples", "read", list);
  routes.add("GET", "/examples/count", "read", count);
  routes.add("GET", "/examples/{id}", "read", read);
  routes.add("DELETE", "/examples/{id}", "write", remove);
  routes.add("DELETE", "/examples", "write", remove_many);
  routes.add("POST", "/platform/datasets/examples/delete", "write", remove_for_good);
  routes.add("DELETE", "/platform/datasets/{id}/examples/{example_id}", "write", remove_of_dataset);
}

}  // namespace slipway::datasets::detail
