#include "models/detail/llama_reply.hpp"

namespace slipway::models::detail {

void ReplyChannel::push(ReplyPiece piece) {
  const std::lock_guard lock(mutex_);
  pieces_.push_back(std::move(piece));
  changed_.notify_one();
}

Result<ReplyPiece> ReplyChannel::pop(const Context& context) {
  std::unique_lock lock(mutex_);
  const auto has_piece = [&] { return !pieces_.empty(); };
  const auto deadline = context.deadline();
  if (deadline)
    changed_.wait_until(lock, context.stop(), *deadline, has_piece);
  else
    changed_.wait(lock, context.stop(), has_piece);
  TRY(context.check());
  SLIPWAY_ASSERT(!pieces_.empty());
  ReplyPiece piece = std::move(pieces_.front());
  pieces_.pop_front();
  return piece;
}

LlamaReply::LlamaReply(const TokenTable& tokens, std::shared_ptr<ReplyChannel> channel,
                       ReplyOptions options)
    : tokens_(tokens),
      channel_(std::move(channel)),
      options_(std::move(options)),
      sink_([this](std::string_view text) { return emit(text); }),
      text_(options_.stops, sink_) {}

void LlamaReply::on_start(std::size_t cached) {
  cached_ = cached;
  is_started_ = true;
}

const std::string& LlamaReply::bytes_of(Token token) const {
  for (const auto& [marker, text] : options_.markers)
    if (marker == token) return text;
  return tokens_.bytes(token);
}

bool LlamaReply::on_token(Token token, const float* logits) {
  ++output_tokens_;
  if (output_tokens_ == 1)
    first_token_ms_ =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - made_).count();
  if (options_.logprobs)
    pending_.push_back({bytes_made_, logprob_of(tokens_, logits, token, options_.top_logprobs)});
  const std::string& bytes = bytes_of(token);
  bytes_made_ += bytes.size();
  return text_.add(bytes);
}

bool LlamaReply::emit(std::string_view text) {
  ReplyPiece piece;
  piece.choice = options_.choice;
  piece.text = text;
  piece.output_tokens = output_tokens_;
  bytes_emitted_ += text.size();
  // Tokens whose text is held back, or cut off by a stop string, are not told
  // yet.
  while (!pending_.empty() && pending_.front().start < bytes_emitted_) {
    piece.logprobs.push_back(std::move(pending_.front().logprob));
    pending_.pop_front();
  }
  channel_->push(std::move(piece));
  return true;
}

void LlamaReply::on_end(Result<End> end) {
  text_.finish();
  ReplyPiece piece;
  piece.choice = options_.choice;
  piece.output_tokens = output_tokens_;
  piece.end = ReplyEnd{std::move(end), text_.stop()};
  channel_->push(std::move(piece));
}

}  // namespace slipway::models::detail
