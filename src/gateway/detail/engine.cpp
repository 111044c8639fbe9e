#include "gateway/detail/engine.hpp"

#include <algorithm>
#include <set>

#include "core/log.hpp"
#include "gateway/detail/call.hpp"

namespace slipway::gateway::detail {

void RetryBudget::set_share(double share) {
  const std::lock_guard lock(mutex_);
  share_ = share;
}

void RetryBudget::deposit() {
  const std::lock_guard lock(mutex_);
  stock_ = std::min(stock_max, stock_ + share_);
}

bool RetryBudget::take() {
  const std::lock_guard lock(mutex_);
  if (share_ == 0 || stock_ < 1) return false;
  stock_ -= 1;
  return true;
}

Engine::Engine(Gateway::Options options, std::unique_ptr<Timers> timers, Lanes::Options lanes)
    : options_(std::move(options)),
      timers_(std::move(timers)),
      cache_(options_.settings.gateway.cache_bytes_max) {
  if (options_.metrics != nullptr) meters_ = std::make_unique<Meters>(*options_.metrics);
  lanes_ = std::make_unique<Lanes>(lanes, *timers_);
  constexpr std::size_t patient_threads = 128;
  lanes.threads = patient_threads;
  patient_lanes_ = std::make_unique<Lanes>(lanes, *timers_);
}

Engine::~Engine() {
  std::vector<std::shared_ptr<Call>> calls;
  {
    const std::lock_guard lock(calls_mutex_);
    is_closing_ = true;
    for (const auto& [key, call] : calls_) calls.push_back(call);
  }
  for (const auto& call : calls) call->cancel();
  calls.clear();
  lanes_.reset();
  patient_lanes_.reset();
  std::unique_lock lock(calls_mutex_);
  calls_gone_.wait(lock, [this] { return calls_.empty(); });
}

PlanPtr Engine::plan() const {
  const std::lock_guard lock(plan_mutex_);
  return plan_;
}

Result<void> Engine::set_plan(Settings settings, std::shared_ptr<models::Catalog> catalog) {
  const std::lock_guard look(look_mutex_);
  const auto installed = TRY(catalog->list());
  auto plan = TRY(Plan::make(std::move(settings), std::move(catalog), installed, book_));
  retries_.set_share(plan->settings().gateway.retry_budget);
  cache_.set_bytes_max(plan->settings().gateway.cache_bytes_max);
  declare_prices(*plan);
  const std::lock_guard lock(plan_mutex_);
  plan_ = std::move(plan);
  return {};
}

/// Every second an equal plan is made: nothing is declared again that holds already.
void Engine::declare_prices(const Plan& plan) {
  const PlanPtr before = this->plan();
  const auto is_same = [](const trace::PriceRow& a, const trace::PriceRow& b) {
    return a.price_id == b.price_id;
  };
  if (before != nullptr && std::equal(plan.prices().begin(), plan.prices().end(),
                                      before->prices().begin(), before->prices().end(), is_same))
    return;
  if (options_.prices != nullptr)
    options_.prices->set_declared(plan.prices());
  else
    declared_.with([&](auto& book) {
      book =
          std::make_shared<const trace::PriceBook>(std::vector<trace::PriceRow>(), plan.prices());
    });
}

std::shared_ptr<const trace::PriceBook> Engine::prices() const {
  if (options_.prices != nullptr) return options_.prices->book();
  return declared_.with([](const auto& book) { return book; });
}

Result<void> Engine::look_for_installed() {
  const PlanPtr before = plan();
  return set_plan(before->settings(), before->shared_catalog());
}

void Engine::enter(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock(calls_mutex_);
  calls_.emplace(call.get(), call);
}

void Engine::leave(const Call* call) {
  std::shared_ptr<Call> last;  // Destroyed after the lock.
  const std::lock_guard lock(calls_mutex_);
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  last = std::move(found->second);
  calls_.erase(found);
  if (calls_.empty()) calls_gone_.notify_all();
}

std::size_t Engine::running() const {
  const std::lock_guard lock(calls_mutex_);
  return calls_.size();
}

Result<std::shared_ptr<models::ChatModel>> Engine::chat_model(const Plan& plan,
                                                              const Context& context,
                                                              const Deployment& deployment,
                                                              PipelineCall call) {
  if (deployment.place() == Place::pipeline)
    return options_.pipelines.find(deployment.name(), std::move(call));
  return plan.catalog().chat_model(context, deployment.name());
}

Lanes& Engine::lanes_of(const Deployment& deployment) {
  const auto& is_patient = options_.pipelines.is_patient;
  const bool waits =
      deployment.place() == Place::pipeline && is_patient && is_patient(deployment.name());
  return waits ? *patient_lanes_ : *lanes_;
}

DeploymentPtr Engine::pipeline(const std::string& name) {
  if (name.find('/') == std::string::npos) return nullptr;
  const auto names = pipelines();
  if (std::find(names.begin(), names.end(), name) == names.end()) return nullptr;
  return Deployment::pipeline(name, book_.of(name, {}));
}

std::vector<std::string> Engine::pipelines() const {
  return options_.pipelines.names ? options_.pipelines.names() : std::vector<std::string>();
}

std::vector<std::string> Engine::names() const {
  const PlanPtr plan = this->plan();
  const Settings& settings = plan->settings();
  std::vector<std::string> names;
  std::set<std::string> seen;
  const auto add = [&](const std::string& name) {
    if (seen.insert(name).second) names.push_back(name);
  };
  for (const std::string& name : settings.order)
    if (settings.models.contains(name) || settings.routes.contains(name)) add(name);
  for (const auto& [name, config] : settings.models) add(name);
  for (const auto& [name, route] : settings.routes) add(name);
  for (const std::string& name : pipelines()) add(name);
  for (const auto& info : plan->installed()) add(info.name);
  if (plan->deployment("default") != nullptr) add("default");
  return names;
}

dialects::WireError Engine::unknown_model(const access::Caller& caller,
                                          const std::string& name) const {
  std::vector<std::string> allowed = names();
  std::erase_if(allowed, [&](const std::string& one) { return !caller.may_use(one); });
  const std::vector<std::string_view> known(allowed.begin(), allowed.end());
  const auto hint = json::nearest(name, known);
  constexpr std::size_t listed_max = 10, shown_max = 100;
  std::string remedy = "; GET /v1/models lists those that there are";
  if (!hint.empty())
    remedy = fmt::format("; did you mean '{}'?", hint);
  else if (!known.empty() && known.size() <= listed_max)
    remedy = fmt::format("; there are: {}", fmt::join(known, ", "));
  return {
      404, "model_not_found",
      fmt::format("there is no model '{}'{}", std::string_view(name).substr(0, shown_max), remedy),
      "model"};
}

void Engine::report(const CallRecord& record) {
  if (options_.on_call) options_.on_call(record);
}

}  // namespace slipway::gateway::detail
