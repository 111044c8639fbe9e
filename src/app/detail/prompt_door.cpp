#include "app/detail/prompt_door.hpp"

#include <set>

#include "core/json_members.hpp"
#include "trace/origin.hpp"

namespace slipway::app::detail {

namespace {

constexpr std::string_view member_name = "prompt";

struct Named {
  std::string id;
  std::optional<std::string> version;
  std::optional<json::Object> variables;
  static constexpr std::string_view required[] = {"id"};
};
BOOST_DESCRIBE_STRUCT(Named, (), (id, version, variables))

/// A body that is written anew, member by member.
class Body {
 public:
  void add(std::string_view quoted_name, std::string_view value) {
    text_ += text_.size() == 1 ? "" : ",";
    text_ += fmt::format("{}:{}", quoted_name, value);
  }
  std::string end() { return std::move(text_) + "}"; }

 private:
  std::string text_ = "{";
};

}  // namespace

bool names_prompt(const http::Request& request) {
  if (request.method != "POST" || !request.path.ends_with("/v1/chat/completions")) return false;
  if (request.body.find("\"prompt\"") == std::string::npos) return false;
  return json::member(request.body, member_name).starts_with('{');
}

Result<FilledCall> fill_prompt(const Context& context, prompts::Prompts& prompts,
                               const http::Request& request) {
  if (!json::is_valid(request.body))
    return fail(Code::invalid_argument, "the body is not valid JSON");
  const auto named =
      TRY(json::from<Named>(TRY(json::parse(json::member(request.body, member_name))))
              .within("prompt"));
  trace::Origin origin = trace::origin_of(request);
  trace::take_body(origin, request.body);
  const std::string reference = named.version ? named.id + "@" + *named.version : named.id;
  const prompts::Rendered rendered =
      TRY(prompts.render(context, reference, named.variables.value_or(json::Object()),
                         origin.user_id.empty() ? origin.session_id : origin.user_id));

  std::string messages = json::dump(rendered.messages);
  std::set<std::string, std::less<>> seen;
  Body body;
  json::Members members(request.body);
  for (json::Member one; members.next(one);) {
    seen.emplace(one.key);
    if (one.key == member_name) continue;
    if (one.key != "messages") {
      body.add(fmt::format("\"{}\"", one.key), one.value);
      continue;
    }
    if (!one.value.starts_with('['))
      return fail(Code::invalid_argument, "messages: a list is wanted");
    const std::string_view inner = one.value.substr(1, one.value.size() - 2);
    if (inner.find_first_not_of(" \t\r\n") == std::string_view::npos) continue;
    messages.pop_back();
    messages += fmt::format("{}{}]", messages.size() > 1 ? "," : "", inner);
  }
  body.add("\"messages\"", messages);
  if (!rendered.model.empty() && !seen.contains("model"))
    body.add("\"model\"", json::quoted(rendered.model));
  for (const auto& [key, value] : rendered.parameters)
    if (!seen.contains(std::string_view(key))) body.add(json::quoted(key), json::dump(value));

  FilledCall filled;
  filled.prompt = fmt::format("{}@{}", rendered.name, rendered.version);
  filled.request = std::make_unique<http::Request>(request);
  filled.request->body = body.end();
  filled.request->headers.set(std::string(trace::prompt_header), filled.prompt);
  return filled;
}

http::Response prompt_refusal(const Error& error) {
  const bool is_ours = error.code() == Code::unavailable || error.code() == Code::internal;
  json::Object told{{"message", error.message()},
                    {"type", is_ours ? "server_error" : "invalid_request_error"},
                    {"param", "prompt"},
                    {"code", error.code() == Code::not_found ? "prompt_not_found"
                                                             : std::string(name(error.code()))}};
  http::Response response{.status = http_status(error.code()),
                          .headers = {{"Content-Type", "application/json"}},
                          .body = json::dump(json::Object{{"error", std::move(told)}})};
  if (response.status == 503) response.headers.set("Retry-After", "1");
  return response;
}

}  // namespace slipway::app::detail
