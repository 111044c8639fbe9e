// How many runs a second are taken and on disk, what they weigh, how long reads take.
//
// Usage: store_bench FOLDER [RUNS [BATCH [THREADS]]]
//
// Small spans as an application sends them: trees of ten, a few attributes, short inputs and
// outputs.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

#include "trace/store.hpp"

using namespace slipway;
using namespace slipway::trace;

namespace {

using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

RunPatch span(std::size_t number) {
  constexpr std::size_t tree = 10;
  const std::size_t trace = number / tree, place = number % tree;
  RunPatch run;
  run.trace_id = fmt::format("{:032x}", trace * 0x9E3779B97F4A7C15u);
  run.id = fmt::format("{:016x}", number * 0x9E3779B97F4A7C15u + 1);
  if (place > 0) run.parent_id = fmt::format("{:016x}", (number - place) * 0x9E3779B97F4A7C15u + 1);
  run.name = place == 0 ? "answer" : "step";
  run.kind = place == 1 ? Kind::llm : Kind::chain;
  run.project = "bench";
  run.start = 1'795'420'800'000'000'000 + static_cast<Nanoseconds>(number) * 1'000'000;
  run.end = *run.start + static_cast<Nanoseconds>(number % 997) * 1'000'000;
  if (place == 1) {
    run.model = "gpt-4o";
    run.usage.input = 100 + number % 50;
    run.usage.output = 20;
  }
  run.attributes["http.route"] = "/answer";
  run.attributes["customer"] = static_cast<std::int64_t>(number % 1000);
  if (place == 0) run.inputs = Payload{fmt::format(R"({{"question":"order {}"}})", number)};
  return run;
}

/// Median of some repetitions, in milliseconds.
double median_ms(const std::function<void(std::size_t)>& read) {
  std::vector<double> times;
  constexpr std::size_t repeats = 31;
  for (std::size_t i = 0; i < repeats; ++i) {
    const auto begin = Steady::now();
    read(i);
    times.push_back(seconds_since(begin) * 1e3);
  }
  std::sort(times.begin(), times.end());
  return times[repeats / 2];
}

void must(const Result<void>& result) {
  if (result) return;
  std::cerr << "store_bench: " << result.error().message() << "\n";
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t fallback) {
    return argc > at ? static_cast<std::size_t>(std::atoll(argv[at])) : fallback;
  };
  if (argc < 2) return 2;
  const std::filesystem::path folder = argv[1];
  const std::size_t runs = number(2, 200'000), batch = number(3, 500), threads = number(4, 2);
  auto store = TraceStore::open({.path = folder / "traces"});
  if (!store) must(std::move(store.error()));
  const Context context;
  const auto begin = Steady::now();
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> senders;
  for (std::size_t i = 0; i < threads; ++i)
    senders.emplace_back([&] {
      for (std::size_t first; (first = next.fetch_add(batch)) < runs;) {
        std::vector<RunPatch> patches;
        for (std::size_t n = first; n < std::min(runs, first + batch); ++n)
          patches.push_back(span(n));
        must((*store)->ingest(context, std::move(patches)));
      }
    });
  for (std::thread& sender : senders) sender.join();
  const double seconds = seconds_since(begin);
  must((*store)->settle(context));
  const double indexed = seconds_since(begin);
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
    if (file.is_regular_file()) bytes += file.file_size();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << fmt::format(
      "{:.0f} runs/s durable, {:.0f} with text search, {} bytes a run, peak {} MB\n",
      static_cast<double>(runs) / seconds, static_cast<double>(runs) / indexed, bytes / runs,
      usage.ru_maxrss / 1024);
  const auto tree = [&](std::size_t i) {
    must([&]() -> Result<void> {
      TRY((*store)->trace(context, span(i * 7919 % runs).trace_id, true));
      return {};
    }());
  };
  const auto list = [&](std::size_t i) {
    Query query;
    query.min_latency_ms = static_cast<double>(i);
    query.project = "bench";
    must([&]() -> Result<void> {
      TRY((*store)->traces(context, query));
      return {};
    }());
  };
  const auto text = [&](std::size_t i) {
    Query query;
    query.text.phrases = {{"order"}, {std::to_string(i * 7919 % runs / 10 * 10)}};
    must([&]() -> Result<void> {
      TRY((*store)->traces(context, query));
      return {};
    }());
  };
  std::cout << fmt::format("tree {:.2f} ms, list {:.2f} ms, text {:.2f} ms (medians)\n",
                           median_ms(tree), median_ms(list), median_ms(text));
  return 0;
}
