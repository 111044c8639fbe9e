#include "eval/detail/foreign_goldens.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "trace/evaluators.hpp"

namespace slipway::eval::detail {

namespace {

using Names = std::vector<std::pair<std::string_view, std::string_view>>;

/// Members that only change their name: of deepeval.
const Names& deepeval_names() {
  static const Names names{{"input", "input"},
                           {"expected_output", "expected_output"},
                           {"actual_output", "actual_output"},
                           {"context", "context"},
                           {"retrieval_context", "retrieval_context"},
                           {"tools_called", "tools_called"},
                           {"expected_tools", "expected_tools"},
                           {"token_cost", "cost_usd"}};
  return names;
}
/// Of deepeval, without a member of ours: they are metadata.
constexpr std::array deepeval_extras{std::string_view("name"),
                                     std::string_view("comments"),
                                     std::string_view("source_file"),
                                     std::string_view("input_token_count"),
                                     std::string_view("output_token_count"),
                                     std::string_view("custom_column_key_values"),
                                     std::string_view("expectations"),
                                     std::string_view("expected_labels")};

const Names& ragas_names() {
  static const Names names{{"user_input", "input"},
                           {"response", "actual_output"},
                           {"reference", "expected_output"},
                           {"retrieved_contexts", "retrieval_context"},
                           {"reference_contexts", "context"},
                           {"retrieved_context_ids", "retrieved_ids"},
                           {"question", "input"},
                           {"answer", "actual_output"},
                           {"ground_truth", "expected_output"},
                           {"contexts", "retrieval_context"}};
  return names;
}
constexpr std::size_t ragas_names_now = 6;  ///< The others are those of older versions.

/// "actualOutput" -> "actual_output".
std::string snake_case(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') out += '_';
    out += ascii::lower(c);
  }
  return out;
}

const std::string_view* renamed(const Names& names, std::string_view key) {
  for (const auto& [from, to] : names)
    if (from == key) return &to;
  return nullptr;
}

json::Value strings_of(const json::Value& list) {
  if (!list.is_array()) return list;
  json::Array out;
  for (const json::Value& item : list.get_array())
    out.push_back(item.is_string() ? item : json::Value(json::dump(item)));
  return out;
}

/// deepeval's tools, whose parameters were once "inputParameters".
json::Value tools_of(const json::Value& tools, json::Object& metadata, std::string_view member) {
  if (!tools.is_array()) return tools;
  json::Array out;
  json::Object notes;
  for (const json::Value& tool : tools.get_array()) {
    if (!tool.is_object()) {
      out.push_back(tool.is_string() ? json::Value(json::Object{{"name", tool}}) : tool);
      continue;
    }
    json::Object one;
    json::Object rest;
    for (const auto& [key, value] : tool.get_object()) {
      const std::string name = snake_case(key);
      if (value.is_null()) continue;
      const bool is_ours =
          name == "name" || name == "input_parameters" || name == "output" || name == "type";
      (is_ours ? one : rest)[name] = value;
    }
    if (!rest.empty()) notes[std::to_string(out.size())] = std::move(rest);
    out.push_back(std::move(one));
  }
  if (!notes.empty()) metadata[std::string(member) + "_notes"] = std::move(notes);
  return out;
}

/// "a|b", as deepeval writes lists into lines and tables.
json::Value split_list(const json::Value& value) {
  if (!value.is_string()) return strings_of(value);
  json::Array items;
  std::string_view rest = value.get_string();
  if (rest.empty()) return items;
  for (;;) {
    const std::size_t end = rest.find('|');
    items.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) return items;
    rest.remove_prefix(end + 1);
  }
}

Result<json::Object> from_deepeval(const json::Object& record) {
  json::Object native, metadata;
  if (const json::Value* given = record.if_contains("additional_metadata"))
    if (given->is_object()) metadata = given->get_object();
  metadata.erase(own_member);
  for (const auto& [raw, value] : record) {
    if (value.is_null()) continue;
    const std::string key = snake_case(raw);
    if (key == "additional_metadata") {
      if (!value.is_object())
        return fail(Code::invalid_argument, "$.{}: expected an object, got {}",
                    std::string_view(raw), json::kind_name(value));
    } else if (key == "context" || key == "retrieval_context") {
      native[key] = split_list(value);
    } else if (key == "tools_called" || key == "expected_tools") {
      native[key] = tools_of(value, metadata, key);
    } else if (const std::string_view* name = renamed(deepeval_names(), key)) {
      native[*name] = value;
    } else {
      metadata[key] = value;
    }
  }
  if (!metadata.empty()) native["metadata"] = std::move(metadata);
  return native;
}

json::Object to_deepeval(const Golden& golden) {
  json::Object native = to_json(golden), record;
  for (const auto& [theirs, ours] : deepeval_names()) {
    const json::Value* value = native.if_contains(ours);
    record[theirs] = value != nullptr ? *value : json::Value();
  }
  json::Object metadata = golden.metadata;
  for (const std::string_view key : deepeval_extras) {
    const json::Value* value = metadata.if_contains(key);
    record[key] = value != nullptr ? *value : json::Value();
    metadata.erase(key);
  }
  if (!metadata.empty()) record["additional_metadata"] = std::move(metadata);
  return record;
}

/// The last thing that a person says in a conversation of RAGAS.
json::Value last_human_text(const json::Array& messages) {
  json::Value last;
  for (const json::Value& message : messages)
    if (message.is_object()) {
      const json::Value* type = message.get_object().if_contains("type");
      const json::Value* content = message.get_object().if_contains("content");
      if (content != nullptr && content->is_string() &&
          (type == nullptr || *type == json::Value("human")))
        last = *content;
    }
  return last;
}

Result<json::Object> from_ragas(const json::Object& record) {
  json::Object native, metadata;
  for (const auto& [key, value] : record) {
    if (value.is_null() || key == own_member) continue;
    if (key == "user_input" && value.is_array()) {
      native["input"] = last_human_text(value.get_array());
      metadata[key] = value;
    } else if (key == "reference_context_ids" && value.is_array()) {
      json::Object& grades = native["relevance"].emplace_object();
      for (const json::Value& id : value.get_array())
        grades[id.is_string() ? std::string(id.get_string()) : json::dump(id)] = 1;
    } else if (key == "reference_tool_calls" && value.is_array()) {
      json::Array& tools = native["expected_tools"].emplace_array();
      for (const json::Value& call : value.get_array()) {
        json::Object& tool = tools.emplace_back(json::Object()).get_object();
        if (!call.is_object()) continue;
        for (const auto& [name, item] : call.get_object())
          tool[name == "args" ? "input_parameters" : std::string_view(name)] = item;
      }
    } else if (key == "ground_truths" && value.is_array() && !value.get_array().empty()) {
      native["expected_output"] = value.get_array().front();
    } else if (const std::string_view* name = renamed(ragas_names(), key)) {
      native[*name] = value.is_array() ? strings_of(value) : value;
    } else {
      metadata[key] = value;
    }
  }
  if (!metadata.empty()) native["metadata"] = std::move(metadata);
  return native;
}

bool is_ragas_name(std::string_view key) {
  return renamed(ragas_names(), key) != nullptr || key == "reference_context_ids" ||
         key == "reference_tool_calls" || key == "ground_truths" || key == own_member;
}

json::Object to_ragas(const Golden& golden) {
  const json::Object native = to_json(golden);
  json::Object record;
  for (std::size_t i = 0; i < ragas_names_now; ++i) {
    const auto& [theirs, ours] = ragas_names()[i];
    if (const json::Value* value = native.if_contains(ours)) record[theirs] = *value;
  }
  if (golden.relevance) {
    json::Array& ids = record["reference_context_ids"].emplace_array();
    for (const auto& [id, grade] : *golden.relevance)
      if (grade > 0) ids.emplace_back(id);
  }
  if (golden.expected_tools) {
    json::Array& calls = record["reference_tool_calls"].emplace_array();
    for (const ToolCall& tool : *golden.expected_tools)
      calls.push_back(json::Object{{"name", tool.name}, {"args", tool.input_parameters}});
  }
  for (const auto& [key, value] : golden.metadata)
    if (!is_ragas_name(key) && !value.is_null()) record[key] = value;
  return record;
}

/// Where the example's whole inputs or outputs are kept, when one text does not say all of them.
constexpr std::string_view split_member = "dataset_split";

Result<json::Object> object_member(const json::Object& record, std::string_view key) {
  const json::Value* value = record.if_contains(key);
  if (value == nullptr || value->is_null()) return json::Object();
  if (!value->is_object())
    return fail(Code::invalid_argument, "$.{}: expected an object, got {}", key,
                json::kind_name(*value));
  return value->get_object();
}

Result<json::Object> from_langsmith(const json::Object& record) {
  json::Object native;
  json::Object metadata = TRY(object_member(record, "metadata"));
  const json::Object inputs = TRY(object_member(record, "inputs"));
  const json::Object outputs = TRY(object_member(record, "outputs"));
  metadata.erase(own_member);
  native["input"] = text_of(inputs);
  if (inputs != json::Object{{"input", native["input"]}}) metadata["inputs"] = inputs;
  if (!outputs.empty()) {
    native["expected_output"] = text_of(outputs);
    if (outputs != json::Object{{"output", native["expected_output"]}})
      metadata["outputs"] = outputs;
  }
  if (const json::Value* id = record.if_contains("id"); id != nullptr && id->is_string())
    native["id"] = *id;
  if (const json::Value* trace = metadata.if_contains("trace_id");
      trace != nullptr && trace->is_string()) {
    native["trace_id"] = *trace;
    metadata.erase("trace_id");
  }
  for (const std::string_view key : {std::string_view("split"), std::string_view("splits")})
    if (const json::Value* split = record.if_contains(key); split != nullptr && !split->is_null())
      metadata[split_member] = split->is_string() ? json::Value(json::Array{*split}) : *split;
  if (const json::Value* split = metadata.if_contains(split_member);
      split != nullptr && *split == json::Value(json::Array{json::Value("base")}))
    metadata.erase(split_member);
  if (!metadata.empty()) native["metadata"] = std::move(metadata);
  return native;
}

/// The object of which `text` is the text, taken out of the metadata; else one of that text alone.
json::Object whole_object(json::Object& metadata, std::string_view key, std::string_view member,
                          const std::string& text) {
  const json::Value* known = metadata.if_contains(key);
  if (known != nullptr && known->is_object() && !known->get_object().empty() &&
      text_of(known->get_object()) == text) {
    json::Object whole = known->get_object();
    metadata.erase(key);
    return whole;
  }
  return {{member, text}};
}

json::Object to_langsmith(const Golden& golden) {
  json::Object record, metadata = golden.metadata;
  record["inputs"] = whole_object(metadata, "inputs", "input", golden.input);
  if (golden.expected_output)
    record["outputs"] = whole_object(metadata, "outputs", "output", *golden.expected_output);
  if (!golden.trace_id.empty()) metadata["trace_id"] = golden.trace_id;
  if (const json::Value* split = metadata.if_contains(split_member);
      split != nullptr && split->is_array()) {
    record["split"] = *split;
    metadata.erase(split_member);
  }
  record["metadata"] = std::move(metadata);
  return record;
}

/// Where in a record the own member stands.
json::Object* own_place(json::Object& record, GoldenFormat format) {
  const std::string_view key = format == GoldenFormat::deepeval    ? "additional_metadata"
                               : format == GoldenFormat::langsmith ? "metadata"
                                                                   : "";
  if (key.empty()) return &record;
  json::Value& place = record[key];
  if (!place.is_object()) place.emplace_object();
  return &place.get_object();
}

}  // namespace

std::string text_of(const json::Object& object) {
  return trace::payload_text(trace::Payload{.bytes = json::dump(object), .is_text = false});
}

Result<json::Object> native_of(const json::Object& record, GoldenFormat format) {
  switch (format) {
    case GoldenFormat::native: return record;
    case GoldenFormat::deepeval: return from_deepeval(record);
    case GoldenFormat::ragas: return from_ragas(record);
    case GoldenFormat::langsmith: return from_langsmith(record);
    case GoldenFormat::squad: return squad_golden(record);
    case GoldenFormat::promptfoo: break;
  }
  return fail(Code::internal, "a record of promptfoo is read with all others");
}

json::Object foreign_of(const Golden& golden, GoldenFormat format) {
  if (format == GoldenFormat::deepeval) return to_deepeval(golden);
  if (format == GoldenFormat::ragas) return to_ragas(golden);
  if (format == GoldenFormat::langsmith) return to_langsmith(golden);
  return to_json(golden);
}

void restore_own(const json::Object& record, GoldenFormat format, json::Object& native) {
  const bool has_metadata = format != GoldenFormat::ragas && format != GoldenFormat::native;
  const json::Value* own = has_metadata ? nullptr : record.if_contains(own_member);
  if (format == GoldenFormat::native) native.erase(own_member);
  for (const std::string_view key :
       {std::string_view("additional_metadata"), std::string_view("metadata")})
    if (const json::Value* place = record.if_contains(key);
        own == nullptr && place != nullptr && place->is_object() && has_metadata)
      own = place->get_object().if_contains(own_member);
  if (own == nullptr || !own->is_object()) return;
  for (const auto& [key, value] : own->get_object()) {
    if (value.is_null())
      native.erase(key);
    else
      native[key] = value;
  }
}

void keep_own(const Golden& golden, const json::Object& read_back, GoldenFormat format,
              json::Object& record) {
  const json::Object native = to_json(golden);
  json::Object own;
  for (const auto& [key, value] : native) {
    if (key == "id") continue;
    const json::Value* known = read_back.if_contains(key);
    if (known == nullptr || *known != value) own[key] = value;
  }
  for (const auto& [key, value] : read_back)
    if (!native.contains(key)) own[key] = nullptr;
  Golden derived = golden;
  derived.id.clear();
  identify(derived);
  if (derived.id != golden.id && format != GoldenFormat::native) own["id"] = golden.id;
  if (!own.empty()) (*own_place(record, format))[own_member] = std::move(own);
}

}  // namespace slipway::eval::detail
