// /api/datasets/{name}/examples: from JSON, from files, from runs, from traffic.
#include "core/json_members.hpp"
#include "core/unicode.hpp"
#include "datasets/detail/csv.hpp"
#include "datasets/detail/example_bodies.hpp"
#include "datasets/detail/native.hpp"
#include "datasets/detail/routes.hpp"
#include "datasets/detail/wire.hpp"
#include "trace/feedback_filter.hpp"

namespace slipway::datasets::detail {

namespace {

using Examples = http::Written<ExampleList>;
using Upload = http::Form<ImportFields>;

Result<Examples> list(const http::Call& call, Datasets& datasets, const ExampleListing& wish) {
  const Named one = TRY(named(call.context(), datasets, wish.name));
  ExampleQuery query{.dataset_id = one.dataset.id,
                     .as_of = one.as_of,
                     .filter = wish.filter.value_or(""),
                     .limit = wish.limit + 1};
  if (wish.split) query.splits = {*wish.split};
  query.after = TRY(read_place(wish.cursor));
  const auto found = TRY(datasets.examples(call.context(), query));
  const std::string origin = trace::server_url(call.request());
  std::string text = "{\"items\":[";
  for (std::size_t i = 0; i < found.size() && i < static_cast<std::size_t>(wish.limit); ++i) {
    if (i > 0) text += ',';
    text += native_example_text(found[i], origin);
  }
  text += "],\"next_cursor\":";
  const bool has_more = found.size() > static_cast<std::size_t>(wish.limit);
  text += has_more ? fmt::format("\"{}\"", found[found.size() - 2].place) : "null";
  return Examples{text + "}"};
}

WrittenShape shape_of(Written written, std::int64_t skipped = 0) {
  return {.version = written.version == 0 ? "" : time_text(written.version),
          .ids = std::move(written.example_ids),
          .skipped = skipped};
}

/// The same run gives the same example, so that it is added once.
NewExample of_run(const trace::Run& run, const std::string& dataset_id,
                  const json::Object& metadata, const std::vector<std::string>& splits) {
  NewExample example = example_of_run(run);
  example.id = trace::uuid_of(dataset_id + "/" + run.trace_id + "/" + run.id);
  example.metadata = metadata;
  example.metadata["trace_id"] = run.trace_id;
  example.splits = splits;
  return example;
}

Result<WrittenShape> add(const Context& context, const Services& services, const Dataset& dataset,
                         const NewExamplesBody& body, std::string_view text) {
  const bool is_of_run = body.from_run && !body.from_run->empty();
  if (body.examples.has_value() == is_of_run)
    return fail(Code::invalid_argument, "either examples or from_run is wanted");
  std::vector<NewExample> examples;
  if (is_of_run) {
    const trace::Run run =
        TRY(services.traces.store.run(context, *body.from_run, body.trace_id.value_or("")));
    NewExample& one = examples.emplace_back(of_run(run, dataset.id, body.metadata, body.splits));
    if (body.outputs) one.outputs = std::string(json::member(text, "outputs"));
    if (services.datasets.example(context, one.id, AsOf{}))
      return fail(Code::conflict, "run '{}' is example {} of '{}' already; change that one",
                  *body.from_run, one.id, dataset.name);
  } else {
    // As text: numbers keep their digits.
    json::Items items(json::member(text, "examples"));
    std::string_view item;
    for (const ExampleObject& object : *body.examples) {
      if (!items.next(item)) break;
      NewExample& one = examples.emplace_back(TRY(read_example(item)).example);
      one.splits = object.splits;
    }
  }
  return shape_of(TRY(services.datasets.add(context, dataset.id, std::move(examples))));
}

Result<trace::Query> query_of(const Context& context, const Services& services,
                              const TrafficBody& body) {
  trace::Query query;
  query.project = body.project;
  query.name = body.name;
  query.model = body.model;
  query.session_id = body.session_id;
  query.user_id = body.user_id;
  query.key = body.key;
  query.prompt = body.prompt;
  query.tag = body.tag;
  query.status = body.status;
  query.kind = body.kind;
  query.min_latency_ms = body.min_latency_ms;
  query.max_latency_ms = body.max_latency_ms;
  if (body.from) query.from = TRY(trace::read_langsmith_time(*body.from).within("from"));
  if (body.to) query.to = TRY(trace::read_langsmith_time(*body.to).within("to"));
  if (body.q) query.text = trace::parse_text_query(*body.q);
  json::Array all;
  if (body.filter) all.push_back(*body.filter);
  if (body.roots_only) all.push_back(json::Object{{"parent_id", json::Object{{"$exists", false}}}});
  if (all.empty()) return query;
  query.filter = TRY(trace::parse_filter(json::Object{{"$and", std::move(all)}}));
  TRY(trace::resolve_feedback(context, services.traces.feedbacks, *query.filter,
                              trace::Listed::runs));
  return query;
}

Result<WrittenShape> add_traffic(const Context& context, const Services& services,
                                 const Dataset& dataset, const TrafficBody& body) {
  trace::Query query = TRY(query_of(context, services, body));
  std::vector<NewExample> examples;
  std::int64_t skipped = 0;
  int left = body.limit;
  while (left > 0) {
    TRY(context.check());
    query.limit = std::min(left, 1000);
    const auto page = TRY(services.traces.store.runs(context, query));
    for (const trace::Run& run : page.items) {
      --left;
      NewExample one = of_run(run, dataset.id, body.metadata, body.splits);
      const auto known = services.datasets.example(context, one.id, AsOf{});
      if (!known && known.error().code() != Code::not_found) return known.error();
      if (known)
        ++skipped;
      else
        examples.push_back(std::move(one));
    }
    if (!page.next_cursor) break;
    query.cursor = *page.next_cursor;
  }
  Written written;
  if (!examples.empty())
    written = TRY(services.datasets.add(context, dataset.id, std::move(examples)));
  return shape_of(std::move(written), skipped);
}

/// Columns "input_KEY" and "output_KEY", or all of them as inputs.
Result<std::vector<NewExample>> read_table(std::string_view bytes) {
  const Table table = TRY(read_csv(bytes));
  constexpr std::string_view in = "input_", out = "output_";
  const bool is_told = std::any_of(table.columns.begin(), table.columns.end(),
                                   [&](const std::string& name) { return name.starts_with(in); });
  std::vector<NewExample> examples;
  for (const auto& row : table.rows) {
    json::Object inputs, outputs;
    NewExample& one = examples.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string_view name = table.columns[i];
      if (!is_told)
        inputs[name] = row[i];
      else if (name.starts_with(in))
        inputs[name.substr(in.size())] = row[i];
      else if (name.starts_with(out))
        outputs[name.substr(out.size())] = row[i];
      else if (name == "id")
        one.id = row[i];
      else
        one.metadata[name] = row[i];
    }
    one.inputs = json::dump(inputs);
    if (!outputs.empty()) one.outputs = json::dump(outputs);
  }
  return examples;
}

Result<std::vector<NewExample>> read_lines(std::string_view bytes) {
  std::vector<NewExample> examples;
  int number = 0;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(bytes.size(), end + 1));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto wish = TRY(read_example(line).within(fmt::format("line {}", number)));
    if (!wish.has_inputs)
      return fail(Code::invalid_argument, "line {}: inputs: is required", number);
    examples.push_back(std::move(wish.example));
  }
  return examples;
}

Result<WrittenShape> import(const Context& context, Datasets& datasets, const Dataset& dataset,
                            const Upload& upload) {
  std::vector<NewExample> examples;
  for (const http::UploadedFile& file : upload.files) {
    const std::string bytes = TRY(file.read());
    if (!unicode::is_valid_utf8(bytes))
      return fail(Code::invalid_argument, "{}: is not UTF-8", file.name);
    const bool is_csv = file.name.ends_with(".csv") || file.media_type.starts_with("text/csv");
    for (NewExample& one :
         TRY((is_csv ? read_table(bytes) : read_lines(bytes)).within(file.name))) {
      if (!upload.fields.splits.empty()) one.splits = upload.fields.splits;
      examples.push_back(std::move(one));
    }
  }
  if (examples.empty()) return fail(Code::invalid_argument, "the files hold no example");
  return shape_of(TRY(datasets.add(context, dataset.id, std::move(examples))));
}

http::RouteNotes notes(std::string summary, std::string name, std::vector<Code> fails) {
  return {.summary = std::move(summary),
          .tag = "datasets",
          .role = "write",
          .name = std::move(name),
          .fails = std::move(fails)};
}

void mount_additions(http::Api& api, const Services& services) {
  using Made = http::Created<WrittenShape>;
  api.post<DatasetWish, NewExamplesBody, Made>(
      "/api/datasets/{name}/examples",
      notes("Add examples, or the example that a run is", "add_examples",
            {Code::not_found, Code::conflict}),
      [services](const http::Call& call, const DatasetWish& wish,
                 const NewExamplesBody& body) -> Result<Made> {
        const Named one = TRY(named(call.context(), services.datasets, wish.name));
        return Made{TRY(add(call.context(), services, one.dataset, body, call.request().body)), ""};
      });
  api.post<DatasetWish, TrafficBody, Made>(
      "/api/datasets/{name}/from-traces",
      notes("Add what matching runs were asked and answered", "add_examples_from_traces",
            {Code::not_found}),
      [services](const http::Call& call, const DatasetWish& wish,
                 const TrafficBody& body) -> Result<Made> {
        const Named one = TRY(named(call.context(), services.datasets, wish.name));
        return Made{TRY(add_traffic(call.context(), services, one.dataset, body)), ""};
      });
  api.post<DatasetWish, Upload, Made>(
      "/api/datasets/{name}/import",
      notes("Add the examples of files: JSON Lines, or CSV", "import_examples",
            {Code::not_found, Code::conflict}),
      [services](const http::Call& call, const DatasetWish& wish,
                 const Upload& upload) -> Result<Made> {
        const Named one = TRY(named(call.context(), services.datasets, wish.name));
        return Made{TRY(import(call.context(), services.datasets, one.dataset, upload)), ""};
      });
}

Result<Example> example_of(const Context& context, Datasets& datasets, const ExamplePath& path) {
  const Named one = TRY(named(context, datasets, path.name));
  Example example = TRY(datasets.example(context, path.id, one.as_of));
  if (example.dataset_id != one.dataset.id)
    return fail(Code::not_found, "dataset '{}' has no example {}", one.dataset.name, path.id);
  return example;
}

}  // namespace

void mount_native_examples(http::Api& api, const Services& services) {
  Datasets* const datasets = &services.datasets;
  mount_additions(api, services);
  api.get<ExampleListing, Examples>(
      "/api/datasets/{name}/examples",
      {.summary = "Examples of one version, in the order in which they were added",
       .tag = "datasets",
       .role = "read",
       .name = "list_examples",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call, const ExampleListing& wish) {
        return list(call, *datasets, wish);
      });
  api.get<ExamplePath, http::Written<ExampleShape>>(
      "/api/datasets/{name}/examples/{id}",
      {.summary = "One example",
       .tag = "datasets",
       .role = "read",
       .name = "get_example",
       .fails = {Code::not_found}},
      [datasets](const http::Call& call,
                 const ExamplePath& path) -> Result<http::Written<ExampleShape>> {
        return http::Written<ExampleShape>{native_example_text(
            TRY(example_of(call.context(), *datasets, path)), trace::server_url(call.request()))};
      });
  api.add<ExamplePath, ExampleChangeBody, WrittenShape>(
      "PATCH", "/api/datasets/{name}/examples/{id}",
      notes("Change an example; old versions keep it as it was", "change_example",
            {Code::not_found}),
      [datasets](const http::Call& call, const ExamplePath& path,
                 const ExampleChangeBody& body) -> Result<WrittenShape> {
        const Example known = TRY(example_of(call.context(), *datasets, path));
        ExampleChange change = TRY(read_example_change(call.request().body));
        change.id = known.id;
        change.splits = body.splits;
        return shape_of(
            TRY(datasets->change_examples(call.context(), known.dataset_id, {std::move(change)})));
      });
  api.remove<ExamplePath, http::NoContent>(
      "/api/datasets/{name}/examples/{id}",
      notes("Remove an example; old versions keep it", "delete_example", {Code::not_found}),
      [datasets](const http::Call& call, const ExamplePath& path) -> Result<http::NoContent> {
        const Example known = TRY(example_of(call.context(), *datasets, path));
        TRY(datasets->remove_examples(call.context(), {known.id}, Removal::from_now_on));
        return http::NoContent{};
      });
}

}  // namespace slipway::datasets::detail
