// `slipway eval dataset synthesize`: questions out of a collection's own documents.
#include "app/detail/dataset_door.hpp"
#include "app/eval_dataset_commands.hpp"
#include "core/files.hpp"
#include "eval/golden_files.hpp"
#include "eval/synthesis.hpp"

namespace slipway::app {

namespace {

struct Made {
  std::vector<std::vector<eval::Golden>> by_document;
  std::int64_t documents = 0, barren = 0;  ///< Barren ones gave no question.
  int asked = 0, dropped = 0;
};

Result<void> take_document(App& app, const rag::DocumentInfo& info, models::ChatModel* model,
                           const EvalSynthesizeOptions& options, Made& made) {
  rag::Library* const library = TRY(app.library());
  std::string text = TRY(library->document_text(app.context(), info.id));
  const eval::SourceDocument document{.path = info.path, .text = std::move(text)};
  const eval::SynthesisOptions wish{.per_document = options.per_document, .seed = options.seed};
  std::vector<eval::Golden> goldens;
  if (model == nullptr) {
    goldens = eval::questions_by_rules(document, wish);
  } else {
    auto questions = TRY(eval::questions_by_model(app.context(), *model, document, wish));
    made.asked += questions.asked;
    made.dropped += questions.dropped;
    goldens = std::move(questions.goldens);
  }
  ++made.documents;
  if (goldens.empty())
    ++made.barren;
  else
    made.by_document.push_back(std::move(goldens));
  return {};
}

Result<Made> make(App& app, models::ChatModel* model, const EvalSynthesizeOptions& options) {
  Made made;
  Progress progress(app.err(), {.style = app.err_style(),
                                .is_quiet = app.options().quiet,
                                .what = "synthesize",
                                .unit = "documents"});
  rag::Library* const library = TRY(app.library());
  const auto info = TRY(library->collection(app.context(), options.collection));
  // A model is asked for what is wanted and no more.
  const auto wanted = static_cast<std::size_t>(options.limit);
  std::size_t found = 0;
  std::string cursor;
  do {
    const auto page = TRY(library->documents(app.context(), options.collection, 100, cursor));
    for (const rag::DocumentInfo& document : page.items) {
      TRY(app.context().check());
      if (model != nullptr && found >= wanted) return made;
      const std::size_t before = made.by_document.size();
      TRY(take_document(app, document, model, options, made));
      if (made.by_document.size() > before) found += made.by_document.back().size();
      progress.show(made.documents, info.documents, document.path);
    }
    cursor = page.next_cursor.value_or("");
  } while (!cursor.empty());
  return made;
}

std::string summary(const Made& made, std::size_t count) {
  std::string text = fmt::format("{} questions out of {} documents", count, made.documents);
  if (made.barren > 0) text += fmt::format(", {} of which gave none", made.barren);
  if (made.asked > 0)
    text += fmt::format("; the model was asked {} times, {} replies were dropped", made.asked,
                        made.dropped);
  return text;
}

}  // namespace

Result<int> eval_dataset_synthesize(App& app, const EvalSynthesizeOptions& options) {
  std::shared_ptr<models::ChatModel> model;
  if (!options.model.empty())
    model = TRY(TRY(app.catalog())->chat_model(app.context(), options.model));
  Made made = TRY(make(app, model.get(), options));
  const auto goldens =
      eval::choose_questions(std::move(made.by_document), static_cast<std::size_t>(options.limit));
  if (goldens.empty())
    return fail(Code::not_found,
                "no question could be made of {} documents; rules need English prose: name a chat "
                "model with --model",
                made.documents);
  app.note(summary(made, goldens.size()));
  if (!options.name.empty()) {
    const auto door = TRY(detail::DatasetDoor::open(app, DataFolder::must_exist));
    const auto report = TRY(eval::add_goldens(app.context(), door->datasets(), options.name,
                                              goldens, eval::Merge::into));
    const json::Object told{{"dataset", report.dataset},   {"added", report.added},
                            {"changed", report.changed},   {"unchanged", report.unchanged},
                            {"size", report.version.size}, {"digest", report.version.digest}};
    if (app.options().json)
      app.print_json(told);
    else
      app.print(fmt::format("{}: {} added; {} goldens, {}\n", report.dataset, report.added,
                            report.version.size, report.version.digest));
    return exit_done;
  }
  const std::string text =
      TRY(eval::write_goldens(goldens, eval::GoldenFormat::native, eval::GoldenLayout::jsonl));
  if (options.output.empty())
    app.print(text);
  else
    TRY(write_file_atomically(options.output, text));
  return exit_done;
}

}  // namespace slipway::app
