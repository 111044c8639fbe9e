// What every ChatModel must do, as doctest checks: each provider runs it in a test of its own.
#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "core/unicode.hpp"
#include "models/chat_model.hpp"

namespace slipway::models {

struct ChatModelTraits {
  bool counts_exactly = true;  ///< Token counts are the model's own, not an estimate.
  std::string question = "Write one sentence about the sea.";
};

namespace conformance {

inline ChatRequest ask(const std::string& question, int max_tokens = 24) {
  ChatRequest request;
  request.messages = {{Role::system, "You are brief."}, {Role::user, question}};
  request.max_tokens = max_tokens;
  return request;
}

inline Code code_of(const Result<ChatReply>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error().code();
}

inline ChatReply must(Result<ChatReply> result) {
  INFO((result.ok() ? std::string() : result.error().message()));
  REQUIRE(result.ok());
  return *std::move(result);
}

inline void streams(ChatModel& model, const ChatModelTraits& traits) {
  std::string streamed;
  bool whole = true;
  const ChatReply reply = must(model.chat({}, ask(traits.question), [&](std::string_view piece) {
    whole = whole && !piece.empty() && unicode::is_valid_utf8(piece);
    streamed += piece;
    return true;
  }));
  CHECK(whole);
  CHECK_FALSE(reply.content.empty());
  CHECK(streamed == reply.content);
  CHECK(reply.usage.input_tokens > 0);
  CHECK(reply.usage.output_tokens > 0);
  CHECK(reply.usage.cached_input_tokens <= reply.usage.input_tokens);
  CHECK(reply.first_token_ms > 0);
  CHECK(reply.first_token_ms <= reply.total_ms);
  const ChatReply again = must(model.chat({}, ask(traits.question)));
  CHECK(again.content == reply.content);
}

inline void obeys_limits(ChatModel& model, const ChatModelTraits& traits) {
  const ChatReply whole = must(model.chat({}, ask(traits.question)));
  const ChatReply cut = must(model.chat({}, ask(traits.question, 3)));
  CHECK(cut.finish_reason == FinishReason::length);
  CHECK(whole.content.starts_with(cut.content));
  CHECK(cut.content.size() < whole.content.size());
  if (traits.counts_exactly) CHECK(cut.usage.output_tokens == 3);

  // Four letters in the middle, across the borders of tokens.
  std::size_t at = unicode::floor_boundary(whole.content, whole.content.size() / 2);
  ChatRequest stopped = ask(traits.question);
  stopped.stop = {"never said \xF0\x9F\x9A\xA2", whole.content.substr(at, 4)};
  REQUIRE(unicode::is_valid_utf8(stopped.stop[1]));
  const std::string expected = whole.content.substr(0, whole.content.find(stopped.stop[1]));
  std::string streamed;
  const ChatReply reply = must(model.chat({}, stopped, [&](std::string_view piece) {
    streamed += piece;
    return true;
  }));
  CHECK(reply.content == expected);
  CHECK(streamed == expected);
  CHECK(reply.finish_reason == FinishReason::stop);
}

inline void ends_when_told(ChatModel& model, const ChatModelTraits& traits) {
  std::string streamed;
  const ChatReply refused = must(model.chat({}, ask(traits.question), [&](std::string_view piece) {
    streamed += piece;
    return false;
  }));
  CHECK(refused.finish_reason == FinishReason::cancelled);
  CHECK(refused.content == streamed);

  std::stop_source source;
  const auto stops = [&](std::string_view) { return source.request_stop(); };
  CHECK(code_of(model.chat(Context(source.get_token()), ask(traits.question), stops)) ==
        Code::cancelled);
  CHECK(code_of(model.chat(Context(source.get_token()), ask(traits.question))) == Code::cancelled);
  const Context late = Context().with_timeout(std::chrono::milliseconds(0));
  CHECK(code_of(model.chat(late, ask(traits.question))) == Code::deadline_exceeded);
  must(model.chat({}, ask(traits.question, 2)));  // Still usable.
}

inline void refuses_nonsense(ChatModel& model, const ChatModelTraits& traits) {
  const ChatRequest good = ask(traits.question);
  std::vector<ChatRequest> bad(9, good);
  bad[0].messages.clear();
  bad[1].max_tokens = 0;
  bad[2].temperature = -1;
  bad[3].temperature = NAN;
  bad[4].top_p = 1.5;
  bad[5].top_k = -2;
  bad[6].stop = {""};
  bad[7].messages[1].content = "half a code point \xC3";
  bad[8].repeat_penalty = 0;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    CAPTURE(i);
    CHECK(code_of(model.chat({}, bad[i])) == Code::invalid_argument);
    CHECK_FALSE(model.render(bad[i]).ok());
  }
}

inline void serves_many(ChatModel& model, const ChatModelTraits& traits) {
  const std::string expected = must(model.chat({}, ask(traits.question, 6))).content;
  std::atomic<int> equal{0};
  std::vector<std::jthread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&] {
      const auto reply = model.chat({}, ask(traits.question, 6));
      if (reply && reply->content == expected) ++equal;
    });
  callers.clear();
  CHECK(equal == 4);
}

inline void describes_itself(ChatModel& model, const ChatModelTraits& traits) {
  CHECK_FALSE(model.name().empty());
  CHECK(model.identity().find('@') != std::string::npos);
  CHECK(model.context_tokens_max() > 0);
  CHECK(*model.count_tokens("") == 0);
  CHECK(*model.count_tokens("one two three four five six") > *model.count_tokens("one"));
  const auto prompt = model.render(ask(traits.question));
  REQUIRE(prompt.ok());
  CHECK(prompt->find("You are brief.") < prompt->find(traits.question));
}

}  // namespace conformance

/// `model` must answer `traits.question` with more than 24 tokens, the same each time.
inline void check_chat_model(ChatModel& model, const ChatModelTraits& traits = {}) {
  SUBCASE("streams what it replies") { conformance::streams(model, traits); }
  SUBCASE("obeys max_tokens and stop strings") { conformance::obeys_limits(model, traits); }
  SUBCASE("ends when told") { conformance::ends_when_told(model, traits); }
  SUBCASE("refuses nonsense") { conformance::refuses_nonsense(model, traits); }
  SUBCASE("serves many callers") { conformance::serves_many(model, traits); }
  SUBCASE("describes itself") { conformance::describes_itself(model, traits); }
}

}  // namespace slipway::models
