#include "app/detail/mcp_offer.hpp"

#include <algorithm>

#include "agents/spending.hpp"
#include "api/paid_questions.hpp"
#include "app/detail/mcp_place.hpp"
#include "app/version.hpp"
#include "rag/wire.hpp"
#include "trace/paying_run.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view scheme = "slipway://";
constexpr std::string_view middle = "/documents/";
constexpr std::string_view collection_prefix = "slipway://collections/";
constexpr int page_size = 100;
constexpr int limit_max = 50;

/// "slipway://faq/documents/doc_1" -> faq, doc_1.
struct DocumentUri {
  std::string collection, id;
};
std::optional<DocumentUri> read_uri(std::string_view uri) {
  if (!uri.starts_with(scheme)) return std::nullopt;
  uri.remove_prefix(scheme.size());
  const auto at = uri.find(middle);
  if (at == 0 || at == std::string_view::npos || at + middle.size() == uri.size())
    return std::nullopt;
  return DocumentUri{std::string(uri.substr(0, at)), std::string(uri.substr(at + middle.size()))};
}

std::string uri_of(std::string_view collection, std::string_view id) {
  return fmt::format("{}{}{}{}", scheme, collection, middle, id);
}

int limit_of(const json::Object& arguments, int otherwise) {
  const auto* limit = arguments.if_contains("limit");
  if (!limit || !limit->is_int64()) return otherwise;
  return static_cast<int>(std::clamp<std::int64_t>(limit->get_int64(), 1, limit_max));
}

mcp::Answer told(const Error& error) { return mcp::Answer::tool_error(error.message()); }

/// With what it cost and what is left, for who keeps a budget.
json::Object result_of(std::string_view text, json::Value structured, const agents::Spending& spent,
                       const json::Object& left) {
  json::Object meta{{agents::spending_key, agents::to_json(agents::spending_value(spent))}};
  if (!left.empty()) meta[budget_key] = left;
  return {{"content", json::Array{mcp::text_content(text)}},
          {"structuredContent", std::move(structured)},
          {"_meta", std::move(meta)}};
}

mcp::Answer told(const budgets::Refusal& refusal) {
  mcp::Answer answer = mcp::Answer::tool_error(refusal.message);
  answer.result["_meta"] = json::Object{{budget_key, refusal.budget}};
  return answer;
}

class OfferOfSources final : public mcp::Offer {
 public:
  explicit OfferOfSources(McpSources sources) : sources_(std::move(sources)) {}

  Info info() const override {
    return {.name = "slipway",
            .title = "Slipway",
            .version = std::string(version_number),
            .description = {},
            .instructions =
                "Search and ask collections of documents, read the documents, run agents and "
                "their tools, call models. Answers quote what they stand on.",
            .has_resources = true};
  }

  Result<mcp::Page> list(mcp::Call& call, mcp::ListKind kind, const std::string& cursor) override {
    if (!call.principal().has("read")) return fail(Code::invalid_argument, "this key may not read");
    if (kind == mcp::ListKind::tools) return tools(call, cursor);
    if (kind == mcp::ListKind::resources) return documents(call, cursor);
    mcp::Page page;
    if (kind == mcp::ListKind::templates)
      page.items.push_back(json::Object{{"uriTemplate", "slipway://{collection}/documents/{id}"},
                                        {"name", "document"},
                                        {"description", "The text of a document, as it was read"},
                                        {"mimeType", "text/plain"}});
    return page;
  }

  json::Value input_schema(mcp::Call& call, const std::string& tool) override {
    const McpShown shown = sources_.shown();
    if (is_model_tool(tool)) return model_input_schema(shown.models, call.principal(), tool);
    if (const auto door = agents_of(shown); door && is_agent_tool(tool))
      return agent_input_schema(*door, tool);
    const auto page = tools(call, "");
    if (page)
      for (const json::Value& item : page->items)
        if (mcp::text_of(item.get_object(), "name") == tool)
          return item.get_object().at("inputSchema");
    return {};
  }

  mcp::Answer call_tool(mcp::Call& call, const std::string& name,
                        const json::Object& arguments) override {
    const std::string_view right = name == "search" ? "read" : "write";
    if (!call.principal().has(right))
      return mcp::Answer::tool_error(
          fmt::format("this key may not use '{}': it needs the role {}", name, right));
    const McpShown shown = sources_.shown();
    if (is_model_tool(name)) return call_model(shown.models, call, name, arguments);
    if (const auto door = agents_of(shown); door && is_agent_tool(name))
      return call_agent(*door, call, name, arguments);
    if (!shown.has_collections) return mcp::unknown_thing(call, "tool", name);
    if (name == "search") return search(call, arguments);
    if (name == "ask") return ask(call, arguments);
    return mcp::unknown_thing(call, "tool", name);
  }

  mcp::Answer read_resource(mcp::Call& call, const std::string& uri) override {
    if (!call.principal().has("read")) return mcp::unknown_thing(call, "resource", uri);
    const McpShown shown = sources_.shown();
    std::optional<mcp::Answer> card;
    if (is_model_resource(uri)) card = read_model_resource(shown.models, call, uri);
    if (const auto door = agents_of(shown); door && is_agent_resource(uri))
      card = read_agent_resource(*door, call, uri);
    if (uri.starts_with(collection_prefix)) card = read_collection(call, uri);
    const auto place = read_uri(uri);
    // A collection may have the name "models".
    if (card && (!card->error || !place)) return *std::move(card);
    const auto library =
        shown.has_collections ? sources_.library() : std::shared_ptr<rag::Library>();
    if (!place || !library) return mcp::unknown_thing(call, "resource", uri);
    const auto document = library->document(call.context(), place->collection, place->id);
    if (!document) return mcp::unknown_thing(call, "resource", uri);
    const auto text = library->document_text(call.context(), place->id);
    if (!text) return mcp::RpcError{mcp::code::internal_error, text.error().message(), {}};
    return json::Object{
        {"contents",
         json::Array{json::Object{{"uri", uri}, {"mimeType", "text/plain"}, {"text", *text}}}}};
  }

 private:
  std::optional<McpAgents> agents_of(const McpShown& shown) const {
    if (!shown.has_agents || sources_.agents == nullptr || sources_.tools == nullptr)
      return std::nullopt;
    return McpAgents{*sources_.agents, *sources_.tools, shown.lets_clients_approve};
  }

  Result<std::vector<rag::CollectionInfo>> collection_infos(mcp::Call& call) const {
    const auto library = sources_.library();
    if (!library || !sources_.shown().has_collections) return std::vector<rag::CollectionInfo>();
    return library->collections(call.context());
  }

  Result<std::vector<std::string>> collections(mcp::Call& call) const {
    std::vector<std::string> names;
    for (const rag::CollectionInfo& info : TRY(collection_infos(call))) names.push_back(info.name);
    return names;
  }

  mcp::Answer read_collection(mcp::Call& call, const std::string& uri) const {
    const auto infos = collection_infos(call);
    if (!infos) return mcp::RpcError{mcp::code::internal_error, infos.error().message(), {}};
    for (const rag::CollectionInfo& info : *infos)
      if (uri == std::string(collection_prefix) + info.name)
        return json::Object{
            {"contents", json::Array{json::Object{{"uri", uri},
                                                  {"mimeType", "application/json"},
                                                  {"text", json::dump(json::to(info))}}}}};
    return mcp::unknown_thing(call, "resource", uri);
  }

  /// What models, agents and collections are; their documents come after them.
  Result<json::Array> cards(mcp::Call& call) const {
    const McpShown shown = sources_.shown();
    json::Array cards = model_resources(shown.models, call.principal());
    if (const auto door = agents_of(shown))
      for (json::Value& agent : TRY(agent_resources(*door))) cards.push_back(std::move(agent));
    for (const rag::CollectionInfo& info : TRY(collection_infos(call)))
      cards.push_back(
          json::Object{{"uri", std::string(collection_prefix) + info.name},
                       {"name", info.name},
                       {"description", fmt::format("A collection of {} documents", info.documents)},
                       {"mimeType", "application/json"}});
    return cards;
  }

  static json::Object collection_schema(const std::vector<std::string>& names) {
    json::Array words;
    for (const std::string& name : names) words.emplace_back(name);
    return {{"type", "string"}, {"enum", std::move(words)}, {"description", "Where to look"}};
  }

  static json::Object tool(std::string_view name, std::string_view description,
                           std::string_view text_key, json::Object collection) {
    return {
        {"name", name},
        {"description", description},
        {"inputSchema",
         json::Object{{"type", "object"},
                      {"properties", json::Object{{text_key, json::Object{{"type", "string"}}},
                                                  {"collection", std::move(collection)},
                                                  {"limit", json::Object{{"type", "integer"},
                                                                         {"minimum", 1},
                                                                         {"maximum", limit_max}}}}},
                      {"required", json::Array{text_key}}}},
        {"annotations", json::Object{{"readOnlyHint", true}, {"openWorldHint", false}}}};
  }

  Result<mcp::Page> tools(mcp::Call& call, const std::string& cursor) const {
    if (!cursor.empty()) return fail(Code::invalid_argument, "cursor '{}' is unknown", cursor);
    mcp::Page page;
    const McpShown shown = sources_.shown();
    if (const auto door = agents_of(shown)) page.items = TRY(agent_tools(*door));
    for (json::Value& model : model_tools(shown.models, call.principal()))
      page.items.push_back(std::move(model));
    const auto names = TRY(collections(call));
    if (names.empty()) return page;
    page.items.push_back(tool("ask",
                              "Answers a question from the documents of a collection; every "
                              "sentence shows where it stands, and without evidence it refuses",
                              "question", collection_schema(names)));
    page.items.push_back(tool("search", "Finds passages in the documents of a collection", "query",
                              collection_schema(names)));
    return page;
  }

  /// The named one, or the only one.
  Result<std::string> collection_of(mcp::Call& call, const json::Object& arguments) const {
    std::string named = mcp::text_of(arguments, "collection");
    if (!named.empty()) return named;
    const auto names = TRY(collections(call));
    if (names.size() == 1) return names.front();
    return fail(Code::invalid_argument, "collection: name one of {}", fmt::join(names, ", "));
  }

  mcp::Answer search(mcp::Call& call, const json::Object& arguments) {
    const auto library = sources_.library();
    auto collection = collection_of(call, arguments);
    if (!library || !collection)
      return mcp::Answer::tool_error(collection ? "there are no collections"
                                                : collection.error().message());
    rag::SearchRequest request{.collection = *collection,
                               .query = mcp::text_of(arguments, "query"),
                               .limit = limit_of(arguments, 10),
                               .filter = {},
                               .rerank = {},
                               .reranker = {}};
    request.origin = origin_of(call);
    const rag::AskRequest question = api::as_question(request);
    const auto paid = api::search_paid(call.context(), payment(call, *library, question), request);
    if (!paid) return told(paid.error());
    if (!paid->reply) return told(*paid->refusal);
    const auto& reply = paid->reply;
    std::string text;
    json::Array items;
    for (const rag::SearchItem& item : reply->items) {
      text +=
          fmt::format("{}[{}] {}\n{}\n", text.empty() ? "" : "\n", item.rank, item.path, item.text);
      items.push_back(json::Object{{"rank", item.rank},
                                   {"uri", uri_of(*collection, item.document_id)},
                                   {"path", item.path},
                                   {"title", item.title},
                                   {"text", item.text},
                                   {"score", item.score}});
    }
    if (text.empty()) text = "nothing was found";
    return result_of(text, json::Object{{"items", std::move(items)}},
                     {.usage = reply->usage, .usd = reply->cost_usd}, paid->left);
  }

  mcp::Answer ask(mcp::Call& call, const json::Object& arguments) {
    const auto library = sources_.library();
    auto collection = collection_of(call, arguments);
    if (!library || !collection)
      return mcp::Answer::tool_error(collection ? "there are no collections"
                                                : collection.error().message());
    rag::AskRequest request;
    request.collection = *collection;
    request.question = mcp::text_of(arguments, "question");
    request.limit = limit_of(arguments, 8);
    request.origin = origin_of(call);
    call.progress(0, {}, "looking for evidence");
    const auto paid = api::ask_paid(call.context(), payment(call, *library, request), heard(call));
    if (!paid) return told(paid.error());
    if (!paid->reply) return told(*paid->refusal);
    const auto& answer = paid->reply;
    std::string text = answer->answer;
    for (const rag::Citation& citation : answer->citations)
      text += fmt::format("\n[{}] {}", citation.number, citation.path);
    if (answer->refused) text = "The documents do not say. " + text;
    return result_of(text, rag::to_json(*answer), {.usage = answer->usage, .usd = answer->cost_usd},
                     paid->left);
  }

  /// Passages that were found, then each sentence of the answer.
  static rag::AskEvents heard(mcp::Call& call) {
    if (!call.wants_progress()) return {};
    auto done = std::make_shared<int>(0);
    rag::AskEvents events;
    events.on_passages = [&call, done](const std::vector<rag::SearchItem>& items) {
      call.progress(++*done, {}, fmt::format("{} passages found", items.size()));
    };
    events.on_sentence = [&call, done](const rag::Sentence& sentence, const auto&) {
      call.progress(++*done, {}, sentence.text);
    };
    return events;
  }

  /// As a question over HTTP is paid.
  api::AskBudget::Options payment(mcp::Call& call, rag::Library& library,
                                  const rag::AskRequest& request) const {
    const http::Request said = said_by(call);
    return {.ledger = sources_.ledger,
            .library = library,
            .request = request,
            .call_id = said.id,
            .run_id = trace::paying_run(said, *request.origin, said.id)};
  }

  Result<mcp::Page> documents(mcp::Call& call, const std::string& cursor) const {
    mcp::Page page;
    if (cursor.empty()) page.items = TRY(cards(call));
    const auto library = sources_.library();
    auto names = TRY(collections(call));
    if (!library || names.empty()) return page;
    std::sort(names.begin(), names.end());
    // "faq:" + the library's own.
    const auto colon = cursor.find(':');
    const std::string name = cursor.empty() ? names.front() : cursor.substr(0, colon);
    const auto at = std::find(names.begin(), names.end(), name);
    if (at == names.end() || (!cursor.empty() && colon == std::string::npos))
      return fail(Code::invalid_argument, "cursor '{}' is unknown", cursor);
    const auto list = TRY(library->documents(call.context(), name, page_size,
                                             cursor.empty() ? "" : cursor.substr(colon + 1)));
    for (const rag::DocumentInfo& document : list.items)
      page.items.push_back(
          json::Object{{"uri", uri_of(name, document.id)},
                       {"name", document.path.empty() ? document.uri : document.path},
                       {"title", document.title.empty() ? document.path : document.title},
                       {"mimeType", "text/plain"}});
    if (list.next_cursor)
      page.next_cursor = fmt::format("{}:{}", name, *list.next_cursor);
    else if (at + 1 != names.end())
      page.next_cursor = fmt::format("{}:", *(at + 1));
    return page;
  }

  const McpSources sources_;
};

}  // namespace

std::unique_ptr<mcp::Offer> make_mcp_offer(McpSources sources) {
  return std::make_unique<OfferOfSources>(std::move(sources));
}

}  // namespace slipway::app::detail
