// An event stream that is relayed and not understood: what it must still tell us. Frames go out as
// they came in, but for the model's name; a broken or missing end is noticed.
#pragma once

#include <string>
#include <string_view>

#include "dialects/codec.hpp"
#include "gateway/record.hpp"

namespace slipway::gateway::detail {

/// One per stream; not for two threads.
class StreamWatch {
 public:
  struct Options {
    dialects::Dialect dialect = dialects::Dialect::openai;
    std::string model;         ///< What the frames shall call the model.
    bool hides_usage = false;  ///< We asked for OpenAI's chunk of usage, the caller did not.
    bool counts_text = false;  ///< Somebody wants to know how much was said.
  };
  explicit StreamWatch(Options options);

  /// Adds what may go on to `out`: whole frames. After `has_failed` nothing more.
  void feed(std::string_view piece, std::string& out);

  bool has_ended() const { return ended_; }    ///< Its own last frame came.
  bool has_failed() const { return failed_; }  ///< It told an error, or is no event stream.
  const std::string& error() const { return error_; }
  bool has_usage() const { return has_usage_; }
  const dialects::ChatUsage& usage() const { return usage_; }
  const MoreUsage& more_usage() const { return more_usage_; }
  /// What the upstream calls the model; empty: it does not say.
  const std::string& answered_model() const { return answered_model_; }
  const std::string& service_tier() const { return service_tier_; }
  std::size_t frames() const { return frames_; }  ///< That went on.
  /// Of what they say; 0 without `counts_text`.
  std::size_t text_bytes() const { return text_bytes_; }

  static constexpr std::size_t frame_bytes_max = 16u << 20;

 private:
  void take_frame(std::string_view frame, std::string& out);
  void take_data(std::string_view frame, std::string_view data, std::string& out);
  bool look_at_openai(std::string_view data, std::string_view& model);
  bool look_at_typed(std::string_view data, std::string_view& model);
  void look_at_end(std::string_view type, std::string_view data);
  void set_usage(std::string_view value);
  void fail_with(std::string_view error_value);

  Options options_;
  std::string model_;  ///< As a JSON string.
  std::string pending_;
  bool ended_ = false, failed_ = false, has_usage_ = false;
  std::string error_;
  dialects::ChatUsage usage_;
  MoreUsage more_usage_;
  std::string answered_model_, service_tier_;
  std::size_t frames_ = 0, text_bytes_ = 0;
};

/// The text of an error value: its message, or itself.
std::string error_text(std::string_view value);

}  // namespace slipway::gateway::detail
