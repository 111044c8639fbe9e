// How a call pays: reserved before each try leaves, settled when it is known what it took.
#include <algorithm>

#include "gateway/detail/budget_error.hpp"
#include "gateway/detail/call.hpp"
#include "gateway/prices.hpp"
#include "trace/paying_run.hpp"

namespace slipway::gateway::detail {

namespace {

/// Frames of a stream that are no tokens: roles, ends, pings.
constexpr std::int64_t frames_beside = 16;
constexpr std::int64_t more_tokens = 2'048;

/// Of a reply that nobody limits. Anthropic's API demands a limit, so it has ours.
std::int64_t output_default(const std::vector<DeploymentPtr>& candidates,
                            const GatewayConfig& settings) {
  std::int64_t told = 0;
  for (const DeploymentPtr& one : candidates) {
    if (one->config().provider != models::Provider::anthropic)
      return settings.output_tokens_default;
    told = std::max(told, one->config().max_tokens);
  }
  return told;
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

// --- Allowances

budgets::HoldPtr Allowance::hold() const {
  const std::lock_guard lock(mutex_);
  return hold_;
}

std::optional<budgets::Refusal> Allowance::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

json::Object Allowance::left() const {
  const std::lock_guard lock(mutex_);
  return left_;
}

bool Allowance::covers(std::int64_t tokens, bool may_grow) {
  bool asks = false, is_covered = true;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t paid = hold_->output_tokens * hold_->wish.choices;
    is_covered = tokens <= paid + frames_beside;
    asks = may_grow && !is_asking_ && !is_refused_ && tokens > paid - more_tokens / 2;
    if (asks) is_asking_ = true;
    // What was asked for may come any moment.
    if (may_grow && is_asking_ && !is_covered) is_covered = tokens <= paid + more_tokens;
  }
  if (asks) ask_for_more();
  return is_covered;
}

void Allowance::ask_for_more() {
  ledger_.extend(hold(), more_tokens, [self = shared_from_this()](budgets::Decision decision) {
    const std::lock_guard lock(self->mutex_);
    self->is_asking_ = false;
    if (decision.refusal) self->left_ = decision.refusal->budget;
    if (decision.hold) {
      self->hold_ = std::move(decision.hold);
      return;
    }
    self->is_refused_ = true;
    self->refusal_ = std::move(decision.refusal);
  });
}

// --- Before a try

bool Call::asks_budgets(std::function<void()> go_on) {
  budgets::Ledger* ledger = engine_.budgets();
  if (ledger == nullptr || !ledger->has_budgets() || spending_.allowance != nullptr || is_gone() ||
      !pays() || next_ >= candidates_.list.size())
    return false;
  if (!spending_.is_concerned) {
    spending_.payer = payer();
    spending_.is_concerned = ledger->concerns(spending_.payer);
    if (*spending_.is_concerned && spending_.demand.input_tokens == 0)
      spending_.demand.input_tokens = input_tokens();
  }
  if (!*spending_.is_concerned) return false;
  ledger->reserve(
      wish(), [self = shared_from_this(), go_on = std::move(go_on)](budgets::Decision decision) {
        self->reserved(std::move(decision), go_on);
      });
  return true;
}

std::string Call::paying_run() const {
  return trace::paying_run(exchange_->request(), record_.origin, record_.place.id);
}

budgets::Payer Call::payer() const {
  budgets::Payer payer;
  if (!record_.origin.project.empty()) payer.project = record_.origin.project;
  payer.user = record_.origin.user_id;
  payer.session = record_.origin.session_id;
  payer.key = caller_.name;
  payer.trace = record_.trace_id;
  payer.run = paying_run();
  payer.model = spending_.degraded_to.empty() ? record_.model : spending_.degraded_to;
  for (const DeploymentPtr& one : candidates_.list) {
    payer.models.push_back(one->name());
    payer.models.push_back(one->model());
  }
  return payer;
}

budgets::Wish Call::wish() const {
  const Demand& demand = spending_.demand;
  const Estimate estimate =
      estimate_of(demand, candidates_.list, record_, *engine_.prices(),
                  output_default(candidates_.list, plan_->settings().gateway));
  budgets::Wish wish;
  wish.payer = spending_.payer;
  wish.call_id = record_.request_id;
  wish.is_priced = estimate.is_priced;
  wish.input_usd = estimate.input_usd;
  wish.output_price = estimate.output_price;
  wish.input_tokens = demand.input_tokens;
  wish.output_tokens = estimate.output_tokens;
  wish.choices = demand.choices;
  wish.may_clamp = demand.has_output;
  wish.may_degrade = spending_.may_degrade && record_.attempts.empty();
  wish.is_repeated = spending_.has_reserved;
  return wish;
}

/// On a thread of the ledger: the next step of the call.
void Call::reserved(budgets::Decision decision, const std::function<void()>& go_on) {
  if (decision.hold) {
    spending_.has_reserved = true;
    const budgets::Hold& hold = *decision.hold;
    spending_.allowance = std::make_shared<Allowance>(*engine_.budgets(), decision);
    spending_.output_limit.reset();
    if (decision.is_clamped) spending_.output_limit = hold.output_tokens;
    record_.budget =
        json::Object{{"name", joined(hold.names)},
                     {"estimate_usd", hold.wish.most(hold.wish.output_tokens).usd.dollars()},
                     {"reserved_usd", hold.reserved.usd.dollars()},
                     {"settled_usd", spending_.settled.dollars()}};
  }
  if (is_gone()) {
    release_budget();
    finish(499, "client_closed");
    return;
  }
  if (decision.hold) {
    go_on();
    return;
  }
  if (decision.error) {
    refuse({503, "unavailable", decision.error->message(), ""}, {{"Retry-After", "1"}});
    return;
  }
  if (decision.refusal->on_exceed == budgets::OnExceed::degrade && spending_.may_degrade &&
      !decision.refusal->is_unpriced && record_.attempts.empty()) {
    degrade(*decision.refusal);
    try_next();
    return;
  }
  refuse_for_budget(*decision.refusal);
}

/// Asks a cheaper model from here on; the same one where there is none, for the last time.
void Call::degrade(const budgets::Refusal& refusal) {
  spending_.may_degrade = false;
  Candidates cheaper;
  if (caller_.may_use(refusal.degrade_to))
    cheaper = plan_->candidates(refusal.degrade_to, {"", engine_.clock().now(), engine_.random()});
  const auto task = candidates_.list.front()->config().task;
  std::erase_if(cheaper.list, [&](const DeploymentPtr& one) { return one->config().task != task; });
  if (cheaper.list.empty()) return;
  candidates_.list = std::move(cheaper.list);
  next_ = 0;
  spending_.degraded_to = refusal.degrade_to;
  spending_.is_concerned.reset();
}

void Call::refuse_for_budget(const budgets::Refusal& refusal) {
  spending_.told = refusal.budget;
  if (!record_.budget)
    record_.budget = json::Object{{"name", refusal.name},
                                  {"estimate_usd", nullptr},
                                  {"reserved_usd", 0},
                                  {"settled_usd", spending_.settled.dollars()}};
  if (!refusal.is_unpriced) {
    const budgets::Wish wish = this->wish();
    (*record_.budget)["estimate_usd"] = wish.most(wish.output_tokens).usd.dollars();
  }
  http::Headers headers;
  headers.set("x-should-retry", "false");
  refuse(wire_error_of(refusal), std::move(headers));
}

// --- While it runs, and after

std::optional<Failure> Call::over_budget(std::int64_t tokens) {
  const auto& allowance = spending_.allowance;
  if (allowance == nullptr) return {};
  const bool may_grow = !spending_.output_limit && !spending_.demand.output_tokens;
  if (allowance->covers(tokens, may_grow)) return {};
  Failure failure;
  failure.may_fall_back = false;
  const auto hold = allowance->hold();
  const auto refusal = allowance->refusal();
  failure.error = {429, "budget_exceeded",
                   fmt::format("the reply is longer than the {} tokens that budget '{}' paid for{}",
                               hold->output_tokens * hold->wish.choices, joined(hold->names),
                               refusal ? ": " + refusal->message : std::string()),
                   ""};
  failure.budget = allowance->left();
  return failure;
}

void Call::settle_budget() {
  const auto allowance = std::exchange(spending_.allowance, nullptr);
  if (allowance == nullptr) return;
  budgets::Amount used;
  used.tokens = record_.usage.input_tokens + record_.usage.output_tokens;
  const auto cost = cost_of(record_, *engine_.prices());
  if (cost) used.usd = cost->total;
  const auto hold = allowance->hold();
  if (used.tokens == 0 && record_.more_usage.search_units == 0)
    used = hold->wish.most(0);  // It was asked, and had no time to tell.
  spending_.settled += used.usd;
  engine_.budgets()->settle(hold, used);
  if (record_.budget) (*record_.budget)["settled_usd"] = spending_.settled.dollars();
}

void Call::release_budget() {
  const auto allowance = std::exchange(spending_.allowance, nullptr);
  if (allowance != nullptr) engine_.budgets()->release(allowance->hold());
}

/// What nobody answered was not billed; what was cut off was, as far as it had come.
void Call::close_budget(const Failure* failure) {
  if (spending_.allowance == nullptr) return;
  const bool is_remote = try_.deployment->place() == Place::remote;
  const bool has_answer = try_.status >= 200 && try_.status < 300 && try_.has_bytes;
  const bool was_late = failure != nullptr && failure->error.status == 504 &&
                        failure->error.message.find("(connect timeout)") == std::string::npos;
  const bool is_billed =
      failure == nullptr || is_committed_ || (is_remote && (has_answer || was_late));
  if (!is_billed) {
    release_budget();
    return;
  }
  if (failure != nullptr && record_.usage.input_tokens + record_.usage.output_tokens == 0 &&
      has_answer)
    guess_usage();
  settle_budget();
}

}  // namespace slipway::gateway::detail
