#include "eval/detail/score_text.hpp"

#include "eval/detail/plain_bytes.hpp"

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
    std::size_t end = at + plain_run(text, at);
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
