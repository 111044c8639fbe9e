// Content codings: gzip, deflate and zstd, in both directions, within limits.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace slipway::http::detail {

enum class Coding { identity, gzip, deflate, zstd };

std::string_view name(Coding coding);
/// The coding of a Content-Encoding value; nothing for those that are not spoken, and for several.
std::optional<Coding> parse_coding(std::string_view value);
/// The best coding that an Accept-Encoding value allows: the client's weights first, then zstd,
/// gzip, deflate.
Coding choose_coding(std::string_view accept_encoding);
/// Whether a body of this media type gets smaller by compression.
bool is_compressible(std::string_view media_type);

/// Unpacks one body piece by piece.
class Decoder {
 public:
  static std::unique_ptr<Decoder> make(Coding coding);
  virtual ~Decoder() = default;
  /// Appends to `out`, which never becomes longer than `bytes_max`. Fails: invalid_argument (broken
  /// data), rate_limited (`bytes_max`: the body is a bomb).
  virtual Result<void> feed(std::string_view piece, std::string& out, std::size_t bytes_max) = 0;
  /// Fails: invalid_argument when the data ends too early.
  virtual Result<void> end() = 0;
};

/// Packs one body piece by piece.
class Encoder {
 public:
  enum class Then { flush, end };
  static std::unique_ptr<Encoder> make(Coding coding);
  virtual ~Encoder() = default;
  /// Appends to `out` all that a reader needs to have `piece` whole.
  virtual void feed(std::string_view piece, Then then, std::string& out) = 0;
};

/// A whole body; nothing when it does not get smaller.
std::optional<std::string> compress(Coding coding, std::string_view body);

}  // namespace slipway::http::detail
