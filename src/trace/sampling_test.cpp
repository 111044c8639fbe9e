#include "trace/sampling.hpp"

#include "trace/detail/segment_fixture.hpp"

namespace slipway::trace::detail {

namespace {

constexpr std::chrono::milliseconds at_once{0};

/// Traces that are in the sample of a half, and such that are not.
std::string in_sample(int number) {
  for (int i = number * 100;; ++i)
    if (std::string id = fmt::format("in {}", i); lot_of(id) < 0.5) return id;
}
std::string outside(int number) {
  for (int i = number * 100;; ++i)
    if (std::string id = fmt::format("out {}", i); lot_of(id) >= 0.5) return id;
}

RunPatch root(const std::string& trace) { return run(trace, trace, "", 0); }
RunPatch child(const std::string& trace, const std::string& id) { return run(trace, id, trace, 1); }

std::set<std::string> traces(Place& p) {
  Query query;
  query.limit = 1000;
  std::set<std::string> ids;
  for (const auto& one : must(p.store->traces(p.context, query)).items) ids.insert(one.id);
  return ids;
}

void keep_half(Place& p, SamplingConfig config = {.rate = 0.5}, Upkeep::Needed needed = {}) {
  upkeep_of(*p.store)->set_sampling(config, std::move(needed));
  must(upkeep_of(*p.store)->tend(p.context, at_once));
}

void tend(Place& p) { must(upkeep_of(*p.store)->tend(p.context, at_once)); }

}  // namespace

TEST_CASE("of what clients send whole traces stay by their ids, in memory and in files") {
  for (const std::size_t memory : {std::size_t(1), std::size_t(48u << 20)}) {
    Place p(memory);
    keep_half(p);
    std::set<std::string> kept;
    for (int i = 0; i < 40; ++i) {
      const std::string id = i % 2 == 0 ? in_sample(i) : outside(i);
      if (i % 2 == 0) kept.insert(id);
      must(p.store->ingest(p.context, {root(id), child(id, "c" + id)}));
    }
    CHECK(traces(p).size() == 40);
    tend(p);
    CHECK(traces(p) == kept);
    CHECK(must(p.store->stats(p.context, {}, {})).all.runs == 40);
    CHECK(upkeep_of(*p.store)->left_out().traces == 20);
    CHECK(upkeep_of(*p.store)->left_out().runs == 40);
    p.open(memory);
    upkeep_of(*p.store)->set_sampling({.rate = 0.5}, {});
    CHECK(traces(p) == kept);
    CHECK(upkeep_of(*p.store)->left_out().runs == 40);
  }
}

TEST_CASE("what failed, was slow, is compared or was spoken of stays whole") {
  Place p(48u << 20);
  const std::string failed = outside(1), slow = outside(2), experiment = outside(3),
                    spoken = outside(4), plain = outside(5);
  keep_half(p, {.rate = 0, .keep_slower_ms = 1'000}, [&](const auto& ids) {
    CHECK(std::find(ids.begin(), ids.end(), failed) == ids.end());
    return std::set<std::string>{spoken};
  });
  RunPatch wrong = child(failed, "wrong");
  wrong.status = Status::error;
  RunPatch long_one = root(slow);
  long_one.end = *long_one.start + 1'000 * millisecond;
  RunPatch compared = root(experiment);
  compared.reference_example_id = "2f2d2c2b-0000-4000-8000-000000000001";
  must(p.store->ingest(p.context, {root(failed), wrong, long_one, child(slow, "s"), compared,
                                   root(spoken), root(plain)}));
  tend(p);
  CHECK(traces(p) == std::set<std::string>{failed, slow, experiment, spoken});
  CHECK(must(p.store->trace(p.context, slow, false)).runs.size() == 2);

  Place strict(48u << 20);
  keep_half(strict, {.rate = 0, .keep_errors = false});
  must(strict.store->ingest(strict.context, {root(failed), wrong}));
  tend(strict);
  CHECK(traces(strict).empty());
}

TEST_CASE("a trace is judged when its root has ended, and what comes for it later goes too") {
  Place p(48u << 20);
  keep_half(p, {.rate = 0});
  const std::string id = outside(1);
  RunPatch open = root(id);
  open.end.reset();
  must(p.store->ingest(p.context, {child(id, "a")}));
  tend(p);
  must(p.store->ingest(p.context, {open}));
  tend(p);
  CHECK(traces(p).contains(id));
  must(p.store->ingest(p.context, {root(id)}));
  tend(p);
  CHECK(traces(p).empty());
  must(p.store->ingest(p.context, {child(id, "late")}));
  CHECK(traces(p).contains(id));
  tend(p);
  tend(p);
  CHECK(traces(p).empty());
  CHECK(upkeep_of(*p.store)->left_out().runs == 3);
}

TEST_CASE("nothing is judged before it had its time, and nothing goes where all is kept") {
  Place p(48u << 20);
  must(p.store->ingest(p.context, {root(outside(1))}));
  keep_half(p, {.rate = 0});  // What was there before stays.
  must(p.store->ingest(p.context, {root(outside(2))}));
  must(upkeep_of(*p.store)->tend(p.context, std::chrono::hours(1)));
  CHECK(traces(p).size() == 2);
  upkeep_of(*p.store)->set_sampling({}, {});
  tend(p);
  CHECK(traces(p).size() == 2);
  CHECK_FALSE(SamplingConfig{.rate = 1.5}.validate().ok());
  CHECK_FALSE(SamplingConfig{.keep_slower_ms = -1}.validate().ok());
}

}  // namespace slipway::trace::detail
