#include "budgets/ledger.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <future>
#include <latch>
#include <thread>

namespace slipway::budgets {

namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

constexpr std::int64_t dollar = 1'000'000'000'000;

/// Half past nine on a Wednesday, 2026-11-25.
Clock::Time morning() { return must(parse_time("2026-11-25T09:30:00Z")); }

struct House {
  FakeClock clock{morning()};
  std::filesystem::path folder;
  std::unique_ptr<Ledger> ledger;

  explicit House(bool is_durable = false) {
    if (is_durable) {
      folder = std::filesystem::temp_directory_path() /
               ("slipway-budgets-" + make_trace_id(system_random()));
      std::filesystem::create_directories(folder);
    }
    open();
  }
  ~House() {
    ledger.reset();
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }
  House(const House&) = delete;
  House& operator=(const House&) = delete;

  void open() {
    ledger.reset();
    const auto path = folder.empty() ? std::filesystem::path(":memory:") : folder / "budgets.db";
    ledger = must(Ledger::open({.path = path, .clock = clock}));
  }
  Budget make(const std::string& name, BudgetConfig config) {
    return must(ledger->create({}, name, config));
  }
  Budget find(const std::string& id) { return must(ledger->find({}, id)); }
  Decision reserve(const Wish& wish) {
    std::promise<Decision> promise;
    ledger->reserve(wish, [&](Decision decision) { promise.set_value(std::move(decision)); });
    return promise.get_future().get();
  }
  Decision extend(const HoldPtr& hold, std::int64_t tokens) {
    std::promise<Decision> promise;
    ledger->extend(hold, tokens,
                   [&](Decision decision) { promise.set_value(std::move(decision)); });
    return promise.get_future().get();
  }
  std::vector<Entry> entries(const std::string& id) {
    return must(ledger->entries({}, id, 1000, "")).items;
  }
  void check_sums() { CHECK(must(ledger->check({})) == std::vector<std::string>()); }
};

/// A dollar of input and at most `output` cents of output.
Wish wish(std::int64_t output = 100) {
  Wish wish;
  wish.payer.user = "ann";
  wish.payer.model = "m";
  wish.payer.trace = "t1";
  wish.call_id = "call";
  wish.input_usd = {dollar};
  wish.output_price = {dollar * 10'000};  // A cent.
  wish.input_tokens = 10;
  wish.output_tokens = output;
  return wish;
}

BudgetConfig dollars(double limit) {
  BudgetConfig config;
  config.limit_usd = limit;
  return config;
}

std::vector<EntryKind> kinds(const std::vector<Entry>& entries) {
  std::vector<EntryKind> kinds;
  for (const Entry& entry : entries) kinds.push_back(entry.kind);
  return kinds;
}

}  // namespace

TEST_CASE("a call is reserved before and settled after, and the ledger's sum is the state") {
  House house;
  const auto id = house.make("team", dollars(5)).id;
  const Decision decision = house.reserve(wish());
  REQUIRE(decision.hold);
  CHECK(decision.hold->reserved.usd.value == 2 * dollar);
  Budget budget = house.find(id);
  CHECK(budget.reserved_usd == 2);
  CHECK(budget.remaining_usd == 3);
  CHECK(budget.reserved_tokens == 110);
  house.ledger->settle(decision.hold, {{dollar / 2}, 60});
  budget = house.find(id);
  CHECK(budget.spent_usd == 0.5);
  CHECK(budget.reserved_usd == 0);
  CHECK(budget.remaining_usd == 4.5);
  CHECK(budget.spent_tokens == 60);
  CHECK(budget.admitted == 1);
  const auto entries = house.entries(id);
  CHECK(kinds(entries) == std::vector{EntryKind::reserve, EntryKind::release, EntryKind::settle});
  CHECK(entries[1].usd == -2);
  CHECK(entries[2].call_id == "call");
  CHECK(entries[2].trace_id == "t1");
  house.check_sums();
  // Twice is once.
  house.ledger->settle(decision.hold, {{dollar}, 60});
  CHECK(house.find(id).spent_usd == 0.5);
}

TEST_CASE("what does not fit is refused with what remains and what was needed") {
  House house;
  BudgetConfig config = dollars(2.5);
  config.period = Period::day;
  const auto id = house.make("team", config).id;
  REQUIRE(house.reserve(wish()).hold);
  const Decision decision = house.reserve(wish());
  CHECK(!decision.hold);
  REQUIRE(decision.refusal);
  CHECK(decision.refusal->message ==
        "budget 'team' allows $2.50 each day, of which $0.50 remain, and this call may need $2.00; "
        "it begins anew at 2026-11-26T00:00:00Z");
  CHECK(json::dump(decision.refusal->budget) ==
        R"({"name":"team","limit_usd":2.5E0,"spent_usd":0E0,"remaining_usd":5E-1,)"
        R"("resets_at":"2026-11-26T00:00:00Z"})");
  const Budget budget = house.find(id);
  CHECK(budget.refused == 1);
  CHECK(budget.admitted == 1);
  CHECK(kinds(house.entries(id)) == std::vector{EntryKind::reserve, EntryKind::refuse});
  house.check_sums();
}

TEST_CASE("a call must fit every budget that it matches, or none of them gives anything") {
  House house;
  const auto large = house.make("large", dollars(100)).id;
  BudgetConfig small = dollars(1);
  small.scope = {{"user", "ann"}};
  house.make("small", small);
  CHECK(!house.reserve(wish()).hold);
  CHECK(house.find(large).reserved_usd == 0);
  CHECK(house.entries(large).empty());
  Wish other = wish();
  other.payer.user = "bob";
  CHECK(house.reserve(other).hold);
}

TEST_CASE("a star is one budget for each") {
  House house;
  BudgetConfig config = dollars(2);
  config.scope = {{"user", "*"}, {"model", "m"}};
  const auto id = house.make("each", config).id;
  CHECK(house.reserve(wish()).hold);
  CHECK(!house.reserve(wish()).hold);
  Wish other = wish();
  other.payer.user = "bob \xff";
  CHECK(house.reserve(other).hold);
  other.payer.user.clear();
  CHECK(!house.ledger->concerns(other.payer));
  const Budget budget = house.find(id);
  CHECK(budget.reserved_usd == 4);
  CHECK(budget.remaining_usd == 0);
  REQUIRE(budget.subjects.size() == 2);
  CHECK(budget.subjects[1].scope.at("model") == "m");
  // Approved for one of them.
  CHECK(!house.ledger->approve({}, id, {.usd = 2}));
  must(house.ledger->approve({}, id, {.usd = 2, .scope = {{"user", "ann"}}}));
  CHECK(house.reserve(wish()).hold);
  house.check_sums();
}

TEST_CASE("clamp gives what is left, to the last token that it pays for") {
  House house;
  BudgetConfig config = dollars(1.5);
  config.on_exceed = OnExceed::clamp;
  const auto id = house.make("team", config).id;
  const Decision decision = house.reserve(wish());
  REQUIRE(decision.hold);
  CHECK(decision.is_clamped);
  CHECK(decision.hold->output_tokens == 50);
  CHECK(house.find(id).remaining_usd == 0);
  const Decision refused = house.reserve(wish());
  CHECK(!refused.hold);
  CHECK(refused.refusal->on_exceed == OnExceed::clamp);

  House tokens;
  config = {};
  config.limit_tokens = 50;
  config.on_exceed = OnExceed::clamp;
  tokens.make("tokens", config);
  Wish three = wish();
  three.choices = 3;
  CHECK(tokens.reserve(three).hold->output_tokens == 13);
}

TEST_CASE("who does not know what it costs takes what is left, up to a limit of its own") {
  House house;
  const auto id = house.make("team", dollars(3)).id;
  Wish wish;
  wish.usd_up_to = trace::Picodollars{2 * dollar};
  const Decision first = house.reserve(wish);
  CHECK(first.hold->reserved.usd.value == 2 * dollar);
  CHECK(house.reserve(wish).hold->reserved.usd.value == dollar);
  CHECK(house.reserve(wish).hold->reserved.usd.value == 0);
  house.ledger->settle(first.hold, {{10 * dollar}, 0});
  CHECK(house.find(id).remaining_usd == 0);
  CHECK(house.reserve(wish).hold);  // Free calls go on.
}

TEST_CASE("ask refuses until somebody approves, degrade names the cheaper model") {
  House house;
  BudgetConfig config = dollars(1);
  config.on_exceed = OnExceed::ask;
  const auto id = house.make("ask", config).id;
  CHECK(house.reserve(wish()).refusal->message.ends_with("/approvals allows more"));
  must(house.ledger->approve({}, id, {.usd = 1}));
  CHECK(house.reserve(wish()).hold);

  House other;
  config.on_exceed = OnExceed::degrade;
  CHECK(!other.ledger->create({}, "no model", config));
  config.degrade_to = "small";
  const auto degrading = other.make("degrade", config).id;
  Decision decision = other.reserve(wish());
  CHECK(decision.refusal->degrade_to == "small");
  CHECK(other.find(degrading).refused == 0);
  Wish last = wish();
  last.may_degrade = false;
  CHECK(!other.reserve(last).hold);
  CHECK(other.find(degrading).refused == 1);
}

TEST_CASE("dollars cannot be kept of a model that has no price, tokens can") {
  House house;
  BudgetConfig tokens;
  tokens.limit_tokens = 1000;
  house.make("tokens", tokens);
  Wish unpriced = wish();
  unpriced.is_priced = false;
  unpriced.input_usd = {};
  unpriced.output_price = {};
  CHECK(house.reserve(unpriced).hold);
  house.make("dollars", dollars(1000));
  const Decision decision = house.reserve(unpriced);
  CHECK(!decision.hold);
  CHECK(decision.refusal->is_unpriced);
}

TEST_CASE("of two hundred calls at once never more leave than the budget holds") {
  House house;
  const auto id = house.make("team", dollars(41)).id;
  constexpr int calls = 200;
  std::atomic<int> admitted{0};
  std::latch done{calls};
  std::vector<std::thread> threads;
  for (int i = 0; i < calls; ++i)
    threads.emplace_back([&] {
      house.ledger->reserve(wish(), [&](Decision decision) {
        if (decision.hold) {
          ++admitted;
          house.ledger->settle(decision.hold, decision.hold->reserved);
        }
        done.count_down();
      });
    });
  for (auto& thread : threads) thread.join();
  done.wait();
  CHECK(admitted == 20);
  const Budget budget = house.find(id);
  CHECK(budget.spent_usd == 40);
  CHECK(budget.refused == 180);
  house.check_sums();
}

TEST_CASE("after a restart what was open counts as spent") {
  House house(true);
  const auto id = house.make("team", dollars(10)).id;
  const Decision open = house.reserve(wish());
  const Decision settled = house.reserve(wish());
  house.ledger->settle(settled.hold, {{dollar}, 10});
  const Decision released = house.reserve(wish());
  house.ledger->release(released.hold);
  house.open();
  const Budget budget = house.find(id);
  CHECK(budget.spent_usd == 3);
  CHECK(budget.reserved_usd == 0);
  const auto entries = house.entries(id);
  CHECK(entries.back().kind == EntryKind::adjust);
  CHECK(entries.back().usd == 2);
  house.check_sums();
  house.ledger->settle(open.hold, {{dollar}, 10});
  CHECK(house.find(id).spent_usd == 3);
}

TEST_CASE("a period begins anew, and what was reserved before is settled there") {
  House house;
  BudgetConfig config = dollars(2);
  config.period = Period::hour;
  const auto id = house.make("hourly", config).id;
  const Decision first = house.reserve(wish());
  REQUIRE(first.hold);
  CHECK(!house.reserve(wish()).hold);
  CHECK(house.find(id).resets_at == "2026-11-25T10:00:00Z");
  house.clock.advance(std::chrono::minutes(30));
  CHECK(house.find(id).remaining_usd == 2);
  CHECK(house.reserve(wish()).hold);
  house.ledger->settle(first.hold, {{dollar}, 10});
  CHECK(house.find(id).spent_usd == 0);
  house.check_sums();
}

TEST_CASE("days and months begin at midnight in UTC") {
  House house;
  BudgetConfig config = dollars(2);
  config.period = Period::month;
  CHECK(house.make("monthly", config).resets_at == "2026-12-01T00:00:00Z");
  house.clock.advance(std::chrono::hours(24 * 10));
  CHECK(must(house.ledger->list({})).front().resets_at == "2027-01-01T00:00:00Z");
}

TEST_CASE("a running call can take more, while there is any") {
  House house;
  const auto id = house.make("team", dollars(3)).id;
  const Decision first = house.reserve(wish());
  const Decision more = house.extend(first.hold, 50);
  REQUIRE(more.hold);
  CHECK(more.hold->output_tokens == 150);
  CHECK(house.find(id).reserved_usd == 2.5);
  CHECK(!house.extend(more.hold, 51).hold);
  house.ledger->settle(first.hold, {{dollar}, 10});
  CHECK(house.find(id).reserved_usd == 0);
  CHECK(!house.extend(more.hold, 1).hold);
  house.check_sums();
}

TEST_CASE("an alert is kept once for each threshold and period") {
  House house;
  BudgetConfig config = dollars(4);
  config.period = Period::day;
  config.alerts = {{0.5, "http://127.0.0.1:1/a"}, {1, "http://127.0.0.1:1/a"}};
  const auto id = house.make("team", config).id;
  const auto spend = [&](std::int64_t usd) {
    house.ledger->settle(house.reserve(wish()).hold, {{usd}, 1});
    must(house.ledger->flush({}));
  };
  spend(dollar);
  CHECK(must(house.ledger->due_notices()).empty());
  spend(dollar);
  spend(dollar / 10);
  const auto notices = must(house.ledger->due_notices());
  REQUIRE(notices.size() == 1);
  CHECK(notices[0].body == R"({"event":"budget.alert","budget":{"id":")" + id +
                               R"(","name":"team"},"at":5E-1,"spent_usd":2E0,"limit_usd":4E0,)"
                               R"("remaining_usd":2E0,"time":"2026-11-25T09:30:00Z"})");
  CHECK(house.find(id).alerts[0].fired_at == "2026-11-25T09:30:00Z");
  CHECK(!house.find(id).alerts[1].fired_at);
  // Later and later, and not for ever.
  must(house.ledger->notice_failed(notices[0], "refused"));
  CHECK(must(house.ledger->due_notices()).empty());
  house.clock.advance(std::chrono::seconds(2));
  CHECK(must(house.ledger->due_notices()).size() == 1);
  house.clock.advance(std::chrono::minutes(10));
  must(house.ledger->notice_failed(must(house.ledger->due_notices())[0], "refused"));
  house.clock.advance(std::chrono::minutes(10));
  CHECK(must(house.ledger->due_notices()).empty());
  house.clock.advance(std::chrono::hours(24));
  CHECK(!house.find(id).alerts[0].fired_at);
  spend(2 * dollar);
  CHECK(must(house.ledger->due_notices()).size() == 1);
}

TEST_CASE("budgets of the configuration keep what was spent") {
  House house;
  std::map<std::string, BudgetConfig> declared{{"team", dollars(10)}};
  must(house.ledger->declare(declared));
  const auto before = must(house.ledger->list({})).front();
  CHECK(before.source == "slipway.yaml");
  house.ledger->settle(house.reserve(wish()).hold, {{dollar}, 10});
  declared["team"].limit_usd = 20;
  must(house.ledger->declare(declared));
  CHECK(house.find(before.id).remaining_usd == 19);
  must(house.ledger->declare({}));
  CHECK(must(house.ledger->list({})).empty());
  CHECK(!house.ledger->concerns(wish().payer));
  must(house.ledger->declare(declared));
  CHECK(house.find(before.id).spent_usd == 1);
  // Counted in another way it is another.
  declared["team"].period = Period::day;
  must(house.ledger->declare(declared));
  CHECK(must(house.ledger->list({})).front().spent_usd == 0);
  CHECK(must(house.ledger->list({})).size() == 1);
  CHECK(house.ledger->change({}, must(house.ledger->list({})).front().id, {.limit_usd = 1})
            .error()
            .code() == Code::conflict);
  house.make("mine", dollars(1));
  CHECK(!house.ledger->declare({{"mine", dollars(1)}, {"a", dollars(1)}}));
  CHECK(must(house.ledger->list({})).size() == 2);
}

TEST_CASE("budgets are changed and deleted, names are taken once") {
  House house;
  const auto id = house.make("a", dollars(1)).id;
  CHECK(house.ledger->create({}, "a", dollars(1)).error().code() == Code::conflict);
  CHECK(!house.ledger->create({}, "", dollars(1)));
  CHECK(!house.ledger->create({}, "b", {}));
  BudgetConfig wrong = dollars(1);
  wrong.scope = {{"uesr", "x"}};
  CHECK(house.ledger->create({}, "b", wrong).error().message().find("did you mean 'user'") !=
        std::string::npos);
  CHECK(!house.reserve(wish()).hold);
  CHECK(must(house.ledger->change({}, id, {.name = "c", .limit_usd = 4})).remaining_usd == 4);
  const Decision decision = house.reserve(wish());
  CHECK(decision.hold);
  must(house.ledger->remove({}, id));
  house.ledger->settle(decision.hold, {{dollar}, 1});
  CHECK(house.ledger->find({}, id).error().code() == Code::not_found);
  CHECK(house.ledger->remove({}, id).error().code() == Code::not_found);
  house.check_sums();
}

TEST_CASE("the ledger is read in pages") {
  House house;
  const auto id = house.make("a", dollars(100)).id;
  for (int i = 0; i < 5; ++i) house.ledger->release(house.reserve(wish()).hold);
  std::vector<std::int64_t> seqs;
  std::string cursor;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = must(house.ledger->entries({}, id, 3, cursor));
    for (const Entry& entry : page.items) seqs.push_back(entry.seq);
    if (!page.next_cursor) break;
    cursor = *page.next_cursor;
  }
  CHECK(seqs.size() == 10);
  CHECK(std::is_sorted(seqs.begin(), seqs.end()));
  CHECK(!house.ledger->entries({}, id, 3, "x"));
}

}  // namespace slipway::budgets
