#include "trace/detail/routes_feedback.hpp"

#include "trace/detail/langsmith_query.hpp"

namespace slipway::trace::detail {

namespace {

constexpr int page_max = 1000;

Result<json::Value> body_of(const http::ExchangePtr& exchange) {
  return json::parse(exchange->request().body).within("the body");
}

http::Response json_reply(const json::Value& value) {
  return json_response(200, json::dump(value));
}

// --- Feedback

Result<http::Response> create(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters&) {
  const Context& context = exchange->context();
  Feedback one = TRY(read_feedback(TRY(body_of(exchange))));
  if (one.run_id && (!one.trace_id || !one.session_id)) TRY(place_of_run(context, services, one));
  const auto stored = TRY(services.feedbacks.put(context, {std::move(one)}));
  return json_reply(feedback_json(stored.front()));
}

Result<http::Response> list(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters&) {
  const http::Request& request = exchange->request();
  FeedbackQuery query;
  query.run_ids = query_values(request, "run");
  query.session_ids = query_values(request, "session");
  query.keys = query_values(request, "key");
  query.sources = query_values(request, "source");
  query.comparative_experiment_id = query_value(request, "comparative_experiment_id");
  if (query_value(request, "has_comment")) query.has_comment = is_asked(request, "has_comment");
  if (query_value(request, "has_score")) query.has_score = is_asked(request, "has_score");
  if (const auto level = query_value(request, "level")) {
    if (*level != "run" && *level != "session")
      return fail(Code::invalid_argument, "level: '{}' is none of: run, session", *level);
    query.is_of_session = *level == "session";
  }
  query.limit =
      static_cast<int>(std::min<std::size_t>(TRY(query_number(request, "limit", 100)), page_max));
  query.offset =
      static_cast<int>(std::min<std::size_t>(TRY(query_number(request, "offset", 0)), 1u << 30));
  json::Array all;
  for (const Feedback& one : TRY(services.feedbacks.list(exchange->context(), query)))
    all.emplace_back(feedback_json(one));
  return json_reply(all);
}

Result<http::Response> read(const Services& services, const http::ExchangePtr& exchange,
                            const http::PathParameters& path) {
  return json_reply(
      feedback_json(TRY(services.feedbacks.get(exchange->context(), path_value(path, "id")))));
}

Result<http::Response> change(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  const FeedbackChange change = TRY(read_feedback_change(TRY(body_of(exchange))));
  return json_reply(feedback_json(
      TRY(services.feedbacks.change(exchange->context(), path_value(path, "id"), change))));
}

Result<http::Response> remove(const Services& services, const http::ExchangePtr& exchange,
                              const http::PathParameters& path) {
  TRY(services.feedbacks.remove(exchange->context(), path_value(path, "id")));
  return json_reply(json::Object{{"message", "deleted"}});
}

// --- Links

struct Period {
  std::optional<double> days, hours, minutes;
};
BOOST_DESCRIBE_STRUCT(Period, (), (days, hours, minutes))
struct TokenBody {
  std::optional<std::string> id, run_id, feedback_key, expires_at;
  std::optional<Period> expires_in;
  std::optional<json::Object> feedback_config;
};
BOOST_DESCRIBE_STRUCT(TokenBody, (),
                      (id, run_id, feedback_key, expires_at, expires_in, feedback_config))

Nanoseconds now() {
  constexpr Nanoseconds per_microsecond = 1000;
  return system_clock().now().time_since_epoch().count() * per_microsecond;
}

json::Value token_json(const http::Request& request, const FeedbackToken& token) {
  // Where this was asked for, that is where the link leads, as the caller calls this server.
  const std::size_t tail = request.path.find("/feedback/tokens");
  const std::string url = fmt::format("{}{}/feedback/tokens/{}", base_url(request),
                                      std::string_view(request.path).substr(0, tail), token.id);
  return json::Object{
      {"id", token.id}, {"url", url}, {"expires_at", langsmith_time(token.expires)}};
}

Result<json::Value> make_token(const Services& services, const http::ExchangePtr& exchange,
                               const json::Value& value) {
  const auto body = TRY(json::from<TokenBody>(value, json::Policy::ignore_unknown));
  constexpr double minute = 60e9, hour = 60 * minute, day = 24 * hour, most = 1e18;
  FeedbackToken token;
  token.id = body.id.value_or("");
  token.run_id = body.run_id.value_or("");
  token.key = body.feedback_key.value_or("");
  constexpr Nanoseconds default_hours = 3, per_hour = 3'600'000'000'000;
  token.expires = now() + default_hours * per_hour;
  if (body.expires_at)
    token.expires = TRY(read_langsmith_time(*body.expires_at).within("expires_at"));
  if (body.expires_in)
    token.expires = now() + static_cast<Nanoseconds>(
                                std::clamp(body.expires_in->days.value_or(0) * day +
                                               body.expires_in->hours.value_or(0) * hour +
                                               body.expires_in->minutes.value_or(0) * minute,
                                           -most, most));
  if (body.feedback_config)
    TRY(services.feedbacks.put_config(exchange->context(),
                                      {.key = token.key, .config = *body.feedback_config}));
  return token_json(exchange->request(),
                    TRY(services.feedbacks.make_token(exchange->context(), std::move(token))));
}

Result<http::Response> create_tokens(const Services& services, const http::ExchangePtr& exchange,
                                     const http::PathParameters&) {
  constexpr std::size_t once_max = 100;
  const json::Value body = TRY(body_of(exchange));
  if (!body.is_array()) return json_reply(TRY(make_token(services, exchange, body)));
  if (body.get_array().size() > once_max)
    return fail(Code::invalid_argument, "{} links at once, at most {} are made",
                body.get_array().size(), once_max);
  json::Array all;
  for (const json::Value& one : body.get_array())
    all.push_back(TRY(make_token(services, exchange, one)));
  return json_reply(all);
}

Result<http::Response> list_tokens(const Services& services, const http::ExchangePtr& exchange,
                                   const http::PathParameters&) {
  const http::Request& request = exchange->request();
  const auto run = query_value(request, "run_id");
  if (!run) return fail(Code::invalid_argument, "run_id: is missing");
  const std::size_t limit = TRY(query_number(request, "limit", 100));
  const std::size_t offset = TRY(query_number(request, "offset", 0));
  const auto tokens = TRY(services.feedbacks.tokens(exchange->context(), *run));
  json::Array all;
  for (std::size_t i = offset; i < tokens.size() && all.size() < limit; ++i)
    all.push_back(token_json(request, tokens[i]));
  return json_reply(all);
}

/// The members of a body, or the same in a query: a link in a mail can only be followed.
Result<json::Object> given(const http::Request& request) {
  if (request.method == "POST") {
    if (request.body.empty()) return json::Object();
    return json::from<json::Object>(TRY(json::parse(request.body).within("the body")));
  }
  json::Object members;
  for (const char* name : {"score", "value", "comment", "correction"}) {
    const auto text = query_value(request, name);
    if (!text) continue;
    const auto value = json::parse(*text);
    const bool is_text = std::string_view(name) == "comment" || !value;
    members[name] = is_text ? json::Value(boost::json::string(*text)) : *value;
  }
  return members;
}

Result<http::Response> use_token(const Services& services, const http::ExchangePtr& exchange,
                                 const http::PathParameters& path) {
  const Context& context = exchange->context();
  const FeedbackToken token = TRY(services.feedbacks.token(context, path_value(path, "token")));
  json::Object members = TRY(given(exchange->request()));
  const json::Value* metadata = members.if_contains("metadata");
  members["feedback_source"] = json::Object{
      {"type", "app"},
      {"metadata", metadata != nullptr && metadata->is_object() ? *metadata : json::Object()}};
  for (const char* name : {"id", "trace_id", "session_id", "project_id", "extra"})
    members.erase(name);  // Not for whoever has a link to say.
  members["run_id"] = token.run_id;
  members["key"] = token.key;
  Feedback one = TRY(read_feedback(members));
  TRY(place_of_run(context, services, one));
  TRY(services.feedbacks.put(context, {std::move(one)}));
  return json_reply(json::Object{{"message", "Thank you: this was noted."}});
}

// --- Configurations

json::Value config_json(const FeedbackConfig& config) {
  return json::Object{
      {"id", uuid_of("feedback_config:" + config.key)},
      {"feedback_key", config.key},
      {"feedback_config", config.config},
      {"tenant_id", trace::tenant_id()},
      {"modified_at", langsmith_time(config.modified)},
      {"is_lower_score_better",
       config.is_lower_score_better ? json::Value(*config.is_lower_score_better) : json::Value()},
      {"is_enforced", false}};
}

struct ConfigBody {
  std::optional<std::string> feedback_key;
  std::optional<json::Object> feedback_config;
  std::optional<bool> is_lower_score_better;
  std::optional<json::Array> add_categories, remove_categories;
};
BOOST_DESCRIBE_STRUCT(ConfigBody, (), (feedback_key, feedback_config, is_lower_score_better))

Result<std::optional<FeedbackConfig>> config_of(const Context& context, const Services& services,
                                                const std::string& key) {
  for (FeedbackConfig& one : TRY(services.feedbacks.configs(context)))
    if (one.key == key) return std::optional(std::move(one));
  return std::optional<FeedbackConfig>();
}

Result<ConfigBody> config_body(const http::ExchangePtr& exchange) {
  const json::Value value = TRY(body_of(exchange));
  auto body = TRY(json::from<ConfigBody>(value, json::Policy::ignore_unknown));
  const auto list = [&](const char* name) -> std::optional<json::Array> {
    const json::Value* found = value.get_object().if_contains(name);
    return found != nullptr && found->is_array() ? std::optional(found->get_array()) : std::nullopt;
  };
  body.add_categories = list("add_categories");
  body.remove_categories = list("remove_categories");
  return body;
}

Result<http::Response> create_config(const Services& services, const http::ExchangePtr& exchange,
                                     const http::PathParameters&) {
  const Context& context = exchange->context();
  const ConfigBody body = TRY(config_body(exchange));
  FeedbackConfig config{.key = body.feedback_key.value_or(""),
                        .config = body.feedback_config.value_or(json::Object()),
                        .is_lower_score_better = body.is_lower_score_better};
  if (const auto known = TRY(config_of(context, services, config.key));
      known && !config.is_lower_score_better)
    config.is_lower_score_better = known->is_lower_score_better;
  return json_reply(config_json(TRY(services.feedbacks.put_config(context, std::move(config)))));
}

Result<http::Response> list_configs(const Services& services, const http::ExchangePtr& exchange,
                                    const http::PathParameters&) {
  const http::Request& request = exchange->request();
  const auto keys = query_values(request, "key");
  const auto part = query_value(request, "name_contains");
  const std::size_t limit = TRY(query_number(request, "limit", 100));
  std::size_t offset = TRY(query_number(request, "offset", 0));
  json::Array all;
  for (const FeedbackConfig& one : TRY(services.feedbacks.configs(exchange->context()))) {
    if (!keys.empty() && std::find(keys.begin(), keys.end(), one.key) == keys.end()) continue;
    if (part && one.key.find(*part) == std::string::npos) continue;
    if (offset > 0) {
      --offset;
      continue;
    }
    if (all.size() == limit) break;
    all.push_back(config_json(one));
  }
  return json_reply(all);
}

/// Adds and removes single categories of a categorical one.
Result<void> change_categories(FeedbackConfig& config, const ConfigBody& body) {
  const json::Value* present = config.config.if_contains("categories");
  json::Array categories =
      present != nullptr && present->is_array() ? present->get_array() : json::Array();
  const auto value_of = [](const json::Value& category) -> const json::Value* {
    return category.is_object() ? category.get_object().if_contains("value") : nullptr;
  };
  for (const json::Value& one : body.add_categories.value_or(json::Array())) {
    const json::Value* value = value_of(one);
    if (value == nullptr) return fail(Code::invalid_argument, "add_categories: one has no value");
    for (const json::Value& other : categories)
      if (value_of(other) != nullptr && *value_of(other) == *value)
        return fail(Code::invalid_argument, "add_categories: the value {} is there already",
                    json::dump(*value));
    categories.push_back(one);
  }
  for (const json::Value& value : body.remove_categories.value_or(json::Array()))
    for (std::size_t i = categories.size(); i-- > 0;)
      if (value_of(categories[i]) != nullptr &&
          value_of(categories[i])->to_number<double>() == value.to_number<double>())
        categories.erase(categories.begin() + static_cast<std::ptrdiff_t>(i));
  config.config["categories"] = std::move(categories);
  return {};
}

Result<http::Response> change_config(const Services& services, const http::ExchangePtr& exchange,
                                     const http::PathParameters&) {
  const Context& context = exchange->context();
  const ConfigBody body = TRY(config_body(exchange));
  const std::string key = body.feedback_key.value_or("");
  auto config = TRY(config_of(context, services, key));
  if (!config) return fail(Code::not_found, "Feedback config '{}' not found", key.substr(0, 100));
  if (body.feedback_config) config->config = *body.feedback_config;
  if (body.is_lower_score_better) config->is_lower_score_better = body.is_lower_score_better;
  if (body.add_categories || body.remove_categories) TRY(change_categories(*config, body));
  return json_reply(config_json(TRY(services.feedbacks.put_config(context, *std::move(config)))));
}

Result<http::Response> remove_config(const Services& services, const http::ExchangePtr& exchange,
                                     const http::PathParameters&) {
  const http::Request& request = exchange->request();
  std::string key = query_value(request, "feedback_key").value_or("");
  if (const auto id = query_value(request, "id"))
    for (const FeedbackConfig& one : TRY(services.feedbacks.configs(exchange->context())))
      if (uuid_of("feedback_config:" + one.key) == *id) key = one.key;
  TRY(services.feedbacks.remove_config(exchange->context(), key));
  return json_reply(json::Object{{"message", "deleted"}});
}

}  // namespace

std::string base_url(const http::Request& request) {
  const std::string_view host = request.headers.get("host");
  return fmt::format("{}://{}", request.is_secure ? "https" : "http",
                     host.empty() ? "localhost" : host);
}

Result<std::string> project_uuid(const Context& context, const Services& services,
                                 const std::string& name) {
  for (const Session& session : TRY(services.sessions.declared(context)))
    if (session.name == name) return session.id;
  return uuid_of(name);
}

Result<std::string> root_of(const Context& context, const Services& services,
                            const std::string& trace_id) {
  for (const Run& run : TRY(services.store.trace(context, trace_id, false)).runs)
    if (!run.parent_id) return run.id;
  return fail(Code::not_found, "the root of trace '{}' has not arrived", trace_id.substr(0, 100));
}

Result<bool> place_of_run(const Context& context, const Services& services, Feedback& one) {
  const auto run = detail::find_langsmith_run(context, services.store, *one.run_id);
  if (!run && run.error().code() != Code::not_found) return run.error();
  if (!run) return false;
  if (!one.trace_id) one.trace_id = run->trace_id;
  if (!one.session_id) one.session_id = TRY(project_uuid(context, services, run->project));
  if (!one.start_time) one.start_time = run->start;
  return true;
}

Result<void> place_feedback(const Context& context, const Services& services) {
  constexpr int once_max = 200;
  for (Feedback& one : TRY(services.feedbacks.unplaced(context, once_max))) {
    if (!TRY(place_of_run(context, services, one))) continue;
    TRY(services.feedbacks.place(context, one.id, *one.trace_id, *one.session_id));
  }
  return {};
}

void mount_feedback(http::Router& router, const LangSmithFace& face, const Services& services) {
  const FaceRoutes add(router, face, services);
  add("POST", "/feedback", "write", create);
  add("GET", "/feedback", "read", list);
  add("GET", "/feedback/{id}", "read", read);
  add("PATCH", "/feedback/{id}", "write", change);
  add("DELETE", "/feedback/{id}", "write", remove);
  add("POST", "/feedback/tokens", "write", create_tokens);
  add("GET", "/feedback/tokens", "write", list_tokens);  // Whoever reads them can use them.
  add("GET", "/feedback/tokens/{token}", "", use_token);
  add("POST", "/feedback/tokens/{token}", "", use_token);
  add("GET", "/feedback-configs", "read", list_configs);
  add("POST", "/feedback-configs", "write", create_config);
  add("PATCH", "/feedback-configs", "write", change_config);
  add("DELETE", "/feedback-configs", "write", remove_config);
}

}  // namespace slipway::trace::detail
