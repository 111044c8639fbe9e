// What a question or a search may spend: one sum for embedding, reranking and writing.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "models/catalog.hpp"

namespace slipway::rag::detail {

class Purse {
 public:
  /// `catalog` must outlive it. Absent `budget_usd`: no limit.
  Purse(const models::Catalog& catalog, std::optional<double> budget_usd)
      : catalog_(catalog), budget_usd_(budget_usd) {}

  /// The most that a model may consume, by the name of the model.
  using Most = std::pair<std::string, models::Usage>;
  /// Whether all of these calls are paid for; asked before any of them is made. Fails:
  /// invalid_argument (there is a limit, and nobody knows what a model costs).
  Result<bool> covers(std::initializer_list<Most> calls) const;
  /// Dollars that these calls cost at most, beside what is spent; what has no price costs nothing.
  double with(std::initializer_list<Most> calls) const;
  /// What a call has consumed.
  void pay(const std::string& model, const models::Usage& used);
  void add(double usd) { spent_usd_ += usd; }
  double spent_usd() const { return spent_usd_; }

 private:
  const models::Catalog& catalog_;
  const std::optional<double> budget_usd_;
  double spent_usd_ = 0;
};

/// Of texts of so many bytes: no tokenizer makes more tokens than that.
models::Usage embedding_most(std::size_t bytes);
/// Of so many texts, each of which is read with the question.
models::Usage reranking_most(std::size_t texts, std::size_t text_bytes, std::size_t question_bytes);

}  // namespace slipway::rag::detail
