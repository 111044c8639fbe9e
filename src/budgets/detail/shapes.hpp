// What the routes take, and what is told of it in the document of the API.
#pragma once

#include "budgets/ledger.hpp"
#include "http/schema.hpp"

namespace slipway::budgets::detail {

struct BudgetPath {
  std::string id;
  static constexpr std::string_view schema_notes =
      R"({"properties": {"id": {"maxLength": 100, "description": "Id of a budget."}}})";
};
BOOST_DESCRIBE_STRUCT(BudgetPath, (), (id))

struct EntriesPath : BudgetPath {
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "limit": {"minimum": 1, "maximum": 1000, "description": "How many items at most."},
    "cursor": {"maxLength": 32, "description":
      "`next_cursor` of the page before; empty for the first."}}})";
};
BOOST_DESCRIBE_STRUCT(EntriesPath, (BudgetPath), (limit, cursor))

struct BudgetList {
  std::vector<Budget> items;
  std::optional<std::string> next_cursor;
};
BOOST_DESCRIBE_STRUCT(BudgetList, (), (items, next_cursor))

/// The name and what else a `BudgetConfig` has.
struct NewBudget {
  std::string name;
  Scope scope;
  std::optional<double> limit_usd;
  std::optional<std::int64_t> limit_tokens;
  Period period = Period::total;
  OnExceed on_exceed = OnExceed::reject;
  std::string degrade_to;
  std::vector<AlertConfig> alerts;
  BudgetConfig config() const {
    return {scope, limit_usd, limit_tokens, period, on_exceed, degrade_to, alerts};
  }
  static constexpr std::string_view required[] = {"name"};
  static constexpr std::string_view schema_notes = R"({"required": ["name"], "properties": {
    "name": {"minLength": 1, "maxLength": 100},
    "scope": {"description":
      "Whose calls: any of project, user, session, key, model, trace, run; `\"*\"`: one each.",
      "example": {"user": "*"}},
    "limit_usd": {"minimum": 0, "maximum": 1000000},
    "limit_tokens": {"minimum": 0, "maximum": 1000000000000},
    "period": {"description": "In UTC; with each the budget begins anew."},
    "on_exceed": {"description": "Of a call that does not fit: refuse it, shorten its reply, ask )"
                                                   R"(`degrade_to` instead, or wait for an )"
                                                   R"(approval."},
    "degrade_to": {"maxLength": 512, "description": "A model or route."},
    "alerts": {"maxItems": 16}}})";
};
BOOST_DESCRIBE_STRUCT(NewBudget, (),
                      (name, scope, limit_usd, limit_tokens, period, on_exceed, degrade_to, alerts))

}  // namespace slipway::budgets::detail

namespace slipway::http {

template <>
struct Notes<budgets::AlertConfig> {
  static constexpr std::string_view schema = R"({"required": ["at", "webhook"], "properties": {
    "at": {"exclusiveMinimum": 0, "maximum": 10, "description":
      "Share of the limit that was spent.", "example": 0.8},
    "webhook": {"maxLength": 2048, "description":
      "Gets a POST, once for each threshold and period."}}})";
};
template <>
struct Notes<budgets::BudgetChange> {
  static constexpr std::string_view schema = R"({"properties": {
    "name": {"minLength": 1, "maxLength": 100},
    "limit_usd": {"minimum": 0, "maximum": 1000000},
    "limit_tokens": {"minimum": 0, "maximum": 1000000000000},
    "degrade_to": {"maxLength": 512},
    "alerts": {"maxItems": 16}}})";
};
template <>
struct Notes<budgets::Approval> {
  static constexpr std::string_view schema = R"({"properties": {
    "usd": {"minimum": 0, "maximum": 1000000},
    "tokens": {"minimum": 0, "maximum": 1000000000000}}})";
};

}  // namespace slipway::http
