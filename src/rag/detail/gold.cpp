#include "rag/detail/gold.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "rag/detail/defaults.hpp"

namespace slipway::rag::detail {

namespace {

double discount(std::size_t rank) { return std::log2(static_cast<double>(rank) + 1); }

/// The grade of a document that is named by path, uri or id; and which name it was.
std::pair<double, std::string> grade_of(const SearchItem& item, const GoldQuestion& question) {
  for (const std::string* name : {&item.path, &item.uri, &item.document_id})
    if (const auto found = question.relevance.find(*name); found != question.relevance.end())
      return {found->second, *name};
  return {0, ""};
}

GoldScores score(const std::vector<Passage>& passages, const GoldQuestion& question) {
  std::set<std::string> documents, relevant_found;
  double gain = 0;
  for (const Passage& passage : passages) {
    if (!documents.insert(passage.item.document_id).second) continue;
    const auto [grade, name] = grade_of(passage.item, question);
    if (grade <= 0) continue;
    relevant_found.insert(name);
    gain += grade / discount(documents.size());
  }
  std::vector<double> grades;
  for (const auto& [name, grade] : question.relevance)
    if (grade > 0) grades.push_back(grade);
  std::sort(grades.begin(), grades.end(), std::greater<>());
  double ideal = 0;
  for (std::size_t i = 0; i < grades.size(); ++i) ideal += grades[i] / discount(i + 1);
  return {static_cast<double>(relevant_found.size()) / static_cast<double>(grades.size()),
          gain / ideal};
}

}  // namespace

Result<GoldScores> score_gold(const Context& context, Shelf& shelf, Texts& texts,
                              const std::shared_ptr<OpenCollection>& generation,
                              const std::vector<GoldQuestion>& questions, int limit) {
  GoldScores mean;
  for (const GoldQuestion& question : questions) {
    SearchRequest request;
    request.collection = generation->row.plain_name();
    request.query = question.input;
    request.limit = limit;
    request = with_defaults(std::move(request), shelf.defaults_of(generation->row));
    const Retrieved retrieved = TRY(retrieve(context, shelf, texts, request, generation));
    const GoldScores one = score(retrieved.passages, question);
    mean.recall += one.recall;
    mean.ndcg += one.ndcg;
  }
  mean.recall /= static_cast<double>(questions.size());
  mean.ndcg /= static_cast<double>(questions.size());
  return mean;
}

}  // namespace slipway::rag::detail
