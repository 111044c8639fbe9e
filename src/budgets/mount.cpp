#include "budgets/mount.hpp"

#include "budgets/detail/shapes.hpp"

namespace slipway::budgets {

namespace {

using detail::BudgetList;
using detail::BudgetPath;
using detail::EntriesPath;
using detail::NewBudget;
using MadeBudget = http::Created<Budget>;

void mount_reading(http::Api& api, Ledger& ledger) {
  api.get<http::NoParameters, BudgetList>(
      "/api/budgets",
      {.summary = "List the budgets", .tag = "budgets", .role = "read", .name = "list_budgets"},
      [&ledger](const http::Call& call, const http::NoParameters&) -> Result<BudgetList> {
        return BudgetList{.items = TRY(ledger.list(call.context()))};
      });
  api.get<BudgetPath, Budget>("/api/budgets/{id}",
                              {.summary = "A budget and what is left of it",
                               .tag = "budgets",
                               .role = "read",
                               .name = "get_budget",
                               .fails = {Code::not_found}},
                              [&ledger](const http::Call& call, const BudgetPath& path) {
                                return ledger.find(call.context(), path.id);
                              });
  api.get<EntriesPath, EntryPage>(
      "/api/budgets/{id}/ledger",
      {.summary = "What calls reserved, spent and gave back",
       .description =
           "In the order in which it was written; nothing is ever changed. `release` takes back "
           "what `reserve` took and is negative, so that the sum of all amounts is what is spent "
           "and reserved; the sum of `settle` and `adjust` is what is spent.",
       .tag = "budgets",
       .role = "read",
       .name = "get_budget_ledger",
       .fails = {Code::not_found}},
      [&ledger](const http::Call& call, const EntriesPath& path) {
        return ledger.entries(call.context(), path.id, path.limit, path.cursor);
      });
}

}  // namespace

void mount(http::Api& api, Ledger& ledger) {
  api.add_tag("budgets", "Who may spend how much, and what was spent.");
  mount_reading(api, ledger);
  api.post<http::NoParameters, NewBudget, MadeBudget>(
      "/api/budgets",
      {.summary = "Make a budget",
       .description = "A call must fit every budget whose scope it matches. An empty scope matches "
                      "every call; `\"*\"` is one budget for each value.",
       .tag = "budgets",
       .role = "admin",
       .name = "create_budget",
       .fails = {Code::conflict},
       .request_example =
           R"({"name": "team", "scope": {"project": "shop"}, "limit_usd": 10, "period": "day"})"},
      [&ledger](const http::Call& call, const http::NoParameters&,
                const NewBudget& body) -> Result<MadeBudget> {
        Budget budget = TRY(ledger.create(call.context(), body.name, body.config()));
        std::string location = "/api/budgets/" + budget.id;
        return MadeBudget{std::move(budget), std::move(location)};
      });
  api.add<BudgetPath, BudgetChange, Budget>(
      "PATCH", "/api/budgets/{id}",
      {.summary = "Change a budget",
       .description = "What was spent stays. Scope and period cannot change: that is another "
                      "budget. One of slipway.yaml is changed there.",
       .tag = "budgets",
       .role = "admin",
       .name = "change_budget",
       .fails = {Code::not_found, Code::conflict},
       .request_example = R"({"limit_usd": 20})"},
      [&ledger](const http::Call& call, const BudgetPath& path, const BudgetChange& change) {
        return ledger.change(call.context(), path.id, change);
      });
  api.remove<BudgetPath, http::NoContent>(
      "/api/budgets/{id}",
      {.summary = "Delete a budget and its ledger",
       .tag = "budgets",
       .role = "admin",
       .name = "delete_budget",
       .fails = {Code::not_found, Code::conflict}},
      [&ledger](const http::Call& call, const BudgetPath& path) -> Result<http::NoContent> {
        TRY(ledger.remove(call.context(), path.id));
        return http::NoContent{};
      });
  api.post<BudgetPath, Approval, Budget>(
      "/api/budgets/{id}/approvals",
      {.summary = "Allow more than the limit, until the period ends",
       .description = "What `on_exceed: ask` waits for; it works for any budget. Of a scope with "
                      "`\"*\"`, `scope` says for whom.",
       .tag = "budgets",
       .role = "admin",
       .name = "approve_budget",
       .fails = {Code::not_found},
       .request_example = R"({"usd": 5})"},
      [&ledger](const http::Call& call, const BudgetPath& path, const Approval& approval) {
        return ledger.approve(call.context(), path.id, approval);
      });
}

}  // namespace slipway::budgets
