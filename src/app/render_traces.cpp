#include "app/render_traces.hpp"

namespace slipway::app {

namespace {

const json::Value* at(const json::Value& value, std::string_view key) {
  const json::Object* object = value.if_object();
  const json::Value* member = object != nullptr ? object->if_contains(key) : nullptr;
  return member != nullptr && !member->is_null() ? member : nullptr;
}

std::string text_at(const json::Value& value, std::string_view key) {
  const json::Value* member = at(value, key);
  return member != nullptr && member->is_string() ? printable(std::string(member->get_string()))
                                                  : std::string();
}

std::optional<double> number_at(const json::Value& value, std::string_view key) {
  const json::Value* member = at(value, key);
  if (member == nullptr || !member->is_number()) return {};
  return member->to_number<double>();
}

std::string count_at(const json::Value& value, std::string_view key) {
  const auto number = number_at(value, key);
  return number ? group_digits(static_cast<std::int64_t>(*number)) : "";
}

std::string latency_of(const json::Value& value) {
  constexpr double per_second = 1000;
  const auto milliseconds = number_at(value, "latency_ms");
  if (!milliseconds) return "running";
  return *milliseconds < 10 ? fmt::format("{:.2f} ms", *milliseconds)
                            : format_seconds(*milliseconds / per_second);
}

/// To the micro-dollar, and further where that would show nothing.
std::string dollars(std::optional<double> cost) {
  if (!cost) return "";
  constexpr double micro = 1e-6;
  return *cost != 0 && *cost < micro ? fmt::format("${:.3g}", *cost)
                                     : fmt::format("${:.6f}", *cost);
}

/// "2026-11-28T08:00:00.123456Z" -> "2026-11-28 08:00:00"
std::string short_time(std::string time) {
  constexpr std::size_t seconds_end = 19;
  if (time.size() > seconds_end) time.resize(seconds_end);
  if (time.size() > 10 && time[10] == 'T') time[10] = ' ';
  return time;
}

std::string tokens_of(const json::Value& run) {
  const json::Value* usage = at(run, "usage");
  if (usage == nullptr) return "";
  const std::string out = count_at(*usage, "output_tokens");
  std::string text = count_at(*usage, "input_tokens");
  if (!out.empty() && out != "0") text += " > " + out;
  return text.empty() ? "" : text + " tok";
}

struct Line {
  std::string name, kind, latency, tokens, cost, error;
  std::string indent;  ///< Of what stands below the name.
};

Line line_of(const json::Value& run, const std::string& lead, const std::string& indent) {
  Line line;
  line.name = lead + text_at(run, "name");
  line.kind = text_at(run, "kind");
  line.latency = latency_of(run);
  line.tokens = tokens_of(run);
  if (const json::Value* cost = at(run, "cost")) line.cost = dollars(number_at(*cost, "total_usd"));
  line.error = text_at(run, "error");
  line.indent = indent;
  return line;
}

/// A run whose line is not written yet.
struct Pending {
  const json::Value* run = nullptr;
  std::string lead, indent;
};

/// All runs in the order of the tree, however deep it is.
std::vector<Line> lines_of(const json::Value& roots) {
  std::vector<Line> lines;
  std::vector<Pending> stack;
  const auto push = [&stack](const json::Value& runs, const std::string& indent, bool is_root) {
    const json::Array* array = runs.if_array();
    if (array == nullptr) return;
    for (std::size_t i = array->size(); i-- > 0;) {
      const bool is_last = i + 1 == array->size();
      stack.push_back({&(*array)[i], is_root ? "" : indent + (is_last ? "└─ " : "├─ "),
                       is_root ? "" : indent + (is_last ? "   " : "│  ")});
    }
  };
  push(roots, "", true);
  while (!stack.empty()) {
    const Pending next = std::move(stack.back());
    stack.pop_back();
    lines.push_back(line_of(*next.run, next.lead, next.indent));
    if (const json::Value* children = at(*next.run, "children"))
      push(*children, next.indent, false);
  }
  return lines;
}

}  // namespace

std::string render_traces(const json::Value& page) {
  std::vector<std::vector<std::string>> rows;
  if (const json::Value* items = at(page, "items"))
    for (const json::Value& item : items->as_array()) {
      const std::string name = text_at(item, "name");
      constexpr int name_width = 32;
      rows.push_back({text_at(item, "id"), short_time(text_at(item, "start_time")),
                      clip(name.empty() ? "(no root yet)" : name, name_width),
                      text_at(item, "status"), latency_of(item), count_at(item, "run_count"),
                      count_at(item, "total_tokens"), dollars(number_at(item, "cost_usd"))});
    }
  if (rows.empty()) return "No traces match.\n";
  std::string text = format_table(
      {"TRACE", "STARTED (UTC)", "NAME", "STATUS", "LATENCY", "RUNS", "TOKENS", "COST"}, rows);
  const std::string cursor = text_at(page, "next_cursor");
  if (!cursor.empty()) text += fmt::format("There are more: --cursor {}\n", cursor);
  return text;
}

std::string render_trace(const json::Value& trace, const Style& style) {
  std::string text = style.bold(text_at(trace, "id"));
  for (const std::string& part :
       {text_at(trace, "project"), short_time(text_at(trace, "start_time")),
        text_at(trace, "status"), latency_of(trace), count_at(trace, "total_tokens") + " tokens",
        dollars(number_at(trace, "cost_usd"))})
    if (!part.empty()) text += " · " + part;
  text += "\n\n";
  const json::Value* roots = at(trace, "roots");
  if (roots == nullptr) return text;
  const std::vector<Line> lines = lines_of(*roots);
  std::vector<std::vector<std::string>> rows;
  for (const Line& line : lines) {
    const int name_width = std::max(24, style.width - 44);
    rows.push_back({clip(line.name, name_width), line.kind, line.latency, line.tokens, line.cost});
  }
  // The table first, then the errors between its lines.
  const std::string table = format_table({}, rows);
  std::size_t begin = 0;
  for (const Line& line : lines) {
    const std::size_t end = std::min(table.find('\n', begin), table.size());
    text += table.substr(begin, end - begin) + "\n";
    begin = std::min(end + 1, table.size());
    if (!line.error.empty())
      text += line.indent + style.red(clip("error: " + line.error, style.width)) + "\n";
  }
  return text;
}

}  // namespace slipway::app
