// The OpenAPI 3.1 document of declared routes.
#include <set>

#include "core/ascii.hpp"
#include "http/detail/api_state.hpp"

namespace slipway::http::detail {

namespace {

/// "GET", "/api/jobs/{id}" -> "get_jobs_id"
std::string name_of(const Route& route, std::string_view prefix) {
  if (!route.notes.name.empty()) return route.notes.name;
  std::string name = ascii::lower(route.method);
  std::string_view path = route.pattern;
  if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
  for (const char c : path) {
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_word || c == '_')
      name += c;
    else if (name.back() != '_')
      name += '_';
  }
  while (name.back() == '_') name.pop_back();
  return name;
}

std::set<std::string> names_of_path(std::string_view pattern) {
  std::set<std::string> names;
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos;
       at = pattern.find('{', at + 1)) {
    std::string_view name = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    if (name.ends_with("...")) name.remove_suffix(3);
    names.emplace(name);
  }
  return names;
}

/// OpenAPI has no word for the rest of a path.
std::string plain_path(std::string path) {
  for (std::size_t at = path.find("..."); at != std::string::npos; at = path.find("..."))
    path.erase(at, 3);
  return path;
}

/// Moves a key from a schema to where OpenAPI wants it.
void move_key(json::Object& from, json::Object& to, std::string_view key, std::string_view as) {
  if (const auto found = from.find(key); found != from.end()) {
    to[as] = found->value();
    from.erase(found);
  }
}

json::Array parameters_of(const Route& route) {
  const auto path_names = names_of_path(route.pattern);
  std::set<std::string> required;
  if (const auto* names = route.parameters.if_contains("required"))
    for (const json::Value& name : names->as_array()) required.emplace(name.as_string());
  json::Array parameters;
  for (const auto& [key, property] : route.parameters.at("properties").as_object()) {
    const bool is_path = path_names.contains(std::string(key));
    json::Object schema = property.as_object();
    json::Object parameter{{"name", key},
                           {"in", is_path ? "path" : "query"},
                           {"required", is_path || required.contains(std::string(key))}};
    move_key(schema, parameter, "description", "description");
    move_key(schema, parameter, "example", "example");
    if (is_path) schema.erase("default");
    // A query cannot say null: leaving it out does.
    if (auto* type = schema.if_contains("type"); type != nullptr && type->is_array())
      *type = json::Value(type->get_array().front());
    if (const auto* choices = schema.if_contains("anyOf")) {
      json::Object first = choices->as_array().front().as_object();
      schema.erase("anyOf");
      for (const auto& [name, value] : schema) first[name] = value;
      schema = std::move(first);
    }
    parameter["schema"] = std::move(schema);
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

json::Value example_of(const std::string& text) {
  auto value = json::parse(text);
  SLIPWAY_ASSERT(value);
  return *std::move(value);
}

bool takes_body(const Route& route) {
  return std::any_of(route.bodies.begin(), route.bodies.end(),
                     [](const BodyNote& body) { return body.kind != BodyKind::none; });
}

/// Bodies that are neither JSON nor a form are YAML.
std::string_view media_type_of(BodyKind kind) {
  if (kind == BodyKind::json) return "application/json";
  return kind == BodyKind::form ? "multipart/form-data" : "application/yaml";
}

json::Object body_of(const Route& route) {
  json::Object content;
  for (const BodyNote& body : route.bodies) {
    if (body.kind == BodyKind::none) continue;
    json::Object media{{"schema", body.schema}};
    const bool is_json = body.kind == BodyKind::json;
    if (is_json && !route.notes.request_example.empty())
      media["example"] = example_of(route.notes.request_example);
    content[std::string(media_type_of(body.kind))] = std::move(media);
  }
  return {{"required", route.body_of(BodyKind::none) == nullptr}, {"content", std::move(content)}};
}

std::string_view meaning(int status) {
  switch (status) {
    case 200: return "Done.";
    case 201: return "Made.";
    case 202: return "Accepted: a job does it.";
    case 204: return "Done; there is nothing to say.";
    case 400: return "The request is wrong; `errors` says where.";
    case 401: return "The key is missing, unknown or over.";
    case 403: return "The key may not do this.";
    case 404: return "It does not exist.";
    case 406: return "The client accepts none of the media types there are.";
    case 409: return "The state forbids it.";
    case 413: return "The body is too large.";
    case 414: return "The path and query are too long.";
    case 415: return "The body has a media type that is not read here.";
    case 431: return "The headers are too large.";
    case 429: return "Too many requests; `Retry-After` says when to come again.";
    case 499: return "The call was cancelled.";
    case 501: return "This server, model or format cannot do it.";
    case 503: return "Something that is needed is not there now; try again.";
    case 504: return "It took longer than allowed.";
    default: return "An error of the server.";
  }
}

/// Every status besides success that the route can answer.
std::set<int> failures_of(const Route& route) {
  // Any query can hold a parameter that is not known, any server be busy or wrong.
  std::set<int> failures{400, 406, 414, 431, 500, 503};
  if (!route.notes.role.empty()) failures.insert({401, 403, 429});
  if (takes_body(route)) failures.insert({413, 415});
  if (route.pattern.find('{') != std::string::npos) failures.insert(404);
  for (const Code code : route.notes.fails) failures.insert(http_status(code));
  return failures;
}

json::Object replies_of(const Route& route, Schemas& schemas) {
  json::Object replies;
  for (const ReplyNote& reply : route.replies) {
    const std::string status = std::to_string(reply.status);
    if (!replies.contains(status))
      replies[status] = json::Object{{"description", meaning(reply.status)}};
    if (reply.media_type.empty()) continue;
    json::Object& entry = replies[status].get_object();
    if (!entry.contains("content")) entry["content"] = json::Object();
    json::Object media{{"schema", reply.schema}};
    if (reply.media_type == "application/json" && !route.notes.reply_example.empty())
      media["example"] = example_of(route.notes.reply_example);
    if (reply.media_type == "text/event-stream") {
      json::Object events;
      for (const EventNote& event : route.notes.events) {
        json::Object note{{"description", event.description}};
        if (event.schema != nullptr) note["data"] = event.schema(schemas);
        events[event.name] = std::move(note);
      }
      media["x-events"] = std::move(events);
    }
    entry["content"].get_object()[reply.media_type] = std::move(media);
  }
  for (const int status : failures_of(route))
    replies[std::to_string(status)] =
        json::Object{{"$ref", "#/components/responses/Problem" + std::to_string(status)}};
  return replies;
}

json::Object problem_replies(Schemas& schemas) {
  const json::Object schema = schemas.of<Problem>(Direction::reply);
  json::Object replies;
  for (const int status :
       {400, 401, 403, 404, 406, 409, 413, 414, 415, 429, 431, 499, 500, 501, 503, 504})
    replies["Problem" + std::to_string(status)] = json::Object{
        {"description", meaning(status)},
        {"content", json::Object{{problem_media_type, json::Object{{"schema", schema}}}}}};
  return replies;
}

json::Object security_schemes() {
  return {{"bearer", json::Object{{"type", "http"}, {"scheme", "bearer"}}},
          {"api_key", json::Object{{"type", "apiKey"}, {"in", "header"}, {"name", "x-api-key"}}}};
}

json::Object operation_of(const Route& route, const ApiState& state, Schemas& schemas) {
  json::Object operation{{"operationId", name_of(route, state.options.prefix)},
                         {"summary", route.notes.summary}};
  std::string description = route.notes.description;
  if (!route.notes.role.empty())
    description += fmt::format("{}Needs a key with role `{}`, where the server has keys.",
                               description.empty() ? "" : "\n\n", route.notes.role);
  if (!description.empty()) operation["description"] = description;
  if (!route.notes.tag.empty()) operation["tags"] = json::Array{json::Value(route.notes.tag)};
  if (const json::Array parameters = parameters_of(route); !parameters.empty())
    operation["parameters"] = parameters;
  if (takes_body(route)) operation["requestBody"] = body_of(route);
  operation["responses"] = replies_of(route, schemas);
  // Without keys the server asks for none: the empty alternative.
  if (!route.notes.role.empty())
    operation["security"] = json::Array{json::Object{{"bearer", json::Array()}},
                                        json::Object{{"api_key", json::Array()}}, json::Object()};
  return operation;
}

}  // namespace

json::Object event_schema() {
  return {{"type", "object"},
          {"description", "Each event of the stream."},
          {"properties",
           json::Object{{"event", json::Object{{"type", "string"}}},
                        {"data", json::Object{{"type", "string"},
                                              {"contentMediaType", "application/json"}}}}}};
}

json::Value openapi_document(const ApiState& state) {
  Schemas schemas = state.schemas;
  json::Object info{{"title", state.options.title}, {"version", state.options.version}};
  if (!state.options.description.empty()) info["description"] = state.options.description;
  json::Object paths;
  for (const auto& route : state.routes) {
    const std::string path = plain_path(route->pattern);
    if (!paths.contains(path)) paths[path] = json::Object();
    paths[path].get_object()[ascii::lower(route->method)] = operation_of(*route, state, schemas);
  }
  json::Array tags;
  for (const auto& [name, description] : state.tags)
    tags.push_back(json::Object{{"name", name}, {"description", description}});
  json::Object responses = problem_replies(schemas);
  return json::Object{{"openapi", "3.1.0"},
                      {"info", std::move(info)},
                      {"jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema"},
                      {"servers", json::Array{json::Object{{"url", "/"}}}},
                      {"tags", std::move(tags)},
                      {"paths", std::move(paths)},
                      {"components", json::Object{{"schemas", schemas.components()},
                                                  {"responses", std::move(responses)},
                                                  {"securitySchemes", security_schemes()}}}};
}

}  // namespace slipway::http::detail
