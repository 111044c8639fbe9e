#include "datasets/detail/wire.hpp"

#include <charconv>

#include "core/json_members.hpp"
#include "datasets/detail/routes.hpp"

namespace slipway::datasets::detail {

namespace {

constexpr std::int64_t nanoseconds = 1000;  ///< In a microsecond.

template <typename T>
json::Value or_null(const std::optional<T>& value) {
  return value ? json::Value(*value) : json::Value();
}

}  // namespace

std::string time_text(Version time) { return trace::langsmith_time(time * nanoseconds); }

Result<Version> read_time(const std::string& text) {
  return TRY(trace::read_langsmith_time(text)) / nanoseconds;
}

Result<Experiments> Experiments::make(const Context& context, const Services& services) {
  Experiments experiments;
  for (trace::Session& session : TRY(services.traces.sessions.declared(context)))
    if (session.reference_dataset_id) experiments.sessions_.push_back(std::move(session));
  return experiments;
}

std::vector<trace::Session> Experiments::of(const std::string& dataset_id) const {
  std::vector<trace::Session> own;
  for (const trace::Session& session : sessions_)
    if (trace::as_uuid(*session.reference_dataset_id) == dataset_id) own.push_back(session);
  return own;
}

json::Object dataset_json(const Dataset& dataset, const Experiments& experiments) {
  const auto sessions = experiments.of(dataset.id);
  trace::Nanoseconds last = 0;
  for (const trace::Session& session : sessions) last = std::max(last, session.start);
  return {{"id", dataset.id},
          {"tenant_id", trace::tenant_id()},
          {"name", dataset.name},
          {"description", or_null(dataset.description)},
          {"data_type", json::name(dataset.data_type)},
          {"inputs_schema_definition", or_null(dataset.inputs_schema)},
          {"outputs_schema_definition", or_null(dataset.outputs_schema)},
          {"transformations", or_null(dataset.transformations)},
          {"externally_managed", false},
          {"metadata", dataset.metadata},
          {"created_at", time_text(dataset.created)},
          {"modified_at", time_text(dataset.modified)},
          {"example_count", dataset.example_count},
          {"session_count", sessions.size()},
          {"last_session_start_time",
           last == 0 ? json::Value() : json::Value(trace::langsmith_time(last))}};
}

json::Object version_json(const VersionInfo& info) {
  return {{"as_of", time_text(info.version)}, {"tags", json::to(info.tags)}};
}

json::Object comparison_json(const Comparison& comparison, const Experiments& experiments) {
  json::Array infos;
  for (const trace::Session& session : experiments.of(comparison.dataset_id))
    for (const std::string& id : comparison.experiment_ids)
      if (id == session.id) infos.push_back(json::Object{{"id", id}, {"name", session.name}});
  return {{"id", comparison.id},
          {"tenant_id", trace::tenant_id()},
          {"name", or_null(comparison.name)},
          {"description", or_null(comparison.description)},
          {"reference_dataset_id", comparison.dataset_id},
          {"experiments_info", std::move(infos)},
          {"extra", comparison.extra},
          {"created_at", time_text(comparison.created)},
          {"modified_at", time_text(comparison.modified)}};
}

std::string example_text(const Example& example, const ExampleText& how) {
  json::Object head{
      {"id", example.id},
      {"dataset_id", example.dataset_id},
      {"name", fmt::format("#{}", example.id.substr(0, 4))},
      {"created_at", time_text(example.created)},
      {"modified_at", time_text(example.modified)},
      {"source_run_id", or_null(example.source_run_id)},
      {"metadata", example.metadata},
  };
  if (how.has_attachments) {
    json::Object links;
    for (const Attachment& one : example.attachments)
      links["attachment." + one.name] =
          json::Object{{"presigned_url", how.origin + "/public/attachments/" + one.token},
                       {"mime_type", one.media_type}};
    head["attachment_urls"] = links.empty() ? json::Value() : json::Value(std::move(links));
  }
  std::string text = json::dump(head);
  text.pop_back();
  text += ",\"inputs\":" + example.inputs + ",\"outputs\":" + example.outputs.value_or("null");
  if (!how.runs.empty()) text += ",\"runs\":" + how.runs;
  return text + "}";
}

std::string examples_text(const std::vector<Example>& examples, const ExampleText& how) {
  std::string text = "[";
  for (const Example& example : examples) {
    if (text.size() > 1) text += ',';
    text += example_text(example, how);
  }
  return text + "]";
}

http::Response json_reply(const json::Value& value, int status) {
  return trace::json_response(status, json::dump(value));
}

Result<json::Value> body_of(const ExchangePtr& exchange) {
  const std::string& body = exchange->request().body;
  if (body.empty()) return json::Value(json::Object());
  return json::parse(body).within("the body");
}

Result<std::int64_t> read_place(const std::string& cursor) {
  std::int64_t place = 0;
  const char* end = cursor.data() + cursor.size();
  const auto read = std::from_chars(cursor.data(), end, place);
  if (!cursor.empty() && (read.ec != std::errc() || read.ptr != end || place < 0))
    return fail(Code::invalid_argument, "cursor: '{}' is none of this list", cursor.substr(0, 100));
  return place;
}

Result<int> read_offset(const std::string& cursor) {
  constexpr std::int64_t most = 1'000'000'000;
  return static_cast<int>(std::min(TRY(read_place(cursor)), most));
}

Result<Paging> paging_of(const http::Request& request) {
  constexpr std::size_t limit_default = 100, limit_max = 1000, offset_max = 100'000'000;
  Paging paging;
  paging.limit = static_cast<int>(
      std::min(TRY(trace::query_number(request, "limit", limit_default)), limit_max));
  paging.offset =
      static_cast<int>(std::min(TRY(trace::query_number(request, "offset", 0)), offset_max));
  return paging;
}

Result<AsOf> as_of_of(const http::Request& request) {
  return parse_as_of(trace::query_value(request, "as_of").value_or(""));
}

}  // namespace slipway::datasets::detail
