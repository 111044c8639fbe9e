// The LangSmith API, as far as runs and projects go. Source: the LangSmith SDK 0.15 as captured on
// the wire.
#include "core/log.hpp"
#include "trace/detail/faces.hpp"
#include "trace/detail/json_text.hpp"
#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/langsmith_wire.hpp"
#include "trace/detail/times.hpp"
#include "trace/langsmith.hpp"

namespace slipway::trace {

namespace {

using detail::parameter;

/// Whose answers unmodified clients know how to read.
constexpr std::string_view spoken_version = "0.18.0";
/// What comes between the runs in a body also takes room.
constexpr std::size_t frames_share = 8;

http::Response json_response(int status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

http::Response refusal(const http::Request&, int status, const std::string& why) {
  http::Response refused = json_response(status, json::dump(json::Object{{"detail", why}}));
  detail::add_status_headers(refused);
  return refused;
}

json::Value info(const Intake& intake) {
  const std::size_t most = intake.request_bytes_max();
  return json::Object{
      {"version", spoken_version},
      {"license_expiration_time", nullptr},
      {"batch_ingest_config", json::Object{{"use_multipart_endpoint", true},
                                           {"scale_up_qsize_trigger", 1000},
                                           {"scale_up_nthreads_limit", 16},
                                           {"scale_down_nempty_trigger", 4},
                                           {"size_limit", 100},
                                           {"size_limit_bytes", most - most / frames_share}}},
      {"instance_flags", json::Object{{"zstd_compression_enabled", true},
                                      {"gzip_body_enabled", true},
                                      {"dataset_examples_multipart_enabled", false},
                                      {"examples_multipart_enabled", false},
                                      {"ch_query_enabled", true},
                                      {"sdb_query_enabled", false}}}};
}

/// Stores what a body held, and tells what of it was not kept.
Result<http::Response> store_batch(Intake& intake, const http::ExchangePtr& exchange,
                                   LangSmithBatch batch) {
  json::Object reply{{"message", "accepted"}, {"runs", batch.runs.size()}};
  if (!batch.attachments.empty()) reply["attachments_not_kept"] = batch.attachments.size();
  if (!batch.feedback.empty()) reply["feedback_not_kept"] = batch.feedback.size();
  if (!batch.attachments.empty() || !batch.feedback.empty())
    log::warning("request {}: {} attachments and {} feedback of LangSmith runs are not kept",
                 exchange->request().id, batch.attachments.size(), batch.feedback.size());
  if (!batch.runs.empty()) TRY(intake.store().ingest(exchange->context(), std::move(batch.runs)));
  return json_response(202, json::dump(reply));
}

struct Shared {
  TraceStore& store;
  Intake& intake;
  Sessions& sessions;
};
using SharedPtr = std::shared_ptr<const Shared>;

// --- Runs

/// Where runs stand: their projects' ids and their orders.
class Places {
 public:
  static Result<Places> make(const Context& context, const Shared& shared) {
    Places places(shared);
    for (const Session& session : TRY(shared.sessions.declared(context)))
      places.session_ids_[session.name] = session.id;
    return places;
  }
  Result<detail::LangSmithPlace> of(const Context& context, const Run& run) {
    detail::LangSmithPlace place;
    const auto known = session_ids_.find(run.project);
    place.session_id = known == session_ids_.end() ? uuid_of(run.project) : known->second;
    if (known == session_ids_.end()) sessions_->remember(run.project);
    place.dotted_order = TRY(orders_.of(context, run));
    // All but the last step are those of its ancestors.
    std::string_view rest = place.dotted_order;
    for (std::size_t dot = rest.find('.'); dot != std::string_view::npos; dot = rest.find('.')) {
      const std::string_view step = rest.substr(0, dot);
      place.parent_ids.emplace_back(step.substr(std::min(step.find('Z') + 1, step.size())));
      rest.remove_prefix(dot + 1);
    }
    return place;
  }

 private:
  explicit Places(const Shared& shared) : sessions_(&shared.sessions), orders_(shared.store) {}
  Sessions* sessions_;
  std::map<std::string, std::string> session_ids_;
  detail::DottedOrders orders_;
};

Result<http::Response> read_run(const Shared& shared, const http::ExchangePtr& exchange,
                                const std::string& id) {
  const Context& context = exchange->context();
  const Run run = TRY(detail::find_langsmith_run(context, shared.store, id));
  Places places = TRY(Places::make(context, shared));
  detail::LangSmithPlace place = TRY(places.of(context, run));
  place.child_ids = TRY(shared.store.child_ids(context, run));
  return json_response(200, detail::langsmith_run_text(run, place));
}

Result<http::Response> query_runs(const Shared& shared, const http::ExchangePtr& exchange) {
  const Context& context = exchange->context();
  const std::string& body = exchange->request().body;
  const json::Value wish =
      body.empty() ? json::Value(json::Object()) : TRY(json::parse(body).within("the body"));
  const detail::LangSmithQuery query =
      TRY(detail::read_langsmith_query(context, wish, shared.store, shared.sessions));
  Page<Run> page;
  for (const std::string& id : query.ids) {
    auto run = detail::find_langsmith_run(context, shared.store, id);
    if (run)
      page.items.push_back(*std::move(run));
    else if (run.error().code() != Code::not_found)
      return run.error();
  }
  if (query.ids.empty() && !query.is_empty) page = TRY(shared.store.runs(context, query.query));
  Places places = TRY(Places::make(context, shared));
  std::string out = "{\"runs\":[";
  for (const Run& run : page.items) {
    if (out.back() != '[') out += ',';
    out += detail::langsmith_run_text(run, TRY(places.of(context, run)));
  }
  out += "],\"cursors\":{\"next\":";
  out += page.next_cursor ? json::quoted(*page.next_cursor) : "null";
  return json_response(200, out + "},\"parsed_query\":null}");
}

// --- Projects

/// What the query of a list says; several of one name are several values.
std::vector<std::string> query_values(const http::Request& request, std::string_view name) {
  std::vector<std::string> values;
  if (const auto pairs = http::parse_query(request.query))
    for (const auto& [key, value] : *pairs)
      if (key == name) values.push_back(value);
  return values;
}
std::optional<std::string> query_value(const http::Request& request, std::string_view name) {
  auto values = query_values(request, name);
  return values.empty() ? std::nullopt : std::optional(std::move(values.front()));
}

/// "true" as clients of several languages write it.
bool is_asked(const http::Request& request, std::string_view name) {
  const auto value = query_value(request, name);
  return value && (http::equals_ignoring_case(*value, "true") || *value == "1");
}

Result<std::size_t> query_number(const http::Request& request, std::string_view name,
                                 std::size_t otherwise) {
  const auto text = query_value(request, name);
  if (!text) return otherwise;
  const auto number = json::parse(*text);
  const auto whole =
      number ? json::from<std::uint32_t>(*number) : Result<std::uint32_t>(number.error());
  if (!whole) return fail(Code::invalid_argument, "{}: '{}' is no whole number", name, *text);
  return *whole;
}

Result<detail::SessionStats> stats_of(const Context& context, TraceStore& store,
                                      const Session& session) {
  detail::SessionStats stats;
  Query query;
  query.project = session.name;
  stats.row = TRY(store.stats(context, query, std::nullopt)).all;
  stats.project.runs = stats.row.runs;
  query.limit = 1;
  query.with_payload = false;
  const Page<Run> youngest = TRY(store.runs(context, query));
  if (!youngest.items.empty()) stats.project.last_run_time = youngest.items.front().start;
  return stats;
}

Result<std::string> session_json(const Context& context, TraceStore& store, const Session& session,
                                 bool has_stats) {
  if (!has_stats) return detail::session_text(session, nullptr);
  const detail::SessionStats stats = TRY(stats_of(context, store, session));
  return detail::session_text(session, &stats);
}

Result<http::Response> list_sessions(const Shared& shared, const http::ExchangePtr& exchange) {
  const http::Request& request = exchange->request();
  constexpr std::size_t limit_default = 100, limit_max = 1000;
  const std::size_t limit = std::min(TRY(query_number(request, "limit", limit_default)), limit_max);
  std::size_t offset = TRY(query_number(request, "offset", 0));
  const auto name = query_value(request, "name");
  const auto part = query_value(request, "name_contains");
  const auto dataset = query_values(request, "reference_dataset");
  const bool is_free = is_asked(request, "reference_free");
  std::vector<std::string> ids = query_values(request, "id");
  for (std::string& id : ids) id = as_uuid(id);
  const bool has_stats = is_asked(request, "include_stats");
  std::string out = "[";
  std::size_t count = 0;
  std::vector<Session> sessions;
  if (!name)
    sessions = TRY(detail::all_sessions(exchange->context(), shared.store, shared.sessions));
  else if (auto one = TRY(
               detail::session_named(exchange->context(), shared.store, shared.sessions, *name)))
    sessions.push_back(*std::move(one));
  for (const Session& session : sessions) {
    if (part && session.name.find(*part) == std::string::npos) continue;
    if (!ids.empty() && std::find(ids.begin(), ids.end(), session.id) == ids.end()) continue;
    if (!dataset.empty() &&
        (!session.reference_dataset_id ||
         std::find(dataset.begin(), dataset.end(), *session.reference_dataset_id) == dataset.end()))
      continue;
    if (is_free && session.reference_dataset_id) continue;
    if (offset > 0) {
      --offset;
      continue;
    }
    if (count++ == limit) break;
    if (out.size() > 1) out += ',';
    out += TRY(session_json(exchange->context(), shared.store, session, has_stats));
  }
  return json_response(200, out + "]");
}

Result<http::Response> read_session(const Shared& shared, const http::ExchangePtr& exchange,
                                    const std::string& id) {
  for (const Session& session :
       TRY(detail::all_sessions(exchange->context(), shared.store, shared.sessions)))
    if (session.id == as_uuid(id))
      return json_response(200, TRY(session_json(exchange->context(), shared.store, session,
                                                 is_asked(exchange->request(), "include_stats"))));
  return fail(Code::not_found, "Session {} not found", id.substr(0, 100));
}

struct NewSession {
  std::optional<std::string> id, name, description, start_time, end_time, reference_dataset_id;
  std::optional<json::Object> extra;
};
BOOST_DESCRIBE_STRUCT(NewSession, (),
                      (id, name, description, start_time, end_time, reference_dataset_id, extra))

Result<http::Response> create_session(const Shared& shared, const http::ExchangePtr& exchange) {
  const Context& context = exchange->context();
  const auto body = TRY(json::from<NewSession>(
      TRY(json::parse(exchange->request().body).within("the body")), json::Policy::ignore_unknown));
  Session session;
  session.name = body.name.value_or("");
  constexpr std::size_t name_bytes_max = 512;
  if (session.name.empty() || session.name.size() > name_bytes_max)
    return fail(Code::invalid_argument, "name: 1 to {} bytes are wanted", name_bytes_max);
  if (body.id) session.id = as_uuid(*body.id);
  session.description = body.description;
  session.reference_dataset_id = body.reference_dataset_id;
  session.extra = body.extra.value_or(json::Object());
  const auto time =
      [](const std::optional<std::string>& text) -> Result<std::optional<Nanoseconds>> {
    if (!text) return std::optional<Nanoseconds>();
    return std::optional(TRY(detail::parse_nanoseconds(detail::with_zone(*text))));
  };
  session.start = TRY(time(body.start_time).within("start_time")).value_or(0);
  session.end = TRY(time(body.end_time).within("end_time"));
  // One that runs have brought already is there, too.
  if (const auto known =
          TRY(detail::session_named(context, shared.store, shared.sessions, session.name))) {
    if (is_asked(exchange->request(), "upsert"))
      return json_response(200, detail::session_text(*known, nullptr));
    return fail(Code::conflict, "Session '{}' already exists.", session.name);
  }
  return json_response(
      200, detail::session_text(TRY(shared.sessions.create(context, std::move(session))), nullptr));
}

json::Value settings() {
  return json::Object{{"id", detail::tenant_id()},
                      {"display_name", "Slipway"},
                      {"created_at", "2026-01-01T00:00:00Z"},
                      {"tenant_handle", "slipway"}};
}

// --- Routes

void mount_intake(http::Router& router, const detail::Face& face, const std::string& prefix,
                  const SharedPtr& shared) {
  using Decode = Result<LangSmithBatch> (*)(const http::Request&, const http::PathParameters&);
  const auto add = [&](const char* method, const char* path, Decode decode) {
    face.intake(router, method, prefix + path,
                [shared, decode](const http::ExchangePtr& exchange,
                                 const http::PathParameters& parameters) -> Result<http::Response> {
                  return store_batch(shared->intake, exchange,
                                     TRY(decode(exchange->request(), parameters)));
                });
  };
  add("POST", "/runs", [](const http::Request& request, const http::PathParameters&) {
    return decode_langsmith_run(request.body, "");
  });
  add("PATCH", "/runs/{id}",
      [](const http::Request& request, const http::PathParameters& parameters) {
        return decode_langsmith_run(request.body, parameter(parameters, "id"));
      });
  add("POST", "/runs/batch", [](const http::Request& request, const http::PathParameters&) {
    return decode_langsmith_batch(request.body);
  });
  add("POST", "/runs/multipart", [](const http::Request& request, const http::PathParameters&) {
    return decode_langsmith_multipart(request.body,
                                      std::string(request.headers.get("content-type")));
  });
}

void mount_reads(http::Router& router, const detail::Face& face, const std::string& prefix,
                 const SharedPtr& shared) {
  face.serve(router, "GET", prefix + "/info", "",
             [shared](const http::ExchangePtr&, const auto&) -> Result<http::Response> {
               return json_response(200, json::dump(info(shared->intake)));
             });
  face.serve(router, "GET", prefix + "/runs/{id}", "read",
             [shared](const http::ExchangePtr& exchange, const http::PathParameters& parameters) {
               return read_run(*shared, exchange, parameter(parameters, "id"));
             });
  face.serve(router, "POST", prefix + "/runs/query", "read",
             [shared](const http::ExchangePtr& exchange, const auto&) {
               return query_runs(*shared, exchange);
             });
  face.serve(router, "GET", prefix + "/sessions", "read",
             [shared](const http::ExchangePtr& exchange, const auto&) {
               return list_sessions(*shared, exchange);
             });
  face.serve(router, "POST", prefix + "/sessions", "write",
             [shared](const http::ExchangePtr& exchange, const auto&) {
               return create_session(*shared, exchange);
             });
  face.serve(router, "GET", prefix + "/sessions/{id}", "read",
             [shared](const http::ExchangePtr& exchange, const http::PathParameters& parameters) {
               return read_session(*shared, exchange, parameter(parameters, "id"));
             });
  if (prefix.empty()) return;  // There the page has its settings.
  face.serve(router, "GET", prefix + "/settings", "read",
             [](const http::ExchangePtr&, const auto&) -> Result<http::Response> {
               return json_response(200, json::dump(settings()));
             });
}

}  // namespace

void mount_langsmith(http::Router& router, const Services& services) {
  const detail::Face face{services, refusal};
  const auto shared =
      std::make_shared<const Shared>(Shared{services.store, services.intake, services.sessions});
  for (const std::string_view prefix : detail::langsmith_prefixes) {
    mount_intake(router, face, std::string(prefix), shared);
    mount_reads(router, face, std::string(prefix), shared);
    face.refuse_below(router, std::string(prefix));
  }
  mount_intake(router, face, "", shared);
  mount_reads(router, face, "", shared);
  face.refuse_below(router, "/runs");
}

namespace detail {

http::Response langsmith_refusal(const http::Request& head, int status, const std::string& why) {
  return refusal(head, status, why);
}

}  // namespace detail

}  // namespace slipway::trace
