// Texts become vectors; with some models images too.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "core/image.hpp"
#include "models/usage.hpp"

namespace slipway::models {

/// Which side of the comparison a text is on; some models want another prefix for each.
enum class TextRole { document, query };

using Vector = std::vector<float>;  ///< Unit length.

/// The bytes of a text that one token stands for, end exclusive.
struct TokenSpan {
  std::size_t start = 0;
  std::size_t end = 0;
  bool operator==(const TokenSpan&) const = default;
};

/// A unit vector for each token of one text, the special ones and the prefix left out.
struct TokenVectors {
  std::size_t dimension = 0;
  std::vector<float> values;  ///< Rows of `dimension` numbers.
  std::size_t tokens = 0;     ///< What the model read, special tokens and prefix included.
};

/// What an embedding model gives per token, before it is pooled: for late interaction. Thread rule
/// and repeatability as of `Embedder`.
class TokenEmbedder {
 public:
  virtual ~TokenEmbedder() = default;
  /// One entry per text, in order; without rows for a text without tokens. Fails as
  /// `Embedder::embed`.
  virtual Result<std::vector<TokenVectors>> embed_tokens(const Context& context,
                                                         const std::vector<std::string_view>& texts,
                                                         TextRole role) = 0;
};

/// The other tower of a model that was trained on texts and images together: its vectors stand in
/// the same space as those of texts, so that a text finds images by cosine. Thread rule and
/// repeatability as of `Embedder`.
class ImageEmbedder {
 public:
  virtual ~ImageEmbedder() = default;
  /// One vector per image, in order, of `Embedder::dimension` numbers. Images of any size. Fails:
  /// invalid_argument (an image whose bytes are not its size), else as `Embedder::embed`.
  virtual Result<std::vector<Vector>> embed_images(const Context& context,
                                                   std::span<const Image> images) = 0;
};

/// One embedding model. Safe to use from many threads; the same text and role give the same bits
/// every time, whatever else is embedded at the same moment.
class Embedder {
 public:
  virtual ~Embedder() = default;
  /// Name and content hash, "bge-small-en-v1.5-q@3f9a...": equal identities give comparable
  /// vectors.
  virtual const std::string& identity() const = 0;
  virtual const std::string& name() const = 0;
  virtual std::size_t dimension() const = 0;
  /// Longer texts are cut there (special tokens included).
  virtual std::size_t tokens_max() const = 0;
  /// Tokens of a text without prefix and special tokens, not cut.
  virtual std::size_t count_tokens(std::string_view text) const = 0;
  /// Where these tokens stand in the text, in order, on code points; tokens of one character have
  /// the same span. Nothing when the model's tokenizer is not here (a remote one).
  virtual std::optional<std::vector<TokenSpan>> token_spans(std::string_view) const {
    return std::nullopt;
  }

  /// One vector per text, in order. Adds to `usage` if given. Fails: deadline_exceeded, cancelled,
  /// unavailable (remote), internal.
  virtual Result<std::vector<Vector>> embed(const Context& context,
                                            const std::vector<std::string_view>& texts,
                                            TextRole role, Usage* usage = nullptr) = 0;
  /// Null when the model gives no vectors per token; lives as long as the embedder.
  virtual TokenEmbedder* token_embedder() { return nullptr; }
  /// Null when the model reads no images; lives as long as the embedder.
  virtual ImageEmbedder* image_embedder() { return nullptr; }
  bool reads_images() { return image_embedder() != nullptr; }
  Result<Vector> embed_one(const Context& context, std::string_view text, TextRole role,
                           Usage* usage = nullptr);
};

}  // namespace slipway::models
