// Every recording in every dialect's words. What comes out stands in files beside the recordings,
// and each was read.
#include "dialects/recordings.hpp"

using namespace slipway;
using namespace slipway::dialects;
using namespace slipway::dialects::recordings;

namespace {

json::Value reported(const std::vector<Unsupported>& unsupported) {
  json::Array paths;
  for (const Unsupported& item : unsupported) {
    CHECK_FALSE(item.parameter.empty());
    CHECK_FALSE(item.reason.empty());
    paths.push_back(json::Value(item.parameter));
  }
  return paths;
}

ChatRequest asking_all() {
  ChatRequest request;
  request.model = "fast";
  request.logprobs = true;
  request.stream = true;
  request.stream_usage = true;
  return request;
}

}  // namespace

TEST_CASE("every recorded request can be asked of every dialect, or is told what it cannot say") {
  for (const std::string& name : names("requests", ".json")) {
    CAPTURE(name);
    const json::Value body = parsed(read(root / "requests" / (name + ".json")));
    const auto request = codec(dialect_of(name)).decode_request(body);
    REQUIRE_MESSAGE(request.ok(), (request ? std::string() : request.error().message()));
    json::Object told;
    for (const Dialect target : all_dialects) {
      std::vector<Unsupported> unsupported;
      json::Value encoded = codec(target).encode_request(*request, unsupported);
      // What is said is a request of that dialect.
      CHECK(codec(target).decode_request(encoded).ok());
      told[json::name(target)] = {{"body", std::move(encoded)},
                                  {"unsupported", reported(unsupported)}};
    }
    check_recorded(root / "expected" / ("request-" + name + ".json"), told);
  }
}

TEST_CASE("a request says to its own dialect all that it said") {
  for (const std::string& name : names("requests", ".json")) {
    CAPTURE(name);
    const Codec& own = codec(dialect_of(name));
    const json::Value body = parsed(read(root / "requests" / (name + ".json")));
    const auto request = own.decode_request(body);
    REQUIRE(request.ok());
    std::vector<Unsupported> unsupported;
    const json::Value encoded = own.encode_request(*request, unsupported);
    CHECK(reported(unsupported) == json::Value(json::Array()));
    // Whatever form it took, it is read as the same once more.
    std::vector<Unsupported> again;
    const auto reread = own.decode_request(encoded);
    REQUIRE_MESSAGE(reread.ok(), (reread ? std::string() : reread.error().message()));
    CHECK(json::dump(settled(own.encode_request(*reread, again))) == json::dump(settled(encoded)));
  }
}

TEST_CASE("every recorded reply can be told in every dialect") {
  for (const std::string& name : names("replies", ".json")) {
    CAPTURE(name);
    const auto reply =
        codec(dialect_of(name)).decode_reply(parsed(read(root / "replies" / (name + ".json"))));
    REQUIRE_MESSAGE(reply.ok(), (reply ? std::string() : reply.error().message()));
    json::Object told;
    for (const Dialect target : all_dialects) {
      json::Value encoded = codec(target).encode_reply(asking_all(), *reply);
      const auto reread = codec(target).decode_reply(encoded);
      REQUIRE(reread.ok());
      if (target != Dialect::openai_completions) {
        CHECK(reread->choices[0].tool_calls.size() == reply->choices[0].tool_calls.size());
        CHECK(reread->usage.input_tokens == reply->usage.input_tokens);
        CHECK(reread->usage.output_tokens == reply->usage.output_tokens);
      }
      told[json::name(target)] = std::move(encoded);
    }
    check_recorded(root / "expected" / ("reply-" + name + ".json"), told);
  }
}

TEST_CASE("every recorded stream can be told in every dialect, in whatever pieces it comes") {
  for (const std::string& name : names("streams", ".sse")) {
    CAPTURE(name);
    const std::string bytes = read(root / "streams" / (name + ".sse"));
    const auto events = decode(dialect_of(name), bytes, bytes.size());
    REQUIRE_MESSAGE(events.ok(), (events ? std::string() : events.error().message()));
    json::Object told;
    for (const Dialect target : all_dialects) {
      const auto encoder = codec(target).stream_encoder(asking_all());
      std::string encoded;
      for (const ChatEvent& event : *events) encoded += encoder->encode(event);
      told[json::name(target)] = events_of(encoded);
      for (const std::size_t piece : {1, 2, 3, 7, 64}) {
        const auto pieces = decode(dialect_of(name), bytes, piece);
        REQUIRE(pieces.ok());
        CHECK(pieces->size() == events->size());
        if (target == Dialect::openai_completions) continue;  // It cannot say calls.
        // What was encoded says the same.
        const auto reread = decode(target, encoded, piece);
        REQUIRE_MESSAGE(reread.ok(), (reread ? std::string() : reread.error().message()));
        Told before, after;
        for (const ChatEvent& event : *events) before.take(event);
        for (const ChatEvent& event : *reread) after.take(event);
        CHECK(after.has_ended);
        const bool keeps_refusals =
            target == Dialect::openai || target == Dialect::openai_responses;
        const std::string said = before.text(PartKind::text);
        const std::string refused = before.text(PartKind::refusal);
        CHECK(after.text(PartKind::text) == (keeps_refusals ? said : said + refused));
        CHECK(after.text(PartKind::reasoning) == before.text(PartKind::reasoning));
        const auto& asked = before.choices[0].tool_calls;
        const auto& got = after.choices[0].tool_calls;
        REQUIRE(got.size() == asked.size());
        for (std::size_t i = 0; i < asked.size(); ++i) {
          CHECK(got[i].id == asked[i].id);
          CHECK(got[i].name == asked[i].name);
          CHECK(got[i].arguments == asked[i].arguments);
        }
        CHECK(after.usage.output_tokens == before.usage.output_tokens);
        CHECK(after.usage.input_tokens == before.usage.input_tokens);
        CHECK(after.choices[0].annotations.size() == before.choices[0].annotations.size());
      }
    }
    check_recorded(root / "expected" / ("stream-" + name + ".json"), told);
  }
}

TEST_CASE("a stream that breaks off anywhere never ends as a whole one") {
  for (const std::string& name : names("streams", ".sse")) {
    CAPTURE(name);
    const std::string bytes = read(root / "streams" / (name + ".sse"));
    const auto whole = decode(dialect_of(name), bytes, bytes.size());
    REQUIRE(whole.ok());
    const auto finished = [](const std::vector<ChatEvent>& events) {
      return std::any_of(events.begin(), events.end(),
                         [](const ChatEvent& event) { return event.kind == EventKind::finish; });
    };
    for (std::size_t cut = 0; cut < bytes.size(); cut += 13) {
      const auto broken = decode(dialect_of(name), std::string_view(bytes).substr(0, cut), 64);
      // OpenAI's say why they end before the last line; nothing of the answer is missing then.
      if (broken) CHECK(finished(*broken));
      if (!broken) CHECK(broken.error().code() == Code::unavailable);
    }
  }
}

TEST_CASE("a stream that fails shows its dialect's sign of it and no normal end") {
  const WireError error{.status = 502, .code = "upstream_error", .message = "it broke"};
  json::Object told;
  for (const Dialect dialect : all_dialects) {
    const auto encoder = codec(dialect).stream_encoder(asking_all());
    std::string bytes = encoder->encode({.kind = EventKind::start, .id = "x"});
    bytes += encoder->encode({.kind = EventKind::text, .text = "half"});
    bytes += encoder->fail(error);
    CHECK(bytes.find("[DONE]") == std::string::npos);
    const auto reread = decode(dialect, bytes, bytes.size());
    REQUIRE_FALSE(reread.ok());
    CHECK(reread.error().message() == "it broke");
    told[json::name(dialect)] = events_of(bytes);
  }
  check_recorded(root / "expected" / "failures.json", told);
}
