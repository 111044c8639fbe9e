// Texts become vectors.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.hpp"
#include "models/usage.hpp"

namespace slipway::models {

/// Which side of the comparison a text is on; some models want another prefix for each.
enum class TextRole { document, query };

using Vector = std::vector<float>;  ///< Unit length.

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

  /// One vector per text, in order. Adds to `usage` if given. Fails: deadline_exceeded, cancelled,
  /// unavailable (remote), internal.
  virtual Result<std::vector<Vector>> embed(const Context& context,
                                            const std::vector<std::string_view>& texts,
                                            TextRole role, Usage* usage = nullptr) = 0;
  Result<Vector> embed_one(const Context& context, std::string_view text, TextRole role,
                           Usage* usage = nullptr);
};

}  // namespace slipway::models
