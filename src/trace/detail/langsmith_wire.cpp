#include "trace/detail/langsmith_wire.hpp"

#include <algorithm>

#include "trace/detail/json_text.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace::detail {

namespace {

/// As trees of callers go; a circle ends here.
constexpr int depth_max = 1000;

void add_time(ObjectText& object, std::string_view name, const std::optional<Nanoseconds>& time) {
  if (time)
    object.text(name, std::string_view(time_text(*time)));
  else
    object.raw(name, "null");
}

/// Its reader wants an object.
void add_payload(ObjectText& object, std::string_view name, const std::optional<Payload>& payload,
                 std::string_view wrapper) {
  if (!payload) return object.raw(name, name == "inputs" ? "{}" : "null");
  const std::size_t begin = payload->bytes.find_first_not_of(" \t\r\n");
  if (!payload->is_text && begin != std::string::npos && payload->bytes[begin] == '{')
    return object.raw(name, payload->bytes);
  ObjectText wrapped(object.name(name));
  if (payload->is_text)
    wrapped.text(wrapper, std::string_view(payload->bytes));
  else
    wrapped.raw(wrapper, payload->bytes);
  wrapped.end();
}

void add_ids(ObjectText& object, std::string_view name, const std::vector<std::string>& ids) {
  std::string& out = object.name(name);
  append_list(out, ids, [&](const std::string& id) { out += json::quoted(as_uuid(id)); });
}

/// Kinds that LangSmith has no word for are chains.
std::string_view run_type(const Run& run) {
  switch (run.kind) {
    case Kind::llm:
    case Kind::embedding:
    case Kind::retriever:
    case Kind::tool:
    case Kind::prompt:
    case Kind::parser: return json::name(run.kind);
    default: return "chain";
  }
}

void add_extra(ObjectText& object, const Run& run) {
  // Members of the run itself that have no place of their own stand here too.
  constexpr std::string_view of_run[] = {"serialized", "session_id",  "run_type", "attachments",
                                         "status",     "manifest_id", "address"};
  ObjectText extra(object.name("extra"));
  for (const auto& [key, value] : run.extra)
    if (std::find(std::begin(of_run), std::end(of_run), std::string_view(key)) == std::end(of_run))
      extra.foreign_name(key) += json::dump(value);
  extra.value("metadata", run.metadata);
  if (!run.attributes.empty()) extra.value("attributes", run.attributes);
  extra.end();
}

/// LangChain's usage as the client sent it, with its costs and details; empty: it sent none.
std::string sent_usage(const Run& run) {
  constexpr std::string_view name = "usage_metadata";
  if (const json::Value* told = run.metadata.if_contains(name)) return json::dump(*told);
  if (!run.outputs || run.outputs->is_text) return "";
  return std::string(json::member(run.outputs->bytes, name));
}

void add_usage(ObjectText& object, const Run& run) {
  const Usage usage = run.usage.value_or(Usage());
  const std::string sent = sent_usage(run);
  object.count("prompt_tokens", usage.input_tokens);
  object.count("completion_tokens", usage.output_tokens);
  object.count("total_tokens", usage.total_tokens);
  Picodollars prompt, completion;
  if (run.cost)
    for (const CostLine& line : run.cost->lines) {
      const bool is_output = line.bucket == "reasoning" || line.bucket.starts_with("output");
      (is_output ? completion : prompt) += line.usd;
    }
  const auto money = [&](std::string_view name, std::string_view sent_name, Picodollars amount) {
    const std::string_view own = json::member(sent, sent_name);
    if (!own.empty() && own.front() >= '0' && own.front() <= '9')
      object.raw(name, own);
    else if (run.cost)
      object.money(name, amount);
    else
      object.raw(name, "null");
  };
  money("prompt_cost", "input_cost", prompt);
  money("completion_cost", "output_cost", completion);
  money("total_cost", "total_cost", run.cost ? run.cost->total : Picodollars());
  for (const auto& [name, sent_name] :
       {std::pair("prompt_token_details", "input_token_details"),
        std::pair("completion_token_details", "output_token_details"),
        std::pair("prompt_cost_details", "input_cost_details"),
        std::pair("completion_cost_details", "output_cost_details")})
    if (const std::string_view own = json::member(sent, sent_name); own.starts_with('{'))
      object.raw(name, own);
}

void add_events(ObjectText& object, const Run& run) {
  std::string& out = object.name("events");
  append_list(out, run.events, [&](const Event& event) {
    ObjectText one(out);
    one.text("name", std::string_view(event.name));
    one.text("time", std::string_view(time_text(event.time)));
    one.value("kwargs", event.attributes);
    one.end();
  });
}

}  // namespace

std::string langsmith_run_text(const Run& run, const LangSmithPlace& place) {
  std::string out;
  ObjectText object(out);
  object.text("id", std::string_view(as_uuid(run.id)));
  object.text("trace_id", std::string_view(as_uuid(run.trace_id)));
  object.text("parent_run_id", run.parent_id ? std::optional(as_uuid(*run.parent_id))
                                             : std::optional<std::string>());
  object.text("session_id", std::string_view(place.session_id));
  object.text("name", std::string_view(run.name));
  object.text("run_type", run_type(run));
  object.text("status",
              run.status == Status::ok ? std::string_view("success") : json::name(run.status));
  object.text("error", run.error);
  add_time(object, "start_time", run.start);
  add_time(object, "end_time", run.end);
  add_time(object, "first_token_time", run.first_token);
  add_payload(object, "inputs", run.inputs, "input");
  add_payload(object, "outputs", run.outputs, "output");
  add_events(object, run);
  add_extra(object, run);
  std::string& tags = object.name("tags");
  append_list(tags, run.tags, [&](const std::string& tag) { tags += json::quoted(tag); });
  object.text("reference_example_id", run.reference_example_id);
  object.text("dotted_order", std::string_view(place.dotted_order));
  add_ids(object, "parent_run_ids", place.parent_ids);
  add_ids(object, "child_run_ids", place.child_ids);
  const json::Value* serialized = run.extra.if_contains("serialized");
  object.raw("serialized", serialized == nullptr ? "null" : json::dump(*serialized));
  object.raw("manifest_id", "null");
  object.text("app_path", std::string_view(fmt::format("/traces/{}", run.trace_id)));
  object.text("thread_id", run.session_id);
  add_usage(object, run);
  object.raw("in_dataset", "false");
  object.raw("feedback_stats", place.feedback_stats);
  object.raw("s3_urls", place.s3_urls);
  object.text("share_token", place.share_token);
  object.end();
  return out;
}

std::string dotted_step(Nanoseconds start, std::string_view id) {
  std::string stamp;
  const std::string text = time_text(start);
  constexpr std::size_t to_microseconds = 26;  // "2026-11-23T08:00:00.000001"
  for (const char c : text.substr(0, to_microseconds))
    if (c != '-' && c != ':' && c != '.') stamp += c;
  return stamp + 'Z' + as_uuid(id);
}

Result<std::string> DottedOrders::of(const Context& context, const Run& run) {
  if (run.dotted_order) return *run.dotted_order;
  std::string order = dotted_step(run.start, run.id);
  if (!run.parent_id) return order;
  auto tree = trees_.find(run.trace_id);
  if (tree == trees_.end()) {
    Links links;
    const Trace trace = TRY(store_.trace(context, run.trace_id, false));
    for (const Run& one : trace.runs)
      links[one.id] = {one.parent_id, dotted_step(one.start, one.id)};
    tree = trees_.emplace(run.trace_id, std::move(links)).first;
  }
  auto parent = run.parent_id;
  for (int depth = 0; parent && depth < depth_max; ++depth) {
    const auto link = tree->second.find(*parent);
    if (link == tree->second.end()) break;
    order = link->second.step + '.' + order;
    parent = link->second.parent_id;
  }
  return order;
}

std::string session_text(const Session& session, const SessionStats* stats) {
  std::string out;
  ObjectText object(out);
  object.text("id", std::string_view(session.id));
  object.text("tenant_id", std::string_view(tenant_id()));
  object.text("name", std::string_view(session.name));
  object.text("description", session.description);
  add_time(object, "start_time", session.start);
  add_time(object, "end_time", session.end);
  object.value("extra", session.extra);
  object.text("reference_dataset_id", session.reference_dataset_id);
  if (stats != nullptr) {
    constexpr double milliseconds = 1000;
    const auto seconds = [&](const std::optional<double>& ms) {
      return ms ? std::optional(*ms / milliseconds) : std::nullopt;
    };
    object.count("run_count", stats->project.runs);
    object.number("latency_p50", seconds(stats->row.p50_ms));
    object.number("latency_p99", seconds(stats->row.p99_ms));
    object.count("prompt_tokens", stats->row.input_tokens);
    object.count("completion_tokens", stats->row.output_tokens);
    object.count("total_tokens", stats->row.input_tokens + stats->row.output_tokens);
    object.money("total_cost", stats->row.cost);
    object.number("error_rate", stats->row.traces == 0
                                    ? 0.0
                                    : static_cast<double>(stats->row.errors) /
                                          static_cast<double>(stats->row.traces));
    add_time(object, "last_run_start_time",
             stats->project.runs == 0 ? std::nullopt : std::optional(stats->project.last_run_time));
    object.raw("feedback_stats", stats->feedback);
    object.raw("session_feedback_stats", stats->of_session);
    object.raw("run_facets", "[]");
  }
  object.end();
  return out;
}

std::string tenant_id() { return uuid_of("slipway"); }

}  // namespace slipway::trace::detail
