#include "app/detail/agent_collections.hpp"

#include "api/ask_budget.hpp"
#include "app/detail/agent_traces.hpp"

namespace slipway::app::detail {

namespace {

using agents::Outcome;
using agents::RagBody;
using agents::Spending;
using agents::ToolCall;
using agents::ToolResult;

/// A search is asked for as a question that is answered with quotes.
rag::AskRequest question_of(const Context& context, const RagBody& body, const ToolCall& call) {
  rag::AskRequest request{.collection = agents::in_words(call.args.at("collection")),
                          .question = agents::in_words(call.args.at("question")),
                          .limit = body.limit};
  if (!body.is_ask) request.mode = rag::AnswerMode::extract;
  if (!call.args.at("filter").is_null()) request.filter = agents::to_json(call.args.at("filter"));
  trace::Origin origin;
  if (call.place) origin = call.place->origin;
  if (origin.session_id.empty()) origin.session_id = call.thread;
  origin.key = context.caller();
  origin.parent_order.clear();
  if (!call.run.empty()) {
    origin.trace_id = trace_of_run(call.run, call.place.get());
    origin.parent_id = span_of_call(call.run, call.place.get(), {call.effect_key, call.attempt});
  }
  request.origin = std::move(origin);
  return request;
}

rag::SearchRequest search_of(const rag::AskRequest& question) {
  return {.collection = question.collection,
          .query = question.question,
          .limit = question.limit,
          .filter = question.filter,
          .budget_usd = question.budget_usd,
          .origin = question.origin};
}

/// What came of it, or that there was not enough money.
struct Asked {
  ToolResult result;
  bool lacks_money = false;
};

Asked answered(const Context& context, rag::Library& library, const rag::AskRequest& request) {
  const auto answer = library.ask(context, request);
  if (!answer) return {ToolResult::failed(agents::failure_of(answer.error()))};
  Asked asked{ToolResult::done(agents::from_json(rag::to_json(*answer))),
              answer->reason == rag::RefusalReason::budget};
  asked.result.spent = Spending{.usage = answer->usage, .usd = answer->cost_usd};
  return asked;
}

Asked found(const Context& context, rag::Library& library, const rag::AskRequest& request) {
  const auto reply = library.search(context, search_of(request));
  if (!reply)
    return {ToolResult::failed(agents::failure_of(reply.error())),
            reply.error().code() == Code::conflict};
  Asked asked{ToolResult::done(agents::from_json(json::to(reply->items)))};
  asked.result.spent = Spending{.usage = reply->usage, .usd = reply->cost_usd};
  return asked;
}

ToolResult refused(const budgets::Refusal& refusal) {
  return ToolResult::failed({"budget", refusal.message});
}

ToolResult ask_paid(const AgentCollections& options, const Context& context, const RagBody& body,
                    const ToolCall& call) {
  auto library = options.library();
  if (!library) return ToolResult::failed(library.failure());
  rag::AskRequest request = question_of(context, body, call);
  if (!options.is_traced) request.origin.reset();
  auto budget = api::AskBudget::open(context, {.ledger = options.ledger,
                                               .library = **library,
                                               .request = request,
                                               .call_id = call.effect_key});
  if (!budget) return ToolResult::failed(agents::failure_of(budget.error()));
  if (budget->refusal()) return refused(*budget->refusal());
  request.budget_usd = budget->limit_usd();
  Asked asked =
      body.is_ask ? answered(context, **library, request) : found(context, **library, request);
  if (asked.lacks_money && budget->is_short()) {
    if (auto told = budget->refuse(); !told)
      return ToolResult::failed(agents::failure_of(told.error()));
    if (budget->refusal()) return refused(*budget->refusal());
    return std::move(asked.result);
  }
  if (asked.result.spent) {
    const models::Usage& used = asked.result.spent->usage;
    budget->settle(asked.result.spent->usd, used.input_tokens + used.output_tokens +
                                                used.embedding_tokens + used.rerank_tokens);
  }
  return std::move(asked.result);
}

Outcome<Spending> most_of(const AgentCollections& options, const Context& context,
                          const RagBody& body, const ToolCall& call) {
  auto library = options.library();
  if (!library) return std::move(library.failure());
  const auto estimate = (*library)->estimate(context, question_of(context, body, call));
  if (!estimate) return agents::failure_of(estimate.error());
  Spending most{.usd = estimate->usd, .is_priced = estimate->is_priced};
  // With what is embedded beside, which is not counted: rather too many.
  if (!estimate->writer.empty()) most.usage.input_tokens = estimate->tokens;
  return most;
}

}  // namespace

agents::Collections collections_of(AgentCollections options) {
  agents::Collections collections;
  collections.ask = [options](const Context& context, const RagBody& body, const ToolCall& call) {
    return ask_paid(options, context, body, call);
  };
  collections.most = [options](const Context& context, const RagBody& body, const ToolCall& call) {
    return most_of(options, context, body, call);
  };
  return collections;
}

}  // namespace slipway::app::detail
