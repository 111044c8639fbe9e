#include "api/paid_questions.hpp"

namespace slipway::api {

namespace {

template <typename Reply>
Paid<Reply> paid(const AskBudget& budget, std::optional<Reply> reply) {
  return {std::move(reply), budget.refusal(), budget.left()};
}

}  // namespace

std::int64_t tokens_of(const models::Usage& usage) {
  return usage.input_tokens + usage.output_tokens + usage.embedding_tokens + usage.rerank_tokens;
}

rag::AskRequest as_question(const rag::SearchRequest& search) {
  return {.collection = search.collection,
          .question = search.query,
          .mode = rag::AnswerMode::extract,
          .limit = 1,
          .budget_usd = search.budget_usd,
          .rerank = search.rerank,
          .reranker = search.reranker,
          .candidates = search.candidates,
          .version = search.version,
          .origin = search.origin};
}

Result<Paid<rag::Answer>> ask_paid(const Context& context, const AskBudget::Options& options,
                                   const rag::AskEvents& heard) {
  AskBudget budget = TRY(AskBudget::open(context, options));
  if (budget.refusal()) return paid<rag::Answer>(budget, {});
  rag::AskRequest request = options.request;
  request.budget_usd = budget.limit_usd();
  rag::Answer answer = TRY(options.library.ask(context, request, heard));
  const bool lacks_money = budget.is_short() && answer.reason == rag::RefusalReason::budget;
  if (!lacks_money) budget.settle(answer.cost_usd, tokens_of(answer.usage));
  if (lacks_money) TRY(budget.refuse());
  if (budget.refusal()) return paid<rag::Answer>(budget, {});
  // If it lacked money there is more again: it may be asked anew.
  return paid<rag::Answer>(budget, std::move(answer));
}

Result<Paid<rag::SearchReply>> search_paid(const Context& context,
                                           const AskBudget::Options& options,
                                           rag::SearchRequest request) {
  AskBudget budget = TRY(AskBudget::open(context, options));
  if (budget.refusal()) return paid<rag::SearchReply>(budget, {});
  request.budget_usd = budget.limit_usd();
  auto reply = options.library.search(context, request);
  if (reply) {
    budget.settle(reply->cost_usd, tokens_of(reply->usage));
    return paid<rag::SearchReply>(budget, *std::move(reply));
  }
  if (budget.is_short() && reply.error().code() == Code::conflict) TRY(budget.refuse());
  if (!budget.refusal()) return std::move(reply.error());
  return paid<rag::SearchReply>(budget, {});
}

}  // namespace slipway::api
