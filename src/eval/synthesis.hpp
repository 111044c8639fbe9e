// Questions out of documents, each with the stretch that answers it: retrieval is then measured
// exactly, whatever chunks the documents are cut into.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/golden.hpp"
#include "models/chat_model.hpp"

namespace slipway::eval {

struct SourceDocument {
  std::string path;  ///< What names it in `relevance`: "path#start-end".
  std::string text;  ///< As a collection stores it, so that offsets are those of its passages.
};

struct SynthesisOptions {
  int per_document = 5;
  std::uint64_t seed = 1;  ///< Decides between what is equally good.
};

/// A golden has `input` (the question), `expected_output` and `context` (the sentence that answers
/// it), `relevance` {span: 1} and in the metadata `document`, `answer_span` {start, end}, `kind`
/// and `source` ("rules" or the model's name). Identified.
///
/// By rules over English sentences: a subject, an auxiliary or a common verb, and behind it a
/// number, a time, a place, a reason, an agent or a definition, which becomes what is asked for.
/// Sentences that refer to what stands before them, lists and code are left out; documents in other
/// languages give few or no questions. Same text, same options, same questions. Never fails.
std::vector<Golden> questions_by_rules(const SourceDocument& document,
                                       const SynthesisOptions& options);

/// By a chat model, which sees a stretch of the document between marks and must quote the sentence
/// that answers its question; questions whose quote does not stand there byte for byte are dropped,
/// and counted. Fails: as the model does.
struct ModelQuestions {
  std::vector<Golden> goldens;
  int asked = 0, dropped = 0;
};
Result<ModelQuestions> questions_by_model(const Context& context, models::ChatModel& model,
                                          const SourceDocument& document,
                                          const SynthesisOptions& options);

/// At most `limit` of them, of all documents alike, no two with one question.
std::vector<Golden> choose_questions(std::vector<std::vector<Golden>> by_document,
                                     std::size_t limit);

}  // namespace slipway::eval
