#include "trace/detail/row.hpp"

#include "trace/detail/callers.hpp"

namespace slipway::trace::detail {

namespace {

std::string join_tags(const std::vector<std::string>& tags) {
  std::string joined;
  for (const std::string& tag : tags) {
    joined += tag;
    joined += tag_end;
  }
  return joined;
}

/// The words of all that a run says, and its attributes.
Terms terms_of(const Run& run, const PayloadPtr& inputs, const PayloadPtr& outputs) {
  Terms terms;
  add_words(run.name, terms);
  if (run.error) add_words(*run.error, terms);
  for (const auto& [key, value] : run.metadata) add_words_of(value, terms);
  add_attributes("metadata.", run.metadata, terms);
  add_attributes("attributes.", run.attributes, terms);
  for (const PayloadPtr& payload : {inputs, outputs})
    if (payload) terms.insert(terms.end(), payload->terms.begin(), payload->terms.end());
  sort_terms(terms);
  return terms;
}

std::int64_t flags_of(const StoredRun& stored, const PayloadPtr& inputs,
                      const PayloadPtr& outputs) {
  const Run& run = stored.run;
  std::int64_t flags = 0;
  const auto set = [&](RunFlags flag, bool is_set) {
    if (is_set) flags |= flag;
  };
  set(has_end, run.end.has_value());
  set(has_first_token, run.first_token.has_value());
  set(has_usage, run.usage.has_value());
  set(has_cost, run.cost.has_value());
  set(has_error, run.error.has_value());
  set(is_unpriced, stored.is_unpriced);
  set(inputs_text, inputs && inputs->is_text);
  set(outputs_text, outputs && outputs->is_text);
  return flags;
}

enum class PayloadMark : std::uint8_t { none, bytes, text, as_before };

void pack_payload(const PayloadPtr& payload, const PayloadPtr& before, Packer& packer) {
  if (payload == nullptr) return packer.count(static_cast<std::uint64_t>(PayloadMark::none));
  if (payload == before) return packer.count(static_cast<std::uint64_t>(PayloadMark::as_before));
  packer.count(
      static_cast<std::uint64_t>(payload->is_text ? PayloadMark::text : PayloadMark::bytes));
  packer.text(payload->bytes);
}

PayloadPtr unpack_payload(Unpacker& in, const PayloadPtr& before) {
  const auto mark = static_cast<PayloadMark>(in.count());
  if (mark == PayloadMark::none) return nullptr;
  if (mark == PayloadMark::as_before) return before;
  return make_payload(Payload{std::string(in.text()), mark == PayloadMark::text});
}

void pack_optional(const std::optional<std::string>& text, Packer& packer) {
  packer.count(text ? 1 : 0);
  if (text) packer.text(*text);
}

std::optional<std::string> unpack_optional(Unpacker& in) {
  if (in.count() == 0) return {};
  return std::string(in.text());
}

}  // namespace

PayloadPtr make_payload(Payload&& payload) {
  auto made = std::make_shared<StoredPayload>();
  made->is_text = payload.is_text;
  for_each_text(payload.bytes, payload.is_text,
                [&](std::string_view text) { add_words(text, made->terms); });
  sort_terms(made->terms);
  made->bytes = std::move(payload.bytes);
  return made;
}

Result<PayloadPtr> make_payload(std::shared_ptr<const PayloadSource> source, std::uint32_t number,
                                bool is_text) {
  auto made = std::make_shared<StoredPayload>();
  made->is_text = is_text;
  const std::string bytes = TRY(source->payload(number));
  for_each_text(bytes, is_text, [&](std::string_view text) { add_words(text, made->terms); });
  sort_terms(made->terms);
  made->source = std::move(source);
  made->number = number;
  return PayloadPtr(std::move(made));
}

std::size_t Row::bytes() const {
  std::size_t bytes = sizeof(Row) + rest.size() + terms.size() * sizeof(Term) + id.size();
  for (const PayloadPtr* payload : {&inputs, &outputs})
    if (*payload) bytes += (*payload)->bytes.size() + (*payload)->terms.size() * sizeof(Term);
  return bytes;
}

Row make_row(const StoredRun& stored, PayloadPtr inputs, PayloadPtr outputs) {
  const Run& run = stored.run;
  Row row;
  row.number(RunNumber::n) = run.arrival;
  row.number(RunNumber::start) = run.start;
  row.number(RunNumber::latency) = run.end ? *run.end - run.start : -1;
  row.number(RunNumber::first_token) = run.first_token ? *run.first_token - run.start : 0;
  row.number(RunNumber::kind) = static_cast<std::int64_t>(run.kind);
  row.number(RunNumber::status) = static_cast<std::int64_t>(run.status);
  const Usage usage = run.usage.value_or(Usage());
  row.number(RunNumber::input) = usage.input_tokens;
  row.number(RunNumber::output) = usage.output_tokens;
  row.number(RunNumber::total) = usage.total_tokens;
  row.number(RunNumber::cache_read) = usage.cache_read_tokens;
  row.number(RunNumber::cost) = run.cost ? run.cost->total.value : -1;
  row.number(RunNumber::flags) = flags_of(stored, inputs, outputs);
  const auto text = [&](RunText which) -> std::optional<std::string>& {
    return row.texts[static_cast<std::size_t>(which)];
  };
  text(RunText::project) = run.project;
  text(RunText::name) = run.name;
  text(RunText::session) = run.session_id;
  text(RunText::user) = run.user_id;
  text(RunText::provider) = run.provider;
  text(RunText::model) = run.model;
  if (!run.tags.empty()) text(RunText::tags) = join_tags(run.tags);
  take_callers(row, run);
  row.id = run.id;
  row.parent_id = run.parent_id;
  row.rest = rest_text(stored);
  row.terms = terms_of(run, inputs, outputs);
  row.inputs = std::move(inputs);
  row.outputs = std::move(outputs);
  return row;
}

void take_callers(Row& row, const Run& run) {
  Callers callers = callers_of(run.metadata, run.attributes);
  row.texts[static_cast<std::size_t>(RunText::key)] = std::move(callers.key);
  row.texts[static_cast<std::size_t>(RunText::prompt)] = std::move(callers.prompt);
}

std::vector<std::string> split_tags(std::string_view tags) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < tags.size();) {
    const std::size_t end = std::min(tags.find(tag_end, at), tags.size());
    all.emplace_back(tags.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

bool has_tag(std::string_view tags, std::string_view tag) {
  for (std::size_t at = 0; at < tags.size();) {
    const std::size_t end = std::min(tags.find(tag_end, at), tags.size());
    if (tags.substr(at, end - at) == tag) return true;
    at = end + 1;
  }
  return false;
}

Result<void> complete_terms(Row& row) {
  for (PayloadPtr* payload : {&row.inputs, &row.outputs})
    if (*payload && (*payload)->source)
      *payload = TRY(make_payload((*payload)->source, (*payload)->number, (*payload)->is_text));
  const StoredRun stored = TRY(stored_of(row));
  take_callers(row, stored.run);
  row.terms = terms_of(stored.run, row.inputs, row.outputs);
  row.number(RunNumber::flags) &= ~(counts_tokens | counts_cost);
  return {};
}

Run head_of(const Row& row) {
  Run run;
  run.id = row.id;
  run.parent_id = row.parent_id;
  run.arrival = row.number(RunNumber::n);
  run.start = row.number(RunNumber::start);
  if (row.has(has_end)) run.end = run.start + row.number(RunNumber::latency);
  if (row.has(has_first_token)) run.first_token = run.start + row.number(RunNumber::first_token);
  run.kind = static_cast<Kind>(row.number(RunNumber::kind));
  run.status = static_cast<Status>(row.number(RunNumber::status));
  run.project = row.text(RunText::project).value_or("default");
  run.name = row.text(RunText::name).value_or("");
  run.session_id = row.text(RunText::session);
  run.user_id = row.text(RunText::user);
  run.provider = row.text(RunText::provider);
  run.model = row.text(RunText::model);
  run.key = row.text(RunText::key);
  run.prompt = row.text(RunText::prompt);
  if (row.text(RunText::tags)) run.tags = split_tags(*row.text(RunText::tags));
  if (row.has(has_usage)) {
    run.usage.emplace();
    run.usage->input_tokens = row.number(RunNumber::input);
    run.usage->output_tokens = row.number(RunNumber::output);
    run.usage->total_tokens = row.number(RunNumber::total);
    run.usage->cache_read_tokens = row.number(RunNumber::cache_read);
  }
  if (row.has(has_cost)) {
    run.cost.emplace();
    run.cost->total.value = row.number(RunNumber::cost);
  }
  return run;
}

Result<StoredRun> stored_of(const Row& row) {
  StoredRun stored;
  stored.run = head_of(row);
  stored.is_unpriced = row.has(is_unpriced);
  stored.run.tags.clear();
  stored.run.cost.reset();
  stored.run.usage.reset();
  TRY(take_rest_text(stored, row.rest));
  return stored;
}

Result<Run> run_of(const Row& row, bool with_payload) {
  Run run = TRY(stored_of(row)).run;
  if (!with_payload) return run;
  if (row.inputs) run.inputs = Payload{TRY(row.inputs->read()), row.inputs->is_text};
  if (row.outputs) run.outputs = Payload{TRY(row.outputs->read()), row.outputs->is_text};
  return run;
}

void pack_row(const Row& row, const Row* before, std::string& out) {
  Packer packer(out);
  for (const std::int64_t number : row.numbers) packer.number(number);
  for (std::size_t i = 0; i < told_texts; ++i) pack_optional(row.texts[i], packer);
  packer.text(row.id);
  pack_optional(row.parent_id, packer);
  packer.text(row.rest);
  pack_payload(row.inputs, before == nullptr ? nullptr : before->inputs, packer);
  pack_payload(row.outputs, before == nullptr ? nullptr : before->outputs, packer);
}

Result<Row> unpack_row(Unpacker& in, const Row* before) {
  Row row;
  for (std::int64_t& number : row.numbers) number = in.number();
  for (std::size_t i = 0; i < told_texts; ++i) row.texts[i] = unpack_optional(in);
  row.id = in.text();
  row.parent_id = unpack_optional(in);
  row.rest = in.text();
  row.inputs = unpack_payload(in, before == nullptr ? nullptr : before->inputs);
  row.outputs = unpack_payload(in, before == nullptr ? nullptr : before->outputs);
  if (!in.is_sound()) return fail(Code::invalid_argument, "a run in the journal is damaged");
  const StoredRun stored = TRY(stored_of(row));
  take_callers(row, stored.run);
  row.terms = terms_of(stored.run, row.inputs, row.outputs);
  return row;
}

}  // namespace slipway::trace::detail
