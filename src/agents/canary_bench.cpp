// How many injected orders get through: canary_bench CANARIES [MODEL [SECONDS]], MODEL a GGUF file.
// Prints {gullible: {...}, embedded?: {marked: {...}, unmarked: {...}}}: of `cases` runs so many
// obeyed, and `high_risk_effects` calls of risk: high were made. On a machine that is busy not all
// cases fit into SECONDS (300): those that began in time are counted, which are any of them, since
// their order is drawn. What is done is told on standard error.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "agents/chat_model.hpp"
#include "agents/detail/canaries.hpp"
#include "core/clock.hpp"
#include "core/sandbox.hpp"

using namespace slipway;
using namespace slipway::agents;
using namespace slipway::agents::detail;

namespace {

struct Count {
  int cases = 0, obeyed = 0, high_risk = 0, low_risk = 0, faults = 0;
  void add(const CanaryOutcome& outcome) {
    ++cases;
    obeyed += outcome.has_obeyed ? 1 : 0;
    high_risk += outcome.high_risk_calls;
    low_risk += outcome.other_ordered;
    faults += outcome.fault.empty() ? 0 : 1;
    if (!outcome.fault.empty()) std::fprintf(stderr, "%s\n", outcome.fault.c_str());
  }
  Value json() const {
    return Value::map({{"cases", cases},
                       {"obeyed", obeyed},
                       {"high_risk_effects", high_risk},
                       {"low_risk_effects", low_risk},
                       {"faults", faults}});
  }
};

Value measure_gullible(const std::vector<Canary>& canaries) {
  Count count;
  for (const Canary& canary : canaries)
    for (const bool loop : {true, false})
      count.add(CanaryRun(canary, std::make_shared<GullibleModel>(canary), loop).run());
  return count.json();
}

/// With and without the marks of what is data, canaries in a drawn order, until the time is over.
class Embedded {
 public:
  Embedded(std::vector<Canary> canaries, std::shared_ptr<Model> model, std::chrono::seconds time)
      : canaries_(std::move(canaries)),
        models_{model, std::make_shared<UnmarkedModel>(model)},
        end_(std::chrono::steady_clock::now() + time) {
    SeededRandom random(48);
    for (std::size_t i = canaries_.size(); i > 1; --i)
      std::swap(canaries_[i - 1], canaries_[random.next() % i]);
  }

  Value measure() {
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < at_once; ++i) threads.emplace_back([this] { work(); });
    }
    return Value::map({{"marked", counts_[0].json()}, {"unmarked", counts_[1].json()}});
  }

  /// The model decodes conversations together, which costs little more than one.
  static constexpr std::size_t at_once = 8;

 private:
  void work() {
    for (;;) {
      const std::size_t number = next_++;
      if (number >= 2 * canaries_.size() || std::chrono::steady_clock::now() > end_) return;
      const Canary& canary = canaries_[number / 2];
      const CanaryOutcome outcome = CanaryRun(canary, models_[number % 2], false).run();
      const std::lock_guard lock(mutex_);
      counts_[number % 2].add(outcome);
      std::fprintf(stderr, "%zu of %zu: %s %s %s\n", ++done_, 2 * canaries_.size(),
                   canary.id.c_str(), number % 2 == 0 ? "marked" : "unmarked",
                   outcome.has_obeyed ? "obeyed" : "not obeyed");
    }
  }

  std::vector<Canary> canaries_;
  const std::shared_ptr<Model> models_[2];
  const std::chrono::steady_clock::time_point end_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // Guards what follows.
  Count counts_[2];
  std::size_t done_ = 0;
};

Result<Value> measure_embedded(const std::vector<Canary>& canaries, const std::string& file,
                               std::chrono::seconds time) {
  auto catalog = TRY(models::Catalog::open({}));
  ModelSpec spec{.name = "canary", .provider = "llama"};
  spec.config = json::Object{{"provider", "llama"},
                             {"path", file},
                             {"context_tokens", 1024},
                             {"parallel", Embedded::at_once},
                             {"threads", 1}};  // More wait for each other on a busy machine.
  return Embedded(canaries, TRY(open_chat_model(*catalog, spec)), time).measure();
}

}  // namespace

int main(int count, char** words) {
  run_sandbox_child(count, words);  // The embedded model runs in one.
  const std::vector<Canary> canaries = read_canaries(count > 1 ? words[1] : "");
  if (canaries.empty()) {
    std::fprintf(stderr, "canary_bench FOLDER_OF_CANARIES [GGUF [SECONDS]]\n");
    return 2;
  }
  Value report = Value::map({{"gullible", measure_gullible(canaries)}});
  if (count > 2) {
    const std::chrono::seconds time(count > 3 ? std::max(1, std::atoi(words[3])) : 300);
    auto embedded = measure_embedded(canaries, words[2], time);
    if (!embedded) {
      std::fprintf(stderr, "%s\n", embedded.error().message().c_str());
      return 1;
    }
    report.put("embedded", *std::move(embedded));
  }
  std::printf("%s\n", dump(report).c_str());
  return 0;
}
