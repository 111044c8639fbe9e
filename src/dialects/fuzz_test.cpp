// Seeded damage to everything that comes from outside: no crash, no hang, no endless memory.
#include "core/clock.hpp"
#include "dialects/embeddings.hpp"
#include "dialects/recordings.hpp"
#include "dialects/rerank.hpp"
#include "dialects/splice.hpp"

using namespace slipway;
using namespace slipway::dialects;
using namespace slipway::dialects::recordings;

namespace {

constexpr std::uint64_t seed = 20'251;

std::size_t below(Random& random, std::size_t limit) { return random.next() % limit; }

/// Any value that JSON can hold where another stood.
json::Value strange(Random& random) {
  switch (below(random, 10)) {
    case 0: return nullptr;
    case 1: return true;
    case 2: return static_cast<std::int64_t>(random.next());
    case 3: return -1;
    case 4: return 1e300;
    case 5: return "";
    case 6: return "text";
    case 7: return json::Array{1, "a", nullptr, json::Object()};
    case 8: return json::Object{{"type", "text"}, {"text", 5}};
    default: return json::Array();
  }
}

void collect(json::Value& value, std::vector<json::Value*>& all) {
  all.push_back(&value);
  if (value.is_object())
    for (auto& item : value.get_object()) collect(item.value(), all);
  else if (value.is_array())
    for (json::Value& item : value.get_array()) collect(item, all);
}

json::Value damaged(json::Value value, Random& random) {
  for (std::size_t i = 0, n = 1 + below(random, 3); i < n; ++i) {
    std::vector<json::Value*> all;
    collect(value, all);
    json::Value& victim = *all[below(random, all.size())];
    if (victim.is_object() && below(random, 3) == 0) {
      json::Object& object = victim.get_object();
      if (!object.empty() && below(random, 2) == 0)
        object.erase(
            std::next(object.begin(), static_cast<std::ptrdiff_t>(below(random, object.size()))));
      else
        object["unknown"] = strange(random);
    } else {
      victim = strange(random);
    }
  }
  return value;
}

std::string damaged(std::string bytes, Random& random) {
  for (std::size_t i = 0, n = 1 + below(random, 4); i < n && !bytes.empty(); ++i) {
    const std::size_t at = below(random, bytes.size());
    switch (below(random, 5)) {
      case 0: bytes[at] = static_cast<char>(random.next()); break;
      case 1: bytes.erase(at, 1 + below(random, 40)); break;
      case 2: bytes.insert(at, bytes.substr(below(random, bytes.size()), 60)); break;
      case 3: bytes.insert(at, "\n\ndata: {\"choices\":[{\"index\":9999}]}\n\n"); break;
      default: bytes.resize(at); break;
    }
  }
  return bytes;
}

void take_apart(const json::Value& body) {
  for (const Dialect dialect : all_dialects) {
    const auto request = codec(dialect).decode_request(body);
    if (!request) {
      CHECK(request.error().code() == Code::invalid_argument);
      continue;
    }
    for (const Dialect target : all_dialects) {
      std::vector<Unsupported> unsupported;
      json::dump(codec(target).encode_request(*request, unsupported));
    }
    foreign(*request);
  }
  decode_count_tokens(body).ok();
  for (const auto dialect : {EmbeddingDialect::openai, EmbeddingDialect::cohere}) {
    decode_embedding_request(dialect, body).ok();
    decode_embedding_reply(dialect, body).ok();
  }
  for (const auto dialect : {RerankDialect::cohere_v1, RerankDialect::cohere_v2})
    decode_rerank_request(dialect, body).ok();
  decode_rerank_reply(body, 3).ok();
}

}  // namespace

TEST_CASE("no damaged request does more than be refused") {
  SeededRandom random(seed);
  for (const std::string& name : names("requests", ".json")) {
    const json::Value body = parsed(read(root / "requests" / (name + ".json")));
    for (int round = 0; round < 150; ++round) take_apart(damaged(body, random));
  }
}

TEST_CASE("no damaged reply does more than be no reply") {
  SeededRandom random(seed);
  ChatRequest asked;
  asked.logprobs = true;
  for (const std::string& name : names("replies", ".json")) {
    const json::Value body = parsed(read(root / "replies" / (name + ".json")));
    for (int round = 0; round < 150; ++round) {
      const json::Value broken = damaged(body, random);
      for (const Dialect dialect : all_dialects) {
        const auto reply = codec(dialect).decode_reply(broken);
        if (!reply) CHECK(reply.error().code() == Code::unavailable);
        codec(dialect).decode_error(500, json::dump(broken));
        if (!reply) continue;
        for (const Dialect target : all_dialects)
          json::dump(codec(target).encode_reply(asked, *reply));
      }
    }
  }
}

TEST_CASE("no damaged stream does more than fail, and what came of it can be told") {
  SeededRandom random(seed);
  for (const std::string& name : names("streams", ".sse")) {
    const std::string bytes = read(root / "streams" / (name + ".sse"));
    for (int round = 0; round < 200; ++round) {
      const std::string broken = damaged(bytes, random);
      const std::size_t piece = 1 + below(random, 200);
      for (const Dialect dialect : all_dialects) {
        const auto decoder = codec(dialect).stream_decoder();
        std::vector<std::unique_ptr<StreamEncoder>> encoders;
        for (const Dialect target : all_dialects)
          encoders.push_back(codec(target).stream_encoder({}));
        bool failed = false;
        for (std::size_t at = 0; at < broken.size() && !failed; at += piece) {
          const auto events = decoder->feed(std::string_view(broken).substr(at, piece));
          failed = !events.ok();
          if (failed) CHECK(events.error().code() == Code::unavailable);
          if (!failed)
            for (const ChatEvent& event : *events)
              for (const auto& encoder : encoders) encoder->encode(event);
        }
        const auto last = decoder->finish();
        if (failed) CHECK_FALSE(last.ok());
      }
    }
  }
}

TEST_CASE("noise is no stream of any dialect") {
  SeededRandom random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string noise(below(random, 2000), '\0');
    for (char& c : noise) c = static_cast<char>(random.next());
    for (const Dialect dialect : all_dialects) CHECK_FALSE(decode(dialect, noise, 97).ok());
    CHECK_FALSE(glance(noise).ok());
  }
}

TEST_CASE("an event without an end is given up at its limit") {
  const auto decoder = codec(Dialect::openai).stream_decoder();
  const std::string piece(1 << 20, 'x');
  bool failed = false;
  for (int i = 0; i < 40 && !failed; ++i) failed = !decoder->feed("data: " + piece).ok();
  CHECK(failed);
}

TEST_CASE("a look at a damaged body agrees with the parser") {
  SeededRandom random(seed);
  for (const std::string& name : names("requests", ".json")) {
    const std::string body = read(root / "requests" / (name + ".json"));
    for (int round = 0; round < 200; ++round) {
      const std::string broken = damaged(body, random);
      const auto seen = glance(broken);
      const auto value = json::parse(broken);
      if (seen) REQUIRE(value.ok());
      if (!seen || seen->model_end == 0) continue;
      CHECK(value->at("model") == json::Value(seen->model));
      const auto again = json::parse(with_model(broken, *seen, "other"));
      REQUIRE(again.ok());
      CHECK(again->at("model") == json::Value("other"));
    }
  }
}
