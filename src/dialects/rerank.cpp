#include "dialects/rerank.hpp"

#include <algorithm>
#include <cmath>

#include "dialects/detail/fields.hpp"
#include "dialects/detail/shared.hpp"

namespace slipway::dialects {

using namespace detail;

namespace {

constexpr std::size_t documents_max = 10'000;

/// What is read of a document that is an object: the named fields, else its text, else all of it.
std::string text_of_fields(const json::Object& document, const std::vector<std::string>& fields) {
  std::string text;
  const auto add = [&](std::string_view key, const json::Value& value) {
    if (!text.empty()) text += '\n';
    const std::string part =
        value.is_string() ? std::string(value.get_string()) : json::dump(value);
    text += fmt::format("{}: {}", key, part);
  };
  if (fields.empty() && document.contains("text")) return text_of(document, "text");
  if (fields.empty()) {
    for (const auto& [key, value] : document) add(key, value);
  } else {
    for (const std::string& field : fields)
      if (const json::Value* value = document.if_contains(field)) add(field, *value);
  }
  return text;
}

void read_documents(Fields& in, const std::vector<std::string>& fields, RerankRequest& request) {
  const json::Array* documents = in.array("documents");
  if (documents == nullptr || documents->empty())
    return in.refuse(fail(Code::invalid_argument, "documents: is missing; send at least one"));
  if (documents->size() > documents_max)
    return in.refuse(fail(Code::invalid_argument,
                          "documents: has {} items; at most {} can be sent at once",
                          documents->size(), documents_max));
  bool all_texts = true;
  for (const json::Value& item : *documents) {
    if (item.is_string()) {
      request.documents.emplace_back(item.get_string());
    } else if (item.is_object()) {
      all_texts = false;
      request.documents.push_back(text_of_fields(item.get_object(), fields));
    } else {
      return in.refuse(
          expected(at("documents", request.documents.size()), "a string or an object", item));
    }
  }
  if (!all_texts) request.originals.assign(documents->begin(), documents->end());
}

json::Value document_of(const RerankRequest& request, std::size_t index) {
  if (index < request.originals.size() && request.originals[index].is_object())
    return request.originals[index];
  return {{"text", request.documents[index]}};
}

}  // namespace

Result<RerankRequest> decode_rerank_request(RerankDialect dialect, const json::Value& body) {
  RerankRequest request;
  request.from = dialect;
  Fields in(body, "");
  request.model = in.required_text("model");
  request.query = in.required_text("query");
  std::vector<std::string> fields;
  if (dialect == RerankDialect::cohere_v1) fields = in.texts("rank_fields");
  read_documents(in, fields, request);
  request.top_n = in.whole("top_n", {1});
  if (dialect == RerankDialect::cohere_v1)
    request.return_documents = in.flag("return_documents").value_or(false);
  else
    request.max_tokens_per_document = in.whole("max_tokens_per_doc", {1});
  TRY(in.status());
  request.extra = in.rest();
  return request;
}

json::Value encode_rerank_reply(RerankDialect dialect, const RerankRequest& request,
                                const RerankReply& reply) {
  json::Array results;
  const auto limit = static_cast<std::size_t>(
      request.top_n.value_or(static_cast<std::int64_t>(reply.hits.size())));
  for (const RerankHit& hit : reply.hits) {
    if (results.size() >= limit) break;
    json::Object item = {{"index", hit.index}, {"relevance_score", hit.score}};
    if (request.return_documents && hit.index < request.documents.size())
      item["document"] = document_of(request, hit.index);
    results.push_back(std::move(item));
  }
  const bool is_v1 = dialect == RerankDialect::cohere_v1;
  json::Object units = {{"search_units", std::max<std::int64_t>(1, reply.search_units)}};
  json::Object meta = {{"api_version", {{"version", is_v1 ? "1" : "2"}}},
                       {"billed_units", std::move(units)}};
  if (reply.input_tokens > 0) meta["tokens"] = {{"input_tokens", reply.input_tokens}};
  return {{"id", reply.id.empty() ? new_id("") : reply.id},
          {"results", std::move(results)},
          {"meta", std::move(meta)}};
}

json::Value encode_rerank_request(RerankDialect dialect, const RerankRequest& request,
                                  std::vector<Unsupported>& unsupported) {
  json::Object out = {{"model", request.model}, {"query", request.query}};
  out["documents"] = json::Array(request.documents.begin(), request.documents.end());
  put(out, "top_n", request.top_n);
  if (dialect == RerankDialect::cohere_v2)
    put(out, "max_tokens_per_doc", request.max_tokens_per_document);
  else if (request.max_tokens_per_document)
    unsupported.push_back({"max_tokens_per_doc", "Cohere's API of version 1 cannot say it"});
  for (const auto& [key, value] : request.extra) {
    if (request.from == dialect)
      out[key] = value;
    else
      unsupported.push_back({std::string(key), "only its own dialect knows it"});
  }
  return out;
}

Result<RerankReply> decode_rerank_reply(const json::Value& body, std::size_t documents) {
  const auto not_it = [](std::string_view what) {
    return fail(Code::unavailable, "the reply is not one of a rerank API: {}", what);
  };
  const json::Object* object = body.if_object();
  const json::Array* results = object ? array_of(*object, "results") : nullptr;
  if (results == nullptr) return not_it("results is missing");
  RerankReply reply;
  reply.id = text_of(*object, "id");
  std::vector<bool> seen(documents);
  for (const json::Value& item : *results) {
    if (!item.is_object()) return not_it("results holds what is no object");
    const json::Value* index = item.get_object().if_contains("index");
    const json::Value* score = item.get_object().if_contains("relevance_score");
    if (index == nullptr || !index->is_int64() || score == nullptr || !score->is_number())
      return not_it("a result lacks index or relevance_score");
    const auto number = static_cast<std::size_t>(index->get_int64());
    const double value = score->to_number<double>();
    if (index->get_int64() < 0 || number >= documents || seen[number] || !std::isfinite(value))
      return not_it(fmt::format("a result has index {} and score {}", index->get_int64(), value));
    seen[number] = true;
    reply.hits.push_back({number, value});
  }
  std::stable_sort(reply.hits.begin(), reply.hits.end(),
                   [](const RerankHit& a, const RerankHit& b) { return a.score > b.score; });
  if (const json::Object* meta = object_of(*object, "meta")) {
    if (const json::Object* units = object_of(*meta, "billed_units"))
      reply.search_units = whole_of(*units, "search_units");
    if (const json::Object* tokens = object_of(*meta, "tokens"))
      reply.input_tokens = whole_of(*tokens, "input_tokens");
  }
  return reply;
}

}  // namespace slipway::dialects
