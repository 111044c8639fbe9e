#include "app/detail/pipelines.hpp"

#include "agents/pipeline.hpp"
#include "app/detail/question_payments.hpp"
#include "rag/pipeline.hpp"

namespace slipway::app::detail {

namespace {

/// A chat model and the library that it asks.
struct PipelineParts {
  std::shared_ptr<rag::Library> library;
  std::shared_ptr<models::ChatModel> model;
};

}  // namespace

bool is_pipeline(std::string_view name) {
  return name.starts_with(rag::pipeline_prefix) || name.starts_with(agents::pipeline_prefix);
}

gateway::Pipelines pipelines_of(Guarded<std::shared_ptr<rag::Library>>& current,
                                budgets::Ledger& ledger, Agenting& agenting) {
  const auto library_now = [&current] {
    return current.with([](const auto& library) { return library; });
  };
  gateway::Pipelines pipelines;
  pipelines.names = [library_now, &host = agenting.host()] {
    std::vector<std::string> names;
    if (const auto infos = library_now()->collections({}))
      for (const rag::CollectionInfo& info : *infos)
        names.push_back(std::string(rag::pipeline_prefix) + info.name);
    for (const std::string& agent : host.agent_names())
      names.push_back(std::string(agents::pipeline_prefix) + agent);
    return names;
  };
  pipelines.is_patient = [](const std::string& name) {
    return name.starts_with(agents::pipeline_prefix);
  };
  pipelines.find = [library_now, &agenting, &ledger](
                       const std::string& name,
                       gateway::PipelineCall call) -> Result<std::shared_ptr<models::ChatModel>> {
    if (name.starts_with(agents::pipeline_prefix))
      return agents::make_pipeline({.host = agenting.host(),
                                    .runtime = agenting.runtime(),
                                    .agent = name.substr(agents::pipeline_prefix.size()),
                                    .caller = call.origin.key,
                                    .origin = call.origin,
                                    .thread = std::move(call.thread),
                                    .answers = std::move(call.answers)});
    if (!name.starts_with(rag::pipeline_prefix))
      return fail(Code::not_found, "'{}' is no pipeline", name);
    const std::string collection = name.substr(rag::pipeline_prefix.size());
    auto parts = std::make_shared<PipelineParts>();
    parts->library = library_now();
    TRY(parts->library->collection({}, collection));
    parts->model =
        rag::make_pipeline(*parts->library, collection, std::move(call.origin),
                           question_payments(ledger, std::move(call.run), std::move(call.refused)));
    return std::shared_ptr<models::ChatModel>(parts, parts->model.get());
  };
  return pipelines;
}

}  // namespace slipway::app::detail
