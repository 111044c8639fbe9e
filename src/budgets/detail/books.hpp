// What one transaction writes into the books: accounts, ledger, open reservations, alerts.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "budgets/detail/definitions.hpp"
#include "budgets/ledger.hpp"
#include "store/database.hpp"

namespace slipway::budgets::detail {

/// Where an amount belongs: a budget, whose, and in which period.
struct Place {
  std::int64_t budget = 0;
  std::string subject;
  std::int64_t period = 0;
};

/// The sum of the ledger at a place.
struct Account {
  Amount spent, reserved, approved;
  std::int64_t admitted = 0, refused = 0;
  bool is_changed = false;
  std::vector<std::size_t> fired;  ///< Alerts by their place in the configuration.
};

/// What is left below a limit; negative when it was passed.
std::int64_t left_of(std::int64_t limit, std::int64_t approved, std::int64_t spent,
                     std::int64_t reserved);

/// Accounts that were used lately, so that most calls read nothing. For one thread.
class Accounts {
 public:
  /// Stays where it is until `forget`.
  Result<Account*> at(store::Connection& connection, const Place& place);
  /// Writes those that changed.
  Result<void> write(store::Connection& connection);
  /// After a transaction that failed.
  void forget() { accounts_.clear(); }
  void keep_small();

 private:
  struct Kept {
    Place place;
    Account account;
  };
  std::unordered_map<std::string, Kept> accounts_;
};

/// One transaction. All functions fail as a write does.
class Books {
 public:
  struct Parts {
    store::Connection& connection;
    Accounts& accounts;
    const Definitions& definitions;
    Clock::Time now;
  };
  explicit Books(const Parts& parts) : parts_(parts) {}

  /// `hold_id` is that of the hold that it makes.
  Result<Decision> reserve(const Wish& wish, std::string hold_id);
  Result<Decision> extend(const Hold& hold, std::int64_t output_tokens);
  Result<void> settle(const Hold& hold, const Amount& used);
  Result<void> release(const Hold& hold);
  /// Of another life: nobody will say any more what became of them.
  Result<std::size_t> adjust_open();
  Result<void> approve(const Definition& definition, const std::string& subject,
                       const Amount& amount);
  bool has_fired() const { return has_fired_; }
  /// For what is written beside the books. Whoever changes budgets says so: everybody reads them
  /// anew then.
  store::Connection& connection() { return parts_.connection; }
  Clock::Time now() const { return parts_.now; }
  const Definitions& definitions() const { return parts_.definitions; }
  void budgets_changed() { have_changed_ = true; }
  bool have_budgets_changed() const { return have_changed_; }

 private:
  struct Match {
    const Definition* definition = nullptr;
    Place place;
    Account* account = nullptr;
  };
  struct Call {
    const std::string& id;
    const std::string& trace_id;
  };
  Result<std::vector<Match>> matches(const Payer& payer);
  /// What a call would be told that wants more than it has, by the budget with the least room.
  std::optional<Refusal> refusal_of_more(const Wish& wish, const std::vector<Match>& matches) const;
  Result<Decision> admit(const Wish& wish, std::string hold_id, const std::vector<Match>& matches,
                         std::int64_t output_tokens);
  Result<Decision> refuse(const Wish& wish, const Match& match);
  Result<std::vector<std::pair<Place, Amount>>> close(const std::string& hold_id);
  Result<void> append(const Place& place, EntryKind kind, const Call& call, const Amount& amount);
  Result<void> fire_alerts(const Place& place, Account& account);

  const Parts parts_;
  bool has_fired_ = false, have_changed_ = false;
};

}  // namespace slipway::budgets::detail
