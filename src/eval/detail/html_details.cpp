#include "eval/detail/html_details.hpp"

#include "core/json.hpp"
#include "eval/detail/markup.hpp"
#include "eval/reports.hpp"

namespace slipway::eval::detail {

namespace {

std::string text_at(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  if (!value || value->is_null()) return "";
  return value->is_string() ? std::string(value->get_string()) : json::dump(*value);
}

void box(std::string& out, std::string_view title, std::string_view text) {
  if (text.empty()) return;
  out += fmt::format("<div><h3>{}</h3><div class=\"text\">{}</div></div>", title,
                     markup_escaped(text));
}

void difference(std::string& out, std::string_view expected, std::string_view actual) {
  if (expected.empty() || actual.empty() || expected == actual) return;
  out += "<h3>Expected, and what came instead</h3><div class=\"text\">";
  for (const DiffPart& part : word_difference(expected, actual)) {
    const std::string text = markup_escaped(part.text);
    switch (part.side) {
      case DiffPart::Side::both: out += text; break;
      case DiffPart::Side::first: out += fmt::format("<del>{}</del>", text); break;
      case DiffPart::Side::second: out += fmt::format("<ins>{}</ins>", text); break;
    }
  }
  out += "</div>";
}

void passages(std::string& out, const json::Object& details) {
  const json::Value* value = details.if_contains("retrieval_context");
  if (!value || !value->is_array() || value->get_array().empty()) return;
  const json::Value* ids = details.if_contains("retrieved_ids");
  out += fmt::format("<details><summary>{} passages</summary>", value->get_array().size());
  for (std::size_t i = 0; i < value->get_array().size(); ++i) {
    const json::Value& passage = value->get_array()[i];
    std::string title = std::to_string(i + 1);
    if (ids && ids->is_array() && i < ids->get_array().size() && ids->get_array()[i].is_string())
      title += " " + markup_escaped(ids->get_array()[i].get_string());
    if (passage.is_string()) box(out, title, passage.get_string());
  }
  out += "</details>";
}

void verdicts(std::string& out, const json::Value& items) {
  if (!items.is_array() || items.get_array().empty()) return;
  out += "<table><tbody>";
  for (const json::Value& item : items.get_array()) {
    if (!item.is_object()) continue;
    const json::Object& one = item.get_object();
    const json::Value* score = one.if_contains("score");
    out += fmt::format(
        "<tr><td>{}</td><td class=\"num\">{}</td><td>{}<br><span class=\"soft\">{}"
        "</span></td></tr>",
        markup_escaped(text_at(one, "verdict")),
        score && score->is_number() ? shown_number(score->to_number<double>()) : "",
        markup_escaped(text_at(one, "text")), markup_escaped(text_at(one, "reason")));
  }
  out += "</tbody></table>";
}

void metric(std::string& out, std::string_view name, const json::Object& score) {
  const json::Value* value = score.if_contains("score");
  out += fmt::format(
      "<h3>{} {}</h3>", markup_escaped(name),
      value && value->is_number() ? shown_number(value->to_number<double>()) : "has no score");
  for (const char* key : {"reason", "error"})
    if (const std::string text = text_at(score, key); !text.empty())
      out += fmt::format("<div class=\"{}\">{}</div>", key[0] == 'e' ? "bad" : "soft",
                         markup_escaped(text));
  if (const json::Value* repeats = score.if_contains("repeats"))
    out +=
        fmt::format("<div class=\"soft\">repeats: {}</div>", markup_escaped(json::dump(*repeats)));
  if (const json::Value* items = score.if_contains("items")) verdicts(out, *items);
}

}  // namespace

std::string html_details(std::string_view details) {
  const auto value = json::parse(details);
  if (!value || !value->is_object()) return "";
  const json::Object& object = value->get_object();
  std::string out = "<div class=\"grid\">";
  const std::string expected = text_at(object, "expected_output");
  const std::string actual = text_at(object, "actual_output");
  box(out, "Input", text_at(object, "input"));
  box(out, "Expected", expected);
  box(out, "Output", actual);
  out += "</div>";
  difference(out, expected, actual);
  passages(out, object);
  if (const json::Value* scores = object.if_contains("scores"); scores && scores->is_object())
    for (const auto& [name, score] : scores->get_object())
      if (score.is_object()) metric(out, name, score.get_object());
  return out;
}

}  // namespace slipway::eval::detail
