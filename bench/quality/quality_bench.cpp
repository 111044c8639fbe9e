// Measures retrieval and citations on questions with gold spans, in process.
//
//   quality_bench CORPORA_FOLDER QUESTIONS.jsonl MODELS_FOLDER [--features FILE]
//
// Ingests the corpora into a temporary library, then for every question: searches in each mode and
// compares the five best chunks with the gold characters; asks in mode extract and checks every
// citation against the file's bytes; asks again with the question's own corpus filtered out, where
// the right answer is a refusal. Prints one JSON object. --features writes what calibrate.py fits
// the refusal threshold to.
#include <fstream>
#include <iostream>

#include "core/files.hpp"
#include "rag/library.hpp"

using namespace slipway;

namespace {

struct Question {
  std::string question;
  std::string corpus;
  std::vector<std::array<std::size_t, 2>> gold;
};
BOOST_DESCRIBE_STRUCT(Question, (), (question, corpus, gold))

struct Overlap {
  double recall = 0, precision = 0;
};

/// Characters (bytes) of gold that the spans cover, and the share of the spans that is gold.
Overlap overlap(const Question& question, const std::vector<rag::SearchItem>& items,
                std::size_t limit) {
  std::map<std::size_t, std::size_t> spans;  // Chunks without overlap do not meet.
  std::size_t retrieved = 0, gold = 0, both = 0;
  for (std::size_t i = 0; i < items.size() && i < limit; ++i) {
    retrieved += static_cast<std::size_t>(*items[i].byte_end - *items[i].byte_start);
    if (items[i].path == question.corpus)
      spans[static_cast<std::size_t>(*items[i].byte_start)] =
          static_cast<std::size_t>(*items[i].byte_end);
  }
  for (const auto& [start, end] : question.gold) {
    gold += end - start;
    for (const auto& [from, to] : spans)
      if (from < end && start < to) both += std::min(end, to) - std::max(start, from);
  }
  return {gold == 0 ? 0 : static_cast<double>(both) / static_cast<double>(gold),
          retrieved == 0 ? 0 : static_cast<double>(both) / static_cast<double>(retrieved)};
}

struct Totals {
  std::map<std::string, Overlap> modes;
  std::size_t answered = 0, refused = 0, false_answers = 0, rightly_refused = 0;
  std::size_t citations = 0, exact = 0, right_document = 0, touches_gold = 0,
              answers_touching_gold = 0;
  double search_ms = 0, ask_ms = 0;
};

class Bench {
 public:
  Bench(rag::Library& library, std::filesystem::path corpora)
      : library_(library), corpora_(std::move(corpora)) {}

  Result<void> ask_all(const std::vector<Question>& questions, std::ostream* features) {
    for (const Question& question : questions) {
      TRY(search(question));
      const rag::Answer answer = TRY(ask(question, false));
      const rag::Answer elsewhere = TRY(ask(question, true));
      TRY(judge(question, answer));
      if (elsewhere.refused)
        ++totals_.rightly_refused;
      else
        ++totals_.false_answers;
      if (features != nullptr)
        *features << json::dump(json::Object{{"question", question.question},
                                             {"signals", json::to(answer.signals)},
                                             {"signals_elsewhere", json::to(elsewhere.signals)},
                                             {"answer", answer.answer},
                                             {"answer_elsewhere", elsewhere.answer}})
                  << '\n';
    }
    return {};
  }

  const Totals& totals() const { return totals_; }

 private:
  Result<void> search(const Question& question) {
    constexpr std::size_t chunks = 5;
    for (const auto mode :
         {index::SearchMode::dense, index::SearchMode::lexical, index::SearchMode::hybrid}) {
      const auto reply = TRY(
          library_.search(context_, {.query = question.question, .limit = chunks, .mode = mode}));
      const Overlap found = overlap(question, reply.items, chunks);
      Overlap& sum = totals_.modes[std::string(json::name(mode))];
      sum.recall += found.recall;
      sum.precision += found.precision;
      if (mode == index::SearchMode::hybrid) totals_.search_ms += reply.timing_ms.at("total");
    }
    return {};
  }

  Result<rag::Answer> ask(const Question& question, bool elsewhere) {
    rag::AskRequest request{.question = question.question, .mode = rag::AnswerMode::extract};
    if (elsewhere) request.filter = json::Object{{"path", json::Object{{"$ne", question.corpus}}}};
    auto answer = TRY(library_.ask(context_, request));
    totals_.ask_ms += answer.timing_ms.at("total");
    return answer;
  }

  Result<void> judge(const Question& question, const rag::Answer& answer) {
    if (answer.refused) {
      ++totals_.refused;
      return {};
    }
    ++totals_.answered;
    bool any_gold = false;
    for (const rag::Citation& citation : answer.citations) {
      const std::string bytes = TRY(read_file(corpora_ / citation.path));
      const auto start = static_cast<std::size_t>(*citation.byte_start);
      const auto end = static_cast<std::size_t>(*citation.byte_end);
      ++totals_.citations;
      totals_.exact += bytes.substr(start, end - start) == citation.quote;
      const bool right = citation.path == question.corpus;
      totals_.right_document += right;
      bool gold = false;
      for (const auto& [from, to] : question.gold)
        gold = gold || (right && from < end && start < to);
      totals_.touches_gold += gold;
      any_gold = any_gold || gold;
    }
    totals_.answers_touching_gold += any_gold;
    return {};
  }

  rag::Library& library_;
  std::filesystem::path corpora_;
  Context context_;
  Totals totals_;
};

json::Value summary(const Totals& totals, std::size_t questions, const rag::IngestReport& ingest) {
  const auto count = static_cast<double>(questions);
  const auto share = [](std::size_t part, std::size_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  json::Object modes;
  for (const auto& [name, sum] : totals.modes)
    modes[name] =
        json::Object{{"recall", sum.recall / count}, {"precision", sum.precision / count}};
  return json::Object{
      {"questions", questions},
      {"chunks", ingest.chunks.added + ingest.chunks.reused},
      {"ingest_seconds", ingest.seconds},
      {"gold_characters_at_5_chunks", modes},
      {"search_ms_mean", totals.search_ms / count},
      {"extract_ms_mean", totals.ask_ms / count / 2},
      {"answered_share", share(totals.answered, questions)},
      {"false_answer_share", share(totals.false_answers, questions)},
      {"citations", totals.citations},
      {"citations_exact_share", share(totals.exact, totals.citations)},
      {"citations_right_document_share", share(totals.right_document, totals.citations)},
      {"citations_touching_gold_share", share(totals.touches_gold, totals.citations)},
      {"answers_touching_gold_share", share(totals.answers_touching_gold, totals.answered)}};
}

Result<void> run(const std::filesystem::path& corpora, const std::string& questions_file,
                 const std::string& models, const std::string& features_file) {
  std::vector<Question> questions;
  std::ifstream lines(questions_file);
  for (std::string line; std::getline(lines, line);)
    questions.push_back(TRY(json::from<Question>(TRY(json::parse(line)))));
  const auto database = TRY(store::Database::open({.path = ":memory:"}, rag::migrations()));
  const auto blobs = store::BlobStore::in_memory();
  const auto catalog = TRY(models::Catalog::open({.folders = {models}, .configured = {}}));
  const auto library = TRY(rag::Library::open(
      {.database = *database, .blobs = *blobs, .catalog = *catalog, .declared = {}}));
  const auto ingest = TRY(library->ingest({}, {.sources = {corpora.string()}}));
  std::ofstream features;
  if (!features_file.empty()) features.open(features_file);
  Bench bench(*library, corpora);
  TRY(bench.ask_all(questions, features_file.empty() ? nullptr : &features));
  std::cout << json::dump_pretty(summary(bench.totals(), questions.size(), ingest));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const bool with_features = argc == 6 && std::string_view(argv[4]) == "--features";
  if (argc != 4 && !with_features) {
    std::cerr
        << "usage: quality_bench CORPORA_FOLDER QUESTIONS.jsonl MODELS_FOLDER [--features FILE]\n";
    return 2;
  }
  const auto done = run(argv[1], argv[2], argv[3], with_features ? argv[5] : "");
  if (done) return 0;
  std::cerr << "quality_bench: " << done.error().message() << '\n';
  return 1;
}
