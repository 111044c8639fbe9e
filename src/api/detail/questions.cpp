// Searches, answers and their receipts.
#include "api/ask_budget.hpp"
#include "api/detail/routes.hpp"
#include "api/paid_questions.hpp"
#include "http/problem.hpp"
#include "trace/paying_run.hpp"

namespace slipway::api::detail {

namespace {

/// `Streamed`: the answer is sent already.
using AskReply = std::variant<rag::Answer, http::Streamed>;
using SearchReply = std::variant<rag::SearchReply, http::Streamed>;

/// What searches and answers can fail with: the collection, the model, the budget.
std::vector<Code> failures_of_questions() {
  return {Code::not_found,    Code::conflict,  Code::unsupported,
          Code::rate_limited, Code::cancelled, Code::deadline_exceeded};
}

std::string run_of(const http::Call& call) {
  return trace::paying_run(call.request(), trace::origin_of(call.request()), call.request().id);
}

/// Where the runs of a question stand: as its headers say.
trace::Origin origin_of(const http::Call& call) {
  trace::Origin origin = trace::origin_of(call.request());
  origin.key = call.context().caller();
  return origin;
}

Result<rag::AskRequest> request_of(const http::Call& call, const AskBody& body) {
  rag::AskRequest request;
  request.origin = origin_of(call);
  request.collection = body.collection;
  request.question = body.question;
  request.mode = TRY(rag::parse_answer_mode(body.mode));
  request.limit = body.limit;
  request.model = body.model;
  request.filter = body.filter;
  request.budget_usd = body.budget_usd;
  request.mark_unsupported = body.mark_unsupported;
  request.seed = body.seed;
  request.rerank = body.rerank;
  request.reranker = body.reranker;
  request.candidates = body.candidates;
  request.version = body.version;
  request.pin = body.pin;
  request.prompt = body.prompt;
  request.search = body.search;
  request.fusion = body.fusion;
  request.dense_weight = body.dense_weight;
  return request;
}

/// Its answer goes out as it is made. A client that has gone stops the context, and that the work.
Result<AskReply> stream_answer(const http::Call& call, rag::Library& library,
                               const rag::AskRequest& request, AskBudget& budget) {
  http::EventStream events = call.events();
  Result<void> sent;
  const auto send = [&](std::string_view name, const auto& data) {
    if (sent) sent = events.send(call.context(), name, data);
  };
  rag::AskEvents heard;
  heard.on_passages = [&](const std::vector<rag::SearchItem>& items) {
    send("passages", PassagesEvent{items});
  };
  heard.on_sentence = [&](const rag::Sentence& sentence,
                          const std::vector<rag::Citation>& new_citations) {
    send("sentence", SentenceEvent{sentence.text, sentence.supported, sentence.support,
                                   sentence.citations, new_citations});
  };
  const rag::Answer answer = TRY(library.ask(call.context(), request, heard));
  json::Value told = rag::to_json(answer);
  if (budget.is_short() && answer.reason == rag::RefusalReason::budget && !budget.left().empty())
    told.as_object()["budget"] = budget.left();
  budget.settle(answer.cost_usd, tokens_of(answer.usage));
  send("done", told);
  TRY(sent);
  events.end();
  return AskReply(http::Streamed{});
}

/// The refusal as a problem (RFC 9457) with `code` and `budget`; the exchange has its answer then.
void reply_refused(const http::Call& call, const budgets::Refusal& refusal) {
  const bool asks = refusal.on_exceed == budgets::OnExceed::ask && !refusal.is_unpriced;
  const Code code = refusal.is_unpriced ? Code::invalid_argument : Code::rate_limited;
  http::Problem problem = http::problem_of(fail(code, "{}", refusal.message), call.request());
  if (asks) problem.status = 402;
  json::Value body = json::to(problem);
  body.as_object()["code"] = refusal.is_unpriced
                                 ? "price_unknown"
                                 : (asks ? "budget_approval_required" : "budget_exceeded");
  body.as_object()["budget"] = refusal.budget;
  http::Response response{.status = problem.status, .headers = {}, .body = json::dump(body)};
  response.headers.set("Content-Type", std::string(http::problem_media_type));
  response.headers.set("x-should-retry", "false");
  call.exchange()->reply(std::move(response));
}

/// Within what budgets leave; whoever has too little is told so as by the gateway.
Result<AskReply> answer_paid(const http::Call& call, const Services& services,
                             rag::AskRequest request, bool is_streamed) {
  const AskBudget::Options options{.ledger = services.budgets,
                                   .library = *services.library,
                                   .request = request,
                                   .call_id = call.request().id,
                                   .run_id = run_of(call)};
  if (is_streamed) {
    AskBudget budget = TRY(AskBudget::open(call.context(), options));
    if (budget.refusal()) {
      reply_refused(call, *budget.refusal());
      return AskReply(http::Streamed{});
    }
    request.budget_usd = budget.limit_usd();
    return stream_answer(call, *services.library, request, budget);
  }
  auto paid = TRY(ask_paid(call.context(), options));
  if (paid.reply) return AskReply(*std::move(paid.reply));
  reply_refused(call, *paid.refusal);
  return AskReply(http::Streamed{});
}

Result<SearchReply> search_within(const http::Call& call, const Services& services,
                                  const rag::SearchRequest& request) {
  const rag::AskRequest question = as_question(request);
  auto paid = TRY(search_paid(call.context(),
                              {.ledger = services.budgets,
                               .library = *services.library,
                               .request = question,
                               .call_id = call.request().id,
                               .run_id = run_of(call)},
                              request));
  if (paid.reply) return SearchReply(*std::move(paid.reply));
  reply_refused(call, *paid.refusal);
  return SearchReply(http::Streamed{});
}

void mount_receipts(http::Api& api, const ServicesPtr& services) {
  api.get<IdPath, AnyObject>(
      "/api/receipts/{id}",
      {.summary = "What is needed to repeat an answer",
       .tag = "questions",
       .role = "read",
       .name = "get_receipt"},
      [services](const http::Call& call, const IdPath& path) -> Result<AnyObject> {
        return AnyObject{TRY(services->library->receipt(call.context(), path.id))};
      });
  api.post<IdPath, std::variant<http::NoBody, ReplayBody>, rag::Replay>(
      "/api/receipts/{id}/replay",
      {.summary = "Repeat the retrieval of an answer and check its citations",
       .tag = "questions",
       .role = "read",
       .name = "replay_receipt",
       .fails = failures_of_questions()},
      [services](const http::Call& call, const IdPath& path,
                 const std::variant<http::NoBody, ReplayBody>& body) {
        const auto* wanted = std::get_if<ReplayBody>(&body);
        return services->library->replay(call.context(), path.id,
                                         wanted != nullptr && wanted->rerun);
      });
}

}  // namespace

void mount_questions(http::Api& api, const ServicesPtr& services) {
  api.post<http::NoParameters, rag::SearchRequest, SearchReply>(
      "/api/search",
      {.summary = "Search a collection",
       .tag = "questions",
       .role = "read",
       .name = "search",
       .fails = failures_of_questions(),
       .request_example = R"({"query": "retention of traces", "limit": 5})"},
      [services](const http::Call& call, const http::NoParameters&,
                 const rag::SearchRequest& asked) {
        rag::SearchRequest request = asked;
        request.origin = origin_of(call);
        return search_within(call, *services, std::move(request));
      });
  api.post<http::NoParameters, AskBody, AskReply>(
      "/api/ask",
      {.summary = "Ask a collection",
       .description = "Every sentence of the answer is supported by a quote that stands byte for "
                      "byte in a document. Without evidence the answer is a refusal, which is no "
                      "error.",
       .tag = "questions",
       .role = "read",
       .name = "ask",
       .fails = failures_of_questions(),
       .request_example = R"({"question": "How long are traces kept?"})",
       .events = {{"passages", "What was found; first.", &http::reply_schema<PassagesEvent>},
                  {"sentence", "A sentence, once it is checked.",
                   &http::reply_schema<SentenceEvent>},
                  {"done",
                   "The whole answer; last. Where a budget had no room for it, with `budget`.",
                   &http::reply_schema<rag::Answer>},
                  {"error", "What went wrong behind the first event; last.",
                   &http::reply_schema<http::Problem>}}},
      [services](const http::Call& call, const http::NoParameters&,
                 const AskBody& body) -> Result<AskReply> {
        return answer_paid(call, *services, TRY(request_of(call, body)),
                           body.stream || call.wants_events());
      });
  mount_receipts(api, services);
}

}  // namespace slipway::api::detail
