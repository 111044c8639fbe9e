// Streamable HTTP, both eras, on one endpoint.
#include "core/ascii.hpp"
#include "http/loopback.hpp"
#include "mcp/detail/engine.hpp"

namespace slipway::mcp::detail {

namespace {

http::Response refusal(int status, int number, std::string message, const json::Value& id = {}) {
  json::Object error = make_error(id, {number, std::move(message), {}});
  if (id.is_null()) error["id"] = nullptr;  // As JSON-RPC has it where no id could be read.
  return json_response(status, error);
}

bool accepts(const http::Request& request, std::string_view type) {
  const std::string accept = ascii::lower(request.headers.get("accept"));
  const std::string_view group = type.substr(0, type.find('/'));
  return accept.empty() || accept.find(type) != std::string::npos ||
         accept.find("*/*") != std::string::npos ||
         accept.find(fmt::format("{}/*", group)) != std::string::npos;
}

bool accepts_stream(const http::Request& request) { return accepts(request, "text/event-stream"); }

/// An HTTP client that is traced names the caller's place in headers. What `_meta` says comes
/// first.
void take_trace(const http::Request& request, Message& message) {
  constexpr std::string_view names[] = {"traceparent", "langsmith-trace", "baggage"};
  const json::Object& said = message.meta();
  if (!message.is_request() || said.contains(names[0]) || said.contains(names[1])) return;
  for (const std::string_view name : names) {
    const std::string* value = request.headers.find(name);
    if (value == nullptr) continue;
    json::Value& meta = message.params["_meta"];
    if (meta.is_null()) meta.emplace_object();
    if (auto* object = meta.if_object()) object->emplace(name, *value);
  }
}

}  // namespace

void Engine::answer(const http::ExchangePtr& exchange, Principal principal) {
  const std::string& method = exchange->request().method;
  if (method == "POST") return answer_post(exchange, std::move(principal));
  if (method == "GET") return answer_get(exchange, principal);
  if (method == "DELETE") return answer_delete(exchange, principal);
  http::Response response =
      refusal(405, code::invalid_request, fmt::format("{} is not served here", method));
  response.headers.add("Allow", "GET, POST, DELETE");
  exchange->reply(std::move(response));
}

void Engine::answer_post(const http::ExchangePtr& exchange, Principal principal) {
  const http::Request& request = exchange->request();
  const std::string type = ascii::lower(request.headers.get("content-type"));
  if (!type.starts_with("application/json"))
    return exchange->reply(
        refusal(415, code::invalid_request, "Content-Type: application/json is expected"));
  if (!accepts(request, "application/json") && !accepts_stream(request))
    return exchange->reply(refusal(406, code::invalid_request,
                                   "Accept: application/json and text/event-stream are expected"));
  if (request.body.size() > options_.message_bytes_max)
    return exchange->reply(refusal(413, code::invalid_request,
                                   fmt::format("a message has at most {} bytes, got {}",
                                               options_.message_bytes_max, request.body.size())));
  DecodedText decoded = decode_text(request.body);
  if (!decoded.is_batch)
    if (const auto* bad = std::get_if<BadMessage>(&decoded.messages.front()))
      return exchange->reply(refusal(400, bad->error.code, bad->error.message, bad->id));
  const std::string_view version = request.headers.get("mcp-protocol-version");
  if (!decoded.is_batch) {
    auto& message = std::get<Message>(decoded.messages.front());
    take_trace(request, message);
    const bool names_modern = !version.empty() && !is_legacy(version);
    if (has_modern_meta(message) || (names_modern && !message.is_answer()))
      return post_modern(exchange, std::move(message), std::move(principal));
    if (message.is_request() && message.method == "initialize")
      return post_initialize(exchange, message, std::move(principal));
  }
  post_legacy(exchange, std::move(decoded), principal);
}

std::optional<RpcError> Engine::check_headers(const http::Request& request,
                                              const Message& message) {
  const auto mismatch = [](std::string why) {
    return RpcError{code::header_mismatch, "header mismatch: " + std::move(why), {}};
  };
  const std::string_view version = request.headers.get("mcp-protocol-version");
  if (version.empty()) return mismatch("MCP-Protocol-Version is missing");
  if (const std::string body = text_of(message.meta(), meta::protocol_version);
      !body.empty() && body != version)
    return mismatch(fmt::format("MCP-Protocol-Version says '{}', the body '{}'", version, body));
  const std::string* method = request.headers.find("mcp-method");
  if (!method) return mismatch("Mcp-Method is missing");
  if (*method != message.method)
    return mismatch(fmt::format("Mcp-Method says '{}', the body '{}'", *method, message.method));
  const auto name = name_of_request(message.method, message.params);
  if (!name) return std::nullopt;
  const std::string* header = request.headers.find("mcp-name");
  if (!header) return mismatch("Mcp-Name is missing");
  const auto said = read_header_value(*header);
  if (!said || *said != *name)
    return mismatch(fmt::format("Mcp-Name says '{}', the body '{}'", *header, *name));
  return std::nullopt;
}

std::optional<RpcError> Engine::check_params(const http::Request& request, const Message& message,
                                             const Principal& principal) {
  if (message.method != "tools/call") return std::nullopt;
  const auto guest = add_guest(principal);
  const auto call = make_call(*this, guest, message, RequestMeta{}, nullptr, Context());
  const json::Value schema = options_.offer.input_schema(*call, text_of(message.params, "name"));
  if (schema.is_null()) return std::nullopt;
  const auto params = header_params(schema);
  if (!params) return std::nullopt;  // Nobody can keep rules that are broken.
  for (const HeaderParam& param : *params) {
    const auto body = header_text(param, object_of(message.params, "arguments"));
    const std::string* header = request.headers.find(param.header);
    if (!body && !header) continue;
    const auto said = header ? read_header_value(*header) : std::nullopt;
    if (body && said && says_same(*said, *body)) continue;
    return RpcError{code::header_mismatch,
                    fmt::format("header mismatch: {} {} the argument '{}'", param.header,
                                header ? "does not say what stands in" : "is missing for",
                                fmt::join(param.path, ".")),
                    {}};
  }
  return std::nullopt;
}

void Engine::post_modern(const http::ExchangePtr& exchange, Message message, Principal principal) {
  const http::Request& request = exchange->request();
  if (message.is_notification()) return exchange->reply({.status = 202});
  if (message.is_answer())
    return exchange->reply(
        refusal(400, code::invalid_request, "a client sends no answers in this revision"));
  const bool has_version = request.headers.find("mcp-protocol-version") != nullptr;
  std::optional<RpcError> error;
  if (auto meta = read_meta(message); auto* wrong = std::get_if<RpcError>(&meta))
    if (has_version && wrong->code == code::invalid_params)
      return exchange->reply(json_response(400, make_error(message.id, *wrong)));
  error = check_headers(request, message);
  if (!error) error = check_params(request, message, principal);
  if (error) return exchange->reply(json_response(400, make_error(message.id, *error)));
  const auto guest = add_guest(std::move(principal));
  auto outlet = std::make_shared<ExchangeOutlet>(exchange, accepts_stream(request));
  // The stream of a request is the request: who leaves it cancels it.
  exchange->when_gone([weak = std::weak_ptr(guest), key = id_key(message.id),
                       listeners = listeners_, raw = outlet.get()] {
    if (const auto session = weak.lock()) session->cancel(key);
    listeners->remove(raw);
  });
  take_modern(guest, std::move(message), outlet);
}

void Engine::post_initialize(const http::ExchangePtr& exchange, const Message& message,
                             Principal principal) {
  const SessionPtr session = sessions_.add(std::move(principal));
  if (!session)
    return exchange->reply(
        refusal(503, code::internal_error, "too many sessions are open; try later", message.id));
  http::Response response =
      json_response(200, make_result(message.id, initialize(*session, message.params)));
  response.headers.add("Mcp-Session-Id", session->id);
  exchange->reply(std::move(response));
}

SessionPtr Engine::session_of(const http::ExchangePtr& exchange, const Principal& principal) {
  const http::Request& request = exchange->request();
  const std::string* id = request.headers.find("mcp-session-id");
  if (!id) {
    exchange->reply(refusal(400, code::invalid_request,
                            "Mcp-Session-Id is missing: begin with 'initialize', or send the "
                            "'_meta' of revision 2026-07-28"));
    return nullptr;
  }
  const std::string_view version = request.headers.get("mcp-protocol-version");
  if (!version.empty() && !is_legacy(version)) {
    exchange->reply(refusal(400, code::invalid_request,
                            fmt::format("MCP-Protocol-Version '{}' has no sessions", version)));
    return nullptr;
  }
  SessionPtr session = sessions_.find(*id, principal);
  if (!session)
    exchange->reply(refusal(404, code::invalid_request,
                            "there is no such session (any more); begin with 'initialize'"));
  return session;
}

void Engine::post_legacy(const http::ExchangePtr& exchange, DecodedText decoded,
                         const Principal& principal) {
  const SessionPtr session = session_of(exchange, principal);
  if (!session) return;
  if (decoded.is_batch) return post_batch(exchange, session, std::move(decoded));
  auto& message = std::get<Message>(decoded.messages.front());
  if (!message.is_request()) {
    take(session, std::move(message), nullptr);
    return exchange->reply({.status = 202});
  }
  // What may take long or ask back is a stream that the client can come back to.
  const bool may_ask = message.method == "tools/call" || message.method == "prompts/get" ||
                       message.method == "resources/read";
  if (!may_ask || !accepts_stream(exchange->request()))
    return take(session, std::move(message), std::make_shared<ExchangeOutlet>(exchange, false));
  const auto stream = session->add_stream();
  if (!stream)
    return exchange->reply(
        refusal(503, code::internal_error, "the session has too many open streams", message.id));
  stream->attach(exchange, 0);
  take(session, std::move(message), std::make_shared<StreamOutlet>(stream));
}

void Engine::post_batch(const http::ExchangePtr& exchange, const SessionPtr& session,
                        DecodedText decoded) {
  {
    const std::lock_guard lock(session->mutex);
    if (session->version > "2025-03-26")
      return exchange->reply(
          refusal(400, code::invalid_request,
                  fmt::format("revision {} has no batches: send one message", session->version)));
  }
  std::size_t answers = 0;
  for (const Decoded& one : decoded.messages) {
    const auto* message = std::get_if<Message>(&one);
    answers += !message || message->is_request() ? 1 : 0;
  }
  std::shared_ptr<StreamOutlet> outlet;
  if (answers > 0) {
    const auto stream = session->add_stream();
    if (!stream || !accepts_stream(exchange->request()))
      return exchange->reply(refusal(stream ? 406 : 503, code::invalid_request,
                                     "a batch is answered as an event stream"));
    stream->attach(exchange, 0);
    outlet = std::make_shared<StreamOutlet>(stream);
    outlet->expect(answers);
  }
  for (Decoded& one : decoded.messages) {
    if (auto* message = std::get_if<Message>(&one)) {
      take_trace(exchange->request(), *message);
      take(session, std::move(*message), outlet);
    } else {
      outlet->finish(200,
                     make_error(std::get<BadMessage>(one).id, std::get<BadMessage>(one).error));
    }
  }
  if (answers == 0) exchange->reply({.status = 202});
}

void Engine::answer_get(const http::ExchangePtr& exchange, const Principal& principal) {
  const http::Request& request = exchange->request();
  const std::string_view version = request.headers.get("mcp-protocol-version");
  if (!request.headers.find("mcp-session-id") || (!version.empty() && !is_legacy(version))) {
    http::Response response =
        refusal(405, code::invalid_request, "only sessions of older revisions have a GET stream");
    response.headers.add("Allow", "POST");
    return exchange->reply(std::move(response));
  }
  const SessionPtr session = session_of(exchange, principal);
  if (!session) return;
  if (!accepts_stream(request))
    return exchange->reply(
        refusal(406, code::invalid_request, "Accept: text/event-stream is expected"));
  std::uint64_t seen = 0;
  if (const std::string* last = request.headers.find("last-event-id")) {
    const auto stream = session->stream_of(*last, seen);
    if (!stream)
      return exchange->reply(refusal(
          404, code::invalid_request,
          fmt::format("there is no stream with event '{}' (any more)", last->substr(0, 64))));
    // The event with which a stream begins has nothing before it.
    return stream->attach(exchange, seen);
  }
  const auto stream = session->add_stream();
  if (!stream)
    return exchange->reply(
        refusal(503, code::internal_error, "the session has too many open streams"));
  std::shared_ptr<Stream> before;
  {
    const std::lock_guard lock(session->mutex);
    if (const auto found = session->streams.find(session->general_stream);
        found != session->streams.end())
      before = found->second;
    session->general_stream = stream->number();
    session->general = std::make_shared<StreamOutlet>(stream);
  }
  if (before) before->close();  // A newer one takes its place.
  stream->attach(exchange, 0);
}

void Engine::answer_delete(const http::ExchangePtr& exchange, const Principal& principal) {
  const SessionPtr session = session_of(exchange, principal);
  if (!session) return;
  sessions_.remove(session->id);
  exchange->reply({.status = 204});
}

}  // namespace slipway::mcp::detail

namespace slipway::mcp {

Result<void> check_local(const http::Request& request) {
  const std::string host = ascii::lower(http::without_port(request.headers.get("host")));
  if (!host.empty() && !http::is_loopback(host))
    return fail(Code::forbidden, "Host '{}' is not this machine", host);
  std::string origin = ascii::lower(request.headers.get("origin"));
  if (origin.empty()) return {};
  if (const auto at = origin.find("://"); at != std::string::npos) origin.erase(0, at + 3);
  if (!http::is_loopback(http::without_port(origin)))
    return fail(Code::forbidden, "Origin '{}' is not this machine", origin);
  return {};
}

}  // namespace slipway::mcp
