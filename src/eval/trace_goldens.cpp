#include "eval/trace_goldens.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>

#include "core/files.hpp"
#include "core/json_exact.hpp"
#include "trace/evaluators.hpp"
#include "trace/sessions.hpp"

namespace slipway::eval {

namespace {

constexpr int depth_max = 6;
constexpr std::size_t passages_max = 1'000;
constexpr double failed_below = 0.5;

constexpr std::array text_names{std::string_view("page_content"), std::string_view("pageContent"),
                                std::string_view("content"),      std::string_view("text"),
                                std::string_view("passage"),      std::string_view("document"),
                                std::string_view("chunk"),        std::string_view("snippet")};
constexpr std::array id_names{
    std::string_view("chunk_id"), std::string_view("document_id"), std::string_view("doc_id"),
    std::string_view("id"),       std::string_view("path"),        std::string_view("uri"),
    std::string_view("source"),   std::string_view("url"),         std::string_view("file_path")};

std::optional<std::string> text_at(const json::Object& object,
                                   std::span<const std::string_view> names) {
  for (const std::string_view name : names)
    if (const json::Value* value = object.if_contains(name)) {
      if (value->is_string() && !value->get_string().empty())
        return std::string(value->get_string());
      if (value->is_int64()) return json::dump(*value);
    }
  return std::nullopt;
}

std::optional<FoundPassage> passage_of(const json::Value& value) {
  if (value.is_string()) return FoundPassage{std::string(value.get_string()), ""};
  if (!value.is_object()) return std::nullopt;
  const json::Object& object = value.get_object();
  for (const char* inner : {"document", "node", "chunk"})
    if (const json::Value* one = object.if_contains(inner); one != nullptr && one->is_object())
      return passage_of(*one);
  const auto text = text_at(object, text_names);
  if (!text) return std::nullopt;
  FoundPassage passage{*text, ""};
  const json::Value* metadata = object.if_contains("metadata");
  if (metadata != nullptr && metadata->is_object())
    passage.id = text_at(metadata->get_object(), id_names).value_or("");
  if (passage.id.empty()) passage.id = text_at(object, id_names).value_or("");
  return passage;
}

/// The first list in which anything is a passage.
bool gather(const json::Value& value, int depth, std::vector<FoundPassage>& out) {
  if (depth > depth_max) return false;
  if (value.is_array()) {
    for (const json::Value& item : value.get_array()) {
      if (out.size() >= passages_max) break;
      if (auto passage = passage_of(item)) out.push_back(*std::move(passage));
    }
    if (!out.empty()) return true;
    for (const json::Value& item : value.get_array())
      if (gather(item, depth + 1, out)) return true;
    return false;
  }
  if (!value.is_object()) return false;
  for (const char* name : {"documents", "output_documents", "results", "matches", "nodes", "chunks",
                           "passages", "items", "output", "outputs", "retrieval", "reranker"})
    if (const json::Value* inner = value.get_object().if_contains(name))
      if (gather(*inner, depth + 1, out)) return true;
  if (value.get_object().size() == 1)
    return gather(value.get_object().begin()->value(), depth + 1, out);
  return false;
}

/// Passages of several retrievers follow each other; what was found twice counts once.
void take_passages(const std::vector<const trace::Run*>& runs, Golden& golden) {
  std::vector<std::string> texts, ids;
  std::set<std::string> seen;
  bool has_ids = true;
  for (const trace::Run* run : runs)
    for (FoundPassage& passage : passages_in(run->outputs)) {
      if (!seen.insert(passage.id + '\n' + passage.text).second) continue;
      has_ids = has_ids && !passage.id.empty();
      texts.push_back(std::move(passage.text));
      ids.push_back(std::move(passage.id));
    }
  if (runs.empty()) return;
  golden.retrieval_context = std::move(texts);
  if (has_ids) golden.retrieved_ids = std::move(ids);
}

ToolCall tool_of(const trace::Run& run) {
  ToolCall call{.name = run.name};
  const auto value_of = [](const trace::Payload& payload) {
    if (payload.is_text) return json::Value(payload.bytes);
    auto value = json::parse_exact(payload.bytes);
    return value ? *std::move(value) : json::Value(payload.bytes);
  };
  if (run.inputs) {
    json::Value inputs = value_of(*run.inputs);
    call.input_parameters =
        inputs.is_object() ? std::move(inputs) : json::Value(json::Object{{"input", inputs}});
  }
  if (run.outputs) call.output = value_of(*run.outputs);
  return call;
}

/// The run and all below it, in the order of `all`.
std::vector<const trace::Run*> tree_of(const trace::Run& root, const std::vector<trace::Run>& all) {
  std::multimap<std::string, const trace::Run*> children;
  for (const trace::Run& run : all)
    if (run.parent_id) children.emplace(*run.parent_id, &run);
  std::set<std::string> inside{root.id};
  std::vector<std::string> waiting{root.id};
  while (!waiting.empty()) {
    const auto [begin, end] = children.equal_range(waiting.back());
    waiting.pop_back();
    for (auto child = begin; child != end; ++child)
      if (inside.insert(child->second->id).second) waiting.push_back(child->second->id);
  }
  std::vector<const trace::Run*> tree;
  for (const trace::Run& run : all)
    if (inside.contains(run.id)) tree.push_back(&run);
  return tree;
}

void redact_run(const std::function<void(trace::RunPatch&)>& redact, trace::Run& run) {
  trace::RunPatch patch;
  patch.id = run.id;
  patch.name = run.name;
  patch.error = run.error;
  patch.inputs = std::move(run.inputs);
  patch.outputs = std::move(run.outputs);
  patch.session_id = run.session_id;
  patch.user_id = run.user_id;
  redact(patch);
  run.name = patch.name.value_or("");
  run.error = patch.error;
  run.inputs = std::move(patch.inputs);
  run.outputs = std::move(patch.outputs);
  run.session_id = patch.session_id;
}

std::string correction_text(const json::Value& correction) {
  if (correction.is_string()) return std::string(correction.get_string());
  return trace::payload_text(trace::Payload{.bytes = json::dump(correction), .is_text = false});
}

/// Where the trace stands among all that may be sampled; small ones are in first.
std::string luck_of(const std::string& trace_id, std::uint64_t seed) {
  return sha256(fmt::format("{}\n{}", seed, trace_id));
}

Result<std::vector<trace::Feedback>> feedback_of(const Context& context,
                                                 trace::Feedbacks& feedbacks,
                                                 const trace::Trace& trace) {
  trace::FeedbackQuery query;
  for (const trace::Run& run : trace.runs) query.run_ids.push_back(run.id);
  query.is_of_session = false;
  query.limit = 1000;
  std::vector<trace::Feedback> all;
  for (trace::Feedback& one : TRY(feedbacks.list(context, query)))
    // A span's id may be in several traces.
    if (!one.trace_id || trace::as_uuid(*one.trace_id) == trace::as_uuid(trace.summary.id))
      all.push_back(std::move(one));
  return all;
}

class Selecting {
 public:
  Selecting(trace::TraceStore& store, trace::Feedbacks& feedbacks, const TraceSelection& selection)
      : store_(store), feedbacks_(feedbacks), selection_(selection) {}

  Result<TraceGoldens> all(const Context& context) {
    std::vector<std::string> ids = TRY(matching(context));
    found_.matched = ids.size();
    if (selection_.sample && !selection_.failed) {
      std::sort(ids.begin(), ids.end(), [&](const auto& a, const auto& b) {
        return luck_of(a, selection_.seed) < luck_of(b, selection_.seed);
      });
    }
    for (const std::string& id : ids) {
      if (selection_.sample && !selection_.failed && found_.goldens.size() >= *selection_.sample)
        break;
      TRY(context.check());
      TRY(take(context, id));
    }
    return std::move(found_);
  }

 private:
  Result<std::vector<std::string>> matching(const Context& context) {
    trace::Query query = selection_.query;
    query.with_payload = false;
    query.limit = 1000;
    std::vector<std::string> ids;
    for (;;) {
      const auto page = TRY(store_.traces(context, query));
      for (const trace::TraceSummary& summary : page.items) ids.push_back(summary.id);
      if (ids.size() > selection_.traces_max)
        return fail(Code::invalid_argument,
                    "more than {} traces match; narrow the filter by project or time",
                    selection_.traces_max);
      if (!page.next_cursor) return ids;
      query.cursor = *page.next_cursor;
    }
  }

  Result<void> take(const Context& context, const std::string& id) {
    auto found = store_.trace(context, id, true);
    // It was deleted meanwhile.
    if (!found) return found.error().code() == Code::not_found ? Result<void>() : found.error();
    trace::Trace& trace = *found;
    FeedbackVerdict verdict = verdict_of(trace, TRY(feedback_of(context, feedbacks_, trace)));
    if (selection_.failed && !verdict.failed) return {};
    if (selection_.redact)
      for (trace::Run& run : trace.runs) redact_run(selection_.redact, run);
    auto golden = golden_of(trace);
    if (!golden) {
      ++found_.incomplete;
      return {};
    }
    golden->id.clear();
    if (verdict.answer) golden->expected_output = verdict.answer;
    if (selection_.failed) {
      golden->metadata["severity"] = "critical";
      golden->metadata["failure"] = verdict.reason;
    }
    identify(*golden);
    found_.goldens.push_back(*std::move(golden));
    return {};
  }

  trace::TraceStore& store_;
  trace::Feedbacks& feedbacks_;
  const TraceSelection& selection_;
  TraceGoldens found_;
};

}  // namespace

std::vector<FoundPassage> passages_in(const std::optional<trace::Payload>& outputs) {
  std::vector<FoundPassage> passages;
  if (!outputs || outputs->is_text) return passages;
  if (const auto value = json::parse(outputs->bytes)) gather(*value, 0, passages);
  return passages;
}

Golden golden_of_run(const trace::Run& run, const std::vector<trace::Run>& all) {
  Golden golden;
  golden.input = trace::payload_text(run.inputs);
  if (run.outputs) golden.actual_output = trace::payload_text(run.outputs);
  std::vector<const trace::Run*> retrievers, rerankers;
  for (const trace::Run* one : tree_of(run, all)) {
    if (one->kind == trace::Kind::retriever) retrievers.push_back(one);
    if (one->kind == trace::Kind::reranker && !passages_in(one->outputs).empty())
      rerankers.push_back(one);
    if (one->kind == trace::Kind::tool) {
      if (!golden.tools_called) golden.tools_called.emplace();
      golden.tools_called->push_back(tool_of(*one));
    }
  }
  take_passages(rerankers.empty() ? retrievers : rerankers, golden);
  golden.latency_ms = run.latency_ms();
  golden.trace_id = run.trace_id;
  golden.metadata["project"] = run.project;
  if (!run.name.empty()) golden.metadata["name"] = run.name;
  if (run.session_id && !run.session_id->empty()) golden.metadata["conversation"] = *run.session_id;
  return golden;
}

Result<Golden> golden_of(const trace::Trace& trace) {
  const trace::Run* root = nullptr;
  for (const trace::Run& run : trace.runs)
    if (!run.parent_id && root == nullptr) root = &run;
  if (root == nullptr) return fail(Code::not_found, "trace '{}' has no root yet", trace.summary.id);
  Golden golden = golden_of_run(*root, trace.runs);
  if (golden.latency_ms && *golden.latency_ms < 0) golden.latency_ms.reset();
  if (trace.summary.cost) golden.cost_usd = trace.summary.cost->dollars();
  identify(golden);
  return golden;
}

FeedbackVerdict verdict_of(const trace::Trace& trace,
                           const std::vector<trace::Feedback>& feedback) {
  FeedbackVerdict verdict;
  if (trace.summary.status == trace::Status::error) {
    verdict.failed = true;
    verdict.reason = "error: " + trace.summary.error.value_or("it has no words").substr(0, 500);
  }
  for (const trace::Feedback& one : feedback) {
    const bool is_wrong = one.score.is_number() && one.score.to_number<double>() < failed_below &&
                          !one.error.value_or(false);
    if (is_wrong && !verdict.failed) {
      verdict.failed = true;
      verdict.reason = fmt::format("feedback {} {}", one.key, one.score.to_number<double>());
    }
    // Youngest first.
    if (!one.correction.is_null() && !verdict.answer) {
      verdict.answer = correction_text(one.correction);
      if (!verdict.failed) verdict.reason = fmt::format("feedback {} corrects it", one.key);
      verdict.failed = true;
    }
  }
  return verdict;
}

Result<TraceGoldens> goldens_of_traces(const Context& context, trace::TraceStore& store,
                                       trace::Feedbacks& feedbacks,
                                       const TraceSelection& selection) {
  return Selecting(store, feedbacks, selection).all(context);
}

std::vector<Golden> news_of(const std::vector<Golden>& known, std::vector<Golden> found) {
  std::map<std::string, const Golden*> by_trace;
  for (const Golden& golden : known)
    if (!golden.trace_id.empty()) by_trace.emplace(golden.trace_id, &golden);
  std::vector<Golden> news;
  for (Golden& golden : found) {
    const auto old = by_trace.find(golden.trace_id);
    if (old == by_trace.end()) {
      news.push_back(std::move(golden));
      continue;
    }
    if (old->second->expected_output || !golden.expected_output) continue;
    Golden answered = *old->second;
    answered.expected_output = std::move(golden.expected_output);
    news.push_back(std::move(answered));
  }
  return news;
}

}  // namespace slipway::eval
