#include "datasets/detail/example_bodies.hpp"

#include <algorithm>
#include <map>

#include "core/json_members.hpp"
#include "datasets/detail/wire.hpp"

namespace slipway::datasets::detail {

namespace {

struct ExampleBody {
  std::optional<std::string> id, dataset_id, dataset_name, created_at, source_run_id;
  std::optional<json::Object> metadata;
  std::optional<json::Value> split;
  std::optional<bool> use_source_run_io;
  std::optional<std::vector<std::string>> use_source_run_attachments;
};
BOOST_DESCRIBE_STRUCT(ExampleBody, (),
                      (id, dataset_id, dataset_name, created_at, source_run_id, metadata, split,
                       use_source_run_io, use_source_run_attachments))

/// "train", or ["train", "test"].
Result<std::vector<std::string>> read_splits(const std::optional<json::Value>& value) {
  if (!value || value->is_null()) return std::vector<std::string>();
  if (value->is_string()) return std::vector<std::string>{std::string(value->get_string())};
  return json::from<std::vector<std::string>>(*value).within("split");
}

/// The member's text, byte for byte; nothing when it is absent or null.
std::optional<std::string> raw(std::string_view object, std::string_view key) {
  const std::string_view text = json::member(object, key);
  if (text.empty() || text == "null") return std::nullopt;
  return std::string(text);
}

Result<ExampleBody> read_head(std::string_view object) {
  return json::from<ExampleBody>(TRY(json::parse(object)), json::Policy::ignore_unknown);
}

Result<ExampleWish> wish_of(const ExampleBody& body) {
  ExampleWish wish;
  NewExample& example = wish.example;
  example.id = body.id.value_or("");
  example.metadata = body.metadata.value_or(json::Object());
  example.splits = TRY(read_splits(body.split));
  example.source_run_id = body.source_run_id;
  if (body.created_at) example.created = TRY(read_time(*body.created_at).within("created_at"));
  wish.dataset = body.dataset_id.value_or(body.dataset_name.value_or(""));
  wish.use_run_io = body.use_source_run_io.value_or(false);
  wish.run_attachments = body.use_source_run_attachments.value_or(std::vector<std::string>());
  return wish;
}

struct Operations {
  std::map<std::string, std::string> rename;
  std::vector<std::string> retain;
};
BOOST_DESCRIBE_STRUCT(Operations, (), (rename, retain))

Result<AttachmentPlan> plan_of(const json::Value& value) {
  auto operations = TRY(json::from<Operations>(value, json::Policy::ignore_unknown));
  AttachmentPlan plan;
  plan.retained = std::move(operations.retain);
  for (auto& pair : operations.rename) plan.renamed.emplace_back(pair.first, pair.second);
  return plan;
}

Result<ExampleChange> change_of(const ExampleBody& body) {
  ExampleChange change{.id = body.id.value_or("")};
  change.metadata = body.metadata;
  if (body.split && !body.split->is_null()) change.splits = TRY(read_splits(body.split));
  return change;
}

/// What the parts say of one example, in the order in which the ids came.
struct Parts {
  std::string id;
  std::optional<std::string_view> head, inputs, outputs, operations;
  std::vector<NewAttachment> attachments;
};

Result<std::vector<Parts>> gather(const http::Request& request) {
  std::vector<Parts> all;
  std::map<std::string, std::size_t> places;
  constexpr std::string_view attachment = "attachment.";
  for (const trace::BodyPart& part :
       TRY(trace::read_body_parts(request.headers.get("content-type"), request.body))) {
    const std::size_t dot = part.name.find('.');
    const std::string id = part.name.substr(0, dot);
    const auto [place, is_new] = places.emplace(id, all.size());
    if (is_new) all.push_back({.id = id});
    Parts& one = all[place->second];
    const std::string what = dot == std::string::npos ? "" : part.name.substr(dot + 1);
    if (what.empty())
      one.head = part.bytes;
    else if (what == "inputs")
      one.inputs = part.bytes;
    else if (what == "outputs")
      one.outputs = part.bytes;
    else if (what == "attachments_operations")
      one.operations = part.bytes;
    else if (what.starts_with(attachment))
      one.attachments.push_back(
          {what.substr(attachment.size()), std::string(part.media_type), std::string(part.bytes)});
    else
      return fail(Code::invalid_argument,
                  "part '{}': is none of: ID, ID.inputs, ID.outputs, ID.attachment.NAME, "
                  "ID.attachments_operations",
                  part.name.substr(0, 200));
  }
  return all;
}

Result<ExampleBody> head_of(const Parts& parts) {
  ExampleBody body;
  if (parts.head) body = TRY(read_head(*parts.head).within(fmt::format("part '{}'", parts.id)));
  body.id = parts.id;
  return body;
}

std::optional<std::string> text_of(const std::optional<std::string_view>& bytes) {
  if (!bytes || *bytes == "null") return std::nullopt;
  return std::string(*bytes);
}

/// An object as it stands; anything else below `name`.
std::string payload_text(const trace::Payload& payload, std::string_view name) {
  const std::size_t begin = payload.bytes.find_first_not_of(" \t\r\n");
  if (!payload.is_text && begin != std::string::npos && payload.bytes[begin] == '{')
    return payload.bytes;
  return "{" + json::quoted(name) + ":" +
         (payload.is_text ? json::quoted(payload.bytes) : payload.bytes) + "}";
}

Result<void> complete_one(const Context& context, const Services& services, ExampleWish& wish) {
  NewExample& example = wish.example;
  const bool wants_run = wish.use_run_io || !wish.run_attachments.empty();
  if (!wants_run) return {};
  if (!example.source_run_id)
    return fail(Code::invalid_argument,
                "source_run_id: is wanted with use_source_run_io and use_source_run_attachments");
  const trace::Run run =
      TRY(trace::find_langsmith_run(context, services.traces.store, *example.source_run_id));
  if (wish.use_run_io) {
    NewExample of_run = example_of_run(run);
    example.inputs = std::move(of_run.inputs);
    example.outputs = std::move(of_run.outputs);
    wish.has_inputs = true;
  }
  const auto all = TRY(services.traces.attachments.of_runs(context, {run.id}));
  const auto own = all.find(run.id);
  if (own == all.end()) return {};
  for (const trace::AttachmentInfo& one : own->second) {
    const bool is_wanted =
        wish.use_run_io || std::find(wish.run_attachments.begin(), wish.run_attachments.end(),
                                     one.name) != wish.run_attachments.end();
    if (!is_wanted) continue;
    std::string bytes = TRY(services.traces.attachments.read(one));
    example.attachments.push_back({one.name, one.media_type, std::move(bytes)});
  }
  return {};
}

}  // namespace

Result<ExampleWish> read_example(std::string_view object) {
  ExampleWish wish = TRY(wish_of(TRY(read_head(object))));
  if (auto inputs = raw(object, "inputs")) {
    wish.example.inputs = *std::move(inputs);
    wish.has_inputs = true;
  }
  wish.example.outputs = raw(object, "outputs");
  return wish;
}

Result<ExampleChange> read_example_change(std::string_view object) {
  ExampleChange change = TRY(change_of(TRY(read_head(object))));
  change.inputs = raw(object, "inputs");
  change.outputs = raw(object, "outputs");
  if (const auto operations = raw(object, "attachments_operations"))
    change.plan = TRY(plan_of(TRY(json::parse(*operations))).within("attachments_operations"));
  return change;
}

Result<std::vector<ExampleWish>> read_example_parts(const http::Request& request) {
  std::vector<ExampleWish> wishes;
  for (Parts& parts : TRY(gather(request))) {
    ExampleWish& wish = wishes.emplace_back(TRY(wish_of(TRY(head_of(parts)))));
    if (auto inputs = text_of(parts.inputs)) {
      wish.example.inputs = *std::move(inputs);
      wish.has_inputs = true;
    }
    wish.example.outputs = text_of(parts.outputs);
    wish.example.attachments = std::move(parts.attachments);
  }
  return wishes;
}

Result<std::vector<ExampleChange>> read_change_parts(const http::Request& request) {
  std::vector<ExampleChange> changes;
  for (Parts& parts : TRY(gather(request))) {
    ExampleChange& change = changes.emplace_back(TRY(change_of(TRY(head_of(parts)))));
    change.inputs = text_of(parts.inputs);
    change.outputs = text_of(parts.outputs);
    change.attachments = std::move(parts.attachments);
    if (parts.operations)
      change.plan = TRY(plan_of(TRY(json::parse(*parts.operations)))
                            .within(fmt::format("part '{}.attachments_operations'", parts.id)));
  }
  return changes;
}

NewExample example_of_run(const trace::Run& run) {
  NewExample example;
  if (run.inputs) example.inputs = payload_text(*run.inputs, "input");
  if (run.outputs) example.outputs = payload_text(*run.outputs, "output");
  example.source_run_id = run.id;
  return example;
}

Result<std::vector<NewExample>> complete(const Context& context, const Services& services,
                                         std::vector<ExampleWish> wishes) {
  std::vector<NewExample> examples;
  for (ExampleWish& wish : wishes) {
    TRY(complete_one(context, services, wish).within(fmt::format("example {}", wish.example.id)));
    if (!wish.has_inputs)
      return fail(Code::invalid_argument, "example {}: inputs: is required", wish.example.id);
    examples.push_back(std::move(wish.example));
  }
  return examples;
}

}  // namespace slipway::datasets::detail
