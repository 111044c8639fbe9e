#include "mcp/detail/engine.hpp"

#include <algorithm>

#include "core/log.hpp"

namespace slipway::mcp::detail {

namespace {

constexpr std::string_view cacheable[] = {
    "server/discover",          "tools/list",    "prompts/list", "resources/list",
    "resources/templates/list", "resources/read"};

bool is_cacheable(std::string_view method) {
  return std::find(std::begin(cacheable), std::end(cacheable), method) != std::end(cacheable);
}

RpcError no_method(std::string_view method) {
  return {code::method_not_found, fmt::format("there is no method '{}'", method), {}};
}

/// Older revisions know objects only, as structured content and as the schema of it.
void make_legacy(json::Object& result) {
  if (const auto* content = result.if_contains("structuredContent"))
    if (!content->is_object()) result.erase("structuredContent");
  if (auto* tools = result.if_contains("tools"); tools && tools->is_array())
    for (json::Value& tool : tools->get_array())
      if (tool.is_object() && tool.get_object().contains("outputSchema") &&
          text_of(object_of(tool.get_object(), "outputSchema"), "type") != "object")
        tool.get_object().erase("outputSchema");
}

std::optional<std::string> clean_cursor(const json::Object& params) {
  const auto* cursor = params.if_contains("cursor");
  if (!cursor || cursor->is_null()) return std::string();
  if (!cursor->is_string()) return std::nullopt;
  return std::string(cursor->get_string());
}

json::Object identity(const Offer::Info& info) {
  json::Object object{{"name", info.name}, {"version", info.version}};
  if (!info.title.empty()) object["title"] = info.title;
  return object;
}

}  // namespace

bool has_modern_meta(const Message& message) {
  return message.meta().contains(meta::protocol_version) ||
         message.meta().contains(meta::client_capabilities);
}

int http_status_of(const RpcError& error) {
  switch (error.code) {
    case code::method_not_found: return 404;
    case code::header_mismatch:
    case code::missing_capability:
    case code::unsupported_version:
    case code::parse_error:
    case code::invalid_request: return 400;
    default: return 200;
  }
}

std::variant<RequestMeta, RpcError> read_meta(const Message& message) {
  const json::Object& object = message.meta();
  const auto missing = [](std::string_view key, std::string_view what) {
    return RpcError{
        code::invalid_params, fmt::format("params._meta: '{}' is required, {}", key, what), {}};
  };
  RequestMeta meta;
  meta.version = text_of(object, meta::protocol_version);
  if (meta.version.empty()) return missing(meta::protocol_version, "a text");
  const auto* capabilities = object.if_contains(meta::client_capabilities);
  if (!capabilities || !capabilities->is_object())
    return missing(meta::client_capabilities, "an object");
  meta.capabilities = capabilities->get_object();
  meta.log_rank = log_rank(text_of(object, meta::log_level));
  if (meta.version != modern_version)
    return RpcError{
        code::unsupported_version,
        fmt::format("protocol version '{}' is not served with '_meta'; use {}", meta.version,
                    modern_version),
        json::Object{{"supported", json::Array{modern_version}}, {"requested", meta.version}}};
  return meta;
}

Engine::Engine(Options options)
    : options_(options),
      info_(options.offer.info()),
      signer_(options.clock, options.random),
      sessions_({.max = options.sessions_max,
                 .idle_max = options.session_idle_max,
                 .clock = options.clock,
                 .random = options.random}),
      pool_({.threads = options.threads_max,
             .queue_max = options.calls_max > options.threads_max
                              ? options.calls_max - options.threads_max
                              : 1}) {}

Engine::~Engine() {
  end_listening();
  for (const SessionPtr& session : sessions_.all()) sessions_.remove(session->id);
  std::vector<SessionPtr> guests;
  {
    const std::lock_guard lock(guests_mutex_);
    for (const auto& [key, guest] : guests_)
      if (auto alive = guest.lock()) guests.push_back(std::move(alive));
  }
  for (const SessionPtr& guest : guests) guest->end();
}

SessionPtr Engine::add_guest(Principal principal) {
  auto owned = std::make_unique<Session>();
  owned->principal = std::move(principal);
  SessionPtr guest(owned.release(), [this](const Session* session) {
    {
      const std::lock_guard lock(guests_mutex_);
      guests_.erase(session);
    }
    std::default_delete<const Session>()(session);
  });
  const std::lock_guard lock(guests_mutex_);
  guests_.emplace(guest.get(), guest);
  return guest;
}

json::Object Engine::capabilities(bool is_modern) const {
  const auto part = [&](bool can_subscribe) {
    json::Object object;
    if (info_.tells_changes) object["listChanged"] = true;
    if (info_.tells_changes && can_subscribe) object["subscribe"] = true;
    return object;
  };
  json::Object object;
  if (info_.has_tools) object["tools"] = part(false);
  if (info_.has_prompts) object["prompts"] = part(false);
  if (info_.has_resources) object["resources"] = part(true);
  if (info_.has_completions) object["completions"] = json::Object();
  if (info_.has_logging && !is_modern) object["logging"] = json::Object();
  return object;
}

json::Object Engine::discovered() const {
  json::Object result{{"supportedVersions", json::Array{modern_version}},
                      {"capabilities", capabilities(true)}};
  if (!info_.instructions.empty()) result["instructions"] = info_.instructions;
  return result;
}

json::Object Engine::initialize(Session& session, const json::Object& params) {
  const std::string wanted = text_of(params, "protocolVersion");
  const std::lock_guard lock(session.mutex);
  session.version = is_legacy(wanted) ? wanted : std::string(legacy_versions[0]);
  session.capabilities = object_of(params, "capabilities");
  json::Object result{{"protocolVersion", session.version},
                      {"capabilities", capabilities(false)},
                      {"serverInfo", identity(info_)}};
  if (!info_.instructions.empty()) result["instructions"] = info_.instructions;
  return result;
}

void Engine::finish(const OutletPtr& outlet, const Message& message, bool is_modern,
                    Answer answer) {
  if (answer.error) {
    const int status = is_modern ? http_status_of(*answer.error) : 200;
    return outlet->finish(status, make_error(message.id, *answer.error));
  }
  if (!is_modern) {
    make_legacy(answer.result);
    return outlet->finish(200, make_result(message.id, std::move(answer.result)));
  }
  json::Object result = std::move(answer.result);
  if (!result.contains("resultType")) result["resultType"] = "complete";
  if (is_cacheable(message.method) && text_of(result, "resultType") == "complete") {
    if (!result.contains("ttlMs")) result["ttlMs"] = info_.fresh.count();
    if (!result.contains("cacheScope"))
      result["cacheScope"] =
          info_.is_public && message.method != "resources/read" ? "public" : "private";
  }
  json::Object meta = object_of(result, "_meta");
  meta[meta::server_info] = identity(info_);
  result["_meta"] = std::move(meta);
  outlet->finish(200, make_result(message.id, std::move(result)));
}

void Engine::take(const SessionPtr& session, Message message, const OutletPtr& outlet) {
  if (message.is_answer()) return session->take_answer(std::move(message));
  if (message.is_notification()) return take_notification(session, message);
  bool is_legacy_session = false;
  {
    const std::lock_guard lock(session->mutex);
    is_legacy_session = !session->version.empty();
  }
  if (message.method == "initialize" && !has_modern_meta(message)) {
    auto result = initialize(*session, message.params);
    return finish(outlet, message, false, std::move(result));
  }
  if (has_modern_meta(message) || message.method == "server/discover")
    return take_modern(session, std::move(message), outlet);
  if (message.method == "ping") return finish(outlet, message, false, json::Object());
  if (!is_legacy_session)
    return finish(outlet, message, false,
                  RpcError{code::invalid_request,
                           fmt::format("'{}' came before 'initialize', and without the '_meta' "
                                       "of revision {}",
                                       message.method, modern_version),
                           {}});
  take_legacy(session, std::move(message), outlet);
}

void Engine::take_notification(const SessionPtr& session, const Message& message) {
  if (message.method != "notifications/cancelled") return;
  const auto* id = message.params.if_contains("requestId");
  if (id == nullptr) return;
  const std::string key = id_key(*id);
  session->cancel(key);
  OutletPtr general;
  {
    const std::lock_guard lock(session->mutex);
    general = session->general;
  }
  if (general) listeners_->remove(general.get(), key);
}

std::optional<Answer> Engine::answer_legacy_at_once(Session& session, const Message& message) {
  const std::string& method = message.method;
  if (method == "logging/setLevel" && info_.has_logging) {
    const auto rank = log_rank(text_of(message.params, "level"));
    if (!rank)
      return Answer::invalid(
          "level: debug, info, notice, warning, error, critical, alert or "
          "emergency is expected");
    const std::lock_guard lock(session.mutex);
    session.log_rank = *rank;
    return json::Object();
  }
  const bool subscribes = method == "resources/subscribe";
  if ((subscribes || method == "resources/unsubscribe") && info_.has_resources &&
      info_.tells_changes) {
    const std::string uri = text_of(message.params, "uri");
    if (uri.empty()) return Answer::invalid("uri: a text is expected");
    const std::lock_guard lock(session.mutex);
    if (!subscribes) {
      session.subscriptions.erase(uri);
    } else {
      if (session.subscriptions.size() >= Session::subscriptions_max)
        return Answer::invalid(
            fmt::format("more than {} subscriptions", Session::subscriptions_max));
      session.subscriptions.insert(uri);
    }
    return json::Object();
  }
  return std::nullopt;
}

void Engine::take_legacy(const SessionPtr& session, Message message, const OutletPtr& outlet) {
  if (auto answer = answer_legacy_at_once(*session, message))
    return finish(outlet, message, false, std::move(*answer));
  start(session, std::move(message), std::nullopt, outlet);
}

void Engine::take_modern(const SessionPtr& session, Message message, const OutletPtr& outlet) {
  auto meta = read_meta(message);
  if (auto* error = std::get_if<RpcError>(&meta)) {
    const int status = error->code == code::invalid_params ? 400 : http_status_of(*error);
    return outlet->finish(status, make_error(message.id, *error));
  }
  if (message.method == "server/discover") return finish(outlet, message, true, discovered());
  if (message.method == "subscriptions/listen") return listen(session, message, outlet);
  start(session, std::move(message), std::get<RequestMeta>(std::move(meta)), outlet);
}

void Engine::start(const SessionPtr& session, Message message, std::optional<RequestMeta> meta,
                   const OutletPtr& outlet) {
  const bool is_modern = meta.has_value();
  std::stop_source stop;
  const std::string key = id_key(message.id);
  {
    const std::lock_guard lock(session->mutex);
    if (session->is_ended) return outlet->drop();
    if (session->running.size() >= Session::running_max || session->running.contains(key)) {
      const bool is_twice = session->running.contains(key);
      return outlet->finish(
          is_twice ? 400 : 503,
          make_error(message.id, {code::invalid_request,
                                  is_twice ? "a request with this id is under way"
                                           : "too many requests are under way; wait for some",
                                  {}}));
    }
    session->running.emplace(key, stop);
  }
  const json::Value id = message.id;
  const auto queued = pool_.try_submit([this, session, message = std::move(message),
                                        meta = std::move(meta), outlet, stop, key, is_modern] {
    const auto call = make_call(*this, session, message, meta, outlet, Context(stop.get_token()));
    std::optional<Answer> answer;
    if (auto error = read_round(*call))
      answer = std::move(*error);
    else
      answer = dispatch(*call, message);
    {
      const std::lock_guard lock(session->mutex);
      session->running.erase(key);
    }
    if (stop.stop_requested()) return outlet->drop();
    finish(outlet, message, is_modern,
           answer ? std::move(*answer) : Answer(no_method(message.method)));
  });
  if (queued) return;
  {
    const std::lock_guard lock(session->mutex);
    session->running.erase(key);
  }
  outlet->finish(503, make_error(id, {code::internal_error,
                                      "the server has too many calls under way; try again",
                                      {}}));
}

Answer Engine::list_of(Call& call, ListKind kind, const json::Object& params) {
  const auto cursor = clean_cursor(params);
  if (!cursor) return Answer::invalid("cursor: a text is expected");
  auto page = options_.offer.list(call, kind, *cursor);
  if (!page) {
    const bool is_wrong = page.error().code() == Code::invalid_argument;
    return RpcError{
        is_wrong ? code::invalid_params : code::internal_error, page.error().message(), {}};
  }
  json::Object result{{list_name(kind), std::move(page->items)}};
  if (!page->next_cursor.empty()) result["nextCursor"] = page->next_cursor;
  return result;
}

std::optional<Answer> Engine::dispatch(Call& call, const Message& message) {
  const std::string& method = message.method;
  const json::Object& params = message.params;
  Offer& offer = options_.offer;
  if (info_.has_tools && method == "tools/list") return list_of(call, ListKind::tools, params);
  if (info_.has_prompts && method == "prompts/list")
    return list_of(call, ListKind::prompts, params);
  if (info_.has_resources && method == "resources/list")
    return list_of(call, ListKind::resources, params);
  if (info_.has_resources && method == "resources/templates/list")
    return list_of(call, ListKind::templates, params);
  const bool is_call = info_.has_tools && method == "tools/call";
  if (is_call || (info_.has_prompts && method == "prompts/get")) {
    const std::string name = text_of(params, "name");
    if (name.empty()) return Answer::invalid("name: a text is expected");
    const auto* given = params.if_contains("arguments");
    if (given && !given->is_object() && !given->is_null())
      return Answer::invalid("arguments: an object is expected");
    const json::Object& arguments = object_of(params, "arguments");
    return is_call ? offer.call_tool(call, name, arguments)
                   : offer.get_prompt(call, name, arguments);
  }
  if (info_.has_resources && method == "resources/read") {
    const std::string uri = text_of(params, "uri");
    if (uri.empty()) return Answer::invalid("uri: a text is expected");
    return offer.read_resource(call, uri);
  }
  if (info_.has_completions && method == "completion/complete") return offer.complete(call, params);
  return std::nullopt;
}

}  // namespace slipway::mcp::detail

namespace slipway::mcp {

std::string_view list_name(ListKind kind) {
  switch (kind) {
    case ListKind::tools: return "tools";
    case ListKind::prompts: return "prompts";
    case ListKind::resources: return "resources";
    default: return "resourceTemplates";
  }
}

json::Object text_content(std::string_view text) { return {{"type", "text"}, {"text", text}}; }

Answer Answer::tool_text(std::string_view text) {
  return json::Object{{"content", json::Array{text_content(text)}}};
}

Answer Answer::tool_error(std::string_view text) {
  return json::Object{{"content", json::Array{text_content(text)}}, {"isError", true}};
}

Answer unknown_thing(const Call& call, std::string_view kind, const std::string& name) {
  const bool is_resource = kind == "resource";
  RpcError error{code::invalid_params, fmt::format("there is no {} '{}'", kind, name), {}};
  if (is_resource) error.data = json::Object{{"uri", name}};
  if (is_resource && !call.is_modern()) error.code = code::resource_not_found;
  return error;
}

Answer Offer::get_prompt(Call& call, const std::string& name, const json::Object&) {
  return unknown_thing(call, "prompt", name);
}

Answer Offer::read_resource(Call& call, const std::string& uri) {
  return unknown_thing(call, "resource", uri);
}

Answer Offer::complete(Call&, const json::Object&) {
  return json::Object{
      {"completion", json::Object{{"values", json::Array()}, {"total", 0}, {"hasMore", false}}}};
}

std::unique_ptr<Server> Server::make(Options options) {
  return std::make_unique<detail::Engine>(options);
}

}  // namespace slipway::mcp
