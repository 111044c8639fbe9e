// Random collections and a second, plain implementation of search, for tests.
#pragma once

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "index/index.hpp"
#include "store/database.hpp"

namespace slipway::index {

inline std::vector<float> random_unit(std::mt19937& engine, std::size_t dimension) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimension);
  double square = 0;
  for (float& x : vector) {
    x = normal(engine);
    square += static_cast<double>(x) * x;
  }
  for (float& x : vector) x = static_cast<float>(x / std::sqrt(square));
  return vector;
}

inline std::string random_text(std::mt19937& engine, int words, int vocabulary) {
  std::string text;
  for (int i = 0; i < words; ++i) {
    // Squared, so that some words are common and many are rare.
    const double u = static_cast<double>(engine() % 10'000) / 10'000;
    text += fmt::format("w{} ", static_cast<int>(u * u * vocabulary));
  }
  return text;
}

/// A chunk's text decides its hash; its vector comes from the text, as an embedder's would.
inline IndexedChunk make_chunk(std::string id, std::string text, std::size_t dimension) {
  std::mt19937 engine(static_cast<std::uint32_t>(std::hash<std::string>()(text)));
  IndexedChunk chunk;
  chunk.id = std::move(id);
  chunk.text_hash = "hash of " + text;
  chunk.vector = random_unit(engine, dimension);
  chunk.text = std::move(text);
  return chunk;
}

inline IndexedDocument random_document(std::mt19937& engine, std::string id,
                                       std::size_t dimension) {
  IndexedDocument document;
  document.id = std::move(id);
  document.attributes = {{"metadata", json::Object{{"year", 2000 + engine() % 30},
                                                   {"lang", engine() % 2 ? "en" : "de"}}},
                         {"uri", "file:///" + document.id}};
  const int chunks = static_cast<int>(engine() % 5);
  for (int i = 0; i < chunks; ++i) {
    std::string text = random_text(engine, static_cast<int>(engine() % 40), 60);
    // The id stands in the text, so that ties of the scores are rare but do exist (empty texts).
    document.chunks.push_back(
        make_chunk(fmt::format("{}#{}", document.id, i), std::move(text), dimension));
  }
  return document;
}

/// The contract once more, by the plainest means: maps, loops, full sorts.
class PlainIndex {
 public:
  std::map<std::string, IndexedDocument> documents;

  std::size_t chunk_count() const {
    std::size_t count = 0;
    for (const auto& [id, document] : documents) count += document.chunks.size();
    return count;
  }

  struct Row {
    std::string id;
    double dense = 0, lexical = 0;
  };

  std::vector<Row> rows(const Query& query) const {
    std::map<std::string, std::map<std::string, int>> counts;
    std::map<std::string, double> lengths;
    double total_length = 0;
    for (const auto& [id, document] : documents)
      for (const IndexedChunk& chunk : document.chunks) {
        counts[chunk.id];
        for (const std::string& word : analyze(chunk.text)) {
          ++counts[chunk.id][word];
          ++lengths[chunk.id];
          ++total_length;
        }
      }
    const double n = static_cast<double>(counts.size());
    std::vector<Row> rows;
    for (const auto& [id, document] : documents) {
      if (!query.filter.matches(document.attributes)) continue;
      for (const IndexedChunk& chunk : document.chunks) {
        Row row{chunk.id};
        for (std::size_t i = 0; i < query.vector.size(); ++i)
          row.dense += static_cast<double>(query.vector[i]) * chunk.vector[i];
        for (const std::string& word : analyze(query.text)) {
          double df = 0;
          for (const auto& [other, words] : counts) df += words.contains(word);
          const double tf = counts[chunk.id].contains(word) ? counts[chunk.id][word] : 0;
          const double norm = 1.2 * (1 - 0.75 + 0.75 * lengths[chunk.id] / (total_length / n));
          row.lexical += std::log(1 + (n - df + 0.5) / (df + 0.5)) * tf / (tf + norm);
        }
        rows.push_back(row);
      }
    }
    return rows;
  }
};

}  // namespace slipway::index
