// Local evidence beside people, and how fast it is. bench/eval/agreement.py runs it.
//
//   evidence_bench signals|score|relevance [--model FOLDER] [--threads N] FILE
//
// FILE has lines of JSON {"answer": "...", "passages": ["..."]}; for `relevance` the answer is a
// question. Each gives a line: signals {"sentences": [{"signal": value}]}, score {"score": mean
// support}, relevance {"relevance": [one per passage]}; at the end {"answers_per_second"}.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "core/files.hpp"
#include "core/pool.hpp"
#include "eval/detail/evidence.hpp"
#include "eval/detail/evidence_mix.hpp"
#include "eval/local_evidence.hpp"
#include "models/catalog.hpp"

namespace slipway::eval {

namespace {

struct Item {
  std::string answer;
  std::vector<std::string> passages;
};
BOOST_DESCRIBE_STRUCT(Item, (), (answer, passages))

struct Wanted {
  std::string what = "score";
  std::string model, file;
  std::size_t threads = 1;
};

Result<std::vector<Item>> read_items(const std::string& path) {
  const std::string text = TRY(read_file(path));
  std::vector<Item> items;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end > at) {
      const json::Value value = TRY(json::parse(std::string_view(text).substr(at, end - at)));
      items.push_back(TRY(json::from<Item>(value, json::Policy::ignore_unknown)));
    }
    at = end + 1;
  }
  return items;
}

Result<json::Value> signals_of(const Context& context, detail::EmbeddedTexts* embedded,
                               const Item& item) {
  std::vector<detail::SourceSentence> sources;
  const auto compared = TRY(detail::compare_sentences(context, embedded, item.answer,
                                                      documents::split_sentences(item.answer),
                                                      item.passages, sources));
  json::Array sentences;
  for (const auto& sentence : compared) {
    json::Object named;
    for (const auto& signal : detail::named_signals(sentence.compared.signals))
      named[signal.name] = signal.value;
    named["trigrams"] = sentence.compared.signals.trigrams;
    named["source_sentences"] = sentence.compared.signals.source_sentences;
    if (const auto cosine = sentence.compared.signals.cosine) named["cosine"] = *cosine;
    sentences.push_back(std::move(named));
  }
  return json::Value(json::Object{{"sentences", std::move(sentences)}});
}

Result<json::Value> score_of(const Context& context, const LocalEvidence& evidence,
                             const Item& item) {
  const auto sentences = TRY(evidence.support(context, item.answer, item.passages));
  const auto score = mean_support(sentences);
  return json::Value(json::Object{{"score", score ? json::Value(*score) : json::Value()}});
}

Result<json::Value> relevance_of(const Context& context, const LocalEvidence& evidence,
                                 const Item& item) {
  const std::vector<std::string_view> texts(item.passages.begin(), item.passages.end());
  const auto relevance = TRY(evidence.relevance(context, item.answer, texts));
  return json::Value(json::Object{{"relevance", json::Array(relevance.begin(), relevance.end())}});
}

Result<void> run(const Wanted& wanted) {
  const Context context;
  const auto items = TRY(read_items(wanted.file));
  std::unique_ptr<models::Catalog> catalog;
  std::shared_ptr<models::Embedder> embedder;
  if (!wanted.model.empty()) {
    const std::filesystem::path folder(wanted.model);
    catalog = TRY(models::Catalog::open({.folders = {folder.parent_path()}}));
    embedder = TRY(catalog->embedder(context, folder.filename().string()));
  }
  const LocalEvidence evidence(embedder.get());
  const auto embedded =
      embedder == nullptr ? nullptr : std::make_unique<detail::EmbeddedTexts>(*embedder);
  std::vector<json::Value> lines(items.size());
  const auto begin = std::chrono::steady_clock::now();
  TRY(parallel_for(context, items.size(), wanted.threads, [&](std::size_t i) -> Result<void> {
    lines[i] = TRY(wanted.what == "signals"     ? signals_of(context, embedded.get(), items[i])
                   : wanted.what == "relevance" ? relevance_of(context, evidence, items[i])
                                                : score_of(context, evidence, items[i]));
    return {};
  }));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  for (const json::Value& line : lines) std::printf("%s\n", json::dump(line).c_str());
  std::printf("%s\n", json::dump(json::Object{{"answers_per_second",
                                               static_cast<double>(items.size()) / taken.count()}})
                          .c_str());
  return {};
}

}  // namespace

}  // namespace slipway::eval

int main(int argc, char** argv) {
  slipway::eval::Wanted wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto value = [&] { return i + 1 < argc ? std::string(argv[++i]) : std::string(); };
    if (argument == "signals" || argument == "score" || argument == "relevance")
      wanted.what = argument;
    else if (argument == "--model")
      wanted.model = value();
    else if (argument == "--threads")
      wanted.threads = static_cast<std::size_t>(std::max(1, std::atoi(value().c_str())));
    else
      wanted.file = argument;
  }
  if (const auto done = slipway::eval::run(wanted); !done) {
    std::fprintf(stderr, "evidence_bench: %s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
