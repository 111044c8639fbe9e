// `search: {provider: searxng|brave|tavily, url, key, limit, allow_private}`: pages of the web that
// a provider finds, always as a list of {title, url, snippet}.
//
// Replies as documented: https://docs.searxng.org/dev/search_api.html,
// https://api-dashboard.search.brave.com/app/documentation/web-search,
// https://docs.tavily.com/documentation/api-reference/endpoint/search
#include "http/message.hpp"
#include "tools/detail/arguments.hpp"
#include "tools/detail/web_caller.hpp"

namespace slipway::tools::detail {

namespace {

struct Provider {
  std::string_view name, url;           ///< `url`: where it is, if there is one place only.
  std::string_view results, snippet;    ///< Where in a reply they are: "web.results".
  std::string_view key_header, scheme;  ///< `scheme` stands before the key.
};
constexpr Provider providers[] = {
    {"searxng", "", "results", "content", "Authorization", "Bearer "},
    {"brave", "https://api.search.brave.com/res/v1/web/search", "web.results", "description",
     "X-Subscription-Token", ""},
    {"tavily", "https://api.tavily.com/search", "results", "content", "Authorization", "Bearer "}};

class SearchTool final : public Tool {
 public:
  struct Setting {
    const Provider* provider;
    std::string url, key;
    std::int64_t limit = 5;
  };
  SearchTool(Setting setting, WebRules rules)
      : setting_(std::move(setting)), caller_(std::move(rules)) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    auto query = text_argument(call, "query");
    if (!query) return ToolResult::failed(query.failure());
    std::int64_t limit = setting_.limit;
    if (const Value& wanted = call.args.at("limit"); wanted.is_integer())
      limit = std::clamp<std::int64_t>(wanted.integer(), 1, setting_.limit);
    ToolResult reply = caller_.call(context, request_for(*query, limit));
    if (!reply.value) return reply;
    return results_of(*reply.value, limit);
  }
  Value parameters() const override {
    return describe_parameters({{"query", "string", "words to look for"},
                                {"limit", "integer", "how many results at most", false}});
  }
  std::string description() const override {
    return "Searches the web: a list of {title, url, snippet}.";
  }

 private:
  WebRequest request_for(const std::string& query, std::int64_t limit) const {
    WebRequest request{.url = setting_.url};
    request.headers["Accept"] = "application/json";
    if (!setting_.key.empty())
      request.secret_headers[std::string(setting_.provider->key_header)] =
          std::string(setting_.provider->scheme) + setting_.key;
    const std::string encoded = http::percent_encode(query);
    if (setting_.provider->name == "tavily") {
      request.method = "POST";
      request.headers["Content-Type"] = "application/json";
      request.body = dump(Value::map({{"query", query}, {"max_results", limit}}));
    } else if (setting_.provider->name == "brave") {
      request.url += fmt::format("?q={}&count={}", encoded, limit);
    } else {
      request.url += fmt::format("/search?q={}&format=json", encoded);
    }
    return request;
  }

  ToolResult results_of(const Value& reply, std::int64_t limit) const {
    const Value* found = &reply;
    std::string_view path = setting_.provider->results;
    while (!path.empty()) {
      const std::size_t dot = std::min(path.find('.'), path.size());
      found = &found->at(path.substr(0, dot));
      path.remove_prefix(std::min(dot + 1, path.size()));
    }
    // Brave leaves the whole group out where it found nothing.
    if (found->is_null() && reply.is_map()) return ToolResult::done(Value::list());
    if (!found->is_list())
      return ToolResult::failed(
          {"tool", fmt::format("{} answers without a list of results", setting_.provider->name)});
    Value results = Value::list();
    for (const Value& item : found->items()) {
      if (!item.at("url").is_text()) continue;
      if (static_cast<std::int64_t>(results.items().size()) == limit) break;
      results.push(
          Value::map({{"title", agents::in_words(item.at("title"))},
                      {"url", item.at("url").text()},
                      {"snippet", agents::in_words(item.at(setting_.provider->snippet))}}));
    }
    return ToolResult::done(std::move(results));
  }

  const Setting setting_;
  const WebCaller caller_;
};

}  // namespace

MadeTool make_search(const ToolSpec& spec) {
  const ConfigMap map = TRY(
      ConfigMap::open(spec.config, "search", {"provider", "url", "key", "limit", "allow_private"}));
  const std::string name = TRY(map.text("provider"));
  SearchTool::Setting setting{.provider = nullptr};
  for (const Provider& provider : providers)
    if (provider.name == name) setting.provider = &provider;
  if (setting.provider == nullptr)
    return fail(Code::invalid_argument, "search.provider: '{}' is none of searxng, brave, tavily",
                name);
  setting.url = TRY(map.text("url", std::string(setting.provider->url)));
  while (setting.url.ends_with('/')) setting.url.pop_back();
  if (setting.url.empty())
    return fail(Code::invalid_argument,
                "search: a {} runs somewhere: give its url, as https://search.example.org", name);
  TRY(parse_target(setting.url).within("search.url"));
  setting.key = TRY(map.text("key"));
  if (!setting.key.empty() && !names_secret(setting.key))
    return fail(Code::invalid_argument,
                "search.key: a secret does not stand in a file; write env:NAME or file:PATH");
  if (setting.key.empty() && name != "searxng")
    return fail(Code::invalid_argument, "search: {} wants a key; write key: env:NAME", name);
  setting.limit = TRY(map.integer("limit", {1, 50, 5}));
  WebRules rules;
  rules.allow_private = TRY(read_web_rules(map)).allow_private;
  return std::shared_ptr<Tool>(std::make_shared<SearchTool>(std::move(setting), std::move(rules)));
}

}  // namespace slipway::tools::detail
