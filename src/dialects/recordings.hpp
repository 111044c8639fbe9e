// For tests: recorded traffic in the vendors' shapes (tests/data/dialects), what is made of it, and
// how it is compared. Not for programs.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "dialects/codec.hpp"
#include "http/client.hpp"

namespace slipway::dialects::recordings {

inline const std::filesystem::path root = SLIPWAY_TEST_DATA;

inline constexpr Dialect all_dialects[] = {Dialect::openai, Dialect::openai_responses,
                                           Dialect::openai_completions, Dialect::anthropic,
                                           Dialect::cohere};

inline std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  REQUIRE_MESSAGE(value.ok(), (value ? std::string() : value.error().message()));
  return *value;
}

/// The recordings of one kind ("requests"), by name: "openai-tools".
inline std::vector<std::string> names(std::string_view kind, std::string_view extension) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(root / kind))
    if (entry.path().extension() == extension) found.push_back(entry.path().stem().string());
  std::sort(found.begin(), found.end());
  REQUIRE_FALSE(found.empty());
  return found;
}

/// "anthropic-tools" -> Dialect::anthropic
inline Dialect dialect_of(std::string_view name) {
  if (name.starts_with("responses-")) return Dialect::openai_responses;
  if (name.starts_with("completions-")) return Dialect::openai_completions;
  if (name.starts_with("anthropic-")) return Dialect::anthropic;
  if (name.starts_with("cohere-")) return Dialect::cohere;
  return Dialect::openai;
}

/// Ids that were made (26 characters of base 32 after a prefix) become "*", times 0.
inline json::Value settled(json::Value value) {
  constexpr std::size_t made = 26;
  if (value.is_object()) {
    for (auto& [key, item] : value.get_object()) {
      const bool is_time = key == "created" || key == "created_at";
      item = is_time && item.is_number() ? json::Value(0) : settled(item);
    }
  } else if (value.is_array()) {
    for (json::Value& item : value.get_array()) item = settled(item);
  } else if (value.is_string()) {
    const std::string text(value.get_string());
    const std::size_t end = text.find_last_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    const std::size_t begin = end == std::string::npos ? 0 : end + 1;
    if (text.size() - begin == made) value = text.substr(0, begin) + "*";
  }
  return value;
}

/// Compares with the file, which somebody has read and found right. With SLIPWAY_RECORD=1 the file
/// is written instead: read the difference before it is kept.
inline void check_recorded(const std::filesystem::path& file, const json::Value& value) {
  const std::string text = json::dump_pretty(settled(value));
  if (std::getenv("SLIPWAY_RECORD") != nullptr) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  CHECK_MESSAGE(read(file) == text, file.filename().string());
}

/// A stream's events as data: name and JSON of each.
inline json::Array events_of(const std::string& bytes) {
  json::Array events;
  http::SseParser parser;
  const bool whole = parser.feed(bytes, [&](const http::SseParser::Event& event) {
    json::Object item;
    if (event.event != "message") item["event"] = event.event;
    item["data"] = event.data == "[DONE]" ? json::Value("[DONE]") : parsed(event.data);
    events.push_back(std::move(item));
    return true;
  });
  CHECK(whole);
  return events;
}

/// What a stream says, put together as its reader would.
struct Told {
  std::map<std::size_t, Choice> choices;
  ChatUsage usage;
  std::string id, model;
  bool has_ended = false;

  void take(const ChatEvent& event) {
    Choice& choice = choices[event.choice];
    switch (event.kind) {
      case EventKind::start: id = event.id, model = event.model; break;
      case EventKind::text: add(choice, PartKind::text, event); break;
      case EventKind::refusal: add(choice, PartKind::refusal, event); break;
      case EventKind::reasoning: add(choice, PartKind::reasoning, event); break;
      case EventKind::tool_start:
        REQUIRE(event.call_index == choice.tool_calls.size());
        choice.tool_calls.push_back(event.call);
        break;
      case EventKind::tool_delta:
        REQUIRE(event.call_index < choice.tool_calls.size());
        choice.tool_calls[event.call_index].arguments += event.text;
        break;
      case EventKind::annotation: choice.annotations.push_back(event.annotation); break;
      case EventKind::finish:
        choice.finish_reason = event.finish_reason;
        choice.stop_sequence = event.stop_sequence;
        break;
      case EventKind::usage: usage = event.usage; break;
      case EventKind::end: has_ended = true; break;
    }
  }

  std::string text(PartKind kind, std::size_t index = 0) const {
    std::string all;
    for (const Part& part : choices.at(index).parts)
      if (part.kind == kind) all += part.text;
    return all;
  }

 private:
  static void add(Choice& choice, PartKind kind, const ChatEvent& event) {
    Part part;
    part.kind = kind;
    part.text = event.text;
    part.signature = event.signature;
    part.data = event.data;
    choice.parts.push_back(std::move(part));
    for (const TokenLogprob& token : event.logprobs) choice.logprobs.push_back(token);
  }
};

/// The events of a stream that comes in pieces of that many bytes.
inline Result<std::vector<ChatEvent>> decode(Dialect dialect, std::string_view bytes,
                                             std::size_t piece) {
  const auto decoder = codec(dialect).stream_decoder();
  std::vector<ChatEvent> events;
  const auto add = [&](std::vector<ChatEvent> more) {
    for (ChatEvent& event : more) events.push_back(std::move(event));
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    add(TRY(decoder->feed(bytes.substr(at, piece))));
  add(TRY(decoder->finish()));
  return events;
}

}  // namespace slipway::dialects::recordings
