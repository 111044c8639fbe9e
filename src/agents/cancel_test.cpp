// A run that is told to stop stops within one token, wherever its model is.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "agents/chat_model.hpp"
#include "agents/detail/test_world.hpp"
#include "agents/host.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

constexpr int tokens_max = 200'000;

/// Writes for as long as it is listened to. It looks at the context only to count what it writes
/// after the end.
class Writing final : public models::ChatModel {
 public:
  std::atomic<int> written{0}, after{0};
  std::function<void(int written)> before_token;

  const std::string& identity() const override { return name_; }
  const std::string& name() const override { return name_; }
  std::size_t context_tokens_max() const override { return 8192; }
  Result<std::size_t> count_tokens(std::string_view) const override { return std::size_t{1}; }
  Result<std::string> render(const models::ChatRequest&) const override { return std::string(); }
  Result<models::ChatReply> chat(const Context&, const models::ChatRequest&,
                                 const models::TokenSink&) override {
    return fail(Code::unsupported, "it only converses");
  }
  Result<dialects::ChatReply> converse(const Context& context, const dialects::ChatRequest&,
                                       const models::EventSink& sink) override {
    dialects::ChatReply reply{.choices = {{.parts = {{.text = ""}}}}};
    for (int i = 0; i < tokens_max; ++i) {
      if (before_token) before_token(written);
      if (context.stop().stop_requested()) ++after;
      ++written;
      reply.choices[0].parts[0].text += "on ";
      if (!sink({.kind = dialects::EventKind::text, .text = "on "})) break;
    }
    reply.usage = {.input_tokens = 7, .output_tokens = written};
    return reply;
  }
  Result<std::size_t> count_prompt(const dialects::ChatRequest&) const override {
    return std::size_t{7};
  }

 private:
  std::string name_ = "writing";
};

const std::string telling = R"(name: v
models: {m: {provider: openai, model: x, base_url: "http://127.0.0.1:9/v1"}}
state: {text: string}
nodes: {tell: {llm: {model: m, prompt: "Tell", into: text, max_tokens: 100000}}}
edges: [START -> tell, tell -> END]
)";

std::unique_ptr<Runtime> runtime_with(std::shared_ptr<Model> model) {
  Runtime::Options options;
  options.open_model = [model](const ModelSpec&) -> Result<std::shared_ptr<Model>> {
    return model;
  };
  return *Runtime::open(std::move(options));
}

AgentPtr load(const std::string& yaml) {
  const LoadedAgent loaded = load_agent("v.yaml", yaml);
  const std::string why = loaded.ok() ? "" : loaded.error().message();
  REQUIRE_MESSAGE(loaded.ok(), why);
  return loaded.agent;
}

/// Takes connections and never says a word.
class Silent {
 public:
  Silent() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_, 8) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~Silent() { ::close(socket_); }
  int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

}  // namespace

TEST_CASE("a model that writes stops within one token of the cancel; what it took is known") {
  std::stop_source stop;
  auto model = std::make_shared<Writing>();
  model->before_token = [&](int written) {
    if (written == 5) stop.request_stop();
  };
  const auto runtime = runtime_with(wrap_chat_model(model));
  const RunResult result =
      runtime->run(Context(stop.get_token()), load(telling), Value::map(), {.thread = "t"});
  CHECK(result.status == Status::cancelled);
  CHECK(model->after <= 1);
  CHECK(model->written <= 6);
  CHECK(result.tokens == 7 + model->written);
  const auto rows = runtime->ledger("t");
  REQUIRE(rows.ok());
  REQUIRE(rows->at("rows").items().size() == 1);
  CHECK(rows->at("rows").items()[0].at("state") == Value("failed"));
}

TEST_CASE("a node's time ends its model within one token too") {
  auto model = std::make_shared<Writing>();
  model->before_token = [](int) { std::this_thread::sleep_for(Milliseconds(2)); };
  const auto runtime = runtime_with(wrap_chat_model(model));
  const AgentPtr agent =
      load(with(telling, "max_tokens: 100000}", "max_tokens: 100000}, timeout: 30ms"));
  const RunResult result = runtime->run({}, agent, Value::map(), {.thread = "t"});
  REQUIRE(result.status == Status::failed);
  CHECK(result.error->kind == "timeout");
  CHECK(model->written < tokens_max);
}

TEST_CASE("a host's cancel stops the model of a run within one token") {
  auto model = std::make_shared<Writing>();
  std::atomic<bool> writes{false};
  model->before_token = [&](int written) {
    writes = written > 3;
    std::this_thread::sleep_for(Milliseconds(1));
  };
  const auto runtime = runtime_with(wrap_chat_model(model));
  const auto host = *Host::open({.runtime = *runtime});
  REQUIRE(host->put_agent("v", telling).ok());
  const auto run = host->start({.agent = "v", .input = Value::map()});
  REQUIRE(run.ok());
  while (!writes) std::this_thread::sleep_for(Milliseconds(1));
  const auto stopped = host->cancel({}, run->id);
  REQUIRE(stopped.ok());
  CHECK(stopped->status == RunStatus::cancelled);
  CHECK(model->after <= 1);
  CHECK(model->written < tokens_max);
}

TEST_CASE("a run whose model's server never answers is cancelled at once") {
  const Silent silent;
  Runtime::Options options;
  auto catalog = *models::Catalog::open({});
  options.open_model = [&](const ModelSpec& spec) { return open_chat_model(*catalog, spec); };
  const auto runtime = *Runtime::open(std::move(options));
  const AgentPtr agent =
      load(with(telling, "127.0.0.1:9/", "127.0.0.1:" + std::to_string(silent.port()) + "/"));
  std::stop_source stop;
  RunResult result;
  std::thread running([&] {
    result = runtime->run(Context(stop.get_token()), agent, Value::map(), {.thread = "t"});
  });
  std::this_thread::sleep_for(Milliseconds(50));
  const auto asked = std::chrono::steady_clock::now();
  stop.request_stop();
  running.join();
  CHECK(result.status == Status::cancelled);
  CHECK(std::chrono::steady_clock::now() - asked < std::chrono::seconds(20));
}
