#include "rag/detail/defaults.hpp"

#include "rag/detail/generations.hpp"

namespace slipway::rag::detail {

namespace {

template <typename T>
void fill(std::optional<T>& value, const std::optional<T>& otherwise) {
  if (!value) value = otherwise;
}

/// How passages are looked for, in either kind of question.
struct How {
  std::optional<index::SearchMode>& mode;
  std::optional<index::Fusion>& fusion;
  std::optional<double>& dense_weight;
};

void fill(How how, const QuestionDefaults& defaults) {
  const bool means_hybrid = how.fusion || how.dense_weight;
  if (!how.mode)
    how.mode = means_hybrid ? index::SearchMode::hybrid
                            : defaults.search.value_or(index::SearchMode::hybrid);
  if (how.mode != index::SearchMode::hybrid) return;
  fill(how.fusion, defaults.fusion);
  fill(how.dense_weight, defaults.dense_weight);
}

Result<QuestionDefaults> defaults_of(const Context& context, Shelf& shelf, const std::string& name,
                                     std::optional<std::int64_t> version) {
  std::optional<CollectionRow> row;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    if (name.find('@') != std::string::npos) return {};
    if (version) row = TRY(generation_of(connection, name, *version));
    if (!row) row = TRY(find_collection(connection, name));
    return {};
  }));
  return row ? shelf.defaults_of(*row) : QuestionDefaults{};
}

}  // namespace

QuestionDefaults merged(const QuestionDefaults& first, const QuestionDefaults& second) {
  QuestionDefaults both = first;
  // How to fuse says nothing of a search that does not.
  const bool is_fused =
      first.search.value_or(index::SearchMode::hybrid) == index::SearchMode::hybrid;
  fill(both.search, second.search);
  if (is_fused) fill(both.fusion, second.fusion);
  if (is_fused) fill(both.dense_weight, second.dense_weight);
  fill(both.reranker, second.reranker);
  fill(both.prompt, second.prompt);
  fill(both.answer, second.answer);
  fill(both.answer_model, second.answer_model);
  return both;
}

SearchRequest with_defaults(SearchRequest request, const QuestionDefaults& defaults) {
  if (request.mmr && !request.mode && defaults.search == index::SearchMode::lexical)
    request.mode = index::SearchMode::hybrid;
  fill({request.mode, request.fusion, request.dense_weight}, defaults);
  return request;
}

AskRequest with_defaults(AskRequest request, const QuestionDefaults& defaults) {
  fill({request.search, request.fusion, request.dense_weight}, defaults);
  if (request.mode == AnswerMode::automatic && defaults.answer)
    if (const auto mode = parse_answer_mode(*defaults.answer)) request.mode = *mode;
  if (request.model.empty()) request.model = defaults.answer_model.value_or("");
  return request;
}

Result<SearchRequest> with_defaults(const Context& context, Shelf& shelf, SearchRequest request) {
  const auto defaults = TRY(defaults_of(context, shelf, request.collection, request.version));
  return with_defaults(std::move(request), defaults);
}

Result<AskRequest> with_defaults(const Context& context, Shelf& shelf, AskRequest request) {
  const auto defaults = TRY(defaults_of(context, shelf, request.collection, request.version));
  return with_defaults(std::move(request), defaults);
}

}  // namespace slipway::rag::detail
