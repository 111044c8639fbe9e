#include "rag/wire.hpp"

#include "rag/library.hpp"

namespace slipway::rag {

namespace {
constexpr std::string_view mode_names[] = {"auto", "generate", "extract"};

Result<void> check_threshold(std::string_view name, double value) {
  if (value == -1 || (value >= 0 && value <= 1)) return {};
  return fail(Code::invalid_argument,
              "{}: {} is out of range 0..1; remove it for the calibrated default", name, value);
}
}  // namespace

Result<void> ContextualSettings::validate() const {
  if (!budget_usd || *budget_usd >= 0) return {};
  return fail(Code::invalid_argument,
              "budget_usd: {} is not a number from 0; leave it out for no limit", *budget_usd);
}

Result<void> LoadingSettings::validate() const {
  if (ocr_command.empty() || ocr_command.front().starts_with('/')) return {};
  return fail(Code::invalid_argument, "ocr_command: '{}' is no absolute path of a program",
              ocr_command.front());
}

Result<void> QuestionDefaults::validate() const {
  if (dense_weight && !(*dense_weight >= 0 && *dense_weight <= 1))
    return fail(Code::invalid_argument, "dense_weight: {} is out of range 0..1", *dense_weight);
  if (answer) TRY(parse_answer_mode(*answer).within("answer"));
  const bool is_told = dense_weight || fusion;
  if (is_told && search && search != index::SearchMode::hybrid)
    return fail(Code::invalid_argument, "{}: is for search hybrid; drop it",
                dense_weight ? "dense_weight" : "fusion");
  return {};
}

Result<void> CollectionSettings::validate() const {
  if (keep_versions < 0)
    return fail(Code::invalid_argument, "keep_versions: {} is not a number from 0", keep_versions);
  for (const auto& [name, weight] : field_weights) {
    if (name != "title" && name != "path")
      return fail(Code::invalid_argument, "field_weights: '{}' is not one of title, path", name);
    constexpr double weight_max = 100;
    if (!(weight >= 0 && weight <= weight_max))
      return fail(Code::invalid_argument, "field_weights.{}: {} is out of range 0..{}", name,
                  weight, weight_max);
  }
  TRY(defaults.validate().within("defaults"));
  TRY(check_threshold("evidence_min", evidence_min));
  return check_threshold("support_min", support_min);
}

Result<void> SearchRequest::validate() const {
  constexpr int limit_max = 1000;
  if (limit < 1 || limit > limit_max)
    return fail(Code::invalid_argument, "limit: {} is out of range 1..{}", limit, limit_max);
  if (candidates < 1 || candidates > limit_max)
    return fail(Code::invalid_argument, "candidates: {} is out of range 1..{}", candidates,
                limit_max);
  if (rerank == false && !reranker.empty())
    return fail(Code::invalid_argument, "reranker: '{}' is named, but rerank is false; drop one",
                reranker);
  if (mmr && !(*mmr >= 0 && *mmr <= 1))
    return fail(Code::invalid_argument, "mmr: {} is out of range 0..1", *mmr);
  if (mmr && mode == index::SearchMode::lexical)
    return fail(Code::invalid_argument, "mmr: compares vectors; use mode hybrid or dense");
  if (mmr && (rerank == true || !reranker.empty()))
    return fail(Code::invalid_argument, "mmr: cannot keep a reranker's order; drop one of both");
  if (budget_usd && !(*budget_usd >= 0))
    return fail(Code::invalid_argument, "budget_usd: {} is not a number from 0", *budget_usd);
  if (dense_weight && !(*dense_weight >= 0 && *dense_weight <= 1))
    return fail(Code::invalid_argument, "dense_weight: {} is out of range 0..1", *dense_weight);
  const bool is_told = dense_weight || (fusion && fusion != index::Fusion::relative_score);
  if (is_told && mode && mode != index::SearchMode::hybrid)
    return fail(Code::invalid_argument, "{}: is for mode hybrid; drop it",
                dense_weight ? "dense_weight" : "fusion");
  return {};
}

Result<void> MigrateRequest::validate() const {
  constexpr int limit_max = 1000;
  if (!(margin >= 0 && margin <= 1))
    return fail(Code::invalid_argument, "margin: {} is out of range 0..1", margin);
  if (limit < 1 || limit > limit_max)
    return fail(Code::invalid_argument, "limit: {} is out of range 1..{}", limit, limit_max);
  if (defaults) TRY(defaults->validate().within("defaults"));
  for (std::size_t i = 0; i < gold.size(); ++i) {
    const auto& [input, relevance] = gold[i];
    const bool has_relevant = std::any_of(relevance.begin(), relevance.end(),
                                          [](const auto& grade) { return grade.second > 0; });
    if (input.empty() || !has_relevant)
      return fail(Code::invalid_argument,
                  "gold[{}]: needs an input and a relevance above 0 for one document or more", i);
  }
  return {};
}

json::Value to_json(const MigrationReport& report) {
  return json::Object{
      {"collection", report.collection},
      {"from", json::to(report.from)},
      {"to", json::to(report.to)},
      {"documents", report.documents},
      {"chunks", json::Object{{"new", report.chunks.added}, {"reused", report.chunks.reused}}},
      {"tokens", report.tokens},
      {"gold", json::to(report.gold)},
      {"switched", report.switched},
      {"index_version", report.index_version},
      {"seconds", report.seconds}};
}

json::Value to_json(const IngestReport& report) {
  json::Object object{
      {"collection", report.collection},
      {"added", report.added},
      {"updated", report.updated},
      {"moved", report.moved},
      {"unchanged", report.unchanged},
      {"deleted", report.deleted},
      {"failed", json::to(report.failed)},
      {"chunks", json::Object{{"new", report.chunks.added}, {"reused", report.chunks.reused}}},
      {"tokens", report.tokens},
      {"seconds", report.seconds},
      {"index_version", report.index_version},
      {"warnings", json::to(report.warnings)}};
  if (report.cost_usd > 0) object["cost_usd"] = report.cost_usd;
  if (report.estimate) object["estimate"] = json::to(*report.estimate);
  return object;
}

std::string_view wire_name(AnswerMode mode) { return mode_names[static_cast<int>(mode)]; }

Result<AnswerMode> parse_answer_mode(std::string_view name) {
  for (int i = 0; i < 3; ++i)
    if (mode_names[i] == name) return static_cast<AnswerMode>(i);
  return fail(Code::invalid_argument, "mode: '{}' is not one of auto, generate, extract", name);
}

json::Value to_json(const Answer& answer) {
  json::Object object{{"answer", answer.answer},
                      {"sentences", json::to(answer.sentences)},
                      {"citations", json::to(answer.citations)},
                      {"refused", answer.refused},
                      {"reason", json::to(answer.reason)},
                      {"mode", wire_name(answer.mode)},
                      {"model", json::to(answer.model)},
                      {"collection", answer.collection},
                      {"index_version", answer.index_version},
                      {"dropped", json::to(answer.dropped)},
                      {"evidence", answer.evidence},
                      {"usage", json::to(answer.usage)},
                      {"cost_usd", answer.cost_usd},
                      {"timing_ms", json::to(answer.timing_ms)},
                      {"receipt_id", answer.receipt_id},
                      {"trace_id", answer.trace_id}};
  if (answer.refused) object["nearest"] = json::to(answer.nearest);
  return object;
}

}  // namespace slipway::rag
