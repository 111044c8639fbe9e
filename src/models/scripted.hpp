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

/// Replies in order, or by a function of the request; remembers what it was asked.
class ScriptedChatModel final : public ChatModel {
 public:
  using Script = std::function<Result<std::string>(const ChatRequest&)>;
  explicit ScriptedChatModel(Script script);
  /// The replies in order; afterwards it fails with unavailable.
  explicit ScriptedChatModel(std::vector<std::string> replies);

  const std::string& identity() const override;
  const std::string& name() const override;
  std::size_t context_tokens_max() const override { return 1 << 20; }
  Result<std::size_t> count_tokens(std::string_view text) const override;  ///< One token per word.
  Result<std::string> render(const ChatRequest& request) const override;
  Result<ChatReply> chat(const Context& context, const ChatRequest& request,
                         const TokenSink& sink = {}) override;
  std::vector<ChatRequest> requests() const;

 private:
  Script script_;
  mutable Guarded<std::vector<ChatRequest>> requests_;
};

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
