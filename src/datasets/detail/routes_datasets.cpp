// Datasets of LangSmith's clients: made, read, changed, deleted, brought in and given out as files.
#include <algorithm>

#include "core/unicode.hpp"
#include "datasets/detail/csv.hpp"
#include "datasets/detail/export.hpp"
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

struct DatasetBody {
  std::optional<std::string> id, name, description;
  std::optional<DataType> data_type;
  std::optional<json::Object> inputs_schema_definition, outputs_schema_definition, extra, metadata;
  std::optional<std::vector<json::Value>> transformations;
  std::optional<json::Array> steps() const {
    if (!transformations) return std::nullopt;
    return json::Array(transformations->begin(), transformations->end());
  }
};
BOOST_DESCRIBE_STRUCT(DatasetBody, (),
                      (id, name, description, data_type, inputs_schema_definition,
                       outputs_schema_definition, extra, metadata, transformations))

/// Clients put it into "extra".
Result<std::optional<json::Object>> metadata_of(const DatasetBody& body) {
  if (body.metadata) return body.metadata;
  const json::Value* inner = body.extra ? body.extra->if_contains("metadata") : nullptr;
  if (inner == nullptr) return std::optional<json::Object>();
  return std::optional(TRY(json::from<json::Object>(*inner).within("extra.metadata")));
}

Result<json::Object> told(const Context& context, const Services& services,
                          const Dataset& dataset) {
  return dataset_json(dataset, TRY(Experiments::make(context, services)));
}

Reply create(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  auto body = TRY(read_body<DatasetBody>(exchange));
  Dataset dataset{.id = body.id.value_or(""),
                  .name = body.name.value_or(""),
                  .description = body.description,
                  .data_type = body.data_type.value_or(DataType::kv),
                  .inputs_schema = body.inputs_schema_definition,
                  .outputs_schema = body.outputs_schema_definition,
                  .transformations = body.steps()};
  dataset.metadata = TRY(metadata_of(body)).value_or(json::Object());
  const Context& context = exchange->context();
  return json_reply(
      TRY(told(context, services, TRY(services.datasets.create(context, std::move(dataset))))));
}

Result<DatasetQuery> query_of(const http::Request& request) {
  DatasetQuery query;
  query.ids = trace::query_values(request, "id");
  query.name = trace::query_value(request, "name");
  query.name_part = trace::query_value(request, "name_contains");
  if (const auto type = trace::query_value(request, "data_type"))
    query.data_type = TRY(json::from<DataType>(json::Value(*type)).within("data_type"));
  if (const auto text = trace::query_value(request, "metadata"))
    query.metadata = TRY(
        json::from<json::Object>(TRY(json::parse(*text).within("metadata"))).within("metadata"));
  return query;
}

Reply list(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  DatasetQuery query = TRY(query_of(exchange->request()));
  const Paging paging = TRY(paging_of(exchange->request()));
  query.limit = paging.limit;
  query.offset = paging.offset;
  const auto experiments = TRY(Experiments::make(exchange->context(), services));
  json::Array all;
  for (const Dataset& dataset : TRY(services.datasets.list(exchange->context(), query)))
    all.push_back(dataset_json(dataset, experiments));
  return json_reply(all);
}

/// The cursor is the place in the list, which grows at its front: a page may repeat what the one
/// before it had, and leaves nothing out.
Reply list_v2(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  constexpr std::size_t page_default = 20, page_max = 100;
  const http::Request& request = exchange->request();
  DatasetQuery query = TRY(query_of(request));
  query.limit = static_cast<int>(std::clamp<std::size_t>(
      TRY(trace::query_number(request, "page_size", page_default)), 1, page_max));
  query.offset = TRY(read_offset(trace::query_value(request, "cursor").value_or("")));
  const int size = query.limit++;
  const auto experiments = TRY(Experiments::make(exchange->context(), services));
  json::Array items;
  const auto found = TRY(services.datasets.list(exchange->context(), query));
  for (const Dataset& dataset : found)
    if (static_cast<int>(items.size()) < size) items.push_back(dataset_json(dataset, experiments));
  json::Value next;
  if (static_cast<int>(found.size()) > size) next = std::to_string(query.offset + size);
  return json_reply(json::Object{{"items", std::move(items)}, {"next_cursor", std::move(next)}});
}

Reply read(const Services& services, const ExchangePtr& exchange,
           const http::PathParameters& path) {
  const Context& context = exchange->context();
  return json_reply(TRY(told(context, services,
                             TRY(services.datasets.read(context, trace::path_value(path, "id"))))));
}

Reply change(const Services& services, const ExchangePtr& exchange,
             const http::PathParameters& path) {
  const json::Value value = TRY(body_of(exchange));
  const auto body = TRY(json::from<DatasetBody>(value, json::Policy::ignore_unknown));
  const auto is_said = [&](std::string_view name) { return value.as_object().contains(name); };
  DatasetChange change;
  change.name = body.name;
  change.description = body.description;
  if (is_said("inputs_schema_definition")) change.inputs_schema = body.inputs_schema_definition;
  if (is_said("outputs_schema_definition")) change.outputs_schema = body.outputs_schema_definition;
  if (is_said("transformations")) change.transformations = body.steps();
  change.metadata = TRY(metadata_of(body));
  const Context& context = exchange->context();
  return json_reply(
      TRY(told(context, services,
               TRY(services.datasets.change(context, trace::path_value(path, "id"), change)))));
}

Reply remove(const Services& services, const ExchangePtr& exchange,
             const http::PathParameters& path) {
  TRY(services.datasets.remove(exchange->context(), trace::path_value(path, "id")));
  return json_reply(json::Object{{"message", "deleted"}});
}

// --- Files in

/// One object of the columns that are asked for.
Result<json::Object> cells(const Table& table, const std::vector<std::string>& row,
                           const std::vector<std::string>& keys, std::string_view what) {
  json::Object object;
  for (const std::string& key : keys) {
    const auto column = std::find(table.columns.begin(), table.columns.end(), key);
    if (column == table.columns.end())
      return fail(Code::invalid_argument, "{}: the table has no column '{}'; it has: {}", what, key,
                  fmt::join(table.columns, ", "));
    object[key] = row[static_cast<std::size_t>(column - table.columns.begin())];
  }
  return object;
}

struct UploadKeys {
  std::vector<std::string> inputs, outputs, metadata;
};

Result<std::vector<NewExample>> examples_of(const Table& table, const UploadKeys& keys) {
  std::vector<NewExample> examples;
  for (const auto& row : table.rows) {
    NewExample& one = examples.emplace_back();
    one.inputs = json::dump(TRY(cells(table, row, keys.inputs, "input_keys")));
    if (!keys.outputs.empty())
      one.outputs = json::dump(TRY(cells(table, row, keys.outputs, "output_keys")));
    one.metadata = TRY(cells(table, row, keys.metadata, "metadata_keys"));
  }
  return examples;
}

Reply upload(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  const http::Request& request = exchange->request();
  auto form =
      TRY(http::read_form(request.headers.get("content-type"), request.body, http::UploadLimits()));
  if (form.files.size() != 1)
    return fail(Code::invalid_argument, "file: one CSV file is wanted, got {}", form.files.size());
  UploadKeys keys;
  Dataset dataset{.name = form.files.front().name};
  for (const auto& [name, value] : form.fields) {
    if (name == "input_keys") keys.inputs.push_back(value);
    if (name == "output_keys") keys.outputs.push_back(value);
    if (name == "metadata_keys") keys.metadata.push_back(value);
    if (name == "name") dataset.name = value;
    if (name == "description") dataset.description = value;
    if (name == "id") dataset.id = value;
    if (name == "data_type")
      dataset.data_type = TRY(json::from<DataType>(json::Value(value)).within("data_type"));
  }
  if (keys.inputs.empty())
    return fail(Code::invalid_argument, "input_keys: the name of a column at least is wanted");
  const std::string bytes = TRY(form.files.front().read());
  if (!unicode::is_valid_utf8(bytes))
    return fail(Code::invalid_argument, "file: '{}' is not UTF-8", form.files.front().name);
  auto examples = TRY(examples_of(TRY(read_csv(bytes).within("file")), keys));
  const Context& context = exchange->context();
  dataset = TRY(services.datasets.create(context, std::move(dataset)));
  if (!examples.empty()) {
    const auto added = services.datasets.add(context, dataset.id, std::move(examples));
    if (!added) {
      (void)services.datasets.remove(context, dataset.id);
      return added.error();
    }
  }
  return json_reply(TRY(told(context, services, TRY(services.datasets.read(context, dataset.id)))));
}

struct CloneBody {
  std::string source_dataset_id, target_dataset_id;
  std::optional<std::string> as_of;
  std::optional<std::vector<std::string>> examples;
};
BOOST_DESCRIBE_STRUCT(CloneBody, (), (source_dataset_id, target_dataset_id, as_of, examples))

/// Examples of one dataset into another; they get ids of their own.
Reply clone(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  const auto body = TRY(read_body<CloneBody>(exchange));
  const Context& context = exchange->context();
  AsOf as_of = TRY(parse_as_of(body.as_of.value_or("")));
  ExampleQuery query{.dataset_id = body.source_dataset_id,
                     .ids = body.examples.value_or(std::vector<std::string>()),
                     .as_of = std::move(as_of)};
  query.limit = 1000;
  std::vector<NewExample> copies;
  for (;;) {
    const auto page = TRY(services.datasets.examples(context, query));
    for (const Example& example : page) {
      NewExample& copy = copies.emplace_back();
      copy.inputs = example.inputs;
      copy.outputs = example.outputs;
      copy.metadata = example.metadata;
      copy.source_run_id = example.source_run_id;
      for (const Attachment& one : example.attachments) {
        std::string bytes = TRY(services.datasets.bytes_of(one));
        copy.attachments.push_back({one.name, one.media_type, std::move(bytes)});
      }
    }
    if (static_cast<int>(page.size()) < query.limit) break;
    query.after = page.back().place;
  }
  if (copies.empty()) return json_reply(json::Array());
  const auto written =
      TRY(services.datasets.add(context, body.target_dataset_id, std::move(copies)));
  return json_reply(json::to(written.example_ids));
}

// --- Files out

Reply give_out(const Services& services, const ExchangePtr& exchange,
               const http::PathParameters& path, Format format) {
  AsOf as_of = TRY(as_of_of(exchange->request()));
  const Export whole = TRY(export_dataset(
      exchange->context(), services.datasets,
      {.dataset_id = trace::path_value(path, "id"), .as_of = std::move(as_of), .format = format}));
  return http::Response{
      .status = 200,
      .headers = {{"Content-Type", whole.media_type},
                  {"Content-Disposition", "attachment; filename=\"" + whole.file_name + "\""},
                  {"X-Content-Type-Options", "nosniff"}},
      .body = whole.bytes};
}

template <Format format>
Reply give_out_as(const Services& services, const ExchangePtr& exchange,
                  const http::PathParameters& path) {
  return give_out(services, exchange, path, format);
}

}  // namespace

void mount_datasets(const Routes& routes) {
  routes.add("POST", "/datasets", "write", create);
  routes.add("GET", "/datasets", "read", list);
  routes.add_v2("GET", "/datasets", "read", list_v2);
  routes.take("POST", "/datasets/upload", upload);
  routes.add("POST", "/datasets/clone", "write", clone);
  routes.add("GET", "/datasets/{id}", "read", read);
  routes.add("PATCH", "/datasets/{id}", "write", change);
  routes.add("DELETE", "/datasets/{id}", "write", remove);
  routes.add("GET", "/datasets/{id}/jsonl", "read", give_out_as<Format::jsonl>);
  routes.add("GET", "/datasets/{id}/csv", "read", give_out_as<Format::csv>);
  routes.add("GET", "/datasets/{id}/openai_ft", "read", give_out_as<Format::openai>);
  routes.add("GET", "/datasets/{id}/openai", "read", give_out_as<Format::openai>);
}

}  // namespace slipway::datasets::detail
