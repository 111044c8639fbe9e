// Reads JSON objects, one a line, and writes what the splitters make of each. Other side of
// compare.py. {"text", "settings", "tokens"?} gives byte offsets [start, end, start, ...];
// {"html", "level_max"} gives sections [heading, body, [[level, title], ...]].
#include <iostream>

#include "core/json.hpp"
#include "core/sandbox.hpp"
#include "documents/splitters.hpp"

namespace {

using slipway::Result;
namespace json = slipway::json;
namespace documents = slipway::documents;

json::Value offsets(const std::vector<documents::Span>& spans) {
  json::Array array;
  for (const documents::Span span : spans) {
    array.push_back(span.start);
    array.push_back(span.end);
  }
  return array;
}

Result<json::Value> split(const json::Object& request) {
  const auto text = TRY(json::from<std::string>(request.at("text")));
  const auto settings = TRY(json::from<documents::SplitterSettings>(request.at("settings")));
  documents::SplitInput input;
  if (const auto* tokens = request.if_contains("tokens"))
    input.tokenize = [tokens](std::string_view) -> Result<std::vector<documents::Span>> {
      std::vector<documents::Span> spans;
      const auto numbers = TRY(json::from<std::vector<std::size_t>>(*tokens));
      for (std::size_t i = 0; i + 1 < numbers.size(); i += 2)
        spans.push_back({numbers[i], numbers[i + 1]});
      return spans;
    };
  return offsets(TRY(documents::split(text, settings, input)));
}

Result<json::Value> sections(const json::Object& request) {
  const auto document = TRY(documents::load(
      slipway::Context(), {.path = "page.html",
                           .bytes = TRY(json::from<std::string>(request.at("html"))),
                           .media_type = "text/html"}));
  const std::string_view text = document.text;
  json::Array array;
  for (const auto& section : documents::split_sections(
           text, document.map.headings, TRY(json::from<int>(request.at("level_max"))))) {
    json::Array path;
    for (const auto& [level, title] : section.path) path.push_back(json::Array{level, title});
    const std::size_t body = std::max(section.heading.end, section.span.start);
    array.push_back(json::Array{text.substr(section.heading.start, section.heading.size()),
                                text.substr(body, section.span.end - body), path});
  }
  return json::Value(array);
}

Result<void> run() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = TRY(json::from<json::Object>(TRY(json::parse(line))));
    const auto reply = request.contains("html") ? sections(request) : split(request);
    if (!reply) return slipway::fail(reply.error().code(), "{}: {}", reply.error().message(), line);
    std::cout << json::dump(*reply) << '\n';
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  slipway::run_sandbox_child(argc, argv);  // HTML is read in a child.
  std::ios::sync_with_stdio(false);
  if (const auto done = run(); !done) {
    std::cerr << done.error().message() << '\n';
    return 1;
  }
}
