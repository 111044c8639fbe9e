#include "datasets/detail/export.hpp"

#include <algorithm>

#include "core/json_members.hpp"

namespace slipway::datasets::detail {

namespace {

constexpr std::size_t bytes_max = 256u << 20;

/// "Handbook: v2" -> "Handbook__v2": fit for a header and every file system.
std::string file_stem(std::string_view name) {
  std::string stem;
  for (const char c : name.substr(0, 100)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.';
    stem += is_plain ? c : '_';
  }
  return stem.empty() || stem.front() == '.' ? "dataset" + stem : stem;
}

std::string json_line(const Example& example) {
  return "{\"id\":" + json::quoted(example.id) + ",\"inputs\":" + example.inputs +
         ",\"outputs\":" + example.outputs.value_or("null") +
         ",\"metadata\":" + json::dump(example.metadata) +
         ",\"split\":" + json::dump(json::to(example.splits())) + "}\n";
}

// --- OpenAI

/// Messages as LangChain stores them, or as OpenAI takes them.
Result<json::Value> openai_message(const json::Value& value) {
  if (!value.is_object()) return fail(Code::invalid_argument, "a message is no object");
  const json::Object& message = value.get_object();
  if (message.contains("role")) return value;
  const json::Value* type = message.if_contains("type");
  const json::Value* data = message.if_contains("data");
  const json::Object* inner = data != nullptr ? data->if_object() : &message;
  if (type == nullptr || !type->is_string() || inner == nullptr || !inner->contains("content"))
    return fail(Code::invalid_argument, "a message has no role");
  const std::string_view kind = type->get_string();
  const std::string_view role = kind == "human" ? "user" : kind == "ai" ? "assistant" : kind;
  return json::Value(json::Object{{"role", role}, {"content", inner->at("content")}});
}

/// The first member that holds messages, or a text.
Result<void> add_messages(const json::Object& object, std::string_view role_of_text,
                          json::Array& messages) {
  for (const auto& [key, value] : object) {
    if (value.is_string()) {
      messages.push_back(json::Object{{"role", role_of_text}, {"content", value}});
      return {};
    }
    if (value.is_object() &&
        (value.get_object().contains("role") || value.get_object().contains("type"))) {
      messages.push_back(TRY(openai_message(value)));
      return {};
    }
    if (!value.is_array() || value.get_array().empty()) continue;
    for (const json::Value& one : value.get_array()) messages.push_back(TRY(openai_message(one)));
    return {};
  }
  return fail(Code::invalid_argument, "there is neither a text nor a list of messages");
}

Result<std::string> openai_line(const Example& example) {
  const auto line = [&]() -> Result<std::string> {
    json::Array messages;
    TRY(add_messages(TRY(json::parse(example.inputs)).as_object(), "user", messages)
            .within("inputs"));
    if (!example.outputs) return fail(Code::invalid_argument, "outputs: there are none");
    TRY(add_messages(TRY(json::parse(*example.outputs)).as_object(), "assistant", messages)
            .within("outputs"));
    return json::dump(json::Object{{"messages", std::move(messages)}}) + "\n";
  };
  return line().within(fmt::format("example {} is no conversation", example.id));
}

// --- CSV

std::string cell(const json::Value* value) {
  if (value == nullptr || value->is_null()) return "";
  std::string text = value->is_string() ? std::string(value->get_string()) : json::dump(*value);
  if (text.find_first_of(",\"\r\n;\t") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

void add_columns(const json::Object& object, std::vector<std::string>& columns) {
  for (const auto& [key, value] : object)
    if (std::find(columns.begin(), columns.end(), std::string_view(key)) == columns.end())
      columns.emplace_back(key);
}

Result<std::string> csv_text(const std::vector<Example>& examples) {
  std::vector<std::pair<json::Object, json::Object>> rows;
  std::vector<std::string> inputs, outputs;
  for (const Example& example : examples) {
    auto& [in, out] = rows.emplace_back();
    in = TRY(json::parse(example.inputs)).as_object();
    if (example.outputs) out = TRY(json::parse(*example.outputs)).as_object();
    add_columns(in, inputs);
    add_columns(out, outputs);
  }
  std::string text = "id";
  const auto name = [&](const char* prefix, const std::string& column) {
    const json::Value head(prefix + column);
    text += "," + cell(&head);
  };
  for (const std::string& column : inputs) name("input_", column);
  for (const std::string& column : outputs) name("output_", column);
  text += "\r\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += examples[i].id;
    for (const std::string& column : inputs) text += "," + cell(rows[i].first.if_contains(column));
    for (const std::string& column : outputs)
      text += "," + cell(rows[i].second.if_contains(column));
    text += "\r\n";
  }
  return text;
}

}  // namespace

Result<Export> export_dataset(const Context& context, Datasets& datasets, const ExportWish& wish) {
  const Dataset dataset = TRY(datasets.read(context, wish.dataset_id));
  ExampleQuery query{.dataset_id = dataset.id, .as_of = wish.as_of};
  query.limit = 1000;
  // One version, however many pages: what is added meanwhile is not in it.
  if (dataset.example_count > 0 && query.as_of.tag.empty() && query.as_of.time == latest)
    query.as_of.time = TRY(datasets.version(context, dataset.id, wish.as_of)).version;
  Export whole;
  std::vector<Example> all;
  std::size_t size = 0;
  for (;;) {
    TRY(context.check());
    auto page = TRY(datasets.examples(context, query));
    const bool is_last = static_cast<int>(page.size()) < query.limit;
    const std::int64_t last = page.empty() ? 0 : page.back().place;
    for (Example& example : page) {
      size += example.inputs.size() + (example.outputs ? example.outputs->size() : 0);
      if (size > bytes_max)
        return fail(Code::invalid_argument,
                    "dataset '{}' holds more than {} MiB; read its examples page by page",
                    dataset.name, bytes_max >> 20);
      if (wish.format == Format::jsonl) whole.bytes += json_line(example);
      if (wish.format == Format::openai) whole.bytes += TRY(openai_line(example));
      if (wish.format == Format::csv) all.push_back(std::move(example));
    }
    if (is_last) break;
    query.after = last;
  }
  if (wish.format == Format::csv) whole.bytes = TRY(csv_text(all));
  whole.media_type = wish.format == Format::csv ? "text/csv; charset=utf-8" : "application/jsonl";
  whole.file_name = file_stem(dataset.name) + (wish.format == Format::csv ? ".csv" : ".jsonl");
  return whole;
}

}  // namespace slipway::datasets::detail
