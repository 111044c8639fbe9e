// The server: takes messages of both eras and both transports, calls the offer, answers.
#pragma once

#include <list>
#include <map>
#include <mutex>

#include "core/pool.hpp"
#include "mcp/detail/headers.hpp"
#include "mcp/detail/outlet.hpp"
#include "mcp/detail/session.hpp"
#include "mcp/detail/signed_state.hpp"
#include "mcp/server.hpp"

namespace slipway::mcp::detail {

/// What the modern era says with each request.
struct RequestMeta {
  std::string version;
  json::Object capabilities;
  std::optional<int> log_rank;
};

/// A modern client that listens for changes.
struct Listener {
  json::Value id;
  bool tools = false, prompts = false, resources = false;
  std::set<std::string> uris;
  OutletPtr outlet;
};
/// Those of now; outlives the engine where a connection still holds it.
struct Listeners {
  std::mutex mutex;
  std::list<std::shared_ptr<Listener>> list;
  /// Whoever listens there.
  void remove(const Outlet* outlet);
  /// The one with that id.
  void remove(const Outlet* outlet, const std::string& id_key);
  std::vector<std::shared_ptr<Listener>> all();
};

/// The calls that the offer answers run on a pool; all else is done on the caller's thread.
class Engine final : public Server {
 public:
  explicit Engine(Options options);
  ~Engine() override;

  void answer(const http::ExchangePtr& exchange, Principal principal) override;
  Result<void> serve(const Context& context, int in, int out) override;
  void tell_changed(ListKind kind) override;
  void tell_updated(const std::string& uri) override;
  void end_listening() override;

  const Options& options() const { return options_; }
  const StateSigner& signer() const { return signer_; }

 private:
  // Streamable HTTP
  void answer_post(const http::ExchangePtr& exchange, Principal principal);
  void answer_get(const http::ExchangePtr& exchange, const Principal& principal);
  void answer_delete(const http::ExchangePtr& exchange, const Principal& principal);
  void post_modern(const http::ExchangePtr& exchange, Message message, Principal principal);
  void post_legacy(const http::ExchangePtr& exchange, DecodedText decoded,
                   const Principal& principal);
  void post_initialize(const http::ExchangePtr& exchange, const Message& message,
                       Principal principal);
  void post_batch(const http::ExchangePtr& exchange, const SessionPtr& session,
                  DecodedText decoded);
  /// Modern: whether the headers say what stands in the body.
  std::optional<RpcError> check_headers(const http::Request& request, const Message& message);
  std::optional<RpcError> check_params(const http::Request& request, const Message& message,
                                       const Principal& principal);
  /// A client without a session of its own: over stdio, or for one modern request.
  SessionPtr add_guest(Principal principal);
  /// Null: there is none, and the exchange has been told so.
  SessionPtr session_of(const http::ExchangePtr& exchange, const Principal& principal);

  // Messages
  void take(const SessionPtr& session, Message message, const OutletPtr& outlet);
  void take_notification(const SessionPtr& session, const Message& message);
  void take_legacy(const SessionPtr& session, Message message, const OutletPtr& outlet);
  void take_modern(const SessionPtr& session, Message message, const OutletPtr& outlet);
  /// Lets the offer answer it on the pool. `meta`: of a modern one.
  void start(const SessionPtr& session, Message message, std::optional<RequestMeta> meta,
             const OutletPtr& outlet);
  /// subscriptions/listen
  void listen(const SessionPtr& session, const Message& message, const OutletPtr& outlet);
  void tell_guests(const std::function<bool(const Session&)>& who, const json::Object& message);
  json::Object initialize(Session& session, const json::Object& params);
  /// What only changes the session; nothing: it is something else.
  std::optional<Answer> answer_legacy_at_once(Session& session, const Message& message);
  json::Object capabilities(bool is_modern) const;
  json::Object discovered() const;
  /// Asks the offer; nothing: there is no such method.
  std::optional<Answer> dispatch(Call& call, const Message& message);
  Answer list_of(Call& call, ListKind kind, const json::Object& params);
  /// Sends the answer as its era wants it.
  void finish(const OutletPtr& outlet, const Message& message, bool is_modern, Answer answer);

  const Options options_;
  const Offer::Info info_;
  const StateSigner signer_;
  Sessions sessions_;
  const std::shared_ptr<Listeners> listeners_ = std::make_shared<Listeners>();
  std::mutex guests_mutex_;
  /// Over stdio, and single modern requests.
  std::map<const Session*, std::weak_ptr<Session>> guests_;
  Pool pool_;  ///< Last: its jobs use the rest.
};

/// The `_meta` that a modern request must have. Fails: with the error to answer.
std::variant<RequestMeta, RpcError> read_meta(const Message& message);
/// What HTTP says to an error of the modern era.
int http_status_of(const RpcError& error);
/// Whether the message is of the modern era by what it carries itself.
bool has_modern_meta(const Message& message);

/// One request while the offer answers it.
std::unique_ptr<Call> make_call(const Engine& engine, const SessionPtr& session,
                                const Message& message, std::optional<RequestMeta> meta,
                                const OutletPtr& outlet, Context context);
/// What a modern client brought back to that call: the error to answer where it is not ours.
std::optional<RpcError> read_round(Call& call);

}  // namespace slipway::mcp::detail
