// /api/datasets/{name}/goldens: the examples of a dataset as metrics read them.
#include "api/detail/evaluation_routes.hpp"
#include "eval/golden_dataset.hpp"
#include "eval/golden_files.hpp"
#include "eval/trace_golden_wish.hpp"

namespace slipway::api::detail {

namespace {

struct GoldenListing {
  std::string name;
  int limit = 100;
  std::string cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"minLength": 1, "maxLength": 800, "description":
      "Of the dataset, or NAME@version: an alias, a time, or the beginning of a digest."},
    "limit": {"minimum": 1, "maximum": 1000},
    "cursor": {"maxLength": 64}}})";
};
BOOST_DESCRIBE_STRUCT(GoldenListing, (), (name, limit, cursor))

struct GoldenTarget {
  std::string name;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "name": {"minLength": 1, "maxLength": 512}}})";
};
BOOST_DESCRIBE_STRUCT(GoldenTarget, (), (name))

/// Seen by schemas only.
struct GoldenShape {
  std::string id, input;
  static constexpr std::string_view schema_notes = R"({"additionalProperties": true,
    "description": "`id`, `input`, and what else it has: `expected_output`, `context` ..."})";
};
BOOST_DESCRIBE_STRUCT(GoldenShape, (), (id, input))

struct GoldenList {
  std::vector<GoldenShape> items;
  std::string version;
  std::int64_t total = 0;
  std::optional<std::string> next_cursor;
  static constexpr std::string_view schema_notes = R"({"properties": {
    "version": {"description": "sha256 of what the goldens say, whatever their order."}}})";
};
BOOST_DESCRIBE_STRUCT(GoldenList, (), (items, version, total, next_cursor))

struct GoldensBody {
  std::vector<json::Object> goldens;
  static constexpr std::string_view required[] = {"goldens"};
  static constexpr std::string_view schema_notes = R"({"properties": {
    "goldens": {"minItems": 1, "maxItems": 20000, "items": {"type": "object",
      "required": ["input"], "additionalProperties": false, "properties": {
        "id": {"type": "string"}, "input": {"type": "string"},
        "expected_output": {"type": ["string", "null"]},
        "actual_output": {"type": ["string", "null"]},
        "context": {"type": ["array", "null"], "items": {"type": "string"}},
        "retrieval_context": {"type": ["array", "null"], "items": {"type": "string"}},
        "retrieved_ids": {"type": ["array", "null"], "items": {"type": "string"}},
        "relevance": {"type": ["object", "null"],
          "additionalProperties": {"type": "number", "minimum": 0}},
        "tools_called": {"type": ["array", "null"], "items": {"type": "object",
          "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}},
        "expected_tools": {"type": ["array", "null"], "items": {"type": "object",
          "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}},
        "latency_ms": {"type": ["number", "null"], "minimum": 0},
        "cost_usd": {"type": ["number", "null"], "minimum": 0},
        "trace_id": {"type": ["string", "null"]}, "metadata": {"type": "object"}}}}}})";
};
BOOST_DESCRIBE_STRUCT(GoldensBody, (), (goldens))

struct GoldensReply {
  std::string dataset, version;
  std::int64_t added = 0, changed = 0, unchanged = 0;
};
BOOST_DESCRIBE_STRUCT(GoldensReply, (), (dataset, version, added, changed, unchanged))

using Goldens = http::Written<GoldenList>;

Result<Goldens> list(const Context& context, datasets::Datasets& datasets,
                     const GoldenListing& wish) {
  constexpr std::size_t digits_max = 9;
  std::size_t begin = 0;
  if (!wish.cursor.empty()) {
    if (wish.cursor.size() > digits_max ||
        wish.cursor.find_first_not_of("0123456789") != std::string::npos)
      return fail(Code::invalid_argument, "cursor: '{}' is not one of this list", wish.cursor);
    begin = std::stoul(wish.cursor);
  }
  const auto named = TRY(eval::find_goldens(context, datasets, wish.name));
  const auto goldens = TRY(eval::goldens_of(context, datasets, named));
  begin = std::min(begin, goldens.size());
  const std::size_t end = std::min(goldens.size(), begin + static_cast<std::size_t>(wish.limit));
  json::Array items;
  for (std::size_t i = begin; i < end; ++i) items.push_back(eval::to_json(goldens[i]));
  json::Object reply{{"items", std::move(items)},
                     {"version", eval::version_of(goldens)},
                     {"total", goldens.size()},
                     {"next_cursor", nullptr}};
  if (end < goldens.size()) reply["next_cursor"] = std::to_string(end);
  return Goldens{json::dump(reply)};
}

Result<GoldensReply> add(const Context& context, datasets::Datasets& datasets,
                         const std::string& name, std::vector<eval::Golden> goldens) {
  for (eval::Golden& golden : goldens) eval::identify(golden);
  const auto report = TRY(eval::add_goldens(context, datasets, name, goldens, eval::Merge::into));
  return GoldensReply{.dataset = report.dataset,
                      .version = report.version.digest,
                      .added = static_cast<std::int64_t>(report.added),
                      .changed = static_cast<std::int64_t>(report.changed),
                      .unchanged = static_cast<std::int64_t>(report.unchanged)};
}

Result<GoldensReply> add_sent(const Context& context, datasets::Datasets& datasets,
                              const std::string& name, const GoldensBody& body) {
  std::vector<eval::Golden> goldens;
  for (const json::Object& one : body.goldens)
    goldens.push_back(TRY(
        eval::parse_golden(json::Value(one)).within(fmt::format("goldens[{}]", goldens.size()))));
  return add(context, datasets, name, std::move(goldens));
}

/// Files of several formats may come together.
Result<GoldensReply> add_files(const Context& context, datasets::Datasets& datasets,
                               const std::string& name,
                               const std::vector<http::UploadedFile>& files) {
  std::vector<eval::Golden> goldens;
  for (const http::UploadedFile& file : files) {
    auto read = TRY(eval::read_goldens(TRY(file.read()), file.name).within(file.name));
    std::move(read.goldens.begin(), read.goldens.end(), std::back_inserter(goldens));
  }
  if (goldens.empty()) return fail(Code::invalid_argument, "the files hold no golden");
  return add(context, datasets, name, std::move(goldens));
}

}  // namespace

void mount_goldens(http::Api& api, const EvaluationDeskPtr& desk) {
  datasets::Datasets* const datasets = &desk->services.datasets.datasets;
  api.get<GoldenListing, Goldens>("/api/datasets/{name}/goldens",
                                  {.summary = "The examples of one version as goldens",
                                   .tag = "datasets",
                                   .role = "read",
                                   .name = "list_goldens",
                                   .fails = {Code::not_found}},
                                  [datasets](const http::Call& call, const GoldenListing& wish) {
                                    return list(call.context(), *datasets, wish);
                                  });
  using Sent = std::variant<GoldensBody, http::Upload>;
  api.post<GoldenTarget, Sent, GoldensReply>(
      "/api/datasets/{name}/goldens",
      {.summary = "Add goldens, as JSON or as files; one of a known id takes its place",
       .description = "Files may be JSON Lines, CSV or YAML: goldens, or what deepeval, RAGAS, "
                      "LangSmith, promptfoo and SQuAD-like sets are kept in. The dataset is made "
                      "where there is none.",
       .tag = "datasets",
       .role = "write",
       .name = "add_goldens",
       .fails = {Code::conflict}},
      [datasets](const http::Call& call, const GoldenTarget& path,
                 const Sent& sent) -> Result<GoldensReply> {
        if (const auto* body = std::get_if<GoldensBody>(&sent))
          return add_sent(call.context(), *datasets, path.name, *body);
        return add_files(call.context(), *datasets, path.name, std::get<http::Upload>(sent).files);
      });
  api.post<http::NoParameters, eval::TraceGoldensWish, eval::TraceGoldensReport>(
      "/api/goldens/from-traces",
      {.summary = "Goldens of traces, one of each that matches, in a dataset or in the reply",
       .description = "Asked again, it adds what is new, and answers that people gave meanwhile.",
       .tag = "datasets",
       .role = "write",
       .name = "add_goldens_from_traces",
       .fails = {Code::conflict}},
      [desk](const http::Call& call, const http::NoParameters&,
             const eval::TraceGoldensWish& wish) {
        const EvaluationServices& services = desk->services;
        return eval::take_trace_goldens(call.context(),
                                        {.store = services.datasets.traces.store,
                                         .feedbacks = services.datasets.traces.feedbacks,
                                         .datasets = services.datasets.datasets,
                                         .mask = services.mask},
                                        wish);
      });
}

}  // namespace slipway::api::detail
