// The faces of traces over a store in memory, for the tests of this module.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "http/fake_exchange.hpp"
#include "trace/mount.hpp"

namespace slipway::trace::detail {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline std::vector<store::Migration> main_migrations() {
  std::vector<store::Migration> all = price_migrations();
  for (const auto& steps : {session_migrations(), feedback_migrations(), attachment_migrations(),
                            queue_migrations(), share_migrations()})
    for (const store::Migration& step : steps) all.push_back(step);
  return all;
}

/// Keys are roles: "x-api-key: read" may read. Without one everything is allowed.
inline Result<void> admit_by_role(const http::Request& request, std::string_view role) {
  const std::string_view key = request.headers.get("x-api-key");
  if (key.empty() || key == "admin" || key == role || (key == "write" && role == "read")) return {};
  if (key != "read" && key != "write") return fail(Code::unauthenticated, "the key is unknown");
  return fail(Code::forbidden, "'{}' is needed, the key has '{}'", role, key);
}

struct Fixture {
  FakeClock clock{Clock::Time(std::chrono::seconds(1'795'420'800))};
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, main_migrations()));
  std::unique_ptr<OwnPrices> prices =
      must(OwnPrices::open({.database = *database, .clock = clock}));
  std::unique_ptr<TraceStore> store = must(TraceStore::open(
      {.path = ":memory:", .clock = clock, .prices = [this] { return prices->book(); }}));
  Pool pool{{.threads = 4}};
  Intake intake;
  Sessions sessions{*database, clock};
  std::unique_ptr<store::BlobStore> blobs = store::BlobStore::in_memory();
  SeededRandom random{1};
  Feedbacks feedbacks{*database, {}, clock, random};
  Attachments attachments{
      {.database = *database, .blobs = *blobs, .mask = {}, .clock = clock, .random = random}};
  Queues queues{*database, clock, random};
  Shares shares{*database, random};
  http::Router router{pool};
  http::Api api;

  explicit Fixture(std::size_t request_bytes_max = 20u << 20,
                   std::size_t queued_bytes_max = 64u << 20, bool checks_replies = true)
      : intake({.store = *store,
                .workers = pool,
                .request_bytes_max = request_bytes_max,
                .queued_bytes_max = queued_bytes_max}),
        api(router,
            {.title = "Slipway", .admit = admit_by_role, .checks_replies = checks_replies}) {
    mount(api, services());
    api.publish();
    mount_otlp(router, services());
    mount_langsmith(router, services());
  }
  Services services() {
    return {.store = *store,
            .prices = *prices,
            .intake = intake,
            .sessions = sessions,
            .feedbacks = feedbacks,
            .attachments = attachments,
            .queues = queues,
            .shares = shares,
            .admit = admit_by_role};
  }

  http::Response send(http::Request request) {
    auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    router.dispatch(exchange);
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  http::Response get(const std::string& target, const std::string& key = "") {
    http::Request request{.method = "GET", .target = target};
    if (!key.empty()) request.headers.add("x-api-key", key);
    return send(std::move(request));
  }
  http::Response send_json(const std::string& method, const std::string& target, std::string body,
                           const std::string& key = "") {
    http::Request request{.method = method,
                          .target = target,
                          .headers = {{"Content-Type", "application/json"}},
                          .body = std::move(body)};
    if (!key.empty()) request.headers.add("x-api-key", key);
    return send(std::move(request));
  }
  json::Value read(const std::string& target) { return body_of(get(target)); }
  void put(RunPatch run) { must(store->ingest(Context(), {std::move(run)})); }
  void put(std::vector<RunPatch> runs) { must(store->ingest(Context(), std::move(runs))); }

  static json::Value body_of(const http::Response& response, int status = 200) {
    if (response.status != status) FAIL(response.status << " " << response.body);
    return must(json::parse(response.body));
  }
};

inline constexpr Nanoseconds eight_o_clock = 1'795'420'800'000'000'000;

/// A run that lasted 100 ms, `index` milliseconds after eight.
inline RunPatch run(const std::string& trace_id, const std::string& id,
                    const std::string& parent = "", int index = 0) {
  constexpr Nanoseconds millisecond = 1'000'000;
  RunPatch patch;
  patch.id = id;
  patch.trace_id = trace_id;
  if (!parent.empty()) patch.parent_id = parent;
  patch.project = "shop";
  patch.name = "run " + id;
  patch.kind = Kind::chain;
  patch.start = eight_o_clock + index * millisecond;
  patch.end = *patch.start + 100 * millisecond;
  return patch;
}

inline std::string text_of(const json::Value& value) { return std::string(value.as_string()); }

}  // namespace slipway::trace::detail
