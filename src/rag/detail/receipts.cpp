#include "rag/detail/receipts.hpp"

#include "core/clock.hpp"
#include "rag/detail/versions.hpp"

namespace slipway::rag::detail {

/// One ranked chunk as a receipt keeps it: ids, hashes and scores, not the text.
struct RankedChunk {
  std::string chunk_id, document_id, content_hash;
  double score = 0;
  bool operator==(const RankedChunk&) const = default;
};
BOOST_DESCRIBE_STRUCT(RankedChunk, (), (chunk_id, document_id, content_hash, score))

struct ReceiptRequest {
  std::string collection, question, mode, model;
  int limit = 8;
  std::optional<json::Value> filter;
  std::optional<double> budget_usd;
  bool mark_unsupported = false;
  std::uint64_t seed = 0;
  std::string reranker;  ///< The one that was used; empty: none.
  int candidates = 50;
  std::string prompt;  ///< With its version; empty: the built in one.
  /// Absent: hybrid, as all were before they could be told.
  std::optional<index::SearchMode> search = {};
  std::optional<index::Fusion> fusion = {};
  std::optional<double> dense_weight = {};
};
BOOST_DESCRIBE_STRUCT(ReceiptRequest, (),
                      (collection, question, mode, model, limit, filter, budget_usd,
                       mark_unsupported, seed, reranker, candidates, prompt, search, fusion,
                       dense_weight))

struct Receipt {
  std::string receipt_id, created_at;
  ReceiptRequest request;
  std::string embedder;
  std::int64_t index_version = 0;
  std::vector<RankedChunk> retrieval;
  std::optional<std::string> prompt, model, reply;
  json::Value parameters = json::Object();
  std::map<std::string, double> signals;
  json::Value answer;
  bool pinned = false;
  std::vector<std::string> erased;  ///< Documents whose words were taken out.
};
BOOST_DESCRIBE_STRUCT(Receipt, (),
                      (receipt_id, created_at, request, embedder, index_version, retrieval, prompt,
                       model, reply, parameters, signals, answer, pinned, erased))

namespace {

std::vector<RankedChunk> ranked(const Retrieved& retrieved) {
  std::vector<RankedChunk> chunks;
  for (const Passage& passage : retrieved.passages)
    chunks.push_back({passage.item.chunk_id, passage.item.document_id, passage.item.content_hash,
                      passage.item.score});
  return chunks;
}

Result<AskRequest> request_of(const ReceiptRequest& stored) {
  AskRequest request;
  request.collection = stored.collection;
  request.question = stored.question;
  request.mode = TRY(parse_answer_mode(stored.mode));
  request.model = stored.model;
  request.limit = stored.limit;
  request.filter = stored.filter;
  request.budget_usd = stored.budget_usd;
  request.mark_unsupported = stored.mark_unsupported;
  request.seed = stored.seed;
  request.rerank = !stored.reranker.empty();
  request.reranker = stored.reranker;
  request.candidates = stored.candidates;
  request.prompt = stored.prompt.empty() ? std::string(built_in_prompt) : stored.prompt;
  request.search = stored.search;
  request.fusion = stored.fusion;
  request.dense_weight = stored.dense_weight;
  return request;
}

Result<Receipt> read_receipt(const Context& context, Shelf& shelf, const std::string& id) {
  return json::from<Receipt>(TRY(load_receipt(context, shelf, id)));
}

/// valid: the same content, and the quote stands where it stood. No model is needed.
Result<std::string> state_of(const Context& context, Shelf& shelf, Texts& texts,
                             const json::Object& citation) {
  std::optional<DocumentRow> document;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    document = TRY(find_document(connection, std::string(citation.at("document_id").as_string())));
    return {};
  }));
  if (!document) return std::string("gone");
  if (document->info.content_hash != std::string_view(citation.at("content_hash").as_string()))
    return std::string("stale");
  const auto stored = TRY(texts.get(*document));
  const std::string_view quote = citation.at("quote").as_string();
  const auto start = static_cast<std::size_t>(citation.at("text_start").as_int64());
  const bool stands = start <= stored->text.size() &&
                      std::string_view(stored->text).substr(start).starts_with(quote);
  return std::string(stands ? "valid" : "stale");
}

/// From the recorded version; from the current one when that is not kept any more: then `search`
/// has no version.
Result<Retrieved> retrieve_recorded(const Context& context, Shelf& shelf, Texts& texts,
                                    SearchRequest& search) {
  auto recorded = retrieve(context, shelf, texts, search);
  if (recorded || recorded.error().code() != Code::not_found) return recorded;
  search.version.reset();
  return retrieve(context, shelf, texts, search);
}

}  // namespace

Result<void> store_receipt(const Context& context, Shelf& shelf, const AskRequest& request,
                           Answered& answered) {
  Receipt receipt;
  receipt.receipt_id = make_id("rcp", shelf.clock());
  receipt.created_at = format_time(shelf.clock().now());
  receipt.request = {request.collection,
                     request.question,
                     std::string(wire_name(request.mode)),
                     request.model,
                     request.limit,
                     request.filter,
                     request.budget_usd,
                     request.mark_unsupported,
                     request.seed,
                     answered.retrieved.reranker_name,
                     request.candidates,
                     answered.prompt,
                     request.search,
                     request.fusion,
                     request.dense_weight};
  receipt.embedder = answered.retrieved.collection->row.embedder_identity;
  receipt.index_version = answered.answer.index_version;
  receipt.retrieval = ranked(answered.retrieved);
  receipt.prompt = answered.generation.prompt;
  receipt.model = answered.generation.model_identity;
  receipt.reply = answered.generation.reply;
  receipt.parameters = json::Object{{"temperature", answered.generation.temperature},
                                    {"seed", request.seed},
                                    {"max_tokens", answered.generation.max_tokens}};
  receipt.signals = answered.answer.signals;
  receipt.pinned = request.pin && answered.answer.index_version > 0;
  answered.answer.receipt_id = receipt.receipt_id;
  receipt.answer = to_json(answered.answer);
  return shelf.database().write(context, [&](store::Connection& connection) -> Result<void> {
    const std::int64_t collection = answered.retrieved.collection->row.id;
    // Nothing was searched where not even the question's vector was paid for.
    if (request.pin && receipt.index_version > 0)
      TRY(index::hold(connection, collection,
                      {std::string(receipt_prefix) + receipt.receipt_id, receipt.index_version,
                       receipt.created_at})
              .within("pin"));
    return insert_receipt(connection, receipt.receipt_id, collection, receipt.created_at,
                          json::to(receipt));
  });
}

namespace {

void take_words(json::Object& answer, const std::string& document_id) {
  answer["answer"] = "";
  for (const char* list : {"sentences", "dropped", "nearest"}) answer[list] = json::Array();
  for (json::Value& citation : answer["citations"].as_array()) {
    json::Object& object = citation.as_object();
    if (object["document_id"] != json::Value(document_id.c_str())) continue;
    for (const char* words : {"quote", "uri", "path", "title"}) object[words] = "";
    object["heading_path"] = json::Array();
  }
}

}  // namespace

Result<std::int64_t> redact_receipts(store::Connection& connection, std::int64_t collection,
                                     const std::string& document_id) {
  std::int64_t redacted = 0;
  for (const auto& [id, body] : TRY(receipts_with(connection, collection, document_id))) {
    Receipt receipt = TRY(json::from<Receipt>(body));
    receipt.prompt.reset();
    receipt.reply.reset();
    take_words(receipt.answer.as_object(), document_id);
    receipt.erased.push_back(document_id);
    TRY(replace_receipt(connection, id, json::to(receipt)));
    ++redacted;
  }
  return redacted;
}

Result<json::Value> load_receipt(const Context& context, Shelf& shelf, const std::string& id) {
  std::optional<json::Value> body;
  TRY(shelf.database().read(context, [&](store::Connection& connection) -> Result<void> {
    body = TRY(find_receipt(connection, id));
    return {};
  }));
  if (!body)
    return fail(Code::not_found,
                "receipt '{}' does not exist; slipway ask prints the id of each answer's receipt",
                id);
  return std::move(*body);
}

Result<Replay> replay(const Context& context, Shelf& shelf, Texts& texts, const std::string& id,
                      bool rerun) {
  const Receipt receipt = TRY(read_receipt(context, shelf, id));
  AskRequest request = TRY(request_of(receipt.request));
  Replay replayed;
  replayed.receipt_id = id;
  SearchRequest search{.collection = request.collection,
                       .query = request.question,
                       .limit = request.limit,
                       .mode = request.search,
                       .filter = request.filter,
                       .rerank = request.rerank,
                       .reranker = request.reranker,
                       .candidates = request.candidates,
                       .version = receipt.index_version,
                       .fusion = request.fusion,
                       .dense_weight = request.dense_weight};
  const Retrieved retrieved = TRY(retrieve_recorded(context, shelf, texts, search));
  replayed.is_recorded_version = search.version.has_value();
  replayed.index_version = retrieved.reply.index_version;
  replayed.retrieval = ranked(retrieved) == receipt.retrieval ? "identical" : "differs";
  for (const json::Value& citation : receipt.answer.as_object().at("citations").as_array()) {
    const int number = static_cast<int>(citation.as_object().at("number").as_int64());
    std::string state = TRY(state_of(context, shelf, texts, citation.as_object()));
    replayed.citations.push_back({number, std::move(state)});
  }
  replayed.answer = "not_rerun";
  // Words of an erased document cannot be compared.
  if (rerun && receipt.erased.empty()) {
    request.version = search.version;
    const Answered again = TRY(answer(context, shelf, texts, request, {}));
    const std::string_view before = receipt.answer.as_object().at("answer").as_string();
    replayed.answer = again.answer.answer == before ? "identical" : "differs";
  }
  return replayed;
}

}  // namespace slipway::rag::detail
