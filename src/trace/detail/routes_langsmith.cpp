// The LangSmith API, as far as runs and projects go. Source: the LangSmith SDK 0.15 as captured on
// the wire.
#include "core/log.hpp"
#include "trace/detail/faces.hpp"
#include "trace/detail/json_text.hpp"
#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/langsmith_places.hpp"
#include "trace/detail/langsmith_query.hpp"
#include "trace/detail/langsmith_wire.hpp"
#include "trace/detail/routes_feedback.hpp"
#include "trace/detail/routes_sessions.hpp"
#include "trace/detail/routes_v2.hpp"
#include "trace/face.hpp"
#include "trace/langsmith.hpp"

namespace slipway::trace {

namespace {

using detail::parameter;

/// Whose answers unmodified clients know how to read.
constexpr std::string_view spoken_version = "0.18.0";
/// What comes between the runs in a body also takes room.
constexpr std::size_t frames_share = 8;

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
                                      {"dataset_examples_multipart_enabled", true},
                                      {"examples_multipart_enabled", true},
                                      {"ch_query_enabled", true},
                                      {"sdb_query_enabled", false}}}};
}

/// Stores what a body held, and tells what of it was not kept.
Result<http::Response> store_batch(const Services& services, const http::ExchangePtr& exchange,
                                   LangSmithBatch batch) {
  const Context& context = exchange->context();
  json::Object reply{{"message", "accepted"}, {"runs", batch.runs.size()}};
  if (!batch.runs.empty()) TRY(services.store.ingest(context, std::move(batch.runs)));
  TRY(services.attachments.put(context, std::move(batch.attachments)));
  std::vector<Feedback> feedback;
  std::size_t refused = 0;
  for (const json::Object& one : batch.feedback) {
    auto read = read_feedback(one);
    const auto checked = read ? check_feedback(*read) : Result<void>(read.error());
    if (checked) {
      feedback.push_back(*std::move(read));
      continue;
    }
    ++refused;
    log::warning("request {}: feedback is not kept: {}", exchange->request().id,
                 checked.error().message());
  }
  if (refused > 0) reply["feedback_not_kept"] = refused;
  TRY(services.feedbacks.put(context, std::move(feedback)));
  return json_response(202, json::dump(reply));
}

using SharedPtr = std::shared_ptr<const Services>;

// --- Runs

Result<http::Response> read_run(const Services& services, const http::ExchangePtr& exchange,
                                const std::string& id) {
  const Context& context = exchange->context();
  const Run run = TRY(detail::find_langsmith_run(context, services.store, id));
  detail::Places places = TRY(detail::Places::make(context, services));
  TRY(places.learn(context, {run}));
  detail::LangSmithPlace place = TRY(places.of(context, run));
  place.child_ids = TRY(services.store.child_ids(context, run));
  return json_response(200, detail::langsmith_run_text(run, place));
}

Result<http::Response> query_runs(const Services& services, const http::ExchangePtr& exchange) {
  const Context& context = exchange->context();
  const std::string& body = exchange->request().body;
  const json::Value wish =
      body.empty() ? json::Value(json::Object()) : TRY(json::parse(body).within("the body"));
  const detail::LangSmithQuery query = TRY(detail::read_langsmith_query(context, wish, services));
  const Page<Run> page = TRY(detail::run_langsmith_query(context, services.store, query));
  detail::Places places = TRY(detail::Places::make(context, services));
  TRY(places.learn(context, page.items));
  std::string out = "{\"runs\":[";
  for (const Run& run : page.items) {
    if (out.back() != '[') out += ',';
    out += detail::langsmith_run_text(run, TRY(places.of(context, run)));
  }
  out += "],\"cursors\":{\"next\":";
  out += page.next_cursor ? json::quoted(*page.next_cursor) : "null";
  return json_response(200, out + "},\"parsed_query\":null}");
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
                  return store_batch(*shared, exchange,
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
  if (prefix.empty()) return;  // There the page has its settings.
  face.serve(router, "GET", prefix + "/settings", "read",
             [](const http::ExchangePtr&, const auto&) -> Result<http::Response> {
               return json_response(200, json::dump(settings()));
             });
}

}  // namespace

void mount_langsmith(http::Router& router, const Services& services) {
  const detail::Face face{services, refusal};
  const auto shared = std::make_shared<const Services>(services);
  for (const std::string_view prefix : detail::langsmith_prefixes) {
    mount_intake(router, face, std::string(prefix), shared);
    mount_reads(router, face, std::string(prefix), shared);
    detail::mount_sessions(router, face, std::string(prefix), services);
    face.refuse_below(router, std::string(prefix));
  }
  mount_intake(router, face, "", shared);
  mount_reads(router, face, "", shared);
  detail::mount_sessions(router, face, "", services);
  face.refuse_below(router, "/runs");
  const LangSmithFace everywhere(services);
  detail::mount_feedback(router, everywhere, services);
  detail::mount_queues(router, everywhere, services);
  detail::mount_queue_items(router, everywhere, services);
  detail::mount_shares(router, everywhere, services);
  detail::mount_v2_runs(router, everywhere, services);
  detail::mount_v2_threads(router, everywhere, services);
  detail::mount_v2_sessions(router, everywhere, services);
  detail::mount_run_stats(router, everywhere, services);
}

namespace detail {

http::Response langsmith_refusal(const http::Request& head, int status, const std::string& why) {
  return refusal(head, status, why);
}

}  // namespace detail

}  // namespace slipway::trace
