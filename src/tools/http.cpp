// `http: {method, url, headers, body, allow, allow_private, max_bytes, redirects}`
#include "core/ascii.hpp"
#include "tools/detail/arguments.hpp"
#include "tools/detail/web_caller.hpp"

namespace slipway::tools::detail {

namespace {

struct HttpParts {
  std::string method;
  ArgumentText url;
  std::map<std::string, ArgumentText> headers;
  std::map<std::string, std::string> secret_headers;
  std::optional<ArgumentForm> body;
};

class HttpTool final : public Tool {
 public:
  HttpTool(HttpParts parts, WebRules rules) : parts_(std::move(parts)), caller_(std::move(rules)) {}

  ToolResult call(const Context& context, const ToolCall& call) override {
    WebRequest request{.method = parts_.method, .secret_headers = parts_.secret_headers};
    auto url = parts_.url.write(call.args, Encoding::percent);
    if (!url) return ToolResult::failed(url.failure());
    request.url = *std::move(url);
    for (const auto& [name, text] : parts_.headers) {
      auto value = text.write(call.args, Encoding::none);
      if (!value) return ToolResult::failed(value.failure());
      request.headers[name] = *std::move(value);
    }
    if (!call.effect_key.empty()) request.headers["Idempotency-Key"] = call.effect_key;
    if (parts_.body) {
      auto body = parts_.body->evaluate(call.args);
      if (!body) return ToolResult::failed(body.failure());
      add_body(*body, request);
    }
    return caller_.call(context, request);
  }
  Value parameters() const override {
    std::vector<std::string> names = parts_.url.names();
    for (const auto& [name, text] : parts_.headers) add_names(names, text.names());
    if (parts_.body) add_names(names, parts_.body->names());
    return parameters_of(names);
  }

 private:
  static void add_body(const Value& body, WebRequest& request) {
    if (body.is_null()) return;
    request.body = body.is_text() ? body.text() : dump(body);
    bool has_type = false;
    for (const auto& [name, value] : request.headers)
      has_type = has_type || ascii::lower(name) == "content-type";
    if (has_type) return;
    const bool is_json = !body.is_text() || agents::parse_json(request.body).ok();
    request.headers["Content-Type"] = is_json ? "application/json" : "text/plain; charset=utf-8";
  }

  const HttpParts parts_;
  const WebCaller caller_;
};

}  // namespace

MadeTool make_http(const ToolSpec& spec) {
  const ConfigMap map = TRY(ConfigMap::open(
      spec.config, "http",
      {"method", "url", "headers", "body", "allow", "allow_private", "max_bytes", "redirects"}));
  HttpParts parts;
  parts.method = TRY(map.text("method", "GET"));
  parts.url = TRY(ArgumentText::compile(TRY(map.text("url"))).within("http.url"));
  if (map.has("headers")) {
    if (!map.at("headers").is_map())
      return fail(Code::invalid_argument, "http.headers: a map of texts is expected");
    for (const auto& [name, value] : map.at("headers").entries().items) {
      const std::string text = agents::in_words(value);
      if (names_secret(text))
        parts.secret_headers[name] = text;
      else
        parts.headers[name] =
            TRY(ArgumentText::compile(text).within(fmt::format("http.headers.{}", name)));
    }
  }
  if (map.has("body")) parts.body = TRY(ArgumentForm::compile(map.at("body")).within("http.body"));
  WebRules rules = TRY(read_web_rules(map));
  return std::shared_ptr<Tool>(std::make_shared<HttpTool>(std::move(parts), std::move(rules)));
}

}  // namespace slipway::tools::detail
