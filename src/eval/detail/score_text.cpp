#include "eval/detail/score_text.hpp"

#include <cstdint>
#include <cstring>

namespace slipway::eval {

namespace {

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\b': out += "\\b"; break;
    case '\f': out += "\\f"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
  }
}

bool is_plain(char c) { return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\'; }

constexpr std::size_t word_bytes = 8;

/// The same of eight bytes at once: where a byte is zero, subtracting one borrows into its highest
/// bit ("Bit Twiddling Hacks", S. E. Anderson, "Determine if a word has a zero byte").
bool are_plain(const char* bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, word_bytes);
  const auto has_zero = [](std::uint64_t w) { return (w - ones) & ~w & highs; };
  const std::uint64_t below_space = (word - ones * 0x20) & ~word & highs;
  return (below_space | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\')) == 0;
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += ",\"";
  out += key;
  out += "\":";
  append_quoted(out, text);
}

void append_item(std::string& out, const ScoredItem& item) {
  out += R"({"text":)";
  append_quoted(out, item.text);
  if (!item.verdict.empty()) append_member(out, "verdict", item.verdict);
  if (!item.reason.empty()) append_member(out, "reason", item.reason);
  if (item.score) out += R"(,"score":)" + json::dump(*item.score);
  if (item.byte_start && item.byte_end)
    fmt::format_to(std::back_inserter(out), R"(,"span":[{},{}])", *item.byte_start, *item.byte_end);
  out += '}';
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end + word_bytes <= text.size() && are_plain(text.data() + end)) end += word_bytes;
    while (end < text.size() && is_plain(text[end])) ++end;
    out += text.substr(at, end - at);
    if (end < text.size()) append_escape(out, text[end++]);
    at = end;
  }
  out += '"';
}

void append_score(std::string& out, const Metric& metric, const Score& score, std::string_view id) {
  out += R"({"id":)";
  append_quoted(out, id);
  append_member(out, "metric", metric.spec().label());
  append_member(out, "mode", json::name(metric.mode()));
  out += R"(,"score":)";
  out += score.value ? json::dump(*score.value) : "null";
  out += R"(,"pass":)";
  out += !score.passed ? "null" : *score.passed ? "true" : "false";
  append_member(out, "reason", score.reason);
  for (const auto& [key, value] : score.extra) {
    out += ',';
    append_quoted(out, key);
    out += ':' + json::dump(value);
  }
  out += R"(,"items":[)";
  for (const ScoredItem& item : score.items) {
    if (&item != score.items.data()) out += ',';
    append_item(out, item);
  }
  out += R"(],"judge_calls":[)";
  for (const std::string& call : score.judge_calls) {
    if (&call != score.judge_calls.data()) out += ',';
    append_quoted(out, call);
  }
  out += "]}";
}

}  // namespace slipway::eval
