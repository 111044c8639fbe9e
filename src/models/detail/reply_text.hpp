// Turns the bytes that a model makes into text that may be shown: whole code points, nothing that
// could still become a stop string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/chat_model.hpp"

namespace slipway::models::detail {

/// Whether more bytes may make a code point of `tail`, which is not empty and begins with none that
/// is whole.
bool is_begun_code_point(std::string_view tail);
/// Bytes that are not UTF-8 become U+FFFD.
std::string shown(std::string_view bytes);

/// One reply. What the sink got and `text()` are always the same. The arguments must outlive it.
class ReplyText {
 public:
  ReplyText(const std::vector<std::string>& stops, const TokenSink& sink)
      : stops_(stops), sink_(sink) {}

  /// False when the reply is over: a stop string was found, or the sink has enough. Bytes that are
  /// not UTF-8 become U+FFFD.
  bool add(std::string_view bytes);
  /// The model has ended: what was held back belongs to the reply, except half a code point.
  void finish();

  bool is_stopped() const { return is_stopped_; }
  const std::string& stop() const { return stop_; }  ///< The one that was found.
  bool is_refused() const { return is_refused_; }    ///< By the sink.
  const std::string& text() const { return text_; }

 private:
  void decode_whole();
  bool find_stop();
  void emit(std::size_t bytes);

  const std::vector<std::string>& stops_;
  const TokenSink& sink_;
  std::string raw_;   ///< Half a code point, at most 3 bytes between calls.
  std::string held_;  ///< Valid text that may be the beginning of a stop string.
  std::string text_;
  std::string stop_;
  bool is_stopped_ = false;
  bool is_refused_ = false;
};

}  // namespace slipway::models::detail
