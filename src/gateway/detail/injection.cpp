#include "gateway/detail/injection.hpp"

#include <algorithm>
#include <vector>

#include "core/pattern.hpp"
#include "core/result.hpp"

namespace slipway::gateway::detail {

namespace {

struct Sign {
  const char* name;
  double weight;
  const char* pattern;
};

constexpr Sign signs[] = {
    {"asks to forget its instructions", 0.8,
     R"~((?i)\b(ignore|disregard|forget|override|bypass|vergiss|ignoriere|)~"
     R"~(missachte)\b.{0,40}\b(previous|prior|above|earlier|all|your|any|system|bisherigen|)~"
     R"~(vorherigen|alle|deine)\b.{0,30}\b(instructions?|prompts?|rules?|directions?|)~"
     R"~(guidelines?|guardrails?|constraints?|anweisungen|regeln|vorgaben)\b)~"},
    {"asks for the hidden prompt", 0.7,
     R"~((?i)\b(reveal|show|print|repeat|output|display|leak|tell me|zeige|verrate|)~"
     R"~(wiederhole)\b.{0,40}\b(system|hidden|initial|secret|original|developer|)~"
     R"~(geheime[nr]?)[ -]?(prompt|message|instructions?|anweisungen))~"},
    {"gives another role", 0.5,
     R"~((?i)\b(you are now|from now on,? you|act as if you|pretend (to be|you are)|)~"
     R"~(du bist (jetzt|ab sofort))\b)~"},
    {"asks to do without limits", 0.6,
     R"~((?i)\b(jailbreak|do anything now|developer mode|dan mode|)~"
     R"~(without (any )?(restrictions?|filters?|limitations?)|ohne (einschr.{1,2}nkungen|)~"
     R"~(filter))\b)~"},
    {"forges a turn of the conversation", 0.75,
     R"~((?i)(<\|(im_start|im_end|system|assistant|endoftext|begin_of_text|start_header_id)\|)~"
     R"~(>|\[/?INST\]|<</?SYS>>|(^|\n) ?(#+ ?)?(system|assistant) ?(prompt|message)? ?:))~"},
    {"wants to send something away", 0.5,
     R"~((?i)\b(send|post|exfiltrate|upload|forward|leak)\b.{0,60}\b(api[ _-]?keys?|)~"
     R"~(passwords?|credentials|secrets?|tokens?|conversation|chat history)\b)~"},
};

struct Compiled {
  const Sign* sign;
  Pattern pattern;
};

const std::vector<Compiled>& compiled() {
  static const std::vector<Compiled> all = [] {
    std::vector<Compiled> made;
    for (const Sign& sign : signs) {
      auto pattern = Pattern::compile(sign.pattern);
      SLIPWAY_ASSERT(pattern.ok());
      made.push_back({&sign, *std::move(pattern)});
    }
    return made;
  }();
  return all;
}

/// Zero-width and direction characters, and the tag block that no font shows.
std::size_t hidden_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find('\xE2', at)) != std::string_view::npos; ++at) {
    const std::string_view three = text.substr(at, 3);
    if (three >= "\xE2\x80\x8B" && three <= "\xE2\x80\x8F") ++count;
    if (three >= "\xE2\x80\xAA" && three <= "\xE2\x80\xAE") ++count;
    if (three >= "\xE2\x81\xA0" && three <= "\xE2\x81\xA9") ++count;
  }
  for (std::size_t at = 0; (at = text.find("\xF3\xA0", at)) != std::string_view::npos; ++at)
    ++count;
  return count;
}

/// Chances that do not know each other: 1 - (1 - a)(1 - b).
void add(Suspicion& suspicion, double& strongest, double weight, const char* name) {
  suspicion.score = 1 - (1 - suspicion.score) * (1 - weight);
  if (weight <= strongest) return;
  strongest = weight;
  suspicion.sign = name;
}

}  // namespace

Suspicion suspect_injection(std::string_view text) {
  Suspicion suspicion;
  double strongest = 0;
  for (const Compiled& one : compiled())
    if (one.pattern.matches(text)) add(suspicion, strongest, one.sign->weight, one.sign->name);
  constexpr std::size_t hidden_few = 4;
  constexpr double hidden_weight = 0.6;
  if (hidden_characters(text) >= hidden_few)
    add(suspicion, strongest, hidden_weight, "hides characters from readers");
  return suspicion;
}

}  // namespace slipway::gateway::detail
