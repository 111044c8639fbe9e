// What all models do alike with a conversation in `dialects/chat.hpp`'s words.
#pragma once

#include "models/chat_model.hpp"

namespace slipway::models::detail {

/// What is wrong with a request whatever the model. Fails: invalid_argument; the message begins
/// with the parameter.
Result<void> check_conversation(const dialects::ChatRequest& request);

/// "{parameter}: model '{model}' does not take it; {remedy}".
Error not_taken(std::string_view parameter, std::string_view model, std::string_view remedy);

/// The parts of a message as one text: text, refusals, documents with their titles. `path` is the
/// message's, for errors. Fails: unsupported (images, audio, reasoning, documents by address).
Result<std::string> text_of(const dialects::Message& message, std::string_view path,
                            std::string_view model);

/// Without calls of tools. `system` for developers too. Fails: as `text_of`; unsupported (tools).
Result<std::vector<Message>> plain_messages(const dialects::ChatRequest& request,
                                            std::string_view model);

dialects::ChatUsage usage_of(const Usage& usage);

/// Makes the reply and its events at once, so that both say the same. Not thread safe.
class ReplyBuilder {
 public:
  /// `sink` must outlive it.
  ReplyBuilder(std::string model, std::size_t choices, const EventSink& sink);

  /// An event of a choice joins the reply and goes to the sink. False: the sink has enough.
  bool add(dialects::ChatEvent event);
  /// `usage` and `end`, and the whole reply. Call it once, last.
  dialects::ChatReply finish(const dialects::ChatUsage& usage);
  bool is_refused() const { return is_refused_; }

 private:
  bool send(const dialects::ChatEvent& event);
  void join(const dialects::ChatEvent& event);

  const EventSink& sink_;
  dialects::ChatReply reply_;
  bool is_started_ = false;
  bool is_refused_ = false;
};

}  // namespace slipway::models::detail
