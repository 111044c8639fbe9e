#include "app/detail/paid_chat_model.hpp"

#include <doctest/doctest.h>

#include "eval/model_judge.hpp"

namespace slipway::app::detail {

namespace {

/// Reads ten tokens and writes four, or fails.
class Fake final : public models::ChatModel {
 public:
  const std::string& identity() const override { return name_; }
  const std::string& name() const override { return name_; }
  std::size_t context_tokens_max() const override { return 1000; }
  Result<std::size_t> count_tokens(std::string_view) const override { return std::size_t(10); }
  Result<std::string> render(const models::ChatRequest&) const override { return std::string("p"); }
  Result<std::size_t> count_prompt(const dialects::ChatRequest&) const override {
    return std::size_t(10);
  }
  Result<models::ChatReply> chat(const Context&, const models::ChatRequest&,
                                 const models::TokenSink&) override {
    ++asked;
    if (fails) return fail(Code::unavailable, "down");
    models::ChatReply reply;
    reply.usage.input_tokens = 10;
    reply.usage.output_tokens = 4;
    return reply;
  }
  Result<dialects::ChatReply> converse(const Context&, const dialects::ChatRequest&,
                                       const models::EventSink&) override {
    ++asked;
    dialects::ChatReply reply;
    reply.usage.input_tokens = 10;
    reply.usage.output_tokens = 4;
    return reply;
  }
  int asked = 0;
  bool fails = false;

 private:
  std::string name_ = "fake";
};

struct Paid {
  std::unique_ptr<budgets::Ledger> ledger;
  std::shared_ptr<Fake> fake = std::make_shared<Fake>();
  std::shared_ptr<models::ChatModel> model;

  explicit Paid(std::int64_t limit_tokens) {
    auto opened = budgets::Ledger::open({.path = ":memory:"});
    REQUIRE(opened.ok());
    ledger = std::move(*opened);
    budgets::BudgetConfig config;
    config.scope = {{"project", "evaluations"}};
    config.limit_tokens = limit_tokens;
    REQUIRE(ledger->create(Context(), "judges", config).ok());
    budgets::Payer payer;
    payer.project = "evaluations";
    model = paid_chat_model(fake, models::Price{}, payer, *ledger);
  }
  std::int64_t spent() {
    REQUIRE(ledger->flush(Context()).ok());
    return ledger->list(Context())->front().spent_tokens;
  }
};

models::ChatRequest request(int max_tokens) {
  models::ChatRequest made;
  made.max_tokens = max_tokens;
  return made;
}

}  // namespace

TEST_CASE("a call pays what it took, not what was reserved for it") {
  Paid paid(100);
  CHECK(paid.model->chat(Context(), request(50), {}).ok());
  CHECK(paid.spent() == 14);
  dialects::ChatRequest asked;
  asked.max_tokens = 20;
  CHECK(paid.model->converse(Context(), asked, {}).ok());
  CHECK(paid.spent() == 28);
}

TEST_CASE("a call that may cost more than is left does not leave") {
  Paid paid(40);
  const auto refused = paid.model->chat(Context(), request(50), {});
  REQUIRE_FALSE(refused.ok());
  CHECK(eval::is_budget_spent(refused.error()));
  CHECK(paid.fake->asked == 0);
  CHECK(paid.model->chat(Context(), request(30), {}).ok());
}

TEST_CASE("a call that fails costs nothing") {
  Paid paid(100);
  paid.fake->fails = true;
  CHECK_FALSE(paid.model->chat(Context(), request(50), {}).ok());
  CHECK(paid.spent() == 0);
}

}  // namespace slipway::app::detail
