#include "trace/detail/v2_wire.hpp"

#include <algorithm>
#include <cmath>

#include "trace/detail/json_text.hpp"
#include "trace/detail/stored_run.hpp"

namespace slipway::trace::detail {

namespace {

/// What v1 has under another name, as it is there.
struct Taken {
  std::string_view select, name, of_v1;
};
constexpr Taken taken[] = {{"NAME", "name", "name"},
                           {"START_TIME", "start_time", "start_time"},
                           {"END_TIME", "end_time", "end_time"},
                           {"FIRST_TOKEN_TIME", "first_token_time", "first_token_time"},
                           {"ERROR", "error", "error"},
                           {"EXTRA", "extra", "extra"},
                           {"EVENTS", "events", "events"},
                           {"INPUTS", "inputs", "inputs"},
                           {"OUTPUTS", "outputs", "outputs"},
                           {"MANIFEST", "manifest", "serialized"},
                           {"PARENT_RUN_IDS", "parent_run_ids", "parent_run_ids"},
                           {"PROJECT_ID", "project_id", "session_id"},
                           {"TRACE_ID", "trace_id", "trace_id"},
                           {"THREAD_ID", "thread_id", "thread_id"},
                           {"DOTTED_ORDER", "dotted_order", "dotted_order"},
                           {"REFERENCE_EXAMPLE_ID", "reference_example_id", "reference_example_id"},
                           {"TOTAL_TOKENS", "total_tokens", "total_tokens"},
                           {"PROMPT_TOKENS", "prompt_tokens", "prompt_tokens"},
                           {"COMPLETION_TOKENS", "completion_tokens", "completion_tokens"},
                           {"TOTAL_COST", "total_cost", "total_cost"},
                           {"PROMPT_COST", "prompt_cost", "prompt_cost"},
                           {"COMPLETION_COST", "completion_cost", "completion_cost"},
                           {"TAGS", "tags", "tags"},
                           {"APP_PATH", "app_path", "app_path"},
                           {"IS_IN_DATASET", "is_in_dataset", "in_dataset"},
                           {"FEEDBACK_STATS", "feedback_stats", "feedback_stats"}};

/// What is made here, and what nobody knows here.
constexpr std::string_view made[] = {"ID",
                                     "RUN_TYPE",
                                     "STATUS",
                                     "LATENCY_SECONDS",
                                     "ERROR_PREVIEW",
                                     "METADATA",
                                     "INPUTS_PREVIEW",
                                     "OUTPUTS_PREVIEW",
                                     "IS_ROOT",
                                     "PARENT_RUN_ID",
                                     "REFERENCE_DATASET_ID",
                                     "PROMPT_TOKEN_DETAILS",
                                     "COMPLETION_TOKEN_DETAILS",
                                     "PROMPT_COST_DETAILS",
                                     "COMPLETION_COST_DETAILS",
                                     "PRICE_MODEL_ID",
                                     "ATTACHMENTS",
                                     "THREAD_EVALUATION_TIME",
                                     "LAST_QUEUED_AT",
                                     "SHARE_URL",
                                     "LS_USER_ID"};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

bool is_output(std::string_view bucket) {
  return bucket == "reasoning" || bucket.starts_with("output");
}

void add_token_details(ObjectText& object, const Usage& usage, bool is_of_output) {
  const char* const name = is_of_output ? "completion_token_details" : "prompt_token_details";
  std::string& out = object.name(name);
  ObjectText details(out);
  std::string& raw = details.name("raw");
  ObjectText counts(raw);
  const auto add = [&](std::string_view key, std::int64_t count) {
    if (count > 0) counts.count(key, count);
  };
  if (is_of_output) {
    add("reasoning", usage.reasoning_tokens);
    add("audio", usage.output_audio_tokens);
  } else {
    add("cache_read", usage.cache_read_tokens);
    add("cache_creation", usage.cache_write_tokens);
    add("ephemeral_1h_input_tokens", usage.cache_write_1h_tokens);
    add("audio", usage.input_audio_tokens);
  }
  counts.end();
  details.end();
}

void add_cost_details(ObjectText& object, const Run& run, bool is_of_output) {
  const char* const name = is_of_output ? "completion_cost_details" : "prompt_cost_details";
  if (!run.cost) return object.raw(name, "null");
  std::string& out = object.name(name);
  ObjectText details(out);
  std::string& raw = details.name("raw");
  ObjectText costs(raw);
  for (const CostLine& line : run.cost->lines)
    if (is_output(line.bucket) == is_of_output) costs.money(line.bucket, line.usd);
  costs.end();
  details.end();
}

class Writer {
 public:
  Writer(const Selects& selects, const std::string& base) : selects_(selects), base_(base) {}

  std::string text(const Run& run, std::string_view v1) const {
    std::string out;
    ObjectText object(out);
    object.raw("id", json::member(v1, "id"));
    for (const Taken& one : taken)
      if (has(one.select)) object.raw(one.name, json::member(v1, one.of_v1));
    add_words(object, run, v1);
    add_numbers(object, run);
    add_links(object, v1);
    for (const std::string_view unknown :
         {"REFERENCE_DATASET_ID", "PRICE_MODEL_ID", "THREAD_EVALUATION_TIME", "LAST_QUEUED_AT",
          "LS_USER_ID"})
      if (has(unknown)) object.raw(lower(unknown), "null");
    object.end();
    return out;
  }

 private:
  bool has(std::string_view select) const { return selects_.contains(select); }
  static std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
  }

  void add_words(ObjectText& object, const Run& run, std::string_view v1) const {
    if (has("RUN_TYPE"))
      object.text("run_type",
                  std::string_view(upper(json::unquoted(json::member(v1, "run_type")))));
    if (has("STATUS"))
      object.text("status", std::string_view(upper(json::unquoted(json::member(v1, "status")))));
    if (has("ERROR_PREVIEW"))
      object.text("error_preview",
                  run.error ? std::optional(preview(Payload{*run.error, true})) : std::nullopt);
    if (has("METADATA")) object.value("metadata", run.metadata);
    if (has("INPUTS_PREVIEW")) object.text("inputs_preview", std::string_view(preview(run.inputs)));
    if (has("OUTPUTS_PREVIEW"))
      object.text("outputs_preview", std::string_view(preview(run.outputs)));
    if (has("IS_ROOT")) object.raw("is_root", run.parent_id ? "false" : "true");
    if (has("PARENT_RUN_ID")) object.raw("parent_run_id", json::member(v1, "parent_run_id"));
  }

  void add_numbers(ObjectText& object, const Run& run) const {
    constexpr double per_second = 1000;
    if (has("LATENCY_SECONDS"))
      object.number("latency_seconds", run.latency_ms()
                                           ? std::optional(*run.latency_ms() / per_second)
                                           : std::nullopt);
    const Usage usage = run.usage.value_or(Usage());
    if (has("PROMPT_TOKEN_DETAILS")) add_token_details(object, usage, false);
    if (has("COMPLETION_TOKEN_DETAILS")) add_token_details(object, usage, true);
    if (has("PROMPT_COST_DETAILS")) add_cost_details(object, run, false);
    if (has("COMPLETION_COST_DETAILS")) add_cost_details(object, run, true);
  }

  void add_links(ObjectText& object, std::string_view v1) const {
    if (has("ATTACHMENTS")) {
      std::string& out = object.name("attachments");
      ObjectText links(out);
      constexpr std::size_t prefix = 11;  // "attachment."
      json::Members files(json::member(v1, "s3_urls"));
      for (json::Member one; files.next(one);) {
        const std::string name = json::unquoted(fmt::format("\"{}\"", one.key));
        links.foreign_name(name.substr(std::min(prefix, name.size()))) += json::quoted(
            base_ + "/api/v1" + json::unquoted(json::member(one.value, "presigned_url")));
      }
      links.end();
    }
    if (has("SHARE_URL")) {
      const std::string token = json::unquoted(json::member(v1, "share_token"));
      object.text("share_url", token.empty()
                                   ? std::optional<std::string>()
                                   : std::optional(fmt::format("{}/public/{}/r", base_, token)));
    }
  }

  const Selects& selects_;
  const std::string& base_;
};

}  // namespace

Result<Selects> read_selects(const std::vector<std::string>& names) {
  static const std::vector<std::string_view> known = [] {
    std::vector<std::string_view> all(std::begin(made), std::end(made));
    for (const Taken& one : taken) all.push_back(one.select);
    return all;
  }();
  Selects selects;
  for (const std::string& name : names) {
    if (std::find(known.begin(), known.end(), std::string_view(name)) == known.end()) {
      const std::string_view nearest = json::nearest(name, known);
      return fail(Code::invalid_argument, "selects: '{}' is no field of runs{}{}{}",
                  name.substr(0, 60), nearest.empty() ? "" : "; did you mean '", nearest,
                  nearest.empty() ? "" : "'?");
    }
    selects.insert(name);
  }
  return selects;
}

Result<std::vector<std::string>> v2_run_texts(const Context& context, const Services& services,
                                              const std::vector<Run>& runs, const Selects& selects,
                                              const std::string& base) {
  const auto v1 = TRY(langsmith_run_texts(context, services, runs));
  const Writer writer(selects, base);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < runs.size(); ++i) texts.push_back(writer.text(runs[i], v1[i]));
  return texts;
}

http::Response v2_page(const http::Request& request, const std::vector<std::string>& items,
                       const std::optional<std::string>& next_cursor) {
  std::string page = "{\"items\":";
  append_list(page, items, [&](const std::string& item) { page += item; });
  page += ",\"next_cursor\":";
  page += next_cursor ? json::quoted(*next_cursor) : "null";
  page += '}';
  if (request.headers.get("accept") != "text/event-stream") return json_response(200, page);
  return {.status = 200,
          .headers = {{"Content-Type", "text/event-stream"}, {"Cache-Control", "no-store"}},
          .body = fmt::format("event: data\ndata: [{{\"op\":\"add\",\"path\":\"\",\"value\":{}}}]"
                              "\n\nevent: end\ndata: {{}}\n\n",
                              page)};
}

std::optional<double> quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return std::nullopt;
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

}  // namespace slipway::trace::detail
