// A gateway whose world is a test: upstreams, time, chance and clients.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "gateway/detail/engine.hpp"
#include "gateway/detail/fake_upstream.hpp"
#include "http/fake_exchange.hpp"

namespace slipway::gateway::detail {

using dialects::Dialect;

struct House {
  House() {
    // Not a moment of its own: tests of one program may run at once.
    root = std::filesystem::temp_directory_path() /
           ("slipway-gateway-" + make_trace_id(system_random()));
    std::filesystem::create_directories(root);
    ::setenv("SLIPWAY_TEST_KEY_A", "sk-test-aaaaaaaa", 1);
    ::setenv("SLIPWAY_TEST_KEY_B", "sk-test-bbbbbbbb", 1);
  }
  ~House() {
    gateway.reset();
    std::filesystem::remove_all(root);
  }
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  models::ModelConfig& remote(const std::string& name,
                              models::Provider provider = models::Provider::openai) {
    models::ModelConfig& config = settings.models[name];
    config.provider = provider;
    config.base_url = provider == models::Provider::openai ? "http://" + name + ".test/v1"
                                                           : "http://" + name + ".test";
    config.model = "real-" + name;
    config.api_key = "env:SLIPWAY_TEST_KEY_A";
    return config;
  }
  models::ModelConfig& scripted(const std::string& name, const std::vector<std::string>& replies) {
    models::ModelConfig& config = settings.models[name];
    config.provider = models::Provider::scripted;
    config.path = write(name + ".json", json::dump(json::to(replies)));
    return config;
  }
  std::string write(const std::string& name, const std::string& text) {
    const auto path = root / name;
    std::ofstream(path) << text;
    return path.string();
  }

  Result<void> try_open() {
    catalog = TRY(models::Catalog::open({.folders = {root}, .configured = settings.models}));
    auto made = std::make_unique<FakeTimers>();
    timers = made.get();
    gateway = TRY(open_gateway({.catalog = catalog,
                                .upstream = &upstream,
                                .settings = settings,
                                .pipelines = pipelines,
                                .metrics = &metrics,
                                .on_call =
                                    [this](const CallRecord& record) {
                                      const std::lock_guard lock(mutex);
                                      records.push_back(record);
                                    },
                                .budgets = ledger,
                                .clock = clock,
                                .random = random},
                               std::move(made)));
    return {};
  }
  void open() {
    const auto opened = try_open();
    INFO((opened ? std::string() : opened.error().message()));
    REQUIRE(opened.ok());
  }

  using ExchangePtr = std::shared_ptr<http::FakeExchange>;
  ExchangePtr exchange(const std::string& body, http::Headers headers = {}) const {
    http::Request request;
    request.method = "POST";
    request.target = "/v1/chat/completions";
    request.headers = std::move(headers);
    request.body = body;
    request.trace_id = "0af7651916cd43dd8448eb211c80319c";
    return std::make_shared<http::FakeExchange>(std::move(request));
  }
  ExchangePtr ask(const std::string& body, http::Headers headers = {},
                  Dialect dialect = Dialect::openai) {
    auto made = exchange(body, std::move(headers));
    gateway->chat(made, {caller, &dialects::codec(dialect)});
    return made;
  }
  ExchangePtr ask_model(const std::string& model, const std::string& more = "") {
    return ask(question(model, more));
  }
  static std::string question(const std::string& model, const std::string& more = "",
                              const std::string& text = "Hi") {
    return R"({"model":")" + model + R"(","messages":[{"role":"user","content":")" + text +
           R"("}])" + more + "}";
  }
  /// Of the call that ended last; waits, for calls that end on other threads.
  CallRecord last_record(std::size_t count = 0) const {
    for (int i = 0; i < 2'000; ++i) {
      {
        const std::lock_guard lock(mutex);
        if (records.size() >= std::max<std::size_t>(count, 1)) return records.back();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    FAIL("the call did not end");
    return {};
  }
  std::string host(std::size_t call) const {
    const std::string url = upstream.calls().at(call)->request().url;
    return url.substr(7, url.find('.') - 7);
  }

  static std::string reply(const std::string& text = "Hello") {
    return R"({"id":"c1","object":"chat.completion","created":1,"model":"real","choices":)"
           R"([{"index":0,"message":{"role":"assistant","content":)" +
           json::dump(json::Value(boost::json::string(text))) +
           R"(},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":4,)"
           R"("total_tokens":14}})";
  }
  static std::string chunk(const std::string& text) {
    return R"(data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"real",)"
           R"("choices":[{"index":0,"delta":{"content":)" +
           json::dump(json::Value(boost::json::string(text))) + "},\"finish_reason\":null}]}\n\n";
  }
  static std::string last_chunks() {
    return "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
           "\"real\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
           "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
           "\"real\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":4,"
           "\"total_tokens\":14}}\n\ndata: [DONE]\n\n";
  }
  static FakeAnswer good(const std::string& text = "Hello") {
    return {.status = 200, .pieces = {reply(text)}};
  }
  static FakeAnswer bad(int status, const std::string& message = "no", http::Headers headers = {}) {
    return {.status = status,
            .headers = std::move(headers),
            .pieces = {R"({"error":{"message":")" + message + R"(","type":"x"}})"}};
  }

  std::filesystem::path root;
  FakeUpstream upstream;
  FakeClock clock;
  SeededRandom random{7};
  http::Metrics metrics;
  Settings settings;
  Pipelines pipelines;
  budgets::Ledger* ledger = nullptr;
  access::Caller caller{.name = "web"};
  std::shared_ptr<models::Catalog> catalog;
  FakeTimers* timers = nullptr;
  mutable std::mutex mutex;
  std::vector<CallRecord> records;
  std::unique_ptr<Gateway> gateway;  // Last: it uses all above.
};

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace slipway::gateway::detail
