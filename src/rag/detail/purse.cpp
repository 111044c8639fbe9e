#include "rag/detail/purse.hpp"

namespace slipway::rag::detail {

Result<bool> Purse::covers(std::initializer_list<Most> calls) const {
  if (!budget_usd_) return true;
  for (const auto& [model, usage] : calls)
    if (!catalog_.price(model))
      return fail(Code::invalid_argument,
                  "model '{}' has no price, so a budget cannot be kept; declare its price under "
                  "models in slipway.yaml (usd_per_thousand_searches of a reranker that counts "
                  "searches)",
                  model);
  return with(calls) <= *budget_usd_;
}

double Purse::with(std::initializer_list<Most> calls) const {
  double sum = spent_usd_;
  for (const auto& [model, usage] : calls)
    if (const auto price = catalog_.price(model)) sum += price->of(usage);
  return sum;
}

void Purse::pay(const std::string& model, const models::Usage& used) {
  if (const auto price = catalog_.price(model)) spent_usd_ += price->of(used);
}

models::Usage embedding_most(std::size_t bytes) {
  constexpr std::size_t prefix_bytes = 256;  // Of those that some models want before a text.
  models::Usage most;
  most.embedding_tokens = static_cast<std::int64_t>(bytes + prefix_bytes);
  return most;
}

models::Usage reranking_most(std::size_t texts, std::size_t text_bytes,
                             std::size_t question_bytes) {
  constexpr std::size_t texts_per_unit = 100;
  models::Usage most;
  most.search_units = static_cast<std::int64_t>((texts + texts_per_unit - 1) / texts_per_unit);
  most.rerank_tokens = static_cast<std::int64_t>(text_bytes + texts * question_bytes);
  return most;
}

}  // namespace slipway::rag::detail
