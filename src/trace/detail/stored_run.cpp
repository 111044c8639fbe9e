#include "trace/detail/stored_run.hpp"

#include "core/unicode.hpp"
#include "store/columns.hpp"
#include "trace/detail/json_text.hpp"

namespace slipway::trace::detail {

namespace {

enum PayloadKinds { inputs_are_text = 1, outputs_are_text = 2 };

template <typename T>
void take(std::optional<T>& known, std::optional<T>& said) {
  if (said) known = std::move(said);
}

void join(std::vector<std::string>& known, std::vector<std::string>&& said) {
  for (std::string& tag : said)
    if (std::find(known.begin(), known.end(), tag) == known.end()) known.push_back(std::move(tag));
}

void join(json::Object& known, json::Object&& said) {
  for (auto& [key, value] : said) known[key] = std::move(value);
}

/// Events of a message that is sent again are the same ones.
void join(std::vector<Event>& known, std::vector<Event>&& said) {
  for (Event& event : said) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const Event& one) {
      return one.time == event.time && one.name == event.name && one.attributes == event.attributes;
    });
    if (!is_known) known.push_back(std::move(event));
  }
}

// --- The JSON of what has no column. Empty parts are left out.

using CountField = std::optional<std::int64_t> SentUsage::*;
constexpr std::pair<const char*, CountField> counts[] = {
    {"input", &SentUsage::input},
    {"output", &SentUsage::output},
    {"total", &SentUsage::total},
    {"cache_read", &SentUsage::cache_read},
    {"cache_write", &SentUsage::cache_write},
    {"cache_write_5m", &SentUsage::cache_write_5m},
    {"cache_write_1h", &SentUsage::cache_write_1h},
    {"reasoning", &SentUsage::reasoning},
    {"input_audio", &SentUsage::input_audio},
    {"output_audio", &SentUsage::output_audio},
    {"search_units", &SentUsage::search_units}};

json::Object to_object(const SentUsage& usage) {
  json::Object object;
  for (const auto& [name, field] : counts)
    if (usage.*field) object[name] = *(usage.*field);
  object["convention"] = json::name(usage.convention);
  object["source"] = json::name(usage.source);
  return object;
}

SentUsage usage_from(const json::Object& object) {
  SentUsage usage;
  for (const auto& [name, field] : counts)
    if (const json::Value* value = object.if_contains(name); value != nullptr && value->is_int64())
      usage.*field = value->get_int64();
  if (const auto convention = json::from<Convention>(object.at("convention")))
    usage.convention = *convention;
  if (const auto source = json::from<UsageSource>(object.at("source"))) usage.source = *source;
  return usage;
}

json::Array to_array(const std::vector<Event>& events) {
  json::Array array;
  for (const Event& event : events)
    array.push_back(
        json::Object{{"name", event.name}, {"time", event.time}, {"attributes", event.attributes}});
  return array;
}

json::Object to_object(const Cost& cost) {
  json::Array lines;
  for (const CostLine& line : cost.lines)
    lines.push_back(
        json::Array{line.bucket, line.tokens, line.usd_per_token.attodollars, line.usd.value});
  json::Object object{
      {"total", cost.total.value}, {"lines", std::move(lines)}, {"tier", cost.tier}};
  if (!cost.price_id.empty()) object["price_id"] = cost.price_id;
  if (cost.is_from_client) object["client"] = true;
  if (cost.priced) object["priced"] = cost.priced->value;
  return object;
}

Cost cost_from(const json::Object& object) {
  Cost cost;
  cost.total.value = object.at("total").to_number<std::int64_t>();
  cost.tier = std::string(object.at("tier").as_string());
  for (const json::Value& line : object.at("lines").as_array()) {
    const json::Array& parts = line.as_array();
    cost.lines.push_back({std::string(parts.at(0).as_string()),
                          parts.at(1).to_number<std::int64_t>(),
                          Price{parts.at(2).to_number<std::int64_t>()},
                          Picodollars{parts.at(3).to_number<std::int64_t>()}});
  }
  if (const json::Value* id = object.if_contains("price_id")) cost.price_id = id->as_string();
  cost.is_from_client = object.contains("client");
  if (const json::Value* priced = object.if_contains("priced"))
    cost.priced = Picodollars{priced->to_number<std::int64_t>()};
  return cost;
}

void take_rest(StoredRun& stored, json::Object& rest) {
  Run& run = stored.run;
  const auto object = [&rest](const char* key, json::Object& to) {
    if (json::Value* value = rest.if_contains(key)) to = std::move(value->as_object());
  };
  const auto text = [&rest](const char* key, std::optional<std::string>& to) {
    if (const json::Value* value = rest.if_contains(key)) to = std::string(value->as_string());
  };
  object("metadata", run.metadata);
  object("attributes", run.attributes);
  object("extra", run.extra);
  text("request_model", stored.request_model);
  text("service_tier", stored.service_tier);
  text("dotted_order", run.dotted_order);
  text("example", run.reference_example_id);
  if (const json::Value* tags = rest.if_contains("tags"))
    for (const json::Value& tag : tags->as_array()) run.tags.emplace_back(tag.as_string());
  if (json::Value* events = rest.if_contains("events"))
    for (json::Value& event : events->as_array())
      run.events.push_back({std::string(event.at("name").as_string()),
                            event.at("time").to_number<Nanoseconds>(),
                            std::move(event.at("attributes").as_object())});
  if (const json::Value* usage = rest.if_contains("usage"))
    stored.sent_usage = usage_from(usage->as_object());
  if (const json::Value* cost = rest.if_contains("cost")) run.cost = cost_from(cost->as_object());
  if (const json::Value* sent = rest.if_contains("sent_cost")) {
    const auto dollars = [&](std::size_t at) {
      const json::Value& value = sent->as_array().at(at);
      return value.is_null() ? std::optional<double>() : value.to_number<double>();
    };
    stored.sent_cost = {dollars(0), dollars(1), dollars(2)};
  }
}

void derive(StoredRun& stored) {
  Run& run = stored.run;
  if (stored.sent_usage.is_empty()) return;
  const InclusiveUsage inclusive = inclusive_usage(stored.sent_usage);
  run.usage = inclusive.usage;
  if (inclusive.is_corrected) join(run.tags, {std::string(corrected_usage_tag)});
}

/// The strings of a JSON value, and its numbers, one after the other.
void add_text(const json::Value& value, std::string& out) {
  if (value.is_object()) {
    for (const auto& [key, one] : value.get_object()) add_text(one, out);
  } else if (value.is_array()) {
    for (const json::Value& one : value.get_array()) add_text(one, out);
  } else if (!value.is_null()) {
    if (!out.empty()) out += ' ';
    out += value.is_string() ? std::string(value.get_string()) : json::dump(value);
  }
}

std::string text_of(const std::optional<Payload>& payload) {
  if (!payload) return {};
  if (payload->is_text) return payload->bytes;
  std::string text;
  if (const auto value = json::parse(payload->bytes)) add_text(*value, text);
  return text;
}

}  // namespace

void merge(StoredRun& stored, RunPatch&& patch) {
  Run& run = stored.run;
  if (patch.name) run.name = *std::move(patch.name);
  if (patch.project) run.project = *std::move(patch.project);
  if (patch.kind) run.kind = *patch.kind;
  if (patch.start) run.start = *patch.start;
  take(run.parent_id, patch.parent_id);
  take(run.error, patch.error);
  take(run.end, patch.end);
  take(run.first_token, patch.first_token);
  take(run.inputs, patch.inputs);
  take(run.outputs, patch.outputs);
  take(run.session_id, patch.session_id);
  take(run.user_id, patch.user_id);
  take(run.provider, patch.provider);
  take(run.model, patch.model);
  take(run.dotted_order, patch.dotted_order);
  take(run.reference_example_id, patch.reference_example_id);
  take(stored.request_model, patch.request_model);
  take(stored.service_tier, patch.service_tier);
  join(run.tags, std::move(patch.tags));
  join(run.events, std::move(patch.events));
  join(run.metadata, std::move(patch.metadata));
  join(run.attributes, std::move(patch.attributes));
  join(run.extra, std::move(patch.extra));
  if (!patch.usage.is_empty()) stored.sent_usage = patch.usage;
  if (patch.cost.input || patch.cost.output || patch.cost.total) stored.sent_cost = patch.cost;
  if (patch.status && *patch.status != Status::pending)
    run.status = *patch.status;
  else if (run.error)
    run.status = Status::error;
  else if (run.status == Status::pending && run.end)
    run.status = Status::ok;
  derive(stored);
}

void price(StoredRun& stored, const PriceBook& prices) {
  constexpr Nanoseconds nanoseconds_per_millisecond = 1'000'000;
  Run& run = stored.run;
  std::optional<Cost> priced;
  std::vector<std::string> models;
  for (const auto& model : {run.model, stored.request_model})
    if (model) models.push_back(*model);
  if (run.usage && !models.empty())
    if (const PriceRow* row = prices.find_first(models, run.provider.value_or(""), run.start))
      priced = cost_of(*run.usage, *row, stored.service_tier.value_or(""),
                       run.end ? (*run.end - run.start) / nanoseconds_per_millisecond : 0);
  run.cost = with_client_cost(std::move(priced), stored.sent_cost);
  stored.is_unpriced = run.usage && !run.cost;
}

Result<StoredRun> read_run(const store::Statement& row, bool with_payload) {
  StoredRun stored;
  Run& run = stored.run;
  run.arrival = row.integer(0);
  stored.trace = row.integer(1);
  run.id = row.text(2);
  run.parent_id = store::optional_text(row, 3);
  run.project = row.text(4);
  run.name = row.text(5);
  run.kind = static_cast<Kind>(row.integer(6));
  run.status = static_cast<Status>(row.integer(7));
  run.error = store::optional_text(row, 8);
  run.start = row.integer(9);
  run.end = store::optional_integer(row, 10);
  run.first_token = store::optional_integer(row, 11);
  run.session_id = store::optional_text(row, 12);
  run.user_id = store::optional_text(row, 13);
  run.provider = store::optional_text(row, 14);
  run.model = store::optional_text(row, 15);
  if (const std::string_view rest = row.text(16); !rest.empty()) {
    auto parsed = TRY(json::parse(rest));
    try {
      take_rest(stored, parsed.as_object());
    } catch (const std::exception&) {
      return fail(Code::invalid_argument, "run '{}': its row in the database is damaged", run.id);
    }
  }
  stored.is_unpriced = row.integer(17) != 0;
  if (!stored.sent_usage.is_empty()) run.usage = inclusive_usage(stored.sent_usage).usage;
  if (with_payload) read_payload(row, run);
  return stored;
}

void read_payload(const store::Statement& row, Run& run) {
  const std::int64_t kinds = row.integer(20);
  if (!row.is_null(18))
    run.inputs = Payload{std::string(row.blob(18)), (kinds & inputs_are_text) != 0};
  if (!row.is_null(19))
    run.outputs = Payload{std::string(row.blob(19)), (kinds & outputs_are_text) != 0};
}

std::string rest_text(const StoredRun& stored) {
  const Run& run = stored.run;
  std::string text;
  ObjectText rest(text);
  const auto object = [&](std::string_view name, const json::Object& value) {
    if (!value.empty()) rest.name(name) += boost::json::serialize(value);
  };
  object("metadata", run.metadata);
  object("attributes", run.attributes);
  object("extra", run.extra);
  if (!run.tags.empty()) rest.value("tags", json::to(run.tags));
  if (!run.events.empty()) rest.value("events", to_array(run.events));
  if (!stored.sent_usage.is_empty()) object("usage", to_object(stored.sent_usage));
  if (run.cost) object("cost", to_object(*run.cost));
  const SentCost& sent = stored.sent_cost;
  if (sent.input || sent.output || sent.total)
    rest.value("sent_cost",
               json::Array{json::to(sent.input), json::to(sent.output), json::to(sent.total)});
  const auto optional = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) rest.text(name, std::string_view(*value));
  };
  optional("request_model", stored.request_model);
  optional("service_tier", stored.service_tier);
  optional("dotted_order", run.dotted_order);
  optional("example", run.reference_example_id);
  optional("error", run.error);
  rest.end();
  return text.size() == 2 ? std::string() : text;
}

Result<void> take_rest_text(StoredRun& stored, std::string_view text) {
  if (text.empty()) return {};
  auto parsed = TRY(json::parse(text));
  try {
    take_rest(stored, parsed.as_object());
    if (const json::Value* error = parsed.as_object().if_contains("error"))
      stored.run.error = std::string(error->as_string());
  } catch (const std::exception&) {
    return fail(Code::invalid_argument, "run '{}': what is stored of it is damaged", stored.run.id);
  }
  if (!stored.sent_usage.is_empty()) stored.run.usage = inclusive_usage(stored.sent_usage).usage;
  return {};
}

std::string preview(const std::optional<Payload>& payload) {
  constexpr std::size_t characters_max = 300;
  std::string text = text_of(payload);
  std::size_t at = 0;
  for (std::size_t count = 0; at < text.size() && count < characters_max; ++count) {
    const bool is_ascii = static_cast<unsigned char>(text[at]) < 0x80;
    at += is_ascii ? 1 : unicode::decode(text, at).bytes;
  }
  text.resize(at);
  return text;
}

}  // namespace slipway::trace::detail
