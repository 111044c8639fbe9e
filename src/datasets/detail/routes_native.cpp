// /api/datasets: datasets, their versions and experiments.
#include "datasets/detail/native.hpp"
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

Result<DatasetList> list(const Context& context, Datasets& datasets, const DatasetListing& wish) {
  const int offset = TRY(read_offset(wish.cursor));
  DatasetQuery query{.name_part = wish.q, .limit = wish.limit + 1, .offset = offset};
  DatasetList page;
  for (const Dataset& dataset : TRY(datasets.list(context, query))) {
    if (static_cast<int>(page.items.size()) == wish.limit) {
      page.next_cursor = std::to_string(offset + wish.limit);
      break;
    }
    page.items.push_back(shape_of(dataset));
  }
  return page;
}

Result<DatasetDetails> details(const Context& context, Datasets& datasets, const Named& wish) {
  DatasetDetails shape;
  static_cast<DatasetShape&>(shape) = shape_of(wish.dataset);
  const auto version = datasets.version(context, wish.dataset.id, wish.as_of);
  const bool is_current = wish.as_of.tag.empty() && wish.as_of.time == latest;
  if (!version && (version.error().code() != Code::not_found || !is_current))
    return version.error();
  if (!version) return shape;
  shape.version = shape_of(*version);
  shape.digest = TRY(datasets.digest(context, wish.dataset.id, wish.as_of));
  shape.splits = TRY(datasets.splits(context, wish.dataset.id, wish.as_of));
  return shape;
}

Result<ExperimentList> experiments(const Context& context, const Services& services,
                                   const Dataset& dataset) {
  ExperimentList list;
  for (const trace::Session& session : TRY(Experiments::make(context, services)).of(dataset.id)) {
    trace::Query query;
    query.project = session.name;
    const trace::StatsRow row = TRY(services.traces.store.stats(context, query, std::nullopt)).all;
    ExperimentShape& shape = list.items.emplace_back();
    shape.id = session.id;
    shape.name = session.name;
    shape.start_time = trace::langsmith_time(session.start);
    if (const json::Value* metadata = session.extra.if_contains("metadata"))
      if (metadata->is_object()) shape.metadata = metadata->get_object();
    shape.runs = row.traces;
    shape.errors = row.errors;
    shape.p50_ms = row.p50_ms;
    shape.p99_ms = row.p99_ms;
    shape.input_tokens = row.input_tokens;
    shape.output_tokens = row.output_tokens;
    shape.cost_usd = row.cost.dollars();
    shape.feedback = trace::feedback_stats_json(
        TRY(services.traces.feedbacks.stats_of_session(context, session.id, false)));
  }
  return list;
}

void mount_list(http::Api& api, const Services& services) {
  Datasets* const datasets = &services.datasets;
  api.get<DatasetListing, DatasetList>(
      "/api/datasets",
      {.summary = "List datasets", .tag = "datasets", .role = "read", .name = "list_datasets"},
      [datasets](const http::Call& call, const DatasetListing& wish) {
        return list(call.context(), *datasets, wish);
      });
  api.post<http::NoParameters, NewDatasetBody, http::Created<DatasetShape>>(
      "/api/datasets",
      {.summary = "Make a dataset",
       .tag = "datasets",
       .role = "write",
       .name = "create_dataset",
       .fails = {Code::conflict}},
      [datasets](const http::Call& call, const http::NoParameters&,
                 const NewDatasetBody& body) -> Result<http::Created<DatasetShape>> {
        const Dataset made =
            TRY(datasets->create(call.context(), {.name = body.name,
                                                  .description = body.description,
                                                  .data_type = body.data_type,
                                                  .inputs_schema = body.inputs_schema,
                                                  .outputs_schema = body.outputs_schema,
                                                  .metadata = body.metadata}));
        return http::Created<DatasetShape>{shape_of(made),
                                           "/api/datasets/" + http::percent_encode(made.name)};
      });
}

void mount_one(http::Api& api, const Services& services) {
  Datasets* const datasets = &services.datasets;
  api.get<DatasetWish, DatasetDetails>(
      "/api/datasets/{name}",
      {.summary = "One dataset in one version",
       .tag = "datasets",
       .role = "read",
       .name = "get_dataset",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call, const DatasetWish& wish) -> Result<DatasetDetails> {
        return details(call.context(), *datasets, TRY(named(call.context(), *datasets, wish.name)));
      });
  api.add<DatasetWish, DatasetChangeBody, DatasetShape>(
      "PATCH", "/api/datasets/{name}",
      {.summary = "Change a dataset's name, description or metadata",
       .tag = "datasets",
       .role = "write",
       .name = "change_dataset",
       .fails = {Code::not_found, Code::conflict}},
      [datasets](const http::Call& call, const DatasetWish& wish,
                 const DatasetChangeBody& body) -> Result<DatasetShape> {
        const Named one = TRY(named(call.context(), *datasets, wish.name));
        return shape_of(TRY(datasets->change(
            call.context(), one.dataset.id,
            {.name = body.name, .description = body.description, .metadata = body.metadata})));
      });
  api.remove<DatasetWish, http::NoContent>(
      "/api/datasets/{name}",
      {.summary = "Delete a dataset with all its versions",
       .tag = "datasets",
       .role = "write",
       .name = "delete_dataset",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call, const DatasetWish& wish) -> Result<http::NoContent> {
        TRY(datasets->remove(call.context(),
                             TRY(named(call.context(), *datasets, wish.name)).dataset.id));
        return http::NoContent{};
      });
}

void mount_history(http::Api& api, const Services& services) {
  Datasets* const datasets = &services.datasets;
  api.get<VersionListing, VersionList>(
      "/api/datasets/{name}/versions",
      {.summary = "Versions of a dataset, youngest first",
       .tag = "datasets",
       .role = "read",
       .name = "list_dataset_versions",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call, const VersionListing& wish) -> Result<VersionList> {
        const Named one = TRY(named(call.context(), *datasets, wish.name));
        const int offset = TRY(read_offset(wish.cursor));
        VersionList page;
        for (const VersionInfo& info : TRY(datasets->versions(
                 call.context(), one.dataset.id, {.limit = wish.limit + 1, .offset = offset})))
          page.items.push_back(shape_of(info));
        if (static_cast<int>(page.items.size()) > wish.limit) {
          page.items.pop_back();
          page.next_cursor = std::to_string(offset + wish.limit);
        }
        return page;
      });
  api.put<DatasetWish, NewTagBody, VersionShape>(
      "/api/datasets/{name}/tags",
      {.summary = "Name a version, or move its name",
       .tag = "datasets",
       .role = "write",
       .name = "tag_dataset",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call, const DatasetWish& wish,
                 const NewTagBody& body) -> Result<VersionShape> {
        const Named one = TRY(named(call.context(), *datasets, wish.name));
        return shape_of(TRY(datasets->tag(call.context(), one.dataset.id,
                                          TRY(parse_as_of(body.version)), body.tag)));
      });
  api.get<DiffWish, DiffShape>(
      "/api/datasets/{name}/diff",
      {.summary = "What changed between two versions: ids of examples",
       .tag = "datasets",
       .role = "read",
       .name = "diff_dataset",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call, const DiffWish& wish) -> Result<DiffShape> {
        const Named one = TRY(named(call.context(), *datasets, wish.name));
        Difference difference =
            TRY(datasets->diff(call.context(), one.dataset.id, TRY(parse_as_of(wish.from)),
                               TRY(parse_as_of(wish.to))));
        return DiffShape{std::move(difference.added), std::move(difference.removed),
                         std::move(difference.modified)};
      });
}

}  // namespace

void mount_native(http::Api& api, const Services& services) {
  mount_list(api, services);
  mount_one(api, services);
  mount_history(api, services);
  Datasets* const datasets = &services.datasets;
  api.get<ExportListing, http::Bytes>(
      "/api/datasets/{name}/export",
      {.summary = "A version of a dataset as one file",
       .tag = "datasets",
       .role = "read",
       .name = "export_dataset",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call, const ExportListing& wish) -> Result<http::Bytes> {
        const Named one = TRY(named(call.context(), *datasets, wish.name));
        Export whole = TRY(export_dataset(
            call.context(), *datasets,
            {.dataset_id = one.dataset.id, .as_of = one.as_of, .format = wish.format}));
        return http::Bytes{.bytes = std::move(whole.bytes),
                           .media_type = std::move(whole.media_type),
                           .file_name = std::move(whole.file_name)};
      });
  api.get<DatasetWish, ExperimentList>(
      "/api/datasets/{name}/experiments",
      {.summary = "Experiments over a dataset, with their figures",
       .tag = "datasets",
       .role = "read",
       .name = "list_experiments",
       .fails = {Code::not_found}},
      [services](const http::Call& call, const DatasetWish& wish) -> Result<ExperimentList> {
        const Named one = TRY(named(call.context(), services.datasets, wish.name));
        return experiments(call.context(), services, one.dataset);
      });
}

}  // namespace slipway::datasets::detail
