// Datasets that are shared by a link, for whoever has it; and the links to attachments.
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

json::Object share_json(const std::string& dataset_id, const std::string& token) {
  return {{"dataset_id", dataset_id}, {"share_token", token}};
}

Reply share(const Services& services, const ExchangePtr& exchange,
            const http::PathParameters& path) {
  const std::string id = trace::path_value(path, "id");
  return json_reply(
      share_json(trace::as_uuid(id), TRY(services.datasets.share(exchange->context(), id))));
}

Reply read_share(const Services& services, const ExchangePtr& exchange,
                 const http::PathParameters& path) {
  const Dataset dataset =
      TRY(services.datasets.read(exchange->context(), trace::path_value(path, "id")));
  if (!dataset.share_token)
    return fail(Code::not_found, "dataset '{}' is not shared", dataset.name);
  return json_reply(share_json(dataset.id, *dataset.share_token));
}

Reply unshare(const Services& services, const ExchangePtr& exchange,
              const http::PathParameters& path) {
  TRY(services.datasets.unshare(exchange->context(), trace::path_value(path, "id")));
  return json_reply(json::Object{{"message", "no longer shared"}});
}

Result<Dataset> shared(const Services& services, const ExchangePtr& exchange,
                       const http::PathParameters& path) {
  return services.datasets.shared(exchange->context(), trace::path_value(path, "token"));
}

Reply dataset(const Services& services, const ExchangePtr& exchange,
              const http::PathParameters& path) {
  const Dataset found = TRY(shared(services, exchange, path));
  return json_reply(dataset_json(found, TRY(Experiments::make(exchange->context(), services))));
}

Reply examples(const Services& services, const ExchangePtr& exchange,
               const http::PathParameters& path) {
  const http::Request& request = exchange->request();
  ExampleQuery query = TRY(example_query_of(request));
  query.dataset_id = TRY(shared(services, exchange, path)).id;
  return trace::json_response(
      200, examples_text(TRY(services.datasets.examples(exchange->context(), query)),
                         {.origin = trace::server_url(request), .has_attachments = true}));
}

Reply count(const Services& services, const ExchangePtr& exchange,
            const http::PathParameters& path) {
  return json_reply(json::Value(TRY(shared(services, exchange, path)).example_count));
}

Reply sessions(const Services& services, const ExchangePtr& exchange,
               const http::PathParameters& path) {
  const Context& context = exchange->context();
  const http::Request& request = exchange->request();
  const Dataset found = TRY(shared(services, exchange, path));
  const Paging paging = TRY(paging_of(request));
  const auto name = trace::query_value(request, "name");
  const auto part = trace::query_value(request, "name_contains");
  const auto ids = trace::query_values(request, "id");
  const auto experiments = TRY(Experiments::make(context, services));
  std::string text = "[";
  int skipped = 0, count = 0;
  for (const trace::Session& session : experiments.of(found.id)) {
    if (name && session.name != *name) continue;
    if (part && session.name.find(*part) == std::string::npos) continue;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), session.id) == ids.end()) continue;
    if (skipped++ < paging.offset) continue;
    if (count++ == paging.limit) break;
    if (text.size() > 1) text += ',';
    text += TRY(trace::langsmith_session_text(context, services.traces, session, true));
  }
  return trace::json_response(200, text + "]");
}

/// Never shown by a browser as a page of ours: what it holds is foreign.
Reply attachment(const Services& services, const ExchangePtr& exchange,
                 const http::PathParameters& path) {
  auto found =
      TRY(services.datasets.attachment(exchange->context(), trace::path_value(path, "token")));
  return http::Response{.status = 200,
                        .headers = {{"Content-Type", found.media_type},
                                    {"Content-Disposition", "attachment"},
                                    {"Content-Security-Policy", "sandbox; default-src 'none'"},
                                    {"X-Content-Type-Options", "nosniff"},
                                    {"Cache-Control", "private, no-store"}},
                        .body = std::move(found.bytes)};
}

}  // namespace

void mount_shared(const Routes& routes) {
  routes.add("PUT", "/datasets/{id}/share", "write", share);
  routes.add("GET", "/datasets/{id}/share", "read", read_share);
  routes.add("DELETE", "/datasets/{id}/share", "write", unshare);
  routes.add("GET", "/public/{token}/datasets", "", dataset);
  routes.add("GET", "/public/{token}/examples", "", examples);
  routes.add("GET", "/public/{token}/examples/count", "", count);
  routes.add("GET", "/public/{token}/datasets/sessions", "", sessions);
  routes.add("GET", "/public/attachments/{token}", "", attachment);
}

}  // namespace slipway::datasets::detail
