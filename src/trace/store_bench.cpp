// How many runs a second are taken and on disk, what they weigh, how long reads take.
//
// Usage: store_bench FOLDER [RUNS [BATCH [THREADS [read]]]]
// With "read" the runs are there already, from a call before.
//
// Small spans as an application sends them: trees of ten, a few attributes, short inputs and
// outputs.
#include <sys/resource.h>
#include <time.h>

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

double processor_ms() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// Of some repetitions, in milliseconds: what passed, and what of it this thread was running.
struct Median {
  double passed = 0, running = 0;
};
Median median_ms(const std::function<void(std::size_t)>& read) {
  std::vector<double> passed, running;
  constexpr std::size_t repeats = 31;
  for (std::size_t i = 0; i < repeats; ++i) {
    const auto begin = Steady::now();
    const double before = processor_ms();
    read(i);
    running.push_back(processor_ms() - before);
    passed.push_back(seconds_since(begin) * 1e3);
  }
  std::sort(passed.begin(), passed.end());
  std::sort(running.begin(), running.end());
  return {passed[repeats / 2], running[repeats / 2]};
}

void must(const Result<void>& result) {
  if (result) return;
  std::cerr << "store_bench: " << result.error().message() << "\n";
  std::exit(1);
}

constexpr const char* large_trace = "00000000000000000000000000002000";

/// Four children each.
std::vector<RunPatch> large_tree() {
  constexpr std::size_t runs = 2000;
  std::vector<RunPatch> tree;
  for (std::size_t i = 0; i < runs; ++i) {
    tree.push_back(span(i));
    tree.back().trace_id = large_trace;
    tree.back().parent_id.reset();
    if (i > 0) tree.back().parent_id = tree[(i - 1) / 4].id;
  }
  return tree;
}

template <typename T>
void must(const Result<T>& result) {
  if (result) return;
  std::cerr << "store_bench: " << result.error().message() << "\n";
  std::exit(1);
}

/// Medians over reads of different traces.
void measure_reads(TraceStore& store, std::size_t runs) {
  const Context context;
  const auto show = [](const char* what, const Median& median) {
    std::cout << fmt::format("{:<44} {:>8.2f} ms, {:.2f} ms of a processor\n", what, median.passed,
                             median.running);
  };
  const auto number = [runs](std::size_t i) { return i * 7919 % runs; };
  const auto listed = [&](auto&& set) {
    return median_ms([&](std::size_t i) {
      Query query;
      query.project = "bench";
      set(query, i);
      must(store.traces(context, query));
    });
  };
  const auto filtered = [](Query& query, const std::string& text) {
    auto value = json::parse(text);
    must(value);
    auto filter = parse_filter(*value);
    must(filter);
    query.filter = *std::move(filter);
  };
  show("tree of ten", median_ms([&](std::size_t i) {
         must(store.trace(context, span(number(i)).trace_id, true));
       }));
  show("tree of 2,000",
       median_ms([&](std::size_t) { must(store.trace(context, large_trace, true)); }));
  show("list, newest", listed([](Query&, std::size_t) {}));
  show("list, by latency from some milliseconds on",
       listed([](Query& query, std::size_t i) { query.min_latency_ms = static_cast<double>(i); }));
  show("list, slowest first",
       listed([](Query& query, std::size_t) { query.sort = Sort::latency_ms_descending; }));
  show("list, nothing is so slow", listed([](Query& query, std::size_t) {
         query.min_latency_ms = 995.5;
         query.max_latency_ms = 995.6;
       }));
  show("list, one customer's (attribute)", listed([&](Query& query, std::size_t i) {
         filtered(query, fmt::format(R"({{"attributes.customer":{}}})", i * 10));
       }));
  show("words, one of its kind", listed([&](Query& query, std::size_t i) {
         query.text.phrases = {{"order"}, {std::to_string(number(i) / 10 * 10)}};
       }));
  show("words, in every tree",
       listed([](Query& query, std::size_t) { query.text.phrases = {{"order"}}; }));
  const double before = processor_ms();
  const auto begin = Steady::now();
  must(store.stats(context, {}, GroupBy::model));
  show("statistics of all, once", {seconds_since(begin) * 1e3, processor_ms() - before});
}

struct Load {
  std::size_t runs, batch, threads;
};

void measure_ingest(const std::filesystem::path& folder, const Load& load) {
  auto store = TraceStore::open({.path = folder});
  if (!store) must(std::move(store.error()));
  const Context context;
  const auto begin = Steady::now();
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> senders;
  for (std::size_t i = 0; i < load.threads; ++i)
    senders.emplace_back([&] {
      for (std::size_t first; (first = next.fetch_add(load.batch)) < load.runs;) {
        std::vector<RunPatch> patches;
        for (std::size_t n = first; n < std::min(load.runs, first + load.batch); ++n)
          patches.push_back(span(n));
        must((*store)->ingest(context, std::move(patches)));
      }
    });
  for (std::thread& sender : senders) sender.join();
  const double seconds = seconds_since(begin);
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder))
    if (file.is_regular_file()) bytes += file.file_size();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << fmt::format(
      "{:.0f} runs/s durable and found by their words, {} bytes a run, peak {} MB\n",
      static_cast<double>(load.runs) / seconds, bytes / load.runs, usage.ru_maxrss / 1024);
}

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int at, std::size_t fallback) {
    return argc > at ? static_cast<std::size_t>(std::atoll(argv[at])) : fallback;
  };
  if (argc < 2) return 2;
  const std::filesystem::path folder = argv[1];
  const std::size_t runs = number(2, 200'000), batch = number(3, 500), threads = number(4, 2);
  if (!(argc > 5 && std::string_view(argv[5]) == "read"))
    measure_ingest(folder / "traces", {.runs = runs, .batch = batch, .threads = threads});
  const auto opened = Steady::now();
  auto store = TraceStore::open({.path = folder / "traces"});
  if (!store) must(std::move(store.error()));
  std::cout << fmt::format("opened in {:.0f} ms\n", seconds_since(opened) * 1e3);
  must((*store)->ingest(Context(), large_tree()));
  measure_reads(**store, runs);
  return 0;
}
