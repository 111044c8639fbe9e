// Typed routes: one declaration gives parsing, validation, errors (RFC 9457), OpenAPI and routing.
//
//   http::Api api(router, {.title = "Slipway", .version = "1.0"});
//   api.post<NoParameters, SearchRequest, SearchReply>(
//       "/api/search", {.summary = "Search a collection", .tag = "search", .role = "read"},
//       [&](const Call& call, const NoParameters&, const SearchRequest& request) {
//         return library.search(call.context(), request);
//       });
//   api.publish();  // GET /openapi.json and /docs
//
// A handler is called on a worker, once the caller was admitted and the request is sound, and gives
// a `Result` of its reply. `Parameters` is a described struct: members named in the pattern's
// {braces} come from the path, all others from the query. What a struct's Notes (http/schema.hpp)
// say of a field is told to clients and enforced.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/detail/api_input.hpp"
#include "http/event_stream.hpp"
#include "http/router.hpp"
#include "http/schema.hpp"
#include "http/upload.hpp"

namespace slipway::http {

struct NoParameters {};
BOOST_DESCRIBE_STRUCT(NoParameters, (), ())

// What a request carries. A described struct is JSON; a variant of several is told apart by
// Content-Type.
struct NoBody {};
struct NoFields {};
BOOST_DESCRIBE_STRUCT(NoFields, (), ())
/// multipart/form-data; `Fields` is a described struct of the fields that are no files.
template <typename Fields>
struct Form {
  Fields fields;
  std::vector<UploadedFile> files;  ///< One at least.
};
using Upload = Form<NoFields>;

// What a reply carries. A described struct (or one with a Wire) is JSON with status 200; a variant
// of several is one of them.
struct NoContent {};  ///< 204
struct Text {
  std::string text;  ///< UTF-8
};
struct Bytes {
  std::string bytes;
  std::string media_type = "application/octet-stream";
  std::string file_name;  ///< Empty: none is told.
};
/// JSON that is text already: numbers of any size, bytes of others that must stay as they are.
/// `Shape` is a described struct whose schema is that of the text.
template <typename Shape>
struct Written {
  std::string json;
};
/// The handler has sent `call.events()`, or keeps a copy to send more.
struct Streamed {};
template <int status, typename T>
struct Answered {
  T value;
  std::string location;  ///< Of what was made; empty: none.
};
template <typename T>
using Created = Answered<201, T>;
template <typename T>
using Accepted = Answered<202, T>;

/// An event of a stream, for the document.
struct EventNote {
  std::string name, description;
  json::Object (*schema)(Schemas&) = nullptr;
};
template <typename T>
json::Object reply_schema(Schemas& schemas) {
  return schemas.of<T>(Direction::reply);
}

/// What is said of a route beside its types.
struct RouteNotes {
  std::string summary;      ///< A line.
  std::string description;  ///< Markdown; may be empty.
  std::string tag;
  std::string role;             ///< That the caller must have; empty: everybody may.
  std::string name;             ///< operationId; empty: made of method and path.
  std::vector<Code> fails;      ///< What it can fail with beyond invalid_argument and internal.
  std::string request_example;  ///< JSON text, or empty.
  std::string reply_example;
  std::vector<EventNote> events;
};

/// The call that a handler serves. Valid while the handler runs.
class Call {
 public:
  explicit Call(const ExchangePtr& exchange) : exchange_(exchange) {}
  const Request& request() const { return exchange_->request(); }
  const Context& context() const { return exchange_->context(); }
  const ExchangePtr& exchange() const { return exchange_; }
  /// Whether the client asked for events by name: "Accept: text/event-stream".
  bool wants_events() const;
  /// The stream of this answer; always the same one.
  EventStream events() const {
    if (!events_) events_.emplace(exchange_);
    return *events_;
  }
  bool has_events() const { return events_.has_value(); }

 private:
  const ExchangePtr& exchange_;
  mutable std::optional<EventStream> events_;
};

namespace detail {

/// An answer on its way out.
struct Outgoing {
  int status = 200;
  Headers headers;
  std::string body;
  bool is_streamed = false;
};
using Served = std::variant<Outgoing, std::vector<Issue>, Error>;

enum class BodyKind { none, json, form, other };
struct BodyNote {
  BodyKind kind = BodyKind::none;
  json::Object schema;
};
struct ReplyNote {
  int status = 200;
  std::string media_type;  ///< Empty: no body.
  json::Object schema;
};

/// A declared route, without its types.
struct Route {
  std::string method, pattern;
  RouteNotes notes;
  json::Object parameters;  ///< Schema of the object of all parameters.
  std::vector<BodyNote> bodies;
  std::vector<ReplyNote> replies;
  std::function<Served(const Call&, const PathParameters&, const Route&)> serve;

  const BodyNote* body_of(BodyKind kind) const;
  /// Of the body that came; none only if that is empty and the route takes none.
  BodyKind kind_of(const Request& request) const;
};

/// Of each event of a stream; what its data hold is told by the notes of the route.
json::Object event_schema();
/// The parameters of a request as texts: those of the path, then of the query. Issues: a broken
/// escape, a query parameter of a path's name.
Texts parameter_texts(const Request&, const PathParameters&, std::vector<Issue>&);
/// Moves the issues of path parameters below "/path", others below "/query".
void place_parameter_issues(const PathParameters&, std::vector<Issue>&);
/// The JSON body. Issues: no JSON, or not as the schema says.
json::Value json_body(const Request&, const json::Object& schema, const json::Object& components,
                      std::vector<Issue>&);

template <typename T>
constexpr bool is_variant = false;
template <typename... Ts>
constexpr bool is_variant<std::variant<Ts...>> = true;

/// One kind of body: how it is told and read.
template <typename Body>
struct BodyOf {
  static void tell(Schemas& schemas, std::vector<BodyNote>& notes) {
    notes.push_back({BodyKind::json, schemas.of<Body>(Direction::request)});
  }
  static bool takes(BodyKind kind) { return kind == BodyKind::json; }
  static std::optional<Body> read(const Request& request, const Route& route,
                                  const json::Object& components, const UploadLimits&,
                                  std::vector<Issue>& issues) {
    const json::Value value =
        json_body(request, route.body_of(BodyKind::json)->schema, components, issues);
    if (!issues.empty()) return std::nullopt;
    return struct_from<Body>(value, "/body", issues);
  }
};
template <>
struct BodyOf<NoBody> {
  static void tell(Schemas&, std::vector<BodyNote>& notes) {
    notes.push_back({BodyKind::none, {}});
  }
  static bool takes(BodyKind kind) { return kind == BodyKind::none; }
  static std::optional<NoBody> read(const Request&, const Route&, const json::Object&,
                                    const UploadLimits&, std::vector<Issue>&) {
    return NoBody{};
  }
};
template <typename Fields>
struct BodyOf<Form<Fields>> {
  static void tell(Schemas& schemas, std::vector<BodyNote>& notes) {
    json::Object schema = schemas.object_of<Fields>(Direction::request);
    schema["properties"].as_object()["files"] = json::Object{
        {"type", "array"},
        {"description", "One or more files; the name of each part is up to the sender."},
        {"minItems", 1},
        {"items", json::Object{{"type", "string"}, {"format", "binary"}}}};
    if (!schema.contains("required")) schema["required"] = json::Array();
    schema["required"].as_array().emplace_back("files");
    notes.push_back({BodyKind::form, std::move(schema)});
  }
  static bool takes(BodyKind kind) { return kind == BodyKind::form; }
  static std::optional<Form<Fields>> read(const Request& request, const Route& route,
                                          const json::Object& components,
                                          const UploadLimits& limits, std::vector<Issue>& issues) {
    auto form = read_form(request.headers.get("Content-Type"), request.body, limits);
    if (!form) {
      issues.push_back({"/body", form.error().message()});
      return std::nullopt;
    }
    json::Object object = object_from<Fields>(form->fields, "/body", issues);
    if (object.contains("files")) issues.push_back({"/body/files", "is a field, not a file"});
    json::Array names;
    for (const UploadedFile& file : form->files) names.emplace_back(file.name);
    object["files"] = std::move(names);
    for (Issue& issue :
         validate(object, route.body_of(BodyKind::form)->schema, components, "/body"))
      issues.push_back(std::move(issue));
    if (!issues.empty()) return std::nullopt;
    object.erase("files");
    auto fields = struct_from<Fields>(object, "/body", issues);
    if (!fields) return std::nullopt;
    return Form<Fields>{*std::move(fields), std::move(form->files)};
  }
};
template <typename... Bodies>
struct BodyOf<std::variant<Bodies...>> {
  using Any = std::variant<Bodies...>;
  static void tell(Schemas& schemas, std::vector<BodyNote>& notes) {
    (BodyOf<Bodies>::tell(schemas, notes), ...);
  }
  static bool takes(BodyKind kind) { return (BodyOf<Bodies>::takes(kind) || ...); }
  static std::optional<Any> read(const Request& request, const Route& route,
                                 const json::Object& components, const UploadLimits& limits,
                                 std::vector<Issue>& issues) {
    const BodyKind kind = route.kind_of(request);
    std::optional<Any> result;
    const auto try_one = [&]<typename Body>() {
      if (result || !issues.empty() || !BodyOf<Body>::takes(kind)) return;
      auto body = BodyOf<Body>::read(request, route, components, limits, issues);
      if (body) result.emplace(*std::move(body));
    };
    (try_one.template operator()<Bodies>(), ...);
    return result;
  }
};

/// One kind of reply: how it is told and written.
template <typename Reply>
struct ReplyOf {
  static void tell(Schemas& schemas, std::vector<ReplyNote>& notes) {
    notes.push_back({200, "application/json", schemas.of<Reply>(Direction::reply)});
  }
  static void write(Reply reply, Outgoing& outgoing) {
    outgoing.headers.set("Content-Type", "application/json");
    if constexpr (HasWire<Reply>)
      outgoing.body = json::dump(Wire<Reply>::write(reply));
    else
      outgoing.body = json::dump(json::to(reply));
  }
};
template <>
struct ReplyOf<NoContent> {
  static void tell(Schemas&, std::vector<ReplyNote>& notes) { notes.push_back({204, "", {}}); }
  static void write(NoContent, Outgoing& outgoing) { outgoing.status = 204; }
};
template <>
struct ReplyOf<Text> {
  static void tell(Schemas&, std::vector<ReplyNote>& notes) {
    notes.push_back({200, "text/plain", {{"type", "string"}}});
  }
  static void write(Text reply, Outgoing& outgoing) {
    outgoing.headers.set("Content-Type", "text/plain; charset=utf-8");
    outgoing.body = std::move(reply.text);
  }
};
template <typename Shape>
struct ReplyOf<Written<Shape>> {
  static void tell(Schemas& schemas, std::vector<ReplyNote>& notes) {
    notes.push_back({200, "application/json", schemas.of<Shape>(Direction::reply)});
  }
  static void write(Written<Shape> reply, Outgoing& outgoing) {
    outgoing.headers.set("Content-Type", "application/json");
    outgoing.body = std::move(reply.json);
  }
};
template <>
struct ReplyOf<Bytes> {
  static void tell(Schemas&, std::vector<ReplyNote>& notes) { notes.push_back({200, "*/*", {}}); }
  static void write(Bytes reply, Outgoing& outgoing);
};
template <>
struct ReplyOf<Streamed> {
  static void tell(Schemas&, std::vector<ReplyNote>& notes) {
    notes.push_back({200, "text/event-stream", event_schema()});
  }
  static void write(Streamed, Outgoing& outgoing) { outgoing.is_streamed = true; }
};
template <int status, typename T>
struct ReplyOf<Answered<status, T>> {
  static void tell(Schemas& schemas, std::vector<ReplyNote>& notes) {
    ReplyOf<T>::tell(schemas, notes);
    notes.back().status = status;
  }
  static void write(Answered<status, T> reply, Outgoing& outgoing) {
    ReplyOf<T>::write(std::move(reply.value), outgoing);
    outgoing.status = status;
    if (!reply.location.empty()) outgoing.headers.set("Location", reply.location);
  }
};
template <typename... Replies>
struct ReplyOf<std::variant<Replies...>> {
  static void tell(Schemas& schemas, std::vector<ReplyNote>& notes) {
    (ReplyOf<Replies>::tell(schemas, notes), ...);
  }
  static void write(std::variant<Replies...> reply, Outgoing& outgoing) {
    std::visit(
        [&](auto& one) {
          ReplyOf<std::remove_reference_t<decltype(one)>>::write(std::move(one), outgoing);
        },
        reply);
  }
};

}  // namespace detail

/// Declares routes on a router. Used by one thread, before the server starts; what it declared
/// lives as long as the router.
class Api {
 public:
  struct Options {
    std::string title = "API";
    std::string version = "1";
    std::string description;  ///< Markdown.
    /// Asked before a body is looked at; an error refuses the request: unauthenticated, forbidden,
    /// rate_limited. Not asked for routes without a role. Any worker's thread.
    std::function<Result<void>(const Request&, std::string_view role)> admit;
    UploadLimits upload;
    /// Replies are held to their schemas too, and one that is not as it says is an error 500: for
    /// tests.
    bool checks_replies = false;
    /// Of the paths that answer problems when there is no route: 404, 405, 503.
    std::string prefix = "/api";
  };
  Api(Router& router, Options options);

  template <typename Parameters, typename Reply, typename Handler>
  void get(std::string pattern, RouteNotes notes, Handler handler) {
    add_bodiless<Parameters, Reply>("GET", std::move(pattern), std::move(notes),
                                    std::move(handler));
  }
  /// DELETE
  template <typename Parameters, typename Reply, typename Handler>
  void remove(std::string pattern, RouteNotes notes, Handler handler) {
    add_bodiless<Parameters, Reply>("DELETE", std::move(pattern), std::move(notes),
                                    std::move(handler));
  }
  template <typename Parameters, typename Body, typename Reply, typename Handler>
  void post(std::string pattern, RouteNotes notes, Handler handler) {
    add<Parameters, Body, Reply>("POST", std::move(pattern), std::move(notes), std::move(handler));
  }
  template <typename Parameters, typename Body, typename Reply, typename Handler>
  void put(std::string pattern, RouteNotes notes, Handler handler) {
    add<Parameters, Body, Reply>("PUT", std::move(pattern), std::move(notes), std::move(handler));
  }
  /// `handler(const Call&, const Parameters&, Body) -> Result<Reply>`, from many threads at once.
  template <typename Parameters, typename Body, typename Reply, typename Handler>
  void add(std::string method, std::string pattern, RouteNotes notes, Handler handler);

  /// A component that Notes refer to.
  void add_schema(std::string name, json::Object schema);
  /// What a tag means; shown in the order of these calls.
  void add_tag(std::string name, std::string description);

  /// The OpenAPI 3.1 document of all that is declared.
  json::Value document() const;
  /// Serves it at GET /openapi.json, and a page for people at /docs.
  void publish();

 private:
  struct State;
  template <typename Parameters, typename Reply, typename Handler>
  void add_bodiless(std::string method, std::string pattern, RouteNotes notes, Handler handler) {
    add<Parameters, NoBody, Reply>(
        std::move(method), std::move(pattern), std::move(notes),
        [handler = std::move(handler)](const Call& call, const Parameters& parameters,
                                       const NoBody&) { return handler(call, parameters); });
  }
  Schemas& schemas();
  static const json::Object& components_of(const State& state);
  static const UploadLimits& limits_of(const State& state);
  void declare(detail::Route route);

  std::shared_ptr<State> state_;
};

template <typename Parameters, typename Body, typename Reply, typename Handler>
void Api::add(std::string method, std::string pattern, RouteNotes notes, Handler handler) {
  detail::Route route;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.notes = std::move(notes);
  route.parameters = schemas().object_of<Parameters>(Direction::request);
  detail::BodyOf<Body>::tell(schemas(), route.bodies);
  detail::ReplyOf<Reply>::tell(schemas(), route.replies);
  route.serve = [state = state_.get(), handler = std::move(handler)](
                    const Call& call, const PathParameters& path,
                    const detail::Route& route) -> detail::Served {
    std::vector<Issue> issues;
    const json::Object object = detail::object_from<Parameters>(
        detail::parameter_texts(call.request(), path, issues), "", issues);
    for (Issue& issue : validate(object, route.parameters, components_of(*state), ""))
      issues.push_back(std::move(issue));
    std::optional<Parameters> parameters;
    if (issues.empty()) parameters = detail::struct_from<Parameters>(object, "", issues);
    detail::place_parameter_issues(path, issues);
    if (!issues.empty()) return issues;
    auto body = detail::BodyOf<Body>::read(call.request(), route, components_of(*state),
                                           limits_of(*state), issues);
    if (!body) return issues;
    Result<Reply> reply = handler(call, *parameters, *std::move(body));
    if (!reply) return std::move(reply.error());
    detail::Outgoing outgoing;
    detail::ReplyOf<Reply>::write(*std::move(reply), outgoing);
    return outgoing;
  };
  declare(std::move(route));
}

}  // namespace slipway::http
