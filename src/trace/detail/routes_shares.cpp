#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/routes_feedback.hpp"

namespace slipway::trace::detail {

namespace {

http::Response json_reply(const json::Value& value) {
  return json_response(200, json::dump(value));
}

// --- Sharing a run

Result<http::Response> share(const Services& services, const http::ExchangePtr& exchange,
                             const http::PathParameters& path) {
  const Context& context = exchange->context();
  const Run run = TRY(detail::find_langsmith_run(context, services.store, path_value(path, "id")));
  Share share{.kind = Share::Kind::run, .subject = run.id};
  if (!exchange->request().body.empty()) {
    const json::Value body = TRY(json::parse(exchange->request().body).within("the body"));
    const json::Value* token =
        body.is_object() ? body.get_object().if_contains("share_token") : nullptr;
    if (token != nullptr && token->is_string()) share.token = std::string(token->get_string());
  }
  const Share shared = TRY(services.shares.put(context, std::move(share)));
  return json_reply(json::Object{{"run_id", as_uuid(run.id)}, {"share_token", shared.token}});
}

Result<http::Response> read_share(const Services& services, const http::ExchangePtr& exchange,
                                  const http::PathParameters& path) {
  const Context& context = exchange->context();
  const Run run = TRY(detail::find_langsmith_run(context, services.store, path_value(path, "id")));
  const auto shared = TRY(services.shares.find(context, Share::Kind::run, run.id, ""));
  if (!shared) return json_reply(json::Value());
  return json_reply(json::Object{{"run_id", as_uuid(run.id)}, {"share_token", shared->token}});
}

Result<http::Response> unshare(const Services& services, const http::ExchangePtr& exchange,
                               const http::PathParameters& path) {
  TRY(services.shares.remove(exchange->context(), Share::Kind::run, path_value(path, "id"), ""));
  return json_reply(json::Object{{"message", "no longer shared"}});
}

// --- Reading what is shared

Result<http::Response> run_reply(const Context& context, const Services& services, const Run& run) {
  return json_response(200, TRY(langsmith_run_texts(context, services, {run})).front());
}

Result<http::Response> read_shared(const Services& services, const http::ExchangePtr& exchange,
                                   const http::PathParameters& path) {
  const Context& context = exchange->context();
  const auto runs = TRY(shared_runs(context, services, path_value(path, "token")));
  const std::string id = path_value(path, "id");
  for (const Run& run : runs)
    if (id.empty() || as_uuid(run.id) == as_uuid(id)) return run_reply(context, services, run);
  return fail(Code::not_found, "Run {} is not shared by this link", id.substr(0, 100));
}

struct SharedQuery {
  std::optional<std::vector<std::string>> id;
};
BOOST_DESCRIBE_STRUCT(SharedQuery, (), (id))

Result<http::Response> query_shared(const Services& services, const http::ExchangePtr& exchange,
                                    const http::PathParameters& path) {
  const Context& context = exchange->context();
  SharedQuery query;
  if (!exchange->request().body.empty())
    query =
        TRY(json::from<SharedQuery>(TRY(json::parse(exchange->request().body).within("the body")),
                                    json::Policy::ignore_unknown));
  std::set<std::string> wanted;
  for (const std::string& id : query.id.value_or(std::vector<std::string>()))
    wanted.insert(as_uuid(id));
  std::vector<Run> runs;
  for (Run& run : TRY(shared_runs(context, services, path_value(path, "token"))))
    if (wanted.empty() || wanted.contains(as_uuid(run.id))) runs.push_back(std::move(run));
  std::string out = "{\"runs\":[";
  for (const std::string& text : TRY(langsmith_run_texts(context, services, runs))) {
    if (out.back() != '[') out += ',';
    out += text;
  }
  return json_response(200, out + "],\"cursors\":{\"next\":null}}");
}

// --- Attachments

Result<http::Response> read_attachment(const Services& services, const http::ExchangePtr& exchange,
                                       const http::PathParameters& path) {
  const http::Request& request = exchange->request();
  const AttachmentInfo file = TRY(services.attachments.opened(
      exchange->context(), path_value(path, "id"), query_value(request, "expires").value_or(""),
      query_value(request, "signature").value_or("")));
  std::string bytes = TRY(services.attachments.read(file));
  // Whatever it says that it is, a browser must not run it as part of this server.
  return http::Response{
      .status = 200,
      .headers = {{"Content-Type",
                   file.media_type.empty() ? "application/octet-stream" : file.media_type},
                  {"Content-Disposition", is_picture(file.media_type) ? "inline" : "attachment"},
                  {"Content-Security-Policy", "sandbox; default-src 'none'"},
                  {"X-Content-Type-Options", "nosniff"},
                  {"Cache-Control", "private, max-age=3600"}},
      .body = std::move(bytes)};
}

// --- Secrets

Result<http::Response> list_secrets(const Services&, const http::ExchangePtr&,
                                    const http::PathParameters&) {
  return json_reply(json::Array());
}

Result<http::Response> refuse_secret(const Services&, const http::ExchangePtr&,
                                     const http::PathParameters&) {
  return fail(Code::unsupported,
              "secrets are not kept here: the configuration names where they are, as env:NAME or "
              "file:PATH");
}

}  // namespace

Result<std::vector<Run>> shared_runs(const Context& context, const Services& services,
                                     const std::string& token) {
  const Share share = TRY(services.shares.opened(context, token));
  if (share.kind != Share::Kind::run) return fail(Code::not_found, "no run is shared by this link");
  const Run top = TRY(detail::find_langsmith_run(context, services.store, share.subject));
  Trace trace = TRY(services.store.trace(context, top.trace_id, true));
  // Parents may have begun later than their children, by their clocks: looked for until none is
  // new.
  std::set<std::string> inside = {top.id};
  for (std::size_t before = 0; before != inside.size();) {
    before = inside.size();
    for (const Run& run : trace.runs)
      if (run.parent_id && inside.contains(*run.parent_id)) inside.insert(run.id);
  }
  std::vector<Run> runs = {top};
  for (Run& run : trace.runs)
    if (run.id != top.id && inside.contains(run.id)) runs.push_back(std::move(run));
  return runs;
}

void mount_shares(http::Router& router, const LangSmithFace& face, const Services& services) {
  const FaceRoutes add(router, face, services);
  add("PUT", "/runs/{id}/share", "write", share);
  add("GET", "/runs/{id}/share", "write", read_share);  // Whoever reads it can give it away.
  add("DELETE", "/runs/{id}/share", "write", unshare);
  add("GET", "/public/{token}/run", "", read_shared);
  add("GET", "/public/{token}/run/{id}", "", read_shared);
  add("POST", "/public/{token}/runs/query", "", query_shared);
  add("GET", "/attachments/{id}", "", read_attachment);
  add("GET", "/workspaces/current/secrets", "read", list_secrets);
  add("POST", "/workspaces/current/secrets", "write", refuse_secret);
}

}  // namespace slipway::trace::detail
