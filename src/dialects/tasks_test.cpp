#include "dialects/embeddings.hpp"
#include "dialects/recordings.hpp"
#include "dialects/rerank.hpp"

using namespace slipway;
using namespace slipway::dialects;
using namespace slipway::dialects::recordings;

namespace {

EmbeddingRequest embedding(EmbeddingDialect dialect, std::string_view body) {
  auto request = decode_embedding_request(dialect, parsed(body));
  REQUIRE_MESSAGE(request.ok(), (request ? std::string() : request.error().message()));
  return *request;
}

std::string encoded(EmbeddingDialect dialect, const EmbeddingRequest& request,
                    std::vector<std::string>* unsupported = nullptr) {
  std::vector<Unsupported> found;
  std::string text = json::dump(encode_embedding_request(dialect, request, found));
  if (unsupported != nullptr)
    for (const Unsupported& item : found) unsupported->push_back(item.parameter);
  return text;
}

}  // namespace

TEST_CASE("OpenAI's embeddings take a text, texts, or tokens") {
  const auto one = embedding(EmbeddingDialect::openai, R"({"model":"m","input":"a"})");
  CHECK(one.inputs.size() == 1);
  const auto texts = embedding(EmbeddingDialect::openai,
                               R"({"model":"m","input":["a","b"],"dimensions":8,"user":"u"})");
  CHECK(encoded(EmbeddingDialect::openai, texts) ==
        R"({"model":"m","encoding_format":"float","input":["a","b"],"dimensions":8,"user":"u"})");
  std::vector<std::string> unsupported;
  CHECK(encoded(EmbeddingDialect::cohere, texts, &unsupported) ==
        R"({"model":"m","input_type":"search_document","texts":["a","b"],)"
        R"("embedding_types":["float"],"output_dimension":8})");
  CHECK(unsupported == std::vector<std::string>{"user"});
  const auto tokens = embedding(EmbeddingDialect::openai, R"({"model":"m","input":[[1,2],[3]]})");
  CHECK(tokens.inputs[0].tokens == std::vector<std::int64_t>{1, 2});
  for (const char* wrong :
       {R"({"model":"m","input":[]})", R"({"model":"m"})", R"({"model":"m","input":[1,"a"]})",
        R"({"model":"m","input":"a","encoding_format":"x"})", R"({"input":"a"})",
        R"({"model":"m","input":"a","dimensions":0})"})
    CHECK_FALSE(decode_embedding_request(EmbeddingDialect::openai, parsed(wrong)).ok());
}

TEST_CASE("Cohere's embed takes texts, images and both together") {
  const auto request = embedding(
      EmbeddingDialect::cohere,
      R"({"model":"m","input_type":"search_query","texts":["a"],"embedding_types":["float","int8"],
          "output_dimension":256,"truncate":"END","priority":1})");
  CHECK(request.purpose == "search_query");
  CHECK(request.truncate == "end");
  CHECK(encoded(EmbeddingDialect::cohere, request) ==
        R"({"model":"m","input_type":"search_query","texts":["a"],)"
        R"("embedding_types":["float","int8"],"output_dimension":256,)"
        R"("truncate":"END","priority":1})");
  std::vector<std::string> unsupported;
  encoded(EmbeddingDialect::openai, request, &unsupported);
  CHECK(unsupported == std::vector<std::string>{"truncate", "priority"});
  const auto mixed = embedding(EmbeddingDialect::cohere, R"({"model":"m","inputs":[{"content":[
      {"type":"text","text":"a"},
      {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]})");
  CHECK(mixed.inputs[0].parts.size() == 2);
  CHECK(mixed.inputs[0].parts[1].data == "AAAA");
  unsupported.clear();
  encoded(EmbeddingDialect::openai, mixed, &unsupported);
  CHECK(unsupported == std::vector<std::string>{"inputs[0].content[1]"});
}

TEST_CASE("embeddings are written in the form that was asked for") {
  EmbeddingReply reply{
      .id = "e", .model = "m", .vectors = {{1.0f, -0.5f, 0.0f}}, .input_tokens = 3};
  const auto openai = embedding(EmbeddingDialect::openai,
                                R"({"model":"m","input":"a","encoding_format":"base64"})");
  const json::Value told = encode_embedding_reply(EmbeddingDialect::openai, openai, reply);
  CHECK(told.at("data").at(0).at("embedding") == json::Value("AACAPwAAAL8AAAAA"));
  CHECK(told.at("usage").at("prompt_tokens") == json::Value(3));
  const auto cohere = embedding(EmbeddingDialect::cohere,
                                R"({"model":"m","texts":["a"],
          "embedding_types":["float","int8","uint8","binary","ubinary"]})");
  const json::Value typed = encode_embedding_reply(EmbeddingDialect::cohere, cohere, reply);
  CHECK(json::dump(typed.at("embeddings")) ==
        R"({"float":[[1E0,-5E-1,0E0]],"int8":[[127,-64,0]],"uint8":[[255,64,128]],)"
        R"("binary":[[0]],"ubinary":[[128]]})");
  const auto reread = decode_embedding_reply(EmbeddingDialect::cohere, typed);
  REQUIRE(reread.ok());
  CHECK(reread->vectors == reply.vectors);
  CHECK(reread->input_tokens == 3);
}

TEST_CASE("a reply without one embedding for each index is none") {
  for (const char* body :
       {"[]", "{}", R"({"data":[{"index":1,"embedding":[1]}]})", R"({"data":[{"index":0}]})",
        R"({"data":[{"index":0,"embedding":["a"]}]})",
        R"({"data":[{"index":0,"embedding":[1e99]}]})",
        R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]})"}) {
    const auto reply = decode_embedding_reply(EmbeddingDialect::openai, parsed(body));
    REQUIRE_FALSE(reply.ok());
    CHECK(reply.error().code() == Code::unavailable);
  }
}

TEST_CASE("rerank reads texts and objects, and gives documents back where version 1 wants them") {
  const auto request = decode_rerank_request(RerankDialect::cohere_v1, parsed(R"({"model":"m",
    "query":"q","documents":["a",{"text":"b","x":1},{"title":"c"}],"top_n":2,
    "return_documents":true,"max_chunks_per_doc":3})"));
  REQUIRE(request.ok());
  CHECK(request->documents == std::vector<std::string>{"a", "b", "title: c"});
  const RerankReply reply{.id = "r", .hits = {{2, 0.9}, {0, 0.5}, {1, 0.1}}, .search_units = 1};
  CHECK(json::dump(encode_rerank_reply(RerankDialect::cohere_v1, *request, reply)) ==
        R"({"id":"r","results":[{"index":2,"relevance_score":9E-1,"document":{"title":"c"}},)"
        R"({"index":0,"relevance_score":5E-1,"document":{"text":"a"}}],)"
        R"("meta":{"api_version":{"version":"1"},"billed_units":{"search_units":1}}})");
  std::vector<Unsupported> unsupported;
  encode_rerank_request(RerankDialect::cohere_v2, *request, unsupported);
  REQUIRE(unsupported.size() == 1);
  CHECK(unsupported[0].parameter == "max_chunks_per_doc");
  for (const char* wrong :
       {R"({"model":"m","query":"q"})", R"({"model":"m","query":"q","documents":[]})",
        R"({"model":"m","query":"q","documents":[5]})", R"({"model":"m","documents":["a"]})",
        R"({"model":"m","query":"q","documents":["a"],"top_n":0})"})
    CHECK_FALSE(decode_rerank_request(RerankDialect::cohere_v2, parsed(wrong)).ok());
}

TEST_CASE("a rerank reply that names documents that were not sent is none") {
  const auto fine = decode_rerank_reply(
      parsed(R"({"results":[{"index":0,"relevance_score":0.1},{"index":1,"relevance_score":0.9}],
                 "meta":{"billed_units":{"search_units":2}}})"),
      2);
  REQUIRE(fine.ok());
  CHECK(fine->hits[0].index == 1);
  CHECK(fine->search_units == 2);
  for (const char* body :
       {"{}", R"({"results":[{"index":2,"relevance_score":1}]})",
        R"({"results":[{"index":-1,"relevance_score":1}]})", R"({"results":[{"index":0}]})",
        R"({"results":[{"index":0,"relevance_score":1},
                                          {"index":0,"relevance_score":1}]})"})
    CHECK_FALSE(decode_rerank_reply(parsed(body), 2).ok());
}
