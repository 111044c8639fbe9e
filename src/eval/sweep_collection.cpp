#include "eval/sweep_collection.hpp"

#include <chrono>

#include "core/files.hpp"
#include "eval/targets.hpp"

namespace slipway::eval {

namespace {

void take_defaults(const rag::QuestionDefaults& defaults, SweepBase& base) {
  base.search = defaults.search.value_or(base.search);
  base.fusion = defaults.fusion.value_or(base.fusion);
  base.dense_weight = defaults.dense_weight.value_or(base.dense_weight);
  base.prompt = defaults.prompt.value_or("");
  base.answer = defaults.answer.value_or("");
  base.answer_model = defaults.answer_model.value_or("");
}

/// How a variant looks for passages, in either kind of question.
template <typename Request>
void search_as(const SweepVariant& variant, std::optional<index::SearchMode>& mode,
               Request& request) {
  mode = variant.search;
  if (variant.search == index::SearchMode::hybrid) {
    request.fusion = variant.fusion;
    request.dense_weight = variant.dense_weight;
  }
  request.rerank = !variant.reranker.empty();
  request.reranker = variant.reranker;
}

}  // namespace

Result<std::unique_ptr<CollectionSweep>> CollectionSweep::open(const Context& context,
                                                               const Options& options) {
  auto sweep = std::make_unique<CollectionSweep>(options);
  const auto info = TRY(options.library.collection(context, options.collection));
  sweep->base_.embedder = info.embedder;
  sweep->base_.splitter = info.splitter;
  sweep->base_.reranker = info.reranker.value_or("");
  if (info.defaults) take_defaults(*info.defaults, sweep->base_);
  sweep->language_ = info.language;
  TRY(sweep->take_documents(context));
  sweep->database_ = TRY(store::Database::open({.path = ":memory:"}, rag::migrations()));
  sweep->blobs_ = store::BlobStore::in_memory();
  sweep->copies_ = TRY(rag::Library::open({.database = *sweep->database_,
                                           .blobs = *sweep->blobs_,
                                           .catalog = options.catalog,
                                           .default_embedder = info.embedder,
                                           .prompts = options.prompts}));
  return sweep;
}

Result<void> CollectionSweep::take_documents(const Context& context) {
  std::size_t bytes = 0;
  std::string cursor;
  do {
    const auto page = TRY(options_.library.documents(context, options_.collection, 100, cursor));
    for (const rag::DocumentInfo& info : page.items) {
      TRY(context.check());
      rag::GivenDocument& document = documents_.emplace_back();
      document.uri = "sweep:" + info.id;
      document.path = info.path;
      // One of several documents of a source: the source's bytes are all of them.
      const bool is_part = info.uri.find('#') != std::string::npos;
      auto original = is_part ? Result<std::string>(fail(Code::not_found, "a part"))
                              : options_.library.document_original(context, info.id);
      if (original) {
        document.bytes = *std::move(original);
        document.media_type = info.media_type;
      } else {
        document.bytes = TRY(options_.library.document_text(context, info.id));
        document.media_type = info.media_type == "text/markdown" ? "text/markdown" : "text/plain";
      }
      bytes += document.bytes.size();
      if (bytes > options_.bytes_max)
        return fail(Code::invalid_argument,
                    "collection '{}' has more than {} bytes of documents, too many for copies in "
                    "memory; sweep a collection with a part of them",
                    options_.collection, options_.bytes_max);
    }
    cursor = page.next_cursor.value_or("");
  } while (!cursor.empty());
  if (documents_.empty())
    return fail(Code::invalid_argument, "collection '{}' is empty", options_.collection);
  return {};
}

std::string CollectionSweep::copy_of(const SweepVariant& variant) const {
  constexpr std::size_t prefix = std::string_view("sha256:").size(), digits = 16;
  return "v" + sha256(variant.index_key()).substr(prefix, digits);
}

Result<void> CollectionSweep::prepare(const Context& context, const SweepVariant& variant) {
  const std::string copy = copy_of(variant);
  if (built_.contains(copy)) return {};
  rag::CollectionSettings settings;
  settings.embedder = variant.embedder;
  settings.splitter = variant.splitter;
  settings.language = language_;
  rag::IngestRequest request;
  request.collection = copy;
  request.documents = documents_;
  request.settings = settings;
  const auto report = TRY(copies_->ingest(context, request).within(variant.name()));
  if (!report.failed.empty())
    return fail(Code::unavailable, "{}: {}: {}", variant.name(), report.failed.front().uri,
                report.failed.front().error);
  built_.insert(copy);
  return {};
}

Result<Golden> CollectionSweep::answer(const Context& context, const SweepVariant& variant,
                                       const Golden& golden) {
  return variant.answer.empty() ? search(context, variant, golden) : ask(context, variant, golden);
}

Result<Golden> CollectionSweep::search(const Context& context, const SweepVariant& variant,
                                       const Golden& golden) {
  rag::SearchRequest request;
  request.collection = copy_of(variant);
  request.query = golden.input;
  request.limit = variant.limit;
  search_as(variant, request.mode, request);
  const auto begin = std::chrono::steady_clock::now();
  const rag::SearchReply reply = TRY(copies_->search(context, request));
  Golden answered = golden;
  answered.latency_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  answered.retrieval_context.emplace();
  for (const rag::SearchItem& item : reply.items) answered.retrieval_context->push_back(item.text);
  answered.retrieved_ids = passage_ids(reply.items, golden);
  double cost = 0;
  for (const std::string& model : {variant.embedder, variant.reranker})
    if (!model.empty())
      if (const auto price = options_.catalog.price(model)) {
        // Each pays for what it read.
        models::Usage own;
        if (model == variant.embedder) own.embedding_tokens = reply.usage.embedding_tokens;
        if (model == variant.reranker) {
          own.rerank_tokens = reply.usage.rerank_tokens;
          own.search_units = reply.usage.search_units;
        }
        cost += price->of(own);
      }
  answered.cost_usd = cost;
  return answered;
}

Result<Golden> CollectionSweep::ask(const Context& context, const SweepVariant& variant,
                                    const Golden& golden) {
  rag::AskRequest request;
  request.collection = copy_of(variant);
  request.question = golden.input;
  request.mode = TRY(rag::parse_answer_mode(variant.answer));
  request.limit = variant.limit;
  request.model = variant.answer_model;
  request.prompt = variant.prompt;
  search_as(variant, request.search, request);
  std::vector<rag::SearchItem> passages;
  const auto begin = std::chrono::steady_clock::now();
  const rag::Answer reply = TRY(copies_->ask(
      context, request,
      {.on_passages = [&](const std::vector<rag::SearchItem>& found) { passages = found; },
       .on_sentence = {}}));
  Golden answered = golden;
  answered.latency_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  answered.actual_output = reply.answer;
  answered.cost_usd = reply.cost_usd;
  answered.retrieval_context.emplace();
  for (const rag::SearchItem& item : passages) answered.retrieval_context->push_back(item.text);
  answered.retrieved_ids = passage_ids(passages, golden);
  return answered;
}

}  // namespace slipway::eval
