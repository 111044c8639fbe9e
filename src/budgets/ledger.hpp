// Who may spend how much: budgets, and the ledger of what calls reserved and spent.
//
//   if (ledger.concerns(payer)) ledger.reserve(wish, [](Decision decision) { ... });
//   ...                                                // the call leaves, if it was admitted
//   ledger.settle(hold, {usd, tokens});                // or release(hold): nothing was billed
//
// A reservation is taken from every budget that the call matches or from none, and is on disk
// before its caller hears of it. The ledger is only ever appended to, and its sum is the state: of
// a budget in a period the amounts of all entries give what is spent and reserved, those of
// `settle` and `adjust` what is spent. One thread writes; what comes while it waits for the disk
// shares the next commit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "budgets/config.hpp"
#include "core/clock.hpp"
#include "core/context.hpp"
#include "trace/money.hpp"

namespace slipway::budgets {

/// An amount of both: dollars and tokens.
struct Amount {
  trace::Picodollars usd;
  std::int64_t tokens = 0;
};

/// Whose call it is. What is empty matches no scope of that name.
struct Payer {
  std::string project = "default", user, session, key, trace;
  std::string run;                  ///< One step of the trace: a question, an agent's run, a call.
  std::string model;                ///< As asked for; a scope of {"model": "*"} goes by it.
  std::vector<std::string> models;  ///< Other names that it may go by.
};

/// The most that a call can consume.
struct Wish {
  Payer payer;
  std::string call_id;
  bool is_priced = true;  ///< Whether somebody knows what the tokens cost.
  trace::Picodollars input_usd;
  /// Instead of a price: as much as is left, this at most. The hold says how much that is.
  std::optional<trace::Picodollars> usd_up_to;
  trace::Price output_price;  ///< Of one token.
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;  ///< Of one choice.
  std::int64_t choices = 1;        ///< How many replies are written at once, 1 at least.
  bool may_clamp = true;           ///< Whether `output_tokens` may become less.
  bool may_degrade = true;         ///< Whether another model could be asked.
  bool is_repeated = false;        ///< A retry: counted as admitted or refused already.
  Amount most(std::int64_t output) const;
};

/// Why a call may not leave, or leaves changed.
struct Refusal {
  std::string budget_id, name;
  OnExceed on_exceed = OnExceed::reject;
  bool is_unpriced = false;  ///< Nobody knows what it costs, so dollars cannot be kept.
  std::string degrade_to;
  std::string message;  ///< Names budget, limit, what remains and what was needed.
  json::Object budget;  ///< name, limit_usd, spent_usd, remaining_usd, resets_at ...
};

/// A reservation; opaque but for what it holds.
struct Hold {
  std::string id, call_id, trace_id;
  Wish wish;
  Amount reserved;
  std::int64_t output_tokens = 0;  ///< That are paid for, of one choice.
  std::vector<std::string> names;  ///< Of the budgets.
};
using HoldPtr = std::shared_ptr<const Hold>;

struct Decision {
  HoldPtr hold;             ///< Absent: it may not leave.
  bool is_clamped = false;  ///< Then `hold->output_tokens` is less than was wished.
  /// Present whenever `hold` is not, or it was clamped; else of the budget with the least room,
  /// what a call would be told that wants more.
  std::optional<Refusal> refusal;
  std::optional<Error> error;  ///< The ledger cannot be written: nobody may leave.
};
using Decided = std::function<void(Decision)>;

struct BudgetAlert {
  double at = 0;
  std::string webhook;
  std::optional<std::string> fired_at;
};
BOOST_DESCRIBE_STRUCT(BudgetAlert, (), (at, webhook, fired_at))

/// One of the many that a scope with "*" stands for.
struct SubjectState {
  Scope scope;
  double spent_usd = 0, reserved_usd = 0;
  std::optional<double> remaining_usd;
  std::int64_t spent_tokens = 0, reserved_tokens = 0;
  std::optional<std::int64_t> remaining_tokens;
  std::int64_t admitted = 0, refused = 0;
};
BOOST_DESCRIBE_STRUCT(SubjectState, (),
                      (scope, spent_usd, reserved_usd, remaining_usd, spent_tokens, reserved_tokens,
                       remaining_tokens, admitted, refused))

/// A budget as it is in the period that runs. Of a scope with "*" amounts are the sums of all
/// subjects, and what remains is the least of any.
struct Budget {
  std::string id, name;
  Scope scope;
  Period period = Period::total;
  std::optional<double> limit_usd;
  double spent_usd = 0, reserved_usd = 0;
  std::optional<double> remaining_usd;
  std::optional<std::int64_t> limit_tokens;
  std::int64_t spent_tokens = 0, reserved_tokens = 0;
  std::optional<std::int64_t> remaining_tokens;
  double approved_usd = 0;  ///< Beyond the limit, in this period.
  std::int64_t approved_tokens = 0;
  std::int64_t admitted = 0, refused = 0;
  std::optional<std::string> resets_at;
  OnExceed on_exceed = OnExceed::reject;
  std::optional<std::string> degrade_to;
  std::vector<BudgetAlert> alerts;
  std::string source = "api";          ///< Or "slipway.yaml".
  std::vector<SubjectState> subjects;  ///< Of "*": the dearest, 100 at most.
};
BOOST_DESCRIBE_STRUCT(Budget, (),
                      (id, name, scope, period, limit_usd, spent_usd, reserved_usd, remaining_usd,
                       limit_tokens, spent_tokens, reserved_tokens, remaining_tokens, approved_usd,
                       approved_tokens, admitted, refused, resets_at, on_exceed, degrade_to, alerts,
                       source, subjects))

enum class EntryKind { reserve, settle, release, refuse, adjust };
BOOST_DESCRIBE_ENUM(EntryKind, reserve, settle, release, refuse, adjust)

/// A line of the ledger. `release` takes back what `reserve` took: it is negative.
struct Entry {
  std::int64_t seq = 0;
  std::string time;
  EntryKind kind = EntryKind::reserve;
  std::string call_id, trace_id;
  double usd = 0;
  std::int64_t tokens = 0;
  std::optional<Scope> scope;  ///< Of "*": whose.
};
BOOST_DESCRIBE_STRUCT(Entry, (), (seq, time, kind, call_id, trace_id, usd, tokens, scope))

struct EntryPage {
  std::vector<Entry> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(EntryPage, (), (items, next_cursor))

/// What is changed of a budget; what is absent stays.
struct BudgetChange {
  std::optional<std::string> name;
  std::optional<double> limit_usd;
  std::optional<std::int64_t> limit_tokens;
  std::optional<OnExceed> on_exceed;
  std::optional<std::string> degrade_to;
  std::optional<std::vector<AlertConfig>> alerts;
};
BOOST_DESCRIBE_STRUCT(BudgetChange, (),
                      (name, limit_usd, limit_tokens, on_exceed, degrade_to, alerts))

/// More than the limit, until the period ends.
struct Approval {
  double usd = 0;
  std::int64_t tokens = 0;
  Scope scope;  ///< Of "*": for whom.
};
BOOST_DESCRIBE_STRUCT(Approval, (), (usd, tokens, scope))

/// Something that wants to be told to somebody, kept until it is.
struct Notice {
  std::int64_t number = 0;
  std::string target;  ///< JSON: see detail/messenger.hpp.
  std::string body;
  std::int64_t created_ms = 0;  ///< Since 1970.
  std::int64_t attempts = 0;
};

/// Safe to use from many threads.
class Ledger {
 public:
  struct Options {
    std::filesystem::path path;  ///< ":memory:" for tests.
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  /// Reservations that an earlier process left open count as spent. Fails: as opening a database.
  static Result<std::unique_ptr<Ledger>> open(Options options);
  /// Writes what was settled and released.
  virtual ~Ledger() = default;

  // --- Calls. None of these waits.

  /// Whether there is any budget at all; costs nothing.
  virtual bool has_budgets() const = 0;
  /// Whether any budget is there for such a call.
  virtual bool concerns(const Payer& payer) const = 0;
  /// `decided` is called once, on a thread of the ledger: it must be quick.
  virtual void reserve(Wish wish, Decided decided) = 0;
  /// Takes `output_tokens` more for a call that runs; `decided` gets the hold that replaces `hold`,
  /// or no hold: then `hold` stays.
  virtual void extend(HoldPtr hold, std::int64_t output_tokens, Decided decided) = 0;
  /// The call is over: what it really took is spent, the rest is free again. One of the two, once.
  virtual void settle(HoldPtr hold, Amount used) = 0;
  virtual void release(HoldPtr hold) = 0;
  /// Waits until everything before it is written.
  virtual Result<void> flush(const Context& context) = 0;

  // --- Budgets

  /// Fails: invalid_argument, conflict (the name is taken).
  virtual Result<Budget> create(const Context& context, const std::string& name,
                                const BudgetConfig& config) = 0;
  /// Fails: not_found, conflict (declared in slipway.yaml), invalid_argument.
  virtual Result<Budget> change(const Context& context, const std::string& id,
                                const BudgetChange& change) = 0;
  /// With its ledger. Fails: not_found, conflict (declared in slipway.yaml).
  virtual Result<void> remove(const Context& context, const std::string& id) = 0;
  /// Makes the budgets of slipway.yaml what they are there; those that are no longer there end.
  /// What was spent stays, also when one comes back, but for one whose scope or period is another:
  /// that is another budget. Fails: invalid_argument, conflict.
  virtual Result<void> declare(const std::map<std::string, BudgetConfig>& budgets) = 0;
  /// By name. What calls before it took is in it.
  virtual Result<std::vector<Budget>> list(const Context& context) = 0;
  /// Fails: not_found.
  virtual Result<Budget> find(const Context& context, const std::string& id) = 0;
  /// In the order in which they were written. Fails: not_found, invalid_argument (the cursor).
  virtual Result<EntryPage> entries(const Context& context, const std::string& id, int limit,
                                    const std::string& cursor) = 0;
  /// Fails: not_found, invalid_argument.
  virtual Result<Budget> approve(const Context& context, const std::string& id,
                                 const Approval& approval) = 0;

  // --- Notices, for who delivers them

  /// Those that are due.
  virtual Result<std::vector<Notice>> due_notices() = 0;
  /// Fails: as a write; then it will be due again.
  virtual Result<void> notice_delivered(std::int64_t number) = 0;
  /// Due again after a pause; given up ten minutes after it was made.
  virtual Result<void> notice_failed(const Notice& notice, const std::string& why) = 0;
  /// Keeps one to deliver, unless one of that key was ever kept.
  virtual Result<void> add_notice(const std::string& key, const std::string& target,
                                  const std::string& body) = 0;
  /// Calls `wake` whenever notices may have become due. It must be quick. Once, before calls.
  virtual void when_notices(std::function<void()> wake) = 0;

  /// Whether sums and ledger agree: what does not, in words. For tests and `slipway doctor`.
  virtual Result<std::vector<std::string>> check(const Context& context) = 0;
};

}  // namespace slipway::budgets
