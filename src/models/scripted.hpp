// Models that do what a test tells them. Public, and checked by the same conformance suites as the
// real ones.
#pragma once

#include <atomic>
#include <functional>

#include "core/guarded.hpp"
#include "models/chat_model.hpp"
#include "models/embedder.hpp"
#include "models/reranker.hpp"

namespace slipway::models {

/// One reply of a script, in the order in which it is told: reasoning, text, calls, then how it
/// ends.
struct ScriptedTurn {
  std::string reasoning;
  std::string text;
  std::vector<dialects::ToolCall> tool_calls;
  std::vector<dialects::Annotation> annotations;
  /// Empty: `tool_calls` when there are any, else what the limits say.
  std::optional<dialects::FinishReason> finish_reason;
  std::optional<Error> error;  ///< It breaks with it, after all that is above.
  /// Waited before the first word and before each word; cut short when the context ends.
  std::chrono::milliseconds first_delay{0};
  std::chrono::milliseconds word_delay{0};
};

/// Replies in order, or by a function of the request; remembers what it was asked.
class ScriptedChatModel final : public ChatModel {
 public:
  using Script = std::function<Result<std::string>(const ChatRequest&)>;
  /// Asked once per choice, from many threads.
  using Conversation = std::function<Result<ScriptedTurn>(const dialects::ChatRequest&)>;
  explicit ScriptedChatModel(Script script);
  /// `converse` takes everything and answers by it; so does `chat`, texts only.
  explicit ScriptedChatModel(Conversation conversation);
  /// The replies in order; afterwards it fails with unavailable.
  explicit ScriptedChatModel(std::vector<std::string> replies);

  const std::string& identity() const override;
  const std::string& name() const override;
  std::size_t context_tokens_max() const override { return 1 << 20; }
  Result<std::size_t> count_tokens(std::string_view text) const override;  ///< One token per word.
  Result<std::string> render(const ChatRequest& request) const override;
  Result<ChatReply> chat(const Context& context, const ChatRequest& request,
                         const TokenSink& sink = {}) override;
  Result<dialects::ChatReply> converse(const Context& context, const dialects::ChatRequest& request,
                                       const EventSink& sink = {}) override;
  std::vector<ChatRequest> requests() const;                 ///< Of `chat`.
  std::vector<dialects::ChatRequest> conversations() const;  ///< Of `converse`.

 private:
  Script script_;
  Conversation conversation_;
  mutable Guarded<std::vector<ChatRequest>> requests_;
  mutable Guarded<std::vector<dialects::ChatRequest>> conversations_;
};

/// The script of a JSON file: a list of texts and of objects {text, reasoning, tool_calls: [{name,
/// arguments}], finish_reason, error, first_delay_ms, word_delay_ms}, one after another. Fails:
/// invalid_argument with the path.
Result<ScriptedChatModel::Conversation> script_of(const json::Value& replies);

/// Hashes words into a vector: texts that share words are near. Deterministic and instant.
class ScriptedEmbedder final : public Embedder {
 public:
  /// `dimension` >= 1.
  explicit ScriptedEmbedder(std::size_t dimension = 64);
  const std::string& identity() const override;
  const std::string& name() const override;
  std::size_t dimension() const override { return dimension_; }
  std::size_t tokens_max() const override { return 512; }
  std::size_t count_tokens(std::string_view text) const override;
  Result<std::vector<Vector>> embed(const Context& context,
                                    const std::vector<std::string_view>& texts, TextRole role,
                                    Usage* usage = nullptr) override;
  /// How many texts it has embedded: tests prove with it that nothing is embedded twice.
  std::size_t embedded() const { return embedded_; }

 private:
  std::size_t dimension_;
  std::string identity_;
  std::atomic<std::size_t> embedded_{0};
};

/// The same for texts and images: an image has the vector of the word "red", "green", "blue",
/// "yellow", "white" or "black", whichever is nearest to its mean colour.
class ScriptedTowers final : public Embedder, public ImageEmbedder {
 public:
  /// `dimension` >= 1.
  explicit ScriptedTowers(std::size_t dimension = 64);
  const std::string& identity() const override { return identity_; }
  const std::string& name() const override { return name_; }
  std::size_t dimension() const override { return words_.dimension(); }
  std::size_t tokens_max() const override { return words_.tokens_max(); }
  std::size_t count_tokens(std::string_view text) const override {
    return words_.count_tokens(text);
  }
  Result<std::vector<Vector>> embed(const Context& context,
                                    const std::vector<std::string_view>& texts, TextRole role,
                                    Usage* usage = nullptr) override {
    return words_.embed(context, texts, role, usage);
  }
  ImageEmbedder* image_embedder() override { return this; }
  Result<std::vector<Vector>> embed_images(const Context& context,
                                           std::span<const Image> images) override;
  /// How many images it has embedded.
  std::size_t embedded_images() const { return images_; }

 private:
  ScriptedEmbedder words_;
  std::string name_ = "scripted-towers";
  std::string identity_;
  std::atomic<std::size_t> images_{0};
};

/// The share of the question's distinct words that stand in the passage, 0..1. Deterministic and
/// instant.
class ScriptedReranker final : public Reranker {
 public:
  const std::string& identity() const override;
  const std::string& name() const override;
  std::size_t tokens_max() const override { return 512; }
  ScoreRange range() const override { return {0, 1}; }
  /// How many passages it has scored.
  std::size_t scored() const { return scored_; }

 private:
  Result<std::vector<float>> score(const Context& context, std::string_view query,
                                   const std::vector<std::string_view>& passages,
                                   Usage* usage) override;
  std::atomic<std::size_t> scored_{0};
};

}  // namespace slipway::models
