#include "gateway/detail/stream_watch.hpp"

#include <algorithm>

#include "core/json_members.hpp"
#include "gateway/detail/demand.hpp"
#include "gateway/detail/usage.hpp"

namespace slipway::gateway::detail {

namespace {

using dialects::Dialect;

/// Where the first frame of `text` ends, its blank line included; npos when it has not ended.
std::size_t frame_end(std::string_view text, std::size_t from) {
  for (std::size_t at = from; (at = text.find('\n', at)) != std::string_view::npos; ++at) {
    if (at + 1 < text.size() && text[at + 1] == '\n') return at + 2;
    if (at + 2 < text.size() && text[at + 1] == '\r' && text[at + 2] == '\n') return at + 3;
  }
  return std::string_view::npos;
}

/// The data of a frame with one data line; empty when there is none or several.
std::string_view data_of(std::string_view frame) {
  std::string_view data;
  while (!frame.empty()) {
    const std::size_t end = std::min(frame.find('\n'), frame.size());
    std::string_view line = frame.substr(0, end);
    frame.remove_prefix(std::min(frame.size(), end + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.starts_with("data:")) continue;
    if (!data.empty()) return {};
    data = line.substr(5);
    if (data.starts_with(' ')) data.remove_prefix(1);
  }
  return data;
}

}  // namespace

std::string error_text(std::string_view value) {
  std::string text = json::unquoted(json::member(value, "message"));
  if (text.empty()) text = json::unquoted(value);
  if (text.empty()) text = std::string(value);
  return text;
}

StreamWatch::StreamWatch(Options options)
    : options_(std::move(options)), model_(json::quoted(options_.model)) {}

void StreamWatch::feed(std::string_view piece, std::string& out) {
  if (failed_) return;
  std::string_view text = piece;
  // The end of a frame may lie in the last two bytes of what waits and the first of the piece.
  std::size_t from = 0;
  if (!pending_.empty()) {
    from = pending_.size() - std::min<std::size_t>(pending_.size(), 2);
    pending_ += piece;
    text = pending_;
  }
  std::size_t done = 0;
  for (std::size_t end = 0; (end = frame_end(text, from)) != std::string_view::npos && !failed_;) {
    take_frame(text.substr(done, end - done), out);
    done = from = end;
  }
  const std::string rest(text.substr(done));
  pending_ = rest;
  if (pending_.size() > frame_bytes_max && !failed_) {
    failed_ = true;
    error_ = "a frame of the stream is longer than 16 MiB";
  }
}

void StreamWatch::take_frame(std::string_view frame, std::string& out) {
  const std::string_view data = data_of(frame);
  if (data.empty()) {
    out += frame;  // A comment, or a form that we need not understand.
    return;
  }
  take_data(frame, data, out);
}

void StreamWatch::take_data(std::string_view frame, std::string_view data, std::string& out) {
  if (data == "[DONE]") {
    ended_ = true;
    out += frame;
    return;
  }
  std::string_view model;
  const bool is_openai =
      options_.dialect == Dialect::openai || options_.dialect == Dialect::openai_completions;
  const bool goes_on = is_openai ? look_at_openai(data, model) : look_at_typed(data, model);
  if (answered_model_.empty() && !model.empty()) answered_model_ = json::unquoted(model);
  if (failed_ || !goes_on) return;
  ++frames_;
  if (options_.counts_text) text_bytes_ += said_bytes(data);
  if (model.empty() || options_.model.empty() || model == model_) {
    out += frame;
    return;
  }
  const auto begin = static_cast<std::size_t>(model.data() - frame.data());
  out += frame.substr(0, begin);
  out += model_;
  out += frame.substr(begin + model.size());
}

bool StreamWatch::look_at_openai(std::string_view data, std::string_view& model) {
  json::Members members(data);
  bool has_choices = true, told_usage = false;
  for (json::Member one; members.next(one);) {
    if (one.key == "model") {
      model = one.value;
    } else if (one.key == "service_tier") {
      if (one.value.starts_with('"')) service_tier_ = json::unquoted(one.value);
    } else if (one.key == "error" && one.value != "null") {
      fail_with(one.value);
    } else if (one.key == "usage" && one.value != "null") {
      set_usage(one.value);
      told_usage = true;
    } else if (one.key == "choices") {
      has_choices = one.value.find_first_not_of("[] \n\r\t") != std::string_view::npos;
    }
  }
  return !(options_.hides_usage && told_usage && !has_choices);
}

bool StreamWatch::look_at_typed(std::string_view data, std::string_view& model) {
  const std::string type = json::unquoted(json::member(data, "type"));
  if (type == "error") {
    const std::string_view error = json::member(data, "error");
    fail_with(error.empty() ? data : error);
    return false;
  }
  if (type == "message_start") {
    const std::string_view message = json::member(data, "message");
    model = json::member(message, "model");
    set_usage(json::member(message, "usage"));
  } else if (type.starts_with("response.")) {
    model = json::member(json::member(data, "response"), "model");
  }
  look_at_end(type, data);
  return true;
}

void StreamWatch::look_at_end(std::string_view type, std::string_view data) {
  if (type == "message_delta") {
    // Anthropic repeats the whole usage or tells the output alone.
    const auto input = usage_;
    set_usage(json::member(data, "usage"));
    if (usage_.input_tokens == 0) {
      usage_.input_tokens = input.input_tokens;
      usage_.cached_input_tokens = input.cached_input_tokens;
      usage_.cache_write_tokens = input.cache_write_tokens;
    }
  } else if (type == "message_stop") {
    ended_ = true;
  } else if (type == "response.completed" || type == "response.incomplete") {
    set_usage(json::member(json::member(data, "response"), "usage"));
    ended_ = true;
  } else if (type == "response.failed") {
    fail_with(json::member(json::member(data, "response"), "error"));
  } else if (type == "message-end") {
    const std::string_view delta = json::member(data, "delta");
    set_usage(json::member(delta, "usage"));
    if (json::unquoted(json::member(delta, "finish_reason")) == "ERROR") {
      const std::string_view error = json::member(delta, "error");
      fail_with(error.empty() ? "the model failed" : error);
    }
    ended_ = true;
  }
}

void StreamWatch::set_usage(std::string_view value) {
  if (const auto usage = parse_usage(options_.dialect, value, &more_usage_)) {
    usage_ = *usage;
    has_usage_ = true;
  }
}

void StreamWatch::fail_with(std::string_view error_value) {
  failed_ = true;
  error_ = error_text(error_value);
}

}  // namespace slipway::gateway::detail
