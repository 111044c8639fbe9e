#include "app/commands.hpp"
#include "app/render.hpp"
#include "index/filter.hpp"

namespace slipway::app {

namespace {

Result<rag::SearchRequest> search_request(const SearchOptions& options) {
  rag::SearchRequest request;
  request.query = options.query;
  request.limit = options.limit;
  if (!options.mode.empty())
    request.mode = TRY(json::from<index::SearchMode>(json::Value(options.mode.c_str())));
  request.filter = TRY(parse_filter(options.filter));
  if (options.rerank) request.rerank = true;
  request.reranker = options.reranker;
  request.candidates = options.candidates;
  request.collapse = options.collapse;
  request.mmr = options.mmr;
  request.explain = options.explain;
  request.expand = TRY(json::from<rag::Expand>(json::Value(options.expand.c_str())));
  TRY(request.validate());
  return request;
}

}  // namespace

Result<std::optional<json::Value>> parse_filter(const std::string& text) {
  if (text.empty()) return std::optional<json::Value>();
  auto value = TRY(json::parse(text).within("--filter"));
  // Parsed here too, so that a wrong filter is wrong use and opens nothing.
  TRY(index::Filter::parse(value).within("--filter"));
  return std::optional<json::Value>(std::move(value));
}

Result<int> search(App& app, const SearchOptions& options) {
  auto request = search_request(options);
  if (!request) return app.wrong_use(request.error());
  request->collection = TRY(app.collection_or_default(options.collection));
  request->origin = app.origin();
  request->version = TRY(version_of(app, request->collection, options.version));
  const auto reply = TRY(TRY(app.library())->search(app.context(), *request));
  if (app.options().json)
    app.print_json(json::to(reply));
  else
    app.print(render_search(reply, app.out_style()));
  return exit_done;
}

}  // namespace slipway::app
