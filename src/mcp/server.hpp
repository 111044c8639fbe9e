// A server of the Model Context Protocol in both eras, over Streamable HTTP and over stdio.
//
//   class Clock final : public mcp::Offer { ... };
//   auto server = mcp::Server::make({.offer = offer});
//   router.add("POST", "/mcp", RunOn::workers, [&](const auto& exchange, const auto&) {
//     server->answer(exchange, principal);
//   });
//
// An `Offer` says what there is and does what is asked; it knows neither era nor transport. Asks it
// its client something (`Call::ask`), then in a legacy session the call waits for the answer; in
// the modern era it ends, and is begun again when the client comes back with the answers.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/context.hpp"
#include "core/json.hpp"
#include "http/server.hpp"
#include "mcp/protocol.hpp"

namespace slipway::mcp {

/// Who asks.
struct Principal {
  std::string name;  ///< Of the key; empty: nobody was asked.
  /// Whether they may; the words are the offer's. Empty: all.
  std::function<bool(std::string_view right)> may;
  bool has(std::string_view right) const { return !may || may(right); }
  /// Whatever let them in knows of them; the offer's, which knows what it is. May be null.
  std::shared_ptr<const void> who = {};
};

/// The end of a request: a result or an error.
struct Answer {
  json::Object result;
  std::optional<RpcError> error;

  Answer(json::Object result) : result(std::move(result)) {}
  Answer(RpcError error) : error(std::move(error)) {}
  /// As a tool tells it to a model: {content: [text], isError: true}.
  static Answer tool_error(std::string_view text);
  static Answer tool_text(std::string_view text);
  /// An error of the protocol: what was sent is wrong.
  static Answer invalid(std::string message) {
    return RpcError{code::invalid_params, std::move(message), {}};
  }
};
/// {type: "text", text}
json::Object text_content(std::string_view text);

/// Something that the client is asked for.
struct Question {
  std::string key;  ///< Of the call: the same question has the same key when a call begins again.
  std::string method;  ///< elicitation/create, sampling/createMessage, roots/list
  json::Object params;
};

/// One request while it is answered. Its offer may use it from one thread, until it returns.
class Call {
 public:
  virtual ~Call() = default;

  /// Stopped when the client cancels or has gone for good.
  virtual const Context& context() const = 0;
  virtual const Principal& principal() const = 0;
  /// Of the protocol, as both sides agreed: "2025-11-25".
  virtual const std::string& version() const = 0;
  virtual bool is_modern() const = 0;
  /// `_meta` of the request, as the client wrote it.
  virtual const json::Object& meta() const = 0;
  /// Whether the client said that it can: "elicitation", "elicitation.url", "sampling", "roots".
  virtual bool client_can(std::string_view capability) const = 0;

  /// Reaches the client if it asked for progress. Must grow from call to call.
  virtual void progress(double done, std::optional<double> total, std::string_view message) = 0;
  /// Whether the client wants to hear.
  virtual bool wants_progress() const = 0;
  /// Reaches the client if its level allows it.
  virtual void log(std::string_view level, std::string_view logger, json::Value data) = 0;

  /// The answers by the questions' keys, all of them. Nothing: return `pending()` at once, which
  /// carries the questions, or tells the client what it lacks to answer them.
  virtual std::optional<json::Object> ask(const std::vector<Question>& questions) = 0;
  virtual Answer pending() = 0;
  /// Of the offer: kept when the call begins again after a question. At most 64 KiB.
  virtual json::Object& memory() = 0;

  /// Legacy HTTP: ends the connection; the client comes back for the rest after `retry`.
  virtual void pause_stream(std::chrono::milliseconds retry) = 0;
};

enum class ListKind : std::uint8_t { tools, prompts, resources, templates };
/// What the answer to a list calls its items: "tools", "resourceTemplates".
std::string_view list_name(ListKind kind);

struct Page {
  json::Array items;        ///< As the protocol has them.
  std::string next_cursor;  ///< Empty: the last.
};

/// What a server offers. Called from many threads.
class Offer {
 public:
  virtual ~Offer() = default;
  struct Info {
    std::string name, title, version, description, instructions;
    bool has_tools = true, has_prompts = false, has_resources = false, has_completions = false,
         has_logging = false;
    bool tells_changes = false;          ///< `Server::tell_changed` is called when lists change.
    bool is_public = false;              ///< Lists are the same for everybody.
    std::chrono::milliseconds fresh{0};  ///< How long a client need not ask again.
  };
  /// Asked once, when a server is made.
  virtual Info info() const = 0;
  /// From `cursor` on, which a page before gave; empty: from the start. Fails: invalid_argument (no
  /// such cursor); everything else is told as a fault of the server.
  virtual Result<Page> list(Call& call, ListKind kind, const std::string& cursor) = 0;
  /// The input schema of a tool; null: it is not known.
  virtual json::Value input_schema(Call& call, const std::string& tool) = 0;
  /// What goes wrong within a tool is for the model to read: `Answer::tool_error`. Errors are for
  /// who calls it wrongly.
  virtual Answer call_tool(Call& call, const std::string& name, const json::Object& arguments) = 0;
  // As long as they are not overridden there are no prompts, resources and completions.
  virtual Answer get_prompt(Call& call, const std::string& name, const json::Object& arguments);
  virtual Answer read_resource(Call& call, const std::string& uri);
  /// `params` as they came: ref, argument, context.
  virtual Answer complete(Call& call, const json::Object& params);
  /// Whether the resource can be watched.
  virtual bool has_resource(Call&, const std::string&) { return true; }
};
/// The error for a tool, prompt or resource that there is not.
Answer unknown_thing(const Call& call, std::string_view kind, const std::string& name);

/// Safe to use from many threads. The destructor stops what runs and waits for it.
class Server {
 public:
  struct Options {
    Offer& offer;                  ///< Must outlive the server.
    std::size_t threads_max = 64;  ///< Calls at once; a call that waits for its client holds one.
    std::size_t calls_max = 256;   ///< With those that wait their turn.
    std::size_t sessions_max = 1'000;
    std::chrono::milliseconds session_idle_max{30 * 60'000};
    std::size_t listeners_max = 1'000;
    std::size_t message_bytes_max = 8u << 20;
    std::chrono::milliseconds answer_wait_max{10 * 60'000};  ///< For a client's answer.
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  static std::unique_ptr<Server> make(Options options);
  virtual ~Server() = default;

  /// One request to the endpoint, of any method. Returns soon: what takes long goes on elsewhere
  /// and holds the exchange. Who asks must have been let in, and its Origin checked.
  virtual void answer(const http::ExchangePtr& exchange, Principal principal) = 0;

  /// Speaks over two file descriptors, a message a line, until `in` ends or the context stops.
  /// Waits. Fails: cancelled, unavailable (reading, writing).
  virtual Result<void> serve(const Context& context, int in, int out) = 0;

  /// To all who listen for it: what is on these lists is not what it was.
  virtual void tell_changed(ListKind kind) = 0;
  /// To those who watch that resource: it says something else now.
  virtual void tell_updated(const std::string& uri) = 0;
  /// Ends the streams that only listen; calls go on.
  virtual void end_listening() = 0;
};

/// Whether a request comes from this machine's own pages or from no page: Origin and Host name
/// loopback only. For servers without keys. Fails: forbidden.
Result<void> check_local(const http::Request& request);

}  // namespace slipway::mcp
