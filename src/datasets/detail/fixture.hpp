// Datasets, and their routes over traces in memory, for the tests of this module.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "datasets/mount.hpp"
#include "http/fake_exchange.hpp"
#include "trace/face.hpp"

namespace slipway::datasets::detail {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

inline std::vector<store::Migration> all_migrations() {
  std::vector<store::Migration> all = migrations();
  for (const auto& steps :
       {trace::price_migrations(), trace::session_migrations(), trace::feedback_migrations(),
        trace::attachment_migrations(), trace::queue_migrations(), trace::share_migrations()})
    all.insert(all.end(), steps.begin(), steps.end());
  return all;
}

/// The module itself. Each call of `tick` moves the clock on by a second.
struct Shelf {
  FakeClock clock{Clock::Time(std::chrono::seconds(1'795'420'800))};
  SeededRandom random{7};
  std::unique_ptr<store::Database> database =
      must(store::Database::open({.path = ":memory:"}, all_migrations()));
  std::unique_ptr<store::BlobStore> files = store::BlobStore::in_memory();
  Datasets datasets{{.database = *database,
                     .attachments = *files,
                     .clock = clock,
                     .random = random,
                     .limits = {.examples_max = 1000, .attachments_max = 3}}};
  Context context;

  void tick() { clock.advance(std::chrono::seconds(1)); }
  std::string make(const std::string& name) {
    return must(datasets.create(context, {.name = name})).id;
  }
  Written add(const std::string& dataset, const std::string& inputs,
              const std::string& outputs = R"({"a":1})") {
    tick();
    NewExample example{.inputs = inputs, .outputs = outputs};
    return must(datasets.add(context, dataset, {std::move(example)}));
  }
  std::vector<std::string> inputs(const std::string& dataset, const AsOf& as_of = {}) {
    std::vector<std::string> all;
    for (const Example& one :
         must(datasets.examples(context, {.dataset_id = dataset, .as_of = as_of})))
      all.push_back(one.inputs);
    return all;
  }
};

/// With routes.
struct Site : Shelf {
  std::unique_ptr<trace::OwnPrices> prices =
      must(trace::OwnPrices::open({.database = *database, .clock = clock}));
  std::unique_ptr<trace::TraceStore> store = must(trace::TraceStore::open(
      {.path = ":memory:", .clock = clock, .prices = [this] { return prices->book(); }}));
  Pool pool{{.threads = 4}};
  trace::Intake intake{{.store = *store, .workers = pool}};
  trace::Sessions sessions{*database, clock};
  trace::Feedbacks feedbacks{*database, {}, clock};
  std::unique_ptr<store::BlobStore> run_files = store::BlobStore::in_memory();
  trace::Attachments attachments{
      {.database = *database, .blobs = *run_files, .mask = {}, .clock = clock}};
  trace::Queues queues{*database};
  trace::Shares shares{*database};
  http::Router router{pool};
  http::Api api{router, {.title = "Slipway", .admit = admit, .checks_replies = true}};

  /// Keys are roles; without one everything is allowed.
  static Result<void> admit(const http::Request& request, std::string_view role) {
    const std::string_view key = request.headers.get("x-api-key");
    if (key.empty() || key == role || key == "write") return {};
    return fail(Code::forbidden, "'{}' is needed, the key has '{}'", role, key);
  }

  Site() {
    const trace::Services traces{.store = *store,
                                 .prices = *prices,
                                 .intake = intake,
                                 .sessions = sessions,
                                 .feedbacks = feedbacks,
                                 .attachments = attachments,
                                 .queues = queues,
                                 .shares = shares,
                                 .admit = admit};
    const Services services{.datasets = datasets, .traces = traces};
    mount(api, services);
    api.publish();
    trace::mount_langsmith(router, traces);
    mount_langsmith(router, services);
  }

  http::Response send(http::Request request) {
    auto exchange = std::make_shared<http::FakeExchange>(std::move(request));
    router.dispatch(exchange);
    REQUIRE(exchange->wait_ended());
    return exchange->response();
  }
  http::Response ask(const std::string& method, const std::string& target, std::string body = "",
                     const std::string& type = "application/json") {
    http::Request request{.method = method, .target = target, .body = std::move(body)};
    request.headers.add("Host", "slipway.test");
    if (!request.body.empty()) request.headers.add("Content-Type", type);
    return send(std::move(request));
  }
  json::Value read(const std::string& method, const std::string& target, std::string body = "") {
    const http::Response response = ask(method, target, std::move(body));
    if (response.status >= 300) FAIL(target << ": " << response.status << " " << response.body);
    return must(json::parse(response.body));
  }
};

/// A body of multipart/form-data with the boundary "b"; parts are name, type and bytes.
inline std::string multipart(
    const std::vector<std::tuple<std::string, std::string, std::string>>& parts) {
  std::string body;
  for (const auto& [name, type, bytes] : parts)
    body += "--b\r\nContent-Disposition: form-data; name=\"" + name +
            "\"\r\nContent-Type: " + type + "\r\n\r\n" + bytes + "\r\n";
  return body + "--b--\r\n";
}
inline constexpr const char* multipart_type = "multipart/form-data; boundary=b";

inline std::string text_of(const json::Value& value) { return std::string(value.as_string()); }

}  // namespace slipway::datasets::detail
