// Measures conversations at once over one chat model: chat_bench MODEL PARALLEL [TOKENS [THREADS]].
// Prints how many tokens a second 1, 2, 4 ... PARALLEL callers get together, and how many replies
// differ from the reply to the same question alone.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "core/sandbox.hpp"
#include "models/catalog.hpp"

namespace {

using namespace slipway;
using namespace slipway::models;

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

ChatRequest question(int number, int tokens) {
  const char* const subjects[] = {"the sea", "old trains", "rain",   "a garden",
                                  "bridges", "bread",      "clocks", "mountains"};
  ChatRequest request;
  request.messages = {{Role::user, fmt::format("Write a long story about {}. Story number {}.",
                                               subjects[number % 8], number)}};
  request.max_tokens = tokens;
  return request;
}

int run(const std::string& name, std::size_t parallel, int tokens, std::size_t threads) {
  Catalog::Options options;
  ModelConfig config;
  config.provider = Provider::llama;
  config.parallel = parallel;
  config.threads = threads;
  if (name.ends_with(".gguf")) config.path = name;
  options.configured[name] = config;
  auto catalog = Catalog::open(options);
  if (!catalog) return std::fprintf(stderr, "%s\n", catalog.error().message().c_str()), 1;
  auto model = (*catalog)->chat_model({}, name);
  if (!model) return std::fprintf(stderr, "%s\n", model.error().message().c_str()), 1;
  std::vector<std::string> alone;
  for (std::size_t i = 0; i < parallel; ++i) {
    const auto reply = (*model)->chat({}, question(static_cast<int>(i), tokens));
    if (!reply) return std::fprintf(stderr, "%s\n", reply.error().message().c_str()), 1;
    alone.push_back(reply->content);
  }
  for (std::size_t callers = 1; callers <= parallel; callers *= 2) {
    std::atomic<std::int64_t> made{0};
    std::atomic<int> differ{0};
    std::atomic<double> slowest_ms{0};
    const auto start = std::chrono::steady_clock::now();
    const double processor = processor_seconds();
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < callers; ++i)
        threads.emplace_back([&, i] {
          const auto reply = (*model)->chat({}, question(static_cast<int>(i), tokens));
          if (!reply) return;
          made += reply->usage.output_tokens;
          if (reply->content != alone[i]) ++differ;
          slowest_ms = std::max(slowest_ms.load(), reply->first_token_ms);
        });
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf(
        "%zu callers: %6.1f tokens/s, %6.1f per second of processor time, first token by %6.0f ms, "
        "%d replies differ\n",
        callers, static_cast<double>(made.load()) / seconds,
        static_cast<double>(made.load()) / (processor_seconds() - processor), slowest_ms.load(),
        differ.load());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  run_sandbox_child(count, arguments);
  if (count < 3)
    return std::fprintf(stderr, "usage: chat_bench MODEL PARALLEL [TOKENS [THREADS]]\n"), 2;
  return run(arguments[1], static_cast<std::size_t>(std::atoi(arguments[2])),
             count > 3 ? std::atoi(arguments[3]) : 64,
             count > 4 ? static_cast<std::size_t>(std::atoi(arguments[4])) : 0);
}
