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

inline dialects::ChatRequest talk(const std::string& question, std::int64_t max_tokens = 24) {
  dialects::ChatRequest request;
  request.messages.resize(2);
  request.messages[0].role = dialects::Role::system;
  request.messages[0].parts = {{dialects::PartKind::text, "You are brief."}};
  request.messages[1].parts = {{dialects::PartKind::text, question}};
  request.max_tokens = max_tokens;
  return request;
}

inline dialects::ChatReply must(Result<dialects::ChatReply> result) {
  INFO((result.ok() ? std::string() : result.error().message()));
  REQUIRE(result.ok());
  return *std::move(result);
}

inline std::string text_of(const dialects::Choice& choice) {
  std::string text;
  for (const dialects::Part& part : choice.parts)
    if (part.kind == dialects::PartKind::text) text += part.text;
  return text;
}

inline Error error_of(const Result<dialects::ChatReply>& result) {
  REQUIRE_FALSE(result.ok());
  return result.error();
}

/// What came by events, put together again.
struct Heard {
  std::vector<dialects::EventKind> kinds;
  std::vector<std::string> texts;
  std::vector<dialects::FinishReason> finishes;
  dialects::ChatUsage usage;
  bool whole = true;

  EventSink sink(std::size_t choices = 1) {
    texts.assign(choices, "");
    return [this](const dialects::ChatEvent& event) {
      kinds.push_back(event.kind);
      whole = whole && unicode::is_valid_utf8(event.text) && !event.id.empty();
      if (event.kind == dialects::EventKind::text) texts.at(event.choice) += event.text;
      if (event.kind == dialects::EventKind::finish) finishes.push_back(event.finish_reason);
      if (event.kind == dialects::EventKind::usage) usage = event.usage;
      return true;
    };
  }
};

inline void converses(ChatModel& model, const ChatModelTraits& traits) {
  const std::string expected = must(model.chat({}, ask(traits.question))).content;
  Heard heard;
  const auto reply = must(model.converse({}, talk(traits.question), heard.sink()));
  REQUIRE(reply.choices.size() == 1);
  CHECK(text_of(reply.choices[0]) == expected);
  CHECK(heard.texts[0] == expected);
  CHECK(heard.whole);
  CHECK_FALSE(reply.id.empty());
  CHECK(reply.model == model.name());
  CHECK(reply.created > 1'600'000'000);
  REQUIRE(heard.kinds.size() >= 5);
  CHECK(heard.kinds.front() == dialects::EventKind::start);
  CHECK(*(heard.kinds.end() - 3) == dialects::EventKind::finish);
  CHECK(*(heard.kinds.end() - 2) == dialects::EventKind::usage);
  CHECK(heard.kinds.back() == dialects::EventKind::end);
  CHECK(heard.usage.input_tokens > 0);
  CHECK(heard.usage.output_tokens == reply.usage.output_tokens);
  CHECK(text_of(must(model.converse({}, talk(traits.question))).choices[0]) == expected);

  auto twice = talk(traits.question, 4);
  twice.choices = 2;
  twice.model = "asked/for";
  Heard both;
  const auto two = must(model.converse({}, twice, both.sink(2)));
  CHECK(two.model == "asked/for");
  REQUIRE(two.choices.size() == 2);
  CHECK(two.usage.output_tokens >= 2 * two.choices.size());
  for (std::size_t i = 0; i < 2; ++i) CHECK(both.texts[i] == text_of(two.choices[i]));
  CHECK(both.finishes.size() == 2);
}

inline void converses_within_limits(ChatModel& model, const ChatModelTraits& traits) {
  const std::string whole = text_of(must(model.converse({}, talk(traits.question))).choices[0]);
  const auto cut = must(model.converse({}, talk(traits.question, 3)));
  CHECK(cut.choices[0].finish_reason == dialects::FinishReason::length);
  CHECK(whole.starts_with(text_of(cut.choices[0])));
  auto stopped = talk(traits.question);
  const std::size_t at = unicode::floor_boundary(whole, whole.size() / 2);
  stopped.stop = {whole.substr(at, 4)};
  const auto reply = must(model.converse({}, stopped));
  CHECK(text_of(reply.choices[0]) == whole.substr(0, whole.find(stopped.stop[0])));
  CHECK(reply.choices[0].finish_reason == dialects::FinishReason::stop);

  std::string heard;
  const auto refused =
      must(model.converse({}, talk(traits.question), [&](const dialects::ChatEvent& event) {
        heard += event.text;
        return event.kind != dialects::EventKind::text;
      }));
  CHECK(text_of(refused.choices[0]) == heard);
  CHECK(heard.size() < whole.size());
  CHECK(refused.usage.input_tokens > 0);

  std::stop_source source;
  source.request_stop();
  const Context stopped_before(source.get_token());
  CHECK(error_of(model.converse(stopped_before, talk(traits.question))).code() == Code::cancelled);
  const Context late = Context().with_timeout(std::chrono::milliseconds(0));
  CHECK(error_of(model.converse(late, talk(traits.question))).code() == Code::deadline_exceeded);
}

inline void refuses_what_it_cannot_say(ChatModel& model, const ChatModelTraits& traits) {
  const auto good = talk(traits.question);
  std::vector<std::pair<std::string, dialects::ChatRequest>> bad(7, {"", good});
  bad[0] = {"messages", {}};
  bad[1].first = "temperature";
  bad[1].second.temperature = -0.5;
  bad[2].first = "stop";
  bad[2].second.stop = {""};
  bad[3].first = "n";
  bad[3].second.choices = 0;
  bad[4].first = "messages[1]";
  bad[4].second.messages[1].parts[0].text = "half \xC3";
  bad[5].first = "tool_choice";
  bad[5].second.tool_choice = dialects::ToolChoice::required;
  bad[6].first = "max_tokens";
  bad[6].second.max_tokens = 0;
  for (const auto& [parameter, request] : bad) {
    CAPTURE(parameter);
    const Error error = error_of(model.converse({}, request));
    CHECK(error.code() == Code::invalid_argument);
    CHECK(error.message().starts_with(parameter));
  }
  auto strange = good;
  strange.extra["service_tier"] = "flex";
  const Error error = error_of(model.converse({}, strange));
  CHECK(error.code() == Code::unsupported);
  CHECK(error.message().starts_with("service_tier"));
}

}  // namespace conformance

/// `model` must answer `traits.question` with more than 24 tokens, the same each time.
inline void check_chat_model(ChatModel& model, const ChatModelTraits& traits = {}) {
  SUBCASE("streams what it replies") { conformance::streams(model, traits); }
  SUBCASE("obeys max_tokens and stop strings") { conformance::obeys_limits(model, traits); }
  SUBCASE("ends when told") { conformance::ends_when_told(model, traits); }
  SUBCASE("refuses nonsense") { conformance::refuses_nonsense(model, traits); }
  SUBCASE("serves many callers") { conformance::serves_many(model, traits); }
  SUBCASE("converses") { conformance::converses(model, traits); }
  SUBCASE("converses within limits") { conformance::converses_within_limits(model, traits); }
  SUBCASE("refuses what it cannot say") { conformance::refuses_what_it_cannot_say(model, traits); }
  SUBCASE("describes itself") { conformance::describes_itself(model, traits); }
}

}  // namespace slipway::models
