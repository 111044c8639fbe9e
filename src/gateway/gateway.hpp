// The LLM gateway: a call in one vendor's words goes to a model that may speak another's.
//
//   auto gateway = TRY(Gateway::open({.catalog = catalog, .upstream = upstream, .settings = ...}));
//   gateway->chat(exchange, {caller, &dialects::codec(Dialect::openai)});   // answers by itself
//
// What it does to a call, in this order: finds the models that the name stands for; asks limits
// and guardrails; looks into the caches; tries deployment after deployment (keys, retries,
// circuits, fallback); relays or translates the answer, through the guardrails; settles and
// records. Where caller and deployment speak the same dialect and nobody needs to understand the
// conversation, bytes are relayed as they come.
//
// Every method may be called from any thread and returns at once. A remote call holds no thread
// while it waits; local models run on a pool of the gateway's own. How a dialect looks over HTTP
// (paths, keys, lists) is the business of the faces (detail/faces.hpp), which call this.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/access.hpp"
#include "budgets/ledger.hpp"
#include "core/clock.hpp"
#include "dialects/codec.hpp"
#include "dialects/embeddings.hpp"
#include "dialects/rerank.hpp"
#include "gateway/config.hpp"
#include "gateway/record.hpp"
#include "http/server.hpp"
#include "http/upstream.hpp"
#include "models/catalog.hpp"

namespace slipway::http {
class Metrics;
}
namespace slipway::trace {
class OwnPrices;
class Recorder;
}  // namespace slipway::trace

namespace slipway::gateway {

/// One conversation. Its body is that of the exchange's request.
struct ChatCall {
  access::Caller caller;
  /// Of the dialect that the request is in and the answer shall be in; never null.
  const dialects::Codec* codec = nullptr;
};

/// Texts that become vectors: decoded by the face, which also writes the reply.
struct EmbedCall {
  access::Caller caller;
  dialects::EmbeddingRequest request;
};

/// Passages that are ordered by how well they answer; the same.
struct RerankCall {
  access::Caller caller;
  dialects::RerankRequest request;
};

struct CountCall {
  access::Caller caller;
  dialects::ChatRequest request;
};
struct CountReply {
  std::int64_t input_tokens = 0;
  bool estimated = false;  ///< The model's own tokenizer could not be asked.
};

/// What became of a call that the gateway does not answer itself.
template <typename Reply>
struct Outcome {
  std::optional<Reply> reply;
  dialects::WireError error;  ///< When there is no reply.
  /// Of an error: the budget that does not allow it, as every dialect tells it.
  std::optional<json::Object> budget;
  http::Headers headers;  ///< x-slipway-*, Retry-After ...: belong into the answer either way.
};
template <typename Reply>
using Done = std::function<void(Outcome<Reply>)>;  ///< Called once, on any thread.

/// One line of GET /v1/models.
struct ModelCard {
  std::string name;
  std::string provider;             ///< "openai", "llama", "route", "pipeline" ...
  std::string task;                 ///< "chat", "embed", "rerank"
  std::int64_t context_tokens = 0;  ///< 0: not known.
  std::vector<std::string> modalities = {"text"};
  std::optional<double> input_usd_per_million, output_usd_per_million;
};
BOOST_DESCRIBE_STRUCT(ModelCard, (),
                      (name, provider, task, context_tokens, modalities, input_usd_per_million,
                       output_usd_per_million))

/// What a call of a pipeline says beside its body.
struct PipelineCall {
  trace::Origin origin;  ///< Its runs are below it.
  /// Told why a budget of what the pipeline itself asks has no room, on the thread that asks the
  /// model and before that fails with rate_limited: then the caller is told as of any other call.
  std::function<void(budgets::Refusal)> refused;
  std::string thread;                  ///< x-slipway-thread: what it goes on with.
  std::optional<std::string> answers;  ///< x-slipway-answers
  std::string run;                     ///< That pays, where there are budgets.
};

/// Chat models that are not in the catalog: "rag/handbook", "agent/research".
///
/// Beside its answer such a model may tell where it comes from, as an object: `data` of its first
/// event (as JSON) and "slipway" in `extra` of its reply. Texts `thread`, `run` and `status` become
/// the headers x-slipway-thread and so on, `cost_usd` is what the call has cost.
struct Pipelines {
  /// Names that exist now; must be quick.
  std::function<std::vector<std::string>()> names;
  /// The model is for this one call. Fails: not_found. Called on a thread that may wait.
  std::function<Result<std::shared_ptr<models::ChatModel>>(const std::string& name,
                                                           PipelineCall call)>
      find;
  /// Whether it mostly waits for others: such ones do not take the threads of local models. May be
  /// empty: none does.
  std::function<bool(const std::string& name)> is_patient;
};

class Gateway {
 public:
  struct Options {
    std::shared_ptr<models::Catalog> catalog;
    http::Upstream* upstream = nullptr;  ///< Must outlive the gateway, which cancels its calls.
    Settings settings;
    Pipelines pipelines;
    http::Metrics* metrics = nullptr;                ///< Must outlive the gateway; may be absent.
    std::function<void(const CallRecord&)> on_call;  ///< On any thread; must be quick.
    /// Told what the configuration says of prices, asked for all. Must outlive the gateway; absent:
    /// what the configuration says is all there is.
    trace::OwnPrices* prices = nullptr;
    budgets::Ledger* budgets = nullptr;   ///< Must outlive the gateway; absent: all may be spent.
    trace::Recorder* recorder = nullptr;  ///< Must outlive the gateway; absent: no runs.
    const Clock& clock = system_clock();
    Random& random = system_random();
  };
  /// Fails: invalid_argument (what is wrong in the settings, a secret that is not there).
  static Result<std::unique_ptr<Gateway>> open(Options options);
  /// Cancels what runs and waits for it. No call may be made any more.
  virtual ~Gateway() = default;

  /// Answers the exchange, now or later. Errors are in the caller's dialect.
  virtual void chat(const http::ExchangePtr& exchange, ChatCall call) = 0;
  /// `exchange` is only watched: when its client leaves, the call ends.
  virtual void embed(const http::ExchangePtr& exchange, EmbedCall call,
                     Done<dialects::EmbeddingReply> done) = 0;
  virtual void rerank(const http::ExchangePtr& exchange, RerankCall call,
                      Done<dialects::RerankReply> done) = 0;
  /// How many tokens the prompt of `request` has (`decode_count_tokens`).
  virtual void count_tokens(const http::ExchangePtr& exchange, CountCall call,
                            Done<CountReply> done) = 0;

  /// What this caller may ask for, in the order of the configuration: models, routes, pipelines,
  /// then what is installed.
  virtual std::vector<ModelCard> models(const access::Caller& caller) const = 0;
  virtual std::optional<ModelCard> model(const access::Caller& caller,
                                         const std::string& name) const = 0;
  /// 404 with the nearest known names; the same for a model that the caller may not use.
  virtual dialects::WireError unknown_model(const access::Caller& caller,
                                            const std::string& name) const = 0;

  /// New settings for calls to come; what is known of deployments that stay (circuits, limits,
  /// latencies) stays. Fails as `open`; then the old ones stay.
  virtual Result<void> reload(Settings settings, std::shared_ptr<models::Catalog> catalog) = 0;
  /// Looks again which models are installed; may wait for the disk.
  virtual Result<void> refresh() = 0;

  /// For /api/settings: what is configured and how it is, secrets left out.
  virtual GatewaySettings shown() const = 0;
};

}  // namespace slipway::gateway
