#include "app/detail/agenting.hpp"

#include "agents/chat_model.hpp"
#include "agents/mcp_tools.hpp"
#include "app/detail/agent_collections.hpp"
#include "app/detail/agent_traces.hpp"
#include "app/detail/agents_door.hpp"
#include "tools/tools.hpp"

namespace slipway::app::detail {

namespace {

/// A model and the catalog that it came from.
struct ModelParts {
  std::shared_ptr<models::Catalog> catalog;
  std::shared_ptr<agents::Model> model;
};

}  // namespace

Result<std::unique_ptr<Agenting>> Agenting::open(Options options) {
  auto agenting = std::make_unique<Agenting>(std::move(options));
  Agenting* const self = agenting.get();
  agents::Runtime::Options runtime;
  runtime.data = self->options_.data;
  runtime.budgets = &self->options_.ledger;
  runtime.open_model = [self](const agents::ModelSpec& spec) { return self->open_model(spec); };
  runtime.rag = collections_of(
      {.library = [self]() -> agents::Outcome<std::shared_ptr<rag::Library>> {
         auto library = self->options_.library.with([](const auto& current) { return current; });
         if (!library) return agents::Failure{"unavailable", "the collections are not open yet"};
         return library;
       },
       .ledger = &self->options_.ledger});
  runtime.tools.add("mcp", agents::mcp_tool_factory({.traceparent = traceparent_of_call}));
  tools::add_all(runtime.tools, {.rag = runtime.rag});
  self->tools_ = runtime.tools;
  runtime.code = tools::code_runner();
  self->runtime_ = TRY(agents::Runtime::open(std::move(runtime)));
  agents::Host::Options host{
      .runtime = *self->runtime_, .data = self->options_.data, .waits_for_agents = true};
  host.load_options = [self] { return self->load_options(); };
  host.reach = [self] { return self->reach(); };
  if (self->options_.recorder != nullptr) host.on_event = trace_runs(*self->options_.recorder);
  self->host_ = TRY(agents::Host::open(std::move(host)));
  return agenting;
}

Result<std::shared_ptr<agents::Model>> Agenting::open_model(const agents::ModelSpec& spec) {
  auto catalog = catalog_.with([](const auto& current) { return current; });
  if (!catalog) return fail(Code::unavailable, "the models are not open yet");
  auto parts = std::make_shared<ModelParts>();
  parts->model = TRY(agents::open_chat_model(*catalog, spec));
  parts->catalog = std::move(catalog);
  return std::shared_ptr<agents::Model>(parts, parts->model.get());
}

agents::LoadOptions Agenting::load_options() const {
  agents::LoadOptions options;
  options.check_tool = check_tool_;
  options.models = models_.with([](const auto& names) { return names; });
  options.model_price = [this](const std::string& name) -> agents::ModelPrice {
    const auto catalog = catalog_.with([](const auto& current) { return current; });
    if (!catalog) return {.is_known = false};
    return agents::price_in(*catalog, name);
  };
  return options;
}

Result<void> Agenting::check(std::vector<std::string> models,
                             const std::vector<agents::DeclaredAgent>& declared) {
  agents::LoadOptions options;
  options.check_tool = check_tool_;
  options.models = std::move(models);
  options.find_agent = [this](const std::string& name) -> Result<std::string> {
    const agents::AgentInfo info = TRY(host_->agent(name));
    // One that is declared now may be gone then.
    if (!info.file.empty()) return fail(Code::not_found, "there is no agent '{}'", name);
    return info.source;
  };
  TRY(agents::load_declared(declared, std::move(options)));
  return {};
}

agents::Reach Agenting::reach() const {
  return reach_.with([](const auto& reach) { return reach; });
}

Result<void> Agenting::apply(Wish wish) {
  auto catalog =
      catalog_.with([&](auto& now) { return std::exchange(now, std::move(wish.catalog)); });
  auto models = models_.with([&](auto& now) { return std::exchange(now, std::move(wish.models)); });
  auto reach = reach_.with([&](auto& now) { return std::exchange(now, std::move(wish.reach)); });
  if (auto taken = host_->declare_agents(std::move(wish.declared)); !taken) {
    reach_.with([&](auto& now) { now = std::move(reach); });
    models_.with([&](auto& now) { now = std::move(models); });
    catalog_.with([&](auto& now) { now = std::move(catalog); });
    return taken;
  }
  runtime_->forget_models();
  return {};
}

}  // namespace slipway::app::detail
