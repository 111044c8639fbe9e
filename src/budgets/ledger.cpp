#include "budgets/ledger.hpp"

#include <algorithm>

#include "budgets/detail/budget_rows.hpp"
#include "budgets/detail/notices.hpp"
#include "budgets/detail/schema.hpp"
#include "budgets/detail/writer.hpp"
#include "core/log.hpp"

namespace slipway::budgets {

namespace {

using detail::Books;
using detail::Definition;
using detail::DefinitionsPtr;

Error unknown(const std::string& id) {
  return fail(Code::not_found, "there is no budget '{}'; GET /api/budgets lists them",
              std::string_view(id).substr(0, 100));
}

Error is_declared(const Definition& definition) {
  return fail(Code::conflict, "budget '{}' stands in slipway.yaml; change it there",
              definition.name);
}

class SqliteLedger final : public Ledger {
 public:
  SqliteLedger(const Options& options, std::unique_ptr<store::Database> database,
               DefinitionsPtr definitions)
      : clock_(options.clock),
        random_(options.random),
        database_(std::move(database)),
        notices_(*database_, clock_),
        writer_({.database = *database_, .clock = clock_, .on_fired = [this] { wake(); }},
                std::move(definitions)) {}

  // --- Calls

  bool has_budgets() const override { return writer_.has_budgets(); }

  bool concerns(const Payer& payer) const override {
    if (!writer_.has_budgets()) return false;
    const DefinitionsPtr definitions = writer_.definitions();
    return std::any_of(definitions->list.begin(), definitions->list.end(),
                       [&](const auto& one) { return detail::concerns(one, payer); });
  }

  void reserve(Wish wish, Decided decided) override {
    wish.choices = std::max<std::int64_t>(wish.choices, 1);
    decide([wish = std::move(wish), id = make_id("hold", clock_, random_)](
               Books& books) { return books.reserve(wish, id); },
           std::move(decided));
  }

  void extend(HoldPtr hold, std::int64_t output_tokens, Decided decided) override {
    decide([hold = std::move(hold),
            output_tokens](Books& books) { return books.extend(*hold, output_tokens); },
           std::move(decided));
  }

  void settle(HoldPtr hold, Amount used) override {
    writer_.submit(
        {.run = [hold = std::move(hold), used](Books& books) { return books.settle(*hold, used); },
         .done = {},
         .must_happen = true});
  }

  void release(HoldPtr hold) override {
    writer_.submit({.run = [hold = std::move(hold)](Books& books) { return books.release(*hold); },
                    .done = {},
                    .must_happen = true});
  }

  Result<void> flush(const Context& context) override {
    TRY(context.check());
    return writer_.write([](Books&) { return Result<void>(); });
  }

  // --- Budgets

  Result<Budget> create(const Context& context, const std::string& name,
                        const BudgetConfig& config) override {
    TRY(check_budget_name(name));
    TRY(config.validate());
    const std::string id = new_id();
    TRY(writer_.write([&](Books& books) {
      return detail::insert_budget(books, {id, name, config, false});
    }));
    return find(context, id);
  }

  Result<Budget> change(const Context& context, const std::string& id,
                        const BudgetChange& change) override {
    TRY(writer_.write([&](Books& books) -> Result<void> {
      const Definition* definition = books.definitions().find(id);
      if (definition == nullptr) return unknown(id);
      if (definition->is_declared) return is_declared(*definition);
      return detail::change_budget(books, *definition, change);
    }));
    return find(context, id);
  }

  Result<void> remove(const Context& context, const std::string& id) override {
    TRY(context.check());
    return writer_.write([&](Books& books) -> Result<void> {
      const Definition* definition = books.definitions().find(id);
      if (definition == nullptr) return unknown(id);
      if (definition->is_declared) return is_declared(*definition);
      return detail::remove_budget(books, *definition);
    });
  }

  Result<void> declare(const std::map<std::string, BudgetConfig>& budgets) override {
    for (const auto& [name, config] : budgets) TRY(check_budget_name(name).within("budgets"));
    const auto& list = writer_.definitions()->list;
    const bool had_any =
        std::any_of(list.begin(), list.end(), [](const auto& one) { return one.is_declared; });
    if (budgets.empty() && !had_any) return {};
    return writer_.write([&](Books& books) {
      return detail::declare_budgets(books, budgets, [this] { return new_id(); });
    });
  }

  Result<std::vector<Budget>> list(const Context& context) override {
    TRY(flush(context));
    const DefinitionsPtr definitions = writer_.definitions();
    std::vector<Budget> budgets;
    TRY(database_->read(context, [&](store::Connection& connection) -> Result<void> {
      for (const Definition& one : definitions->list)
        budgets.push_back(TRY(detail::read_budget(connection, one, clock_.now())));
      return {};
    }));
    return budgets;
  }

  Result<Budget> find(const Context& context, const std::string& id) override {
    TRY(flush(context));
    return read<Budget>(context, id, [&](store::Connection& connection, const Definition& one) {
      return detail::read_budget(connection, one, clock_.now());
    });
  }

  Result<EntryPage> entries(const Context& context, const std::string& id, int limit,
                            const std::string& cursor) override {
    TRY(flush(context));
    return read<EntryPage>(context, id, [&](store::Connection& connection, const Definition& one) {
      return detail::read_entries(connection, one, {.limit = limit, .cursor = cursor});
    });
  }

  Result<Budget> approve(const Context& context, const std::string& id,
                         const Approval& approval) override {
    constexpr double usd_max = 1e6;
    constexpr std::int64_t tokens_max = 1'000'000'000'000;
    if (!(approval.usd >= 0 && approval.usd <= usd_max) || approval.tokens < 0 ||
        approval.tokens > tokens_max || (approval.usd == 0 && approval.tokens == 0))
      return fail(Code::invalid_argument,
                  "usd: an approval allows more dollars (up to {}) or tokens; give usd, tokens or "
                  "both",
                  usd_max);
    const Amount amount{TRY(trace::picodollars(approval.usd)), approval.tokens};
    TRY(writer_.write([&](Books& books) -> Result<void> {
      const Definition* definition = books.definitions().find(id);
      if (definition == nullptr) return unknown(id);
      const std::string subject = TRY(detail::subject_of(*definition, approval.scope));
      return books.approve(*definition, subject, amount);
    }));
    return find(context, id);
  }

  // --- Notices

  Result<std::vector<Notice>> due_notices() override { return notices_.due(); }
  Result<void> notice_delivered(std::int64_t number) override { return notices_.delivered(number); }
  Result<void> notice_failed(const Notice& notice, const std::string& why) override {
    return notices_.failed(notice, why);
  }
  Result<void> add_notice(const std::string& key, const std::string& target,
                          const std::string& body) override {
    TRY(notices_.add(key, target, body));
    wake();
    return {};
  }
  void when_notices(std::function<void()> wake) override {
    wake_.with([&](auto& current) { current = std::move(wake); });
  }

  Result<std::vector<std::string>> check(const Context& context) override {
    TRY(flush(context));
    std::vector<std::string> faults;
    TRY(database_->read(context, [&](store::Connection& connection) -> Result<void> {
      faults = TRY(detail::check_sums(connection));
      return {};
    }));
    return faults;
  }

 private:
  std::string new_id() { return make_id("budget", clock_, random_); }

  void wake() {
    const auto wake = wake_.with([](const auto& current) { return current; });
    if (wake) wake();
  }

  void decide(std::function<Result<Decision>(Books&)> run, Decided decided) {
    auto decision = std::make_shared<Decision>();
    writer_.submit({.run = [run = std::move(run), decision](Books& books) -> Result<void> {
                      *decision = TRY(run(books));
                      return {};
                    },
                    .done =
                        [decision, decided = std::move(decided)](const Result<void>& outcome) {
                          if (!outcome) *decision = {.error = outcome.error()};
                          decided(std::move(*decision));
                        }});
  }

  template <typename T, typename Body>
  Result<T> read(const Context& context, const std::string& id, const Body& body) {
    const DefinitionsPtr definitions = writer_.definitions();
    const Definition* definition = definitions->find(id);
    if (definition == nullptr) return unknown(id);
    std::optional<T> found;
    TRY(database_->read(context, [&](store::Connection& connection) -> Result<void> {
      found = TRY(body(connection, *definition));
      return {};
    }));
    return *std::move(found);
  }

  const Clock& clock_;
  Random& random_;
  const std::unique_ptr<store::Database> database_;
  Guarded<std::function<void()>> wake_;
  detail::Notices notices_;
  detail::Writer writer_;  // Last: its threads use all above.
};

/// What an earlier process left open may have been billed.
Result<void> settle_accounts(store::Database& database, const DefinitionsPtr& definitions,
                             Clock::Time now) {
  std::size_t count = 0;
  TRY(database.write({}, [&](store::Connection& connection) -> Result<void> {
    detail::Accounts accounts;
    Books books(
        {.connection = connection, .accounts = accounts, .definitions = *definitions, .now = now});
    count = TRY(books.adjust_open());
    return accounts.write(connection);
  }));
  if (count > 0)
    log::info(
        "{} reservations of budgets had no outcome when the server ended: they count as spent",
        count);
  return {};
}

}  // namespace

Amount Wish::most(std::int64_t output) const {
  Amount amount{input_usd, input_tokens + output * choices};
  amount.usd += output_price.times(output * choices);
  return amount;
}

Result<std::unique_ptr<Ledger>> Ledger::open(Options options) {
  auto database =
      TRY(store::Database::open({.path = options.path, .readers_max = 4}, detail::migrations()));
  DefinitionsPtr definitions;
  TRY(database->read({}, [&](store::Connection& connection) -> Result<void> {
    definitions = TRY(detail::read_definitions(connection));
    return {};
  }));
  TRY(settle_accounts(*database, definitions, options.clock.now()));
  return std::unique_ptr<Ledger>(
      std::make_unique<SqliteLedger>(options, std::move(database), std::move(definitions)));
}

}  // namespace slipway::budgets
