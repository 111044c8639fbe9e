// Reads JSON objects, one a line, and writes what the splitters make of each. Other side of
// compare.py. {"text", "settings", "tokens"?} gives byte offsets [start, end, start, ...], with
// "tokenizer" those of the tokens of that tokenizer.json; {"html", "level_max"} gives sections
// [heading, body, [[level, title], ...]]; {"html", "settings"} gives chunks.
#include <iostream>
#include <map>

#include "core/files.hpp"
#include "core/json.hpp"
#include "core/sandbox.hpp"
#include "documents/splitters.hpp"
#include "models/detail/wordpiece.hpp"

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

using slipway::models::detail::WordPiece;

/// Opened once.
Result<const WordPiece*> tokenizer(const std::string& path) {
  static std::map<std::string, WordPiece> opened;
  auto found = opened.find(path);
  if (found == opened.end())
    found = opened.emplace(path, TRY(WordPiece::parse(TRY(slipway::read_file(path))))).first;
  return &found->second;
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
  if (const auto* path = request.if_contains("tokenizer")) {
    const WordPiece* model = TRY(tokenizer(TRY(json::from<std::string>(*path))));
    input.tokenize = [model](std::string_view all) -> Result<std::vector<documents::Span>> {
      std::vector<documents::Span> spans;
      for (const auto& token : model->spans(all)) spans.push_back({token.start, token.end});
      return spans;
    };
  }
  return offsets(TRY(documents::split(text, settings, input)));
}

Result<documents::Document> load_page(const json::Object& request) {
  return documents::load(slipway::Context(),
                         {.path = "page.html",
                          .bytes = TRY(json::from<std::string>(request.at("html"))),
                          .media_type = "text/html"});
}

Result<json::Value> page_chunks(const json::Object& request) {
  const auto document = TRY(load_page(request));
  const auto settings = TRY(json::from<documents::SplitterSettings>(request.at("settings")));
  documents::SplitInput input;
  input.map = &document.map;
  json::Array chunks;
  for (const documents::Span span : TRY(documents::split(document.text, settings, input)))
    chunks.push_back(json::Value(document.text.substr(span.start, span.size())));
  return json::Value(chunks);
}

Result<json::Value> sections(const json::Object& request) {
  const auto document = TRY(load_page(request));
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
    const auto reply = !request.contains("html")      ? split(request)
                       : request.contains("settings") ? page_chunks(request)
                                                      : sections(request);
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
