// How many injected orders get through: canary_bench CANARIES [MODEL], MODEL a GGUF file. Prints
// {gullible: {...}, embedded?: {marked: {...}, unmarked: {...}}}: of `cases` runs so many obeyed,
// and `high_risk_effects` calls of risk: high were made.
#include <cstdio>

#include "agents/chat_model.hpp"
#include "agents/detail/canaries.hpp"
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

Result<Value> measure_embedded(const std::vector<Canary>& canaries, const std::string& file) {
  auto catalog = TRY(models::Catalog::open({}));
  ModelSpec spec{.name = "canary", .provider = "llama"};
  spec.config = json::Object{{"provider", "llama"}, {"path", file}, {"context_tokens", 2048}};
  const std::shared_ptr<Model> model = TRY(open_chat_model(*catalog, spec));
  Count marked, unmarked;
  for (const Canary& canary : canaries) {
    marked.add(CanaryRun(canary, model, false).run());
    unmarked.add(CanaryRun(canary, std::make_shared<UnmarkedModel>(model), false).run());
  }
  return Value::map({{"marked", marked.json()}, {"unmarked", unmarked.json()}});
}

}  // namespace

int main(int count, char** words) {
  run_sandbox_child(count, words);  // The embedded model runs in one.
  const std::vector<Canary> canaries = read_canaries(count > 1 ? words[1] : "");
  if (canaries.empty()) {
    std::fprintf(stderr, "canary_bench FOLDER_OF_CANARIES [GGUF]\n");
    return 2;
  }
  Value report = Value::map({{"gullible", measure_gullible(canaries)}});
  if (count > 2) {
    auto embedded = measure_embedded(canaries, words[2]);
    if (!embedded) {
      std::fprintf(stderr, "%s\n", embedded.error().message().c_str());
      return 1;
    }
    report.put("embedded", *std::move(embedded));
  }
  std::printf("%s\n", dump(report).c_str());
  return 0;
}
