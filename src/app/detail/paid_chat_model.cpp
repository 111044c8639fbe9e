#include "app/detail/paid_chat_model.hpp"

#include <future>

#include "eval/model_judge.hpp"

namespace slipway::app::detail {

namespace {

class PaidChatModel final : public models::ChatModel {
 public:
  PaidChatModel(std::shared_ptr<models::ChatModel> model, std::optional<models::Price> price,
                budgets::Payer payer, budgets::Ledger& ledger)
      : model_(std::move(model)), price_(price), payer_(std::move(payer)), ledger_(ledger) {}

  const std::string& identity() const override { return model_->identity(); }
  const std::string& name() const override { return model_->name(); }
  std::size_t context_tokens_max() const override { return model_->context_tokens_max(); }
  Result<std::size_t> count_tokens(std::string_view text) const override {
    return model_->count_tokens(text);
  }
  Result<std::string> render(const models::ChatRequest& request) const override {
    return model_->render(request);
  }
  Result<std::size_t> count_prompt(const dialects::ChatRequest& request) const override {
    return model_->count_prompt(request);
  }

  Result<models::ChatReply> chat(const Context& context, const models::ChatRequest& request,
                                 const models::TokenSink& sink) override {
    std::size_t prompt = 0;
    if (is_concerned(context)) prompt = TRY(model_->count_tokens(TRY(model_->render(request))));
    auto hold = TRY(reserve(context, prompt, request.max_tokens));
    auto reply = model_->chat(context, request, sink);
    settle(std::move(hold), reply ? reply->usage : models::Usage(), reply.ok());
    return reply;
  }

  Result<dialects::ChatReply> converse(const Context& context, const dialects::ChatRequest& request,
                                       const models::EventSink& sink) override {
    std::size_t prompt = 0;
    if (is_concerned(context)) prompt = TRY(model_->count_prompt(request));
    auto hold = TRY(reserve(context, prompt, request.max_tokens.value_or(output_tokens_open)));
    auto reply = model_->converse(context, request, sink);
    models::Usage usage;
    if (reply) {
      usage.input_tokens = reply->usage.input_tokens;
      usage.output_tokens = reply->usage.output_tokens;
    }
    settle(std::move(hold), usage, reply.ok());
    return reply;
  }

 private:
  /// What is reserved where the request leaves the length of the reply open.
  static constexpr int output_tokens_open = 4096;

  /// What one evaluation asks is one run of its trace.
  budgets::Payer payer(const Context& context) const {
    budgets::Payer payer = payer_;
    payer.trace = payer.run = context.trace_id();
    return payer;
  }
  bool is_concerned(const Context& context) const {
    return ledger_.has_budgets() && ledger_.concerns(payer(context));
  }

  trace::Picodollars cost(const models::Usage& usage) const {
    const auto usd = trace::picodollars(price_ ? price_->of(usage) : 0);
    return usd ? *usd : trace::Picodollars();
  }

  Result<budgets::HoldPtr> reserve(const Context& context, std::size_t prompt, int output) {
    if (!is_concerned(context)) return budgets::HoldPtr();
    models::Usage input;
    input.input_tokens = static_cast<std::int64_t>(prompt);
    models::Usage all = input;
    all.output_tokens = output;
    budgets::Wish wish;
    wish.payer = payer(context);
    wish.is_priced = price_.has_value();
    // Replies of judges are not shortened: half of one says nothing.
    wish.may_clamp = wish.may_degrade = false;
    wish.input_tokens = input.input_tokens;
    wish.output_tokens = output;
    wish.input_usd = cost(all);
    std::promise<budgets::Decision> promise;
    auto future = promise.get_future();
    ledger_.reserve(std::move(wish), [&promise](budgets::Decision decision) {
      promise.set_value(std::move(decision));
    });
    budgets::Decision decision = future.get();
    if (decision.error) return *std::move(decision.error);
    if (decision.hold == nullptr)
      return eval::budget_spent(decision.refusal ? decision.refusal->message : "no room is left");
    return std::move(decision.hold);
  }

  void settle(budgets::HoldPtr hold, const models::Usage& usage, bool is_done) {
    if (hold == nullptr) return;
    if (!is_done) return ledger_.release(std::move(hold));
    ledger_.settle(std::move(hold), {cost(usage), usage.input_tokens + usage.output_tokens});
  }

  const std::shared_ptr<models::ChatModel> model_;
  const std::optional<models::Price> price_;
  const budgets::Payer payer_;
  budgets::Ledger& ledger_;
};

}  // namespace

std::shared_ptr<models::ChatModel> paid_chat_model(std::shared_ptr<models::ChatModel> model,
                                                   std::optional<models::Price> price,
                                                   budgets::Payer payer, budgets::Ledger& ledger) {
  return std::make_shared<PaidChatModel>(std::move(model), price, std::move(payer), ledger);
}

}  // namespace slipway::app::detail
