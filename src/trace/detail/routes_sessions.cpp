#include "trace/detail/routes_sessions.hpp"

#include <algorithm>

#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/langsmith_wire.hpp"
#include "trace/detail/routes_feedback.hpp"
#include "trace/detail/times.hpp"
#include "trace/face.hpp"

namespace slipway::trace {

namespace {

Result<detail::SessionStats> stats_of(const Context& context, const Services& services,
                                      const Session& session) {
  TraceStore& store = services.store;
  detail::SessionStats stats;
  Query query;
  query.project = session.name;
  stats.row = TRY(store.stats(context, query, std::nullopt)).all;
  stats.project.runs = stats.row.runs;
  query.limit = 1;
  query.with_payload = false;
  const Page<Run> youngest = TRY(store.runs(context, query));
  if (!youngest.items.empty()) stats.project.last_run_time = youngest.items.front().start;
  TRY(detail::place_feedback(context, services));
  const auto feedback = [&](bool is_of_session) -> Result<std::string> {
    return json::dump(feedback_stats_json(
        TRY(services.feedbacks.stats_of_session(context, session.id, is_of_session))));
  };
  stats.feedback = TRY(feedback(false));
  stats.of_session = TRY(feedback(true));
  return stats;
}

/// What a list of projects is asked for.
struct Wish {
  std::optional<std::string> name, part, dataset_version;
  std::vector<std::string> datasets, ids;
  std::optional<bool> is_free;
  json::Object metadata;

  static Result<Wish> read(const http::Request& request) {
    Wish wish{.name = query_value(request, "name"),
              .part = query_value(request, "name_contains"),
              .dataset_version = query_value(request, "dataset_version"),
              .datasets = query_values(request, "reference_dataset"),
              .ids = query_values(request, "id")};
    for (std::string& id : wish.ids) id = as_uuid(id);
    for (std::string& id : wish.datasets) id = as_uuid(id);
    if (query_value(request, "reference_free")) wish.is_free = is_asked(request, "reference_free");
    if (const auto text = query_value(request, "metadata"))
      wish.metadata = TRY(json::from<json::Object>(TRY(json::parse(*text).within("metadata"))));
    return wish;
  }
  bool takes(const Session& session) const {
    const auto holds = [](const std::vector<std::string>& all, const std::string& one) {
      return all.empty() || std::find(all.begin(), all.end(), one) != all.end();
    };
    if (part && session.name.find(*part) == std::string::npos) return false;
    if (!holds(ids, session.id)) return false;
    if (!datasets.empty() && !session.reference_dataset_id) return false;
    if (session.reference_dataset_id && !holds(datasets, *session.reference_dataset_id))
      return false;
    if (is_free && *is_free == session.reference_dataset_id.has_value()) return false;
    const json::Value* known = session.extra.if_contains("metadata");
    const auto member = [&](std::string_view key) -> const json::Value* {
      return known != nullptr && known->is_object() ? known->get_object().if_contains(key)
                                                    : nullptr;
    };
    for (const auto& [key, value] : metadata) {
      const json::Value* found = member(key);
      if (found == nullptr || *found != value) return false;
    }
    if (!dataset_version) return true;
    const json::Value* version = member("dataset_version");
    return version != nullptr && version->is_string() &&
           std::string_view(version->get_string()) == *dataset_version;
  }
};

Result<http::Response> list(const Services& services, const http::ExchangePtr& exchange) {
  const http::Request& request = exchange->request();
  const Context& context = exchange->context();
  constexpr std::size_t limit_default = 100, limit_max = 1000;
  const std::size_t limit = std::min(TRY(query_number(request, "limit", limit_default)), limit_max);
  std::size_t offset = TRY(query_number(request, "offset", 0));
  const Wish wish = TRY(Wish::read(request));
  const bool has_stats = is_asked(request, "include_stats");
  std::vector<Session> sessions;
  if (!wish.name)
    sessions = TRY(list_sessions(context, services));
  else if (auto one =
               TRY(detail::session_named(context, services.store, services.sessions, *wish.name)))
    sessions.push_back(*std::move(one));
  std::string out = "[";
  std::size_t count = 0;
  for (const Session& session : sessions) {
    if (!wish.takes(session)) continue;
    if (offset > 0) {
      --offset;
      continue;
    }
    if (count++ == limit) break;
    if (out.size() > 1) out += ',';
    out += TRY(langsmith_session_text(context, services, session, has_stats));
  }
  return json_response(200, out + "]");
}

Result<Session> session_of_path(const Services& services, const http::ExchangePtr& exchange,
                                const std::string& id) {
  auto session = TRY(find_session(exchange->context(), services, id));
  if (!session) return fail(Code::not_found, "Session {} not found", id.substr(0, 100));
  return *std::move(session);
}

Result<http::Response> read(const Services& services, const http::ExchangePtr& exchange,
                            const std::string& id) {
  const Session session = TRY(session_of_path(services, exchange, id));
  return json_response(200,
                       TRY(langsmith_session_text(exchange->context(), services, session,
                                                  is_asked(exchange->request(), "include_stats"))));
}

struct SessionBody {
  std::optional<std::string> id, name, description, start_time, end_time, reference_dataset_id;
  std::optional<json::Object> extra;
};
BOOST_DESCRIBE_STRUCT(SessionBody, (),
                      (id, name, description, start_time, end_time, reference_dataset_id, extra))

Result<SessionBody> read_body(const http::ExchangePtr& exchange) {
  return json::from<SessionBody>(TRY(json::parse(exchange->request().body).within("the body")),
                                 json::Policy::ignore_unknown);
}

Result<std::optional<Nanoseconds>> time_of(const std::optional<std::string>& text) {
  if (!text) return std::optional<Nanoseconds>();
  return std::optional(TRY(read_langsmith_time(*text)));
}

Result<void> check_name(const std::string& name) {
  constexpr std::size_t name_bytes_max = 512;
  if (name.empty() || name.size() > name_bytes_max)
    return fail(Code::invalid_argument, "name: 1 to {} bytes are wanted", name_bytes_max);
  return {};
}

Result<http::Response> create(const Services& services, const http::ExchangePtr& exchange) {
  const Context& context = exchange->context();
  const auto body = TRY(read_body(exchange));
  Session session;
  session.name = body.name.value_or("");
  TRY(check_name(session.name));
  if (body.id) session.id = as_uuid(*body.id);
  session.description = body.description;
  if (body.reference_dataset_id) session.reference_dataset_id = as_uuid(*body.reference_dataset_id);
  session.extra = body.extra.value_or(json::Object());
  session.start = TRY(time_of(body.start_time).within("start_time")).value_or(0);
  session.end = TRY(time_of(body.end_time).within("end_time"));
  // One that runs have brought already is there, too.
  if (const auto known =
          TRY(detail::session_named(context, services.store, services.sessions, session.name))) {
    if (is_asked(exchange->request(), "upsert"))
      return json_response(200, detail::session_text(*known, nullptr));
    return fail(Code::conflict, "Session '{}' already exists.", session.name);
  }
  return json_response(
      200,
      detail::session_text(TRY(services.sessions.create(context, std::move(session))), nullptr));
}

Result<http::Response> change(const Services& services, const http::ExchangePtr& exchange,
                              const std::string& id) {
  const Context& context = exchange->context();
  const Session known = TRY(session_of_path(services, exchange, id));
  const auto body = TRY(read_body(exchange));
  Session session = known;
  if (body.name && *body.name != known.name) {
    TRY(check_name(*body.name));
    // Runs name their project: they would stay behind under the old name.
    if ((TRY(stats_of(context, services, known))).project.runs > 0)
      return fail(Code::conflict,
                  "name: session '{}' has runs already, which know it by this name; make a new one",
                  known.name);
    session.name = *body.name;
  }
  if (body.description) session.description = body.description;
  if (body.extra)
    for (const auto& [key, value] : *body.extra) session.extra[key] = value;
  if (body.end_time) session.end = TRY(time_of(body.end_time).within("end_time"));
  if (body.reference_dataset_id) session.reference_dataset_id = as_uuid(*body.reference_dataset_id);
  TRY(services.sessions.change(context, session));
  return json_response(200, detail::session_text(session, nullptr));
}

/// Its runs go with it, tree by tree.
Result<http::Response> remove(const Services& services, const http::ExchangePtr& exchange,
                              const std::string& id) {
  const Context& context = exchange->context();
  const Session session = TRY(session_of_path(services, exchange, id));
  Query query;
  query.project = session.name;
  query.limit = 1000;
  for (;;) {
    TRY(context.check());
    const auto page = TRY(services.store.traces(context, query));
    for (const TraceSummary& trace : page.items) {
      const auto gone = services.store.remove(context, trace.id);
      if (!gone && gone.error().code() != Code::not_found) return gone.error();
    }
    if (page.items.empty()) break;
  }
  TRY(services.sessions.remove(context, session.id));
  return json_response(202, R"({"message":"deleted"})");
}

}  // namespace

Result<std::optional<Session>> find_session(const Context& context, const Services& services,
                                            const std::string& id) {
  for (Session& session : TRY(services.sessions.declared(context)))
    if (session.id == as_uuid(id)) return std::optional(std::move(session));
  for (Session& session : TRY(detail::all_sessions(context, services.store, services.sessions)))
    if (session.id == as_uuid(id)) return std::optional(std::move(session));
  return std::optional<Session>();
}

Result<std::vector<Session>> list_sessions(const Context& context, const Services& services) {
  auto all = TRY(detail::all_sessions(context, services.store, services.sessions));
  std::stable_sort(all.begin(), all.end(),
                   [](const Session& a, const Session& b) { return a.start > b.start; });
  return all;
}

Result<std::string> langsmith_session_text(const Context& context, const Services& services,
                                           const Session& session, bool has_stats) {
  if (!has_stats) return detail::session_text(session, nullptr);
  const detail::SessionStats stats = TRY(stats_of(context, services, session));
  return detail::session_text(session, &stats);
}

namespace detail {

Result<http::Response> create_session(const Services& services, const http::ExchangePtr& exchange) {
  return create(services, exchange);
}

Result<http::Response> change_session(const Services& services, const http::ExchangePtr& exchange,
                                      const std::string& id) {
  return change(services, exchange, id);
}

void mount_sessions(http::Router& router, const Face& face, const std::string& prefix,
                    const Services& services) {
  const std::string all = prefix + "/sessions", one = prefix + "/sessions/{id}";
  face.serve(router, "GET", all, "read",
             [services](const http::ExchangePtr& exchange, const auto&) {
               return list(services, exchange);
             });
  face.serve(router, "POST", all, "write",
             [services](const http::ExchangePtr& exchange, const auto&) {
               return create(services, exchange);
             });
  using Handler =
      Result<http::Response> (*)(const Services&, const http::ExchangePtr&, const std::string&);
  const auto add = [&](const char* method, const char* role, Handler handler) {
    face.serve(router, method, one, role,
               [services, handler](const http::ExchangePtr& exchange,
                                   const http::PathParameters& parameters) {
                 return handler(services, exchange, parameter(parameters, "id"));
               });
  };
  add("GET", "read", read);
  add("PATCH", "write", change);
  add("DELETE", "write", remove);
}

}  // namespace detail

}  // namespace slipway::trace
