// A client of the Model Context Protocol, for servers of both eras, over HTTP and as subprocesses.
//
//   auto wire = TRY(mcp::open_process_wire({.command = {"mcp-server", "--quiet"}}));
//   auto client = TRY(mcp::Client::connect(context, std::move(wire), {}));
//   for (const auto& tool : TRY(client->list(context, mcp::ListKind::tools))) ...
//   json::Object result = TRY(client->call_tool(context, "add", {{"a", 1}}));
//
// What a server says is data: nothing in it is done. Its questions go to the handlers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/json.hpp"
#include "http/client.hpp"
#include "mcp/protocol.hpp"
#include "mcp/server.hpp"

namespace slipway::mcp {

/// What a client sends, with what a transport must know of it.
struct Outgoing {
  json::Object message = {};
  std::string method = {};   ///< Empty: an answer.
  std::string version = {};  ///< Of the protocol; empty: before it is known.
  /// Modern HTTP: Mcp-Name and Mcp-Param-*.
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool is_modern = false;
};

/// How messages travel. Safe to use from many threads.
class Wire {
 public:
  /// Notifications and requests of the server that come before the answer, or at any time.
  using OnMessage = std::function<void(Message)>;
  virtual ~Wire() = default;

  /// Sends a request and waits for its answer, which may be an error of the protocol. Fails:
  /// unavailable (connection, process), deadline_exceeded, cancelled (the server is told),
  /// unauthenticated, forbidden, not_found (the server has ended the session: nothing was done).
  virtual Result<Message> ask(const Context& context, const Outgoing& request,
                              const OnMessage& on_message) = 0;
  /// Sends a notification, or an answer to a request of the server.
  virtual Result<void> tell(const Context& context, const Outgoing& message) = 0;
  /// For what belongs to no request of ours. Once: of a process before the first `ask`, over HTTP
  /// (a stream of its own) once a legacy session has begun.
  virtual void listen(OnMessage on_message) = 0;
  /// Whether silence of an unknown method is worth waiting for: processes of older eras.
  virtual bool is_process() const = 0;
  /// False once nothing can come any more.
  virtual bool is_open() const = 0;
};

struct ProcessWireOptions {
  std::vector<std::string> command;      ///< Program and arguments; found in PATH.
  std::string folder;                    ///< Where it runs; empty: here.
  std::vector<std::string> environment;  ///< "NAME=value", added to what children may see.
  std::size_t message_bytes_max = 16u << 20;
  std::chrono::milliseconds end_patience{2'000};  ///< Before each harder way to end it.
};
/// A server as a subprocess; ended with the wire: its input is closed, then SIGTERM, then SIGKILL.
/// It gets PATH, HOME, LANG and the like of our environment, no keys. Fails: not_found,
/// unavailable.
Result<std::unique_ptr<Wire>> open_process_wire(ProcessWireOptions options);

/// Gives the credentials of HTTP requests, and gets new ones when a server demands them.
class Authorizer {
 public:
  virtual ~Authorizer() = default;
  /// "Bearer ..."; empty: none yet.
  virtual std::string header() = 0;
  /// A server refused with 401 or 403 and this WWW-Authenticate. True: try again. Fails: with why
  /// there are no credentials.
  virtual Result<bool> challenged(const Context& context, int status,
                                  const std::string& www_authenticate) = 0;
};

struct HttpWireOptions {
  std::string url;
  http::Reach reach = http::Reach::public_only;
  std::map<std::string, std::string> headers;  ///< Of every request.
  std::shared_ptr<Authorizer> authorizer;      ///< May be null.
  std::size_t message_bytes_max = 16u << 20;
  int reconnects_max = 8;  ///< Of a legacy stream that ended before its answer.
};
/// Fails: invalid_argument (URL).
Result<std::unique_ptr<Wire>> open_http_wire(HttpWireOptions options);

/// `any`: whichever the server speaks, the modern one if both.
enum class Era : std::uint8_t { any, legacy, modern };

struct ClientOptions {
  std::string name = "slipway", version = "1";
  Era era = Era::any;
  std::string legacy_version = std::string(legacy_versions[0]);
  /// Each may be empty: then the server is told that we cannot. They answer with the result of
  /// elicitation/create, sampling/createMessage, roots/list; any thread.
  std::function<Result<json::Object>(const json::Object&params)> elicit, sample, roots;
  std::function<void(const Message&)> on_notification;
  /// For a process that ignores what it knows not.
  std::chrono::milliseconds probe_timeout{5'000};
  std::size_t items_max = 10'000;  ///< Of a list, over all its pages.
  int rounds_max = 16;             ///< Of questions within one request.
};

struct CallOptions {
  /// While the call waits, from any thread.
  std::function<void(double done, std::optional<double> total, const std::string& message)>
      on_progress;
};

/// Safe to use from many threads.
class Client {
 public:
  /// Finds out the server's era and greets it. Fails: as `Wire::ask`; unsupported (no common
  /// revision).
  static Result<std::unique_ptr<Client>> connect(const Context& context, std::unique_ptr<Wire> wire,
                                                 ClientOptions options);
  virtual ~Client() = default;

  virtual bool is_modern() const = 0;
  virtual const std::string& version() const = 0;
  /// As the server declared them.
  virtual const json::Object& capabilities() const = 0;
  /// What the server says to models about itself; empty: nothing.
  virtual std::string instructions() const = 0;
  /// False: the server has gone, or ended the session; connect anew.
  virtual bool is_open() const = 0;

  /// All pages. Tools whose definition breaks the rules of HTTP headers are left out. Fails: also
  /// invalid_argument (what came is no list).
  virtual Result<std::vector<json::Object>> list(const Context& context, ListKind kind) = 0;
  /// The result as it came: {content, structuredContent?, isError?}. An error of the protocol is
  /// `invalid_argument` or `unavailable` with its message.
  virtual Result<json::Object> call_tool(const Context& context, const std::string& name,
                                         const json::Object& arguments,
                                         const CallOptions& options = {}) = 0;
  virtual Result<json::Object> get_prompt(const Context& context, const std::string& name,
                                          const json::Object& arguments) = 0;
  virtual Result<json::Object> read_resource(const Context& context, const std::string& uri) = 0;
  /// Any method; answers questions of the server on the way.
  virtual Result<json::Object> request(const Context& context, const std::string& method,
                                       json::Object params, const CallOptions& options = {}) = 0;
};

/// What a form's schema gives as defaults, laid under `content`.
json::Object with_defaults(const json::Object& requested_schema, json::Object content);

}  // namespace slipway::mcp
