#include "rag/detail/estimate.hpp"

#include "rag/detail/prompt.hpp"
#include "rag/detail/purse.hpp"

namespace slipway::rag::detail {

namespace {

/// Of a chunk, as its splitter counts: characters of four bytes, or tokens of four characters.
std::size_t chunk_bytes_of(const documents::SplitterSettings& splitter) {
  constexpr std::size_t bytes_per_character = 4, characters_per_token = 4;
  const bool counts_tokens = splitter.unit == documents::LengthUnit::tokens ||
                             splitter.kind == documents::SplitterKind::token;
  return splitter.chunk_size * bytes_per_character * (counts_tokens ? characters_per_token : 1);
}

class Sum {
 public:
  explicit Sum(const models::Catalog& catalog) : catalog_(catalog) {}
  void add(const std::string& model, const models::Usage& most) {
    const auto price = catalog_.price(model);
    if (price) all_.usd += price->of(most);
    all_.is_priced = all_.is_priced && price.has_value();
  }
  void set_writer(std::string model) { all_.writer = std::move(model); }
  void add_tokens(std::size_t tokens) { all_.tokens += static_cast<std::int64_t>(tokens); }
  const AskEstimate& all() const { return all_; }

 private:
  const models::Catalog& catalog_;
  AskEstimate all_;
};

struct Sizes {
  std::size_t question, chunk, passages;  ///< Bytes; of all passages that are read.
};

/// What is reranked, if anything is.
void add_reranking(Sum& sum, const std::string& reranker, const AskRequest& request,
                   const Sizes& sizes) {
  if (reranker.empty()) return;
  const auto count = static_cast<std::size_t>(std::max(request.candidates, request.limit));
  sum.add(reranker, reranking_most(count, count * sizes.chunk, sizes.question));
}

Result<void> add_generation(const Context& context, Shelf& shelf, const OpenCollection& open,
                            const AskRequest& request, const Sizes& sizes, Sum& sum) {
  const auto prompt = TRY(choose_prompt(context, shelf, open.row, request));
  std::string name = request.model;
  if (name.empty() && prompt) name = prompt->model;
  if (name.empty()) name = shelf.default_chat_model();
  const auto model = TRY(shelf.catalog().chat_model(context, name));
  int reply = reply_tokens_max;
  std::size_t fixed = prompt_bytes;
  if (prompt) {
    const auto filled = TRY(fill_prompt(prompt, {request.question, "-", "-"}));
    reply = filled.max_tokens;
    fixed = 0;
    for (const models::Message& message : filled.messages) fixed += message.content.size();
  }
  models::Usage most;
  most.input_tokens = static_cast<std::int64_t>(
      std::max(model->context_tokens_max() / passages_share, sizes.chunk) + fixed + sizes.question);
  most.output_tokens = reply;
  sum.add(name, most);
  sum.set_writer(name);
  sum.add(open.row.settings.embedder, embedding_most(checked_bytes(reply)));
  constexpr std::size_t bytes_per_token = 4;
  sum.add_tokens(
      std::min(model->context_tokens_max() / passages_share, sizes.passages / bytes_per_token) +
      (fixed + sizes.question) / bytes_per_token + 2 * static_cast<std::size_t>(reply));
  return {};
}

}  // namespace

Result<AskEstimate> estimate(const Context& context, Shelf& shelf, const AskRequest& request) {
  const auto open = TRY(shelf.open(context, request.collection, request.version));
  const std::size_t chunk = chunk_bytes_of(open->row.settings.splitter);
  const Sizes sizes{request.question.size(), chunk,
                    chunk * static_cast<std::size_t>(std::max(request.limit, 1))};
  Sum sum(shelf.catalog());
  const std::string& embedder = open->row.settings.embedder;
  sum.add(embedder, embedding_most(sizes.question));
  sum.add(embedder, embedding_most(sizes.passages));
  constexpr std::size_t bytes_per_token = 4;
  sum.add_tokens((sizes.question + sizes.passages / bytes_per_token) / bytes_per_token);
  std::string reranker = request.rerank == false ? "" : request.reranker;
  if (reranker.empty() && request.rerank != false) reranker = shelf.reranker_of(open->row);
  add_reranking(sum, reranker, request, sizes);
  if (request.mode != AnswerMode::extract) {
    const auto added = add_generation(context, shelf, *open, request, sizes, sum);
    // Without a model documents are quoted, unless generation is demanded: `ask` tells then why.
    if (!added && request.mode == AnswerMode::generate) return added.error();
  }
  return sum.all();
}

}  // namespace slipway::rag::detail
