#include "app/commands.hpp"
#include "app/render.hpp"

namespace slipway::app {

namespace {

Result<rag::AskRequest> ask_request(const AskOptions& options) {
  rag::AskRequest request;
  request.question = options.question;
  request.mode = TRY(rag::parse_answer_mode(options.mode));
  request.limit = options.limit;
  request.model = options.model;
  request.filter = TRY(parse_filter(options.filter));
  request.budget_usd = options.budget_usd;
  request.mark_unsupported = options.unsupported == "mark";
  request.seed = options.seed;
  if (options.rerank) request.rerank = true;
  request.reranker = options.reranker;
  request.pin = options.pin;
  request.prompt = options.prompt;
  return request;
}

Result<void> check_use(const AskOptions& options) {
  if (options.question.empty() == options.replay.empty())
    return fail(Code::invalid_argument, "give a question in quotes, or --replay RECEIPT");
  if (options.rerun && options.replay.empty())
    return fail(Code::invalid_argument, "--rerun needs --replay RECEIPT");
  return {};
}

Result<int> replay(App& app, const AskOptions& options) {
  const auto replayed =
      TRY(TRY(app.library())->replay(app.context(), options.replay, options.rerun));
  if (app.options().json)
    app.print_json(json::to(replayed));
  else
    app.print(render_replay(replayed, app.out_style()));
  return exit_done;
}

/// Prints each sentence once it is checked, then what belongs below the answer.
Result<int> ask_streaming(App& app, const rag::AskRequest& request) {
  FlowingText flowing(app.out_style().width);
  // A model may read for seconds before its first sentence stands.
  Progress waiting(app.err(), {.style = app.err_style(),
                               .is_quiet = app.options().quiet,
                               .what = "ask",
                               .unit = "passages"});
  bool has_sentences = false;
  rag::AskEvents events;
  events.on_passages = [&](const std::vector<rag::SearchItem>& passages) {
    waiting.show(static_cast<std::int64_t>(passages.size()), 0, "being read");
  };
  events.on_sentence = [&](const rag::Sentence& sentence, const std::vector<rag::Citation>&) {
    has_sentences = true;
    waiting.clear();
    app.print(flowing.add(render_sentence(sentence)));
  };
  auto answered = TRY(app.library())->ask(app.context(), request, events);
  waiting.clear();
  app.print(flowing.finish());
  const rag::Answer answer = TRY(std::move(answered));
  app.print(has_sentences ? render_below_answer(answer, request.question, app.out_style())
                          : render_answer(answer, request.question, app.out_style()));
  return exit_done;
}

}  // namespace

Result<int> ask(App& app, const AskOptions& options) {
  if (const auto use = check_use(options); !use) return app.wrong_use(use.error());
  if (!options.replay.empty()) return replay(app, options);
  auto request = ask_request(options);
  if (!request) return app.wrong_use(request.error());
  request->collection = TRY(app.collection_or_default(options.collection));
  request->origin = app.origin();
  request->version = TRY(version_of(app, request->collection, options.version));
  if (app.out_style().is_terminal && !app.options().json) return ask_streaming(app, *request);
  const auto answer = TRY(TRY(app.library())->ask(app.context(), *request));
  if (app.options().json)
    app.print_json(rag::to_json(answer));
  else
    app.print(render_answer(answer, request->question, app.out_style()));
  return exit_done;
}

}  // namespace slipway::app
