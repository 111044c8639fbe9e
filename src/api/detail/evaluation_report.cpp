// /api/evaluations/{id}/report.html: one file that asks nobody for anything.
#include "api/detail/evaluation_routes.hpp"
#include "eval/reports.hpp"

namespace slipway::api::detail {

/// A page made here, of texts that were escaped. It may run its own script, as nobody.
struct ReportPage {
  std::string html;
};

}  // namespace slipway::api::detail

namespace slipway::http::detail {

template <>
struct ReplyOf<api::detail::ReportPage> {
  static void tell(Schemas&, std::vector<ReplyNote>& notes) {
    notes.push_back({200, "text/html", {{"type", "string"}}});
  }
  static void write(api::detail::ReportPage page, Outgoing& outgoing) {
    outgoing.headers.set("Content-Type", "text/html; charset=utf-8");
    outgoing.headers.set("X-Content-Type-Options", "nosniff");
    // The sandbox gives it an origin of its own: no cookie, no session, no request.
    outgoing.headers.set("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; script-src "
                         "'unsafe-inline'; img-src data:; sandbox allow-scripts allow-downloads; "
                         "frame-ancestors 'none'");
    outgoing.body = std::move(page.html);
  }
};

}  // namespace slipway::http::detail

namespace slipway::api::detail {

namespace {

json::Object details_of(const eval::EvaluationCase& one) {
  json::Object details{
      {"id", one.id}, {"input", one.input}, {"retrieval_context", json::to(one.retrieval_context)}};
  if (one.expected_output) details["expected_output"] = *one.expected_output;
  if (one.actual_output) details["actual_output"] = *one.actual_output;
  if (one.error) details["error"] = *one.error;
  json::Object scores;
  for (const auto& [name, score] : one.scores) scores[name] = json::to(score);
  details["scores"] = std::move(scores);
  return details;
}

/// In the order of the result's items.
Result<eval::Details> details_of(const Context& context, const EvaluationDesk& desk,
                                 const std::string& id, const eval::EvalResult& result) {
  constexpr int page_size = 1000, cases_max = 5000;
  std::map<std::string, std::string> by_id;
  eval::CaseQuery query{.limit = page_size};
  for (; query.offset < cases_max; query.offset += page_size) {
    const auto page = TRY(desk.evaluations.cases(context, id, query));
    for (const eval::EvaluationCase& one : page.items) by_id[one.id] = json::dump(details_of(one));
    if (!page.has_more) break;
  }
  eval::Details details;
  for (const eval::ItemResult& item : result.items) {
    const auto found = by_id.find(item.id);
    details.by_item.push_back(found == by_id.end() ? "" : found->second);
    if (found == by_id.end()) ++details.left_out;
  }
  return details;
}

Result<ReportPage> report_of(const Context& context, const EvaluationDesk& desk,
                             const std::string& id) {
  const auto info = TRY(desk.evaluations.get(context, id));
  if (info.metrics.empty())
    return fail(Code::conflict, "'{}' has no scores to report; its state is {}", info.name,
                json::name(info.state));
  const auto result =
      TRY(eval::parse_result(json::dump(TRY(desk.evaluations.result(context, id)))));
  eval::Suite suite = eval::suite_of(result);
  eval::Decision decision;
  // Of an experiment nobody said what is good enough.
  if (info.source == eval::EvaluationSource::evaluation) {
    if (info.request) {
      json::Object wish = *info.request;
      wish.erase("baseline");
      suite = TRY(eval::parse_suite(json::Value(std::move(wish))));
    }
    decision = eval::decide(suite, result, {});
  }
  const eval::Details details = TRY(details_of(context, desk, id, result));
  return ReportPage{eval::html_report(
      {.suite = suite, .result = result, .decision = decision, .details = &details})};
}

}  // namespace

void mount_evaluation_report(http::Api& api, const EvaluationDeskPtr& desk) {
  api.get<EvaluationPath, ReportPage>("/api/evaluations/{id}/report.html",
                                      {.summary = "The report of an evaluation, as one HTML file",
                                       .tag = "evaluations",
                                       .role = "read",
                                       .name = "get_evaluation_report",
                                       .fails = {Code::not_found, Code::conflict}},
                                      [desk](const http::Call& call, const EvaluationPath& path) {
                                        return report_of(call.context(), *desk, path.id);
                                      });
}

}  // namespace slipway::api::detail
