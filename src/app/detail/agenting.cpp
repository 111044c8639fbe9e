#include "app/detail/agenting.hpp"

#include "agents/chat_model.hpp"
#include "agents/mcp_tools.hpp"
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
  runtime.rag = [self](const Context& context, const agents::RagBody& body,
                       const agents::Value& asked) -> agents::Outcome<agents::Value> {
    const auto library = self->options_.library.with([](const auto& current) { return current; });
    if (!library) return agents::Failure{"unavailable", "the collections are not open yet"};
    return ask_library(*library, context, body, asked);
  };
  runtime.tools.add("mcp", agents::mcp_tool_factory());
  tools::add_all(runtime.tools, {.rag = runtime.rag});
  self->tools_ = runtime.tools;
  runtime.code = tools::code_runner();
  self->runtime_ = TRY(agents::Runtime::open(std::move(runtime)));
  agents::Host::Options host{
      .runtime = *self->runtime_, .data = self->options_.data, .waits_for_agents = true};
  host.load_options = [self] { return self->load_options(); };
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
  options.models = models_.with([](const auto& names) { return names; });
  return options;
}

Result<void> Agenting::apply(std::shared_ptr<models::Catalog> catalog,
                             std::vector<std::string> models,
                             std::vector<agents::DeclaredAgent> declared) {
  auto catalog_before =
      catalog_.with([&](auto& current) { return std::exchange(current, std::move(catalog)); });
  auto before = models_.with([&](auto& names) { return std::exchange(names, std::move(models)); });
  if (auto taken = host_->declare_agents(std::move(declared)); !taken) {
    models_.with([&](auto& names) { names = std::move(before); });
    catalog_.with([&](auto& current) { current = std::move(catalog_before); });
    return taken;
  }
  runtime_->forget_models();
  return {};
}

}  // namespace slipway::app::detail
