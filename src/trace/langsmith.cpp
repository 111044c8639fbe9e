#include "trace/langsmith.hpp"

#include <charconv>
#include <map>

#include "core/json_members.hpp"
#include "trace/detail/langsmith_filter.hpp"
#include "trace/detail/langsmith_usage.hpp"
#include "trace/detail/multipart.hpp"
#include "trace/detail/times.hpp"

namespace slipway::trace {

namespace {

enum class Operation { post, patch };

Error wrong(std::string_view field, std::string_view expectation, std::string_view raw) {
  constexpr std::size_t shown_max = 60;
  return fail(Code::invalid_argument, "{}: expected {}, got {}", field, expectation,
              raw.substr(0, shown_max));
}

Result<std::string> text_of(std::string_view field, std::string_view raw) {
  if (!raw.starts_with('"')) return wrong(field, "a string", raw);
  return json::unquoted(raw);
}

/// "2026-11-23T08:00:00.000001", with an offset or in UTC without one; or milliseconds since 1970,
/// as the JavaScript client sends.
Result<Nanoseconds> time_of(std::string_view field, std::string_view raw) {
  if (!raw.starts_with('"')) {
    double milliseconds = 0;
    const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), milliseconds);
    constexpr double most = 9e12;  // The year 2255.
    if (error != std::errc() || end != raw.data() + raw.size() || !(milliseconds >= 0) ||
        milliseconds > most)
      return wrong(field, "a time (RFC 3339 or milliseconds since 1970)", raw);
    constexpr double nanoseconds_per_millisecond = 1e6;
    return static_cast<Nanoseconds>(milliseconds * nanoseconds_per_millisecond);
  }
  const auto time = detail::parse_nanoseconds(detail::with_zone(json::unquoted(raw)));
  if (!time) return wrong(field, "a time (RFC 3339)", raw);
  return *time;
}

Result<std::vector<std::string>> tags_of(std::string_view raw) {
  const auto parsed = TRY(json::parse(raw));
  std::vector<std::string> tags;
  if (!parsed.is_array()) return wrong("tags", "an array of strings", raw);
  for (const json::Value& tag : parsed.as_array()) {
    if (!tag.is_string()) return wrong("tags", "an array of strings", raw);
    tags.emplace_back(tag.get_string());
  }
  return tags;
}

Result<void> take_events(RunPatch& run, std::string_view raw) {
  const auto parsed = TRY(json::parse(raw));
  if (!parsed.is_array()) return wrong("events", "an array", raw);
  for (const json::Value& one : parsed.as_array()) {
    if (!one.is_object()) return wrong("events", "an array of objects", raw);
    Event event;
    for (const auto& [key, value] : one.get_object()) {
      if (key == "name" && value.is_string())
        event.name = std::string(value.get_string());
      else if (key == "time" && !value.is_null())
        event.time = TRY(time_of("events.time", json::dump(value)));
      else if (key == "kwargs" && value.is_object())
        for (const auto& [name, argument] : value.get_object()) event.attributes[name] = argument;
      else
        event.attributes[key] = value;
    }
    if (event.name == "new_token" && !run.first_token) run.first_token = event.time;
    run.events.push_back(std::move(event));
  }
  return {};
}

/// A word of the metadata under one of several names.
std::optional<std::string> word(const json::Object& metadata,
                                std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const json::Value* value = metadata.if_contains(name);
    if (value == nullptr || value->is_null()) continue;
    return value->is_string() ? std::string(value->get_string()) : json::dump(*value);
  }
  return {};
}

void learn_from_metadata(RunPatch& run) {
  if (auto value = word(run.metadata, {"session_id", "thread_id", "conversation_id"}))
    run.session_id = std::move(value);
  if (auto value = word(run.metadata, {"user_id"})) run.user_id = std::move(value);
  if (auto value = word(run.metadata, {"ls_provider"})) run.provider = std::move(value);
  if (auto value = word(run.metadata, {"ls_model_name"})) run.model = std::move(value);
  if (auto value = word(run.metadata, {"service_tier"})) run.service_tier = std::move(value);
  if (const json::Value* usage = run.metadata.if_contains("usage_metadata"))
    detail::take_usage_metadata(*usage, run.usage, run.cost);
}

Result<void> take_extra(RunPatch& run, std::string_view raw) {
  auto parsed = TRY(json::parse(raw));
  if (!parsed.is_object()) return wrong("extra", "an object", raw);
  for (auto& [key, value] : parsed.get_object()) {
    if (key != "metadata") {
      run.extra[key] = std::move(value);
      continue;
    }
    if (value.is_null()) continue;
    if (!value.is_object()) return wrong("extra.metadata", "an object", json::dump(value));
    for (auto& [name, one] : value.get_object()) run.metadata[name] = std::move(one);
  }
  learn_from_metadata(run);
  return {};
}

Result<void> take_kind(RunPatch& run, std::string_view raw) {
  const std::string name = TRY(text_of("run_type", raw));
  const auto kind = json::from<Kind>(json::Value(name));
  run.kind = kind ? *kind : Kind::chain;
  if (!kind) run.extra["run_type"] = name;
  return {};
}

/// One field, whose value is valid JSON. A null says nothing.
Result<void> take_field(RunPatch& run, Operation operation, std::string_view key,
                        std::string_view raw) {
  using Text = std::optional<std::string> RunPatch::*;
  static const std::map<std::string_view, Text> texts = {
      {"name", &RunPatch::name},
      {"error", &RunPatch::error},
      {"session_name", &RunPatch::project},
      {"parent_run_id", &RunPatch::parent_id},
      {"dotted_order", &RunPatch::dotted_order},
      {"reference_example_id", &RunPatch::reference_example_id}};
  if (raw == "null") return {};
  if (const auto text = texts.find(key); text != texts.end()) {
    run.*(text->second) = TRY(text_of(key, raw));
    return {};
  }
  if (key == "id") {
    const std::string id = TRY(text_of(key, raw));
    if (run.id.empty()) run.id = id;
    if (run.id != id) return wrong("id", "that of the path, " + run.id, raw);
  } else if (key == "trace_id") {
    run.trace_id = TRY(text_of(key, raw));
  } else if (key == "run_type") {
    return take_kind(run, raw);
  } else if (key == "start_time") {
    run.start = TRY(time_of(key, raw));
  } else if (key == "end_time") {
    run.end = TRY(time_of(key, raw));
  } else if (key == "inputs") {
    run.inputs = Payload{std::string(raw), false};
  } else if (key == "outputs") {
    // A post says {} for what is not known yet.
    if (operation == Operation::patch || raw != "{}")
      run.outputs = Payload{std::string(raw), false};
  } else if (key == "events") {
    return take_events(run, raw);
  } else if (key == "tags") {
    run.tags = TRY(tags_of(raw));
  } else if (key == "extra") {
    return take_extra(run, raw);
  } else {
    run.extra[key] = TRY(json::parse(raw));
  }
  return {};
}

/// What is known only when all fields are here.
Result<void> complete(RunPatch& run) {
  if (run.id.empty()) return fail(Code::invalid_argument, "id: is required");
  constexpr std::size_t id_bytes_max = 128;
  for (const std::string* id : {&run.id, &run.trace_id})
    if (id->size() > id_bytes_max) return wrong("id", "at most 128 bytes", *id);
  if (run.trace_id.empty() && run.dotted_order)
    // "20261123T080000000001Z" and a UUID a level; the first one is the trace's.
    if (const std::size_t z = run.dotted_order->find('Z'); z != std::string::npos) {
      const std::size_t begin = z + 1, end = run.dotted_order->find('.', begin);
      run.trace_id = run.dotted_order->substr(begin, end - begin);
    }
  if (run.outputs && run.usage.is_empty())
    detail::take_usage_of_outputs(run.outputs->bytes, run.usage, run.cost);
  return {};
}

Result<void> take_object(RunPatch& run, Operation operation, std::string_view text) {
  json::Members members(text);
  for (json::Member one; members.next(one);) {
    const bool is_plain = one.key.find('\\') == std::string_view::npos;
    const std::string key = is_plain ? "" : json::unquoted(fmt::format("\"{}\"", one.key));
    TRY(take_field(run, operation, is_plain ? one.key : key, one.value));
  }
  return {};
}

Result<void> check_object(std::string_view text) {
  if (!json::is_valid(text)) return fail(Code::invalid_argument, "is not valid JSON");
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos ||
      text[text.find_first_not_of(" \t\r\n")] != '{')
    return fail(Code::invalid_argument, "expected an object");
  return {};
}

/// Patches of one multipart body, each run's in the order in which its parts came.
class Assembly {
 public:
  RunPatch& run(Operation operation, const std::string& id) {
    const auto [place, is_new] = places_.try_emplace({operation, id}, batch.runs.size());
    if (is_new) batch.runs.emplace_back().id = id;
    return batch.runs[place->second];
  }
  LangSmithBatch batch;

 private:
  std::map<std::pair<Operation, std::string>, std::size_t> places_;
};

Result<void> take_part(Assembly& assembly, const detail::FormPart& part) {
  const std::string_view name = part.name;
  const std::size_t first = name.find('.');
  const std::string_view word = name.substr(0, first);
  const std::string_view rest = first == std::string_view::npos ? "" : name.substr(first + 1);
  const std::size_t second = rest.find('.');
  const std::string id(rest.substr(0, second));
  const std::string_view field =
      second == std::string_view::npos ? std::string_view() : rest.substr(second + 1);
  if (id.empty()) return fail(Code::invalid_argument, "names no id");
  if (word == "attachment") {
    if (field.empty()) return fail(Code::invalid_argument, "names no attachment");
    assembly.batch.attachments.push_back(
        {id, std::string(field), std::string(part.media_type), std::string(part.bytes)});
    return {};
  }
  if (word == "feedback") {
    TRY(check_object(part.bytes));
    assembly.batch.feedback.push_back(TRY(json::parse(part.bytes)).as_object());
    return {};
  }
  if (word != "post" && word != "patch")
    return fail(Code::invalid_argument, "is no post, patch, attachment or feedback");
  const Operation operation = word == "post" ? Operation::post : Operation::patch;
  RunPatch& run = assembly.run(operation, id);
  if (field.empty()) {
    TRY(check_object(part.bytes));
    return take_object(run, operation, part.bytes);
  }
  if (!json::is_valid(part.bytes)) return fail(Code::invalid_argument, "is not valid JSON");
  return take_field(run, operation, field, part.bytes);
}

}  // namespace

Result<LangSmithBatch> decode_langsmith_run(std::string_view body, const std::string& id_of_path) {
  LangSmithBatch batch;
  RunPatch& run = batch.runs.emplace_back();
  run.id = id_of_path;
  TRY(check_object(body).within("the body"));
  TRY(take_object(run, id_of_path.empty() ? Operation::post : Operation::patch, body));
  TRY(complete(run));
  return batch;
}

Result<LangSmithBatch> decode_langsmith_batch(std::string_view body) {
  LangSmithBatch batch;
  TRY(check_object(body).within("the body"));
  for (const auto& [key, operation] :
       {std::pair("post", Operation::post), std::pair("patch", Operation::patch)}) {
    const std::string_view list = json::member(body, key);
    if (list.empty() || list == "null") continue;
    json::Items items(list);
    std::size_t index = 0;
    for (std::string_view one; items.next(one); ++index) {
      RunPatch& run = batch.runs.emplace_back();
      const auto taken = [&]() -> Result<void> {
        TRY(check_object(one));
        TRY(take_object(run, operation, one));
        return complete(run);
      };
      TRY(taken().within(fmt::format("{}[{}]", key, index)));
    }
  }
  return batch;
}

Result<LangSmithBatch> decode_langsmith_multipart(std::string_view body,
                                                  const std::string& content_type) {
  auto reader = TRY(detail::MultipartReader::make(content_type, body));
  Assembly assembly;
  detail::FormPart part;
  while (TRY(reader.next(part))) TRY(take_part(assembly, part).within(part.name));
  for (RunPatch& run : assembly.batch.runs) TRY(complete(run).within(run.id));
  return std::move(assembly.batch);
}

}  // namespace slipway::trace
