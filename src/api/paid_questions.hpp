// Questions and searches within what budgets leave, for every way by which they are asked.
#pragma once

#include <optional>

#include "api/ask_budget.hpp"

namespace slipway::api {

template <typename Reply>
struct Paid {
  std::optional<Reply> reply;               ///< Absent: a budget had no room.
  std::optional<budgets::Refusal> refusal;  ///< Then: which, and why.
  json::Object left;                        ///< See `AskBudget::left`.
};

/// `options.request` is what is asked. Fails: as `AskBudget::open` and `Library::ask`.
Result<Paid<rag::Answer>> ask_paid(const Context& context, const AskBudget::Options& options,
                                   const rag::AskEvents& heard = {});
/// `options.request` says what the search may take: `as_question`.
Result<Paid<rag::SearchReply>> search_paid(const Context& context,
                                           const AskBudget::Options& options,
                                           rag::SearchRequest request);
/// What a search may take, as a question that is answered with quotes.
rag::AskRequest as_question(const rag::SearchRequest& search);
/// As budgets count them.
std::int64_t tokens_of(const models::Usage& usage);

}  // namespace slipway::api
