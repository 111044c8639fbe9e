// Examples of LangSmith's clients, made and changed.
#include <algorithm>
#include <set>

#include "core/json_members.hpp"
#include "datasets/detail/example_bodies.hpp"
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

json::Object written_json(const Written& written) {
  return {{"count", written.example_ids.size()},
          {"example_ids", json::to(written.example_ids)},
          {"as_of", time_text(written.version)}};
}

/// By id, or by name.
Result<std::string> dataset_called(const Context& context, const Services& services,
                                   const std::string& name) {
  if (name.empty()) return fail(Code::invalid_argument, "dataset_id: is required");
  auto dataset = services.datasets.read(context, name);
  if (!dataset) dataset = services.datasets.read_named(context, name);
  if (!dataset) return fail(Code::not_found, "Dataset not found: {}", name.substr(0, 100));
  return dataset->id;
}

/// All of them are of one dataset: what is one request is one version.
Result<Written> add_all(const Context& context, const Services& services,
                        std::vector<ExampleWish> wishes) {
  std::set<std::string> datasets;
  for (const ExampleWish& wish : wishes) datasets.insert(wish.dataset);
  if (datasets.size() != 1)
    return fail(Code::invalid_argument, "examples of one dataset are wanted, got {}",
                datasets.size());
  const std::string id = TRY(dataset_called(context, services, *datasets.begin()));
  return services.datasets.add(context, id, TRY(complete(context, services, std::move(wishes))));
}

Reply create(const Services& services, const ExchangePtr& exchange, const http::PathParameters&) {
  const http::Request& request = exchange->request();
  const Context& context = exchange->context();
  const Written written =
      TRY(add_all(context, services, {TRY(read_example(request.body).within("the body"))}));
  const Example example =
      TRY(services.datasets.example(context, written.example_ids.front(), AsOf{}));
  return trace::json_response(
      200, example_text(example, {.origin = trace::server_url(request), .has_attachments = true}));
}

template <typename T>
Result<std::vector<T>> read_all(const ExchangePtr& exchange,
                                Result<T> (*read)(std::string_view object)) {
  const std::string& body = exchange->request().body;
  const std::size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos || body[begin] != '[' || !json::is_valid(body))
    return fail(Code::invalid_argument, "the body: a JSON array of examples is wanted");
  std::vector<T> all;
  json::Items items(body);
  std::string_view item;
  while (items.next(item)) all.push_back(TRY(read(item).within(fmt::format("[{}]", all.size()))));
  if (all.empty()) return fail(Code::invalid_argument, "the body: one example at least is wanted");
  return all;
}

Reply create_many(const Services& services, const ExchangePtr& exchange,
                  const http::PathParameters&) {
  const http::Request& request = exchange->request();
  const Context& context = exchange->context();
  const Written written =
      TRY(add_all(context, services, TRY(read_all<ExampleWish>(exchange, read_example))));
  std::vector<Example> made;
  for (const std::string& id : written.example_ids)
    made.push_back(TRY(services.datasets.example(context, id, AsOf{})));
  return trace::json_response(200, examples_text(made, {.origin = trace::server_url(request)}));
}

Reply change(const Services& services, const ExchangePtr& exchange,
             const http::PathParameters& path) {
  const Context& context = exchange->context();
  ExampleChange change = TRY(read_example_change(exchange->request().body).within("the body"));
  change.id = trace::path_value(path, "id");
  const Example known = TRY(services.datasets.example(context, change.id, AsOf{}));
  const Written written =
      TRY(services.datasets.change_examples(context, known.dataset_id, {std::move(change)}));
  json::Object reply = written_json(written);
  reply["message"] = "updated";
  return json_reply(reply);
}

Reply change_many(const Services& services, const ExchangePtr& exchange,
                  const http::PathParameters&) {
  const Context& context = exchange->context();
  auto changes = TRY(read_all<ExampleChange>(exchange, read_example_change));
  const Example known = TRY(services.datasets.example(context, changes.front().id, AsOf{}));
  const Written written =
      TRY(services.datasets.change_examples(context, known.dataset_id, std::move(changes)));
  json::Object reply = written_json(written);
  reply["message"] = fmt::format("{} examples updated", written.example_ids.size());
  return json_reply(reply);
}

// --- Multipart

Reply add_parts(const Services& services, const ExchangePtr& exchange,
                const http::PathParameters& path) {
  const Context& context = exchange->context();
  auto wishes = TRY(read_example_parts(exchange->request()));
  for (ExampleWish& wish : wishes) wish.dataset = trace::path_value(path, "id");
  if (wishes.empty()) return fail(Code::invalid_argument, "the body holds no example");
  return json_reply(written_json(TRY(add_all(context, services, std::move(wishes)))), 201);
}

Reply change_parts(const Services& services, const ExchangePtr& exchange,
                   const http::PathParameters& path) {
  auto changes = TRY(read_change_parts(exchange->request()));
  if (changes.empty()) return fail(Code::invalid_argument, "the body holds no example");
  return json_reply(written_json(TRY(services.datasets.change_examples(
      exchange->context(), trace::path_value(path, "id"), std::move(changes)))));
}

/// Examples that are there are changed, the others are made.
Reply upsert_parts(const Services& services, const ExchangePtr& exchange,
                   const http::PathParameters&) {
  const Context& context = exchange->context();
  std::vector<ExampleWish> fresh;
  std::vector<ExampleChange> changes;
  std::string dataset;
  for (ExampleWish& wish : TRY(read_example_parts(exchange->request()))) {
    if (dataset.empty()) dataset = wish.dataset;
    const auto known = services.datasets.example(context, wish.example.id, AsOf{});
    if (!known && known.error().code() != Code::not_found) return known.error();
    if (!known) {
      fresh.push_back(std::move(wish));
      continue;
    }
    ExampleChange& change = changes.emplace_back(ExampleChange{.id = wish.example.id});
    if (wish.has_inputs) change.inputs = std::move(wish.example.inputs);
    change.outputs = std::move(wish.example.outputs);
    change.attachments = std::move(wish.example.attachments);
    if (!wish.example.metadata.empty()) change.metadata = std::move(wish.example.metadata);
    if (!wish.example.splits.empty()) change.splits = std::move(wish.example.splits);
  }
  Written written;
  if (!fresh.empty()) written = TRY(add_all(context, services, std::move(fresh)));
  if (!changes.empty()) {
    const std::string id = TRY(dataset_called(context, services, dataset));
    Written changed = TRY(services.datasets.change_examples(context, id, std::move(changes)));
    written.version = changed.version;
    for (std::string& one : changed.example_ids) written.example_ids.push_back(std::move(one));
  }
  return json_reply(written_json(written), 201);
}

// --- Metadata

struct OperationBody {
  std::string key, operation;
  json::Value value;
  std::vector<std::string> values;
  static constexpr std::string_view required[] = {"key", "operation"};
};
BOOST_DESCRIBE_STRUCT(OperationBody, (), (key, operation, value, values))

struct MetadataBody {
  std::vector<std::string> example_ids;
  std::vector<OperationBody> operations;
  static constexpr std::string_view required[] = {"example_ids", "operations"};
};
BOOST_DESCRIBE_STRUCT(MetadataBody, (), (example_ids, operations))

Result<MetadataOperation> operation_of(OperationBody body) {
  constexpr std::size_t key_bytes_max = 255;
  if (body.key.empty() || body.key.size() > key_bytes_max)
    return fail(Code::invalid_argument, "key: 1 to {} bytes are wanted", key_bytes_max);
  MetadataOperation operation{
      .key = std::move(body.key), .value = std::move(body.value), .values = std::move(body.values)};
  using Kind = MetadataOperation::Kind;
  for (const auto& [name, kind] :
       {std::pair("SET", Kind::set), std::pair("ARRAY_ADD", Kind::array_add),
        std::pair("ARRAY_REMOVE", Kind::array_remove)})
    if (http::equals_ignoring_case(body.operation, name)) {
      operation.kind = kind;
      return operation;
    }
  return fail(Code::invalid_argument, "operation: '{}' is none of: SET, ARRAY_ADD, ARRAY_REMOVE",
              body.operation.substr(0, 60));
}

Reply change_metadata(const Services& services, const ExchangePtr& exchange,
                      const http::PathParameters& path) {
  constexpr std::size_t ids_max = 10'000, operations_max = 50;
  auto body = TRY(read_body<MetadataBody>(exchange));
  if (body.example_ids.size() > ids_max || body.operations.size() > operations_max)
    return fail(Code::invalid_argument, "at most {} example_ids and {} operations are taken",
                ids_max, operations_max);
  std::vector<MetadataOperation> operations;
  for (OperationBody& one : body.operations)
    operations.push_back(
        TRY(operation_of(std::move(one)).within(fmt::format("operations[{}]", operations.size()))));
  const Written written = TRY(services.datasets.change_metadata(
      exchange->context(), trace::path_value(path, "id"), body.example_ids, operations));
  const std::set<std::string> changed(written.example_ids.begin(), written.example_ids.end());
  json::Array statuses;
  for (const std::string& id : body.example_ids) {
    const bool is_changed = changed.contains(trace::as_uuid(id));
    json::Object status{{"id", id}, {"status", is_changed ? "UPDATED" : "NOT_FOUND"}};
    if (!is_changed) status["description"] = "not in the dataset, or deleted";
    statuses.push_back(std::move(status));
  }
  return json_reply(json::Object{{"statuses", std::move(statuses)}}, 207);
}

}  // namespace

void mount_example_bodies(const Routes& routes) {
  routes.take("POST", "/examples", create);
  routes.take("POST", "/examples/bulk", create_many);
  routes.take("PATCH", "/examples/bulk", change_many);
  routes.take("PATCH", "/examples/{id}", change);
  routes.take("POST", "/platform/datasets/{id}/examples", add_parts);
  routes.take("PATCH", "/platform/datasets/{id}/examples", change_parts);
  routes.take("POST", "/platform/examples/multipart", upsert_parts);
  routes.take("PATCH", "/platform/datasets/{id}/examples/metadata", change_metadata);
}

}  // namespace slipway::datasets::detail
