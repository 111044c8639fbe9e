// Measures searches of a resident process: what a server or a library user sees.
//
//   search_bench DATA_FOLDER MODELS_FOLDER QUESTIONS.txt [MODE [LIMIT]]
//
// One question a line. Opens the collection 'default' of DATA_FOLDER, asks every question once to
// warm up and once for the record, and prints one JSON object: milliseconds of each search with its
// embedding, and of the parts.
#include <fstream>
#include <iostream>

#include "core/sandbox.hpp"
#include "rag/library.hpp"

using namespace slipway;

namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

struct Request {
  std::filesystem::path data;
  std::filesystem::path models;
  std::string questions;
  index::SearchMode mode = index::SearchMode::hybrid;
  int limit = 10;
};

Result<Request> read_arguments(int argc, char** argv) {
  if (argc < 4 || argc > 6)
    return fail(Code::invalid_argument,
                "usage: search_bench DATA_FOLDER MODELS_FOLDER QUESTIONS.txt [MODE [LIMIT]]");
  Request request{.data = argv[1], .models = argv[2], .questions = argv[3]};
  if (argc > 4)
    request.mode = TRY(json::from<index::SearchMode>(json::Value(boost::json::string(argv[4]))));
  if (argc > 5) request.limit = std::atoi(argv[5]);
  return request;
}

Result<json::Value> measure(rag::Library& library, const Request& request) {
  std::ifstream lines(request.questions);
  std::vector<std::string> questions;
  for (std::string line; std::getline(lines, line);) questions.push_back(line);
  std::vector<double> total_ms;
  std::map<std::string, std::vector<double>> parts_ms;
  std::int64_t matches = 0;
  for (const bool recorded : {false, true}) {
    for (const std::string& question : questions) {
      const auto begin = std::chrono::steady_clock::now();
      const auto reply = TRY(
          library.search({}, {.query = question, .limit = request.limit, .mode = request.mode}));
      const double took = Milliseconds(std::chrono::steady_clock::now() - begin).count();
      if (!recorded) continue;
      total_ms.push_back(took);
      for (const auto& [part, ms] : reply.timing_ms) parts_ms[part].push_back(ms);
      matches = reply.matches;
    }
  }
  return json::Value(json::Object{
      {"chunks", matches}, {"total_ms", json::to(total_ms)}, {"parts_ms", json::to(parts_ms)}});
}

Result<void> run(int argc, char** argv) {
  const Request request = TRY(read_arguments(argc, argv));
  const auto database =
      TRY(store::Database::open({.path = request.data / "slipway.db"}, rag::migrations()));
  const auto blobs = TRY(store::BlobStore::open(request.data / "blobs"));
  const auto catalog = TRY(models::Catalog::open({.folders = {request.models}, .configured = {}}));
  const auto library = TRY(rag::Library::open(
      {.database = *database, .blobs = *blobs, .catalog = *catalog, .declared = {}}));
  std::cout << json::dump(TRY(measure(*library, request))) << '\n';
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  run_sandbox_child(argc, argv);
  const auto done = run(argc, argv);
  if (done) return 0;
  std::cerr << "search_bench: " << done.error().message() << '\n';
  return 1;
}
